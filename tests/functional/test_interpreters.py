"""Real interpreters, real shims, and programs that are neither."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from pathlib import Path

import packaging
import pytest

import launcher
from launcher.cache import Cache
from launcher.errors import InterpreterNotFound
from launcher.python import answer
from launcher.python.answer import Refusal, ask
from launcher.python.discovery import InterpreterRequest, find_interpreter, list_interpreters
from launcher.python.places import Surroundings, elsewhere
from launcher.python.query import Interpreter, query
from launcher.reporter import SilentReporter

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="the stand-ins are shell scripts")

_PROBE = """
import json, os, sys, sysconfig
sys.path.insert(0, sys.argv[1])
from packaging import markers, tags
environment = dict(markers.default_environment())
environment.pop("extra", None)
print(json.dumps({"tags": [str(tag) for tag in tags.sys_tags()], "markers": environment}))
"""

_OWN_ANSWERS = """
import os, site, sys
sys.path.append(sys.argv[1])
site.main()
from launcher.python import answer
path = os.path.abspath(sys.executable)
of_another_process = answer._ask_once(path, ["-I", "-S"], 10.0)
answer.subprocess.Popen = None
assert answer.ask(path) == of_another_process, of_another_process
"""


def _managed() -> list[str]:
    """Return the executables that are not on PATH by chance, and the one that runs the tests; each once."""
    places = [each.path for each in elsewhere(Surroundings.here()) if each.origin != "conda"]
    return sorted({os.path.realpath(path): path for path in [*places, sys.executable]}.values())


@pytest.fixture
def cache(cache_dir: Path) -> Cache:
    return Cache(cache_dir)


@pytest.fixture
def script(tmp_path: Path) -> Iterator[Path]:
    """A program at the path ``python3``, to be filled by the test."""
    path = tmp_path / "python3"
    path.touch(0o755)
    yield path


@pytest.mark.parametrize("executable", _managed())
def test_tags_and_markers_are_those_of_packaging_inside(executable: str, cache: Cache) -> None:
    found = query(executable, cache)
    if found.version_info < (3, 9):
        pytest.skip("packaging needs 3.9")
    library = str(Path(packaging.__file__).parents[1])
    said = subprocess.run([executable, "-I", "-S", "-c", _PROBE, library], capture_output=True, check=True, text=True)
    inside = json.loads(said.stdout)
    assert list(found.tags) == inside["tags"]
    assert dict(found.markers) == inside["markers"]


@pytest.mark.parametrize("executable", _managed())
def test_the_layout_is_that_of_a_venv_of_its_own(executable: str, cache: Cache, tmp_path: Path) -> None:
    found = query(executable, cache)
    if not found.is_supported:
        assert found.tags == ()
        pytest.skip("too old for scripts")
    venv = tmp_path / "venv"
    subprocess.run([found.executable, "-I", "-m", "venv", "--without-pip", str(venv)], check=True)
    code = "import json, sys, sysconfig; print(json.dumps([sysconfig.get_paths(), sys.base_prefix]))"
    said = subprocess.run([venv / "bin/python", "-I", "-c", code], capture_output=True, check=True, text=True)
    paths, base_prefix = json.loads(said.stdout)
    assert {name: os.path.relpath(paths[name], venv) for name in ("purelib", "platlib", "scripts")} == {
        name: found.paths[name] for name in ("purelib", "platlib", "scripts")
    }
    assert paths["stdlib"] == found.paths["stdlib"]
    assert base_prefix == found.paths["prefix"]
    # And asked through the venv, it is the same interpreter.
    assert query(str(venv / "bin/python"), cache) == found


@pytest.mark.parametrize("executable", _managed())
def test_the_executable_works_as_the_home_of_an_environment(executable: str, cache: Cache, tmp_path: Path) -> None:
    found = query(executable, cache)
    if not found.is_supported:
        pytest.skip("too old for scripts")
    (tmp_path / "bin").mkdir()
    (tmp_path / "bin/python").symlink_to(found.executable)
    (tmp_path / "pyvenv.cfg").write_text(f"home = {found.paths['home']}\ninclude-system-site-packages = false\n")
    (tmp_path / found.paths["purelib"]).mkdir(parents=True)
    (tmp_path / found.paths["purelib"] / "found.py").write_text("import json, ssl")
    code = "import found, sys; print(sys.prefix)"
    said = subprocess.run([tmp_path / "bin/python", "-c", code], capture_output=True, check=True, text=True)
    assert said.stdout.strip() == str(tmp_path)


def test_a_link_from_elsewhere_leads_to_the_real_one(cache: Cache, tmp_path: Path) -> None:
    real = query(sys.executable, cache)
    link = tmp_path / "python3"
    link.symlink_to(real.executable)
    assert query(str(link), cache).executable == real.executable


@pytest.mark.skipif(sys.version_info < (3, 11), reason="the cost of imports is that of the launcher's own Python")
def test_a_remembered_choice_imports_nothing_heavy(cache_dir: Path) -> None:
    code = """
import sys
from launcher.cache import Cache
from launcher.python.discovery import InterpreterRequest, find_interpreter
from launcher.reporter import SilentReporter
find_interpreter(InterpreterRequest(">=3.8"), Cache(sys.argv[1]), SilentReporter())
print([name for name in ("packaging", "subprocess", "json", "hashlib", "python_discovery") if name in sys.modules])
"""
    root = str(Path(__file__).parents[2])
    outputs = []
    for _ in range(2):
        command = [sys.executable, "-c", code, str(cache_dir)]
        said = subprocess.run(command, capture_output=True, check=True, text=True, cwd=root)
        outputs.append(said.stdout.strip())
    assert "packaging" in outputs[0]
    assert outputs[1] == "[]"


def _wrote(path: Path, text: str) -> str:
    path.write_text(text)
    return str(path)


def test_a_shim_answers_for_the_real_one(script: Path, cache: Cache) -> None:
    found = query(_wrote(script, f'#!/bin/sh\necho loading\nexec "{sys.executable}" "$@"\n'), cache)
    assert found == query(sys.executable, cache)
    # Where it leads may change with the directory: it is asked again.
    with pytest.raises(InterpreterNotFound, match="no version set"):
        query(_wrote(script, "#!/bin/sh\necho no version set >&2\nexit 127\n"), cache)


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        (
            "#!/bin/sh\necho 'python3.12: command not found' >&2\nexit 127\n",
            "status 127 (python3.12: command not found)",
        ),
        ("#!/bin/sh\necho hello\n", "it printed `hello`"),
        ("#!/bin/sh\n", "it printed nothing"),
        ("#!/bin/sh\nexec yes\n", "prints without end"),
        ("#!/bin/sh\nkill -9 $$\n", "status -9"),
        ("#!/no/such/shell\n", "it cannot be run"),
        ("neither program nor script", "it cannot be run"),
    ],
)
def test_what_is_no_interpreter_says_why(text: str, reason: str, script: Path, cache: Cache) -> None:
    with pytest.raises(InterpreterNotFound) as raised:
        query(_wrote(script, text), cache)
    assert raised.value.message.startswith(f"{script} cannot be used as a Python interpreter: ")
    assert reason in raised.value.message


def test_a_file_that_may_not_be_run(script: Path, cache: Cache) -> None:
    script.chmod(0o644)
    with pytest.raises(InterpreterNotFound, match="it cannot be run"):
        query(str(script), cache)


@pytest.mark.skipif(sys.platform != "linux", reason="only there we know that it would be the same")
def test_the_one_that_runs_says_the_same_as_if_it_were_started_again() -> None:
    options = ["-I", "-S", "-c", _OWN_ANSWERS, str(Path(launcher.__file__).parents[1])]
    done = subprocess.run([sys.executable, *options], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


@pytest.mark.skipif(sys.platform != "linux", reason="as above")
def test_one_that_is_not_isolated_is_asked_like_any_other(monkeypatch: pytest.MonkeyPatch) -> None:
    refusal = Refusal("it was started", is_lasting=False)
    monkeypatch.setattr(answer, "_ask_once", lambda *_: refusal)
    assert ask(sys.executable) == refusal


@pytest.mark.parametrize(
    "text", ["sleep 60 & echo $! > pid; wait", "sleep 60 & echo $! > pid", "echo $$ > pid; exec sleep 60"]
)
def test_one_that_hangs_is_stopped_with_its_children(
    text: str, script: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    refusal = ask(_wrote(script, f"#!/bin/sh\n{text}\n"), timeout_s=1)
    assert isinstance(refusal, Refusal)
    assert refusal.reason == "it did not answer within 1 s"
    assert not refusal.is_lasting
    assert _ends_soon(int((tmp_path / "pid").read_text()))


def _ends_soon(pid: int) -> bool:
    """Tell whether a process is gone, or merely waits for its parent to take note, within ten seconds."""
    for _ in range(200):
        state = subprocess.run(["ps", "-o", "stat=", "-p", str(pid)], capture_output=True, text=True).stdout.strip()
        if not state or state.startswith("Z"):
            return True
        time.sleep(0.05)
    return False


def test_everything_here_can_be_listed(cache: Cache) -> None:
    found = list_interpreters(cache, SilentReporter())
    assert query(sys.executable, cache).executable in [each.executable for each in found]
    assert len({each.executable for each in found}) == len(found)
    assert [each.version_info for each in found] == sorted((each.version_info for each in found), reverse=True)


def test_a_machine_with_one_python_on_path(cache: Cache, tmp_path: Path) -> None:
    base = query(sys.executable, cache)
    (tmp_path / "bin").mkdir()
    (tmp_path / "bin/python3").symlink_to(base.executable)
    environ: Mapping[str, str] = {"PATH": str(tmp_path / "bin"), "HOME": str(tmp_path)}
    surroundings = Surroundings(environ, sys.platform, own="", root=str(tmp_path))

    def find(request: InterpreterRequest) -> Interpreter:
        return find_interpreter(request, cache, SilentReporter(), surroundings=surroundings)

    major, minor, _ = base.version_info
    assert find(InterpreterRequest()) == base
    assert find(InterpreterRequest(python=f"{major}.{minor}")) == base
    with pytest.raises(InterpreterNotFound) as raised:
        find(InterpreterRequest(requires_python=">=3.99"))
    assert f"  {base.version}  " in raised.value.message
