"""The application for macOS, made by stand-ins for Apple's programs."""

from __future__ import annotations

import plistlib
from collections.abc import Sequence
from pathlib import Path

import pytest

from launcher.desktop import macos
from launcher.desktop.changes import Plan
from launcher.errors import RegistrationFailed

DROPLET = {
    "CFBundleExecutable": "droplet",
    "CFBundleDocumentTypes": [{"CFBundleTypeExtensions": ["*"], "CFBundleTypeRole": "Viewer"}],
}


class Programs:
    """Does what osacompile does, as far as files go, and notes what was run."""

    def __init__(self) -> None:
        self.ran: list[tuple[str, ...]] = []
        self.source = ""

    def __call__(self, words: Sequence[str]) -> None:
        self.ran.append(tuple(words))
        if words[0].endswith("osacompile"):
            self.source = Path(words[-1]).read_text(encoding="utf-8")
            contents = Path(words[2], "Contents")
            (contents / "MacOS").mkdir(parents=True)
            (contents / "MacOS" / "droplet").write_bytes(b"\xcf\xfa\xed\xfe")
            (contents / "MacOS" / "droplet").chmod(0o755)
            (contents / "Info.plist").write_bytes(plistlib.dumps(DROPLET, fmt=plistlib.FMT_BINARY))


def plan(programs: Programs, handler: str = "/opt/pyscript", *, is_for_all_python: bool = False) -> Plan:
    return macos.plan(handler, {"HOME": "/Users/me"}, programs, is_for_all_python=is_for_all_python)


@pytest.mark.parametrize(("is_for_all_python", "rank"), [(False, "Alternate"), (True, "Default")])
def test_the_application_declares_python_files(is_for_all_python: bool, rank: str) -> None:
    wanted = {each.place.path: each for each in plan(Programs(), is_for_all_python=is_for_all_python).wanted}
    table = plistlib.loads(wanted["/Users/me/Applications/pyscript.app/Contents/Info.plist"].content)
    (declared,) = table["CFBundleDocumentTypes"]
    assert declared["LSItemContentTypes"] == ["public.python-script"]
    assert declared["CFBundleTypeExtensions"] == ["py", "pyw"]
    assert declared["LSHandlerRank"] == rank
    assert (table["CFBundleExecutable"], table["CFBundleIdentifier"]) == ("droplet", "pyscript-launcher.open")


def test_it_is_signed_after_its_properties_are_complete_and_registered_where_it_will_be() -> None:
    programs = Programs()
    planned = plan(programs)
    assert [Path(words[0]).name for words in programs.ran] == ["osacompile", "codesign"]
    assert planned.refreshes[0][1:] == ("-f", "/Users/me/Applications/pyscript.app")
    assert {Path(each.place.path).name: each.is_executable for each in planned.wanted} == {
        "droplet": True,
        "Info.plist": False,
    }


def test_the_event_that_names_the_files_is_given_on() -> None:
    programs = Programs()
    plan(programs, """/it's "my" \\tools/pyscript""")
    assert "on open theFiles" in programs.source
    opening = next(line.strip() for line in programs.source.splitlines() if "do shell script" in line)
    # First quoted for the shell, then escaped for AppleScript.
    assert opening.startswith(r"""do shell script "'/it'\"'\"'s \"my\" \\tools/pyscript' open " & quoted form of""")


def test_a_droplet_without_properties_is_said() -> None:
    def fail(words: Sequence[str]) -> None:
        Path(words[2] if "osacompile" in words[0] else words[-1], "Contents").mkdir(parents=True)

    with pytest.raises(RegistrationFailed, match="osacompile made no application"):
        macos.plan("/p", {"HOME": "/Users/me"}, fail, is_for_all_python=False)
