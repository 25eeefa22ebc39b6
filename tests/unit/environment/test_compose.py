"""Which link goes where: plans are values, and only the last tests write something."""

from __future__ import annotations

import errno
import os
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

import pytest

from launcher.environment.compose import Layout, Plan, carry_out, next_link_mode, plan, usable_link_mode
from launcher.environment.manifest import REAL_DATA_DEPTH, EntryPoint, Manifest, ScriptFile, Tree, Trees
from launcher.environment.stored_wheel import StoredWheel
from launcher.value import replace

SITE = "lib/python3.12/site-packages"
LAYOUT = Layout("/c/environments-v1/k", SITE, "bin", "include/site/python3.12", "/c/environments-v1/k/bin/python")
TO_STORE = "../../../../../wheels-v1"


def tree(files: Sequence[str]) -> Tree:
    found: Tree = {"": {}}
    for file in files:
        parent, _, name = file.rpartition("/")
        found.setdefault(parent, {})[name] = False
        while parent:
            above, _, name = parent.rpartition("/")
            found.setdefault(above, {})[name] = True
            parent = above
    return found


TREES: dict[str, Trees] = {}


def wheel(name: str, *files: str, data: Sequence[str] = (), **fields: object) -> StoredWheel:
    """Return a wheel whose key in the store is its name."""
    site, data_tree = tree(files), tree(data)
    shallow = {path: entries for path, entries in data_tree.items() if not path or path.count("/") < REAL_DATA_DEPTH}
    manifest = Manifest(name, "1.0", site[""], shallow)
    TREES[name] = Trees(site, data_tree)
    path = Path("/c/wheels-v1", name)
    return StoredWheel(name, name, "1.0", path, replace(manifest, **fields))


def no_trees(wheel: StoredWheel) -> Trees:
    raise AssertionError(f"the tree of {wheel.name} need not be read")


def planned(*wheels: StoredWheel, mode: str = "fold") -> Plan:
    return plan(wheels, LAYOUT, mode, lambda wheel: TREES[wheel.name])


def site_links(found: Plan) -> Mapping[str, str]:
    return {
        path.removeprefix(SITE + "/"): text.rpartition("wheels-v1/")[2].partition("/")[0]
        for path, text in found.links.items()
        if path.startswith(SITE)
    }


def test_every_top_level_entry_becomes_one_relative_link() -> None:
    found = plan(
        [wheel("a", "a/__init__.py", "a/b/c.py", "a-1.0.dist-info/RECORD", "single.py")], LAYOUT, "fold", no_trees
    )
    assert found.links == {
        f"{SITE}/a": f"{TO_STORE}/a/site-packages/a",
        f"{SITE}/a-1.0.dist-info": f"{TO_STORE}/a/site-packages/a-1.0.dist-info",
        f"{SITE}/single.py": f"{TO_STORE}/a/site-packages/single.py",
    }
    assert list(found.directories) == ["lib", "lib/python3.12", SITE, "bin"]
    assert not (found.sources or found.programs or found.rewritten or found.details)


def test_a_directory_with_several_owners_is_real_and_what_is_below_is_linked() -> None:
    found = planned(
        wheel("core", "google/api_core/x.py", "google/cloud/client.py"),
        wheel("storage", "google/cloud/storage/x.py", "google/cloud/extra/y.py"),
    )
    assert site_links(found) == {
        "google/api_core": "core",
        "google/cloud/client.py": "core",
        "google/cloud/storage": "storage",
        "google/cloud/extra": "storage",
    }
    assert list(found.directories)[-2:] == [f"{SITE}/google", f"{SITE}/google/cloud"]
    assert found.links[f"{SITE}/google/api_core"] == f"../{TO_STORE}/core/site-packages/google/api_core"
    assert found.links[f"{SITE}/google/cloud/storage"] == f"../../{TO_STORE}/storage/site-packages/google/cloud/storage"


def test_a_directory_that_a_library_needs_is_real_with_all_above_it() -> None:
    found = planned(wheel("torch", "torch/lib/libtorch.so", "torch/nn/x.py", "torch/__init__.py", real=("torch/lib",)))
    assert site_links(found) == {"torch/lib/libtorch.so": "torch", "torch/nn": "torch", "torch/__init__.py": "torch"}


def test_of_several_owners_of_a_file_the_last_by_name_wins_whatever_the_order() -> None:
    wheels = [
        wheel("b", "tests/__init__.py", "tests/b.py"),
        wheel("a", "tests/__init__.py"),
        wheel("c", "tests/__init__.py"),
    ]
    for order in (wheels, wheels[::-1]):
        found = planned(*order)
        assert site_links(found) == {"tests/__init__.py": "c", "tests/b.py": "b"}
        assert found.details == ["tests/__init__.py comes from c; it is also in a, b"]


@pytest.mark.parametrize("mode", ["fold", "hardlink"])
def test_a_directory_wins_against_a_file(mode: str) -> None:
    found = planned(wheel("a", "x/y.py"), wheel("b", "x"), mode=mode)
    assert f"{SITE}/x" not in {**found.links, **found.sources} or found.links[f"{SITE}/x"].endswith("a/site-packages/x")
    assert found.details == ["x comes from a; it is also in b"]


def test_the_data_scheme_has_real_directories_two_levels_deep() -> None:
    found = planned(
        wheel("a", data=["share/jupyter/kernels/python3/kernel.json", "share/man/man1/a.1", "etc/a.conf", "top.txt"])
    )
    assert found.links == {
        "share/jupyter/kernels": "../../../../wheels-v1/a/data/share/jupyter/kernels",
        "share/man/man1": "../../../../wheels-v1/a/data/share/man/man1",
        "etc/a.conf": "../../../wheels-v1/a/data/etc/a.conf",
        "top.txt": "../../wheels-v1/a/data/top.txt",
    }
    assert {"share", "share/jupyter", "share/man", "etc"} <= found.directories.keys()


def test_data_directories_are_shared_below_that_too() -> None:
    found = planned(wheel("a", data=["share/jupyter/lab/a/x"]), wheel("b", data=["share/jupyter/lab/b/x"]))
    assert set(found.links) == {"share/jupyter/lab/a", "share/jupyter/lab/b"}


def test_a_wheel_cannot_replace_what_belongs_to_the_environment() -> None:
    data = ["pyvenv.cfg", "used", ".pyscript", "bin/python", "bin/python3.12", "bin/good", "lib64"]
    points = (EntryPoint("python3", "a", "main", False), EntryPoint("pythonize", "a", "main", False))
    found = planned(wheel("a", data=data, entry_points=points, script_files=(ScriptFile("pypy3", True),)))
    assert set(found.links) == {"bin/good"}
    assert set(found.programs) == {"bin/pythonize"}
    assert not found.rewritten
    assert "bin/python of a is left out: it belongs to the environment itself" in found.details


def test_programs_hold_the_path_of_the_environment() -> None:
    scripts = (ScriptFile("old", True), ScriptFile("binary", False))
    found = planned(wheel("a", entry_points=(EntryPoint("run", "a.b", "c.d", False),), script_files=scripts))
    assert found.programs["bin/run"].startswith(b"#!/c/environments-v1/k/bin/python\n")
    assert b"from a.b import c\n" in found.programs["bin/run"] and b"c.d()" in found.programs["bin/run"]
    assert found.rewritten == {"bin/old": "/c/wheels-v1/a/scripts/old"}
    assert found.sources == {"bin/binary": "/c/wheels-v1/a/scripts/binary"}


def test_of_several_programs_of_one_name_the_last_wins() -> None:
    point = EntryPoint("run", "x", "main", False)
    found = planned(wheel("b", entry_points=(point,)), wheel("a", script_files=(ScriptFile("run", False),)))
    assert "bin/run" in found.programs and "bin/run" not in found.sources
    assert found.details == ["bin/run comes from b; it is also in another package"]


def test_headers_have_a_directory_of_their_own() -> None:
    found = planned(wheel("greenlet", headers=("greenlet.h", "deep/x.h")))
    assert found.sources == {
        "include/site/python3.12/greenlet/greenlet.h": "/c/wheels-v1/greenlet/headers/greenlet.h",
        "include/site/python3.12/greenlet/deep/x.h": "/c/wheels-v1/greenlet/headers/deep/x.h",
    }
    assert "include/site/python3.12/greenlet/deep" in found.directories


@pytest.mark.parametrize("mode", ["hardlink", "copy"])
def test_without_folding_every_directory_is_real(mode: str) -> None:
    found = planned(wheel("a", "a/b/c.py", "d.py", data=["share/x/y/z"]), mode=mode)
    assert not found.links
    assert found.sources == {
        f"{SITE}/a/b/c.py": "/c/wheels-v1/a/site-packages/a/b/c.py",
        f"{SITE}/d.py": "/c/wheels-v1/a/site-packages/d.py",
        "share/x/y/z": "/c/wheels-v1/a/data/share/x/y/z",
    }
    assert {f"{SITE}/a/b", "share/x/y"} <= found.directories.keys()


def test_windows_gets_launchers() -> None:
    root = "C:\\c\\environments-v1\\k"
    layout = Layout(root, "Lib/site-packages", "Scripts", "include", root + "\\Scripts\\python.exe", True)
    points = (EntryPoint("run", "a", "main", False), EntryPoint("show", "a", "main", True))
    found = plan([wheel("a", entry_points=points)], layout, "hardlink", lambda wheel: TREES[wheel.name])
    stub, tail = found.launchers["Scripts/run.exe"]
    assert stub == str(Path("/c/wheels-v1/a")) + "/console.exe"
    assert tail.startswith(b"#!C:\\c\\environments-v1\\k\\Scripts\\python.exe\nPK")
    assert b"pythonw.exe\n" in found.launchers["Scripts/show.exe"][1]


def test_some_wheels_cannot_be_folded() -> None:
    assert usable_link_mode([wheel("a", "a.py")], "fold", LAYOUT) == "fold"
    assert usable_link_mode([wheel("coverage", "coverage/x.py")], "fold", LAYOUT) == "hardlink"
    assert usable_link_mode([wheel("a", data=[f"{SITE}/x.py"])], "fold", LAYOUT) == "hardlink"
    assert usable_link_mode([wheel("coverage")], "copy", LAYOUT) == "copy"


@pytest.mark.parametrize(
    ("mode", "code", "following"),
    [
        ("fold", errno.EPERM, "hardlink"),
        ("hardlink", errno.EXDEV, "copy"),
        ("copy", errno.EPERM, None),
        ("fold", errno.ENOSPC, None),
    ],
)
def test_the_ladder(mode: str, code: int, following: str | None) -> None:
    assert next_link_mode(mode, OSError(code, "")) == following


@pytest.mark.skipif(sys.platform == "win32", reason="links and modes of POSIX")
def test_a_plan_is_carried_out(tmp_path: Path) -> None:
    source = tmp_path / "source"
    source.write_bytes(b"#!python -s\nprint('hello')\n")
    layout = replace(LAYOUT, root=str(tmp_path / "e"))
    found = Plan(
        {"bin": None, "d": None},
        {"d/link": "../bin"},
        {"d/hard": str(source)},
        {"bin/run": b"#!x\n"},
        {"bin/old": str(source)},
        {"bin/run.exe": (str(source), b"tail")},
    )
    made = tmp_path / "made"
    made.mkdir()
    carry_out(found, layout, str(made), "hardlink")
    assert os.readlink(made / "d/link") == "../bin"
    assert (made / "d/hard").samefile(source)
    assert (made / "bin/run").read_bytes() == b"#!x\n" and os.access(made / "bin/run", os.X_OK)
    assert (made / "bin/old").read_bytes() == f"#!{layout.python}\nprint('hello')\n".encode()
    assert (made / "bin/run.exe").read_bytes() == source.read_bytes() + b"tail"
    copied = tmp_path / "copied"
    copied.mkdir()
    carry_out(found, layout, str(copied), "copy")
    assert not (copied / "d/hard").samefile(source)
