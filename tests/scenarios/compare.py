"""The scenarios run against uv and pip, on the same index: ``python -m tests.scenarios.compare [PART OF A NAME...]``.

Prints every difference with the reason that the scenario gives for it (``differs``). Fails where a difference has no
reason, and where a reason has no difference any more. Both tools are told the scenario's interpreter; for another than
its own pip takes wheels alone, so it is not asked about source distributions. Compared are the pins, or that there are
none: what pip and uv say then is not looked at.
"""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import tempfile
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path

from packaging.utils import canonicalize_name

from tests.scenarios.interpreters import PLATFORMS
from tests.scenarios.world import Scenario, formats_in, load_scenarios, requested_in, serve
from tests.support.index_server import IndexServer

_NO_ANSWER = ("no answer",)
_AT_ONCE = 2

_LACKS = {
    "uv": {},
    "pip": {
        "override": "overrides",
        "resolution": "a choice of direction",
        "exclude-newer-package": "limits by package",
        "no-binary": "source distributions for another interpreter",
        "no-binary-package": "source distributions for another interpreter",
    },
}
"""What a tool does not have, by the key in ``policy``."""


@dataclass(frozen=True)
class _Asked:
    """One scenario on its index, as command lines need it."""

    scenario: Scenario
    index_url: str
    requirements: Path
    constraints: Path
    overrides: Path
    directory: Path

    @property
    def python(self) -> str:
        return str(self.scenario.get("python", "3.12.1"))

    def policy(self, key: str) -> str | None:
        value = self.scenario.get("policy", {}).get(key)
        return None if value is None else str(value)


def _write(asked: _Asked, server: IndexServer) -> None:
    asked.requirements.write_text("".join(f"{each.text}\n" for each in requested_in(asked.scenario, server)))
    for key, path in (("constraint", asked.constraints), ("override", asked.overrides)):
        texts = asked.scenario.get("policy", {}).get(key, [])
        path.write_text("".join(f"{text.replace('{files}', f'{server.origin}/files')}\n" for text in texts))


def _ask_uv(asked: _Asked) -> tuple[str, ...]:
    command = [
        *("uv", "pip", "compile", str(asked.requirements), "--index-url", asked.index_url, "--no-cache", "--no-config"),
        *("--python-version", asked.python, "--python-platform", "x86_64-manylinux_2_28"),
        *("--no-header", "--no-annotate", "--quiet", "--python", sys.executable),
        *("--constraints", str(asked.constraints), "--overrides", str(asked.overrides)),
    ]
    for key in ("prerelease", "resolution", "exclude-newer"):
        # What we call if-necessary is uv's default, if-necessary-or-explicit.
        value = asked.policy(key)
        command += [f"--{key}={value}"] if value is not None and value != "if-necessary" else []
    formats = formats_in(asked.scenario)
    for name in (*([":all:"] if formats.no_build else []), *sorted(formats.no_build_package)):
        command += ["--only-binary", name]
    for name in (*([":all:"] if formats.no_binary else []), *sorted(formats.no_binary_package)):
        command += ["--no-binary", name]
    for name, value in asked.scenario.get("policy", {}).get("exclude-newer-package", {}).items():
        command += ["--exclude-newer-package", f"{name}={str(value).lower() if value is False else value}"]
    # uv takes a date in the machine's time zone.
    output = _run(command, {"TZ": "UTC"})
    if output is None:
        return _NO_ANSWER
    return tuple(sorted(_pin_of_line(line) for line in output.splitlines() if line.strip()))


def _pin_of_line(line: str) -> str:
    """Return ``name==version`` for a line of a compiled file, whose URLs end in the name of a wheel or an archive."""
    name, at, url = line.partition(" @ ")
    filename = url.partition("#")[0].rpartition("/")[2].removesuffix(".tar.gz")
    return f"{name}=={filename.split('-')[1]}" if at else line.partition(" ;")[0].strip()


def _ask_pip(asked: _Asked) -> tuple[str, ...]:
    report = asked.directory / "report.json"
    command = [
        *(sys.executable, "-m", "pip", "install", "--dry-run", "--ignore-installed", "--report", str(report)),
        *("--index-url", asked.index_url, "--no-cache-dir", "--isolated", "--disable-pip-version-check", "--quiet"),
        *("--only-binary", ":all:", "--implementation", "cp", "--python-version", asked.python),
        *("--target", str(asked.directory / "target"), "--constraint", str(asked.constraints)),
        *("--requirement", str(asked.requirements)),
    ]
    for platform in PLATFORMS:
        command += ["--platform", platform]
    if asked.policy("prerelease") == "allow":
        command.append("--pre")
    if asked.policy("prerelease") == "disallow":
        command += ["--only-final", ":all:"]
    if (moment := asked.policy("exclude-newer")) is not None:
        if re.fullmatch(r"[\d-]+", moment):
            # pip takes a date for its first moment, in the machine's time zone; we and uv for its last.
            moment = f"{date.fromisoformat(moment) + timedelta(days=1)}T00:00:00Z"
        command += ["--uploaded-prior-to", moment]
    if _run(command, {}) is None:
        return _NO_ANSWER
    found = [item["metadata"] for item in json.loads(report.read_text())["install"]]
    return tuple(sorted(f"{canonicalize_name(each['name'])}=={each['version']}" for each in found))


def _run(command: Sequence[str], environ: dict[str, str]) -> str | None:
    """Return what a command prints, or None where it fails."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("PIP_", "UV_"))}
    done = subprocess.run(command, capture_output=True, text=True, check=False, env=kept | environ, timeout=120)
    return done.stdout if done.returncode == 0 else None


_TOOLS: dict[str, Callable[[_Asked], tuple[str, ...]]] = {"uv": _ask_uv, "pip": _ask_pip}


def _lacks(tool: str, scenario: Scenario) -> bool:
    """Tell whether a scenario is about something that a tool does not have."""
    kinds = [what.get("sdist") for what in scenario["packages"].values() if isinstance(what, dict)]
    is_built = any(isinstance(kind, str) for kind in kinds) and not formats_in(scenario).no_build
    return bool(_LACKS[tool].keys() & scenario.get("policy", {}).keys()) or (tool == "pip" and is_built)


def _differences(scenario: Scenario) -> dict[str, str]:
    """Return what each tool answers that answers otherwise than we; what a tool does not have is left out."""
    ours = _NO_ANSWER if "error" in scenario else tuple(sorted(scenario["pins"]))
    found = {}
    with IndexServer() as server, tempfile.TemporaryDirectory() as name:
        serve(scenario, server)
        place = Path(name)
        files = (place / "requirements.in", place / "constraints.txt", place / "overrides.txt")
        asked = _Asked(scenario, server.index_url, *files, place)
        _write(asked, server)
        for tool, ask in _TOOLS.items():
            if not _lacks(tool, scenario) and (theirs := ask(asked)) != ours:
                found[tool] = f"{', '.join(theirs)}; ours is {', '.join(ours)}"
    return found


def main(parts: Sequence[str]) -> int:
    """Compare the scenarios whose names have one of `parts` in them, or all; return the exit code."""
    chosen = [each for each in load_scenarios() if not parts or any(part in each[0] for part in parts)]
    with ThreadPoolExecutor(_AT_ONCE) as pool:
        differences = list(pool.map(_differences, [scenario for _, scenario in chosen]))
    problems = justified = 0
    for (name, scenario), found in zip(chosen, differences, strict=True):
        reasons = scenario.get("differs", {})
        for tool in _TOOLS:
            if tool in found and tool in reasons:
                justified += 1
                print(f"{name}\n    {tool}: {found[tool]}\n    why: {reasons[tool]}")
            elif tool in found:
                problems += 1
                print(f"{name}\n    {tool}: {found[tool]}\n    WITHOUT A REASON: write one, or mend the resolver")
            elif tool in reasons:
                problems += 1
                print(f"{name}\n    {tool}: answers as we do, but the scenario gives a reason why not: take it out")
    print(f"{len(chosen)} scenarios, {justified} justified differences, {problems} problems")
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
