from __future__ import annotations

import os
from pathlib import Path

import pytest

from launcher.python.places import Place, Surroundings, elsewhere, executable_inside, find_on_path, on_path


def _programs(root: Path, *paths: str) -> None:
    for path in paths:
        file = root / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(b"")
        file.chmod(0o755)


def _surroundings(root: Path, platform: str = "linux", **environ: str) -> Surroundings:
    home = "USERPROFILE" if platform == "win32" else "HOME"
    return Surroundings({home: str(root / "home"), **environ}, platform, "", str(root))


def _found(root: Path, surroundings: Surroundings) -> dict[str, str]:
    return {os.path.relpath(place.path, root).replace(os.sep, "/"): place.origin for place in elsewhere(surroundings)}


@pytest.mark.skipif(os.name == "nt", reason="the executable bit")
def test_path_gives_interpreters_in_its_order(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    _programs(tmp_path, "relative/python3", "python3")
    _programs(tmp_path, "a/python3.9", "a/python3.12", "a/python3", "a/pypy3.10", "a/python3-config", "a/pythonw3")
    _programs(tmp_path, "b/python", "b/python2.7", "b/python3.13t")
    (tmp_path / "b/python3.11").write_text("not executable")
    (tmp_path / "b/python3.10").mkdir()
    surroundings = _surroundings(
        tmp_path, PATH=f"{tmp_path}/a:relative:.::{tmp_path}/missing:{tmp_path}/b:{tmp_path}/a"
    )
    found = [os.path.relpath(place.path, tmp_path) for place in on_path(surroundings)]
    assert found == ["a/python3", "a/python3.12", "a/python3.9", "a/pypy3.10", "b/python", "b/python3.13t"]


@pytest.mark.skipif(os.name == "nt", reason="the executable bit")
def test_a_name_is_never_taken_from_the_current_directory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    _programs(tmp_path, "here/python", "bin/python")
    monkeypatch.chdir(tmp_path / "here")
    assert find_on_path("python", _surroundings(tmp_path, PATH=f".::here:{tmp_path}/bin")) == f"{tmp_path}/bin/python"
    assert find_on_path("python", _surroundings(tmp_path, PATH=".::")) is None


def test_version_managers_in_their_usual_places(tmp_path: Path) -> None:
    expected = {
        "home/.local/share/pyscript/pythons/3.14.0/bin/python3": "pyscript",
        "home/.pyenv/versions/3.12.1/bin/python": "pyenv",
        "home/.local/share/uv/python/cpython-3.13.1-linux-x86_64-gnu/bin/python3": "uv",
        "home/.local/share/pipx/py/3.12/bin/python3": "pipx",
        "home/.asdf/installs/python/3.11.2/bin/python3": "asdf",
        "home/.local/share/mise/installs/python/3.12/bin/python3": "mise",
        "home/.local/share/hatch/pythons/3.11/python/bin/python3": "hatch",
        "home/.rye/py/cpython@3.12.3/install/bin/python3": "rye",
        "opt/python/cp312-cp312/bin/python3": "the system",
        "usr/local/bin/python3.14": "the system",
        "usr/bin/python3": "the system",
        "home/miniforge3/bin/python3": "conda",
    }
    _programs(tmp_path, *expected)
    assert _found(tmp_path, _surroundings(tmp_path)) == expected
    assert list(_found(tmp_path, _surroundings(tmp_path)).values())[-1] == "conda"


def test_version_managers_where_variables_say(tmp_path: Path) -> None:
    expected = {
        "p/versions/3.12.1/bin/python": "pyenv",
        "u/cpython-3.13.1/bin/python3": "uv",
        "x/py/3.12/bin/python3": "pipx",
        "a/installs/python/3.11.2/bin/python3": "asdf",
        "m/installs/python/3.12/bin/python3": "mise",
        "d/pyscript/pythons/3.14/bin/python3": "pyscript",
        "c/bin/python3": "conda",
    }
    _programs(tmp_path, *expected, "home/.pyenv/versions/3.9/bin/python", "home/.asdf/installs/python/3.9/bin/python")
    names = {"PYENV_ROOT": "p", "UV_PYTHON_INSTALL_DIR": "u", "PIPX_HOME": "x", "ASDF_DATA_DIR": "a"}
    names |= {"MISE_DATA_DIR": "m", "XDG_DATA_HOME": "d", "CONDA_EXE": "c/bin/conda"}
    environ = {name: str(tmp_path / path) for name, path in names.items()}
    assert _found(tmp_path, _surroundings(tmp_path, **environ)) == expected


def test_relative_directories_in_variables_are_ignored(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    _programs(tmp_path, "p/versions/3.12/bin/python")
    assert _found(tmp_path, _surroundings(tmp_path, PYENV_ROOT="p")) == {}
    assert list(elsewhere(Surroundings({"HOME": "home"}, "linux", "", str(tmp_path)))) == []


def test_macos(tmp_path: Path) -> None:
    expected = {
        "Library/Frameworks/Python.framework/Versions/3.12/bin/python3": "python.org",
        "Library/Frameworks/PythonT.framework/Versions/3.14/bin/python3": "python.org",
        "opt/homebrew/bin/python3.13": "the system",
        "opt/homebrew/opt/python@3.11/bin/python3.11": "the system",
        "home/Library/Application Support/pyscript/pythons/3.14/bin/python3": "pyscript",
        "home/.local/share/uv/python/cpython-3.12-macos/bin/python3": "uv",
    }
    _programs(tmp_path, *expected)
    assert _found(tmp_path, _surroundings(tmp_path, "darwin")) == expected


def test_the_stub_of_macos_is_left_alone_without_developer_tools(tmp_path: Path) -> None:
    _programs(tmp_path, "usr/bin/python3")
    surroundings = _surroundings(tmp_path, "darwin", PATH=str(tmp_path / "usr/bin"))
    assert [*elsewhere(surroundings), *on_path(surroundings)] == []
    (tmp_path / "Library/Developer/CommandLineTools").mkdir(parents=True)
    assert len(list(elsewhere(surroundings))) == 1


def test_windows(tmp_path: Path) -> None:
    expected = {
        "local/Programs/Python/Python312/python.exe": "python.org",
        "local/Python/pythoncore-3.14-64/python.exe": "the Python install manager",
        "programs/Python311/python.exe": "python.org",
        "home/.pyenv/pyenv-win/versions/3.10.11/python.exe": "pyenv",
        "roaming/uv/python/cpython-3.13.1-windows-x86_64-none/python.exe": "uv",
        "local/pyscript/pythons/3.14.0/python.exe": "pyscript",
    }
    _programs(tmp_path, *expected)
    variables = {"LOCALAPPDATA": "local", "APPDATA": "roaming", "ProgramFiles": "programs"}
    environ = {name: str(tmp_path / path) for name, path in variables.items()}
    assert _found(tmp_path, _surroundings(tmp_path, "win32", **environ)) == expected


def test_an_installation_a_venv_and_neither(tmp_path: Path) -> None:
    _programs(tmp_path, "venv/bin/python", "winvenv/Scripts/python.exe", "neither/readme")
    assert executable_inside(tmp_path / "venv") == str(tmp_path / "venv/bin/python")
    assert executable_inside(tmp_path / "winvenv") == str(tmp_path / "winvenv/Scripts/python.exe")
    assert executable_inside(tmp_path / "neither") is None


def test_what_a_name_says() -> None:
    assert Place("/home/x/.pyenv/shims/python3.12", "PATH").is_shim
    assert not Place("/usr/bin/python3.12", "PATH").is_shim
    assert Place("/usr/bin/python3.12", "PATH").named_version == "3.12"
    assert Place("/usr/bin/python3", "PATH").named_version is None
    assert Place("/usr/bin/pypy3.10", "PATH").named_implementation == "pypy"
    assert Place("/usr/bin/python3", "PATH").named_implementation is None
