"""`pyscript bundle`: one file with everything, which runs where there is nothing but Python."""

from __future__ import annotations

import hashlib
import json
import os
import platform
import re
import shutil
import signal
import stat
import subprocess
import sys
import zipfile
from collections.abc import Callable, Mapping
from pathlib import Path

import pytest

from tests.conftest import Program
from tests.functional.conftest import WriteScript, package
from tests.support.index_server import IndexServer
from tests.support.sdists import Sdist
from tests.support.wheels import Wheel

IMPORT = "import sys, speak, voice; print(speak.__version__, voice.__version__, *sys.argv[1:])"
PYENV = Path(os.environ.get("PYENV_ROOT", Path.home() / ".pyenv")) / "versions"
PYTHONS = {path.parent.parent.name: path for path in PYENV.glob("*/bin/python") if os.name != "nt"}
OWN_SERIES = "{}.{}".format(*sys.version_info)
OWN_SYSTEM = {"linux": "Linux", "darwin": "macOS"}.get(sys.platform, sys.platform)

Run = Callable[..., "subprocess.CompletedProcess[str]"]

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="what it writes for Windows is not tried here")


@pytest.fixture
def run(tmp_path: Path, cache_dir: Path) -> Run:
    """Return a function that runs a bundle by a Python, with next to no variables."""

    def start(
        *words: str | Path, env: Mapping[str, str] | None = None, cwd: Path = tmp_path
    ) -> subprocess.CompletedProcess[str]:
        variables = {"PYSCRIPT_CACHE_DIR": str(cache_dir), "PATH": os.defpath, **(env or {})}
        line = [str(word) for word in (sys.executable, *words)]
        return subprocess.run(line, env=variables, cwd=cwd, capture_output=True, text=True, check=False, timeout=100)

    return start


@pytest.fixture
def bundled(stocked: IndexServer, run_pyscript: Program, write_script: WriteScript, tmp_path: Path) -> Path:
    """Return a bundle of a script with two packages; the script, the index and what pyscript cached are gone."""
    return _bundle(run_pyscript, write_script(IMPORT, "speak"))


def _bundle(run_pyscript: Program, script: Path, *options: str) -> Path:
    done = run_pyscript("bundle", script, *options)
    assert done.returncode == 0, done.stderr
    assert done.stderr == ""
    shutil.rmtree(run_pyscript.environ["PYSCRIPT_CACHE_DIR"], ignore_errors=True)
    script.unlink()
    return script.with_suffix(".pyz")


def _places(cache_dir: Path) -> list[Path]:
    return sorted(path.parent for path in (cache_dir / "bundles-v1").glob("*/*/ready"))


def _changed(bundle: Path, changes: Mapping[str, Callable[[bytes], bytes]]) -> Path:
    """Return a copy of a bundle in which members with these endings are others."""
    path = bundle.with_name("changed.pyz")
    with zipfile.ZipFile(bundle) as source, zipfile.ZipFile(path, "w") as target:
        for member in source.infolist():
            content = source.read(member)
            for ending, change in changes.items():
                content = change(content) if member.filename.endswith(ending) else content
            target.writestr(member, content)
    return path


def test_it_runs_with_python_alone(bundled: Path, run: Run, cache_dir: Path) -> None:
    for _ in range(2):
        done = run(bundled, "--month", "5")
        assert (done.returncode, done.stdout, done.stderr) == (0, "2.0 1.5 --month 5\n", "")
    assert len(_places(cache_dir)) == 1


def test_a_generous_umask_makes_no_difference(bundled: Path, cache_dir: Path) -> None:
    line = f"umask 0; {sys.executable} {bundled} && stat -c %i {cache_dir}/bundles-v1/*/*/ready"
    environ = {"PYSCRIPT_CACHE_DIR": str(cache_dir), "PATH": os.environ["PATH"]}
    said = [subprocess.run(["sh", "-c", line], env=environ, capture_output=True, check=True).stdout for _ in range(2)]
    assert said[0] == said[1] != b""


def test_it_is_a_program_of_its_own(bundled: Path, cache_dir: Path, tmp_path: Path) -> None:
    assert stat.S_IMODE(bundled.stat().st_mode) & 0o111
    (tmp_path / "bin").mkdir()
    (tmp_path / "bin" / "python3").symlink_to(sys.executable)
    environ = {"PATH": f"{tmp_path / 'bin'}:{os.defpath}", "PYSCRIPT_CACHE_DIR": str(cache_dir)}
    renamed = bundled.rename(tmp_path / "münz tool")
    (tmp_path / "link").symlink_to(renamed)
    renamed.chmod(0o555)
    for name in (renamed, tmp_path / "link"):
        done = subprocess.run([name, "x"], env=environ, capture_output=True, text=True, check=False)
        assert (done.stdout, done.stderr) == ("2.0 1.5 x\n", "")


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="Linux can take the network away")
def test_it_runs_in_an_empty_environment_without_a_network(bundled: Path, tmp_path: Path) -> None:
    alone = ["unshare", "-n", "-r", "env", "-i"]
    if subprocess.run([*alone, "true"], capture_output=True, check=False).returncode:
        pytest.skip("namespaces are not allowed here")
    home = tmp_path / "nowhere"
    done = subprocess.run(
        [*alone, f"HOME={home}", sys.executable, bundled], capture_output=True, text=True, check=False, cwd="/"
    )
    assert (done.returncode, done.stdout, done.stderr) == (0, "2.0 1.5\n", "")
    assert _places(home / ".cache" / "pyscript")


@pytest.mark.parametrize("version", sorted(PYTHONS))
def test_it_runs_on_every_python_that_there_is(version: str, bundled: Path, run: Run, tmp_path: Path) -> None:
    """Those that are too old, such as Python 2, go to one that is not."""
    (tmp_path / "bin").mkdir()
    (tmp_path / "bin" / f"python{OWN_SERIES}").symlink_to(sys.executable)
    for _ in range(2):
        done = subprocess.run(
            [PYTHONS[version], bundled],
            env={"PATH": f"{tmp_path / 'bin'}:/usr/bin:/bin", "PYSCRIPT_CACHE_DIR": str(tmp_path / "cache")},
            capture_output=True,
            text=True,
            check=False,
        )
        assert (done.stdout, done.stderr) == ("2.0 1.5\n", "")


SHOW = """
import importlib.metadata, json, multiprocessing, os, subprocess, sys
def double(n):
    return 2 * n
if __name__ == "__main__":
    import speak
    with multiprocessing.get_context("spawn").Pool(1) as pool:
        doubled = pool.map(double, [1, 2])
    child = subprocess.run([sys.executable, "-c", "import speak; print(speak.__version__)"], capture_output=True)
    print(json.dumps({
        "doubled": doubled, "child": child.stdout.decode(), "name": __name__, "file": os.path.basename(__file__),
        "version": importlib.metadata.version("speak"), "spec": repr(__spec__), "argv": sys.argv,
        "program": subprocess.run(["speak", "x"], capture_output=True).stdout.decode(),
        "path": [os.path.basename(each) for each in (sys.path[0], sys.path[-1])], "prefix": sys.prefix,
        "shared": open(os.path.join(sys.prefix, "share", "speak.txt")).read(),
        "bundle": "PYSCRIPT_BUNDLE" in os.environ, "bootstrap": [name for name in sys.modules if "pyscript" in name],
    }))
    1 / 0
"""


def test_the_script_sees_what_an_environment_has(
    index: IndexServer, run_pyscript: Program, write_script: WriteScript, run: Run
) -> None:
    index.add(package("speak", data={"data/share/speak.txt": "hi"}))
    run_pyscript.environ["PYSCRIPT_INDEX_URL"] = index.index_url
    bundle = _bundle(run_pyscript, write_script(SHOW, "speak"))
    done = run(bundle, "-v")
    seen = json.loads(done.stdout)
    prefix = seen.pop("prefix")
    assert "bundles-v1" in prefix
    assert seen == {
        **{"doubled": [2, 4], "child": "1.0\n", "name": "__main__", "file": "x.py", "version": "1.0", "spec": "None"},
        **{"argv": [str(bundle), "-v"], "program": "speak 1.0 x\n", "path": ["script", "site-packages"]},
        **{"shared": "hi", "bundle": False, "bootstrap": []},
    }
    # Its own lines, with nothing of the bootstrap above them.
    assert done.returncode == 1
    lines = [line for line in done.stderr.splitlines() if "~" not in line and "^" not in line]
    assert lines == [
        "Traceback (most recent call last):",
        f'  File "{prefix}/script/x.py", line {SHOW.count(chr(10)) + 3}, in <module>',
        "    1 / 0",
        "ZeroDivisionError: division by zero",
    ]


@pytest.mark.parametrize(
    "flags", [["-I"], ["-S"], ["-E"], ["-B"], ["-O"], ["-W", "error"], ["-X", "dev"]], ids=" ".join
)
def test_pythons_own_options_hold(flags: list[str], bundled: Path, run: Run) -> None:
    for _ in range(2):
        done = run(*flags, bundled)
        assert (done.stdout, done.stderr) == ("2.0 1.5\n", "")


def test_what_the_interpreter_has_itself_is_not_there(bundled: Path, run: Run) -> None:
    """Not even what it has imported by itself: here a namespace of one of the bundle's packages."""
    packages = bundled.parent / "usual" / "site-packages"
    packages.mkdir(parents=True)
    (packages / "voice.py").write_text("__version__ = 'of the machine'")
    (packages / "own.pth").write_text("import voice\n")
    start = (
        f"import site, sys; site.addsitedir({str(packages)!r}); sys.argv = sys.argv[1:]; sys.path[0] = sys.argv[0]; "
    )
    start += "import runpy; runpy.run_path(sys.argv[0], run_name='__main__')"
    assert run("-c", start, bundled).stdout == "2.0 1.5\n"


def test_the_exit_status_is_that_of_the_script(run_pyscript: Program, write_script: WriteScript, run: Run) -> None:
    body = "import os, signal, sys; os.kill(os.getpid(), signal.SIGINT) if sys.argv[1:] else sys.exit(7)"
    bundle = _bundle(run_pyscript, write_script(body))
    assert run(bundle).returncode == 7
    done = run(bundle, "x")
    assert done.returncode == -signal.SIGINT
    assert done.stderr.splitlines()[-1] == "KeyboardInterrupt"


# Where there is no room, or no time


def test_fifty_first_starts_unpack_once(bundled: Path, cache_dir: Path) -> None:
    environ = {"PYSCRIPT_CACHE_DIR": str(cache_dir), "PATH": os.defpath}
    line = [sys.executable, str(bundled)]
    started = [
        subprocess.Popen(line, env=environ, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
        for _ in range(50)
    ]
    assert {process.communicate()[0] for process in started} == {"2.0 1.5\n"}
    assert len(_places(cache_dir)) == 1
    assert not list(cache_dir.glob("bundles-v1/*/.half-made*"))


def test_what_a_killed_start_left_is_removed_by_the_next(bundled: Path, run: Run, cache_dir: Path) -> None:
    run(bundled)
    (place,) = _places(cache_dir)
    (place.parent / ".half-made-x" / "lib").mkdir(parents=True)
    shutil.rmtree(place / "script")
    assert run(bundled).stdout == "2.0 1.5\n"
    assert sorted(path.name for path in place.parent.iterdir()) == [place.name, "lock"]


@pytest.mark.parametrize("content", [b"", b"garbage", b"N"])
def test_a_marker_that_was_cut_off_is_made_anew(content: bytes, bundled: Path, run: Run, cache_dir: Path) -> None:
    run(bundled)
    (place,) = _places(cache_dir)
    (place / "ready").write_bytes(content)
    assert run(bundled).stdout == "2.0 1.5\n"


def test_a_cache_that_was_moved_is_not_believed(bundled: Path, run: Run, cache_dir: Path, tmp_path: Path) -> None:
    run(bundled)
    moved = cache_dir.rename(tmp_path / "moved")
    done = run(bundled, env={"PYSCRIPT_CACHE_DIR": str(moved)})
    assert (done.stdout, done.stderr) == ("2.0 1.5\n", "")


def test_a_marker_that_others_may_write_is_not_believed(bundled: Path, run: Run, cache_dir: Path) -> None:
    run(bundled)
    (place,) = _places(cache_dir)
    before = (place / "ready").stat().st_ino
    (place / "ready").chmod(0o666)
    assert run(bundled).stdout == "2.0 1.5\n"
    assert (place / "ready").stat().st_mode & 0o022 == 0
    assert (place / "ready").stat().st_ino != before


@pytest.mark.parametrize("cache", ["file", "somebody's", "relative"])
def test_without_a_cache_it_is_unpacked_for_one_start(cache: str, bundled: Path, run: Run, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    (tmp_path / "somebody's").mkdir()
    (tmp_path / "somebody's" / "thesis.txt").write_text("")
    (tmp_path / "temporary").mkdir()
    where = tmp_path / cache / ("x" if cache == "file" else "")
    if cache == "relative":
        done = run(bundled, env={"PYSCRIPT_CACHE_DIR": "relative"})
        assert (done.stdout, done.stderr) == ("2.0 1.5\n", "")
        assert _places(tmp_path / "relative")
        return
    done = run(bundled, env={"PYSCRIPT_CACHE_DIR": str(where), "TMPDIR": str(tmp_path / "temporary")})
    assert done.stdout == "2.0 1.5\n"
    reason = "Not a directory" if cache == "file" else "is not a cache of pyscript: other things are in it"
    assert f"{bundled.name} was unpacked for this start only, because the cache cannot be used: " in done.stderr
    assert reason in done.stderr
    assert list((tmp_path / "temporary").iterdir()) == []


def test_with_no_room_at_all_it_says_so(bundled: Path, run: Run, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    nowhere = {"PYSCRIPT_CACHE_DIR": f"{tmp_path}/file/x", "TMPDIR": f"{tmp_path}/file/y"}
    limit = "import resource, runpy, sys, tempfile; tempfile.tempdir = '/proc/self/nothing'; sys.argv = sys.argv[1:]; "
    limit += "sys.path[0] = sys.argv[0]; runpy.run_path(sys.argv[0], run_name='__main__')"
    done = run("-c", limit, bundled, env=nowhere)
    assert (done.returncode, done.stdout) == (1, "")
    assert "cannot be unpacked: neither in the cache, Not a directory" in done.stderr
    assert "set PYSCRIPT_CACHE_DIR to a directory that can be written" in done.stderr


def test_collection_knows_what_bundles_were_unpacked_to(
    bundled: Path, run: Run, run_pyscript: Program, cache_dir: Path
) -> None:
    run(bundled)
    (place,) = _places(cache_dir)
    assert "bundles, unpacked" in run_pyscript("cache", "info").stdout
    os.utime(place / "ready", (0, 0))
    run(bundled)
    assert (place / "ready").stat().st_mtime > 0
    assert json.loads(run_pyscript("cache", "clean", "--json").stdout)["bundles"] == 1
    assert not cache_dir.exists()


# Where it does not run


def test_a_python_that_it_is_not_for_is_told_which_would_do(
    index: IndexServer, run_pyscript: Program, write_script: WriteScript, run: Run
) -> None:
    index.add(Wheel("speak", tag="cp38-cp38-win_amd64"))
    run_pyscript.environ["PYSCRIPT_INDEX_URL"] = index.index_url
    bundle = _bundle(run_pyscript, write_script("", "speak"), "--python-platform", "windows", "--python-version", "3.8")
    done = run(bundle)
    assert (done.returncode, done.stdout) == (1, "")
    assert f"{bundle} does not run on this Python, and no other that it runs on was found on PATH." in done.stderr
    assert f"This is CPython {platform.python_version()} ({sys.executable})" in done.stderr
    assert "It runs on CPython 3.8 on Windows x86_64." in done.stderr


@pytest.mark.parametrize(
    ("ending", "change", "said"),
    [
        (
            "speak-2.0-py3-none-any.whl",
            lambda content: content[:-1] + b"x",
            "wheels/speak-2.0-py3-none-any.whl in it was",
        ),
        ("x.py", lambda content: content + b"print('evil')", "script/x.py in it was changed"),
        ("bundle.json", lambda content: content.replace(b"speak", b"spoke"), "bundle.json in it was changed"),
        ("bundle.json", lambda content: content[:-9], "cannot be read"),
        ("machine.py", lambda content: content, ""),
    ],
)
def test_what_was_changed_is_not_run(
    ending: str, change: Callable[[bytes], bytes], said: str, bundled: Path, run: Run, cache_dir: Path
) -> None:
    done = run(_changed(bundled, {ending: change}))
    if not said:
        assert done.stdout == "2.0 1.5\n"
        return
    assert (done.returncode, done.stdout) == (1, "")
    assert said in done.stderr
    assert "Traceback" not in done.stderr
    assert _places(cache_dir) == []


@pytest.mark.parametrize("name", ["../escaped.py", "speak/../../escaped.py", "/tmp/escaped.py", "a\\b.py", "C:/x.py"])
def test_names_that_lead_out_of_the_environment_are_refused(
    name: str, bundled: Path, run: Run, cache_dir: Path, tmp_path: Path
) -> None:
    """Whoever makes a bundle can make it run anything; but unpacking one writes nowhere else."""
    hostile = tmp_path / "hostile.whl"
    with zipfile.ZipFile(hostile, "w") as archive:
        archive.writestr("speak-2.0.dist-info/METADATA", "")
        archive.writestr(name, "")
    content = hostile.read_bytes()

    def lie(manifest: bytes) -> bytes:
        table = json.loads(manifest)
        for wheel in table["wheels"]:
            if wheel["name"] == "speak":
                wheel["sha256"] = hashlib.sha256(content).hexdigest()
        return json.dumps(table).encode()

    with zipfile.ZipFile(bundled) as archive:
        before = archive.read("bundle.json")
    old, new = (hashlib.sha256(each).hexdigest()[:32].encode() for each in (before, lie(before)))
    changed = _changed(
        bundled,
        {
            "speak-2.0-py3-none-any.whl": lambda _: content,
            "bundle.json": lie,
            "__main__.py": lambda main: main.replace(old, new),
        },
    )
    done = run(changed)
    assert done.returncode == 1
    assert "is not allowed. Nothing of it was run" in done.stderr
    assert _places(cache_dir) == []
    assert not list(tmp_path.rglob("escaped.py"))


# Making one


def test_the_same_script_gives_the_same_bytes(
    stocked: IndexServer, run_pyscript: Program, write_script: WriteScript, tmp_path: Path
) -> None:
    script = write_script(IMPORT, "speak")
    contents = []
    for number, environ in enumerate([{}, {"TZ": "Asia/Tokyo", "PYSCRIPT_CACHE_DIR": str(tmp_path / "other")}]):
        output = tmp_path / f"{number}.pyz"
        run_pyscript("bundle", script, "-o", output, env=environ)
        contents.append(output.read_bytes())
    assert contents[0] == contents[1]
    run_pyscript("bundle", script, "-o", output, env={"SOURCE_DATE_EPOCH": "1700000000"})
    with zipfile.ZipFile(output) as archive:
        assert {member.date_time for member in archive.infolist()} == {(2023, 11, 14, 22, 13, 20)}
        assert {member.compress_type for member in archive.infolist()} == {zipfile.ZIP_STORED}
    done = run_pyscript("bundle", script, "-o", output, env={"SOURCE_DATE_EPOCH": "today"})
    assert done.returncode == 2
    assert "SOURCE_DATE_EPOCH: 'today' is no time." in done.stderr


def test_it_says_what_it_made(stocked: IndexServer, run_pyscript: Program, write_script: WriteScript) -> None:
    script = write_script(IMPORT, "speak", block='requires-python = ">=3.10"')
    done = run_pyscript("bundle", script)
    assert re.fullmatch(
        r"x\.pyz is ready: 2 packages, \d+ kB\.\nIt runs on Python 3\.10 and newer on any system\.\n", done.stdout
    )
    said = json.loads(run_pyscript("bundle", "--json", script).stdout)
    assert said["path"] == str(script.with_suffix(".pyz"))
    assert said["size_bytes"] == script.with_suffix(".pyz").stat().st_size
    assert [(each["name"], each["version"]) for each in said["packages"]] == [("speak", "2.0"), ("voice", "1.5")]
    assert said["targets"][0]["packages"] == ["speak", "voice"]
    with zipfile.ZipFile(script.with_suffix(".pyz")) as archive:
        assert b'path = "wheels/voice-1.5-py3-none-any.whl"' in archive.read("pylock.toml")


def test_several_targets_are_in_one_bundle(
    index: IndexServer, run_pyscript: Program, write_script: WriteScript, run: Run
) -> None:
    tag = "cp{0}-cp{0}-{1}".format("{}{}".format(*sys.version_info), "{}")
    plain = tag.format("musllinux_1_1_x86_64")
    here = tag.format(f"manylinux_2_17_{platform.machine()}") if sys.platform == "linux" else "py3-none-any"
    index.add(
        Wheel("speak", tag=here, files={"speak.py": "WORD = 'here'"}),
        Wheel("speak", tag=tag.format("win_amd64"), files={"speak.py": "WORD = 'windows'"}, requires=("only",)),
        Wheel("speak", tag=plain, files={"speak.py": "WORD = 'musl'"}),
        package("only"),
    )
    run_pyscript.environ["PYSCRIPT_INDEX_URL"] = index.index_url
    script = write_script("import speak; print(speak.WORD)", "speak")
    system = "linux" if sys.platform == "linux" else "macos"
    own = f"{system}-{platform.machine()}"
    done = run_pyscript("bundle", "--json", script, "--python-platform", own, "--python-platform", "windows")
    said = json.loads(done.stdout)
    assert {each["system"] for each in said["targets"]} >= {"win32"}
    assert [each["packages"] for each in said["targets"] if each["system"] == "win32"] == [["only", "speak"]]
    assert run(script.with_suffix(".pyz")).stdout == "here\n"


def test_wheels_for_any_platform_are_preferred_when_asked_for(
    index: IndexServer, run_pyscript: Program, write_script: WriteScript
) -> None:
    tag = "cp{0}-cp{0}".format("{}{}".format(*sys.version_info))
    index.add(
        Wheel("speak", tag=f"{tag}-manylinux_2_17_x86_64"),
        Wheel("speak", requires=("colour; sys_platform == 'win32'",)),
        package("colour"),
    )
    run_pyscript.environ["PYSCRIPT_INDEX_URL"] = index.index_url
    script = write_script("", "speak")
    done = run_pyscript("bundle", script, "--platform", "any")  # as it is called for a lock
    assert "3 packages" not in done.stdout
    assert "Windows" in done.stdout and "Linux" in done.stdout, done.stdout + done.stderr


def test_sources_are_built_here_for_here(
    index: IndexServer, run_pyscript: Program, write_script: WriteScript, run: Run, tmp_path: Path
) -> None:
    Sdist("made").write_project(tmp_path / "made")
    script = write_script("import made; print(made.__name__)", "./made")
    done = run_pyscript("bundle", script, "--no-index")
    assert done.returncode == 0, done.stderr
    shutil.rmtree(tmp_path / "made")
    assert run(script.with_suffix(".pyz")).stdout == "made\n"


def test_sources_are_not_built_for_another_platform(
    index: IndexServer, run_pyscript: Program, write_script: WriteScript
) -> None:
    index.add_file(Sdist("made").filename, Sdist("made").content)
    run_pyscript.environ["PYSCRIPT_INDEX_URL"] = index.index_url
    script = write_script("", "made")
    done = run_pyscript("bundle", script, "--python-platform", "windows-arm64")
    assert done.returncode == 1
    assert "on win-arm64: " in done.stderr
    assert not script.with_suffix(".pyz").exists()


@pytest.mark.parametrize(
    ("arguments", "code", "message"),
    [
        (["bundle"], 2, "pyscript bundle: no script given; see pyscript bundle --help"),
        (["bundle", "x.py", "-o", "-"], 2, "A bundle is not written to stdout."),
        (["bundle", "-"], 2, "A script from stdin has no name for its bundle."),
        (["bundle", "gone.py"], 2, "There is no script gone.py."),
        (["bundle", "x.py", "-o", "x.py"], 1, "x.py is there already and is no bundle, so it was left as it is."),
        (["bundle", "x.py", "-o", "."], 1, ". is a directory."),
        (["bundle", "x.py", "-o", "gone/x.pyz"], 1, "gone/x.pyz cannot be written: No such file or directory."),
        (["bundle", "x.py", "--python-platform", "plan9"], 2, "There is no platform called 'plan9'."),
        (["bundle", "x.py", "--python-version", "4"], 2, "'4' is no version of Python"),
        (["bundle", "app"], 2, "A bundle is made of one script"),
        (
            ["bundle", "x.py", "--with-editable", "made"],
            1,
            "made is used in place (editable), which a bundle cannot do.",
        ),
    ],
)
def test_a_mistake_is_told_and_nothing_is_written(
    arguments: list[str], code: int, message: str, run_pyscript: Program, write_script: WriteScript, tmp_path: Path
) -> None:
    script = write_script("")
    (tmp_path / "app").mkdir()
    (tmp_path / "app" / "__main__.py").write_text("")
    Sdist("made").write_project(tmp_path / "made")
    before = script.read_bytes()
    done = run_pyscript(*arguments, "--no-index") if len(arguments) > 1 else run_pyscript(*arguments)
    assert done.returncode == code, done.stderr
    assert message in done.stderr
    assert script.read_bytes() == before
    assert sorted(path.suffix for path in tmp_path.iterdir() if path.is_file()) == [".py"]


def test_a_bundle_is_written_over_a_former_one(
    stocked: IndexServer, run_pyscript: Program, write_script: WriteScript, run: Run
) -> None:
    script = write_script("print(1)")
    run_pyscript("bundle", script)
    script.write_text("print(2)")
    assert run_pyscript("bundle", script).returncode == 0
    assert run(script.with_suffix(".pyz")).stdout == "2\n"


def test_a_script_from_stdin_is_bundled(run_pyscript: Program, run: Run, tmp_path: Path) -> None:
    run_pyscript("bundle", "-", "-o", "tool.pyz", input="print('from stdin')")
    assert run("tool.pyz").stdout == "from stdin\n"


# With pyscript


def test_pyscript_runs_it_out_of_the_store_without_a_request(
    bundled: Path, stocked: IndexServer, run_pyscript: Program, write_script: WriteScript, cache_dir: Path
) -> None:
    stocked.forget_requests()
    for warm in (False, True):
        done = run_pyscript(bundled.name, "--month", "5")
        assert (done.returncode, done.stdout) == (0, "2.0 1.5 --month 5\n"), done.stderr
        assert warm is False or done.stderr == ""
    assert stocked.paths() == []
    # Only the script was unpacked beside the store, and another script with these packages finds them there.
    (place,) = _places(cache_dir)
    assert sorted(path.name for path in place.iterdir()) == ["ready", "script"]
    script = write_script(IMPORT, "speak", name="other.py")
    assert run_pyscript(script).stdout == "2.0 1.5\n"
    assert [path for path in stocked.paths() if path.endswith(".whl")] == []


def test_under_pyscript_a_bundle_finds_its_place_again(bundled: Path, run_pyscript: Program, cache_dir: Path) -> None:
    run_pyscript(bundled.name)
    shutil.rmtree(cache_dir / "bundles-v1")
    done = run_pyscript(bundled.name)
    assert (done.stdout, done.stderr) == ("2.0 1.5\n", "")
    shutil.rmtree(cache_dir / "environments-v1")
    assert run_pyscript(bundled.name).stdout == "2.0 1.5\n"


def test_a_bundle_that_is_another_now_is_prepared_anew(
    stocked: IndexServer, run_pyscript: Program, write_script: WriteScript, tmp_path: Path
) -> None:
    script = write_script(IMPORT, "speak==1.0", "voice")
    for requirement, said in (("speak==1.0", "1.0 1.5\n"), ("speak==2.0", "2.0 1.5\n")):
        script.write_text(script.read_text().replace("speak==1.0", requirement))
        run_pyscript("bundle", script)
        assert run_pyscript("x.pyz").stdout == said


def test_options_add_to_what_a_bundle_has(bundled: Path, stocked: IndexServer, run_pyscript: Program) -> None:
    done = run_pyscript("--with", "greet", "--no-index", bundled.name)
    assert done.returncode == 1
    assert "greet" in done.stderr
    code = "import greet, speak, voice; print(greet.__version__, speak.__version__, voice.__version__)"
    assert run_pyscript("--with", "greet", bundled.name).stdout == "2.0 1.5\n"
    done = run_pyscript("run", "--script", bundled.name, "--with", "greet", "python", "-c", code)
    assert (done.returncode, done.stdout) == (0, "1.0 2.0 1.5\n"), done.stderr
    done = run_pyscript("--with", "speak<2", bundled.name)
    assert (done.returncode, done.stdout) == (1, "")
    assert "the lock" in done.stderr


def test_a_bundle_becomes_a_command(bundled: Path, run_pyscript: Program, stocked: IndexServer, home: Path) -> None:
    stocked.forget_requests()
    done = run_pyscript("install", bundled.name)
    assert done.returncode == 0, done.stderr
    bundled.unlink()
    run_pyscript.environ["PATH"] = f"{home / '.local' / 'bin'}:{run_pyscript.environ['PATH']}"
    assert subprocess.run(["x", "5"], env=run_pyscript.variables({}), capture_output=True, check=True).stdout == (
        b"2.0 1.5 5\n"
    )
    assert stocked.paths() == []


@pytest.mark.parametrize(
    ("ending", "change", "said"),
    [
        ("voice-1.5-py3-none-any.whl", lambda content: content[:-1] + b"x", "is not the file that was promised"),
        ("x.py", lambda content: content + b"1", "is no sound bundle: script/x.py in it is not what its manifest says"),
        ("pylock.toml", lambda content: content + b" ", "pylock.toml in it is not what its manifest says"),
        ("bundle.json", lambda _: b"{}", "is no sound bundle: bundle.json in it is not what it should be"),
    ],
)
def test_pyscript_runs_nothing_of_a_bundle_that_was_changed(
    ending: str, change: Callable[[bytes], bytes], said: str, bundled: Path, run_pyscript: Program
) -> None:
    done = run_pyscript(_changed(bundled, {ending: change}))
    assert (done.returncode, done.stdout) == (1, "")
    assert said in done.stderr


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["-U", "x.pyz"], "x.pyz is a bundle: it has its packages in it, and --upgrade wants others."),
        (["bundle", "x.pyz"], "x.pyz is a bundle already."),
        (["lock", "x.pyz"], "x.pyz is a bundle: what it gets is fixed in it."),
        (["add", "x.pyz", "greet"], "x.pyz is a zip application, in which nothing can be edited."),
        (["cut.pyz"], "cut.pyz is no Python script but the beginning of a zip application, which was cut off."),
    ],
)
def test_what_a_bundle_cannot_be_used_for_is_told(
    arguments: list[str], said: str, bundled: Path, run_pyscript: Program
) -> None:
    bundled.with_name("cut.pyz").write_bytes(bundled.read_bytes()[:9000])
    done = run_pyscript(*arguments)
    assert (done.returncode, done.stdout) == (2, "")
    assert said in done.stderr


def test_a_bundle_for_others_says_for_whom(
    index: IndexServer, run_pyscript: Program, write_script: WriteScript
) -> None:
    index.add(Wheel("speak", tag="py3-none-win_amd64"))
    run_pyscript.environ["PYSCRIPT_INDEX_URL"] = index.index_url
    bundle = _bundle(run_pyscript, write_script("", "speak"), "--python-platform", "windows")
    done = run_pyscript(bundle)
    assert done.returncode == 1
    assert f"{bundle} does not run on CPython {platform.python_version()} on {OWN_SYSTEM} " in done.stderr
    assert "on Windows x86_64" in done.stderr


def test_info_shows_what_is_in_a_bundle(bundled: Path, run_pyscript: Program) -> None:
    shown = run_pyscript("info", bundled.name).stdout
    assert "requirements" not in shown  # it has what it needs
    assert re.search(r"bundle +of x\.py +\(\d+ kB\)\n +speak 2\.0 +\(speak-2\.0-py3-none-any\.whl\)", shown), shown
    said = json.loads(run_pyscript("info", "--json", bundled.name).stdout)["bundle"]
    assert (said["script"], [each["name"] for each in said["packages"]]) == ("x.py", ["speak", "voice"])
