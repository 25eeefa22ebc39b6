"""`pyscript install`, `list` and `uninstall`: scripts as commands on PATH."""

from __future__ import annotations

import json
import os
import re
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.conftest import Program
from tests.functional.conftest import WriteScript, package
from tests.support.index_server import Fault, Hold, IndexServer

if sys.platform != "win32":
    from tests.support.terminal import at_terminal

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="the file on PATH is a shell script here")

IMPORT = "import sys, speak; print(speak.__version__, *sys.argv[1:])"
SHELLS = {
    "dash": ["dash"],
    "bash as sh": ["bash", "--posix"],
    "busybox": ["busybox", "sh"],
    "zsh as sh": ["zsh", "--emulate", "sh"],
}


@pytest.fixture
def bin_dir(home: Path, run_pyscript: Program) -> Path:
    """Return the directory of commands, which is on PATH."""
    path = home / ".local" / "bin"
    run_pyscript.environ["PATH"] = f"{path}:{run_pyscript.environ['PATH']}"
    return path


@pytest.fixture
def commands(home: Path) -> Path:
    """Return where commands are described."""
    return home / ".local" / "share" / "pyscript" / "commands"


def old(path: Path) -> Path:
    """Let a file be some seconds old: no launch without Python of what changed a moment ago."""
    os.utime(path, (time.time() - 60,) * 2)
    return path


def call(
    command: Path | str,
    *arguments: str,
    program: Program,
    cwd: Path | str = "/",
    env: dict[str, str | None] | None = None,
    shell: list[str] | None = None,
) -> subprocess.CompletedProcess[str]:
    """Start an installed command, by default from the root directory."""
    return subprocess.run(
        [*(shell or []), str(command), *arguments],
        env=program.variables(env),
        cwd=cwd,
        capture_output=True,
        text=True,
        check=False,
        stdin=subprocess.DEVNULL,
    )


def everything_below(path: Path) -> dict[str, bytes]:
    return {str(each.relative_to(path)): each.read_bytes() for each in path.rglob("*") if each.is_file()}


def test_a_command_starts_from_anywhere_by_its_name(
    stocked: IndexServer, run_pyscript: Program, write_script: WriteScript, bin_dir: Path
) -> None:
    script = write_script(IMPORT, "speak", name="greet.py")
    done = run_pyscript("install", "greet.py")
    version = ".".join(map(str, sys.version_info[:2]))
    assert done.stdout.startswith(f"Installed greet: 2 packages, Python {version}."), done.stderr
    assert done.stdout.endswith(f"\n  {bin_dir}/greet\n")
    script.unlink()
    stocked.forget_requests()
    done = call("greet", "a b", "--with", "*", program=run_pyscript)
    assert (done.stdout, done.stderr, stocked.paths()) == ("2.0 a b --with *\n", "", [])


@pytest.mark.parametrize("shell", SHELLS)
@pytest.mark.parametrize("options", [(), ("--with", "greet>=1,<2", "--python", ">=3.8")])
def test_its_first_start_needs_no_python_for_pyscript(
    options: tuple[str, ...],
    shell: str,
    stocked: IndexServer,
    run_pyscript: Program,
    write_script: WriteScript,
    bin_dir: Path,
    tmp_path: Path,
) -> None:
    if shutil.which(SHELLS[shell][0]) is None:
        pytest.skip(f"{shell} is not installed")
    old(write_script(IMPORT, "speak", name="hi.py"))
    assert run_pyscript("install", "hi.py", *options).returncode == 0
    command, program = bin_dir / "hi", tmp_path / "nothing" / "pyscript"
    # Whatever the shell does not recognise, this one would have to start.
    command.write_text(re.sub(r"pyscript_itself=/\S+", f"pyscript_itself={program}", command.read_text()))
    program.parent.mkdir()
    program.write_text("#!/bin/sh\necho left to Python\n")
    program.chmod(0o755)
    for directory in ("/", tmp_path):
        done = call(command, "x", program=run_pyscript, cwd=directory, shell=SHELLS[shell])
        assert (done.stdout, done.stderr) == ("2.0 x\n", "")


def test_options_hold_for_each_start(
    stocked: IndexServer, run_pyscript: Program, write_script: WriteScript, bin_dir: Path, tmp_path: Path
) -> None:
    body = "import greet, sys; print(greet.__version__, sys.argv)"
    write_script(body, name="x.py")
    (tmp_path / "reqs.txt").write_text("greet\n")
    assert run_pyscript("install", "--with-requirements", "reqs.txt", "x.py", "--name=it's").returncode == 2
    done = run_pyscript("install", "--with-requirements", "reqs.txt", "x.py", "--name=hello")
    assert done.returncode == 0, done.stderr
    done = call("hello", "--help", program=run_pyscript)
    assert done.stdout.startswith("1.0 ['"), done.stderr
    assert done.stdout.endswith("/hello', '--help']\n")


def test_a_link_follows_the_script(
    stocked: IndexServer, run_pyscript: Program, write_script: WriteScript, bin_dir: Path, tmp_path: Path
) -> None:
    script = write_script("import greet; print(__file__)", "greet")
    done = run_pyscript("install", "--link", "./x.py", "--name", "follow")
    assert done.stdout.startswith("Linked follow: 1 package"), done.stderr
    assert call("follow", program=run_pyscript).stdout == f"{script}\n"
    write_script(IMPORT, "speak")
    assert call("follow", program=run_pyscript).stdout == "2.0\n"
    script.unlink()
    done = call("follow", program=run_pyscript)
    assert f"There is no script {script}" in done.stderr
    (row,) = json.loads(run_pyscript("list", "--json").stdout)
    assert row["link"] is True
    assert row["broken"] == f"{script} is missing"


@pytest.mark.parametrize(
    "content",
    [
        b"# /// script\r\n# dependencies = ['greet']\r\n# ///\r\nimport greet\r\nprint('ok')\r\n",
        b"# coding: latin-1\n# /// script\n# dependencies = ['greet']\n# ///\nimport greet\nprint('ok')  # \xe9\n",
        b"#!/usr/bin/env python3\n# /// script\n# dependencies = ['greet']\n# ///\nimport greet; print('ok')",
        b"\xef\xbb\xbf# /// script\n# dependencies = ['greet']\n# ///\nimport greet\nprint('ok')\n",
        b"print('ok')\n",
    ],
    ids=["CRLF", "latin-1", "another shebang", "byte order mark", "no block"],
)
@pytest.mark.parametrize("is_link", [False, True])
def test_scripts_of_every_kind(
    is_link: bool, content: bytes, stocked: IndexServer, run_pyscript: Program, bin_dir: Path, tmp_path: Path
) -> None:
    script = tmp_path / "my dir's" / "odd name.py"
    script.parent.mkdir()
    script.write_bytes(content)
    script.chmod(0o400)
    done = run_pyscript("install", *(["--link"] if is_link else []), "--name", "odd", script)
    assert done.returncode == 0, done.stderr
    assert call("odd", program=run_pyscript).stdout == "ok\n"
    if not is_link:
        (copy,) = [each for each in (tmp_path / "home").rglob("odd") if each.is_file() and each.parent != bin_dir]
        assert copy.read_bytes() == content


def test_a_script_called_like_a_subcommand_is_recognised_too(
    run_pyscript: Program, write_script: WriteScript, bin_dir: Path, cache_dir: Path
) -> None:
    old(write_script("print('mine')", name="list.py"))
    run_pyscript("install", "list.py")
    assert [path.name for path in (cache_dir / "launch-v1").rglob("*.launch")] == ["list.py.launch"]
    assert call("list", program=run_pyscript).stdout == "mine\n"


def test_a_lock_beside_the_script_is_copied(
    run_pyscript: Program, write_script: WriteScript, bin_dir: Path, commands: Path, tmp_path: Path
) -> None:
    write_script("print('locked')", name="my.tool.py")
    lock = b'lock-version = "1.0"\ncreated-by = "somebody"\npackages = []\n'
    (tmp_path / "pylock.my-tool.toml").write_bytes(lock)
    assert run_pyscript("install", "my.tool.py").returncode == 0
    assert [path.read_bytes() for path in commands.rglob("pylock.*.toml")] == [lock]
    assert run_pyscript("uninstall", "my.tool").stderr == ""
    assert not (commands / "my.tool").exists()


# What cannot work leaves nothing behind


def test_requirements_that_cannot_be_had_install_nothing(
    stocked: IndexServer, run_pyscript: Program, write_script: WriteScript, bin_dir: Path, commands: Path
) -> None:
    write_script("", "nothere")
    done = run_pyscript("install", "x.py")
    assert "There is no package called nothere" in done.stderr
    assert (done.returncode, os.listdir(bin_dir), commands.exists()) == (1, [], False)


@pytest.mark.parametrize(
    ("arguments", "code", "message"),
    [
        (["install"], 2, "pyscript install: no script given; see pyscript install --help"),
        (["install", "-"], 2, "What comes from stdin cannot be installed."),
        (["install", "missing.py"], 2, "There is no script"),
        (["install", "x.py", "y.py", "--name", "z"], 2, "One name is for one script."),
        (["install", "x.py", "--cache-dir", "c"], 2, "A command has to find its cache again."),
        (["install", "x.py", "--name", "../x"], 2, "A command cannot be called '../x'."),
        (["install", "x.py", "--name", "a/b"], 2, "A command cannot be called 'a/b'."),
        (["install", "x.py", "--name=-x"], 2, "A command cannot be called '-x'."),
        (["install", "x.py", "--name", ""], 2, "A command cannot be called ''."),
        (["install", "x.py", "--name", "pyscript"], 2, "pyscript is pyscript's own program."),
        (["install", "x.py", "-i", "https://me:secret@127.0.0.1/"], 2, "A URL with a user name or password"),
        (["install", "application"], 2, "is a directory, and only files are copied."),
        (["install", "relative.py"], 1, "A copy of "),
        (["uninstall", "nothere"], 1, "No command called nothere was installed by pyscript."),
        (["uninstall", "../../x"], 1, "No command called ../../x was installed by pyscript."),
        (["uninstall"], 2, "The following arguments are required: COMMAND."),
    ],
)
def test_what_cannot_be_installed_says_why(
    arguments: list[str],
    code: int,
    message: str,
    stocked: IndexServer,
    run_pyscript: Program,
    write_script: WriteScript,
    bin_dir: Path,
    commands: Path,
    tmp_path: Path,
) -> None:
    write_script("print()")
    write_script("", block='[tool.pyscript]\nfind-links = ["./wheels"]\nno-index = true', name="relative.py")
    (tmp_path / "wheels").mkdir()
    wheel = package("near").write(tmp_path / "wheels")
    write_script("", f"near @ ./wheels/{wheel.name}", name="relative.py")
    (tmp_path / "application").mkdir()
    (tmp_path / "application" / "__main__.py").write_text("")
    done = run_pyscript(*arguments)
    assert message in done.stderr
    assert "secret" not in done.stderr
    assert done.returncode == code
    assert not commands.exists() or os.listdir(commands) == []
    assert not bin_dir.exists() or os.listdir(bin_dir) == []


@pytest.mark.skipif(os.name != "nt" and os.geteuid() == 0, reason="root may write everywhere")
def test_an_unwritable_directory_is_refused(run_pyscript: Program, write_script: WriteScript, bin_dir: Path) -> None:
    write_script("print()")
    bin_dir.mkdir(parents=True)
    bin_dir.chmod(0o555)
    done = run_pyscript("install", "x.py")
    assert f"There is no permission to write into {bin_dir}" in done.stderr


def test_a_directory_that_cannot_be_made_is_refused(
    run_pyscript: Program, write_script: WriteScript, tmp_path: Path
) -> None:
    write_script("print()")
    (tmp_path / "file").write_text("")
    done = run_pyscript("install", "x.py", env={"PYSCRIPT_BIN_DIR": str(tmp_path / "file" / "bin")})
    assert f"{tmp_path / 'file' / 'bin'} cannot be made" in done.stderr
    done = run_pyscript("install", "x.py", env={"PYSCRIPT_BIN_DIR": "bin"})
    assert "PYSCRIPT_BIN_DIR: 'bin' is not an absolute path" in done.stderr


# What is there already


def foreign_file(path: Path) -> None:
    path.write_text("#!/bin/sh\necho foreign\n")
    path.chmod(0o755)


def foreign_link(path: Path) -> None:
    path.symlink_to("/bin/true")


def dangling_link(path: Path) -> None:
    path.symlink_to("/nowhere")


@pytest.mark.parametrize("make", [foreign_file, foreign_link, dangling_link])
def test_a_foreign_file_is_replaced_only_by_force(
    make: Callable[[Path], None], run_pyscript: Program, write_script: WriteScript, bin_dir: Path, commands: Path
) -> None:
    write_script("print('ours')")
    bin_dir.mkdir(parents=True)
    make(bin_dir / "x")
    before = os.lstat(bin_dir / "x")
    done = run_pyscript("install", "x.py")
    assert f"{bin_dir / 'x'} is there already, and pyscript did not put it there as it is." in done.stderr
    assert "--force" in done.stderr
    assert (done.returncode, os.lstat(bin_dir / "x").st_ino, commands.exists()) == (1, before.st_ino, False)
    assert run_pyscript("install", "--force", "x.py").returncode == 0
    assert call("x", program=run_pyscript).stdout == "ours\n"


def test_a_directory_is_never_replaced(run_pyscript: Program, write_script: WriteScript, bin_dir: Path) -> None:
    write_script("print()")
    (bin_dir / "x").mkdir(parents=True)
    assert f"{bin_dir / 'x'} is a directory." in run_pyscript("install", "--force", "x.py").stderr


def test_a_script_in_the_directory_of_commands_is_not_overwritten(run_pyscript: Program, bin_dir: Path) -> None:
    bin_dir.mkdir(parents=True)
    (bin_dir / "own").write_text("print()\n")
    done = run_pyscript("install", "--force", bin_dir / "own")
    assert "is the script itself, so it is a command as it is" in done.stderr
    assert (bin_dir / "own").read_text() == "print()\n"


def test_a_command_is_replaced_by_another_version_of_it(
    stocked: IndexServer, run_pyscript: Program, write_script: WriteScript, bin_dir: Path, commands: Path
) -> None:
    script = write_script("print('old')", name="greet.py")
    run_pyscript("install", "greet.py", "--with", "speak")
    write_script("print('new')", name="other.py")
    done = run_pyscript("install", "other.py", "--name", "greet")
    assert done.stdout.startswith(f"Replaced greet from {script} by greet: no packages"), done.stderr
    assert call("greet", program=run_pyscript).stdout == "new\n"
    assert len(list((commands / "greet").iterdir())) == 1


def test_one_that_fails_leaves_the_former_as_it_was(
    stocked: IndexServer, run_pyscript: Program, write_script: WriteScript, bin_dir: Path, home: Path
) -> None:
    write_script("print('old')", name="greet.py")
    run_pyscript("install", "greet.py")
    before = everything_below(home)
    write_script("print('new')", "nothere", name="greet.py")
    assert run_pyscript("install", "greet.py").returncode == 1
    assert everything_below(home) == before
    assert call("greet", program=run_pyscript).stdout == "old\n"


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM])
def test_a_kill_in_between_leaves_the_former_as_it_was(
    number: int, stocked: IndexServer, run_pyscript: Program, write_script: WriteScript, bin_dir: Path, home: Path
) -> None:
    write_script("print('old')", name="greet.py")
    run_pyscript("install", "greet.py")
    before = everything_below(home)
    write_script("print('new')", "speak", name="greet.py")
    hold = Hold()
    stocked.fail("/simple/speak/", Fault(hold=hold))
    process = run_pyscript.start("install", "greet.py")
    hold.wait_until_asked()
    process.send_signal(number)
    process.wait()
    hold.release()
    assert everything_below(home) == before
    assert call("greet", program=run_pyscript).stdout == "old\n"
    assert run_pyscript("install", "greet.py").returncode == 0
    assert call("greet", program=run_pyscript).stdout == "new\n"


def test_of_two_at_once_one_waits_for_the_other(
    stocked: IndexServer, run_pyscript: Program, write_script: WriteScript, bin_dir: Path, commands: Path
) -> None:
    write_script(IMPORT, "speak", name="a.py")
    write_script("import greet; print('b')", "greet", name="b.py")
    hold = Hold()
    stocked.fail("/simple/speak/", Fault(hold=hold))
    first = run_pyscript.start("install", "--name", "tool", "a.py")
    hold.wait_until_asked()
    second = run_pyscript.start("install", "--name", "tool", "b.py")
    assert second.stderr is not None
    assert second.stderr.readline() == "Waiting for another launch that is installing tool…\n"
    hold.release()
    assert (first.wait(), second.wait()) == (0, 0)
    assert call("tool", program=run_pyscript).stdout == "b\n"
    assert len(list((commands / "tool").iterdir())) == 1


# What is told


def test_a_directory_that_is_not_on_path_is_told(run_pyscript: Program, write_script: WriteScript, home: Path) -> None:
    write_script("print()")
    done = run_pyscript("install", "x.py")
    assert f"{home}/.local/bin is not on PATH" in done.stderr
    assert f'export PATH="{home}/.local/bin:$PATH"' in done.stdout
    assert f"{home}/.local/bin is not on PATH" in run_pyscript("list").stderr


def test_the_directory_is_put_on_path_when_asked(run_pyscript: Program, write_script: WriteScript, home: Path) -> None:
    write_script("print()")
    (home / ".bashrc").write_text("# mine\n")
    done = run_pyscript("install", "--add-to-path", "x.py", env={"SHELL": "/bin/bash"})
    assert done.stdout.endswith(f"{home}/.local/bin is on PATH from the next shell on.\n"), done.stderr
    text = (home / ".bashrc").read_text()
    assert text.startswith("# mine\n")
    assert f'export PATH="{home}/.local/bin:$PATH"' in text


@pytest.mark.parametrize(("answer", "is_added"), [("y", True), ("", False), ("n", False)])
def test_the_person_is_asked_and_what_was_typed_before_is_no_answer(
    answer: str, is_added: bool, run_pyscript: Program, write_script: WriteScript, home: Path
) -> None:
    write_script("print()")
    (home / ".bashrc").write_text("# mine\n")
    run_pyscript.environ["SHELL"] = "/bin/bash"
    code, seen = at_terminal(run_pyscript, "install", "x.py", answers=[answer], typed_before="y\n")
    assert (code, seen.count("configuration? [n] ")) == (0, 1)
    assert ((home / ".bashrc").read_text() != "# mine\n") is is_added
    assert ("Put it there in your shell's configuration: export PATH=" in seen) is not is_added


def test_namesakes_are_warned_of(run_pyscript: Program, write_script: WriteScript, bin_dir: Path) -> None:
    write_script("print()")
    done = run_pyscript("install", "x.py", "--name", "test")
    assert "Shells have a test of their own" in done.stderr
    done = run_pyscript("install", "x.py", "--name", "ls")
    assert "ls now stands for this command and no longer for /" in done.stderr
    path = run_pyscript.environ["PATH"].removeprefix(f"{bin_dir}:")
    done = run_pyscript("install", "x.py", "--name", "cp", env={"PATH": f"{path}:{bin_dir}"})
    assert "cp is found before it: cp starts that one." in done.stderr


def test_the_list_says_where_each_comes_from(
    stocked: IndexServer, run_pyscript: Program, write_script: WriteScript, bin_dir: Path, tmp_path: Path
) -> None:
    assert run_pyscript("list").stdout.startswith("No command is installed.")
    write_script(IMPORT, "speak", name="greet.py")
    run_pyscript("install", "greet.py", "--with", "greet")
    version = ".".join(map(str, sys.version_info[:3]))
    first, second, third = run_pyscript("list").stdout.splitlines()
    assert first == f"greet  from {tmp_path}/greet.py"
    assert second == f"  {bin_dir}/greet  Python {version}  greet 1.0, speak 2.0, voice 1.5"
    assert third == "  with the options --with greet"
    (row,) = json.loads(run_pyscript("list", "--json").stdout)
    assert row["source"] == f"{tmp_path}/greet.py"
    assert row["packages"] == {"greet": "1.0", "speak": "2.0", "voice": "1.5"}
    assert (row["python"], row["broken"], row["options"]) == (version, None, ["--with", "greet"])


# Where pyscript is


def test_a_command_finds_pyscript_on_path_after_a_move(
    stocked: IndexServer, run_pyscript: Program, write_script: WriteScript, bin_dir: Path
) -> None:
    write_script(IMPORT, "speak")
    run_pyscript("install", "x.py")
    text = (bin_dir / "x").read_text()
    moved = text.replace(str(run_pyscript.path), "/nowhere/pyscript").replace("recognition=/", "recognition=/nowhere/")
    (bin_dir / "x").write_text(moved)
    assert call("x", program=run_pyscript).stdout == "2.0\n"
    done = call(bin_dir / "x", program=run_pyscript, env={"PATH": "/usr/bin:/bin"})
    assert done.stderr == "x: pyscript is broken or was moved; install it, then: pyscript upgrade x\n"
    assert done.returncode == 127


# Removing


def test_uninstalling_removes_what_installing_made(
    stocked: IndexServer, run_pyscript: Program, write_script: WriteScript, bin_dir: Path, home: Path
) -> None:
    write_script(IMPORT, "speak", name="a.py")
    write_script("print()", name="b.py")
    run_pyscript("install", "a.py")
    before = everything_below(home)
    run_pyscript("install", "b.py", "--with", "greet")
    done = run_pyscript("uninstall", "nothere", "b")
    assert done.stdout == f"Removed b ({bin_dir}/b)\n"
    assert "No command called nothere" in done.stderr
    assert done.returncode == 1
    assert everything_below(home) == before
    assert run_pyscript("uninstall", "a", "a").returncode == 0
    assert everything_below(home) == {}


def test_a_file_that_was_changed_stays(
    run_pyscript: Program, write_script: WriteScript, bin_dir: Path, commands: Path
) -> None:
    write_script("print('x')")
    run_pyscript("install", "x.py")
    (bin_dir / "x").unlink()
    foreign_file(bin_dir / "x")
    assert f"broken: {bin_dir}/x is another file now" in run_pyscript("list").stdout
    done = run_pyscript("uninstall", "x")
    assert f"{bin_dir}/x was changed after it was installed, and stays." in done.stderr
    assert call("x", program=run_pyscript).stdout == "foreign\n"
    assert not (commands / "x").exists()


# Upgrading


def test_upgrading_fetches_the_script_again_and_resolves_anew(
    stocked: IndexServer, run_pyscript: Program, write_script: WriteScript, bin_dir: Path, commands: Path
) -> None:
    write_script(IMPORT, "speak", name="greet.py")
    run_pyscript("install", "greet.py", "--with", "greet")
    (generation,) = (commands / "greet").iterdir()
    assert run_pyscript("upgrade", "greet").stdout == "greet is up to date.\n"
    stocked.add(package("speak", "3.0"))
    assert call("greet", program=run_pyscript).stdout == "2.0\n"
    done = run_pyscript("upgrade", "greet")
    assert done.stdout == "greet: speak 2.0 → 3.0, voice 1.5 removed.\n", done.stderr
    assert call("greet", program=run_pyscript).stdout == "3.0\n"
    assert list((commands / "greet").iterdir()) == [generation], "it is the same script"
    write_script("import greet; print('new')", name="greet.py")
    (row,) = json.loads(run_pyscript("upgrade", "--all", "--json").stdout)
    assert row == {
        "name": "greet",
        "script_changed": True,
        "packages": [{"name": "speak", "before": "3.0", "after": None}],
    }
    assert call("greet", program=run_pyscript).stdout == "new\n"


def test_upgrading_without_the_source_keeps_the_script(
    stocked: IndexServer, run_pyscript: Program, write_script: WriteScript, bin_dir: Path
) -> None:
    script = write_script(IMPORT, "speak", name="greet.py")
    run_pyscript("install", "greet.py")
    script.unlink()
    stocked.add(package("speak", "3.0"))
    done = run_pyscript("upgrade", "greet")
    assert f"{script} is not there any more; greet keeps the script that it has." in done.stderr
    assert done.stdout.startswith("greet: speak 2.0 → 3.0")
    assert call("greet", program=run_pyscript).stdout == "3.0\n"


def test_upgrading_mends_what_is_broken(
    run_pyscript: Program, write_script: WriteScript, bin_dir: Path, commands: Path
) -> None:
    write_script("print('x')")
    run_pyscript("install", "x.py")
    (bin_dir / "x").unlink()
    assert f"broken: {bin_dir}/x is missing; mend it: pyscript upgrade x" in run_pyscript("list").stdout
    assert run_pyscript("upgrade", "x").returncode == 0
    assert call("x", program=run_pyscript).stdout == "x\n"


def test_one_that_cannot_be_upgraded_does_not_keep_the_others(
    stocked: IndexServer, run_pyscript: Program, write_script: WriteScript, bin_dir: Path
) -> None:
    write_script(IMPORT, "speak", name="a.py")
    write_script("print()", name="b.py")
    run_pyscript("install", "a.py", "b.py")
    write_script(IMPORT, "nothere", name="a.py")
    done = run_pyscript("upgrade", "--all")
    assert done.stdout == "b is up to date.\n"
    assert "There is no package called nothere" in done.stderr
    assert "1 of 2 commands could not be upgraded." in done.stderr
    assert done.returncode == 1
    assert call("a", program=run_pyscript).stdout == "2.0\n"


@pytest.mark.parametrize(
    ("arguments", "code", "message"),
    [
        (["nothere"], 1, "No command called nothere was installed by pyscript."),
        (["--all", "x"], 2, "--all is all commands."),
        (["x", "--with", "y"], 2, "There is no option --with"),
        (["x", "--python", "3.12"], 2, "What a command runs with was said when it was installed."),
    ],
)
def test_what_cannot_be_upgraded_says_why(
    arguments: list[str], code: int, message: str, run_pyscript: Program, write_script: WriteScript, bin_dir: Path
) -> None:
    write_script("print()")
    run_pyscript("install", "x.py")
    done = run_pyscript("upgrade", *arguments)
    assert message in done.stderr
    assert done.returncode == code


def test_a_file_of_that_name_is_the_script_to_upgrade(
    stocked: IndexServer, run_pyscript: Program, write_script: WriteScript, bin_dir: Path
) -> None:
    write_script(IMPORT, "speak==1.0", name="greet")
    run_pyscript("install", "greet")
    assert "speak==1.0 → speak==2.0" in run_pyscript("upgrade", "greet").stdout
