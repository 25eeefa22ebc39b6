"""What one interpreter gets of a lock, without any index."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NoReturn

import pytest

from launcher.errors import BuildFailed, Excerpt, InvalidMetadata, LockOutdated, PyscriptError, ResolutionImpossible
from launcher.python.query import Interpreter
from launcher.resolve.candidate import Candidate
from launcher.resolve.formats import Formats
from launcher.resolve.locked import IN_LOCK, LockedRequest, joined, resolve_locked, with_pins
from launcher.resolve.lockfile import LockTerms
from launcher.resolve.resolution import Pin, Policy, Requested, Resolution
from launcher.resolve.script_lock import ScriptLock
from launcher.resolve.targets import target_interpreter
from launcher.value import replace
from tests.support import locks

LINUX, WINDOWS = target_interpreter("3.12", "linux-x86_64"), target_interpreter("3.9", "windows-x86_64")
HASHES = {"sha256": "0" * 64}
COMMIT = "1" * 40
NO_TERMS = LockTerms((), None, "")


def file(filename: str, **fields: object) -> dict[str, object]:
    found = {"name": filename, "url": f"https://a.example/{filename}", "hashes": HASHES, **fields}
    return {key: value for key, value in found.items() if value is not None}


def wheels(*tags: str, name: str = "demo", version: str = "1.0") -> list[dict[str, object]]:
    return [file(f"{name}-{version}-{tag}.whl") for tag in tags]


SDIST = file("demo-1.0.tar.gz")


def resolved(
    *packages: Mapping[str, object],
    requested: tuple[str, ...] = (),
    interpreter: Interpreter = LINUX,
    formats: Formats | None = None,
    terms: LockTerms | None = NO_TERMS,
    directory: str = "/home/me",
    **fields: object,
) -> Resolution:
    lock = ScriptLock(locks.text_of(packages, **fields), "pylock.x.toml", directory)
    asked = [
        Requested(text, f"line {at}", excerpt=Excerpt("x.py", at, f"# {text}")) for at, text in enumerate(requested, 1)
    ]
    return resolve_locked(LockedRequest(lock, asked, interpreter, formats or Formats(), terms), _no_index)


def _no_index() -> NoReturn:
    raise AssertionError("an index was opened")


def chosen(*packages: Mapping[str, object], **rest: Any) -> dict[str, str]:
    return {pin.candidate.name: pin.candidate.filename for pin in resolved(*packages, **rest)}


# Packages


def test_packages_whose_markers_hold_are_taken() -> None:
    packages = [
        locks.package("demo", wheels=wheels("py3-none-any")),
        locks.package("colorama", wheels=wheels("py3-none-any", name="colorama"), marker="sys_platform == 'win32'"),
    ]
    assert [pin.candidate.name for pin in resolved(*packages)] == ["demo"]
    assert [pin.candidate.name for pin in resolved(*packages, interpreter=WINDOWS)] == ["colorama", "demo"]


@pytest.mark.parametrize(
    ("marker", "is_taken"),
    [
        ("'test' in dependency_groups", False),
        ("'main' in dependency_groups", True),
        ("'socks' in extras", False),
        ("'socks' not in extras", True),
    ],
)
def test_default_groups_and_no_extras_are_taken(marker: str, is_taken: bool) -> None:
    found = resolved(
        locks.package("demo", wheels=wheels("py3-none-any"), marker=marker),
        extras=["socks"],
        dependency_groups=["test", "main"],
        default_groups=["main"],
    )
    assert bool(found.pins) is is_taken


def test_two_entries_for_one_package_are_told_apart_by_markers_or_refused() -> None:
    older = locks.package("demo", "0.9", wheels=wheels("py3-none-any", version="0.9"), marker="python_version < '3.10'")
    newer = locks.package("demo", wheels=wheels("py3-none-any"), marker="python_version > '3'")
    assert chosen(older, newer) == {"demo": "demo-1.0-py3-none-any.whl"}
    with pytest.raises(
        InvalidMetadata, match="two entries for demo that both hold for this interpreter, in lines 5 and"
    ):
        resolved(older, newer, interpreter=WINDOWS)


def test_who_needs_whom_is_told_where_the_lock_says_it() -> None:
    found = resolved(
        locks.package("demo", wheels=wheels("py3-none-any"), dependencies=[{"name": "voice"}, {"name": "gone"}]),
        locks.package("other", wheels=wheels("py3-none-any", name="other")),
        locks.package("voice", wheels=wheels("py3-none-any", name="voice")),
        requested=("demo",),
    )
    assert {pin.candidate.name: pin.dependencies for pin in found} == {"demo": ("voice",), "other": (), "voice": ()}
    assert found.roots == ("demo", "other"), "what nobody is known to need is shown at the top"


# Files


@pytest.mark.parametrize(
    ("tags", "best"),
    [
        (("py3-none-any", "cp312-cp312-manylinux_2_17_x86_64"), "cp312-cp312-manylinux_2_17_x86_64"),
        (("cp313-cp313-manylinux_2_17_x86_64", "cp38-abi3-manylinux2014_x86_64"), "cp38-abi3-manylinux2014_x86_64"),
        (("2-py3-none-any", "10-py3-none-any", "py3-none-any"), "10-py3-none-any"),
        (("py2.py3-none-any",), "py2.py3-none-any"),
    ],
)
def test_the_best_wheel_is_taken(tags: tuple[str, ...], best: str) -> None:
    assert chosen(locks.package("demo", wheels=wheels(*tags))) == {"demo": f"demo-1.0-{best}.whl"}


def test_a_source_is_taken_where_no_wheel_fits_or_may_be_used() -> None:
    demo = locks.package("demo", wheels=wheels("cp27-none-win32"), sdist=SDIST)
    assert chosen(demo) == {"demo": "demo-1.0.tar.gz"}
    demo = locks.package("demo", wheels=wheels("py3-none-any"), sdist=SDIST)
    assert chosen(demo, formats=Formats(no_binary=True)) == {"demo": "demo-1.0.tar.gz"}
    assert chosen(demo, formats=Formats(no_build=True)) == {"demo": "demo-1.0-py3-none-any.whl"}


@pytest.mark.parametrize(
    ("package", "formats", "said"),
    [
        (
            locks.package("demo", wheels=wheels("cp27-none-win32"), sdist=SDIST),
            Formats(no_build=True),
            "has no wheel there for cpython 3.12.40",
        ),
        (
            locks.package("demo", wheels=wheels("py3-none-any")),
            Formats(no_binary_package=frozenset({"demo"})),
            "no-binary forbids to use its wheels, and it has no source distribution there",
        ),
        (
            locks.package("demo", wheels=wheels("py3-none-any"), sdist=SDIST),
            Formats(no_binary=True, no_build=True),
            "may not be built either",
        ),
    ],
)
def test_what_must_not_be_used_is_said(package: Mapping[str, object], formats: Formats, said: str) -> None:
    with pytest.raises(BuildFailed, match=said) as caught:
        resolved(package, formats=formats)
    assert caught.value.excerpt is not None
    assert caught.value.excerpt.line == "name = 'demo'"


def test_a_candidate_has_all_that_the_lock_states() -> None:
    hashes = {"sha256": "A" * 64, "sha512": "b" * 128, "of-tomorrow": "c"}
    row = file("demo-1.0-py3-none-any.whl", size=12, hashes=hashes)
    (pin,) = resolved(locks.package("demo", wheels=[row], requires_python=">=3.8")).pins
    candidate = pin.candidate
    assert (candidate.version, candidate.sha256, candidate.size_bytes) == ("1.0", "a" * 64, 12)
    assert (candidate.requires_python, candidate.index, candidate.direct_url) == (">=3.8", IN_LOCK, None)
    assert candidate.hashes == ("sha256:" + "a" * 64, "sha512:" + "b" * 128)
    (pin,) = resolved(locks.package("demo", wheels=[row], index="https://me:pw@a.example/simple")).pins
    assert pin.candidate.index == "https://me:****@a.example/simple"


def test_a_version_that_is_not_stated_is_that_of_the_file() -> None:
    (pin,) = resolved(locks.package("demo", None, wheels=wheels("py3-none-any"))).pins
    assert pin.candidate.version == "1.0"


def test_a_path_counts_from_the_lock_and_comes_before_the_url_where_it_is(tmp_path: Any) -> None:
    name = "demo-1.0-py3-none-any.whl"
    row = file(name, path=f"wheels/{name}")
    demo = locks.package("demo", wheels=[row])
    (pin,) = resolved(demo, directory=str(tmp_path)).pins
    assert pin.candidate.url == f"https://a.example/{name}"
    (tmp_path / "wheels").mkdir()
    (tmp_path / "wheels" / name).touch()
    (pin,) = resolved(demo, directory=str(tmp_path)).pins
    assert pin.candidate.url == (tmp_path / "wheels" / name).as_uri()


# Sources


def test_a_commit_is_taken_as_it_is() -> None:
    vcs = {"type": "git", "url": "https://a.example/demo.git", "requested-revision": "v1", "commit-id": COMMIT}
    (pin,) = resolved(locks.package("demo", vcs={**vcs, "subdirectory": "lib"})).pins
    assert pin.candidate.url == f"git+https://a.example/demo.git@{COMMIT}#subdirectory=lib"
    assert '"requested_revision": "v1"' in (pin.candidate.direct_url or "")


def test_an_archive_may_be_a_wheel() -> None:
    url = "https://a.example/demo-1.0-py3-none-any.whl"
    (pin,) = resolved(locks.package("demo", None, archive={"url": url, "hashes": HASHES})).pins
    assert (pin.candidate.version, pin.candidate.is_wheel, pin.candidate.url) == ("1.0", True, url)
    (pin,) = resolved(locks.package("demo", archive={"url": "https://a.example/demo.zip", "hashes": HASHES})).pins
    assert not pin.candidate.is_wheel
    assert '"archive_info"' in (pin.candidate.direct_url or "")


@pytest.mark.parametrize(
    ("source", "said"),
    [
        ({"vcs": {"type": "hg", "url": "https://a.example/", "commit-id": COMMIT}}, "'hg' repositories cannot be used"),
        ({"vcs": {"type": "git", "url": "https://a.example/", "commit-id": "main"}}, "'main' is no whole id"),
        ({"vcs": {"type": "git", "url": "https://me:pw@a.example/", "commit-id": COMMIT}}, "me:[*]{4}@a.example"),
        ({"vcs": {"type": "git", "url": "ext::sh -c x", "commit-id": COMMIT}}, "has to begin with git"),
        ({"archive": {"url": "https://a.example/d.zip", "hashes": HASHES, "subdirectory": "../.."}}, "leads out of"),
        ({"archive": {"url": "https://a.example/d.zip", "hashes": {"sha1": "0" * 40}}}, "none proves what a file is"),
        ({"archive": {"url": "https://me@a.example/d.zip", "hashes": HASHES}}, "must not say whom to be"),
        ({"directory": {"path": "..", "subdirectory": "..\\\\up"}}, "leads out of"),
    ],
)
def test_a_source_that_cannot_be_used_is_refused(source: dict[str, object], said: str) -> None:
    with pytest.raises(InvalidMetadata, match=said) as caught:
        resolved({"name": "demo", **source})
    assert "pw" not in caught.value.message
    assert caught.value.excerpt is not None


@pytest.mark.parametrize("field", ["path", "url"])
def test_a_lock_from_elsewhere_names_nothing_of_this_machine(field: str) -> None:
    place = {"url": None, "path": None} | {field: "file:///etc/demo-1.0-py3-none-any.whl"}
    row = file("demo-1.0-py3-none-any.whl", **place)
    with pytest.raises(InvalidMetadata, match=r"is a path, and there is no|which nobody elsewhere can name"):
        resolved(locks.package("demo", wheels=[row]), directory="")


# Interpreters


def test_a_lock_for_others_is_refused() -> None:
    with pytest.raises(ResolutionImpossible, match=r"pylock.x.toml is for Python >=3.14, and this is cpython 3.12.40"):
        resolved(requires_python=">=3.14")
    with pytest.raises(ResolutionImpossible, match="was not made for such an environment"):
        resolved(environments=["sys_platform == 'darwin'", "sys_platform == 'win32'"])
    assert resolved(environments=["sys_platform == 'linux'"]).pins == ()
    with pytest.raises(ResolutionImpossible, match=r"demo 1.0 of pylock.x.toml needs Python <3.9, and this is"):
        resolved(locks.package("demo", wheels=wheels("py3-none-any"), requires_python="<3.9"))


def test_a_prerelease_of_python_is_taken_for_what_it_is() -> None:
    text = locks.text_of(requires_python=">=3.11")
    lock = ScriptLock(text, "pylock.x.toml", "/")
    coming = target_interpreter("3.15", "linux-x86_64")
    wanted = LockedRequest(lock, (), replace(coming, version="3.15.0rc1"), Formats(), None)
    assert resolve_locked(wanted, _no_index).pins == ()


# Outdated


@pytest.mark.parametrize(
    ("requirement", "said"),
    [
        ("demo", None),
        ("demo>=1", None),
        ("Demo[extra]<2", None),
        ("demo>=2", "it has demo 1.0, and the script asks for demo>=2"),
        ("voice", "it has no voice"),
        ("voice; sys_platform == 'win32'", None),
        ("demo @ https://a.example/demo-1.0-py3-none-any.whl", "it has demo 1.0"),
        ("./demo", None),
    ],
)
def test_another_tools_lock_is_outdated_where_it_does_not_answer(requirement: str, said: str | None) -> None:
    demo = locks.package("demo", wheels=wheels("py3-none-any"))
    if said is None:
        assert resolved(demo, requested=(requirement,)).pins
        return
    with pytest.raises(LockOutdated, match=said) as caught:
        resolved(demo, requested=(requirement,))
    assert caught.value.excerpt is not None
    assert caught.value.excerpt.path == "x.py"
    assert resolved(demo, requested=(requirement,), terms=None).pins, "as it is"


def test_a_url_is_answered_by_the_same_url() -> None:
    archive = locks.package("demo", archive={"url": "https://a.example/demo.zip", "hashes": HASHES})
    assert resolved(archive, requested=("demo @ https://a.example/demo.zip#sha256=00",)).pins
    vcs = {"type": "git", "url": "https://a.example/demo.git", "commit-id": COMMIT}
    assert resolved(locks.package("demo", vcs=vcs), requested=("demo @ git+https://a.example/demo.git@main",)).pins
    with pytest.raises(LockOutdated):
        resolved(archive, requested=("demo @ https://b.example/demo.zip",))


@pytest.mark.parametrize(
    ("now", "said"),
    [
        (LockTerms(("demo", "voice"), ">=3.11", ""), "the script has 'voice' now"),
        (LockTerms((), ">=3.11", ""), "it does not have 'demo' any more"),
        (LockTerms(("demo",), None, ""), "requires-python was >=3.11 and is not there now"),
        (LockTerms(("demo",), ">=3.11", "abc"), "a setting that decides about versions is another than it was"),
    ],
)
def test_ours_is_outdated_where_its_terms_are_others(now: LockTerms, said: str) -> None:
    table: dict[str, Any] = {"tool.pyscript": {"requirements": ["demo"], "requires-python": ">=3.11", "settings": ""}}
    with pytest.raises(LockOutdated, match=said):
        resolved(terms=now, **table)
    assert resolved(terms=LockTerms(("demo",), ">=3.11", ""), **table).pins == ()
    assert resolved(terms=None, **table).pins == ()


# The rest


def test_what_is_asked_for_beside_a_lock_may_not_change_it() -> None:
    demo = locks.package("demo", wheels=wheels("py3-none-any"))
    vcs = {"type": "git", "url": "https://a.example/it.git", "commit-id": COMMIT}
    policy = with_pins(Policy(prerelease="allow"), resolved(demo, locks.package("it", vcs=vcs)))
    assert policy.constraints == (Requested("demo==1.0", IN_LOCK, ("sha256:" + "0" * 64,)),)
    assert [each.text for each in policy.overrides] == [f"it @ git+https://a.example/it.git@{COMMIT}"]
    assert policy.prerelease == "allow"


def test_what_is_added_beside_a_lock_leaves_all_of_it_there() -> None:
    demo, voice = (locks.package(name, wheels=wheels("py3-none-any", name=name)) for name in ("demo", "voice"))
    found = resolved(demo, voice)
    more, other = (Candidate(name, "1.0", f"{name}-1.0.tar.gz", "https://a.example/") for name in ("more", "demo"))
    beside = Resolution((Pin(other, ("x",)), Pin(more, dependencies=("demo",))), ("more",))
    both = joined(found, beside)
    assert [(pin.candidate.name, pin.candidate.is_wheel, pin.extras, pin.dependencies) for pin in both] == [
        ("demo", True, ("x",), ()),
        ("more", False, (), ("demo",)),
        ("voice", True, (), ()),
    ]
    assert both.roots == ("demo", "more", "voice")


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("lock-version =\n", 1),
        ('# a\nlock-version = "1.0"\nx = [\n', 4),
        ("a = 1\na = 2\n", 2),
        ("\n\n<<<<<<< mine\n", 3),
    ],
)
def test_what_is_no_toml_is_shown(text: str, line: int) -> None:
    for lines_above in (0, 10):
        lock = ScriptLock(text, "x.py", "/", lines_above)
        with pytest.raises(PyscriptError) as caught:
            resolve_locked(LockedRequest(lock, (), LINUX, Formats(), None), _no_index)
        assert caught.value.excerpt is not None
        assert caught.value.excerpt.line_number == line + lines_above
