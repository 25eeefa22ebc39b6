"""`pyscript cache`: where it is, what is in it, and what cleaning takes away."""

from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path

import pytest

from tests.conftest import Program
from tests.functional.conftest import WriteScript
from tests.support.index_server import IndexServer
from tests.support.sdists import Sdist


@pytest.fixture
def filled(stocked: IndexServer, run_pyscript: Program, write_script: WriteScript) -> tuple[Path, Path]:
    """Return two scripts that were run: one needs speak and voice, the other greet."""
    speaking = write_script("import speak", "speak", name="speaking.py")
    greeting = write_script("import greet", "greet", name="greeting.py")
    for script in (speaking, greeting):
        assert run_pyscript(script).returncode == 0
    return speaking, greeting


def names(path: Path) -> list[str]:
    return sorted(entry.name for entry in path.iterdir()) if path.exists() else []


def test_dir_is_where_the_variable_says(run_pyscript: Program, cache_dir: Path, home: Path) -> None:
    assert run_pyscript("cache", "dir").stdout == f"{cache_dir}\n"
    unset = {"PYSCRIPT_CACHE_DIR": None}
    assert run_pyscript("cache", "dir", env=unset).stdout == f"{home}/.cache/pyscript\n"
    assert run_pyscript("cache", "dir", env=unset | {"XDG_CACHE_HOME": "/x"}).stdout == "/x/pyscript\n"
    assert run_pyscript("cache", "dir", "--cache-dir", "/y").stdout == "/y\n"


def test_info_counts_what_is_there(filled: tuple[Path, Path], run_pyscript: Program, cache_dir: Path) -> None:
    shown = run_pyscript("cache", "info").stdout
    assert shown.startswith(f"{cache_dir}\n")
    assert "environments" in shown
    content = json.loads(run_pyscript("cache", "info", "--json").stdout)
    assert content["path"] == str(cache_dir)
    counts = {name: bucket["count"] for name, bucket in content["buckets"].items()}
    assert counts["environments-v1"] == 2
    assert counts["wheels-v1"] == 3
    assert counts["launch-v1"] == 2
    assert content["total_bytes"] == sum(bucket["size_bytes"] for bucket in content["buckets"].values()) > 0


def test_info_of_no_cache_is_no_error(run_pyscript: Program, cache_dir: Path) -> None:
    assert run_pyscript("cache", "info").returncode == 0
    assert not cache_dir.exists()


def test_prune_leaves_what_is_used(filled: tuple[Path, Path], run_pyscript: Program, cache_dir: Path) -> None:
    done = run_pyscript("cache", "prune", "--json")
    assert json.loads(done.stdout) == {"environments": 0, "wheels": 0, "builds": 0, "bundles": 0, "freed_bytes": 0}
    assert len(names(cache_dir / "environments-v1")) == 2
    assert run_pyscript("cache", "prune").stdout == "Nothing was to be removed.\n"


def test_clean_takes_everything_and_the_next_run_makes_it_again(
    filled: tuple[Path, Path], run_pyscript: Program, cache_dir: Path
) -> None:
    assert run_pyscript("cache", "clean").stdout.startswith("Removed 2 environments and 3 wheels, ")
    assert not cache_dir.exists()
    assert run_pyscript(filled[0]).returncode == 0


def test_clean_of_a_script_takes_what_only_it_uses(
    filled: tuple[Path, Path], run_pyscript: Program, cache_dir: Path
) -> None:
    done = run_pyscript("cache", "clean", filled[0])
    assert done.stdout.startswith("Removed 1 environment and 2 wheels, "), done.stderr
    assert len(names(cache_dir / "wheels-v1")) == 1
    assert run_pyscript(filled[1]).returncode == 0
    again = run_pyscript("cache", "clean", filled[0])
    assert (again.returncode, again.stdout) == (1, "")
    assert "Nothing in the cache belongs to" in again.stderr
    assert run_pyscript(filled[0]).returncode == 0


def test_clean_of_a_script_finds_its_launches_with_options_from_anywhere(
    stocked: IndexServer, run_pyscript: Program, write_script: WriteScript, tmp_path: Path, cache_dir: Path
) -> None:
    write_script("import speak", "speak", name="speaking.py")
    (tmp_path / "elsewhere").mkdir()
    assert run_pyscript("--with", "greet", "speaking.py").returncode == 0
    done = run_pyscript("cache", "clean", "../speaking.py", cwd=tmp_path / "elsewhere")
    assert done.stdout.startswith("Removed 1 environment and 3 wheels, "), done.stderr
    assert names(cache_dir / "environments-v1") == []


def test_clean_of_a_package_takes_its_wheels_and_who_uses_them(
    filled: tuple[Path, Path], run_pyscript: Program, cache_dir: Path
) -> None:
    assert run_pyscript("cache", "clean", "Voice", "--json").returncode == 0
    assert len(names(cache_dir / "environments-v1")) == 1
    assert "There is no wheel of voice" in run_pyscript("cache", "clean", "voice").stderr
    assert run_pyscript(filled[0]).returncode == 0


@pytest.mark.parametrize("what", ["Made", "x.py"])
def test_what_was_built_is_counted_and_cleaned(
    what: str, stocked: IndexServer, run_pyscript: Program, write_script: WriteScript, cache_dir: Path
) -> None:
    sdist = Sdist("made")
    stocked.add_file(sdist.filename, sdist.content)
    script = write_script("", "made")
    assert run_pyscript(script).returncode == 0
    assert json.loads(run_pyscript("cache", "info", "--json").stdout)["buckets"]["built-v1"]["count"] == 1
    done = run_pyscript("cache", "clean", what)
    assert done.stdout.startswith("Removed 1 environment, 1 wheel and 1 build, "), done.stderr
    assert names(cache_dir / "built-v1") == []
    assert run_pyscript(script).returncode == 0


def test_a_build_is_as_young_as_its_last_use(
    stocked: IndexServer, run_pyscript: Program, write_script: WriteScript, cache_dir: Path
) -> None:
    sdist = Sdist("made")
    stocked.add_file(sdist.filename, sdist.content)
    script = write_script("", "made")
    run_pyscript(script)
    (entry,) = (cache_dir / "built-v1").iterdir()
    os.utime(entry, (0, 0))
    for name in ("environments-v1", "wheels-v1"):
        (cache_dir / name).rename(cache_dir.with_name(name))
    assert run_pyscript(script).returncode == 0
    assert entry.stat().st_mtime > 0


def test_clean_does_not_pull_the_floor_from_under_a_running_script(
    run_pyscript: Program, write_script: WriteScript
) -> None:
    running = run_pyscript.start(write_script("import time; print('up', flush=True); time.sleep(60)"))
    assert running.stdout is not None
    running.stdout.readline()
    done = run_pyscript("cache", "clean")
    assert done.returncode == 1
    assert "still running" in done.stderr


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["cache"], "pyscript cache: no command given; see pyscript cache --help"),
        (["cache", "burn"], "invalid choice"),
        (["cache", "prune", "--older-than", "soon"], "--older-than: 'soon' is not valid"),
        (["cache", "info", "extra"], "Unrecognized arguments"),
    ],
)
def test_a_mistake_is_told(arguments: list[str], message: str, run_pyscript: Program) -> None:
    done = run_pyscript(*arguments)
    assert (done.returncode, done.stdout) == (2, "")
    assert message in done.stderr


def test_clean_takes_only_what_is_the_caches_own(run_pyscript: Program, tmp_path: Path) -> None:
    mine = tmp_path / "mine"
    mine.mkdir()
    (mine / "letter.txt").write_text("dear")
    (mine / "CACHEDIR.TAG").write_text("Signature: 8a477f597d28d172789f06886806bc55\n# made by another program\n")
    mine.chmod(0o775)
    for arguments in (["cache", "clean", "--cache-dir", str(mine)], ["--cache-dir", str(mine), "-c", "0"]):
        done = run_pyscript(*arguments)
        assert done.returncode == 1
        assert "is not a cache of pyscript" in done.stderr
    assert (mine / "letter.txt").read_text() == "dear"
    assert mine.stat().st_mode & 0o777 == 0o775


def test_clean_leaves_what_somebody_else_put_there(run_pyscript: Program, cache_dir: Path) -> None:
    run_pyscript("-c", "0")
    (cache_dir / "notes.txt").write_text("mine")
    assert run_pyscript("cache", "clean").returncode == 0
    assert names(cache_dir) == ["notes.txt"]


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give files away")
def test_a_cache_of_somebody_else_is_not_even_read(
    run_pyscript: Program, write_script: WriteScript, cache_dir: Path
) -> None:
    script = write_script()
    run_pyscript(script)
    subprocess.run(["chown", "-R", "12345", cache_dir], check=True)
    done = run_pyscript(script)
    assert (done.returncode, done.stdout) == (1, "")
    assert "belongs to another user" in done.stderr


def test_clean_of_a_running_script_is_refused(run_pyscript: Program, write_script: WriteScript) -> None:
    script = write_script("import time; print('up', flush=True); time.sleep(60)")
    running = run_pyscript.start(script)
    assert running.stdout is not None
    running.stdout.readline()
    done = run_pyscript("cache", "clean", script)
    assert done.returncode == 1
    assert "still running" in done.stderr
