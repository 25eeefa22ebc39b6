"""Small random worlds: an answer is right, no answer means there is none, and then there are words for it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import product
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from packaging.pylock import Pylock
from packaging.requirements import Requirement
from packaging.version import Version

from launcher.errors import PackageNotFound, ResolutionImpossible
from launcher.python.query import Interpreter
from launcher.reporter import SilentReporter
from launcher.resolve.candidate import Candidate
from launcher.resolve.dependencies import DependencyReader
from launcher.resolve.formats import Formats
from launcher.resolve.lock_packages import LockPlace, lock_packages
from launcher.resolve.lockfile import Lock
from launcher.resolve.metadata import WheelMetadata
from launcher.resolve.page_files import PageFile
from launcher.resolve.pages import ProjectPage, make_page
from launcher.resolve.platforms import read_platform
from launcher.resolve.provider import _Provider, resolve
from launcher.resolve.resolution import Policy, Requested
from launcher.resolve.targets import target_interpreter
from launcher.resolve.universal import Target, UniversalRequest, resolve_universally
from tests.scenarios.interpreters import make_interpreter

World = Mapping[tuple[str, str], Sequence[str]]
"""What each (name, version) needs."""

NAMES = ("a", "b", "c", "d")
VERSIONS = ("1", "2", "3")
INTERPRETER = make_interpreter()

requirements = st.builds(
    "{}{}{}".format,
    st.sampled_from(NAMES),
    st.sampled_from(["", "[x]", "[y]"]),
    st.sampled_from(["", "", "==1", "==2", ">=2", "<3", "<2", "!=2", ">3"]),
)
needs = st.builds(
    "{}{}".format, requirements, st.sampled_from(["", "", "; extra == 'x'", "; extra == 'y'", "; os_name == 'nt'"])
)
worlds = st.dictionaries(
    st.tuples(st.sampled_from(NAMES), st.sampled_from(VERSIONS)), st.lists(needs, max_size=3), max_size=12
)


class _Index:
    """An index in memory."""

    formats = Formats()

    def __init__(self, world: World) -> None:
        self._world = world

    def places_of(self, name: str) -> tuple[str, ...]:
        return ("memory",)

    def page(self, name: str) -> ProjectPage | None:
        files = [
            PageFile(f"{name}-{version}-py3-none-any.whl", f"{name}/{version}", version, None, None, None, None, None)
            for owner, version in self._world
            if owner == name
        ]
        return make_page(name, files, "memory") if files else None

    def choose_file(self, name: str, files: Sequence[PageFile], source: str, interpreter: Interpreter) -> Candidate:
        version = files[0].filename.split("-")[1]
        return Candidate(name, version, files[0].filename, files[0].url, files[0].sha256, index=source)

    def metadata(self, candidate: Candidate) -> WheelMetadata:
        texts = tuple(self._world[candidate.name, candidate.version])
        return WheelMetadata(candidate.name, candidate.version, texts, None, ("x", "y"))

    def with_sha256(self, candidate: Candidate) -> Candidate:
        return candidate

    def submit(self, *work: object) -> None:
        """Nothing is fetched ahead."""


def _is_sound(
    chosen: Mapping[str, str], world: World, wanted: Sequence[str], interpreter: Interpreter = INTERPRETER
) -> bool:
    """Tell whether `chosen` satisfies everything that follows from what is wanted."""
    waiting = [(Requirement(text), "") for text in wanted]
    seen = set()
    while waiting:
        requirement, _ = waiting.pop()
        version = chosen.get(requirement.name)
        if version is None or version not in requirement.specifier:
            return False
        for extra in ("", *requirement.extras):
            if (requirement.name, extra) in seen:
                continue
            seen.add((requirement.name, extra))
            for text in world[requirement.name, version]:
                found = Requirement(text)
                if found.marker is None or found.marker.evaluate({**interpreter.markers, "extra": extra}):
                    waiting.append((found, extra))
    return True


def _exists(world: World, wanted: Sequence[str]) -> bool:
    choices = [[None, *(version for name, version in world if name == each)] for each in NAMES]
    for versions in product(*choices):
        chosen = {name: version for name, version in zip(NAMES, versions, strict=True) if version is not None}
        if _is_sound(chosen, world, wanted):
            return True
    return False


@settings(max_examples=400)
@given(worlds, st.lists(requirements, min_size=1, max_size=3))
def test_answers_are_right_and_refusals_are_true(world: World, wanted: list[str]) -> None:
    index: Any = _Index(world)
    asked = [Requested(text, f"line {number}") for number, text in enumerate(wanted, 1)]
    try:
        resolution = resolve(asked, INTERPRETER, index, Policy(), SilentReporter())
    except (ResolutionImpossible, PackageNotFound) as error:
        assert not _exists(world, wanted), error.message
        assert "line " in error.message
        assert not error.message.endswith(":"), "a reason follows"
        named = [text for number, text in enumerate(wanted, 1) if f"line {number})" in error.message]
        assert not _exists(world, named), "what is named is enough for the contradiction"
        assert error.hint
        return
    chosen = {pin.candidate.name: pin.candidate.version for pin in resolution}
    assert _is_sound(chosen, world, wanted)
    for pin in resolution:
        fewer = {name: version for name, version in chosen.items() if name != pin.candidate.name}
        assert not _is_sound(fewer, world, wanted), f"nobody needs {pin.candidate.name}"


PLACES = [("3.13", "linux-x86_64"), ("3.13", "windows-x86_64"), ("3.12", "linux-x86_64"), ("3.12", "macos-arm64")]
TARGETS = [Target(read_platform(platform), target_interpreter(python, platform)) for python, platform in PLACES]
here_or_there = st.builds(
    "{}{}".format,
    requirements,
    st.sampled_from(["", "; os_name == 'nt'", "; sys_platform == 'linux'", "; python_version < '3.13'"]),
)


@settings(max_examples=200)
@given(
    st.dictionaries(
        st.tuples(st.sampled_from(NAMES), st.sampled_from(VERSIONS)), st.lists(here_or_there, max_size=3), max_size=12
    ),
    st.lists(here_or_there, min_size=1, max_size=3),
)
def test_a_lock_gives_each_target_its_own_sound_resolution(world: World, wanted: list[str]) -> None:
    index: Any = _Index(world)
    asked = [Requested(text, f"line {number}") for number, text in enumerate(wanted, 1)]
    request = UniversalRequest(lambda _: asked, lambda _: index, Policy())
    try:
        resolutions = resolve_universally(TARGETS, request, SilentReporter())
    except (ResolutionImpossible, PackageNotFound):
        # Then one of them has none by itself either.
        with pytest.raises((ResolutionImpossible, PackageNotFound)):
            for target in TARGETS:
                resolve(asked, target.interpreter, index, Policy(), SilentReporter())
        return
    packages = lock_packages(resolutions, LockPlace("/somewhere", request.index_for, request.policy))
    content = Pylock(lock_version=Version("1.0"), created_by="tests", packages=packages)
    content.validate()
    for target, resolution in resolutions.items():
        found = Lock(content).packages_for(target.interpreter.markers)
        assert [(each.name, str(each.version)) for each in found] == [
            (pin.candidate.name, pin.candidate.version) for pin in resolution
        ]
        chosen = {pin.candidate.name: pin.candidate.version for pin in resolution}
        held = [text for text in wanted if DependencyReader(target.interpreter.markers).read(text)]
        assert _is_sound(chosen, world, held, target.interpreter)


@pytest.mark.parametrize("versions", [1, 3, 10])
def test_a_contradiction_200_packages_deep(versions: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """Deciding everything behind a refused version anew would take some 20,000 decisions with three versions each."""
    asked = 0
    choose = _Provider.choose_version

    def counted(self: _Provider, *arguments: Any) -> int | None:
        nonlocal asked
        asked += 1
        return choose(self, *arguments)

    monkeypatch.setattr(_Provider, "choose_version", counted)
    world = {
        (f"p{depth}", str(version)): ["c<2" if depth == 199 else f"p{depth + 1}"]
        for depth in range(200)
        for version in range(1, versions + 1)
    }
    world |= {("c", "1"): [], ("c", "2"): [], ("q", "1"): ["c>=2"], ("good", "1"): ["better"], ("better", "1"): []}
    asked_for = [Requested(text, f"line {number}") for number, text in enumerate(("good", "p0", "q"), 1)]
    index: Any = _Index(world)
    with pytest.raises(ResolutionImpossible) as caught:
        resolve(asked_for, INTERPRETER, index, Policy(), SilentReporter())
    span = f"1 to {versions}" if versions > 1 else "1"
    lines = caught.value.message.splitlines()
    assert lines[:4] == ["These requirements contradict one another:", "  p0  (line 2)", "  q   (line 3)", "because"]
    assert sorted(lines[4:]) == [
        f"  p0 {span} needs p1, which leads over 197 more to p199; p199 {span} needs c<2",
        "  q 1 needs c>=2",
    ]
    assert asked < 20_000
