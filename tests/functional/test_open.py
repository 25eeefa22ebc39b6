"""``pyscript open``: what a double-click does, with terminals and windows that nobody has to look at."""

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
from tests.support.fake_desktop import FakeDesktop
from tests.support.index_server import Fault, Hold, IndexServer

pytestmark = pytest.mark.skipif(sys.platform in ("win32", "darwin"), reason="terminals are opened otherwise there")

TELL = """
import json, os, sys
import greet
streams = [each.isatty() for each in (sys.stdin, sys.stdout, sys.stderr)]
text = json.dumps([sys.argv[1:], os.getcwd(), streams, sorted(os.environ), greet.__version__, sys.stdin.read(0)])
with open(sys.argv[0] + ".told", "a") as stream:
    stream.write(text + "\\n")
print("said", sys.argv[0])
"""


@pytest.fixture
def desktop(run_pyscript: Program, tmp_path: Path) -> FakeDesktop:
    return FakeDesktop.of(run_pyscript, tmp_path / "desktop")


def told(script: Path) -> list[list[object]]:
    path = script.with_name(f"{script.name}.told")
    return [json.loads(line) for line in path.read_text().splitlines()] if path.exists() else []


def agree(program: Program, *paths: Path) -> None:
    assert program("trust", "add", *paths).returncode == 0


@pytest.mark.usefixtures("stocked")
def test_a_console_script_asks_once_and_runs_in_a_terminal_that_stays(
    desktop: FakeDesktop, run_pyscript: Program, write_script: WriteScript, tmp_path: Path
) -> None:
    desktop.add_terminal(answers="y")
    script = write_script(TELL + "raise SystemExit(3)", "greet", name="my 100% ü.py")
    for number in range(2):
        opened = run_pyscript("open", script, "--one", cwd="/")
        assert (opened.returncode, opened.stdout, opened.stderr) == (0, "", "")
        seen = desktop.window(number)
        assert ("Run it?" in seen) is (number == 0)
        assert f"said {script}\n" in seen
        assert "my 100% ü.py ended with exit status 3. Press Enter" in seen
        assert seen.endswith("<exit 3>")
        assert "It ended with exit status 3." in desktop.log
    first, second = told(script)
    assert first == second
    arguments, folder, streams, variables, version, _ = first
    assert (arguments, folder, streams, version) == (["--one"], str(tmp_path), [True] * 3, "1.0")
    assert isinstance(variables, list)
    assert not {"DESKTOP_STARTUP_ID", "GIO_LAUNCHED_DESKTOP_FILE"} & set(variables)
    assert "VIRTUAL_ENV" in variables
    assert os.listdir(Path(run_pyscript.environ["PYSCRIPT_CACHE_DIR"], "tmp")) == []


@pytest.mark.usefixtures("stocked")
def test_the_question_shows_what_there_is_to_decide_by(
    desktop: FakeDesktop, run_pyscript: Program, write_script: WriteScript
) -> None:
    desktop.add_terminal(answers="s n")
    script = write_script("print('\u202e hidden')\n" * 30, "speak")
    try:
        os.setxattr(script, "user.xdg.origin.url", b"https://me:secret@example.com/x.py")
    except OSError:
        pytest.skip("this file system has no extended attributes")
    assert run_pyscript("open", script).returncode == 0
    seen = desktop.window()
    for text in ("https://me:****@example.com/x.py", str(script), "speak 2.0, voice 1.5", "to download", "30"):
        assert text in seen
    assert "x.py came from elsewhere" in seen and "characters that hide something" in seen
    assert "\u202e" not in seen and "secret" not in seen
    assert seen.endswith("<exit 1>")
    assert "Nobody agreed to run it." in desktop.log
    environments = Path(run_pyscript.environ["PYSCRIPT_CACHE_DIR"], "environments-v1")
    assert not environments.exists() or os.listdir(environments) == []


@pytest.mark.usefixtures("stocked")
def test_settings_are_shown_as_they_are_written(
    desktop: FakeDesktop, run_pyscript: Program, write_script: WriteScript, tmp_path: Path
) -> None:
    desktop.add_terminal(answers="n")
    (tmp_path / "c.txt").touch()
    script = write_script(
        "",
        block="""[tool.pyscript]
gui = false
pause = false
no-build = true
constraint = ["c.txt"]
""",
    )
    run_pyscript("open", script)
    seen = desktop.window()
    assert "no-build = true\n" in seen and 'constraint = ["c.txt"]\n' in seen
    assert "gui =" not in seen.partition("It installs")[0]
    assert "pause =" not in seen.partition("It installs")[0]


def test_changed_content_asks_again_and_says_so(
    desktop: FakeDesktop, run_pyscript: Program, write_script: WriteScript
) -> None:
    desktop.add_terminal(answers="y")
    run_pyscript("open", write_script("print('one')"))
    assert "one" in desktop.window(0)
    script = write_script("print('two')")
    run_pyscript("open", script)
    seen = desktop.window(1)
    assert "has changed since you agreed" in seen and "\ntwo\n" in seen
    listed = run_pyscript("trust", "list").stdout
    assert listed.count(str(script)) == 2


@pytest.mark.parametrize(("pause", "code", "waits"), [("true", 0, True), ("false", 0, False), ("false", 1, True)])
def test_a_window_is_held_after_an_error_and_else_as_the_script_says(
    pause: str, code: int, waits: bool, desktop: FakeDesktop, run_pyscript: Program, write_script: WriteScript
) -> None:
    desktop.add_terminal()
    script = write_script(f"raise SystemExit({code})", block=f"[tool.pyscript]\npause = {pause}")
    agree(run_pyscript, script)
    run_pyscript("open", script)
    assert ("Press Enter to close this window." in desktop.window()) is waits


def test_a_script_that_was_killed_is_told_of(
    desktop: FakeDesktop, run_pyscript: Program, write_script: WriteScript
) -> None:
    desktop.add_terminal()
    script = write_script("import os\nos.kill(os.getpid(), 9)")
    agree(run_pyscript, script)
    run_pyscript("open", script)
    assert "x.py was ended by signal 9 (Killed)." in desktop.window()


@pytest.mark.usefixtures("stocked")
@pytest.mark.parametrize(
    ("name", "options", "table"),
    [("x.pyw", (), ""), ("x.py", ("--gui",), ""), ("x.py", (), "# [tool.pyscript]\n# gui = true\n")],
)
def test_a_gui_script_gets_no_terminal_and_its_output_goes_to_the_log(
    name: str, options: tuple[str, ...], table: str, desktop: FakeDesktop, run_pyscript: Program, tmp_path: Path
) -> None:
    desktop.add_terminal()
    script = tmp_path / name
    script.write_text(f"# /// script\n# dependencies = ['greet']\n{table}# ///\n{TELL}")
    agree(run_pyscript, script)
    assert run_pyscript("prepare", script).returncode == 0
    opened = run_pyscript("open", *options, script, "one", input="typed")
    assert (opened.returncode, opened.stdout, opened.stderr) == (0, "", "")
    ((arguments, _, streams, _, version, _),) = told(script)
    assert (arguments, streams, version) == (["one"], [False] * 3, "1.0")
    assert desktop.window_count == 0
    assert f"--- output\nsaid {script}\n" in desktop.log


def test_a_gui_script_that_fails_is_told_of_in_a_terminal_where_there_are_no_windows(
    desktop: FakeDesktop, run_pyscript: Program, write_script: WriteScript
) -> None:
    desktop.add_terminal()
    script = write_script("print('before')\nraise RuntimeError('boom')", block="", name="x.pyw")
    agree(run_pyscript, script)
    assert run_pyscript("prepare", script).returncode == 0
    assert run_pyscript("open", script).returncode == 1
    seen = desktop.window()
    assert "x.pyw stopped because of an error: RuntimeError: boom" in seen
    assert "before\nTraceback (most recent call last):" in seen and "agreed.py" not in seen
    assert "RuntimeError: boom" in desktop.log and "It ended with exit status 1." in desktop.log


def test_a_gui_script_borrows_a_terminal_for_the_question_and_gives_it_back(
    desktop: FakeDesktop, run_pyscript: Program, write_script: WriteScript
) -> None:
    desktop.add_terminal(answers="y")
    assert run_pyscript("open", write_script("print('ran')", name="x.pyw")).returncode == 0
    seen = desktop.window()
    assert "Run it?" in seen and "\nran\n" in seen and "Press Enter" not in seen


@pytest.mark.parametrize(
    ("name", "content", "words"),
    [
        ("x.py", b"# /// script\n# dependencies = [\n# ///\n", "TOML"),
        ("x.py", b"# /// script\n# dependencies = ['nothing-of-that-name']\n# ///\n", "nothing-of-that-name"),
        ("x.py", b"\xe9\n", "not written in utf-8"),
        ("x.py", b"# /// script\n# [tool.pyscript]\n# gui = 'perhaps'\n# ///\n", "not a valid value"),
        ("gone.py", b"", "There is no script"),
    ],
)
@pytest.mark.usefixtures("stocked")
def test_what_keeps_a_script_from_starting_is_told_in_the_terminal(
    name: str, content: bytes, words: str, desktop: FakeDesktop, run_pyscript: Program, tmp_path: Path
) -> None:
    desktop.add_terminal(answers="y")
    (tmp_path / "x.py").write_bytes(content)
    run_pyscript("open", tmp_path / name)
    seen = desktop.window()
    assert words in seen and "Press Enter to close this window." in seen
    assert words in desktop.log


@pytest.mark.parametrize("has_windows", [True, False])
def test_a_name_that_is_no_text_is_opened_all_the_same(
    has_windows: bool, desktop: FakeDesktop, run_pyscript: Program, tmp_path: Path
) -> None:
    if has_windows:
        desktop.add_windows()
    desktop.add_terminal(answers="y")
    script = os.fsdecode(os.fsencode(tmp_path) + b"/\xff\x1b[1m.py")
    with open(script, "w") as stream:
        stream.write("print('ran')\nraise SystemExit(3)\n")
    assert run_pyscript("open", script).returncode == 0
    seen = desktop.window()
    assert "ran\n" in seen and "ended with exit status 3" in seen and "\x1b[1m.py" not in seen


def test_content_that_changes_before_it_is_run_is_not_run(
    desktop: FakeDesktop, run_pyscript: Program, write_script: WriteScript
) -> None:
    script = write_script("print('agreed')")
    other = write_script("print('other')", name="other.py")
    changing = f"#!/bin/sh\ncp '{other}' '{script}'\nexec '{desktop.folder}/terminal' \"$@\"\n"
    desktop.add_terminal("terminal")
    agree(run_pyscript, script)
    assert run_pyscript("prepare", script).returncode == 0
    desktop.add_program("xdg-terminal-exec", changing)
    run_pyscript("open", script)
    assert "changed after you agreed to run it, so it was not run." in desktop.window()


def test_where_no_terminal_can_be_opened_the_log_says_so_and_stderr(
    desktop: FakeDesktop, run_pyscript: Program, write_script: WriteScript
) -> None:
    script = write_script("print('never')")
    desktop.add_program("xdg-terminal-exec", "#!/bin/sh\necho cannot open display >&2\nexit 1\n")
    opened = run_pyscript("open", script, env={"PATH": f"{desktop.folder}:{Path(sys.executable).parent}"})
    assert opened.returncode == 1
    assert "cannot open display" in desktop.log and "No terminal: Tried: xdg-terminal-exec." in desktop.log
    assert opened.stderr.startswith(f"error: {script.name} needs a terminal, and none could be opened.\n")
    gone = script.with_name("gone.py")
    opened = run_pyscript("open", gone, env={"PATH": f"{desktop.folder}:{Path(sys.executable).parent}"})
    assert opened.stderr.startswith(f"error: gone.py cannot be opened.\nThere is no script {gone}")
    assert "hint: The log is " in opened.stderr


@pytest.fixture
def editor(desktop: FakeDesktop, run_pyscript: Program) -> Path:
    """Return where an application, which opened Python files before, notes what it is given."""
    notes = desktop.folder / "edited"
    applications = Path(run_pyscript.environ["HOME"], ".local/share/applications")
    applications.mkdir(parents=True)
    program = desktop.add_program("editor", f"#!/bin/sh\necho \"$@\" >>'{notes}'\n")
    (applications / "editor.desktop").write_text(
        f"[Desktop Entry]\nType=Application\nName=Editor\nExec={program} %f\nTerminal=false\nMimeType=text/x-python;\n"
    )
    (applications / "mimeapps.list").write_text("[Default Applications]\ntext/x-python=editor.desktop\n")
    return notes


def test_a_file_without_a_block_goes_to_who_opened_it_before_where_all_python_files_come_to_us(
    editor: Path, desktop: FakeDesktop, run_pyscript: Program, write_script: WriteScript
) -> None:
    desktop.add_terminal(answers="n n")
    plain = write_script("print('plain')", name="plain.py")
    run_pyscript("open", plain)
    assert "Run it?" in desktop.window(0)
    done = run_pyscript("desktop", "install", "--all-python")
    assert done.returncode == 0, done.stderr
    assert run_pyscript("open", plain).returncode == 0
    wait_until(lambda: editor.exists() and editor.read_text() != "")
    assert editor.read_text() == f"{plain}\n"
    assert "for Editor." in desktop.log
    run_pyscript("open", write_script("print('ours')", block="dependencies = []"))
    assert "Run it?" in desktop.window(1)


def test_a_window_that_comes_too_late_runs_nothing(run_pyscript: Program, tmp_path: Path) -> None:
    opened = run_pyscript("open", "--in-terminal", tmp_path / "gone")
    assert opened.returncode == 1
    assert "came too late" in opened.stderr


@pytest.mark.parametrize("arguments", [(), ("https://example.com/x.py",), ("--nonsense", "x.py")])
def test_what_cannot_be_opened_is_an_error(
    arguments: tuple[str, ...], desktop: FakeDesktop, run_pyscript: Program
) -> None:
    desktop.add_terminal()
    assert run_pyscript("open", *arguments).returncode == 2


# With windows


def said(words: list[str]) -> str:
    """Return the text of a window without its blanks: lines are broken anywhere."""
    (text,) = [word.removeprefix("--text=") for word in words if word.startswith("--text=")]
    return "".join(text.split())


@pytest.mark.usefixtures("stocked")
def test_a_gui_script_asks_in_a_window_and_runs(desktop: FakeDesktop, run_pyscript: Program, tmp_path: Path) -> None:
    desktop.add_windows()
    script = tmp_path / "x.pyw"
    script.write_text(f"# /// script\n# dependencies = ['greet']\n# ///\n{TELL}")
    for _ in range(2):
        assert run_pyscript("open", script).returncode == 0
    assert len(told(script)) == 2
    assert desktop.kinds.count("question") == 1 and "error" not in desktop.kinds
    question = next(words for words in desktop.shown if words[0] == "--question")
    text = said(question)
    assert "--title=Run x.pyw?" in question and "greet1.0" in text and str(script) in text


def test_who_says_no_in_the_window_runs_nothing(
    desktop: FakeDesktop, run_pyscript: Program, write_script: WriteScript
) -> None:
    desktop.add_windows(is_agreeing=False)
    desktop.add_terminal()
    assert run_pyscript("open", write_script("print('never')")).returncode == 1
    assert desktop.kinds == ["question"] and desktop.window_count == 0
    assert "nothing was agreed" in run_pyscript("trust", "list").stdout.lower()


def test_a_failing_gui_script_is_told_of_in_a_window(
    desktop: FakeDesktop, run_pyscript: Program, write_script: WriteScript
) -> None:
    desktop.add_windows()
    script = write_script("raise RuntimeError('boom <b>&')", name="x.pyw")
    assert run_pyscript("open", script).returncode == 1
    assert desktop.kinds == ["question", "error"]
    text = said(desktop.shown[-1])
    assert "x.pywstoppedbecauseofanerror:RuntimeError:boom<b>&" in text and "/logs/x-" in text


@pytest.mark.parametrize("signal_name", ["SIGTERM", "SIGKILL"])
def test_a_gui_script_that_somebody_ended_needs_no_window(
    signal_name: str, desktop: FakeDesktop, run_pyscript: Program, write_script: WriteScript
) -> None:
    desktop.add_windows()
    number = getattr(signal, signal_name)
    script = write_script(f"import os\nos.kill(os.getpid(), {int(number)})", name="x.pyw")
    assert run_pyscript("open", script).returncode == 128 + number
    assert desktop.kinds == ["question"]


@pytest.mark.usefixtures("stocked")
@pytest.mark.parametrize(
    ("content", "heading", "code"),
    [
        ("# dependencies = ['nowhere']", "needs a package that does not exist", 1),
        ("# dependencies = ['speak<2', 'speak>=2']", "needs packages that do not go together", 1),
        ("# dependencies = [", "What x.py says that it needs cannot be understood", 2),
        ("# requires-python = '>=9'", "needs a Python that is not here", 1),
    ],
)
def test_what_keeps_a_script_from_starting_is_told_in_plain_words(
    content: str, heading: str, code: int, desktop: FakeDesktop, run_pyscript: Program, tmp_path: Path
) -> None:
    desktop.add_windows()
    (tmp_path / "x.py").write_text(f"# /// script\n{content}\n# ///\n")
    assert run_pyscript("open", tmp_path / "x.py", env={"PYSCRIPT_NO_PYTHON_DOWNLOAD": "1"}).returncode == code
    assert desktop.kinds[-1] == "error" and heading.replace(" ", "") in said(desktop.shown[-1])


def test_without_a_network_a_window_says_so(
    desktop: FakeDesktop, run_pyscript: Program, write_script: WriteScript
) -> None:
    desktop.add_windows()
    script = write_script("", "speak")
    variables = {"PYSCRIPT_INDEX_URL": "http://127.0.0.1:9/simple/", "PYSCRIPT_RETRIES": "0"}
    assert run_pyscript("open", script, env=variables).returncode == 1
    assert "Isthiscomputeronline?" in said(desktop.shown[-1])


def test_where_no_terminal_can_be_opened_a_window_says_so(
    desktop: FakeDesktop, run_pyscript: Program, write_script: WriteScript
) -> None:
    desktop.add_windows()
    desktop.add_program("xdg-terminal-exec", "#!/bin/sh\nexit 1\n")
    # The toolkit's script needs a shell and its tools, which are where terminals are as well.
    for name in ("sh", "cat", "sleep"):
        (desktop.folder / name).symlink_to(shutil.which(name) or "")
    variables = {"PATH": f"{desktop.folder}:{Path(sys.executable).parent}"}
    assert run_pyscript("open", write_script("print('never')"), env=variables).returncode == 1
    assert desktop.kinds == ["question", "error"]
    assert "x.pyneedsaterminal,andnonecouldbeopened." in said(desktop.shown[-1])


@pytest.mark.parametrize(
    ("variable", "heading"),
    [("PYSCRIPT_CACHE_DIR", "What x.py needs cannot be kept"), ("PYSCRIPT_DATA_DIR", "What you agreed to")],
)
def test_a_place_that_cannot_be_used_is_told_of(
    variable: str, heading: str, desktop: FakeDesktop, run_pyscript: Program, write_script: WriteScript
) -> None:
    desktop.add_windows()
    place = desktop.folder / "place"
    place.mkdir()
    (place / "trust").write_text("no directory")
    assert run_pyscript("open", write_script(), env={variable: str(place)}).returncode == 1
    assert desktop.kinds[-1] == "error" and heading.replace(" ", "") in said(desktop.shown[-1])


def test_cancel_leaves_nothing_behind(
    stocked: IndexServer, desktop: FakeDesktop, run_pyscript: Program, write_script: WriteScript
) -> None:
    desktop.add_windows(is_cancelling=True)
    script = write_script("", "speak")
    agree(run_pyscript, script)
    hold = Hold()
    stocked.fail("*.whl", Fault(hold=hold))
    # Ctrl-C is ignored in what a shell started in the background, and so in many desktops.
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)
    process = run_pyscript.start("open", script)
    signal.signal(signal.SIGINT, before)
    assert process.wait(60) == -signal.SIGINT
    hold.release()
    assert desktop.kinds == ["progress"]
    assert "Cancelled." in desktop.log
    cache = Path(run_pyscript.environ["PYSCRIPT_CACHE_DIR"])
    assert os.listdir(cache / "tmp") == [] and not (cache / "environments-v1").exists()


def test_two_double_clicks_ask_once_and_run_once(
    desktop: FakeDesktop, run_pyscript: Program, write_script: WriteScript
) -> None:
    desktop.add_windows()
    (desktop.folder / "gate").touch()
    script = write_script("import sys; open(sys.argv[0] + '.ran', 'a').write('x')", name="x.pyw")
    first = run_pyscript.start("open", script)
    wait_until(lambda: "question" in desktop.kinds)
    (lock,) = Path(run_pyscript.environ["PYSCRIPT_CACHE_DIR"]).glob("**/open-*.lock")
    begun_at = lock.stat().st_mtime + 3600
    os.utime(lock, (begun_at, begun_at))  # not long ago, however slow this machine is
    assert run_pyscript("open", script).returncode == 0
    assert desktop.kinds == ["question"]
    os.utime(lock, (begun_at - 7200, begun_at - 7200))
    second = run_pyscript.start("open", script)
    wait_until(lambda: "progress" in desktop.kinds)
    progress = desktop.folder / "progress"
    wait_until(lambda: progress.exists() and "Look for its other window" in progress.read_text())
    (desktop.folder / "gate").unlink()
    assert (first.wait(60), second.wait(60)) == (0, 0)
    assert (script.with_name("x.pyw.ran")).read_text() == "x"
    assert desktop.kinds == ["question", "progress"]


def test_windows_that_cannot_be_shown_give_way_to_a_terminal(
    desktop: FakeDesktop, run_pyscript: Program, write_script: WriteScript
) -> None:
    desktop.add_windows()
    desktop.add_program("zenity", "#!/bin/sh\necho cannot open display >&2\nexit 1\n")
    desktop.add_terminal(answers="y")
    run_pyscript("open", write_script("print('ran')"))
    assert "\nran\n" in desktop.window()


def test_a_gui_script_ends_with_us(desktop: FakeDesktop, run_pyscript: Program, write_script: WriteScript) -> None:
    desktop.add_windows()
    body = "import os, sys, time\nopen(sys.argv[0] + '.pid', 'w').write(str(os.getpid()))\ntime.sleep(60)"
    script = write_script(body, name="x.pyw")
    process = run_pyscript.start("open", script)
    told_at = script.with_name("x.pyw.pid")
    wait_until(lambda: told_at.exists() and told_at.read_text() != "")
    process.terminate()
    assert process.wait(60) == -signal.SIGTERM
    wait_until(lambda: not Path(f"/proc/{told_at.read_text()}").exists())
    assert "error" not in desktop.kinds


@pytest.mark.usefixtures("stocked")
@pytest.mark.parametrize("becomes", ["other", "gone"])
def test_a_lock_that_changes_while_it_is_asked_about_is_not_used(
    becomes: str, desktop: FakeDesktop, run_pyscript: Program, write_script: WriteScript
) -> None:
    script = write_script("print('never')", "speak")
    assert run_pyscript("lock", script).returncode == 0
    lock = script.with_name("pylock.x.toml")
    other = script.with_name("other.toml")
    other.write_text(f"{lock.read_text()}# other\n")
    change = f"cp '{other}' '{lock}'" if becomes == "other" else f"rm '{lock}'"
    desktop.add_windows()
    desktop.add_program("zenity", f"#!/bin/sh\n{change}\n")
    desktop.add_terminal()
    assert run_pyscript("open", script).returncode == 1
    assert "pylock.x.toml changed after you agreed" in desktop.log
    assert desktop.window_count == 0
    assert not Path(run_pyscript.environ["PYSCRIPT_CACHE_DIR"], "environments-v1").exists()


def test_a_lock_that_comes_while_it_is_asked_about_is_not_used(
    desktop: FakeDesktop, run_pyscript: Program, write_script: WriteScript
) -> None:
    script = write_script("print('never')")
    desktop.add_windows()
    desktop.add_program("zenity", f"#!/bin/sh\necho >'{script.with_name('pylock.x.toml')}'\n")
    desktop.add_terminal()
    assert run_pyscript("open", script).returncode == 1
    assert "pylock.x.toml changed after you agreed" in desktop.log


def test_a_pipe_is_not_waited_for(desktop: FakeDesktop, run_pyscript: Program, write_script: WriteScript) -> None:
    desktop.add_windows()
    script = write_script("print('never')")
    os.mkfifo(script.with_name("pipe.py"))
    os.mkfifo(script.with_name("pylock.x.toml"))
    for path, words in ((script.with_name("pipe.py"), "is no file but a pipe"), (script, "it is no regular file")):
        assert run_pyscript("open", path).returncode == 2
        assert desktop.kinds[-1] == "error" and words in desktop.log


def test_a_huge_file_is_not_read(desktop: FakeDesktop, run_pyscript: Program, tmp_path: Path) -> None:
    desktop.add_windows()
    script = tmp_path / "x.py"
    script.touch()
    os.truncate(script, 1 << 40)
    assert run_pyscript("open", script).returncode == 2
    assert "which nobody can read before it runs" in desktop.log


def test_line_ends_in_a_name_make_no_rows(desktop: FakeDesktop, run_pyscript: Program, tmp_path: Path) -> None:
    desktop.add_windows(is_agreeing=False)
    script = tmp_path / "x\nsha256: 0000\n.py"
    script.write_text("")
    assert run_pyscript("open", script).returncode == 1
    (text,) = [word for word in desktop.shown[-1] if word.startswith("--text=")]
    assert "sha256: 0000" in text and "\nsha256: 0000" not in text


def test_a_password_is_not_written_into_a_log(desktop: FakeDesktop, run_pyscript: Program) -> None:
    desktop.add_windows()
    assert run_pyscript("open", "https://me:secret@example.com/x.py").returncode == 2
    assert "secret" not in desktop.log and "example.com" in desktop.log


def test_what_a_gui_script_says_without_end_does_not_fill_the_disk(
    desktop: FakeDesktop, run_pyscript: Program, write_script: WriteScript
) -> None:
    desktop.add_windows()
    script = write_script("for _ in range(30): print('x' * 1_000_000)\nraise RuntimeError('boom')", name="x.pyw")
    assert run_pyscript("open", script).returncode == 1
    # When it is cut is the clock's matter; how long it is left at most is not.
    assert len(desktop.log) < 17_000_000
    assert "RuntimeError:boom" in said(desktop.shown[-1])


def test_an_error_of_a_gui_script_is_shown_where_no_log_can_be_kept(
    desktop: FakeDesktop, run_pyscript: Program, write_script: WriteScript
) -> None:
    desktop.add_windows()
    script = write_script("raise RuntimeError('boom')", name="x.pyw")
    data = Path(run_pyscript.environ["HOME"]) / ".local/share/pyscript"
    data.mkdir(parents=True)
    (data / "logs").touch()
    assert run_pyscript("open", script).returncode == 1
    assert "RuntimeError:boom" in said(desktop.shown[-1])


@pytest.mark.usefixtures("stocked")
def test_what_lies_beside_a_script_is_agreed_to_as_well(
    desktop: FakeDesktop, run_pyscript: Program, write_script: WriteScript, tmp_path: Path
) -> None:
    desktop.add_windows()
    script = write_script("import random\nprint('ran')", name="x.pyw")
    (tmp_path / "unrelated.py").write_text("")
    assert run_pyscript("open", script).returncode == 0
    assert "Besideit" not in said(desktop.shown[-1])
    copy = tmp_path / "elsewhere" / script.name
    copy.parent.mkdir()
    copy.write_bytes(script.read_bytes())
    module = copy.with_name("random.py")
    for content in ("print('one')", "print('two')"):
        module.write_text(content)
        for _ in range(2):
            assert run_pyscript("open", copy).returncode == 0
    assert desktop.kinds == ["question"] * 3
    text = said(desktop.shown[-1])
    assert "Besideit:random.py(runsintheplaceoftheinstalledmodule)" in text
    assert "notwithwhatliesbesideitnow" in text and "unrelated" not in text
    assert run_pyscript("trust", "list").stdout.count(str(module)) == 2


@pytest.mark.usefixtures("stocked")
def test_files_that_a_block_names_are_agreed_to_as_well(
    desktop: FakeDesktop, run_pyscript: Program, write_script: WriteScript, tmp_path: Path
) -> None:
    desktop.add_windows()
    tell = "import importlib.metadata as m; print(m.version('speak'))"
    script = write_script(tell, block="dependencies = ['speak']\ntool.pyscript.constraint = ['c.txt']", name="x.pyw")
    for bound in ("speak<2", "speak>=2"):
        (tmp_path / "c.txt").write_text(f"{bound}\n")
        for _ in range(2):
            assert run_pyscript("open", script).returncode == 0
    assert [kind for kind in desktop.kinds if kind != "progress"] == ["question"] * 2
    assert "\n2.0\n" in desktop.log


@pytest.mark.usefixtures("stocked")
def test_what_stands_in_for_a_module_of_a_package_is_agreed_to_as_well(
    desktop: FakeDesktop, run_pyscript: Program, write_script: WriteScript, tmp_path: Path
) -> None:
    """`speak` imports `voice`, of which the script knows nothing."""
    desktop.add_windows()
    script = write_script("import speak\nprint('ran')", "speak", name="x.pyw")
    (tmp_path / "test.py").write_text("print('nobody imports it')")
    for content in ("", "# one", "# two"):
        if content:
            (tmp_path / "voice.py").write_text(content)
        for _ in range(2):
            assert run_pyscript("open", script).returncode == 0
            assert "\nran\n" in desktop.log
    questions = [said(words) for words in desktop.shown if words[0] == "--question"]
    assert ["Besideit:voice.py(runsintheplaceoftheinstalledmodule)" in each for each in questions] == [
        False,
        True,
        True,
    ]
    assert not any("test.py" in each for each in questions)
    desktop.add_windows(is_agreeing=False)
    (tmp_path / "voice.py").write_text("print('never')")
    assert run_pyscript("open", script).returncode == 1
    assert "never" not in desktop.log


def test_what_changes_beside_a_script_while_it_is_asked_about_is_not_run(
    desktop: FakeDesktop, run_pyscript: Program, write_script: WriteScript
) -> None:
    script = write_script("import random; print('never')", name="x.pyw")
    desktop.add_windows()
    desktop.add_program("zenity", f"#!/bin/sh\necho >'{script.with_name('random.py')}'\n")
    assert run_pyscript("open", script).returncode == 1
    assert "changed after you agreed" in desktop.log and "never" not in desktop.log
    assert "nothing was agreed" in run_pyscript("trust", "list").stdout.lower()


def wait_until(is_so: Callable[[], bool]) -> None:
    until = time.monotonic() + 60
    while not is_so():
        assert time.monotonic() < until
        time.sleep(0.02)
