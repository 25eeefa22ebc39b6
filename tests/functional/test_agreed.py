"""What runs exactly the bytes that were agreed to runs them as ``python SCRIPT`` does, on every Python that is here."""

from __future__ import annotations

import hashlib
import os
import subprocess
import sys
from pathlib import Path

import pytest

from launcher.desktop.opening import _RUNNER
from tests.conftest import other_interpreters

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="signals and links differ")

PYTHONS = {"{}.{}".format(*sys.version_info): sys.executable, **other_interpreters()}

BODIES: dict[str, bytes] = {
    "names": b"""
import sys
names = globals()
print(sys.argv, sys.path, __file__, __name__, __spec__, __doc__, __package__, type(__loader__), __loader__.path)
print(sorted(names), sys.modules["__main__"].__dict__ is names, getattr(sys, "orig_argv", [])[1:])
""",
    "documented": b'"""What it is."""\nfrom __future__ import annotations\nprint(__doc__)\ndef f(x: Unknown): pass\n',
    "traceback": b"""
def inner():
    raise ValueError("\xc3\xa9")
def outer():
    try:
        inner()
    except ValueError as error:
        raise RuntimeError("again") from error
outer()
""",
    "at once": b"1 / 0\n",
    "syntax": b"print('never')\nif True\n    pass\n",
    "indentation": b"if True:\nprint()\n",
    "exit with a number": b"raise SystemExit(7)\n",
    "exit with a text": b"import sys; sys.exit('that is why')\n",
    "exit with nothing": b"import sys; sys.exit()\n",
    "exit by the system": b"import os; os._exit(9)\n",
    "interrupted": b"""
import atexit, os, signal
atexit.register(print, "cleaned up")
os.kill(os.getpid(), signal.SIGINT)
import time; time.sleep(5)
""",
    "killed": b"import os, signal\nos.kill(os.getpid(), signal.SIGTERM)\nimport time; time.sleep(5)\n",
    "own hook": b"""
import sys, traceback
def hook(kind, value, tb):
    print(kind, value, len(traceback.extract_tb(tb)), sys.excepthook is hook, value.__traceback__ is tb)
    print(sys.last_value is value, sys.last_traceback is tb)
sys.excepthook = hook
def f(): raise KeyError("x")
f()
""",
    "threads": b"""
import atexit, threading, time
atexit.register(print, "at exit")
threading.Thread(target=lambda: (time.sleep(0.05), print("thread"))).start()
raise ValueError("main")
""",
    "spawn": b"""
import multiprocessing
class Point:
    def __init__(self, x): self.x = x
def double(point): return Point(point.x * 2)
if __name__ == "__main__":
    with multiprocessing.get_context("spawn").Pool(1) as pool:
        print([each.x for each in pool.map(double, [Point(1), Point(2)])])
""",
    "pickle": b"""
import pickle
class Thing: pass
content = pickle.dumps(Thing())
print(b"__main__" in content, type(pickle.loads(content)) is Thing)
""",
    "source": b"import inspect\ndef f():\n    return 1  # here\nprint(inspect.getsource(f), inspect.getfile(f))\n",
    "dataclasses": b"""
from __future__ import annotations
import dataclasses, typing
@dataclasses.dataclass
class Point:
    x: int
    y: typing.ClassVar[int] = 1
print(Point(1), typing.get_type_hints(Point), [each.name for each in dataclasses.fields(Point)])
""",
    "mark": b"\xef\xbb\xbfprint('\xc3\xa9')\n",
    "cookie": b"# coding: latin-1\nprint(ascii('\xe9'))\nraise ValueError('\xe9'.upper() == '\xc9')\n",
    "windows": b"x = 1\r\nprint(x)\r\nraise ValueError('\\n')\r\n",
    "no end": b"print(__file__)\nraise ValueError",
    "warnings": b"import warnings\nwarnings.warn('old', DeprecationWarning)\n",
    "neighbour": b"import neighbour; print(neighbour.__file__)\n",
    "itself": b"import __main__, sys; print(__main__.__file__, sys.modules[__name__] is __main__)\n",
    "streams": b"import sys\nprint(sys.stdin.read())\nprint('error', file=sys.stderr)\n",
    "assertion": b"assert not __debug__, 'told'\n",
}


def run(argv: list[str], folder: Path, **variables: str) -> tuple[int, str, str]:
    environ = {"PATH": os.environ["PATH"], "PYTHONIOENCODING": "utf-8", **variables}
    done = subprocess.run(argv, input=b"typed", capture_output=True, cwd=folder, env=environ, check=False, timeout=60)
    return done.returncode, done.stdout.decode(), done.stderr.decode()


def agreed(python: str, script: Path, *arguments: str) -> list[str]:
    return [python, str(_RUNNER), hashlib.sha256(script.read_bytes()).hexdigest(), str(script), *arguments]


@pytest.mark.parametrize("version", PYTHONS)
@pytest.mark.parametrize("body", BODIES)
def test_a_script_notices_no_difference(version: str, body: str, tmp_path: Path) -> None:
    (tmp_path / "neighbour.py").write_bytes(b"")
    script = tmp_path / "a script.py"
    script.write_bytes(BODIES[body])
    python = PYTHONS[version]
    expected = run([python, "-B", str(script), "one", "-v"], tmp_path)
    argv = agreed(python, script, "one", "-v")
    assert run([python, "-B", *argv[1:]], tmp_path) == expected


@pytest.mark.parametrize("version", PYTHONS)
def test_a_link_to_a_script_imports_from_where_it_leads(version: str, tmp_path: Path) -> None:
    (tmp_path / "real").mkdir()
    (tmp_path / "real" / "x.py").write_text("import sys; print(sys.path[0], __file__, sys.argv)\n")
    link = tmp_path / "y.py"
    link.symlink_to("real/x.py")
    assert run(agreed(PYTHONS[version], link), tmp_path) == run([PYTHONS[version], str(link)], tmp_path)


@pytest.mark.parametrize("variables", [{"PYTHONSAFEPATH": "1"}, {"PYTHONOPTIMIZE": "2"}, {"PYTHONPATH": "/nowhere"}])
def test_what_variables_ask_of_python_holds(variables: dict[str, str], tmp_path: Path) -> None:
    script = tmp_path / "x.py"
    script.write_text('"""Told."""\nimport sys\nassert sys.flags.optimize\nprint(sys.path, __doc__, __debug__)\n')
    expected = run([sys.executable, str(script)], tmp_path, **variables)
    assert run(agreed(sys.executable, script), tmp_path, **variables) == expected


@pytest.mark.parametrize("version", PYTHONS)
def test_other_content_is_not_run(version: str, tmp_path: Path) -> None:
    script = tmp_path / "x.py"
    script.write_text("print('agreed')\n")
    argv = agreed(PYTHONS[version], script)
    script.write_text("print('other')\n")
    code, out, err = run(argv, tmp_path)
    assert (code, out) == (1, "")
    assert err == f"pyscript: {script} changed after you agreed to run it, so it was not run.\n"


def test_a_script_that_is_gone_is_told_of(tmp_path: Path) -> None:
    script = tmp_path / "x.py"
    script.write_text("print('agreed')\n")
    argv = agreed(sys.executable, script)
    script.unlink()
    code, out, err = run(argv, tmp_path)
    assert (code, out) == (1, "")
    assert err == f"pyscript: {script} cannot be read any more: No such file or directory.\n"


def test_nothing_beside_the_script_or_us_decides_how_it_is_compared(tmp_path: Path) -> None:
    """Neither a module of ours nor one in a folder full of downloads stands in for Python's own."""
    for name in ("_sha2", "_sha256", "hashlib", "os"):
        (tmp_path / f"{name}.py").write_text("print('stolen')\n")
    script = tmp_path / "x.py"
    script.write_text("print('ran')\n")
    assert run(agreed(sys.executable, script), tmp_path) == (0, "ran\n", "")
