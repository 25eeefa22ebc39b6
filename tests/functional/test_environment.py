"""What works inside a composed environment, with real interpreters and wheels made on the spot."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest

from launcher.cache import Cache
from launcher.environment.environment import Environment, create_environment
from launcher.environment.stored_wheel import StoredWheel
from launcher.environment.wheel_store import WheelStore
from launcher.python.query import query
from launcher.reporter import SilentReporter
from tests.conftest import other_interpreters
from tests.support.wheels import Wheel

VERSIONS = ["own", *(version for version in ("3.8", "3.12", "3.13") if version in other_interpreters())]

DEMO = Wheel(
    "demo.project",
    "1.0",
    files={
        "demo/__init__.py": "from demo.work import main\n",
        "demo/work.py": "import sys\ndef main():\n    print('demo', *sys.argv[1:])\ndef square(x):\n    return x * x\n",
        "demo/texts/__init__.py": "",
        "demo/texts/hello.txt": "hello from a resource",
    },
    requires=["other>=1; extra == 'more'"],
    entry_points={"console_scripts": {"demo": "demo:main"}, "demo.plugins": {"square": "demo.work:square"}},
    data={
        "scripts/demo-old": "#!python\nimport demo, sys\nprint('old', sys.prefix)\n",
        "scripts/demo-sh": '#!/bin/sh\necho "sh $@"\n',
        "data/share/demo/table.csv": "a,b\n",
        "headers/demo.h": "#define DEMO\n",
    },
)

Compose = Callable[..., Environment]


@pytest.fixture(params=VERSIONS)
def executable(request: pytest.FixtureRequest) -> str:
    version: str = request.param
    return sys.executable if version == "own" else other_interpreters()[version]


@pytest.fixture
def cache(cache_dir: Path) -> Cache:
    return Cache(cache_dir)


@pytest.fixture
def compose(cache: Cache, executable: str, tmp_path: Path) -> Compose:
    """Return a function that makes an environment of wheels."""

    def make(*wheels: Wheel, mode: str = "fold") -> Environment:
        stored = [store(cache, wheel, tmp_path) for wheel in wheels]
        return create_environment(cache, query(executable, cache), stored, mode, SilentReporter())

    return make


def store(cache: Cache, wheel: Wheel, directory: Path) -> StoredWheel:
    path = wheel.write(directory / "wheels")
    return WheelStore(cache).add(path, wheel.sha256, name=wheel.name, version=wheel.version)


def run(*command: str | Path, env: Mapping[str, str] | None = None) -> str:
    """Return what a command prints; byte code is written whatever the person's variables say."""
    variables = {name: value for name, value in os.environ.items() if not name.startswith("PYTHON")}
    done = subprocess.run(command, env={**variables, **(env or {})}, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


def ask(environment: Environment, *lines: str) -> Any:
    """Run code that sets ``answer``, and return that."""
    code = "\n".join(["import json", *lines, "print(json.dumps(answer))"])
    return json.loads(run(environment.python, "-c", code))


def test_it_is_an_environment_without_pip(compose: Compose) -> None:
    environment = compose()
    prefix, base, path, found = ask(
        environment,
        "import sys, importlib.util as u",
        "answer = sys.prefix, sys.base_prefix, sys.path, [u.find_spec(n) is not None for n in ('pip', 'setuptools')]",
    )
    assert prefix == str(environment.path) != base
    assert [entry for entry in path if entry.endswith("site-packages")] == [
        next(str(entry) for entry in environment.path.glob("lib/python3*/site-packages"))
    ]
    assert found == [False, False]


@pytest.mark.parametrize("mode", ["fold", "hardlink", "copy"])
def test_metadata_names_only_files_that_exist(compose: Compose, mode: str) -> None:
    files, version, requires = ask(
        compose(DEMO, Wheel("more"), mode=mode),
        "import importlib.metadata as m",
        "files = [(str(f), f.locate().exists()) for f in m.files('demo-project')]",
        "answer = files, m.version('demo-project'), m.requires('demo-project')",
    )
    assert {"../../../bin/demo", "../../../share/demo/table.csv"} <= dict(files).keys()
    assert all(dict(files).values()) and len(files) > 10
    assert (version, requires) == ("1.0", ["other>=1; extra == 'more'"])


def test_resources_are_read(compose: Compose) -> None:
    found = ask(compose(DEMO), "import importlib.resources as r", "answer = r.read_text('demo.texts', 'hello.txt')")
    assert found == "hello from a resource"


def test_entry_points_are_loaded(compose: Compose) -> None:
    found = ask(
        compose(DEMO),
        "import importlib.metadata as m",
        "points = m.entry_points()",
        "group = points.select(group='demo.plugins') if hasattr(points, 'select') else points['demo.plugins']",
        "answer = [p.load()(7) for p in group]",
    )
    assert found == [49]


def test_programs_run(compose: Compose) -> None:
    environment = compose(DEMO)
    assert run(environment.bin / "demo", "a", "b c") == "demo a b c"
    assert run(environment.bin / "demo-old") == f"old {environment.path}"
    assert run(environment.bin / "demo-sh", "x") == "sh x"


def test_programs_run_in_a_cache_whose_path_has_spaces_and_quotes(executable: str, tmp_path: Path) -> None:
    cache = Cache(tmp_path / 'it\'s a "cache"' / ("long " * 30))
    stored = store(cache, DEMO, tmp_path)
    environment = create_environment(cache, query(executable, cache), [stored], "fold", SilentReporter())
    assert run(environment.bin / "demo", "a b") == "demo a b"
    assert run(environment.bin / "demo-old") == f"old {environment.path}"


def test_data_and_headers_are_where_programs_look(compose: Compose) -> None:
    environment = compose(DEMO)
    assert ask(environment, "import sys", "answer = open(sys.prefix + '/share/demo/table.csv').read()") == "a,b\n"
    assert len(list(environment.path.glob("include/site/python3*/demo-project/demo.h"))) == 1
    (environment.path / "share" / "made-by-a-program").touch()


@pytest.mark.parametrize("kind", ["native", "pkgutil"])
def test_namespace_packages_are_shared(compose: Compose, kind: str) -> None:
    head = "" if kind == "native" else "__path__ = __import__('pkgutil').extend_path(__path__, __name__)\n"
    init = {} if kind == "native" else {"space/__init__.py": head}
    wheels = [
        Wheel(
            f"space-{name}", files={**init, f"space/{name}/__init__.py": f"NAME = {name!r}\n", f"space/{name}/x.py": ""}
        )
        for name in ("one", "two", "three")
    ]
    lines = [
        "import space.one.x, space.two, space.three",
        "answer = space.one.NAME + space.two.NAME + space.three.NAME",
    ]
    assert ask(compose(*wheels), *lines) == "onetwothree"


def test_pth_files_count(compose: Compose) -> None:
    wheel = Wheel("demo", files={"demo.pth": "import sys; sys.from_pth = 1\n"})
    assert ask(compose(wheel), "import sys", "answer = sys.from_pth") == 1


@pytest.mark.parametrize("method", ["spawn", "forkserver"])
def test_multiprocessing(compose: Compose, tmp_path: Path, method: str) -> None:
    script = tmp_path / "pool.py"
    script.write_text(
        "import multiprocessing, demo.work\n"
        "if __name__ == '__main__':\n"
        f"    with multiprocessing.get_context({method!r}).Pool(2) as pool:\n"
        "        print(pool.map(demo.work.square, [1, 2, 3]))\n"
    )
    assert run(compose(DEMO).python, script) == "[1, 4, 9]"


def test_a_child_has_the_same_packages(compose: Compose) -> None:
    child = "import demo; print(demo.__name__)"
    code = f"import subprocess, sys; subprocess.run([sys.executable, '-c', {child!r}], check=True)"
    assert run(compose(DEMO).python, "-c", code) == "demo"


def byte_code(stored: StoredWheel) -> dict[str, int]:
    return {str(path): path.stat().st_mtime_ns for path in stored.path.glob("site-packages/**/*.pyc")}


def test_byte_code_is_compiled_once_for_all_environments(compose: Compose, cache: Cache, tmp_path: Path) -> None:
    stored = store(cache, DEMO, tmp_path)
    first, second = compose(DEMO), compose(DEMO, Wheel("more"))
    assert first.path != second.path and byte_code(stored) == {}
    lines = ["import demo.work", "answer = demo.work.__cached__"]
    cached = Path(str(ask(first, *lines)))
    compiled = byte_code(stored)
    assert len(compiled) == 2 and cached.resolve() in {Path(path).resolve() for path in compiled}
    os.utime(cached, ns=(1, 1))
    ask(second, *lines)
    assert byte_code(stored) == {**compiled, str(cached.resolve()): 1}


@pytest.mark.parametrize("path", ["demo/work.py", "demo/new.py", "demo-project.txt"])
def test_a_script_cannot_change_the_store(compose: Compose, cache: Cache, tmp_path: Path, path: str) -> None:
    stored = store(cache, DEMO, tmp_path)
    if os.access(stored.path / "site-packages", os.W_OK):
        pytest.skip("nothing is write-protected from root")
    code = f"open({str(stored.path / 'site-packages' / path)!r}, 'w')"
    done = subprocess.run([compose(DEMO).python, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 1 and "PermissionError" in done.stderr


def test_a_removed_requirement_is_gone(compose: Compose) -> None:
    lines = ["import importlib.util as u", "answer = [u.find_spec(n) is not None for n in ('demo', 'more')]"]
    assert ask(compose(DEMO, Wheel("more")), *lines) == [True, True]
    assert ask(compose(DEMO), *lines) == [True, False]


def below(root: Path) -> set[str]:
    """Return what is in a directory, programs and headers aside: which there are differs between versions of venv."""
    found = {str(path.relative_to(root)) for path in root.rglob("*")}
    return {name for name in found if not name.startswith(("bin/", "include"))} - {".gitignore", ".pyscript", "used"}


@pytest.mark.skipif(sys.platform == "win32", reason="venv looks otherwise there")
def test_the_layout_is_what_venv_makes(compose: Compose, executable: str, tmp_path: Path) -> None:
    environment = compose()
    run(executable, "-m", "venv", "--without-pip", tmp_path / "venv")
    assert below(environment.path) == below(tmp_path / "venv")
    configuration = (tmp_path / "venv/pyvenv.cfg").read_text().splitlines()
    assert set((environment.path / "pyvenv.cfg").read_text().splitlines()) - {"pyscript = 1"} <= set(configuration)
