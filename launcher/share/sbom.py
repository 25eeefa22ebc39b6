"""What a script gets as a CycloneDX bill of materials, version 1.6, in JSON. Pure.

https://cyclonedx.org/docs/1.6/json/ has the schema; package URLs follow the type ``pypi`` of the purl specification.
"""

from __future__ import annotations

import json
import uuid
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any
from urllib.parse import quote

from launcher import __version__
from launcher.resolve.candidate import Candidate
from launcher.resolve.resolution import Pin
from launcher.resolve.urls import is_version_control, sha256_in
from launcher.share.exported import Exported, is_from_index, location_of
from launcher.share.licences import Description

_SCHEMA = "http://cyclonedx.org/schema/bom-1.6.schema.json"
_PYTHON = "python"
_NAMESPACE = uuid.UUID("2f5d6c4e-9a0b-5c51-8d6e-0d6f9b1f7a35")


def cyclonedx_text(
    exported: Exported, script_sha256: str | None, descriptions: Mapping[str, Description], made_at_s: int
) -> str:
    """Return the document: the same text for the same packages, script and time, its serial number included.

    `descriptions` are by name; `made_at_s` is in seconds since the epoch. A script without a hash is none at all.
    """
    top = _script(exported, script_sha256)
    document: dict[str, Any] = {
        "$schema": _SCHEMA,
        "bomFormat": "CycloneDX",
        "specVersion": "1.6",
        "serialNumber": "",
        "version": 1,
        "metadata": {
            "timestamp": datetime.fromtimestamp(made_at_s, UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
            "tools": {"components": [{"type": "application", "name": "pyscript", "version": __version__}]},
            "component": top,
        },
        "components": [
            _interpreter(exported),
            *(_component(pin, descriptions.get(pin.candidate.name, Description())) for pin in exported.pins),
        ],
        "dependencies": _dependencies(exported, top["bom-ref"]),
    }
    serial = uuid.uuid5(_NAMESPACE, json.dumps(document, sort_keys=True))
    return json.dumps({**document, "serialNumber": f"urn:uuid:{serial}"}, indent=2, ensure_ascii=False) + "\n"


def package_url(candidate: Candidate) -> str:
    """Return the package URL of a candidate.

    >>> package_url(Candidate("demo", "1.0+cpu", "demo-1.0+cpu-py3-none-any.whl", "", index="https://host/simple/"))
    'pkg:pypi/demo@1.0%2Bcpu'
    """
    plain = f"pkg:pypi/{candidate.name}@{quote(candidate.version, safe='')}"
    if is_from_index(candidate) or candidate.url.startswith("file:"):
        return plain
    qualifier = "vcs_url" if is_version_control(candidate.url) else "download_url"
    return f"{plain}?{qualifier}={quote(location_of(candidate), safe=':/')}"


def _script(exported: Exported, sha256: str | None) -> dict[str, Any]:
    component: dict[str, Any] = {"type": "application", "bom-ref": f"script:{exported.title}", "name": exported.title}
    return {**component, "hashes": _hashes(sha256)} if sha256 else component


def _interpreter(exported: Exported) -> dict[str, Any]:
    interpreter = exported.survey.interpreter
    name = "pypy" if interpreter.implementation == "pypy" else "python"
    version = interpreter.version
    return {
        "type": "platform",
        "bom-ref": _PYTHON,
        "name": name,
        "version": version,
        "purl": f"pkg:generic/{name}@{version}",
    }


def _component(pin: Pin, description: Description) -> dict[str, Any]:
    candidate = pin.candidate
    component: dict[str, Any] = {
        "type": "library",
        "bom-ref": package_url(candidate),
        "name": candidate.name,
        "version": candidate.version,
    }
    if description.summary:
        component["description"] = description.summary
    if sha256 := candidate.sha256 or sha256_in(candidate.url):
        component["hashes"] = _hashes(sha256)
    if description.expression:
        component["licenses"] = [{"expression": description.expression, "acknowledgement": "declared"}]
    elif description.names:
        component["licenses"] = [
            {"license": {"name": name, "acknowledgement": "declared"}} for name in description.names
        ]
    component["purl"] = package_url(candidate)
    # A path would tell of the machine it was made on.
    if not candidate.url.startswith("file:"):
        kind = "vcs" if is_version_control(candidate.url) else "distribution"
        component["externalReferences"] = [{"type": kind, "url": location_of(candidate)}]
    return component


def _hashes(sha256: str) -> list[dict[str, str]]:
    return [{"alg": "SHA-256", "content": sha256}]


def _dependencies(exported: Exported, top: str) -> list[dict[str, Any]]:
    references = {pin.candidate.name: package_url(pin.candidate) for pin in exported.pins}
    roots = exported.survey.resolution.roots if exported.survey.resolution else ()
    needed = {references[pin.candidate.name]: pin.dependencies for pin in exported.pins}
    rows = [{"ref": top, "dependsOn": [_PYTHON, *sorted({references[name] for name in roots if name in references})]}]
    rows.append({"ref": _PYTHON})
    for reference, names in needed.items():
        below = sorted({references[name] for name in names if name in references})
        rows.append({"ref": reference, **({"dependsOn": below} if below else {})})
    return rows
