"""The first start of a bundle on an interpreter: unpack it, or go to one that it runs on.

Python 2.7 reads it, as it does `machine`; what it would not understand is imported when it is known to be newer.
"""

import os
import sys

_TRIED = "PYSCRIPT_BUNDLE"
_SYSTEMS = {"linux": "Linux", "darwin": "macOS", "win32": "Windows"}


def make(bundle, digest, root, names, executable):
    """Return where the bundle is unpacked now: as the last of `names` in the cache at `root`, if that can be.

    That is for the interpreter `executable`; an environment that pyscript made is called by the first. Where it does
    not run on this Python, become one that it runs on, or end with a message.
    """
    above = os.path.join(root, "bundles-v1", digest) if root else ""
    note = os.path.join(above, names[-1] + ".elsewhere") if root else None
    other = _noted(note) if note and os.environ.get(_TRIED) != digest else None
    if other:
        _go(other, digest)
    from pyscript_bundle import machine

    manifest, content = _read(bundle)
    target = machine.choose(content, machine.facts()) if sys.version_info >= (3, 8) else None
    if target is None:
        if os.environ.get(_TRIED) != digest:
            other = machine.find_other(bundle, content)
            if other:
                _keep(note, other)
                _go(other, digest)
        sys.exit(_complaint(bundle, content, machine.facts()))
    from pyscript_bundle import unpack

    opened = unpack.Bundle(bundle, digest, manifest, target)
    try:
        if root and os.path.isfile(os.path.join(above, names[0] + ".environment")):
            return unpack.unpack_script(opened, root, names[0])
        return unpack.unpack(opened, executable, root, names[-1])
    except unpack.Damaged as error:
        sys.exit("%s is damaged: %s. Nothing of it was run; get it again." % (bundle, error))
    finally:
        for each in [each for each in sys.modules if each.partition(".")[0] == "pyscript_bundle"]:
            del sys.modules[each]


def _read(bundle):
    """Return the manifest, as it is written and as it reads."""
    import json
    import zipfile

    try:
        with zipfile.ZipFile(bundle) as archive:
            manifest = archive.read("bundle.json")
        return manifest, json.loads(manifest.decode("utf-8"))
    except (EnvironmentError, KeyError, ValueError, RuntimeError, zipfile.BadZipfile) as error:
        sys.exit("%s cannot be read: %s. Get it again." % (bundle, error))


# Another Python


def _go(python, digest):
    """Become another Python; returns where that cannot be started."""
    import subprocess

    arguments = [python]
    if sys.version_info >= (3, 8):
        arguments += getattr(subprocess, "_args_from_interpreter_flags", list)()
    arguments += sys.argv
    os.environ[_TRIED] = digest
    try:
        if os.name == "nt":
            sys.exit(subprocess.call(arguments))
        sys.stdout.flush()
        os.execv(python, arguments)
    except EnvironmentError:
        del os.environ[_TRIED]


def _noted(note):
    """Return the Python that an earlier start has found, if it is still the same."""
    try:
        with open(note, "rb") as stream:
            found = os.fstat(stream.fileno())
            python, stamp = stream.read().decode("utf-8", "surrogateescape").split("\n")
        is_ours = sys.platform == "win32" or (found.st_uid in (0, os.geteuid()) and not found.st_mode & 0o022)
        return python if is_ours and stamp == _stamp(python) else None
    except (EnvironmentError, ValueError):
        return None


def _keep(note, python):
    try:
        if note:
            if not os.path.isdir(os.path.dirname(note)):
                os.makedirs(os.path.dirname(note), 0o700)
            half = "%s.%d" % (note, os.getpid())
            with os.fdopen(os.open(half, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as stream:
                stream.write(("%s\n%s" % (python, _stamp(python))).encode("utf-8", "surrogateescape"))
            os.rename(half, note)
    except EnvironmentError:
        pass  # the next start looks again


def _stamp(python):
    found = os.stat(python)
    return "%s %s" % (found.st_mtime, found.st_size)


def _complaint(bundle, content, here):
    import platform

    libc = " with %s %s" % (here["libc"][0], ".".join(map(str, here["libc"][1:]))) if here["libc"] else ""
    this = (platform.python_implementation(), platform.python_version(), sys.executable)
    there = (_SYSTEMS.get(here["system"], here["system"]), here["machine"], libc)
    return (
        "%s does not run on this Python, and no other that it runs on was found on PATH.\n" % bundle
        + "  This is %s %s (%s)" % this
        + " on %s %s%s.\n" % there
        + "  It runs on %s." % content["runs-on"]
    )
