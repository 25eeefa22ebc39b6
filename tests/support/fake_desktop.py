"""A desktop for tests: a terminal that is a program in a pty, whose person answers as the test says, and no screen.

Terminals and toolkits are programs on PATH, so that the tested program finds them as it finds real ones.
"""

from __future__ import annotations

import sys
import time
from dataclasses import dataclass
from pathlib import Path

from tests.conftest import Program

_LONGEST_S = 60.0
_TERMINAL = """\
#!{python}
import os, pty, sys
folder = {folder!r}
pid, ours = pty.fork()
if not pid:
    os.execv(sys.argv[1], sys.argv[1:])
number = len([name for name in os.listdir(folder) if name.startswith("window")])
answers = open(folder + "/answers").read().split()
seen, answered_up_to = b"", 0
while True:
    try:
        piece = os.read(ours, 65536)
    except OSError:
        break
    seen += piece
    new = seen[answered_up_to:]
    if answers and new.endswith(b"[n] "):
        answered_up_to = len(seen)
        os.write(ours, answers.pop(0).encode() + b"\\n")
    elif b" to close this " in new and new.endswith(b" "):
        answered_up_to = len(seen)
        os.write(ours, b"\\n")
code = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
path = folder + "/window" + str(number)
with open(path + ".new", "wb") as stream:
    stream.write(seen + b"\\n<exit %d>" % code)
os.rename(path + ".new", path)
"""


_ZENITY = """\
#!/bin/sh
printf '%s\\037' "$@" >>'{folder}/shown'
echo >>'{folder}/shown'
case $1 in
    --question) while [ -e '{folder}/gate' ]; do sleep 0.05; done; exit {answer} ;;
    --progress) [ {cancels} = 1 ] && {{ sleep 0.6; exit 1; }}; cat >>'{folder}/progress' ;;
esac
"""


@dataclass(frozen=True)
class FakeDesktop:
    """Where the tested program finds terminals: `folder` is first on its PATH."""

    program: Program
    folder: Path

    @classmethod
    def of(cls, program: Program, folder: Path) -> FakeDesktop:
        """Make one, with a display that no program here ever asks for anything, and no windows."""
        folder.mkdir()
        program.environ.update(
            PATH=f"{folder}:{program.environ['PATH']}",
            DISPLAY=":nowhere",
            PYSCRIPT_WINDOWS="none",
            DESKTOP_STARTUP_ID="us",
            GIO_LAUNCHED_DESKTOP_FILE="/us.desktop",
        )
        return cls(program, folder)

    def add_terminal(self, name: str = "xdg-terminal-exec", answers: str = "") -> None:
        """Install a terminal; whoever sits there types these words where questions are asked, and closes windows."""
        (self.folder / "answers").write_text(answers)
        self.add_program(name, _TERMINAL.format(python=sys.executable, folder=str(self.folder)))

    def add_windows(self, *, is_agreeing: bool = True, is_cancelling: bool = False) -> None:
        """Install a toolkit; its person says yes or no to questions, and may cancel what is being done."""
        self.program.environ["PYSCRIPT_WINDOWS"] = "zenity"
        text = _ZENITY.format(folder=self.folder, answer=int(not is_agreeing), cancels=int(is_cancelling))
        self.add_program("zenity", text)

    def add_program(self, name: str, text: str) -> Path:
        """Install any other program, and return its path."""
        path = self.folder / name
        path.write_text(text)
        path.chmod(0o755)
        return path

    def window(self, number: int = 0) -> str:
        """Return what was seen in a terminal window, once it is closed, and how what ran in it ended."""
        path = self.folder / f"window{number}"
        until = time.monotonic() + _LONGEST_S
        while not path.exists():
            assert time.monotonic() < until, "the window was not closed"
            time.sleep(0.02)
        return path.read_text("utf-8").replace("\r\n", "\n")

    @property
    def window_count(self) -> int:
        """How many terminal windows there were."""
        return len(list(self.folder.glob("window*")))

    @property
    def shown(self) -> list[list[str]]:
        """The windows of the toolkit up to now, each as the words that zenity was given."""
        path = self.folder / "shown"
        lines = path.read_text("utf-8").split("\037\n")[:-1] if path.exists() else []
        return [line.split("\037") for line in lines]

    @property
    def kinds(self) -> list[str]:
        """The kinds of the windows of the toolkit up to now."""
        return [words[0].removeprefix("--") for words in self.shown]

    @property
    def log(self) -> str:
        """The newest log."""
        logs = sorted((Path(self.program.environ["HOME"]) / ".local/share/pyscript/logs").iterdir())
        return max(logs, key=lambda path: path.stat().st_mtime_ns).read_text("utf-8")
