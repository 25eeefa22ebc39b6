"""Both readers of launch records, the shell's and Python's, held against each other and against the full path.

One table of changes is applied to a launch that was prepared. A reader may only call it warm where the full path would
choose the same environment, and both readers have to say the same.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from launcher.launch import record as records
from launcher.launch import warm
from tests.conftest import ROOT, Program
from tests.functional.conftest import WriteScript, package
from tests.support.index_server import IndexServer
from tests.support.wheels import Wheel

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="the shell launcher is POSIX's")

SHELL_LAUNCHER = ROOT / "launcher" / "launch" / "pyscript.sh"
SHELLS = {
    "dash": ["dash"],
    "bash in 3.2 mode": ["bash", "-O", "compat32"],  # macOS has bash 3.2
    "bash as sh": ["bash", "--posix"],
    "busybox": ["busybox", "sh"],
    "zsh as sh": ["zsh", "--emulate", "sh"],
}
BODY = "import sys; print(sys.prefix)"
LOCK = 'lock-version = "1.0"\ncreated-by = "me"\npackages = []\n'
LOCK_BLOCK = "\n# /// pylock\n" + "".join(f"# {line}\n" for line in LOCK.splitlines()) + "# ///\n"


@dataclass
class World:
    """A launch that was prepared: change it, then ask the readers."""

    directory: Path
    program: Program
    script: Path
    cache: Path
    shell: list[str]
    arguments: list[str] = field(default_factory=lambda: ["x.py"])
    variables: dict[str, str | None] = field(default_factory=dict)
    cwd: Path | None = None

    @property
    def environ(self) -> dict[str, str]:
        return self.program.variables({"PWD": str(self.cwd or self.directory), **self.variables})

    @property
    def record(self) -> Path:
        return Path(f"{self.cache}/launch-v1{self.script}.launch")

    def prepare(self) -> None:
        done = self.program(*self.arguments, env=self.environ, cwd=self.cwd or self.directory)
        assert done.returncode == 0, done.stderr

    def run(self) -> subprocess.CompletedProcess[str]:
        return self.program(*self.arguments, env=self.environ, cwd=self.cwd or self.directory)

    def by_shell(self) -> str | None:
        """Return the environment the shell launcher runs the script in, None where it leaves it to Python."""
        installed = self.directory / "bin"
        installed.mkdir(exist_ok=True)
        shutil.copy(SHELL_LAUNCHER, installed / "pyscript")
        (installed / "pyscript-launcher").write_text("#!/bin/sh\necho left to Python\n")
        (installed / "pyscript-launcher").chmod(0o755)
        done = subprocess.run(
            [*self.shell, str(installed / "pyscript"), *self.arguments],
            env=self.environ,
            cwd=self.cwd or self.directory,
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.stderr == ""
        return None if done.stdout == "left to Python\n" else done.stdout.strip()

    def by_python(self, monkeypatch: pytest.MonkeyPatch) -> str | None:
        monkeypatch.chdir(self.cwd or self.directory)
        found = warm.recognise(self.arguments, self.environ)
        return found[0].environment if found else None

    def by_full_path(self) -> str | None:
        """Return the environment that a launch without any record ends in, None where there is an error."""
        shutil.rmtree(f"{self.cache}/launch-v1{self.directory}")
        done = self.run()
        return done.stdout.strip() if done.returncode == 0 else None


@pytest.fixture(scope="module")
def filled(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[IndexServer, Path]]:
    """Return an index and a cache for all tests here: each has a directory, and so launch records, of its own."""
    with IndexServer() as index:
        index.add(package("greet"), package("voice"))
        yield index, tmp_path_factory.mktemp("shared") / "cache"


@pytest.fixture(params=SHELLS)
def world(
    request: pytest.FixtureRequest,
    filled: tuple[IndexServer, Path],
    run_pyscript: Program,
    write_script: WriteScript,
    tmp_path: Path,
) -> World:
    shell = SHELLS[request.param]
    if shutil.which(shell[0]) is None:
        pytest.skip(f"{shell[0]} is not installed")
    index, cache = filled
    run_pyscript.environ.update({"PYSCRIPT_INDEX_URL": index.index_url, "PYSCRIPT_CACHE_DIR": str(cache)})
    script = write_script(BODY, "greet")
    settle(script)
    return World(tmp_path, run_pyscript, script, cache, shell)


def settle(path: Path) -> None:
    """Let a file be some seconds old: shells that compare whole seconds get no stamp for a younger one."""
    then = time.time() - 60
    os.utime(path, (then, then))


def edit(old: str, new: str) -> Callable[[World], None]:
    def change(world: World) -> None:
        text = world.script.read_text()
        assert old in text
        world.script.write_text(text.replace(old, new, 1))

    return change


def damage(change: Callable[[bytes], bytes]) -> Callable[[World], object]:
    return lambda world: world.record.write_bytes(change(world.record.read_bytes()))


def set_variable(name: str, value: str | None) -> Callable[[World], None]:
    return lambda world: world.variables.update({name: value})


def write_config(world: World) -> None:
    path = Path(world.environ["HOME"], ".config", "pyscript", "config.toml")
    path.parent.mkdir(parents=True)
    path.write_text("retries = 1\n")


def move_away(world: World) -> None:
    world.cwd = world.directory / "elsewhere"
    world.cwd.mkdir()


def rename(world: World) -> None:
    world.script.rename(world.directory / "y.py")
    world.arguments = ["y.py"]


def link_to_another(world: World) -> None:
    other = world.directory / "other.py"
    other.write_text(world.script.read_text().replace("greet", "voice"))
    world.script.unlink()
    world.script.symlink_to(other)


def upgrade_interpreter(world: World) -> None:
    """Let the record say that the interpreter had another time when it was asked."""
    content = world.record.read_text()
    world.record.write_text(re.sub(r"(?m)^= \d+ (\d+ .*python.*)$", r"= 1000000000 \1", content))
    stamp = world.cache / "launch-v1" / "@stamps" / "1000000000"
    stamp.touch()
    os.utime(stamp, ns=(10**9, 10**9))


def remove_environment(world: World) -> None:
    shutil.rmtree(world.cache / "environments-v1")


def put_directory(path: Path) -> None:
    path.unlink()
    path.mkdir()


WARM: dict[str, Callable[[World], object]] = {
    "nothing": lambda world: None,
    "the body": edit(BODY, f"{BODY}  # another body"),
    "a longer body": edit(BODY, BODY + "\n" + "# a comment\n" * 5000),
    "no body": lambda world: world.script.write_text(
        world.script.read_text().replace(BODY, "print(__import__('sys').prefix)")
    ),
    "the time of the script": lambda world: os.utime(world.script, (1, 1)),
    "a moved script seen through its old directory": lambda world: world.arguments.__setitem__(0, "./x.py"),
    "its absolute path": lambda world: world.arguments.__setitem__(0, str(world.script)),
    "arguments": lambda world: world.arguments.extend(["", "--with", "a b", "*"]),
    "a variable that decides nothing": set_variable("EDITOR", "vi"),
    "an empty variable": set_variable("PYSCRIPT_OFFLINE", ""),
    "quiet": set_variable("PYSCRIPT_QUIET", "1"),
    "PYTHONHOME": set_variable("PYTHONHOME", "/nowhere"),
}
COLD: dict[str, Callable[[World], object]] = {
    "a requirement": edit("'greet'", "'greet', 'voice'"),
    "a requirement less": edit("['greet']", "[]"),
    "requires-python": edit("# dep", "# requires-python = '>=3.8'\n# dep"),
    "a comment in the block": edit("# dep", "# # why\n# dep"),
    "blanks at the end of a line": edit("# /// script\n", "# /// script \n"),
    "a line above": edit("# /// script", "\n# /// script"),
    "a lock at the end": lambda world: world.script.write_text(world.script.read_text() + LOCK_BLOCK),
    "a lock beside it": lambda world: (world.directory / "pylock.x.toml").write_text(LOCK),
    "a comment that continues the block": edit("# ///\nimport", "# ///\n# [tool.x]\n# ///\nimport"),
    "line ends": lambda world: world.script.write_bytes(world.script.read_bytes().replace(b"\n", b"\r\n")),
    "only the head": lambda world: world.script.write_bytes(world.script.read_bytes()[:30]),
    "an empty script": lambda world: world.script.write_bytes(b""),
    "no script": lambda world: world.script.unlink(),
    "a directory in its place": lambda world: put_directory(world.script),
    "another name": rename,
    "a link to another script": link_to_another,
    "another directory": move_away,
    "an option": lambda world: world.arguments.insert(0, "-q"),
    "run": lambda world: world.arguments.insert(0, "run"),
    "a config file": write_config,
    "another index": set_variable("PYSCRIPT_INDEX_URL", "http://127.0.0.1:1/"),
    "offline": set_variable("PYSCRIPT_OFFLINE", "1"),
    "a Python": set_variable("PYSCRIPT_PYTHON", ">=3.8"),
    "another home": set_variable("HOME", "/nowhere"),
    "no home": set_variable("HOME", None),
    "another cache": set_variable("PYSCRIPT_CACHE_DIR", "/nowhere/cache"),
    "a relative cache of that name": set_variable("PYSCRIPT_CACHE_DIR", "launch"),
    "another interpreter in its place": upgrade_interpreter,
    "no environment": remove_environment,
    "an empty record": damage(lambda content: b""),
    "another format": damage(lambda content: content.replace(b"pyscript 3", b"pyscript 2")),
    "a record without its head": damage(lambda content: content[: content.index(b"---")]),
    "a record cut behind its stamps": damage(lambda content: content[: content.index(b"#")]),
    "a record cut in its head": damage(lambda content: content[:-8]),
    "a record cut in its stamps": damage(lambda content: content[: content.index(b"\n= ") + 9]),
    "a stamp without sense": damage(lambda content: content.replace(b"\n= ", b"\n? ")),
    "a count without sense": damage(lambda content: content.replace(b"\n0 ", b"\nzero ")),
    "tokens of another launch": damage(lambda content: content.replace(b"\t\n", b"\t--with\tx\n", 1)),
    "zeros": damage(lambda content: b"\0" * len(content)),
    "a record of somebody else": lambda world: (
        os.chown(world.record, 12345, -1) if os.geteuid() == 0 else world.record.unlink()
    ),
    "an unreadable record": lambda world: put_directory(world.record),
}


@pytest.mark.parametrize("change", WARM.values(), ids=WARM)
def test_both_recognise_what_is_still_the_same(
    change: Callable[[World], object], world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    world.prepare()
    change(world)
    if is_younger := world.script.stat().st_mtime_ns > (recorded_ns := world.record.stat().st_mtime_ns):
        os.utime(world.script, ns=(recorded_ns + 10**7, recorded_ns + 10**7))
    by_shell, by_python = world.by_shell(), world.by_python(monkeypatch)
    assert by_python is not None
    if by_shell is None:
        assert is_younger, "nothing else is left to Python, and this once"
        by_shell = world.by_shell()
    assert by_shell == by_python
    world.variables.pop("PYTHONHOME", None)
    assert world.by_full_path() == by_python


@pytest.mark.parametrize("change", COLD.values(), ids=COLD)
def test_both_leave_what_changed_to_the_full_path(
    change: Callable[[World], object], world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    world.prepare()
    assert world.by_python(monkeypatch) is not None
    change(world)
    assert world.by_python(monkeypatch) is None
    assert world.by_shell() is None


def test_launches_with_options_are_recognised(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    for arguments in (
        ["--with", "voice", "x.py", "-v"],
        ["--with=voice", "-q", "./x.py"],
        ["run", "--with", "voice", "python", "-c", BODY],
        ["run", "x.py", ""],
        ["--with", "voice", "-c", BODY],
        ["--with", "voice", str(world.script)],
        ["-p", ">=3.8", str(world.script)],
        ["run", str(world.script), "--with", "x"],
    ):
        world.arguments = arguments
        assert world.by_shell() is None
        world.prepare()
        by_python = world.by_python(monkeypatch)
        assert by_python is not None
        if records.is_plain(" ".join(arguments)):
            assert world.by_shell() == by_python, arguments


def test_what_means_the_same_anywhere_is_recognised_anywhere(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    world.arguments = ["--with", "voice", str(world.script)]
    world.prepare()
    move_away(world)
    by_python = world.by_python(monkeypatch)
    assert by_python is not None
    assert world.by_shell() == by_python
    edit("'greet'", "'greet', 'voice'")(world)
    assert world.by_python(monkeypatch) is None
    assert world.by_shell() is None


@pytest.mark.parametrize("arguments", [["--with", "voice", "x.py"], ["--find-links", "wheels", "{script}"]])
def test_what_counts_from_the_current_directory_is_recognised_only_there(
    arguments: list[str], world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    (world.directory / "wheels").mkdir()
    world.arguments = [each.format(script=world.script) for each in arguments]
    world.prepare()
    assert world.by_python(monkeypatch) is not None
    move_away(world)
    assert world.by_python(monkeypatch) is None
    assert world.by_shell() is None


def test_a_stamped_file_that_changes_is_noticed(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    requirements = world.directory / "requirements.txt"
    requirements.write_text("voice\n")
    settle(requirements)
    world.arguments = ["--with-requirements", "requirements.txt", "x.py"]
    world.prepare()
    assert world.by_shell() == world.by_python(monkeypatch) is not None
    for seconds in (0, 5):
        os.utime(requirements, (seconds, seconds))
        assert world.by_python(monkeypatch) is None
        assert world.by_shell() is None
    requirements.unlink()
    assert world.by_python(monkeypatch) is None
    assert world.by_shell() is None


def test_a_script_without_a_block_is_recognised_until_it_changes(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    world.script.write_text(BODY + "\n")
    settle(world.script)
    world.prepare()
    assert world.by_shell() == world.by_python(monkeypatch) is not None
    world.script.write_text(f"# /// script\n# dependencies = ['greet']\n# ///\n{BODY}\n")
    assert world.by_python(monkeypatch) is None
    assert world.by_shell() is None


def test_a_file_that_is_new_gets_its_stamp_when_it_is_older(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    world.script.write_text(BODY + "\n")
    world.prepare()
    assert world.by_python(monkeypatch) is not None
    assert world.by_shell() is None, "some shells could not tell it from what it is a moment later"
    monkeypatch.setattr(records, "_RECENT_NS", -(10**9))
    record = records.read(str(world.record))
    assert record is not None
    records.write_stamps(str(world.cache), record)
    assert world.by_shell() == record.environment


def test_a_symbolic_link_as_directory_keeps_its_name(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    real, link = world.directory / "real", world.directory / "link"
    real.mkdir()
    link.symlink_to(real)
    world.script.rename(real / "x.py")
    world.cwd = link
    world.prepare()
    assert world.by_shell() == world.by_python(monkeypatch) is not None


@pytest.mark.parametrize(
    "name", ["with blank.py", "qu'ote\".py", "$(touch hijacked).py", "*", "ünï.py", "-x.py", "a;b", "`x`"]
)
def test_odd_names_are_only_names(name: str, world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    world.script.rename(world.directory / name)
    world.arguments = [f"./{name}"]
    world.prepare()
    by_python = world.by_python(monkeypatch)
    assert by_python is not None
    assert world.by_shell() == by_python
    assert not (world.directory / "hijacked").exists()


def test_a_cache_whose_path_has_blanks_is_as_good(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    world.cache = world.directory / "a cache  of John Doe's"
    world.variables["PYSCRIPT_CACHE_DIR"] = str(world.cache)
    world.prepare()
    assert world.by_shell() == world.by_python(monkeypatch) is not None


def test_an_upgrade_is_not_undone_by_the_next_launch(world: World, filled: tuple[IndexServer, Path]) -> None:
    name = f"fresh{world.directory.name[-1]}"  # the cache is shared, and so is what it remembers
    block = f"# /// script\n# dependencies = ['{name}']\n# ///\n"
    world.script.write_text(f"{block}import {name}; print({name}.__version__)\n")
    index, _ = filled
    index.add(package(name, "1.0"))
    for option in ("-q", "--refresh"):
        assert world.program(option, "x.py", env=world.environ).stdout == "1.0\n"
    assert world.run().stdout == "1.0\n"
    index.add(package(name, "2.0"))
    assert world.run().stdout == "1.0\n"
    assert world.program("-U", "x.py", env=world.environ).stdout == "2.0\n"
    assert world.run().stdout == "2.0\n"
    assert world.run().stdout == "2.0\n"


def test_a_wheel_on_disk_that_changes_is_noticed(world: World) -> None:
    wheels = world.directory / "with blank"
    arguments = ["--with", f"greet @ {wheels.as_uri()}/greet-1.0-py3-none-any.whl", "-m", "greet"]
    package("greet").write(wheels)
    settle(wheels / "greet-1.0-py3-none-any.whl")
    assert world.program(*arguments, env=world.environ).stdout == "greet 1.0\n"
    Wheel("greet", files={"greet.py": "print('rebuilt')"}).write(wheels)
    assert world.program(*arguments, env=world.environ).stdout == "rebuilt\n"


def test_a_directory_that_is_switched_by_a_link_is_noticed(world: World) -> None:
    for name in ("greet", "voice"):
        (world.directory / name).mkdir()
        (world.directory / name / "r.txt").write_text(f"{name}\n")
        settle(world.directory / name / "r.txt")
    current = world.directory / "current"
    code = "import importlib.util as u; print([n for n in ('greet', 'voice') if u.find_spec(n)])"
    world.cwd, world.arguments = current, ["--with-requirements", "r.txt", "-c", code]
    for name in ("greet", "voice", "greet"):
        current.unlink(missing_ok=True)
        current.symlink_to(name)
        assert world.run().stdout == f"['{name}']\n"


def test_a_script_takes_the_place_of_a_program(world: World) -> None:
    world.arguments = ["--with", "greet", "greet"]
    assert world.run().stdout == "greet 1.0\n"
    (world.directory / "greet").write_text("print('the script')\n")
    assert world.run().stdout == "the script\n"


@pytest.mark.parametrize("name", ["--version", "-m", "--with"])
def test_an_option_is_never_taken_for_a_script_of_that_name(name: str, world: World) -> None:
    (world.directory / name).write_text("print('the script')\n")
    world.arguments = [f"./{name}"]
    for _ in range(2):
        assert world.run().stdout == "the script\n"
    world.arguments = [name]
    assert "the script" not in world.run().stdout


def test_a_script_whose_name_begins_with_a_dash_runs_twice(world: World) -> None:
    world.script.rename(world.directory / "-x.py")
    world.arguments = ["--", "-x.py"]
    assert world.run().stdout == world.run().stdout != ""


def test_credentials_are_not_written_down(world: World) -> None:
    index = world.environ["PYSCRIPT_INDEX_URL"].replace("//", "//me:s3cr3t@")
    for arguments, variables in ((["--index-url", index], {}), ([], {"PYSCRIPT_INDEX_URL": index})):
        world.arguments, world.variables = [*arguments, "--with", "voice", "x.py"], dict(variables)
        assert world.run().returncode == 0
    assert not [path for path in world.cache.rglob("*") if "s3cr3t" in str(path)]
    contents = [path.read_bytes() for path in world.cache.rglob("*") if path.is_file() and "wheels-v1" not in str(path)]
    assert not [content for content in contents if b"s3cr3t" in content]


def test_credentials_in_a_block_are_not_copied(world: World) -> None:
    url = world.environ["PYSCRIPT_INDEX_URL"].replace("//", "//me:s3cr3t@").replace("simple/", "files/")
    name = "greet-1.0-py3-none-any.whl"
    world.script.write_text(f"# /// script\n# dependencies = ['greet @ {url}{name}']\n# ///\n{BODY}\n")
    for _ in range(2):
        assert world.run().returncode == 0
    assert not world.record.exists()


def test_a_program_named_by_python_is_looked_up_each_time(world: World) -> None:
    for name in ("one", "two"):
        (world.directory / name).mkdir()
    world.arguments = ["-p", "mypython", "-c", "import sys; print(sys.version_info[:2])"]
    (world.directory / "one" / "mypython").symlink_to(sys.executable)
    world.variables["PATH"] = f"{world.directory}/one:{world.environ['PATH']}"
    assert world.run().returncode == 0
    (world.directory / "one" / "mypython").unlink()
    assert world.run().returncode != 0


def test_the_shell_looks_at_the_same_variables() -> None:
    text = SHELL_LAUNCHER.read_text()
    [variables] = re.findall(r"variables=\"([^\"]+)\"", text)
    assert variables.replace("\\\n", "").split("$tab") == [f"${name}" for name in records.VARIABLES]


def test_the_shell_launcher_stays_small_and_forks_nothing() -> None:
    lines = [line for line in SHELL_LAUNCHER.read_text().splitlines() if line and not line.lstrip().startswith("#")]
    assert len(lines) < 65
    warm_part = "\n".join(lines[: [line.startswith("self=") for line in lines].index(True)])
    assert not re.search(r"\$\((?!\()|`|\|(?!\|)[^)]*$", re.sub(r"case .* in|^ +\S.*\)", "", warm_part))
