from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from launcher.cache import Bucket, Cache
from launcher.errors import Excerpt, InterpreterNotFound, InvalidMetadata, UsageError
from launcher.python import discovery, search
from launcher.python.demand import NotFetched
from launcher.python.discovery import InterpreterRequest, find_interpreter, list_interpreters
from launcher.python.places import Place, Surroundings
from launcher.python.query import Interpreter, file_stamp
from launcher.reporter import SilentReporter
from launcher.value import replace
from tests.unit.python.answers import interpreter

ORIGIN = Excerpt("x.py", 2, '# requires-python = ">=3.11"', column=22, length=6)


class Machine:
    """An imagined machine: executables that exist as files, and what each would answer."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.answers: dict[str, Interpreter] = {}
        self.asked: list[str] = []
        self.searched_registry = 0
        self.path: list[str] = []
        self.own = ""

    def install(self, place: str, version: str, **kind: object) -> str:
        """Put an interpreter at a place below the root; a `links_to` place answers for its base."""
        path = self.root / place
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b"")
        path.chmod(0o755)
        base = str(kind.pop("links_to", path))
        made = interpreter(version, base, **kind)  # type: ignore[arg-type]
        self.answers[str(path)] = replace(made, stamp=file_stamp(base) or (0, 0))
        return str(path)

    def break_one(self, place: str) -> str:
        """Put an executable at a place that answers nothing."""
        path = self.install(place, "0")
        del self.answers[path]
        return path

    @property
    def surroundings(self) -> Surroundings:
        path = ":".join(str(self.root / each) for each in self.path)
        return Surroundings({"HOME": str(self.root / "home"), "PATH": path}, "linux", self.own, str(self.root))

    def query(self, executable: str, cache: Cache, *, refresh: bool = False) -> Interpreter:
        self.asked.append(os.path.relpath(executable, self.root))
        if executable not in self.answers:
            raise InterpreterNotFound(f"{executable} is broken.")
        return self.answers[executable]

    def discovered(self, surroundings: Surroundings) -> Iterator[Place]:
        self.searched_registry += 1
        return iter(())


@pytest.fixture
def machine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Machine:
    made = Machine(tmp_path)
    monkeypatch.setattr(search, "query", made.query)
    monkeypatch.setattr(discovery, "query", made.query)
    monkeypatch.setattr(search, "discovered", made.discovered)
    return made


Find = Callable[..., str]


@pytest.fixture
def find(machine: Machine, cache_dir: Path) -> Find:
    """Return a function that finds, and says where below the root the interpreter is."""

    def run(requires_python: str | None = None, python: str | None = None, *, refresh: bool = False) -> str:
        request = InterpreterRequest(requires_python, python, lambda: ORIGIN if requires_python else None)
        surroundings = machine.surroundings
        found = find_interpreter(
            request, Cache(cache_dir), SilentReporter(), refresh=refresh, surroundings=surroundings
        )
        return os.path.relpath(found.executable, machine.root)

    return run


def test_the_launchers_own_comes_first_and_nothing_else_is_asked(machine: Machine, find: Find) -> None:
    machine.own = machine.install("own/python", "3.12.1")
    machine.install("usr/bin/python3.14", "3.14.0")
    assert find() == "own/python"
    assert find(">=3.11") == "own/python"
    assert find(python=">=3.11") == "own/python"
    assert set(machine.asked) == {"own/python"}


def test_else_the_newest(machine: Machine, find: Find) -> None:
    machine.own = machine.install("own/python", "3.11.1")
    machine.install("usr/bin/python3.9", "3.9.2")
    machine.install("home/.pyenv/versions/3.13.1/bin/python", "3.13.1")
    machine.install("home/.pyenv/versions/3.12.9/bin/python", "3.12.9")
    assert find(">=3.12") == "home/.pyenv/versions/3.13.1/bin/python"
    assert find(">=3.12,<3.13") == "home/.pyenv/versions/3.12.9/bin/python"
    assert find("<3.10") == "usr/bin/python3.9"


def test_of_two_equal_ones_that_on_path_wins(machine: Machine, find: Find) -> None:
    machine.install("usr/bin/python3.12", "3.12.1")
    machine.install("b/python3.12", "3.12.1")
    machine.install("a/python3.12", "3.12.1")
    machine.path = ["b", "a"]
    assert find(">=3.12") == "b/python3.12"


def test_the_ordinary_before_the_newer(machine: Machine, find: Find) -> None:
    machine.install("usr/bin/python3.12", "3.12.1")
    machine.install("usr/bin/python3.13t", "3.13.0", free_threaded=True)
    machine.install("usr/bin/python3.14", "3.14.0", debug=True)
    machine.install("usr/bin/python3.15", "3.15.0rc1")
    machine.install("usr/bin/pypy3.13", "3.13.0", implementation="pypy")
    assert find(">=3.10") == "usr/bin/python3.12"
    assert find(python="3.13t") == "usr/bin/python3.13t"
    assert find(python="3.14d") == "usr/bin/python3.14"
    assert find(python="3.15.0rc1") == "usr/bin/python3.15"
    assert find(python="pypy3.13") == "usr/bin/pypy3.13"
    # What nothing ordinary satisfies is better run on something odd than not at all.
    assert find(">=3.15") == "usr/bin/python3.15"


def test_the_launchers_own_gives_way_where_it_is_odd(machine: Machine, find: Find) -> None:
    machine.own = machine.install("own/python", "3.13.0", free_threaded=True)
    machine.install("usr/bin/python3.11", "3.11.2")
    assert find() == "usr/bin/python3.11"


def test_condas_base_comes_last(machine: Machine, find: Find) -> None:
    prefix = machine.root / "home/miniforge3"
    (prefix / "conda-meta").mkdir(parents=True)
    machine.install("home/miniforge3/bin/python3", "3.13.0", prefix=str(prefix))
    machine.install("usr/bin/python3.11", "3.11.2")
    assert find() == "usr/bin/python3.11"
    assert find(">=3.12") == "home/miniforge3/bin/python3"


def test_a_plain_version_is_the_first_on_path(machine: Machine, find: Find) -> None:
    machine.own = machine.install("own/python", "3.12.9")
    machine.install("usr/bin/python3.12", "3.12.8")
    machine.install("a/python3", "3.11.0")
    machine.install("b/python3", "3.12.1")
    machine.install("c/python3.12", "3.12.2")
    machine.path = ["a", "b", "c"]
    assert find(python="3.12") == "b/python3"
    assert machine.asked == ["a/python3", "b/python3"]


def test_a_plain_version_that_path_lacks_is_the_newest_elsewhere(machine: Machine, find: Find) -> None:
    machine.install("usr/bin/python3.12", "3.12.1")
    machine.install("home/.pyenv/versions/3.12.7/bin/python", "3.12.7")
    machine.install("a/python3", "3.11.0")
    machine.path = ["a"]
    assert find(python="3.12") == "home/.pyenv/versions/3.12.7/bin/python"


def test_names_lie(machine: Machine, find: Find) -> None:
    machine.install("a/python3.12", "3.9.0")
    machine.install("usr/bin/python3.9", "3.12.1")
    machine.path = ["a"]
    assert find(python="3.12") == "usr/bin/python3.9"


def test_broken_ones_are_passed_over(machine: Machine, find: Find) -> None:
    machine.own = machine.break_one("own/python")
    machine.break_one("a/python3")
    machine.break_one("shims/python3.12")
    machine.path = ["a", "shims"]
    machine.install("usr/bin/python3.12", "3.12.1")
    assert find() == "usr/bin/python3.12"
    assert find(python="3.12") == "usr/bin/python3.12"


def test_shims_are_asked_only_where_nothing_else_does(machine: Machine, find: Find) -> None:
    real = machine.install("managed/python3.12", "3.12.1")
    machine.install("shims/python3", "3.12.1", links_to=real)
    machine.install("shims/python3.9", "3.9.1")
    machine.path = ["shims"]
    machine.install("usr/bin/python3.11", "3.11.1")
    assert find() == "usr/bin/python3.11"
    assert "shims/python3" not in machine.asked
    assert find(">=3.12") == "managed/python3.12"
    # A shim whose name rules it out would take 0.2 s to say so.
    assert "shims/python3.9" not in machine.asked


def test_a_venvs_python_stands_for_its_base(machine: Machine, find: Find) -> None:
    base = machine.install("usr/bin/python3.12", "3.12.1")
    machine.install("venv/bin/python", "3.12.1", links_to=base)
    machine.path = ["venv/bin"]
    assert find(python="3.12") == "usr/bin/python3.12"


def test_a_choice_is_remembered(machine: Machine, find: Find) -> None:
    machine.install("usr/bin/python3.12", "3.12.1")
    assert find(">=3.10") == "usr/bin/python3.12"
    machine.install("usr/bin/python3.13", "3.13.1")
    machine.asked.clear()
    assert find(">=3.10") == "usr/bin/python3.12"
    assert machine.asked == ["usr/bin/python3.12"]
    assert find(">=3.9") == "usr/bin/python3.13"
    assert find(">=3.10", refresh=True) == "usr/bin/python3.13"
    assert find(">=3.10") == "usr/bin/python3.13"


def test_a_choice_holds_for_one_path_one_day_and_one_file(
    machine: Machine, find: Find, monkeypatch: pytest.MonkeyPatch
) -> None:
    def added(version: str) -> str:
        return os.path.relpath(machine.install(f"usr/bin/python{version}", f"{version}.0"), machine.root)

    added("3.9")
    assert find(">=3.8") == "usr/bin/python3.9"
    newer = added("3.10")
    machine.path = ["bin"]
    assert find(">=3.8") == newer
    newest = added("3.11")
    now = time.time()
    monkeypatch.setattr(time, "time", lambda: now + 25 * 3600)
    assert find(">=3.8") == newest
    last = added("3.12")
    (machine.root / newest).write_bytes(b"upgraded")
    assert find(">=3.8") == last


def test_a_damaged_choice_is_made_again(machine: Machine, find: Find, cache_dir: Path) -> None:
    machine.install("usr/bin/python3.12", "3.12.1")
    find(">=3.10")
    choices = list((cache_dir / Bucket.INTERPRETERS).glob("choice-*"))
    assert len(choices) == 1
    choices[0].write_bytes(b"\0" * 40)
    assert find(">=3.10") == "usr/bin/python3.12"


def test_a_path(machine: Machine, find: Find, monkeypatch: pytest.MonkeyPatch) -> None:
    path = machine.install("odd/place/snake", "3.9.1")
    assert find(python=path) == "odd/place/snake"
    machine.install("venv/bin/python", "3.10.1")
    assert find(python=str(machine.root / "venv")) == "venv/bin/python"


def test_a_name_on_path(machine: Machine, find: Find) -> None:
    machine.install("a/snake", "3.9.1")
    machine.path = ["a"]
    assert find(python="snake") == "a/snake"
    # What a name leads to is looked up each time.
    machine.install("b/snake", "3.9.2")
    machine.path = ["b", "a"]
    assert find(python="snake") == "b/snake"


def test_a_name_that_leads_nowhere(find: Find) -> None:
    with pytest.raises(InterpreterNotFound) as raised:
        find(python="snake")
    assert raised.value.message == "--python asks for `snake`, and no program of that name is on PATH."


def test_a_directory_without_python(machine: Machine, find: Find) -> None:
    with pytest.raises(InterpreterNotFound, match="is a directory with no Python in it"):
        find(python=str(machine.root))


def test_a_path_to_one_that_is_too_old(machine: Machine, find: Find) -> None:
    path = machine.install("old/python", "3.7.16")
    with pytest.raises(InterpreterNotFound) as raised:
        find(python=path)
    assert raised.value.message == f"{path} is Python 3.7.16, which is too old: scripts need 3.8 or newer."


def test_old_ones_are_never_chosen(machine: Machine, find: Find) -> None:
    machine.install("usr/bin/python3.7", "3.7.16")
    with pytest.raises(InterpreterNotFound, match=r"No Python on this system satisfies requires-python `>=3.6`"):
        find(">=3.6")
    with pytest.raises(InterpreterNotFound, match=r"scripts can run on \(3.8 or newer\) satisfies --python `3.7`"):
        find(python="3.7")


def test_a_contradiction_names_both_and_where(machine: Machine, find: Find) -> None:
    machine.install("usr/bin/python3.9", "3.9.1")
    with pytest.raises(UsageError) as raised:
        find(">=3.11", python="3.9")
    error = raised.value
    assert error.message == (
        "--python asks for `3.9`, but the script has requires-python `>=3.11`: no version of Python satisfies both."
    )
    assert error.excerpt == ORIGIN
    assert error.exit_code == 2
    assert machine.asked == []


def test_ranges_can_contradict_too(find: Find) -> None:
    with pytest.raises(UsageError, match="no version of Python satisfies both"):
        find(">=3.11", python=">=3.8,<3.11")
    with pytest.raises(UsageError, match="no version of Python satisfies both"):
        find("!=3.12.99", python="3.12.99")


def test_both_are_honoured(machine: Machine, find: Find) -> None:
    machine.install("usr/bin/python3.12", "3.12.1")
    machine.install("home/.pyenv/versions/3.12.7/bin/python", "3.12.7")
    machine.install("usr/bin/python3.13", "3.13.1")
    assert find("!=3.12.7", python="3.12") == "usr/bin/python3.12"
    assert find("<3.13", python=">=3.11") == "home/.pyenv/versions/3.12.7/bin/python"


def test_a_path_that_the_script_refuses(machine: Machine, find: Find) -> None:
    path = machine.install("a/python", "3.9.1")
    with pytest.raises(UsageError) as raised:
        find(">=3.11", python=path)
    assert raised.value.message == (
        f"--python asks for {path}, which is Python 3.9.1, but the script has requires-python `>=3.11`."
    )
    assert raised.value.excerpt == ORIGIN


def test_who_asked_is_named(machine: Machine, cache_dir: Path) -> None:
    request = InterpreterRequest(">=3.11", "3.9", lambda: ORIGIN, "PYSCRIPT_PYTHON")
    with pytest.raises(UsageError, match=r"^PYSCRIPT_PYTHON asks for `3.9`"):
        find_interpreter(request, Cache(cache_dir), SilentReporter(), surroundings=machine.surroundings)


@pytest.mark.parametrize(
    ("text", "hint"),
    [
        ("^3.11", "Write `>=3.11` or `==3.11.*`."),
        ("3.11", "Write `>=3.11` or `==3.11.*`."),
        ("python 3", "Write it like `>=3.11`."),
        (">=3.x", "Write it like `>=3.11`."),
    ],
)
def test_an_invalid_requires_python(text: str, hint: str, find: Find) -> None:
    with pytest.raises(InvalidMetadata) as raised:
        find(text)
    assert raised.value.message == f"requires-python `{text}` is not a version specifier."
    assert raised.value.hint == hint
    assert raised.value.excerpt == ORIGIN


def test_what_is_missing_is_said_with_what_there_is(
    machine: Machine, find: Find, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HOME", str(machine.root / "home"))
    monkeypatch.setenv("USERPROFILE", str(machine.root / "home"))
    machine.install("usr/bin/python3.11", "3.11.2")
    machine.install("home/.pyenv/versions/3.12.1/bin/python", "3.12.1")
    machine.install("usr/bin/pypy3", "3.10.14", implementation="pypy")
    machine.install("usr/bin/python3.13t", "3.13.0", free_threaded=True)
    with pytest.raises(InterpreterNotFound) as raised:
        find(">=3.14")
    assert raised.value.message.splitlines() == [
        "No Python on this system satisfies requires-python `>=3.14`.",
        "Found:",
        f"  3.13.0 free-threaded  {machine.root}/usr/bin/python3.13t",
        "  3.12.1  ~/.pyenv/versions/3.12.1/bin/python",
        f"  3.11.2  {machine.root}/usr/bin/python3.11",
        f"  3.10.14 pypy  {machine.root}/usr/bin/pypy3",
    ]
    assert raised.value.hint == (
        "Install one (`uv python install 3.14`, `pyenv install 3.14`, or as you usually do), "
        "or give the path of one with `--python`, or change requires-python."
    )
    assert raised.value.excerpt == ORIGIN
    assert machine.searched_registry == 1


def _obtaining(machine: Machine, cache_dir: Path, requires: str, obtained: str | NotFetched) -> Interpreter:
    request = InterpreterRequest(requires, None, lambda: ORIGIN)
    return find_interpreter(
        request,
        Cache(cache_dir),
        SilentReporter(),
        surroundings=machine.surroundings,
        obtain=lambda demand: obtained,
    )


def test_what_is_missing_is_obtained_and_remembered(machine: Machine, find: Find, cache_dir: Path) -> None:
    machine.install("usr/bin/python3.11", "3.11.2")
    path = machine.install("data/python3", "3.14.1")
    assert _obtaining(machine, cache_dir, ">=3.11", path).version == "3.11.2"
    assert _obtaining(machine, cache_dir, ">=3.14", path).version == "3.14.1"
    assert find(">=3.14") == "data/python3"


def test_what_cannot_be_obtained_is_said_with_what_would_change_it(machine: Machine, cache_dir: Path) -> None:
    machine.install("usr/bin/python3.11", "3.11.2")
    with pytest.raises(InterpreterNotFound) as raised:
        _obtaining(machine, cache_dir, "==3.13.1", NotFetched("The moon is full.", "wait a week"))
    assert raised.value.message.splitlines()[-1] == "The moon is full."
    assert raised.value.hint == (
        "Wait a week, or install one (`uv python install 3.13.1`, `pyenv install 3.13.1`, or as you usually do), "
        "or give the path of one with `--python`."
    )
    # What no Python ever will be, nobody has to look for.
    with pytest.raises(InterpreterNotFound) as raised:
        _obtaining(machine, cache_dir, "<3", NotFetched("The moon is full.", "wait a week"))
    assert "moon" not in raised.value.message + str(raised.value.hint)


@pytest.mark.parametrize(
    ("requires", "not_fetched", "series"),
    [
        (">=3.99", NotFetched("Offline.", "run once without"), "4.0"),
        (">=3.30", NotFetched("There is none."), "3.30"),
    ],
)
def test_nobody_is_told_to_install_a_python_that_does_not_exist(
    requires: str, not_fetched: NotFetched, series: str, machine: Machine, cache_dir: Path
) -> None:
    machine.install("usr/bin/python3.11", "3.11.2")
    with pytest.raises(InterpreterNotFound) as raised:
        _obtaining(machine, cache_dir, requires, not_fetched)
    assert raised.value.message.splitlines()[-1] == f"As far as pyscript knows, there is no Python {series} yet."
    assert raised.value.hint == "Change requires-python."


def test_many_are_not_all_listed(machine: Machine, find: Find) -> None:
    for micro in range(11):
        machine.install(f"home/.pyenv/versions/3.9.{micro}/bin/python", f"3.9.{micro}")
    with pytest.raises(InterpreterNotFound) as raised:
        find(">=3.14")
    assert raised.value.message.splitlines()[-1] == "  and 3 more"


@pytest.mark.parametrize(
    ("requires_python", "hint"),
    [
        ("==3.11", "`==3.11` means 3.11.0 alone; `==3.11.*` is probably meant."),
        ("<=3.11", "`<=3.11` leaves out 3.11.1 and later; `<3.12` is probably meant."),
    ],
)
def test_a_pin_that_says_less_than_it_means(requires_python: str, hint: str, machine: Machine, find: Find) -> None:
    machine.install("usr/bin/python3.11", "3.11.2")
    with pytest.raises(InterpreterNotFound) as raised:
        find(requires_python)
    assert (raised.value.hint or "").startswith(hint)
    with pytest.raises(UsageError) as contradiction:
        find("==3.11", python="3.11.2")
    assert "`==3.11.*` is probably meant" in (contradiction.value.hint or "")


@pytest.mark.parametrize(("python", "name"), [("pypy3.10", "pypy3.10"), ("pypy", "pypy"), ("3.13t", "3.13t")])
def test_advice_is_about_what_was_asked(python: str, name: str, find: Find) -> None:
    with pytest.raises(InterpreterNotFound) as raised:
        find(python=python)
    assert f"`uv python install {name}`" in (raised.value.hint or "")


def test_a_range_that_nothing_can_satisfy(find: Find) -> None:
    with pytest.raises(InterpreterNotFound) as raised:
        find(">=3.13,<3.12")
    assert raised.value.hint == "Change requires-python."


def test_all_interpreters_newest_first(machine: Machine, cache_dir: Path) -> None:
    machine.own = machine.install("own/python", "3.11.1")
    machine.install("usr/bin/python3.7", "3.7.1")
    machine.install("shims/python3.13", "3.13.1")
    machine.path = ["shims"]
    found = list_interpreters(Cache(cache_dir), SilentReporter(), surroundings=machine.surroundings)
    assert [each.version for each in found] == ["3.13.1", "3.11.1", "3.7.1"]
