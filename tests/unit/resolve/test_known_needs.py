from __future__ import annotations

from launcher.resolve.candidate import Candidate
from launcher.resolve.dependencies import DependencyReader
from launcher.resolve.known_needs import with_known_needs
from launcher.resolve.metadata import WheelMetadata
from launcher.resolve.resolution import Pin, Requested, Resolution
from launcher.resolve.targets import target_interpreter

REQUIRES = {
    "web": ("voice[loud]", "colorama; sys_platform == 'win32'", "cli; extra == 'all'", "not a requirement ["),
    "voice": ("drum; extra == 'loud'", "flute; extra == 'soft'"),
    "cli": ("web",),
    "drum": (),
    "flute": (),
}


def metadata_of(candidate: Candidate) -> WheelMetadata | None:
    requires = REQUIRES.get(candidate.name)
    return None if requires is None else WheelMetadata(candidate.name, "1.0", requires, None, ())


def test_what_packages_say_of_one_another_is_found_by_the_extras_that_are_asked_for() -> None:
    names = ("cli", "colorama", "drum", "flute", "unknown", "voice", "web")
    flat = Resolution(tuple(Pin(Candidate(name, "1.0", f"{name}.whl", "")) for name in names), names)
    reader = DependencyReader(target_interpreter("3.12", "linux-x86_64").markers)
    found = with_known_needs(flat, [Requested("web[all]", "line 2"), Requested("./x", "line 3")], reader, metadata_of)
    needs = {pin.candidate.name: pin.dependencies for pin in found if pin.dependencies}
    assert needs == {"cli": ("web",), "voice": ("drum",), "web": ("cli", "voice")}
    assert {pin.candidate.name: pin.extras for pin in found if pin.extras} == {"voice": ("loud",), "web": ("all",)}
    assert found.roots == ("colorama", "flute", "unknown", "web")
