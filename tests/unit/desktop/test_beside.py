"""What lies beside a script and decides what runs: found by name, and told apart by content."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from launcher.desktop.beside import neighbours_of


def beside(folder: Path, text: str = "", block: str = "") -> list[tuple[str, bool]]:
    found = neighbours_of(str(folder / "x.py"), text, block)
    return [(os.path.relpath(each.path, folder), each.is_in_place) for each in found]


def lay(folder: Path, *names: str) -> None:
    for name in names:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(f"# {name}")


@pytest.mark.parametrize(
    ("name", "text", "counts"),
    [
        ("helper.py", "import helper", True),
        ("helper.py", "    from helper import (\n    a)", True),
        ("helper.py", "import os, \\\n  helper", True),
        ("helper.py", "importlib.import_module('helper')", True),
        ("helper.cpython-311-x86_64-linux-gnu.so", "import helper", True),
        ("helper.pyc", "import helper", True),
        ("helper/part.py", "import helper.part", True),
        ("helper/data.csv", "import helper", False),
        ("helper.py", "exec('import helper')", True),
        ("helper.py", "x = __import__('helper')", True),
        ("helper.py", "load=importlib.import_module;load('helper')", True),
        ("helper.py", "helper = 1", False),
        ("helper.py", "# important: run helper first\nimported = helper", False),
        ("helper.csv", "import helper", False),
        ("x.py", "import x", False),
        ("random.py", "", True),
        ("json/__init__.py", "", True),
        ("_colorize.py", "", True),
        ("test.py", "", False),
        ("test.py", "import test", True),
        ("logging/2024.py", "", False),
        ("a b.py", "import a, b", False),
    ],
)
def test_modules_count_that_an_import_may_find(name: str, text: str, counts: bool, tmp_path: Path) -> None:
    lay(tmp_path, name)
    assert bool(beside(tmp_path, text)) is counts


def test_modules_of_modules_count_and_those_in_the_place_of_others_come_first(tmp_path: Path) -> None:
    lay(tmp_path, "a.py", "other.py", "token.py")
    (tmp_path / "a.py").write_text("import b")
    lay(tmp_path, "b/__init__.py")
    assert beside(tmp_path, "import a") == [("token.py", True), ("a.py", False), ("b", False)]


def test_what_a_block_names_counts(tmp_path: Path) -> None:
    lay(tmp_path, "c.txt", "more.txt", "lib/setup.py", "wheels/a.whl", "data/a.csv", "lib-1.0.tar.gz", "unnamed.txt")
    (tmp_path / "c.txt").write_text("-r more.txt")
    block = f'''dependencies = ["./lib", "data", "x @ file://{tmp_path}/lib-1.0.tar.gz", "y @ file:///", ".", ".."]
    constraint = ["c.txt"]
    find-links = "wheels"'''
    names = ["c.txt", "lib", "lib-1.0.tar.gz", "more.txt", "wheels"]
    assert beside(tmp_path, block=block) == [(name, False) for name in names]


def test_what_stands_in_for_a_module_of_the_environment_counts(tmp_path: Path) -> None:
    lay(tmp_path, "idna.py", "_cffi.so", "pip-1.py", "tests/__init__.py", "docs/a.py", "other.py")
    environment = tmp_path / "env"
    packages = environment / "lib" / "python3.11" / "site-packages"
    lay(packages, "idna/__init__.py", "_cffi.abi3.so", "tests/__init__.py", "docs/a.py", "a-1.dist-info/METADATA")
    found = neighbours_of(str(tmp_path / "x.py"), "", "", str(environment))
    assert [(os.path.basename(each.path), each.is_in_place) for each in found] == [
        ("_cffi.so", True),
        ("idna.py", True),
    ]
    assert neighbours_of(str(tmp_path / "x.py"), "", "", str(tmp_path / "gone")) == ()


def test_where_another_tool_writes_does_not_count(tmp_path: Path) -> None:
    lay(tmp_path, "out/a.csv", "lib/a.py", "c.txt")
    block = """dependencies = ["./lib"]
    [tool.report]
    output = "./out"
    [tool.pyscript]
    constraint = ["c.txt"]"""
    assert beside(tmp_path, block=block) == [("c.txt", False), ("lib", False)]


def test_content_is_told_apart_and_a_pipe_is_not_waited_for(tmp_path: Path) -> None:
    lay(tmp_path, "lib/__init__.py", "lib/__pycache__/a.pyc", "lib/b.py")

    def sha256s() -> list[str]:
        return [each.sha256 for each in neighbours_of(str(tmp_path / "x.py"), "import lib", "")]

    first = sha256s()
    (tmp_path / "lib/__pycache__/a.pyc").write_text("laid down by Python")
    assert sha256s() == first
    (tmp_path / "lib/b.py").write_text("other")
    second = sha256s()
    (tmp_path / "lib/b.py").rename(tmp_path / "lib/c.py")
    assert len({*first, *second, *sha256s()}) == 3
    if hasattr(os, "mkfifo"):
        os.mkfifo(tmp_path / "random.py")
        assert len(sha256s()) == 1


def test_a_folder_that_cannot_be_read_has_nothing(tmp_path: Path) -> None:
    assert beside(tmp_path / "gone", "import a") == []
