"""`pyscript lock`: every version and file that a script gets, in the standard format."""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path
from typing import Any

import pytest
import tomli

from tests.conftest import Program
from tests.functional.conftest import WriteScript, package
from tests.support.index_server import Fault, IndexServer
from tests.support.repositories import git, needs_git
from tests.support.sdists import Sdist

BLOCK = "requires-python = '>=3.11,<3.13'"


def entries(path: Path) -> list[str]:
    """Return the entries of a lock: name, version and marker."""
    packages: list[dict[str, Any]] = tomli.loads(path.read_text())["packages"]
    return [
        " ".join((each["name"], each.get("version", "?"), *([each["marker"]] if "marker" in each else [])))
        for each in packages
    ]


@pytest.fixture
def script(stocked: IndexServer, write_script: WriteScript) -> Path:
    return write_script("import speak", "speak", "greet; sys_platform == 'win32'", block=BLOCK)


@pytest.fixture
def lock_path(script: Path) -> Path:
    return script.with_name("pylock.x.toml")


def test_a_lock_is_written_beside_the_script(
    script: Path, lock_path: Path, stocked: IndexServer, run_pyscript: Program
) -> None:
    done = run_pyscript("lock", script)
    assert done.stdout == f"Locked 3 packages in {lock_path}, for Python <3.13,>=3.11 on 5 platforms.\n", done.stderr
    assert entries(lock_path) == ['greet 1.0 sys_platform == "win32"', "speak 2.0", "voice 1.5"]
    lock = tomli.loads(lock_path.read_text())
    assert (lock["lock-version"], lock["created-by"], lock["requires-python"]) == ("1.0", "pyscript", "<3.13,>=3.11")
    assert lock["tool"]["pyscript"] == {
        "requirements": ["speak", "greet; sys_platform == 'win32'"],
        "requires-python": ">=3.11,<3.13",
        "settings": "",
    }
    served = stocked.files["voice"][0]
    assert lock["packages"][-1]["index"] == stocked.index_url
    assert lock["packages"][-1]["wheels"] == [
        {
            "url": f"{stocked.origin}/files/{served.filename}",
            "upload-time": tomli.loads("a = 2024-01-01T00:00:00.000000Z")["a"],
            **({"size": len(served.content)} if served.size else {}),
            "hashes": {"sha256": served.sha256},
        }
    ]
    assert lock["packages"][1]["dependencies"] == [{"name": "voice"}]


def test_the_same_again_is_the_same_and_writes_nothing(
    script: Path, lock_path: Path, stocked: IndexServer, run_pyscript: Program, cache_dir: Path
) -> None:
    run_pyscript("lock", script)
    first, stamp = lock_path.read_bytes(), lock_path.stat().st_mtime_ns
    done = run_pyscript("lock", script)
    assert done.stdout == f"{lock_path} is up to date: 3 packages.\n"
    assert lock_path.stat().st_mtime_ns == stamp
    lock_path.unlink()
    run_pyscript("--cache-dir", cache_dir / "other", "-c", "")  # nothing of it may come from the cache
    run_pyscript("lock", "--cache-dir", cache_dir / "other", script)
    assert lock_path.read_bytes() == first


def test_what_is_locked_stays_until_it_is_upgraded(
    script: Path, lock_path: Path, stocked: IndexServer, run_pyscript: Program
) -> None:
    run_pyscript("lock", script)
    stocked.add(package("speak", "3.0", ("voice>=1",)))
    stocked.add(package("voice", "2.0"))
    assert run_pyscript("lock", "--refresh", script).stdout == f"{lock_path} is up to date: 3 packages.\n"
    done = run_pyscript("lock", "--upgrade-package", "Voice", "--refresh", script)
    assert done.stdout.startswith("  voice 1.5 → 2.0\nLocked 3 packages")
    done = run_pyscript("lock", "--upgrade-package", "voise", script)
    assert (done.returncode, done.stdout) == (2, "")
    assert "there is no voise in the lock, which was left as it is.\nhint: Did you mean voice?" in done.stderr
    done = run_pyscript("lock", "--upgrade", script)
    assert done.stdout.startswith("  speak 2.0 → 3.0\nLocked 3 packages")
    assert entries(lock_path)[1:] == ["speak 3.0", "voice 2.0"]


def test_check_advises_what_was_asked_for(script: Path, run_pyscript: Program) -> None:
    done = run_pyscript("lock", "--platform", "linux-x86_64", "--check", "--exclude-newer", "7 days", script)
    assert done.stderr.endswith(f"pyscript lock --platform linux-x86_64 --exclude-newer '7 days' {script}\n")


def test_check_writes_nothing_and_tells(script: Path, lock_path: Path, run_pyscript: Program) -> None:
    done = run_pyscript("lock", "--check", script)
    assert (done.returncode, lock_path.exists()) == (1, False)
    assert done.stderr == f"error: {script} has no lock in {lock_path}.\nhint: Make it anew: pyscript lock {script}\n"
    run_pyscript("lock", script)
    done = run_pyscript("lock", "--check", script)
    assert (done.returncode, done.stdout) == (0, f"{lock_path} is up to date: 3 packages.\n")
    before = lock_path.read_bytes()
    script.write_text(script.read_text().replace("'speak'", "'speak<2'"))
    done = run_pyscript("lock", "--check", script)
    assert (done.returncode, lock_path.read_bytes()) == (1, before)
    assert done.stderr.startswith(
        f"error: {lock_path} is outdated.\n  speak 2.0 → 1.0\n  voice 1.5 is not needed any more\n"
    )


def test_requirements_that_change_nothing_else_are_written_down_nevertheless(
    script: Path, lock_path: Path, run_pyscript: Program
) -> None:
    run_pyscript("lock", script)
    script.write_text(script.read_text().replace("'speak'", "'speak>=2'"))
    assert run_pyscript("lock", "--check", script).returncode == 1
    done = run_pyscript("lock", script)
    assert done.stdout.startswith("Locked 3 packages")
    assert tomli.loads(lock_path.read_text())["tool"]["pyscript"]["requirements"][0] == "speak>=2"


@pytest.mark.parametrize(
    ("options", "count", "platforms"),
    [
        (("--platform", "linux-x86_64"), 1, ["linux-x86_64"]),
        (("--platform", "aarch64-apple-darwin", "--platform", "windows"), 2, ["macos-arm64", "windows-x86_64"]),
        (("--platform", "default", "--platform", "linux-musl-x86_64"), 5, ["default", "linux-musl-x86_64"]),
    ],
)
def test_platforms_are_chosen_once_and_stay(
    options: tuple[str, ...],
    count: int,
    platforms: list[str],
    script: Path,
    lock_path: Path,
    run_pyscript: Program,
) -> None:
    run_pyscript("lock", *options, script)
    lock = tomli.loads(lock_path.read_text())
    assert (len(lock["environments"]), lock["tool"]["pyscript"]["platforms"]) == (count, platforms)
    assert run_pyscript("lock", "--check", script).returncode == 0


def test_the_usual_platforms_come_back(script: Path, lock_path: Path, run_pyscript: Program) -> None:
    run_pyscript("lock", "--platform", "macos", script)
    run_pyscript("lock", "--python-platform", "default", script)  # as it is called for a bundle
    lock = tomli.loads(lock_path.read_text())
    assert (len(lock["environments"]), "platforms" in lock["tool"]["pyscript"]) == (5, False)


def test_here_is_this_interpreter_alone(script: Path, lock_path: Path, run_pyscript: Program) -> None:
    done = run_pyscript("lock", "--here", script)
    assert done.stdout.endswith("on this platform.\n"), done.stderr
    lock = tomli.loads(lock_path.read_text())
    assert len(lock["environments"]) == 1
    assert 'python_version == "3.' in lock["environments"][0]
    assert entries(lock_path) == ["speak 2.0", "voice 1.5"], "no markers are needed, and this is not Windows"
    assert lock["tool"]["pyscript"]["platforms"] == ["here"]


@pytest.mark.parametrize("line_end", ["\n", "\r\n"])
def test_a_lock_inside_the_script(line_end: str, script: Path, lock_path: Path, run_pyscript: Program) -> None:
    script.write_bytes(script.read_text().replace("\n", line_end).encode())
    script.chmod(0o755)
    before = script.read_bytes()
    done = run_pyscript("lock", "--embed", script)
    assert done.stdout.startswith(f"Locked 3 packages in {script} itself, for "), done.stderr
    after = script.read_bytes()
    assert after.startswith(before)
    assert f"{line_end}# /// pylock{line_end}# # What x.py gets".encode() in after
    assert after.count(b"\n") == after.count(line_end.encode())
    assert (script.stat().st_mode & 0o777, lock_path.exists()) == (0o755, False)
    # It stays where it is.
    assert run_pyscript("lock", script).stdout == f"The lock in {script} is up to date: 3 packages.\n"
    assert run_pyscript("lock", "--check", script).returncode == 0
    assert script.read_bytes() == after


def test_a_lock_that_moves_into_the_script_keeps_its_versions(
    script: Path, lock_path: Path, stocked: IndexServer, run_pyscript: Program
) -> None:
    run_pyscript("lock", "--platform", "windows", script)
    stocked.add(package("voice", "2.0"))
    done = run_pyscript("lock", "--refresh", "--embed", script)
    assert done.stdout.endswith(f"Locked 3 packages in {script} itself, for Python <3.13,>=3.11 on this platform.\n")
    assert done.stderr == f"{lock_path} has no effect any more: the lock in the script counts.\n"
    assert '# name = "voice"\n# version = "1.5"\n' in script.read_text()


def test_another_file(script: Path, lock_path: Path, run_pyscript: Program, tmp_path: Path) -> None:
    done = run_pyscript("lock", script, "-o", "pylock.toml")
    assert done.stdout.startswith("Locked 3 packages in pylock.toml, for"), done.stderr
    assert (tmp_path / "pylock.toml").read_text().splitlines()[1] == "# Made by: pyscript lock x.py -o pylock.toml"
    assert not lock_path.exists()


def test_json(script: Path, lock_path: Path, run_pyscript: Program) -> None:
    done = run_pyscript("lock", "--json", script)
    assert json.loads(done.stdout) == {
        "script": str(script),
        "lock": str(lock_path),
        "embedded": False,
        "packages": {"greet": ["1.0"], "speak": ["2.0"], "voice": ["1.5"]},
        "changes": [
            {"name": "greet", "before": "", "after": "1.0"},
            {"name": "speak", "before": "", "after": "2.0"},
            {"name": "voice", "before": "", "after": "1.5"},
        ],
    }


def test_a_script_that_needs_nothing(write_script: WriteScript, run_pyscript: Program, tmp_path: Path) -> None:
    script = write_script("print(1)", block="requires-python = '>=3.11'")
    done = run_pyscript("lock", script)
    assert done.stdout.startswith("Locked 0 packages in"), done.stderr
    assert tomli.loads((tmp_path / "pylock.x.toml").read_text())["packages"] == []


def test_without_a_range_the_lock_begins_with_this_python(
    stocked: IndexServer, write_script: WriteScript, run_pyscript: Program, tmp_path: Path
) -> None:
    run_pyscript("lock", write_script("", "speak"))
    major, minor = sys.version_info[:2]
    assert tomli.loads((tmp_path / "pylock.x.toml").read_text())["requires-python"] == f">={major}.{minor}"


def test_what_comes_from_elsewhere(
    stocked: IndexServer, write_script: WriteScript, run_pyscript: Program, tmp_path: Path
) -> None:
    (tmp_path / "wheels").mkdir()
    package("local").write(tmp_path / "wheels")
    sdist = Sdist("archived", "2.0", is_static=True)
    stocked.add_file(sdist.filename, sdist.content)
    Sdist("project", "3.0").write_project(tmp_path / "project")
    url = f"{stocked.origin.replace('//', '//me:secret@')}/files/{sdist.filename}"
    script = write_script(
        "",
        *("local", f"archived @ {url}", "project @ ./project"),
        block=f"{BLOCK}\n[tool.pyscript]\nfind-links = ['wheels']\n",
    )
    text = script.read_text()
    dependencies = text[text.index("# dependencies") : text.index("# ///\n", 10)]
    script.write_text(text.replace(dependencies, "").replace("# [tool", f"{dependencies}# [tool"))
    done = run_pyscript("lock", script)
    assert done.returncode == 0, done.stderr
    lock = (tmp_path / "pylock.x.toml").read_text()
    archived, local, project = tomli.loads(lock)["packages"]
    assert archived["archive"]["url"] == f"{stocked.origin}/files/{sdist.filename}"
    assert len(archived["archive"]["hashes"]["sha256"]) == 64
    assert local["wheels"][0]["path"] == "wheels/local-1.0-py3-none-any.whl"
    assert project["directory"] == {"path": "project"}
    assert "version" not in project
    assert "secret" not in lock


@needs_git
def test_a_repository_is_locked_by_its_commit(
    stocked: IndexServer, write_script: WriteScript, run_pyscript: Program, tmp_path: Path
) -> None:
    repository = Sdist("made", requires=("voice",)).write_project(tmp_path / "made")
    for command in (("init", "-q", "-b", "main"), ("add", "-A"), ("commit", "-qm", "1")):
        git(repository, *command)
    commit = git(repository, "rev-parse", "HEAD")
    script = write_script("import made", f"made @ git+{repository.as_uri()}@main", block=BLOCK)
    done = run_pyscript("lock", script)
    assert done.returncode == 0, done.stderr
    made, voice = tomli.loads((tmp_path / "pylock.x.toml").read_text())["packages"]
    assert made == {
        "name": "made",
        "dependencies": [{"name": "voice"}],
        "vcs": {"type": "git", "url": repository.as_uri(), "requested-revision": "main", "commit-id": commit},
    }
    assert voice["version"] == "1.5"


def test_a_source_for_one_system_is_another_entry(
    stocked: IndexServer, write_script: WriteScript, run_pyscript: Program, tmp_path: Path
) -> None:
    with IndexServer() as other:
        other.add(package("greet", "7.0"))
        sources = "[tool.pyscript.sources]\ngreet = {{ index = 'other', marker = \"sys_platform == 'linux'\" }}"
        tables = f"[[tool.pyscript.index]]\nname = 'other'\nurl = '{other.index_url}'\nexplicit = true\n"
        script = write_script("", block=f"dependencies = ['greet']\n{BLOCK}\n{sources.format()}\n{tables}")
        done = run_pyscript("lock", script)
        assert done.returncode == 0, done.stderr
    path = tmp_path / "pylock.x.toml"
    assert entries(path) == ['greet 1.0 sys_platform != "linux"', 'greet 7.0 sys_platform == "linux"']
    packages = tomli.loads(path.read_text())["packages"]
    assert [each["index"] for each in packages] == [stocked.index_url, other.index_url]


def test_nothing_is_written_where_a_target_has_no_answer(
    stocked: IndexServer, write_script: WriteScript, run_pyscript: Program, tmp_path: Path
) -> None:
    stocked.add(package("fast", tag="cp311-cp311-win_amd64"))
    done = run_pyscript("lock", write_script("", "fast", block=BLOCK))
    assert done.returncode == 1
    assert "error: There is no answer for Python 3.1" in done.stderr
    assert "no wheel for" in done.stderr
    assert list(tmp_path.glob("*.toml")) == []


def test_a_platform_that_nobody_asked_for_may_be_left_out(
    stocked: IndexServer, write_script: WriteScript, run_pyscript: Program, tmp_path: Path
) -> None:
    every = ("manylinux_2_17_x86_64", "manylinux_2_17_aarch64", "macosx_11_0_arm64", "win_amd64")
    for platform in every:
        stocked.add(package("fast", tag=f"py3-none-{platform}"))
    script = write_script("", "fast", block=BLOCK)
    done = run_pyscript("lock", script)
    assert done.stderr.startswith("warning: The lock is not for macos-x86_64: fast (line 3 of"), done.stderr
    assert done.stdout.endswith("on 4 platforms.\n")
    assert run_pyscript("lock", "--check", script).returncode == 0
    done = run_pyscript("lock", "--platform", "default", "--platform", "macos-x86_64", script)
    assert (done.returncode, done.stdout) == (1, "")
    assert "error: There is no answer for Python 3.12 on macos-x86_64.\n" in done.stderr


def test_a_broken_lock_is_made_anew(script: Path, lock_path: Path, run_pyscript: Program) -> None:
    lock_path.write_text("<<<<<<< HEAD\n")
    done = run_pyscript("lock", script)
    assert done.stderr.startswith(f"warning: {lock_path} is no valid lock: it is not TOML: ")
    assert done.stdout.startswith("Locked 3 packages in")
    assert len(entries(lock_path)) == 3


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() == 0, reason="root may write anywhere")
def test_a_directory_that_cannot_be_written(script: Path, run_pyscript: Program) -> None:
    script.parent.chmod(0o555)
    try:
        done = run_pyscript("lock", script)
    finally:
        script.parent.chmod(0o755)
    assert done.returncode == 1
    assert "cannot be written" in done.stderr


def test_an_index_that_fails_leaves_the_lock_as_it_was(
    script: Path, lock_path: Path, stocked: IndexServer, run_pyscript: Program
) -> None:
    run_pyscript("lock", script)
    before = lock_path.read_bytes()
    stocked.fail("/simple/voice/", Fault(status=500))
    done = run_pyscript("lock", "--upgrade", "--retries", "0", script)
    assert (done.returncode, lock_path.read_bytes()) == (1, before), done.stderr


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("-",), "What comes on stdin has no place for a lock."),
        (("https://host.example/x.py",), "is elsewhere, and its lock would have to be there."),
        (("x.py", "--with", "greet"), "A lock is of what the script itself asks for"),
        (("x.py", "--here", "--platform", "linux"), "--here and --platform both say what the lock is for."),
        (("x.py", "--embed", "-o", "pylock.toml"), "--embed and --output both say where the lock goes."),
        (("x.py", "-o", "x.lock"), "--output: x.lock is no name for a lock"),
        (("x.py", "-o", "pylock.a.b.toml"), "--output: pylock.a.b.toml is no name for a lock"),
        (("x.py", "--platform", "beos"), "There is no platform called 'beos'."),
        (("x.py", "y.py"), "One script at a time, please: x.py, y.py."),
        (("--upgrade-package",), "expected one argument"),
    ],
)
def test_what_cannot_be_meant(arguments: tuple[str, ...], said: str, script: Path, run_pyscript: Program) -> None:
    done = run_pyscript("lock", *arguments)
    assert done.returncode == 2
    assert said in done.stderr


def test_without_a_script_the_usage_is_shown(run_pyscript: Program) -> None:
    done = run_pyscript("lock")
    assert done.returncode == 2
    assert "usage: pyscript lock [OPTION...] SCRIPT" in done.stdout + done.stderr
