"""The question an interpreter is asked, and its answer.

The interpreter runs once, isolated and without its ``site`` (``-I -S``), so neither the current directory nor an
installed package has a say in what it answers.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from dataclasses import dataclass
from threading import Thread
from typing import IO, TypedDict, cast

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


@dataclass(frozen=True, slots=True)
class Refusal:
    """Why there is no answer; `is_lasting` where the same file would refuse again."""

    reason: str
    is_lasting: bool


def ask(executable: str, timeout_s: float = _TIMEOUT_S) -> Answer | Refusal:
    """Run `executable` once and return what it says of itself.

    It may be anything: broken, slow, noisy, not a Python at all.
    """
    answer = _ask_once(executable, ["-I", "-S"], timeout_s)
    if isinstance(answer, Refusal) and "unknown option" in answer.reason.lower():
        # Python 2 has no -I; being told "2.7.18" is of more use than its usage text.
        answer = _ask_once(executable, ["-E", "-s", "-S"], timeout_s)
    return answer


def _ask_once(executable: str, options: list[str], timeout_s: float) -> Answer | Refusal:
    try:
        process = subprocess.Popen(
            [executable, *options, "-c", _QUESTION],
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


_QUESTION = (
    r"""
import binascii, json, os, platform, sys, sysconfig

info = sys.version_info
short = "%d.%d" % info[:2]
implementation = getattr(sys, "implementation", None)
name = implementation.name if implementation else platform.python_implementation().lower()
config = sysconfig.get_config_var
free_threaded = bool(config("Py_GIL_DISABLED"))
debug = bool(config("Py_DEBUG")) or (config("Py_DEBUG") is None and hasattr(sys, "gettotalrefcount"))
windows = os.name == "nt"
base_prefix = getattr(sys, "base_prefix", None) or getattr(sys, "real_prefix", None) or sys.prefix
stem = name if name in ("pypy", "graalpy") else "python"
suffix = ".exe" if windows else ""
names = [stem + version + suffix for version in (short + "t" * free_threaded, short, "3", "")]

# PEP 508, as packaging.markers.default_environment.
def format_version(version):
    text = "%d.%d.%d" % tuple(version[:3])
    return text if version[3] == "final" else text + version[3][0] + str(version[4])

full = platform.python_version()
full += "local" * full.endswith("+")
markers = {
    "implementation_name": name,
    "implementation_version": format_version(implementation.version if implementation else info),
    "os_name": os.name,
    "platform_machine": platform.machine(),
    "platform_release": platform.release(),
    "platform_system": platform.system(),
    "platform_version": platform.version(),
    "python_full_version": full,
    "platform_python_implementation": platform.python_implementation(),
    "python_version": ".".join(platform.python_version_tuple()[:2]),
    "sys_platform": sys.platform,
}

# PEP 405. Without site, and before 3.11 on POSIX in any case, Python does not say that it runs in a venv.
def outside_venv(executable):
    directory = os.path.dirname(executable)
    for root in (directory, os.path.dirname(directory)):
        try:
            with open(os.path.join(root, "pyvenv.cfg")) as stream:
                lines = [line.partition("=") for line in stream]
        except (IOError, UnicodeError):
            continue
        home = [value.strip() for key, _, value in lines if key.strip().lower() == "home"]
        real = os.path.realpath(executable)
        if not real.startswith(os.path.realpath(root) + os.sep):
            return real
        for candidate in [os.path.join(home[0], each) for each in names] if home else []:
            if os.path.isfile(candidate):
                return candidate
    return executable

executable = getattr(sys, "_base_executable", None) or sys.executable
for _ in range(4):
    executable = outside_venv(executable)
# The name inside the prefix survives upgrades that a real path (a Homebrew cellar's) does not, and unlike a link from
# elsewhere (~/bin/python3) it lets an environment find the standard library.
real = os.path.normcase(os.path.realpath(executable))
executable = os.path.realpath(executable)
for each in names + [os.path.basename(executable)]:
    candidate = os.path.join(base_prefix, each) if windows else os.path.join(base_prefix, "bin", each)
    if os.path.isfile(candidate) and os.path.normcase(os.path.realpath(candidate)) == real:
        executable = os.path.abspath(candidate)
        break

# Debian and Fedora patch the default schemes; "venv" (3.11) is what the layout inside an environment is by definition.
scheme = "venv" if "venv" in sysconfig.get_scheme_names() else "nt" if windows else "posix_prefix"
inside = dict.fromkeys(("base", "platbase", "installed_base", "installed_platbase"), "@")

def relative(kind):
    return sysconfig.get_path(kind, scheme, dict(inside)).replace(os.sep, "/").partition("@/")[2]

purelib = relative("purelib")
paths = {
    "home": os.path.dirname(executable),
    "executable_name": os.path.basename(executable),
    "prefix": os.path.abspath(base_prefix),
    "stdlib": os.path.dirname(os.path.abspath(os.__file__)),
    "platlibdir": getattr(sys, "platlibdir", "lib"),
    "purelib": purelib,
    "platlib": relative("platlib"),
    "scripts": relative("scripts"),
    # Not sysconfig's, which is the base interpreter's: pip and virtualenv put a distribution's headers here.
    "include": "include/site/python" + short,
    "python_lib": stem + short + "t" * free_threaded if windows else purelib.split("/")[-2],
    "soabi": config("SOABI") or "",
    "ext_suffix": config("EXT_SUFFIX") or config("SO") or "",
    "platform": sysconfig.get_platform(),
}

try:
    glibc = (os.confstr("CS_GNU_LIBC_VERSION") or "").rpartition(" ")[2]
except (AttributeError, OSError, ValueError):
    glibc = ""

# PEP 656: the loader says its version when it is run without arguments.
musl = ""
if sys.platform.startswith("linux") and not glibc:
    try:
        import subprocess
        with open("/proc/self/maps") as stream:
            loaders = [line.split()[-1] for line in stream if "/ld-musl-" in line]
        said = subprocess.Popen(loaders[:1], stderr=subprocess.PIPE).communicate()[1].decode("ascii", "replace")
        musl = said.partition("Version ")[2].split()[0]
    except (IndexError, IOError, OSError, ValueError):
        pass

try:
    with open(sys.executable, "rb") as stream:
        elf_header = binascii.hexlify(stream.read(52)).decode("ascii")
except (IOError, OSError):
    elf_header = ""

answer = {
    "self": sys.executable,
    "executable": executable,
    "version": full,
    "release": "%d.%d.%d" % info[:3],
    "implementation": name,
    "free_threaded": free_threaded,
    "debug": debug,
    "is_64bit": sys.maxsize > 2 ** 32,
    "markers": markers,
    "paths": paths,
    "glibc": glibc,
    "musl": musl,
    "macos": [platform.mac_ver()[0], platform.mac_ver()[2]] if sys.platform == "darwin" else [],
    "elf_header": elf_header,
}
"""
    f'sys.stdout.write("{_START}" + json.dumps(answer) + "{_END}\\n")\n'
)
