"""Pythons on demand: downloaded where one is missing, listed, found, installed and uninstalled."""

from __future__ import annotations

import json
import os
import shutil
import signal
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.conftest import Program
from tests.functional.conftest import WriteScript
from tests.support.index_server import Fault, IndexServer
from tests.support.pythons import FakePython, serve_pythons

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="the stand-ins are shell scripts")

SAY = "import os; print(os.environ.get('FAKE_PYTHON'))"
WANTS_399 = 'requires-python = ">=3.39"'

Offer = Callable[..., None]


@pytest.fixture
def pythons(home: Path) -> Path:
    """Where downloaded Pythons go."""
    return home / ".local/share/pyscript/pythons"


@pytest.fixture
def offer(index: IndexServer, run_pyscript: Program) -> Offer:
    """Return a function that sets a mirror with these Pythons on it; others come from nowhere."""

    def serve(*pythons: FakePython) -> None:
        run_pyscript.environ["PYSCRIPT_PYTHON_MIRROR"] = serve_pythons(index, *pythons)

    return serve


@pytest.fixture
def wanting(write_script: WriteScript) -> Path:
    """A script that asks for a Python that no machine has."""
    return write_script(SAY, block=WANTS_399)


def _stderr_lines(program: Program, *arguments: str | Path, **options: object) -> list[str]:
    done = program(*arguments, **options)  # type: ignore[arg-type]
    assert done.returncode == 1, done
    assert done.stdout == ""
    return done.stderr.splitlines()


def _downloads(index: IndexServer) -> int:
    return len(index.paths("*.tar.gz"))


def _entries(pythons: Path) -> list[str]:
    return sorted(path.name for path in pythons.iterdir()) if pythons.exists() else []


def test_a_missing_one_is_downloaded_and_found_from_then_on(
    run_pyscript: Program, offer: Offer, wanting: Path, index: IndexServer, pythons: Path, tmp_path: Path
) -> None:
    offer(FakePython("3.39.1"), FakePython("3.39.2"), FakePython("3.8.9"))
    shim = tmp_path / "shims/python3.39"
    shim.parent.mkdir()
    shim.write_text("#!/bin/sh\necho 'pyenv: python3.39: command not found' >&2\nexit 127\n")
    shim.chmod(0o755)
    with_shim = {"PATH": f"{shim.parent}:{run_pyscript.environ['PATH']}"}
    done = run_pyscript(wanting, env=with_shim)
    assert (done.stdout, done.stderr) == ("cpython-3.39.2\n", "")
    assert len(_entries(pythons)) == 1
    assert pythons.stat().st_mode & 0o777 == pythons.parent.stat().st_mode & 0o777 == 0o700
    index.forget_requests()
    assert run_pyscript(wanting, env=with_shim).stdout == "cpython-3.39.2\n"
    # The cache can be cleaned: it is where nothing is that cannot be made again.
    for command in ("prune", "clean"):
        assert run_pyscript("cache", command).returncode == 0
    assert run_pyscript(wanting, env=with_shim).stdout == "cpython-3.39.2\n"
    assert index.paths() == []


def test_one_is_downloaded_by_name(run_pyscript: Program, offer: Offer) -> None:
    offer(FakePython("3.39.3", free_threaded=True), FakePython("3.39.1", "pypy"), FakePython("3.38.0", "graalpy"))
    for spec, label in (("3.39t", "cpython-3.39.3t"), ("pypy3.39", "pypy-3.39.1"), ("graalpy", "graalpy-3.38.0")):
        assert run_pyscript("--python", spec, "-c", SAY).stdout == f"{label}\n"


def test_where_downloading_is_forbidden_three_ways_lead_on(
    run_pyscript: Program, offer: Offer, wanting: Path, index: IndexServer
) -> None:
    offer(FakePython("3.39.2"))
    lines = _stderr_lines(run_pyscript, "--offline", wanting)
    assert lines[:2] == ["error: No Python on this system satisfies requires-python `>=3.39`.", "Found:"]
    assert "  {}.{}.{}".format(*sys.version_info) in "\n".join(lines)
    assert "None was downloaded: --offline forbids it." in lines
    assert lines[-2].strip(" |") == "^^^^^^"
    assert lines[-1] == (
        "hint: Run once without offline, which downloads one, or install one (`uv python install 3.39`, "
        "`pyenv install 3.39`, or as you usually do), or give the path of one with `--python`."
    )
    env = {"PYSCRIPT_NO_PYTHON_DOWNLOAD": "1"}
    lines = _stderr_lines(run_pyscript, wanting, env=env)
    assert "None was downloaded: the variable PYSCRIPT_NO_PYTHON_DOWNLOAD forbids it." in lines
    assert lines[-1].startswith("hint: Download one with `pyscript python install 3.39`, or ")
    assert index.paths() == []


def test_where_a_download_breaks_off_the_reason_is_told(
    run_pyscript: Program, offer: Offer, wanting: Path, index: IndexServer, pythons: Path
) -> None:
    offer(FakePython("3.39.2"))
    index.fail("*.tar.gz", Fault(truncate_to=100))
    lines = _stderr_lines(run_pyscript, "--retries", "1", wanting)
    assert lines[0] == "error: No Python on this system satisfies requires-python `>=3.39`."
    (told,) = [line for line in lines if line.startswith("None could be downloaded: ")]
    assert "could not be reached after 2 attempts" in told
    assert lines[-1].startswith("hint: Check the connection or name a mirror (PYSCRIPT_PYTHON_MIRROR), or install one")
    assert _entries(pythons) == []


def test_a_mirror_without_a_checksum_has_what_was_published(
    run_pyscript: Program, index: IndexServer, pythons: Path
) -> None:
    index.fail("/m/2*.tar.gz", Fault(status=404))
    index.fail("/m/c*.tar.gz", Fault(content=FakePython("3.14.9").content))
    index.fail("/m/c*.tar.gz", Fault(redirect_to="/real/x.tar.gz", times=1))
    index.add_page("/real/x.tar.gz", FakePython("3.14.9").content)
    command = ("python", "install", "3.14", "--python-mirror", f"{index.origin}/m/")
    (told, hint) = _stderr_lines(run_pyscript, *command)
    assert "is not the build that was published: its sha256 is " in told
    assert hint == "hint: Try again; if it happens again, do not trust where it comes from."
    upstream, redirected, _ = index.paths()
    assert upstream.split("/")[2].isdigit()
    assert upstream.rpartition("/")[2] == redirected.rpartition("/")[2]
    assert _entries(pythons) == []


def test_two_launches_download_one(run_pyscript: Program, offer: Offer, wanting: Path, index: IndexServer) -> None:
    offer(FakePython("3.39.2"))
    index.fail("*.tar.gz", Fault(delay_s=0.2))
    started = [run_pyscript.start(wanting) for _ in range(2)]
    assert [process.communicate()[0] for process in started] == ["cpython-3.39.2\n"] * 2
    assert _downloads(index) == 1


def test_an_interrupted_download_leaves_nothing(
    run_pyscript: Program, offer: Offer, wanting: Path, index: IndexServer, pythons: Path
) -> None:
    offer(FakePython("3.39.2"))
    index.fail("*.tar.gz", Fault(delay_s=60))
    process = run_pyscript.start(wanting)
    while not _entries(pythons):
        assert process.poll() is None, process.communicate()
        time.sleep(0.01)
    process.send_signal(signal.SIGINT)
    assert process.wait(60) == -signal.SIGINT
    assert _entries(pythons) == []


def test_another_content_than_vouched_for_is_refused(
    run_pyscript: Program, offer: Offer, wanting: Path, index: IndexServer, pythons: Path
) -> None:
    offer(FakePython("3.39.2"))
    index.fail("*.tar.gz", Fault(content=FakePython("3.39.2", program="#!/bin/sh\necho evil\n").content))
    lines = _stderr_lines(run_pyscript, wanting)
    assert "is not the build that was published: its sha256 is " in lines[0]
    assert _entries(pythons) == []


# An interpreter that changes under an environment


def _put(home: Path, python: FakePython, name: str) -> Path:
    """Put a Python where pyenv would have it."""
    path = home / f".pyenv/versions/{name}/bin/python3"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(python.text)
    path.chmod(0o755)
    os.utime(path, (1_700_000_000, 1_700_000_000))
    return path


def test_an_upgrade_under_an_environment_makes_another(
    run_pyscript: Program, wanting: Path, home: Path, cache_dir: Path
) -> None:
    path = _put(home, FakePython("3.39.1"), "a")
    assert run_pyscript(wanting).stdout == run_pyscript(wanting).stdout == "cpython-3.39.1\n"
    (before,) = (cache_dir / "environments-v1").iterdir()
    path.write_text(FakePython("3.39.2").text)
    assert run_pyscript(wanting).stdout == "cpython-3.39.2\n"
    (after,) = {*(cache_dir / "environments-v1").iterdir()} - {before}
    assert "version = 3.39.2" in (after / "pyvenv.cfg").read_text()
    # One that was only touched is asked again, and the launches after that are warm.
    os.utime(path, (1_800_000_000, 1_800_000_000))
    looked = "Looking for a Python that satisfies requires-python `>=3.39`"
    assert looked in run_pyscript("-v", wanting).stderr
    assert [run_pyscript("-v", wanting).stderr, run_pyscript("-v", wanting).stdout] == ["", "cpython-3.39.2\n"]
    assert {*(cache_dir / "environments-v1").iterdir()} == {before, after}


def test_after_a_removal_another_one_is_taken_or_none_is_missed(
    run_pyscript: Program, wanting: Path, home: Path, offer: Offer
) -> None:
    first, second = _put(home, FakePython("3.39.2"), "a"), _put(home, FakePython("3.39.1"), "b")
    assert run_pyscript(wanting).stdout == run_pyscript(wanting).stdout == "cpython-3.39.2\n"
    shutil.rmtree(first.parent)
    assert run_pyscript(wanting).stdout == run_pyscript(wanting).stdout == "cpython-3.39.1\n"
    shutil.rmtree(second.parent)
    lines = _stderr_lines(run_pyscript, "--offline", wanting)
    assert lines[0] == "error: No Python on this system satisfies requires-python `>=3.39`."
    offer(FakePython("3.39.0"))
    assert run_pyscript(wanting).stdout == "cpython-3.39.0\n"


# pyscript python


def test_list_shows_what_is_here_and_what_can_be(run_pyscript: Program, offer: Offer, home: Path) -> None:
    offer(
        FakePython("3.39.2"),
        FakePython("3.39.1"),
        FakePython("3.38.1", free_threaded=True),
        FakePython("3.37.1", "pypy"),
    )
    _put(home, FakePython("3.36.1"), "a")
    done = run_pyscript("python", "list")
    assert done.returncode == 0
    here, there = done.stdout.split("\n\n")
    assert here.splitlines()[0].split() == ["3.36.1", "~/.pyenv/versions/a/bin/python3"]
    assert there.splitlines() == ["To download with pyscript python install:", "  3.39.2", "  3.38.1t", "  pypy3.37.1"]
    run_pyscript("python", "install", "3.39")
    lines = run_pyscript("python", "list").stdout.splitlines()
    assert [line.split()[0] for line in lines if line.endswith("  (downloaded)")] == ["3.39.2"]
    told = json.loads(run_pyscript("python", "list", "--json").stdout)
    assert told["directory"] == str(home / ".local/share/pyscript/pythons")
    newest = told["found"][0]
    assert newest.pop("path").startswith(told["directory"])
    assert newest == {
        "version": "3.39.2",
        "implementation": "cpython",
        "free_threaded": False,
        "runs_scripts": True,
        "downloaded": True,
    }
    assert [build["version"] for build in told["to_download"]] == ["3.38.1", "3.37.1"]
    mirror = {"PYSCRIPT_PYTHON_MIRROR": "https://me:secret@packages.invalid/"}
    published = json.loads((listed := run_pyscript("python", "list", "--json", env=mirror)).stdout)["to_download"]
    assert published[0]["url"].startswith("https://packages.invalid/")
    assert "secret" not in listed.stdout


def test_find_prints_the_path_and_downloads_nothing(
    run_pyscript: Program, offer: Offer, wanting: Path, index: IndexServer, home: Path
) -> None:
    offer(FakePython("3.39.2"))
    lines = _stderr_lines(run_pyscript, "python", "find", "--script", wanting)
    assert "None was downloaded: `find` never does." in lines
    assert lines[-1].startswith("hint: Download one with `pyscript python install 3.39`, or ")
    path = _put(home, FakePython("3.39.1"), "a")
    assert run_pyscript("python", "find", "--script", wanting).stdout == f"{path}\n"
    assert run_pyscript("python", "find", "3.39").stdout == f"{path}\n"
    # Here it is asked for by an argument; there is no option --python.
    assert _stderr_lines(run_pyscript, "python", "find", "3.1")[-1] == "hint: Ask for another one."
    assert index.paths() == []


def test_install_and_uninstall(run_pyscript: Program, offer: Offer, wanting: Path, pythons: Path) -> None:
    offer(FakePython("3.39.1"), FakePython("3.39.2"), FakePython("3.38.1"))
    # Asking for one is no download by itself.
    done = run_pyscript("python", "install", "3.39.1", ">=3.38", env={"PYSCRIPT_NO_PYTHON_DOWNLOAD": "1"})
    assert [line.partition(" in ")[0] for line in done.stdout.splitlines()] == [
        "Installed Python 3.39.1",
        "Installed Python 3.38.1",
    ]
    assert run_pyscript("python", "install", "3.39.1").stdout.startswith("Python 3.39.1 is here already: ~/.local/")
    assert run_pyscript(wanting).stdout == "cpython-3.39.1\n"
    removed = run_pyscript("python", "uninstall", "3.39").stdout.splitlines()
    assert removed[0].startswith("Removed Python 3.39.1: ~/.local/share/pyscript/pythons/cpython-3.39.1-")
    assert removed[1:] == ["1 environment was made for it; its script gets another at the next launch."]
    assert [name.partition("-x")[0].rpartition("-")[0] or name for name in _entries(pythons)] != []
    assert run_pyscript(wanting).stdout == "cpython-3.39.2\n"


def test_one_on_which_a_script_runs_stays(run_pyscript: Program, offer: Offer, write_script: WriteScript) -> None:
    offer(FakePython("3.39.1"))
    script = write_script("print('up', flush=True); import time; time.sleep(60)", block=WANTS_399)
    process = run_pyscript.start(script)
    assert process.stdout is not None and process.stdout.readline() == "up\n"
    lines = _stderr_lines(run_pyscript, "python", "uninstall", "3.39")
    assert lines[0].startswith("error: A script that was started by pyscript is still running on ~/")
    process.kill()
    process.wait()
    assert run_pyscript("python", "uninstall", "3.39").returncode == 0


def test_another_data_directory(run_pyscript: Program, offer: Offer, wanting: Path, tmp_path: Path, home: Path) -> None:
    offer(FakePython("3.39.1"))
    assert run_pyscript(wanting, env={"PYSCRIPT_DATA_DIR": str(tmp_path / "data")}).stdout == "cpython-3.39.1\n"
    assert len(_entries(tmp_path / "data/pythons")) == 1
    assert not (home / ".local").exists()
    done = run_pyscript("--refresh", wanting, env={"PYSCRIPT_DATA_DIR": "data"})
    assert (done.returncode, "'data' is not an absolute path" in done.stderr) == (2, True)


def test_the_program_called_python_is_still_one(run_pyscript: Program) -> None:
    code = "import os; print(bool(os.environ.get('VIRTUAL_ENV')))"
    assert run_pyscript("run", "python", "-c", code).stdout == "True\n"
    assert run_pyscript("--offline", "python", "-c", code).stdout == "True\n"
    assert run_pyscript("-q", "python", "find").stdout.count("python") > 0
