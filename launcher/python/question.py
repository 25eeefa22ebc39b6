"""What an interpreter is asked: it says of itself what environments and resolutions depend on.

A program for every Python from 2.7 on, old ones included, so that a message can name them; `launcher.python.answer`
hands its text to interpreters, and calls `answer` where the one that is asked is the one that runs.
"""

import binascii
import os
import platform
import sys
import sysconfig

_WINDOWS = os.name == "nt"
_SHORT = "%d.%d" % sys.version_info[:2]
_IMPLEMENTATION = getattr(sys, "implementation", None)
_NAME = _IMPLEMENTATION.name if _IMPLEMENTATION else platform.python_implementation().lower()
_STEM = _NAME if _NAME in ("pypy", "graalpy") else "python"


def answer():  # type: () -> dict[str, object]
    """Return what `launcher.python.answer.Answer` describes."""
    full = platform.python_version()
    full += "local" * full.endswith("+")
    glibc = _glibc()
    base_prefix = os.path.abspath(getattr(sys, "base_prefix", None) or getattr(sys, "real_prefix", None) or sys.prefix)
    free_threaded = bool(sysconfig.get_config_var("Py_GIL_DISABLED"))
    debug = sysconfig.get_config_var("Py_DEBUG")
    names = [_STEM + version + ".exe" * _WINDOWS for version in (_SHORT + "t" * free_threaded, _SHORT, "3", "")]
    executable = _base_executable(base_prefix, names)
    return {
        "self": sys.executable,
        "executable": executable,
        "version": full,
        "release": "%d.%d.%d" % sys.version_info[:3],
        "implementation": _NAME,
        "free_threaded": free_threaded,
        "debug": bool(debug) or (debug is None and hasattr(sys, "gettotalrefcount")),
        "is_64bit": sys.maxsize > 2**32,
        "markers": _markers(full),
        "paths": _paths(executable, base_prefix, free_threaded),
        "glibc": glibc,
        "musl": "" if glibc else _musl(),
        "macos": [platform.mac_ver()[0], platform.mac_ver()[2]] if sys.platform == "darwin" else [],
        "elf_header": _elf_header(),
    }


def _markers(full):
    """Return the environment of PEP 508, as `packaging.markers.default_environment` does."""
    return {
        "implementation_name": _NAME,
        "implementation_version": _formatted(_IMPLEMENTATION.version if _IMPLEMENTATION else sys.version_info),
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


def _formatted(version):
    text = "%d.%d.%d" % tuple(version[:3])
    return text if version[3] == "final" else text + version[3][0] + str(version[4])


def _base_executable(base_prefix, names):
    executable = getattr(sys, "_base_executable", None) or sys.executable
    for _ in range(4):
        executable = _outside_venv(executable, names)
    # The name inside the prefix survives upgrades that a real path (a Homebrew cellar's) does not, and unlike a link
    # from elsewhere (~/bin/python3) it lets an environment find the standard library.
    executable = os.path.realpath(executable)
    real = os.path.normcase(executable)
    names.append(os.path.basename(executable))
    for each in names:
        candidate = os.path.join(base_prefix, each) if _WINDOWS else os.path.join(base_prefix, "bin", each)
        if os.path.isfile(candidate) and os.path.normcase(os.path.realpath(candidate)) == real:
            return os.path.abspath(candidate)
    return executable


def _outside_venv(executable, names):
    """Return what the executable of a venv (PEP 405) stands for, and any other as it is.

    Without site, and before 3.11 on POSIX in any case, Python does not say that it runs in a venv.
    """
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


def _paths(executable, base_prefix, free_threaded):
    """Return the paths that `launcher.python.query.Interpreter` describes."""
    # Debian and Fedora patch the default schemes; "venv" (3.11) is what the layout inside an environment is by
    # definition.
    scheme = "venv" if "venv" in sysconfig.get_scheme_names() else "nt" if _WINDOWS else "posix_prefix"
    inside = dict.fromkeys(("base", "platbase", "installed_base", "installed_platbase"), "@")

    def relative(kind):
        return sysconfig.get_path(kind, scheme, dict(inside)).replace(os.sep, "/").partition("@/")[2]

    config = sysconfig.get_config_var
    purelib = relative("purelib")
    return {
        "home": os.path.dirname(executable),
        "executable_name": os.path.basename(executable),
        "prefix": base_prefix,
        "stdlib": os.path.dirname(os.path.abspath(os.__file__)),
        "platlibdir": getattr(sys, "platlibdir", "lib"),
        "purelib": purelib,
        "platlib": relative("platlib"),
        "scripts": relative("scripts"),
        # Not sysconfig's, which is the base interpreter's: pip and virtualenv put a distribution's headers here.
        "include": "include/site/python" + _SHORT,
        "python_lib": _STEM + _SHORT + "t" * free_threaded if _WINDOWS else purelib.split("/")[-2],
        "soabi": config("SOABI") or "",
        "ext_suffix": config("EXT_SUFFIX") or config("SO") or "",
        "platform": sysconfig.get_platform(),
    }


def _glibc():
    if sys.platform == "win32":
        return ""
    try:
        return (os.confstr("CS_GNU_LIBC_VERSION") or "").rpartition(" ")[2]
    except (AttributeError, OSError, ValueError):
        return ""


def _musl():
    """Return the version that the loader says when it is run without arguments (PEP 656)."""
    if not sys.platform.startswith("linux"):
        return ""
    try:
        import subprocess  # noqa: PLC0415

        with open("/proc/self/maps") as stream:
            loaders = [line.split()[-1] for line in stream if "/ld-musl-" in line]
        said = subprocess.Popen(loaders[:1], stderr=subprocess.PIPE).communicate()[1].decode("ascii", "replace")
        return said.partition("Version ")[2].split()[0]
    except (IndexError, IOError, OSError, ValueError):
        return ""


def _elf_header():
    try:
        with open(sys.executable, "rb") as stream:
            return binascii.hexlify(stream.read(52)).decode("ascii")
    except (IOError, OSError):
        return ""


if __name__ == "__main__":
    import json

    sys.stdout.write("<pyscript-answer>" + json.dumps(answer()) + "</pyscript-answer>\n")
