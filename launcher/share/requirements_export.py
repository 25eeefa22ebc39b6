"""What a script gets as a ``requirements.txt``: pinned, with hashes, and for each who wanted it. Pure."""

from __future__ import annotations

from collections.abc import Iterator

from launcher.resolve.resolution import Pin
from launcher.resolve.urls import mask_credentials
from launcher.share.exported import Exported, is_from_index, location_of

_INDENT = "    "


def requirements_text(exported: Exported, *, with_hashes: bool = True) -> str:
    """Return the file. pip takes it with ``--require-hashes`` where every package has a hash; else none is written.

    pip wants a hash for all packages or for none, and takes none for a repository or a directory.
    """
    has_hashes = with_hashes and not exported.without_hash
    option = " --require-hashes" if has_hashes else ""
    lines = [
        f"# Made by: pyscript export {exported.title} --format requirements",
        f"# For {exported.python}. Install it with: pip install{option} --no-deps -r FILE",
        *exported.index_options,
    ]
    for pin in exported.pins:
        lines += _lines_of(pin, exported, has_hashes=has_hashes)
    return "\n".join(lines) + "\n"


def _lines_of(pin: Pin, exported: Exported, *, has_hashes: bool) -> Iterator[str]:
    candidate = pin.candidate
    hashes = exported.hashes[candidate.name] if has_hashes else ()
    parts = [_requirement(pin), *(f"{_INDENT}--hash=sha256:{each}" for each in hashes)]
    yield from (f"{part} \\" for part in parts[:-1])
    yield parts[-1]
    wanted_by = _wanted_by(candidate.name, exported)
    if len(wanted_by) == 1:
        yield f"{_INDENT}# via {wanted_by[0]}"
    elif wanted_by:
        yield f"{_INDENT}# via"
        yield from (f"{_INDENT}#   {each}" for each in wanted_by)


def _requirement(pin: Pin) -> str:
    """Return one pin as pip reads it; extras are left out, because what they bring is pinned as well."""
    candidate = pin.candidate
    if is_from_index(candidate):
        return f"{candidate.name}=={candidate.version}"
    location = location_of(candidate)
    return f"-e {location}" if candidate.is_editable else f"{candidate.name} @ {location}"


def _wanted_by(name: str, exported: Exported) -> list[str]:
    """Return who needs a package: packages by name, and what somebody wrote by where it stands."""
    needing = [each for each in exported.relations if each.needed == name]
    by_package = sorted({each.by for each in needing if each.by})
    written = [mask_credentials(each.requested.origin) for each in needing if each.requested]
    return [*by_package, *dict.fromkeys(" ".join(each.split()) for each in written)]
