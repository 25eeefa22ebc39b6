"""Take the pictures of docs/how-to/double-click.md: ``python -m tests.desktop.pictures docs/images``.

A home directory that is made at the path given behind ``--home``, and removed, is the one to be seen in them.
"""

from __future__ import annotations

import argparse
import os
import shutil
import subprocess
import tempfile
from pathlib import Path

from tests.conftest import ROOT, program_path
from tests.support.file_manager import FileManager
from tests.support.index_server import Fault, Hold, IndexServer
from tests.support.picture import Box
from tests.support.screen import Screen, Window
from tests.support.wheels import repacked

_ALL = Box(0, 0, 962, 645)
"""The file manager's window."""

_XTERM = "XTerm*faceName: DejaVu Sans Mono\nXTerm*faceSize: 10\nXTerm*geometry: 72x16\n"

_PACKAGES = ("rich", "markdown-it-py", "mdurl", "pygments")
_REPORT = '''\
# /// script
# requires-python = ">=3.11"
# dependencies = ["rich"]
# ///
"""What was sold, month by month."""

from rich.console import Console
from rich.table import Table

table = Table("Month", "Cups", title="Coffee")
for month, cups in (("January", "1,204"), ("February", "1,117"), ("March", "1,390")):
    table.add_row(month, cups)
Console().print(table)
'''
_BROKEN = '''\
# /// script
# dependencies = ["rich"]
# ///
"""What was sold, in a window."""

import rich

months = {"January": 1204, "February": 1117}
print(months['March'])
'''


class Photographer:
    """Whoever double-clicks in `letters` and takes pictures of it into `folder`."""

    def __init__(self, screen: Screen, letters: FileManager, folder: Path) -> None:
        self.screen, self.letters, self.folder = screen, letters, folder

    def take(self, name: str, title: str = "", class_name: str = "") -> Window:
        """Take a picture of a window once it is there."""
        window = self.screen.wait_for_window(title, class_name=class_name)
        self._put(window, 40, 40)
        self._keep(name, self.screen.save_picture(name, window))
        return window

    def take_all(self, name: str, title: str) -> Window:
        """Take a picture of the file manager with a window in front of it."""
        window = self.screen.wait_for_window(title)
        self._put(window, 330, 200)
        self.screen.wait_until_steady(lambda: self.screen.box_of(window))
        path = self.screen.save_picture(name)
        path.write_bytes(self.screen.picture().cropped(_ALL).to_png())
        self._keep(name, path)
        return window

    def _put(self, window: Window, left: int, top: int) -> None:
        self.screen.move(window, left, top)
        self.screen.wait_until(lambda: self.screen.frame_of(window).left == left, "it is there")

    def _keep(self, name: str, path: Path) -> None:
        shutil.copy(path, self.folder / f"double-click-{name}.png")

    def answer(self, window: Window, key: str) -> None:
        """Press a key in a window that goes away then."""
        self.screen.dismiss(window, key)


def photograph(here: Photographer, index: IndexServer) -> None:
    """Take all pictures."""
    letters, hold = here.letters, Hold()
    index.fail("*rich*.whl", Fault(hold=hold))
    report = letters.drop("report.py", _REPORT)
    letters.double_click(report)
    here.answer(here.take_all("question", "^Run "), "alt+r")
    hold.wait_until_asked()
    here.take("progress", "^Preparing ")
    hold.release()
    logs = here.screen.home / ".local" / "share" / "pyscript" / "logs"
    here.screen.wait_until(lambda: any("has ended" in log.read_text() for log in logs.iterdir()), "it has ended")
    here.answer(here.take("terminal", class_name="XTerm"), "Return")

    broken = letters.drop("sales.pyw", _BROKEN)
    letters.double_click(broken)
    here.answer(here.screen.wait_for_window("^Run "), "alt+r")
    told = here.screen.wait_for_window("^Error: ")
    folded = here.screen.box_of(told)
    here.screen.press(told, "Tab", "space")
    here.screen.wait_until(lambda: here.screen.box_of(told) != folded, "the details are unfolded")
    here.answer(here.take("failure", "^Error: "), "Escape")

    # What it needs comes from the real index.
    card = ("--name=Ada Lovelace", "--company=Analytical Engines", "--phone=+44 20 7946 0123", "--mail=ada@example.com")
    command = ("env", "-u", "PYSCRIPT_INDEX_URL", program_path(), ROOT / "examples" / "card.pyw", *card)
    process = here.screen.start(*command)
    here.answer(here.take("form", "^Visiting card$"), "alt+F4")
    process.wait()


def main() -> None:
    """Read the command line, set up a desk, take the pictures."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--home", type=Path, required=True, help="a directory that is not there yet")
    options = parser.parse_args()
    options.home.mkdir(parents=True)
    environ = {name: value for name, value in os.environ.items() if not name.startswith(("PYSCRIPT_", "XDG_"))}
    try:
        with (
            tempfile.TemporaryDirectory() as folder,
            IndexServer() as index,
            Screen(Path(folder), environ, options.home) as screen,
        ):
            Path(folder, "resources").write_text(_XTERM)
            screen.environ |= {"TERMINAL": "xterm", "XENVIRONMENT": f"{folder}/resources"}
            screen.environ |= {"PYSCRIPT_CACHE_DIR": f"{folder}/cache", "PYSCRIPT_INDEX_URL": index.index_url}
            index.add(*map(repacked, _PACKAGES))
            subprocess.run([program_path(), "desktop", "install"], env=screen.environ, check=True)
            with FileManager(screen, options.home / "Downloads") as letters:
                photograph(Photographer(screen, letters, options.folder.resolve()), index)
    finally:
        shutil.rmtree(options.home)


if __name__ == "__main__":
    main()
