"""The warm path recognises what was recorded, and nothing else."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from launcher.launch import record as records
from launcher.launch import warm
from launcher.launch.record import LaunchRecord

BODY = b"print()\n"


@pytest.fixture
def environ(tmp_path: Path) -> dict[str, str]:
    return {"PYSCRIPT_CACHE_DIR": str(tmp_path / "cache"), "HOME": str(tmp_path)}


def write(environ: dict[str, str], tokens: tuple[str, ...], skipped: int = 0) -> LaunchRecord:
    environment = os.path.join(environ["HOME"], "env")
    program = os.path.join(environment, "bin", "sh")
    if not os.path.lexists(program):
        os.makedirs(os.path.dirname(program))
        os.symlink("/bin/sh", program)
    made = LaunchRecord(program, environment, records.variables_of(environ), tokens if len(tokens) > 1 else (), skipped)
    made.head = BODY
    path = records.record_path(environ["PYSCRIPT_CACHE_DIR"], tokens, os.getcwd())
    made.place = records.record_place(tokens, os.getcwd()) or ""
    content = records.encode(made)
    assert path is not None
    assert content is not None
    os.makedirs(os.path.dirname(path), exist_ok=True)
    Path(path).write_bytes(content)
    return made


@pytest.fixture(autouse=True)
def script(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "x.py").write_bytes(BODY)


def test_nothing_is_recognised_before_a_preparation(environ: dict[str, str]) -> None:
    assert warm.recognise(["x.py"], environ) is None
    assert warm.recognise([], environ) is None
    assert warm.recognise(["x.py"], {}) is None


@pytest.mark.parametrize("given", ["x.py", "./x.py", "{directory}/x.py"])
def test_a_script_is_recognised_by_any_name_of_it(given: str, environ: dict[str, str], tmp_path: Path) -> None:
    write(environ, ("x.py",))
    given = given.format(directory=tmp_path)
    recognised = warm.recognise([given, "--flag", "value"], environ)
    assert recognised is not None
    assert recognised[1] == [f"{tmp_path}/env/bin/sh", given, "--flag", "value"]


def test_options_are_dropped_and_arguments_kept(environ: dict[str, str]) -> None:
    tokens = ("--with", "rich", "x.py")
    write(environ, tokens, skipped=2)
    recognised = warm.recognise([*tokens, "--with", "more"], environ)
    assert recognised is not None
    assert recognised[1] == [f"{environ['HOME']}/env/bin/sh", "x.py", "--with", "more"]


def test_other_options_are_not_recognised(environ: dict[str, str]) -> None:
    write(environ, ("--with", "rich", "x.py"), skipped=2)
    assert warm.recognise(["--with", "flask", "x.py"], environ) is None
    assert warm.recognise(["x.py"], environ) is None


def test_a_script_called_like_the_first_of_its_arguments_is_another_launch(environ: dict[str, str]) -> None:
    write(environ, ("x.py",))
    assert warm.recognise(["run", "x.py"], environ) is None


def test_the_environment_comes_first_on_path_and_pythonhome_goes() -> None:
    child = warm.environment_for("/env", {"PATH": "/usr/bin", "PYTHONHOME": "/x", "PYTHONPATH": "/mine", "A": "b"})
    assert child == {"PATH": "/env/bin:/usr/bin", "VIRTUAL_ENV": "/env", "PYTHONPATH": "/mine", "A": "b"}


def test_use_is_noted(tmp_path: Path) -> None:
    marker = tmp_path / "used"
    marker.touch()
    os.utime(marker, (1, 1))
    warm.note_use(str(tmp_path))
    assert marker.stat().st_mtime > 1
    warm.note_use(str(tmp_path / "missing"))


@pytest.mark.parametrize(
    ("argument", "quoted"),
    [
        ("plain", "plain"),
        ("", '""'),
        ("a b", '"a b"'),
        ('say "hi"', '"say \\"hi\\""'),
        ("end\\ ", '"end\\ "'),
        ("c d\\", '"c d\\\\"'),
    ],
)
def test_arguments_are_quoted_as_the_windows_runtime_reads_them(argument: str, quoted: str) -> None:
    assert warm._quoted([argument]) == [quoted]
