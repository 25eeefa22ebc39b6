"""Asking an interpreter, and its answer.

The interpreter runs once, isolated and without its ``site`` (``-I -S``), so neither the current directory nor an
installed package has a say in what it answers. The one that runs already answers without being started again.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from threading import Thread
from typing import IO, TypedDict, cast

from launcher.python import question
from launcher.value import Value

_TIMEOUT_S = 10.0
_OUTPUT_LIMIT_BYTES = 1_000_000
"""An answer has 3 kB; a program that is not Python may print for ever."""
_START, _END = "<pyscript-answer>", "</pyscript-answer>"


class Answer(TypedDict):
    """What an interpreter answered; `paths` as in `launcher.python.query.Interpreter`."""

    self: str  # the executable as it calls itself: a venv's Python, the real file behind a shim
    executable: str  # the base interpreter
    version: str  # as platform.python_version says it, and vendors spell it
    release: str  # its three numbers
    implementation: str
    free_threaded: bool
    debug: bool
    is_64bit: bool
    markers: dict[str, str]
    paths: dict[str, str]
    glibc: str  # "2.36", or "" where the C library is another one
    musl: str  # "1.2", or ""
    macos: list[str]  # version and architecture, or nothing
    elf_header: str  # the first 52 bytes of the executable in hexadecimal


class Refusal(Value):
    """Why there is no answer; `is_lasting` where the same file would refuse again."""

    reason: str
    is_lasting: bool


def ask(executable: str, timeout_s: float = _TIMEOUT_S) -> Answer | Refusal:
    """Run `executable` once and return what it says of itself.

    It may be anything: broken, slow, noisy, not a Python at all.
    """
    if _runs_this_process(executable):
        # The same in 4 ms that takes 33 ms of processor time in another process, while which nothing else can be done.
        return cast("Answer", question.answer())
    answer = _ask_once(executable, ["-I", "-S"], timeout_s)
    if isinstance(answer, Refusal) and "unknown option" in answer.reason.lower():
        # Python 2 has no -I; being told "2.7.18" is of more use than its usage text.
        answer = _ask_once(executable, ["-E", "-s", "-S"], timeout_s)
    return answer


def _runs_this_process(executable: str) -> bool:
    """Tell whether `executable` is what we run on, isolated as the one that is asked would be.

    Not where it has another file since we were started, nor for a wrapper around it, which may set variables. Elsewhere
    than on Linux an executable may start another one, as on Windows in a venv, and a variable decides about macOS'
    version.
    """
    if sys.platform != "linux" or not sys.flags.isolated or executable != os.path.abspath(sys.executable):
        return False
    try:
        return os.path.samefile("/proc/self/exe", executable)
    except OSError:
        return False


def _ask_once(executable: str, options: list[str], timeout_s: float) -> Answer | Refusal:
    try:
        process = subprocess.Popen(
            [executable, *options, "-c", _question()],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            env=_environment(),
            # A shim has children that hold the pipe: they are stopped as one group.
            start_new_session=sys.platform != "win32",
        )
    except OSError as error:
        return Refusal(f"it cannot be run ({error.strerror or error})", is_lasting=False)
    except ValueError as error:
        return Refusal(f"it cannot be run ({error})", is_lasting=False)
    assert process.stdout is not None
    chunks: list[bytes] = []
    reader = Thread(target=_read, args=(process.stdout, chunks), daemon=True)
    try:
        reader.start()
        reader.join(timeout_s)
        if reader.is_alive():
            return Refusal(f"it did not answer within {timeout_s:g} s", is_lasting=False)
        status = process.wait(1.0) if sum(map(len, chunks)) <= _OUTPUT_LIMIT_BYTES else None
    except subprocess.TimeoutExpired:
        return Refusal("it answered and then did not end", is_lasting=False)
    finally:
        _stop(process, reader)
    return _read_answer(b"".join(chunks).decode("utf-8", "replace"), status)


def _question() -> str:
    with open(question.__file__, encoding="ascii") as stream:
        return stream.read()


def _environment() -> dict[str, str]:
    environment = dict(os.environ)
    # Left by a macOS framework Python for its own children; it would make this one take itself for another.
    environment.pop("__PYVENV_LAUNCHER__", None)
    if sys.platform == "darwin":
        # Pythons built against an old SDK otherwise take every macOS for 10.16.
        environment["SYSTEM_VERSION_COMPAT"] = "0"
    return environment


def _read(stream: IO[bytes], chunks: list[bytes]) -> None:
    count_bytes = 0
    while count_bytes <= _OUTPUT_LIMIT_BYTES:
        try:
            chunk = os.read(stream.fileno(), 65536)
        except (OSError, ValueError):
            return
        if not chunk:
            return
        count_bytes += len(chunk)
        chunks.append(chunk)


def _stop(process: subprocess.Popen[bytes], reader: Thread) -> None:
    """End the process with all it started; do nothing where everything has ended."""
    if process.poll() is None or reader.is_alive():
        if sys.platform != "win32":
            try:
                os.killpg(process.pid, signal.SIGKILL)
            except OSError:
                process.kill()
        else:
            process.kill()
        process.wait()
    reader.join(1.0)
    # Closing a stream that another thread still reads would wait for that thread.
    if process.stdout is not None and not reader.is_alive():
        process.stdout.close()


def _read_answer(output: str, status: int | None) -> Answer | Refusal:
    before, start, rest = output.rpartition(_START)
    text, end, _ = rest.partition(_END)
    if start and end:
        try:
            answer = json.loads(text)
        except ValueError:
            return Refusal("its answer is garbled", is_lasting=False)
        # What is missing would fail later, far from the cause.
        if isinstance(answer, dict) and answer.keys() == Answer.__annotations__.keys():
            return cast("Answer", answer)
        return Refusal("its answer is incomplete", is_lasting=False)
    if status is None:
        return Refusal("it prints without end, which no Python does", is_lasting=True)
    lines = [line.strip() for line in (before or output).splitlines() if line.strip()]
    if status != 0:
        # A shim or a shell says first what is wrong; a traceback says it last.
        said = next((line for line in lines if "unknown option" in line.lower()), None) or _telling_line(lines)
        return Refusal(f"it ended with status {status}" + (f" ({said})" if said else ""), is_lasting=status > 0)
    return Refusal(f"it printed `{lines[0][:80]}`" if lines else "it printed nothing", is_lasting=True)


def _telling_line(lines: list[str]) -> str:
    if not lines:
        return ""
    return (lines[-1] if lines[0].startswith(("Traceback", "File ")) else lines[0])[:160]
