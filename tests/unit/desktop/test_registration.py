"""Installing and uninstalling on a home directory: what is found there afterwards, whatever happened in between."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from launcher.desktop import linux
from launcher.desktop.applications import Homes
from launcher.desktop.changes import Place
from launcher.desktop.journal import JournalFile, State
from launcher.desktop.machine import Machine
from launcher.desktop.registration import Effect, Outcome, install, uninstall
from launcher.errors import DataUnusable, FileNotWritten, RegistrationFailed
from tests.unit.desktop.conftest import everything_in, generate

Prepare = Callable[[Path], None]

LIST = b"# mine\n[Default Applications]\ntext/plain=vim.desktop\n\n[Added Associations]\n"


def nothing(home: Path) -> None:
    """Leave the home directory empty."""


def used_for_long(home: Path) -> None:
    """Put lists, databases with what they are made from, and a file of no concern there."""
    data = home / ".local" / "share"
    (data / "mime" / "packages").mkdir(parents=True)
    (data / "mime" / "packages" / "other.xml").write_bytes(b"<other/>")
    (data / "applications").mkdir()
    (data / "applications" / "other.desktop").write_bytes(b"[Desktop Entry]\n")
    generate(["update-mime-database", str(data / "mime")])
    (data / "mime" / "mime.cache").write_bytes(b"by another version")
    (data / "mime" / "readme.txt").write_bytes(b"of no concern")
    (home / ".config").mkdir()
    (home / ".config" / "mimeapps.list").write_bytes(LIST)


def with_links(home: Path) -> None:
    """Let the list of associations be a link, as people have it who keep their configuration elsewhere."""
    (home / "dotfiles").mkdir()
    (home / "dotfiles" / "mimeapps.list").write_bytes(LIST)
    (home / ".config").mkdir()
    (home / ".config" / "mimeapps.list").symlink_to("../dotfiles/mimeapps.list")


def with_a_link_to_nothing(home: Path) -> None:
    """Let the list of associations be a link to what is not there."""
    (home / ".config").mkdir()
    (home / ".config" / "mimeapps.list").symlink_to("../dotfiles/mimeapps.list")


HOMES = [nothing, used_for_long, with_links, with_a_link_to_nothing]


class Desk:
    """A home directory in which things are installed and uninstalled."""

    def __init__(self, home: Path, machine: Machine) -> None:
        self.home = home
        self.machine = machine
        self.file = JournalFile(home / ".local" / "share" / "pyscript")
        self.list = home / ".config" / "mimeapps.list"

    def install(
        self, handler: str = "/p/pyscript", *, is_for_all_python: bool = False, machine: Machine | None = None
    ) -> tuple[Effect, ...]:
        homes = Homes.of({"HOME": str(self.home), "XDG_DATA_DIRS": "/none", "XDG_CONFIG_DIRS": "/none"})
        plan = linux.plan(handler, homes, is_for_all_python=is_for_all_python)
        return install(plan, self.file, machine or self.machine, lambda: None)

    def uninstall(self, machine: Machine | None = None) -> tuple[Effect, ...] | None:
        return uninstall(self.file, machine or self.machine, lambda: None)


@pytest.fixture
def desk(tmp_path: Path, machine: Machine) -> Desk:
    home = tmp_path / "home"
    home.mkdir()
    return Desk(home, machine)


@pytest.mark.parametrize("prepare", HOMES)
@pytest.mark.parametrize("is_for_all_python", [False, True])
def test_uninstalling_leaves_everything_as_it_was(desk: Desk, prepare: Prepare, is_for_all_python: bool) -> None:
    prepare(desk.home)
    before = everything_in(desk.home)
    desk.install(is_for_all_python=is_for_all_python)
    assert b"pyscript-open.desktop" in desk.list.read_bytes()
    desk.uninstall()
    assert everything_in(desk.home) == before


@pytest.mark.parametrize("prepare", HOMES)
def test_installing_again_changes_what_is_different_and_remembers_what_was_there_first(
    desk: Desk, prepare: Prepare
) -> None:
    prepare(desk.home)
    before = everything_in(desk.home)
    desk.install()
    assert {each.outcome for each in desk.install()} == {Outcome.UNCHANGED}
    changed = [each for each in desk.install("/q/pyscript") if each.outcome is not Outcome.UNCHANGED]
    assert [Path(each.place.path).name for each in changed] == ["pyscript-open.desktop"]
    desk.install(is_for_all_python=True)
    desk.install()
    assert b"text/x-python=" not in desk.list.read_bytes()
    desk.uninstall()
    assert everything_in(desk.home) == before


class Killed(BaseException):
    """Nothing runs after it."""


class Mortal(Machine):
    """Dies at its nth write or run: from there on it does nothing any more, not even mend what it did."""

    def __init__(self, steps: int) -> None:
        super().__init__(run=self._run, find=lambda name: name)
        self._steps = steps

    def write(self, place: Place, content: bytes | None, *, former: bytes | None, is_executable: bool = False) -> None:
        self._live()
        super().write(place, content, former=former, is_executable=is_executable)

    def read(self, place: Place) -> bytes | None:
        if self._steps < 0:
            raise Killed
        return super().read(place)

    def remove_container(self, path: str) -> None:
        self._live()
        super().remove_container(path)

    def sweep(self, place: Place) -> None:
        if self._steps < 0:
            raise Killed
        super().sweep(place)

    def _run(self, words: object) -> None:
        self._live()
        generate(words)  # type: ignore[arg-type]

    def _live(self) -> None:
        self._steps -= 1
        if self._steps < 0:
            raise Killed


@pytest.mark.parametrize("prepare", HOMES)
@pytest.mark.parametrize("is_mended_by_installing", [False, True])
def test_whatever_moment_it_is_killed_at_the_next_one_mends_it(
    desk: Desk, prepare: Prepare, is_mended_by_installing: bool
) -> None:
    prepare(desk.home)
    before = everything_in(desk.home)
    for steps in range(8):
        mortal = Mortal(steps)
        try:
            desk.install(machine=mortal)
        except Killed:
            journal = desk.file.read()
            assert journal is not None
            assert journal.state is State.INSTALLING
        if is_mended_by_installing:
            desk.install("/q/pyscript")
        desk.uninstall()
        assert everything_in(desk.home) == before, steps


@pytest.mark.parametrize("prepare", HOMES)
def test_an_uninstallation_that_was_killed_is_ended_by_the_next(desk: Desk, prepare: Prepare) -> None:
    prepare(desk.home)
    before = everything_in(desk.home)
    for steps in range(20):
        desk.install()
        try:
            desk.uninstall(Mortal(steps))
        except Killed:
            desk.uninstall()
        # Killed when the journal is gone, it leaves the directories that that was in.
        assert without_empty(everything_in(desk.home)) == without_empty(before), steps


def without_empty(found: dict[str, bytes | str | None]) -> dict[str, bytes | str | None]:
    return {name: content for name, content in found.items() if content is not None}


def test_what_a_killed_write_left_goes_too(desk: Desk) -> None:
    before = everything_in(desk.home)
    desk.install()
    (desk.home / ".config" / ".mimeapps.list.0123456789abcdef.tmp").write_bytes(b"half")
    (desk.file.directory / ".journal.json.0123456789abcdef.tmp").write_bytes(b"half")
    desk.uninstall()
    assert everything_in(desk.home) == before


@pytest.mark.parametrize(
    "in_the_way", [".local/share/mime", ".local/share/icons", ".config", ".config/mimeapps.list/x"]
)
def test_what_is_in_the_way_is_said_and_nothing_stays(desk: Desk, in_the_way: str) -> None:
    path = desk.home / in_the_way
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(b"")
    before = everything_in(desk.home)
    with pytest.raises(FileNotWritten):
        desk.install()
    assert everything_in(desk.home) == before


def test_a_list_that_may_not_be_written_stays(desk: Desk) -> None:
    used_for_long(desk.home)
    desk.list.chmod(0o444)
    before = everything_in(desk.home)
    with pytest.raises(FileNotWritten, match="read-only"):
        desk.install()
    assert everything_in(desk.home) == before


def test_what_cannot_be_undone_now_can_be_later(desk: Desk) -> None:
    used_for_long(desk.home)
    before = everything_in(desk.home)
    desk.install()
    desk.list.chmod(0o444)
    with pytest.raises(FileNotWritten, match="read-only"):
        desk.uninstall()
    journal = desk.file.read()
    assert journal is not None
    assert journal.state is State.UNINSTALLING
    desk.list.chmod(0o644)
    desk.uninstall()
    assert everything_in(desk.home) == before


def test_an_empty_data_directory_that_was_there_stays(desk: Desk) -> None:
    desk.file.directory.parent.mkdir(parents=True)
    before = everything_in(desk.home)
    desk.install()
    desk.uninstall()
    desk.uninstall()
    assert everything_in(desk.home) == before


def test_without_the_program_that_is_needed_nothing_stays(desk: Desk) -> None:
    before = everything_in(desk.home)
    with pytest.raises(RegistrationFailed, match="update-mime-database is not on PATH"):
        desk.install(machine=Machine(run=generate, find=lambda name: None))
    assert everything_in(desk.home) == before


def test_one_that_is_not_needed_may_be_missing(desk: Desk) -> None:
    before = everything_in(desk.home)
    machine = Machine(run=generate, find=lambda name: name if "mime" in name else None)
    desk.install(machine=machine)
    desk.uninstall(machine)
    assert everything_in(desk.home) == before


def test_uninstalling_what_is_not_installed_does_nothing(desk: Desk) -> None:
    assert desk.uninstall() is None
    assert everything_in(desk.home) == {}


def test_what_others_added_to_the_list_stays(desk: Desk) -> None:
    used_for_long(desk.home)
    desk.install()
    desk.list.write_bytes(desk.list.read_bytes() + b"image/png=gimp.desktop;\n")
    desk.uninstall()
    assert desk.list.read_bytes() == LIST + b"image/png=gimp.desktop;\n"


def test_a_list_that_others_emptied_goes_and_one_that_they_use_stays(desk: Desk) -> None:
    desk.install()
    desk.list.write_bytes(desk.list.read_bytes() + b"\n[Added Associations]\nimage/png=gimp.desktop;\n")
    desk.uninstall()
    assert desk.list.read_bytes() == b"\n[Added Associations]\nimage/png=gimp.desktop;\n"
    desk.list.unlink()
    desk.install()
    desk.list.write_bytes(desk.list.read_bytes() + b"\n")
    desk.uninstall()
    assert not desk.list.exists()


def test_a_file_of_ours_that_somebody_changed_is_kept_and_said(desk: Desk) -> None:
    desk.install()
    entry = desk.home / ".local/share/applications/pyscript-open.desktop"
    entry.write_bytes(entry.read_bytes() + b"X-Mine=true\n")
    effects = desk.uninstall() or ()
    assert [Path(each.place.path).name for each in effects if each.outcome is Outcome.KEPT] == [entry.name]
    assert entry.read_bytes().endswith(b"X-Mine=true\n")


def test_a_lost_journal_is_no_reason_to_keep_what_was_ours(desk: Desk) -> None:
    desk.install("/p/pyscript", is_for_all_python=True)
    desk.file.path.unlink()
    desk.file.directory.rmdir()
    desk.install("/q/pyscript")
    desk.uninstall()
    assert [name for name, content in everything_in(desk.home).items() if content is not None] == []


def test_a_database_that_others_changed_is_brought_up_to_date(desk: Desk) -> None:
    desk.install()
    packages = desk.home / ".local/share/mime/packages"
    (packages / "later.xml").write_bytes(b"<later/>")
    desk.uninstall()
    assert (packages.parent / "mime.cache").read_bytes() == b"<later/>"
    assert not (packages / "pyscript.xml").exists()


def test_a_database_that_cannot_be_brought_up_to_date_is_said(desk: Desk) -> None:
    desk.install()
    (desk.home / ".local/share/mime/packages/later.xml").write_bytes(b"<later/>")
    effects = desk.uninstall(Machine(run=generate, find=lambda name: None)) or ()
    assert next(each.note for each in effects if each.outcome is Outcome.KEPT).startswith("what is generated in it")
    assert desk.file.read() is None


@pytest.mark.parametrize("content", [b"", b"{}", b"[]", b'{"format": 2}', b'{"format": 1, "state": "odd"}'])
def test_a_damaged_journal_is_said(desk: Desk, content: bytes) -> None:
    desk.install()
    desk.file.path.write_bytes(content)
    for call in (desk.install, desk.uninstall):
        with pytest.raises(DataUnusable, match="is damaged"):
            call()


def test_a_journal_that_others_may_write_is_not_believed(desk: Desk) -> None:
    desk.install()
    desk.file.directory.chmod(0o777)
    with pytest.raises(DataUnusable, match="can be written by others"):
        desk.uninstall()


def test_a_journal_reads_as_it_was_written(desk: Desk) -> None:
    used_for_long(desk.home)
    desk.install(is_for_all_python=True)
    journal = desk.file.read()
    assert journal is not None
    desk.file.write(journal)
    assert desk.file.read() == journal
    assert journal.snapshots[0].files["mime.cache"] == b"by another version"
