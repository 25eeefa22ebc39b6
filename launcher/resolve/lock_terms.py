"""What a lock of a script has to be made for, by which it can be told whether it is outdated. Pure."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from launcher.digest import digest_of
from launcher.resolve.lockfile import LockTerms
from launcher.resolve.resolution import DECIDING_SETTINGS, Policy
from launcher.resolve.urls import mask_credentials
from launcher.script.inline_metadata import ScriptMetadata
from launcher.settings import Settings, is_of_script, key_of


def terms_of(metadata: ScriptMetadata, settings: Settings, policy: Policy) -> LockTerms:
    """Return what a lock for a script with this block and these settings has to be made for.

    Settings count that the block or the command line makes. Those of a machine do not: a lock goes from one to another,
    and one that has a mirror of the index in its configuration gets the same files from there.
    """
    deciding = {key_of(name): name for name in DECIDING_SETTINGS}
    said: dict[str, Any] = {key: value for key, value in _table(metadata).items() if key in deciding}
    origins = {key: settings.origins.get(name, "") for key, name in deciding.items()}
    said |= {key: repr(getattr(settings, deciding[key])) for key in deciding if origins[key].startswith("--")}
    for name, written in (("constraint", policy.constraints), ("override", policy.overrides)):
        if name in said and (is_of_script(origins[name]) or origins[name].startswith("--")):
            # A file is named there, maybe, and what it says is what counts.
            said[name] = sorted((each.text.strip(), each.hashes) for each in written)
    text = mask_credentials(json.dumps(said, sort_keys=True, default=str)) if said else ""
    requirements = tuple(mask_credentials(each.text.strip()) for each in metadata.dependencies)
    return LockTerms(requirements, metadata.requires_python, digest_of(text) if text else "")


def _table(metadata: ScriptMetadata) -> Mapping[str, Any]:
    """Return the block's table of settings as it is written: there, paths are relative."""
    name, values = metadata.settings_table
    if name != "uv":
        return values
    from launcher.script.uv_table import read_uv_table  # noqa: PLC0415 - 1 ms, for scripts that were written for uv

    return read_uv_table(values).values
