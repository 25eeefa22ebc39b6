"""`--watch`: a script is run again whenever something that it reads has changed."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.conftest import Program
from tests.functional.conftest import WriteScript
from tests.support.index_server import IndexServer

pytest.importorskip("watchfiles")
pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="it is ended by signals")

LONGEST_S = 30
ONCE = "print('ran', flush=True)"
ON_AND_ON = "import time\nprint('ran', flush=True)\nwhile True: time.sleep(0.05)"

Watching = Callable[..., "Watch"]


class Watch:
    """A `pyscript --watch` under way, and what it has printed so far."""

    def __init__(self, process: subprocess.Popen[str], output: Path) -> None:
        self.process = process
        self._output = output

    def sees(self, text: str, times: int = 1) -> str:
        """Wait until it has printed a text so many times; return everything it printed."""
        until = time.monotonic() + LONGEST_S
        while (printed := self._output.read_text()).count(text) < times:
            assert time.monotonic() < until, f"{text!r} is not there {times} times:\n{printed}"
            assert self.process.poll() is None, printed
            time.sleep(0.02)
        return printed

    def end(self, number: int = signal.SIGINT) -> int:
        self.process.send_signal(number)
        return self.process.wait(LONGEST_S)


@pytest.fixture
def watching(run_pyscript: Program, tmp_path: Path) -> Iterator[Watching]:
    """Return a function that starts `pyscript` with arguments, in `tmp_path`."""
    started: list[subprocess.Popen[str]] = []

    def start(*arguments: str | Path) -> Watch:
        output = tmp_path / f"output-{len(started)}"
        with output.open("wb") as stream:
            process = subprocess.Popen(
                [run_pyscript.path, *arguments],
                env=run_pyscript.variables(),
                cwd=tmp_path,
                stdin=subprocess.DEVNULL,
                stdout=stream,
                stderr=stream,
                text=True,
            )
        started.append(process)
        return Watch(process, output)

    yield start
    for process in started:
        process.kill()
        process.wait()


def test_a_script_that_ended_is_run_again_when_it_changes(watching: Watching, write_script: WriteScript) -> None:
    script = write_script(ONCE)
    watch = watching("--watch", script)
    watch.sees("It ended. Waiting for a change.")
    write_script("import sys; print('again', flush=True); sys.exit(3)")
    printed = watch.sees("It ended with exit code 3. Waiting for a change.")
    assert printed.splitlines() == [
        "ran",
        "It ended. Waiting for a change.",
        "x.py changed; running it again.",
        "again",
        "It ended with exit code 3. Waiting for a change.",
    ]
    assert watch.end() == -signal.SIGINT


def test_a_script_that_runs_is_ended_and_run_again_with_its_arguments(
    watching: Watching, write_script: WriteScript
) -> None:
    script = write_script(ON_AND_ON)
    watch = watching("--watch", script, "--month", "5")
    watch.sees("ran")
    write_script("import sys; print('again', *sys.argv[1:], flush=True)")
    assert "It ended" not in watch.sees("again --month 5\n").partition("x.py changed")[0]


def test_modules_beside_the_script_count_and_other_files_do_not(
    watching: Watching, write_script: WriteScript, tmp_path: Path
) -> None:
    (tmp_path / "inner").mkdir()
    (tmp_path / "inner" / "deep.py").write_text("NUMBER = 1\n")
    (tmp_path / "near.py").write_text("from inner.deep import NUMBER\n")
    script = write_script("import near; print('number', near.NUMBER, flush=True)")
    watch = watching("--watch", script)
    watch.sees("It ended.")
    (tmp_path / "notes.txt").write_text("nobody reads this")
    (tmp_path / "inner" / "deep.py").write_text("NUMBER = 22\n")
    printed = watch.sees("number 22")
    assert printed.count("changed; running it again") == 1


def test_a_broken_block_is_shown_and_watched_on(
    stocked: IndexServer, watching: Watching, write_script: WriteScript
) -> None:
    script = write_script("import speak; print(speak.__version__, flush=True)", "speak<2")
    watch = watching("--watch", script)
    watch.sees("1.0\nIt ended.")
    write_script(ONCE, "speak<<2")
    assert "^^^^^^^^" in watch.sees("hint: Write it as")
    watch.sees("Waiting for a change.", 2)
    write_script("import speak; print(speak.__version__, flush=True)", "speak")
    watch.sees("2.0\nIt ended.")


def test_an_env_file_counts(watching: Watching, write_script: WriteScript, tmp_path: Path) -> None:
    (tmp_path / ".env").write_text("WHO=you\n")
    script = write_script("import os; print(os.environ['WHO'], flush=True)")
    watch = watching("--watch", "--env-file", ".env", script)
    watch.sees("you\nIt ended.")
    (tmp_path / ".env").write_text("WHO=others\n")
    watch.sees("others\nIt ended.")


def test_a_program_in_the_scripts_environment_is_run_again_when_the_script_changes(
    stocked: IndexServer, watching: Watching, write_script: WriteScript
) -> None:
    script = write_script(ONCE, "speak<2")
    watch = watching("run", "--watch", "--script", script, "speak", "now")
    watch.sees("speak 1.0 now\nIt ended.")
    write_script(ONCE, "speak")
    watch.sees("speak 2.0 now\nIt ended.")


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_what_ends_us_ends_the_script_too(
    number: signal.Signals, watching: Watching, write_script: WriteScript, tmp_path: Path
) -> None:
    script = write_script(f"import os\nopen('pid', 'w').write(str(os.getpid()))\n{ON_AND_ON}")
    watch = watching("--watch", script)
    watch.sees("ran")
    assert watch.end(number) == -number
    with pytest.raises(ProcessLookupError):
        os.kill(int((tmp_path / "pid").read_text()), 0)


def test_what_can_be_read_only_once_is_refused(run_pyscript: Program) -> None:
    done = run_pyscript("--watch", "-", input="print('x')")
    assert (done.returncode, done.stdout) == (2, "")
    assert "What comes from stdin is there only once." in done.stderr


@pytest.mark.parametrize("words", [["--watch"], ["run", "--watch", "--script"]])
def test_a_script_from_elsewhere_is_no_file_to_look_at(
    words: list[str], index: IndexServer, run_pyscript: Program
) -> None:
    url = index.add_page("/x.py", b"print('it was run')", "text/plain")
    done = run_pyscript(*words, url, "python")
    assert (done.returncode, done.stdout) == (2, "")
    assert "file" in done.stderr
    assert index.paths() == []


def test_a_script_that_is_not_there_at_first_is_an_error(run_pyscript: Program) -> None:
    done = run_pyscript("--watch", "missing.py")
    assert done.returncode == 2
    assert "There is no script missing.py." in done.stderr
