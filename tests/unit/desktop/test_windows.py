"""The plan for Windows, carried out in a model of the registry."""

from __future__ import annotations

from pathlib import Path

import pytest

from launcher.desktop import windows
from launcher.desktop.changes import REG_NONE, REG_SZ, Place, decoded, encoded
from launcher.desktop.journal import JournalFile
from launcher.desktop.machine import Machine
from launcher.desktop.registration import Outcome, install, uninstall
from launcher.desktop.standing import standing_of
from launcher.errors import FileNotWritten, RegistrationFailed
from tests.support.registry import ModelRegistry

HANDLER = r"C:\Users\me\my tools\pyscriptw.exe"
CLASSES = r"HKEY_CURRENT_USER\Software\Classes"


@pytest.fixture
def registry() -> ModelRegistry:
    registry = ModelRegistry()
    registry.set(r"HKEY_LOCAL_MACHINE\Software\Classes\.py", "", encoded(REG_SZ, "Python.File"))
    registry.set(
        r"HKEY_LOCAL_MACHINE\Software\Classes\Python.File\shell\open\command",
        "",
        encoded(REG_SZ, r'"C:\Windows\py.exe" "%L" %*'),
    )
    registry.set(rf"{CLASSES}\.py\OpenWithProgids", "Other.Editor", encoded(REG_NONE, b""))
    return registry


@pytest.fixture
def file(tmp_path: Path) -> JournalFile:
    return JournalFile(tmp_path)


def text(registry: ModelRegistry, key: str, name: str = "") -> object:
    content = registry.read(key, name)
    return decoded(content)[1] if content else None


def put(registry: ModelRegistry, file: JournalFile, handler: str = HANDLER, *, is_for_all_python: bool = False) -> None:
    plan = windows.plan(handler, registry, is_for_all_python=is_for_all_python)
    install(plan, file, Machine(registry), lambda: None)


def test_scripts_are_offered_to_pyscript_and_nobody_is_robbed(registry: ModelRegistry, file: JournalFile) -> None:
    put(registry, file)
    for suffix, name in windows.PROG_IDS.items():
        assert registry.read(rf"{CLASSES}\{suffix}\OpenWithProgids", name) == encoded(REG_NONE, b"")
        assert text(registry, rf"{CLASSES}\{name}\shell\open\command") == f'"{HANDLER}" open "%1" %*'
        assert text(registry, rf"{CLASSES}\{suffix}") is None
    assert registry.read(rf"{CLASSES}\.py\OpenWithProgids", "Other.Editor") is not None
    assert registry.announced == 1


def test_the_program_is_known_to_the_settings_and_the_run_dialog(registry: ModelRegistry, file: JournalFile) -> None:
    put(registry, file)
    software = r"HKEY_CURRENT_USER\Software"
    capabilities = text(registry, rf"{software}\RegisteredApplications", "pyscript")
    assert capabilities == r"Software\pyscript\Capabilities"
    named = text(registry, rf"HKEY_CURRENT_USER\{capabilities}\FileAssociations", ".pyw")
    assert named == windows.PROG_IDS[".pyw"]
    paths = rf"{software}\Microsoft\Windows\CurrentVersion\App Paths"
    assert text(registry, rf"{paths}\pyscriptw.exe") == HANDLER
    assert text(registry, rf"{paths}\pyscript.exe") == HANDLER.replace("pyscriptw", "pyscript")


@pytest.mark.parametrize("is_for_all_python", [False, True])
def test_uninstalling_leaves_the_registry_as_it_was(
    registry: ModelRegistry, file: JournalFile, is_for_all_python: bool
) -> None:
    before = registry.snapshot()
    put(registry, file, is_for_all_python=is_for_all_python)
    put(registry, file, r"D:\other\pyscriptw.exe", is_for_all_python=not is_for_all_python)
    assert registry.snapshot() != before
    uninstall(file, Machine(registry), lambda: None)
    assert registry.snapshot() == before
    assert not file.directory.exists()


def test_all_python_files_are_the_default_and_what_was_it_is_remembered(
    registry: ModelRegistry, file: JournalFile
) -> None:
    registry.set(rf"{CLASSES}\.py", "", encoded(2, "%my%.editor"))
    put(registry, file, is_for_all_python=True)
    assert text(registry, rf"{CLASSES}\.py") == windows.PROG_IDS[".py"]
    journal = file.read()
    assert journal is not None
    assert journal.opener == "%my%.editor"
    uninstall(file, Machine(registry), lambda: None)
    assert registry.read(rf"{CLASSES}\.py", "") == encoded(2, "%my%.editor")


def test_what_somebody_changed_since_stays(registry: ModelRegistry, file: JournalFile) -> None:
    put(registry, file, is_for_all_python=True)
    registry.set(rf"{CLASSES}\.py", "", encoded(REG_SZ, "Other.Editor"))
    effects = uninstall(file, Machine(registry), lambda: None)
    assert text(registry, rf"{CLASSES}\.py") == "Other.Editor"
    kept = [each.place.path for each in effects or () if each.outcome is Outcome.KEPT]
    assert kept == [rf"{CLASSES}\.py"]


def test_a_refused_write_leaves_nothing(registry: ModelRegistry, file: JournalFile) -> None:
    before = registry.snapshot()
    registry.writes_left = 7

    class Lenient(Machine):
        def write(
            self, place: Place, content: bytes | None, *, former: bytes | None, is_executable: bool = False
        ) -> None:
            registry.writes_left += content is None
            super().write(place, content, former=former)

    with pytest.raises(FileNotWritten, match="Access is denied"):
        install(windows.plan(HANDLER, registry, is_for_all_python=True), file, Lenient(registry), lambda: None)
    assert registry.snapshot() == before
    assert not file.directory.exists()


def test_what_opened_scripts_before_is_found(registry: ModelRegistry) -> None:
    name = windows.opener(registry)
    assert name == "Python.File"
    found = windows.find_application(name, registry)
    assert found is not None
    assert found.command(r"C:\x y.py") == (r"C:\Windows\py.exe", r"C:\x y.py")


def test_a_choice_of_the_person_is_seen(registry: ModelRegistry, file: JournalFile) -> None:
    choice = r"HKEY_CURRENT_USER\Software\Microsoft\Windows\CurrentVersion\Explorer\FileExts\.py\UserChoice"
    registry.set(choice, "ProgId", encoded(REG_SZ, "Other.Editor"))
    assert windows.opener(registry) == "Other.Editor"
    put(registry, file)
    journal = file.read()
    assert journal is not None
    standing = standing_of(journal, Machine(registry), {})
    assert standing.taken_over_by == {".py": "Other.Editor"}


@pytest.mark.parametrize("handler", [r"C:\100%\pyscriptw.exe", 'C:\\a"b\\pyscriptw.exe'])
def test_a_handler_that_no_command_line_can_name_is_refused(registry: ModelRegistry, handler: str) -> None:
    with pytest.raises(RegistrationFailed, match="cannot be told to start"):
        windows.plan(handler, registry, is_for_all_python=False)
