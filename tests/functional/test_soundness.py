"""Many launches at once, launches that are killed anywhere, full disks, and neighbours with evil names."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.conftest import Program
from tests.functional.conftest import WriteScript, package
from tests.support.index_server import Fault, Hold, IndexServer
from tests.support.wheels import Wheel

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="signals and exec are POSIX's")

AT_ONCE = 50


def run_line(program: Program, line: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run a line of shell as one types it, with pyscript on PATH."""
    command = ["sh", "-c", line, "sh", *arguments]
    return subprocess.run(command, env=program.variables(), capture_output=True, text=True, check=False)


def test_fifty_first_launches_make_one_preparation_and_fifty_good_runs(
    stocked: IndexServer, run_pyscript: Program, write_script: WriteScript, cache_dir: Path
) -> None:
    script = write_script("import speak, voice; print(speak.__version__)", "speak", "greet")
    launches = [run_pyscript.start(script) for _ in range(AT_ONCE)]
    outputs = [launch.communicate(timeout=300) for launch in launches]
    assert [launch.returncode for launch in launches] == [0] * AT_ONCE, [error for _, error in outputs if error]
    assert {output for output, _ in outputs} == {"2.0\n"}
    assert sum("Prepared" in error for _, error in outputs) == 1
    downloads = stocked.paths("*.whl")
    assert len(downloads) == len(set(downloads)) == 3
    assert len(os.listdir(cache_dir / "environments-v1")) == 1
    assert os.listdir(cache_dir / "tmp") == []


def test_different_scripts_do_not_wait_for_each_other(
    stocked: IndexServer, run_pyscript: Program, write_script: WriteScript
) -> None:
    hold = Hold()
    stocked.fail("*voice*.whl", Fault(hold=hold))
    run_pyscript.environ["PYSCRIPT_TIMEOUT"] = "300"
    slow = run_pyscript.start(write_script("print('slow')", "voice", name="slow.py"))
    hold.wait_until_asked()
    assert run_pyscript(write_script("print('quick')", "greet", name="quick.py")).stdout == "quick\n"
    assert slow.poll() is None, "it was to be still at it"
    hold.release()
    assert slow.communicate(timeout=60)[0] == "slow\n"


# Growing pauses walk a kill through all of a preparation: start, resolution, download, unpacking, composing, launch.
@pytest.mark.parametrize("seed", range(4))
def test_a_launch_killed_anywhere_leaves_a_cache_that_works(
    seed: int, stocked: IndexServer, run_pyscript: Program, write_script: WriteScript, cache_dir: Path
) -> None:
    files = {f"many/m{number}.py": b"x = 1\n" * 50 for number in range(200)}
    stocked.add(Wheel("many", files={"many/__init__.py": b"", **files}, requires=("speak",)))
    script = write_script("import many.m199, speak, voice; print(speak.__version__)", "many")
    for step in range(12):
        launch = run_pyscript.start(script)
        time.sleep(0.05 + 0.06 * step + 0.015 * seed)
        launch.kill()
        launch.communicate()
    done = run_pyscript(script)
    assert (done.returncode, done.stdout) == (0, "2.0\n"), done.stderr


def start_and_hold_a_download(
    stocked: IndexServer, run_pyscript: Program, write_script: WriteScript
) -> subprocess.Popen[str]:
    """Start a launch whose one wheel has come and whose other one is kept back."""
    hold = Hold()
    stocked.fail("*voice*.whl", Fault(hold=hold))
    launch = run_pyscript.start(write_script("", "speak"), env={"PYSCRIPT_TIMEOUT": "300"})
    hold.wait_until_asked()
    while not stocked.paths("*speak*.whl"):
        time.sleep(0.01)
    return launch


def test_an_interrupt_ends_quietly_and_cleans_up(
    stocked: IndexServer, run_pyscript: Program, write_script: WriteScript, cache_dir: Path
) -> None:
    launch = start_and_hold_a_download(stocked, run_pyscript, write_script)
    launch.send_signal(signal.SIGINT)
    _, error = launch.communicate(timeout=Hold.LONGEST_S / 2)  # it does not wait for the download
    assert launch.returncode == -signal.SIGINT
    assert "Traceback" not in error
    assert os.listdir(cache_dir / "tmp") == []


def test_the_process_is_the_script(run_pyscript: Program, write_script: WriteScript) -> None:
    script = write_script("import os, time; print(os.getpid(), flush=True); time.sleep(60)")
    run_pyscript("-c", "0")
    for _ in range(2):
        launch = run_pyscript.start(script)
        assert launch.stdout is not None
        assert int(launch.stdout.readline()) == launch.pid
        launch.send_signal(signal.SIGTERM)
        assert launch.wait(timeout=20) == -signal.SIGTERM


EVIL = "open({marker!r}, 'w').close(); raise SystemExit('hijacked')\n"
NAMES = (
    *("launcher", "packaging", "os", "tomli", "filelock"),
    *("site", "json", "sitecustomize", "usercustomize", "posixpath"),
)


@pytest.mark.parametrize("where", ["beside the script", "PYTHONPATH", "PYTHONSTARTUP and PYTHONHOME"])
def test_the_launchers_own_imports_cannot_be_replaced(
    where: str, stocked: IndexServer, run_pyscript: Program, write_script: WriteScript, tmp_path: Path
) -> None:
    marker, evil = tmp_path / "hijacked", tmp_path / "evil"
    evil.mkdir()
    for name in NAMES:
        (evil / f"{name}.py").write_text(EVIL.format(marker=str(marker)))
    script = write_script("print('ran')", "speak")
    environ: dict[str, str | None] = {}
    if where == "PYTHONPATH":
        environ["PYTHONPATH"] = str(evil)
    elif where != "beside the script":
        environ |= {"PYTHONSTARTUP": str(evil / "os.py"), "PYTHONHOME": str(evil)}
    # A program of ours, not Python, is the target: so that nobody but the launcher could import anything.
    (tmp_path / "program").mkdir()
    program = tmp_path / "program" / "witness"
    program.write_text("#!/bin/sh\necho ran\n")
    program.chmod(0o755)
    environ["PATH"] = f"{program.parent}{os.pathsep}{run_pyscript.environ['PATH']}"
    done = run_pyscript("--with", "speak", "witness", env=environ, cwd=evil)
    assert done.stdout == "ran\n", done.stderr
    assert not marker.exists()
    if where == "beside the script":
        target = evil / "x.py"
        target.write_text(script.read_text())
        for name in NAMES[:2]:
            assert (evil / f"{name}.py").exists()
        for name in ("os", "site", "json", "posixpath", "sitecustomize", "usercustomize"):
            (evil / f"{name}.py").unlink()
        assert run_pyscript(target, cwd=evil).stdout == "ran\n"
        assert not marker.exists()


def test_a_full_disk_is_told_and_leaves_nothing_half_written(
    stocked: IndexServer, run_pyscript: Program, write_script: WriteScript, tmp_path: Path
) -> None:
    small = tmp_path / "small"
    small.mkdir()
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=300k,mode=700", "tmpfs", small], capture_output=True, check=False
    )
    if mounted.returncode != 0:
        pytest.skip("only root can mount a small disk")
    try:
        stocked.add(Wheel("big", files={"big.py": os.urandom(400_000)}))
        script = write_script("import big", "big")
        done = run_pyscript(script, env={"PYSCRIPT_CACHE_DIR": str(small)})
        assert done.returncode == 1
        assert "No space left on device" in done.stderr
        assert "Traceback" not in done.stderr, done.stderr
        assert list((small / "tmp").iterdir()) == []
        assert not list(small.glob("wheels-v1/*"))
        good = write_script("print('runs')", "greet", name="good.py")
        assert run_pyscript(good, env={"PYSCRIPT_CACHE_DIR": str(small)}).stdout == "runs\n"
    finally:
        subprocess.run(["umount", small], check=True)


def test_a_damaged_cache_is_mended(
    stocked: IndexServer, run_pyscript: Program, write_script: WriteScript, cache_dir: Path
) -> None:
    script = write_script("import speak; print(speak.__version__)", "speak")
    run_pyscript(script)
    for bucket in ("index-v1", "metadata-v1", "interpreters-v1", "resolutions-v1", "launch-v1"):
        files = [path for path in (cache_dir / bucket).rglob("*") if path.is_file()]
        assert files, bucket
        for path in files:
            path.write_bytes(b"\0garbage" if path.stat().st_size % 2 else b"")
        done = run_pyscript(script)
        assert (done.returncode, done.stdout) == (0, "2.0\n"), (bucket, done.stderr)


def test_a_removed_interpreter_link_makes_the_environment_anew(
    stocked: IndexServer, run_pyscript: Program, write_script: WriteScript, cache_dir: Path
) -> None:
    script = write_script("import speak; print(speak.__version__)", "speak")
    run_pyscript(script)
    (environment,) = (cache_dir / "environments-v1").iterdir()
    (environment / "bin" / "python").unlink()
    done = run_pyscript(script)
    assert (done.returncode, done.stdout) == (0, "2.0\n"), done.stderr


def test_hashes_that_differ_are_refused_and_nothing_runs(
    stocked: IndexServer, run_pyscript: Program, write_script: WriteScript, cache_dir: Path
) -> None:
    stocked.fail("*greet*.whl", Fault(content=package("greet", "1.0", ("evil",)).content))
    done = run_pyscript(write_script("print('ran')", "greet"))
    assert (done.returncode, done.stdout) == (1, "")
    assert "greet" in done.stderr
    assert "Traceback" not in done.stderr, done.stderr
    assert not list(cache_dir.glob("wheels-v1/*"))
    assert not list(cache_dir.glob("environments-v1/*"))


def test_launches_that_share_an_environment_do_not_destroy_it_for_each_other(
    stocked: IndexServer, run_pyscript: Program, write_script: WriteScript, cache_dir: Path
) -> None:
    parts = [Wheel(f"part-{n}", files={f"shared/part{n}.py": b"", f"shared/deep/{n}.py": b""}) for n in range(40)]
    stocked.add(Wheel("all-parts", files={}, requires=tuple(part.name for part in parts)), *parts)
    scripts = [write_script("import shared.part39", f"all-parts>=0.{n}", name=f"x{n}.py") for n in range(12)]
    for script in scripts:
        assert run_pyscript(script).returncode == 0
    for _ in range(2):
        subprocess.run(["rm", "-rf", cache_dir / "environments-v1", cache_dir / "launch-v1"], check=True)
        launches = [run_pyscript.start(script) for script in scripts]
        errors = [launch.communicate(timeout=120)[1] for launch in launches]
        assert [launch.returncode for launch in launches] == [0] * len(scripts), errors


def test_the_environment_about_to_be_launched_is_not_collected(
    stocked: IndexServer, run_pyscript: Program, write_script: WriteScript, cache_dir: Path
) -> None:
    run_pyscript(write_script("", "speak"))
    ballast = cache_dir / "http-v1" / "ballast"
    ballast.parent.mkdir()
    with ballast.open("wb") as stream:
        os.posix_fallocate(stream.fileno(), 0, 5_500_000_000)
    os.utime(cache_dir / "collected", (1, 1))
    done = run_pyscript("--with", "greet", "greet")
    assert (done.returncode, done.stdout) == (0, "greet 1.0\n"), done.stderr


def test_a_request_to_end_shows_the_cursor_and_cleans_up(
    stocked: IndexServer, run_pyscript: Program, write_script: WriteScript, cache_dir: Path
) -> None:
    launch = start_and_hold_a_download(stocked, run_pyscript, write_script)
    launch.terminate()
    _, error = launch.communicate(timeout=Hold.LONGEST_S / 2)
    assert (launch.returncode, error) == (-signal.SIGTERM, "")
    assert os.listdir(cache_dir / "tmp") == []


@pytest.mark.parametrize("delay_ms", [5, 20, 40, 60, 90, 130, 180, 240])
def test_an_early_interrupt_leaves_no_traceback(
    delay_ms: int, run_pyscript: Program, write_script: WriteScript
) -> None:
    launch = run_pyscript.start("--refresh", write_script("import time; time.sleep(10)", name="sleeps.sh"))
    time.sleep(delay_ms / 1000)
    launch.send_signal(signal.SIGINT)
    _, error = launch.communicate(timeout=60)
    # Before the first line of main() and after the script's Python has started, the interrupt is Python's own affair,
    # and so is what it prints; in between it ends the process and nothing is said.
    assert launch.returncode == -signal.SIGINT or "KeyboardInterrupt" in error
    assert "launcher/cli" not in error
    assert "launcher/launch" not in error
    assert "in main" not in error


def test_a_directory_that_is_gone_is_told(run_pyscript: Program, write_script: WriteScript, tmp_path: Path) -> None:
    script = write_script()
    gone = tmp_path / "gone"
    line = f'mkdir "{gone}" && cd "{gone}" && rmdir "{gone}" && exec pyscript "$@"'
    for arguments, code in (([str(script)], 2), (["--version"], 0), (["cache", "dir"], 0)):
        done = run_line(run_pyscript, line, *arguments)
        assert done.returncode == code, done.stderr
        assert "Traceback" not in done.stderr


def test_output_that_cannot_be_written_is_an_error(run_pyscript: Program) -> None:
    for redirection, code in ((">&-", 0), (">/dev/full", 1)):
        done = run_line(run_pyscript, f"pyscript cache dir {redirection}")
        assert done.returncode == code, done.stderr
        assert "Traceback" not in done.stderr
        assert "Exception ignored" not in done.stderr


@pytest.mark.parametrize(
    "dependency",
    [
        "a>=" + "9" * 5000,
        "a; " + "(" * 3000 + "python_version>'3'" + ")" * 3000,
        "x @ http://[::1/x.whl",
        "x @ file:///a\\u0000/x.whl",
    ],
)
def test_hostile_metadata_gets_an_error_and_no_traceback(
    dependency: str, stocked: IndexServer, run_pyscript: Program, write_script: WriteScript
) -> None:
    script = write_script("print('ran')", block=f'dependencies = ["{dependency}"]')
    done = run_pyscript(script)
    assert done.returncode != 0
    assert done.stdout == ""
    assert "Traceback" not in done.stderr
    assert done.stderr.startswith("error: ")
