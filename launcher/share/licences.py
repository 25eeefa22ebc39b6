"""What a package's METADATA says of its licence and of itself, for lists of what software consists of. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from packaging.licenses import InvalidLicenseExpression, canonicalize_license_expression

from launcher.environment.dist_info import header_fields

_LONGEST_NAME = 100
_UNAMBIGUOUS = {
    "Apache Software License": "Apache-2.0",
    "GNU Affero General Public License v3": "AGPL-3.0-only",
    "GNU General Public License v2 (GPLv2)": "GPL-2.0-only",
    "GNU General Public License v3 (GPLv3)": "GPL-3.0-only",
    "ISC License (ISCL)": "ISC",
    "MIT License": "MIT",
    "MIT No Attribution License (MIT-0)": "MIT-0",
    "Mozilla Public License 2.0 (MPL 2.0)": "MPL-2.0",
    "The Unlicense (Unlicense)": "Unlicense",
    "Zero-Clause BSD (0BSD)": "0BSD",
    "zlib/libpng License": "Zlib",
}
"""Classifiers that name one licence and one version of it; the rest, such as "BSD License", stand for several.

There was one Apache licence besides 2.0 in 2000, and no Python package has it.
"""


@dataclass(frozen=True, slots=True)
class Description:
    """A package's one-line `summary`, and its licence: as an SPDX `expression`, else by the `names` it is given."""

    summary: str = ""
    expression: str | None = None
    names: tuple[str, ...] = ()


def describe(metadata: bytes) -> Description:
    """Return what METADATA says: its License-Expression, else License where that is one, else the classifiers."""
    fields = header_fields(metadata.decode("utf-8", "replace"))
    summary = " ".join(_first(fields, "summary").split())
    stated = _first(fields, "license").strip()
    classified = [
        each.rpartition("::")[2].strip()
        for each in fields.get("classifier", ())
        if each.startswith("License ::") and not each.endswith("OSI Approved")
    ]
    for text in (_first(fields, "license-expression"), stated):
        if (expression := _expression(text)) is not None:
            return Description(summary, expression)
    if len(classified) == 1 and classified[0] in _UNAMBIGUOUS:
        return Description(summary, _UNAMBIGUOUS[classified[0]])
    # The field may hold the whole text of a licence.
    name = stated.splitlines()[0].strip() if stated else ""
    is_name = 0 < len(name) <= _LONGEST_NAME and name.upper() != "UNKNOWN"
    return Description(summary, names=tuple(dict.fromkeys(classified or ([name] if is_name else []))))


def _first(fields: Mapping[str, Sequence[str]], name: str) -> str:
    return next(iter(fields.get(name, ())), "")


def _expression(text: str) -> str | None:
    if not text or "\n" in text or len(text) > _LONGEST_NAME:
        return None
    try:
        return canonicalize_license_expression(text)
    except InvalidLicenseExpression:
        return None
