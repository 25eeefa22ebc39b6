"""What this machine and its Python are, whether a bundle runs there, and which other Python here it would run on.

Python 2.7 reads it, and so may whatever is called python on a machine.
"""

import json
import os
import platform
import subprocess
import sys

_ASK = "import sys; sys.path.insert(0, sys.argv[1]); from pyscript_bundle import machine; machine.say()"
_LONGEST_WAIT_S = 10
_PLAIN_MACHINES = {"amd64": "x86_64", "arm64": "aarch64", "x64": "x86_64"}
_32_BIT = {"x86_64": "i686", "aarch64": "armv8l"}


def facts():
    """Return what decides whether a bundle runs here."""
    system = "linux" if sys.platform.startswith("linux") else sys.platform
    machine = platform.machine().lower()
    machine = _PLAIN_MACHINES.get(machine, machine)
    if sys.maxsize < 2**32:
        machine = _32_BIT.get(machine, machine)
    return {
        "python": list(sys.version_info[:3]),
        "implementation": platform.python_implementation().lower(),
        "free-threaded": "t" in getattr(sys, "abiflags", "") or "free-threading" in sys.version,
        "system": system,
        "machine": machine,
        "libc": _libc(system),
    }


def say():
    """Print the facts for another Python that asks."""
    sys.stdout.write("<facts>%s</facts>" % json.dumps(facts()))


def choose(content, known):
    """Return the first target of a bundle's manifest that runs where these are the facts, or None."""
    return next((target for target in content["targets"] if _runs(target, known)), None)


def find_other(bundle, content):
    """Return the path of another Python on PATH that the bundle runs on, or None."""
    for found in _others(content):
        known = _asked(found, bundle)
        if known and choose(content, known):
            return found
    return None


def _runs(target, known):
    version = tuple(known["python"])
    minimum = [tuple(each) for each in target["pythons"]]
    is_listed = any(each[:2] == version[:2] and each <= version for each in minimum)
    if not is_listed and not (target["newer"] and version[:2] > max(minimum)[:2]):
        return False
    for what in ("implementation", "free-threaded", "system", "machine"):
        if target[what] is not None and target[what] != known[what]:
            return False
    libc = target["libc"]
    return not libc or (libc[:1] == known["libc"][:1] and libc[1:] <= known["libc"][1:])


def _libc(system):
    """Return the name and version of what wheels with native code ask for: the C library's, or the system's."""
    if system == "darwin":
        return ["macos"] + _numbers(platform.mac_ver()[0])
    if sys.platform == "win32" or system != "linux":
        return []
    try:
        name, _, version = (os.confstr("CS_GNU_LIBC_VERSION") or "").partition(" ")
    except (AttributeError, OSError, ValueError):
        name = version = ""
    if name == "glibc":
        return ["glibc"] + _numbers(version)
    try:
        loader = next(name for name in sorted(os.listdir("/lib")) if name.startswith("ld-musl-"))
        # Without arguments it says its version and fails (PEP 656).
        said = subprocess.Popen(["/lib/" + loader], stderr=subprocess.PIPE).communicate()[1].decode("ascii", "replace")
        return ["musl"] + _numbers(said.partition("Version ")[2].split()[0])
    except (StopIteration, OSError, IndexError):
        return []


def _numbers(version):
    digits = [part for part in version.split(".")[:2] if part.isdigit()]
    return [int(part) for part in digits] or [0]


def _others(content):
    """Yield the Pythons on PATH that may do, the newest version first."""
    versions = sorted({tuple(each[:2]) for target in content["targets"] for each in target["pythons"]}, reverse=True)
    names = ["python%d.%d" % version for version in versions] + ["python3", "python"]
    if any(target["implementation"] in (None, "pypy") for target in content["targets"]):
        names.append("pypy3")
    seen = {os.path.realpath(sys.executable or "")}
    ending = ".exe" if os.name == "nt" else ""
    for name in names:
        for directory in os.environ.get("PATH", os.defpath).split(os.pathsep):
            path = os.path.join(directory, name + ending)
            if os.path.isabs(directory) and os.access(path, os.X_OK) and os.path.isfile(path):
                if os.path.realpath(path) not in seen:
                    seen.add(os.path.realpath(path))
                    yield path


def _asked(python, bundle):
    """Return the facts of another Python; None where it is none, such as a shim of one that is not installed."""
    try:
        # A deadline for whatever else is called python; Python 2 knows none.
        deadline = [_LONGEST_WAIT_S] if sys.version_info >= (3, 3) else []
        process = subprocess.Popen([python, "-I", "-c", _ASK, bundle], stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        try:
            said = process.communicate(None, *deadline)[0].decode("utf-8", "replace")
        except BaseException:
            process.kill()
            raise
        return json.loads(said.partition("<facts>")[2].partition("</facts>")[0])
    except KeyboardInterrupt:
        raise
    except Exception:
        return None
