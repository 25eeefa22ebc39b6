"""`pyscript add`: requirements into a script's block, when they work."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from launcher.script import rewriting
from tests.conftest import Program
from tests.functional.conftest import WriteScript, package
from tests.support.index_server import IndexServer

posix = pytest.mark.skipif(sys.platform == "win32", reason="POSIX links and permissions")
SERIES = f">={sys.version_info[0]}.{sys.version_info[1]}"


def test_a_file_without_a_block_gets_one_and_runs(stocked: IndexServer, run_pyscript: Program, tmp_path: Path) -> None:
    script = tmp_path / "x.py"
    script.write_text('#!/usr/bin/env pyscript\n# coding: utf-8\n"""Say."""\nimport speak\nspeak.main()\n')
    done = run_pyscript("add", script, "speak", "greet==1.0")
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines() == [f"Added speak>=2.0 to {script}.", f"Added greet==1.0 to {script}."]
    assert script.read_text() == (
        "#!/usr/bin/env pyscript\n# coding: utf-8\n"
        f'# /// script\n# requires-python = "{SERIES}"\n'
        '# dependencies = [\n#     "speak>=2.0",\n#     "greet==1.0",\n# ]\n# ///\n'
        '\n"""Say."""\nimport speak\nspeak.main()\n'
    )
    assert run_pyscript(script).stdout == "speak 2.0\n"


def test_the_first_launch_need_not_resolve_again(
    stocked: IndexServer, run_pyscript: Program, write_script: WriteScript
) -> None:
    script = write_script("print('ran')", "greet")
    run_pyscript("add", script, "speak")
    stocked.forget_requests()
    assert run_pyscript(script).stdout == "ran\n"
    assert stocked.paths() == stocked.paths("*.whl")


@pytest.mark.parametrize("line_end", ["\n", "\r\n"])
def test_what_is_there_is_replaced_in_place(
    stocked: IndexServer, run_pyscript: Program, tmp_path: Path, line_end: str
) -> None:
    stocked.add(package("crlf"))
    before = '# /// script\n# dependencies = [\n#   "Speak>=1", # loud\n#   "greet",\n# ]\n# ///\nprint("é")\n'
    script = tmp_path / "x.py"
    script.write_bytes(before.replace("\n", line_end).encode())
    done = run_pyscript("add", script, "speak<2", "greet", "crlf")
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines() == [
        f"Changed Speak>=1 → Speak<2 in {script}.",
        f"Added crlf>=1.0 to {script}.",
        f"{script} already has greet.",
    ]
    after = before.replace("Speak>=1", "Speak<2").replace('"greet",\n', '"greet",\n#   "crlf>=1.0",\n')
    assert script.read_bytes() == after.replace("\n", line_end).encode()


@pytest.mark.parametrize(
    ("wanted", "message"),
    [
        ("speak==99", "speak==99 (the command line) cannot be satisfied"),
        ("choir", "speak>=2  (line 2 of "),
        ("nobody-has-it", "There is no package called nobody-has-it (the command line)"),
        ("a b", "'a b' (the command line) is not a valid requirement"),
        ("x @ https://me:secret@127.0.0.1/x.whl", "A requirement with a user name or password"),
    ],
)
def test_what_cannot_work_leaves_the_file_as_it_is(
    stocked: IndexServer, run_pyscript: Program, write_script: WriteScript, wanted: str, message: str
) -> None:
    stocked.add(package("choir", "1.0", ("speak<2",)))
    script = write_script("", "speak>=2")
    before = (script.read_bytes(), script.stat().st_mtime_ns, script.stat().st_ino)
    done = run_pyscript("add", script, wanted)
    assert done.returncode != 0
    assert message in done.stderr
    assert "secret" not in done.stderr
    assert (script.read_bytes(), script.stat().st_mtime_ns, script.stat().st_ino) == before


def test_a_bound_suits_the_oldest_python_that_is_allowed(
    stocked: IndexServer, run_pyscript: Program, write_script: WriteScript
) -> None:
    stocked.add(package("modern", "1.0"), package("modern", "2.0", requires_python=f">={SERIES[2:]}"))
    script = write_script("", block='requires-python = ">=3.9"')
    done = run_pyscript("add", script, "modern")
    assert done.stdout == f"Added modern>=1.0 to {script}.\n", done.stderr


def test_extras_and_markers_are_kept(stocked: IndexServer, run_pyscript: Program, write_script: WriteScript) -> None:
    stocked.add(package("choir", "1.0", ("greet; extra == 'loud'",)))
    script = write_script("")
    done = run_pyscript("add", script, "choir[loud]", "speak; python_version < '3'")
    assert done.returncode == 0, done.stderr
    assert '#     "choir[loud]>=1.0",\n#     "speak; python_version < \'3\'",\n' in script.read_text()


def test_a_wheel_is_added_under_its_name(run_pyscript: Program, write_script: WriteScript, tmp_path: Path) -> None:
    wheel = package("greet").write(tmp_path / "wheels")
    script = write_script("import greet\ngreet.main()")
    done = run_pyscript("add", script, f"./{wheel.name}", cwd=wheel.parent)
    assert done.stdout == f"Added greet @ {wheel.as_uri()} to {script}.\n", done.stderr
    assert run_pyscript(script).stdout == "greet 1.0\n"


def test_json_has_the_changes(stocked: IndexServer, run_pyscript: Program, write_script: WriteScript) -> None:
    script = write_script("", "speak<2")
    done = run_pyscript("add", script, "speak<3", "greet", "--json")
    changes = [{"before": "speak<2", "after": "speak<3"}, {"before": None, "after": "greet>=1.0"}]
    assert json.loads(done.stdout) == {"script": str(script), "changes": changes, "newer": [], "lock": None}


@pytest.mark.parametrize("option", ["--output=pylock.x.toml", "--embed"])
def test_a_lock_is_made_for_the_new_block_before_anything_is_written(
    stocked: IndexServer, run_pyscript: Program, write_script: WriteScript, tmp_path: Path, option: str
) -> None:
    script = write_script("import speak\nspeak.main()", "speak", block=f'requires-python = "{SERIES}"')
    assert run_pyscript("lock", "x.py", option, "--here", cwd=tmp_path).returncode == 0
    stocked.add(package("speak", "3.0"), package("choir", "1.0", ("greet",)))
    done = run_pyscript("add", "x.py", "choir", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    label = "the lock in x.py" if option == "--embed" else "pylock.x.toml"
    assert done.stdout.splitlines() == [
        *("Added choir>=1.0 to x.py.", f"Locked again: {label}", "  choir 1.0 is new", "  greet 1.0 is new")
    ]
    assert run_pyscript("lock", "--check", "x.py", "--here", cwd=tmp_path).returncode == 0
    lock = script if option == "--embed" else tmp_path / "pylock.x.toml"
    before = (script.read_bytes(), lock.read_bytes())
    # What is locked stays as it is: speak 3.0 was not asked for.
    assert b"speak-2.0" in lock.read_bytes()
    stocked.add(package("picky", "1.0", ("speak>=9",)))
    assert run_pyscript("add", "x.py", "picky", cwd=tmp_path).returncode == 1
    assert (script.read_bytes(), lock.read_bytes()) == before
    done = run_pyscript("upgrade", "x.py", "speak", "--json", cwd=tmp_path)
    assert json.loads(done.stdout)["lock"]["changes"] == [
        {"name": "speak", "before": "2.0", "after": "3.0"},
        {"name": "voice", "before": "1.5", "after": ""},
    ]
    run_pyscript("remove", "x.py", "choir", cwd=tmp_path)
    assert b"greet-1.0" not in lock.read_bytes()


def test_who_only_launches_what_is_locked_can_edit(
    stocked: IndexServer, run_pyscript: Program, write_script: WriteScript
) -> None:
    script = write_script("")
    done = run_pyscript("add", script, "greet", env={"PYSCRIPT_LOCKED": "1"})
    assert (done.returncode, done.stdout) == (0, f"Added greet>=1.0 to {script}.\n"), done.stderr


def test_latin_1_stays_latin_1(stocked: IndexServer, run_pyscript: Program, tmp_path: Path) -> None:
    script = tmp_path / "x.py"
    script.write_bytes("# coding: latin-1\nprint(len('é'))\n".encode("latin-1"))
    assert run_pyscript("add", script, "greet").returncode == 0
    assert script.read_bytes().startswith(b"# coding: latin-1\n# /// script\n")
    assert script.read_bytes().endswith(b"# ///\n\nprint(len('\xe9'))\n")
    assert run_pyscript(script).stdout == "1\n"


@posix
def test_links_and_permissions_stay(
    stocked: IndexServer, run_pyscript: Program, write_script: WriteScript, tmp_path: Path
) -> None:
    script = write_script("")
    script.chmod(0o750)
    link = tmp_path / "link.py"
    link.symlink_to(script.name)
    assert run_pyscript("add", link, "greet").returncode == 0
    assert link.is_symlink()
    assert script.stat().st_mode & 0o777 == 0o750
    script.chmod(0o400)
    done = run_pyscript("add", link, "speak")
    assert (done.returncode, done.stderr.splitlines()[0]) == (
        1,
        f"error: {link} is read-only, so it was left as it is.",
    )


@pytest.mark.parametrize(
    ("script", "message"),
    [
        ("-", "What comes from stdin cannot be edited."),
        ("https://127.0.0.1/x.py", "https://127.0.0.1/x.py is not on this machine, so it cannot be edited."),
        (".", ". is a directory."),
        ("app", "app is a directory."),
        ("missing.py", "There is no script missing.py."),
        ("near.py", 'There is something like a block already: near.py, line 1: "#/// script" opens no metadata block'),
        ("two.py", "two.py has two blocks of script metadata, in line 1 and in line 5."),
    ],
)
def test_what_is_no_script_is_refused(
    stocked: IndexServer, run_pyscript: Program, tmp_path: Path, script: str, message: str
) -> None:
    (tmp_path / "app").mkdir()
    (tmp_path / "app" / "__main__.py").write_text("")
    (tmp_path / "near.py").write_text("#/// script\n# dependencies = []\n# ///\n")
    (tmp_path / "two.py").write_text("# /// script\n# dependencies = []\n# ///\n\n" * 2)
    done = run_pyscript("add", script, "greet", cwd=tmp_path)
    assert done.returncode == 2
    assert message in done.stderr


def test_without_a_requirement_it_says_how_it_is_called(run_pyscript: Program) -> None:
    done = run_pyscript("add", "x.py")
    assert done.returncode == 2
    assert "usage: pyscript add [OPTION...] SCRIPT REQ..." in done.stderr


@posix
@pytest.mark.parametrize(("moment", "content"), [("fsync", "old"), ("replace", "old"), ("open", "new")])
def test_a_kill_leaves_the_old_or_the_new(tmp_path: Path, moment: str, content: str) -> None:
    """`open` of the directory is what follows the rename."""
    script = tmp_path / "x.py"
    script.write_text("old")
    code = f"""
import os, signal
from launcher.script.rewriting import rewrite
real = os.{moment}
def stop(*arguments, **options):
    if {moment!r} != "open" or arguments[1] == os.O_RDONLY:
        os.kill(os.getpid(), signal.SIGKILL)
    return real(*arguments, **options)
os.{moment} = stop
rewrite({str(script)!r}, b"new", former=b"old")
"""
    root = Path(rewriting.__file__).parents[2]
    done = subprocess.run([sys.executable, "-c", code], cwd=root, check=False, capture_output=True, text=True)
    assert done.returncode == -9, done.stderr
    assert script.read_text() == content


def test_two_at_once_both_count(stocked: IndexServer, run_pyscript: Program, write_script: WriteScript) -> None:
    script = write_script("print('ran')", "greet")
    together = [run_pyscript.start("add", script, name) for name in ("speak", "voice", "greet>=0.5")]
    said = [process.communicate()[1] for process in together]
    assert [process.returncode for process in together] == [0, 0, 0], said
    assert all(text in script.read_text() for text in ("greet>=0.5", "speak>=2.0", "voice>=1.5"))


@pytest.mark.parametrize(
    "command",
    [
        ("add", "x.py", "voice"),
        ("remove", "x.py", "greet"),
        ("upgrade", "x.py"),
        ("init", "new.py", "--with", "greet"),
        ("lock", "x.py"),
        ("prepare", "x.py"),
        ("install", "x.py"),
        ("bundle", "x.py"),
        ("trust", "add", "0" * 64),
        ("cache", "prune"),
        ("cache", "clean"),
    ],
)
def test_a_quiet_command_says_nothing_of_what_it_did(
    command: tuple[str, ...], stocked: IndexServer, run_pyscript: Program, write_script: WriteScript
) -> None:
    write_script("print('ran')", "greet>=0.1", "speak")
    # A directory that is not on PATH is warned of, because somebody has to mend it.
    run_pyscript.environ["PYSCRIPT_BIN_DIR"] = commands = f"{run_pyscript.directory}/bin"
    run_pyscript.environ["PATH"] += f":{commands}"
    done = run_pyscript(*command, "-q")
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
