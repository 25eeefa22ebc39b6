"""Start the script of this bundle; bundle.json beside this file says which packages it has and where it runs.

This is compiled anew at each start, so it only finds what the first start has made: a marker with everything that
`start.py` needs to know, and the compiled `start.py` itself.
"""

import os
import sys

DIGEST = "@digest@"


def cache_root():
    """Return the cache that pyscript would use, or None where nothing names one."""
    chosen = os.environ.get("PYSCRIPT_CACHE_DIR")
    if chosen:
        return os.path.abspath(chosen)
    if os.name == "nt":
        local = os.environ.get("LOCALAPPDATA")
        return local and os.path.join(local, "pyscript", "Cache")
    above = os.environ.get("XDG_CACHE_HOME", "")
    above = above if above[:1] == "/" else os.path.expanduser("~/.cache")
    return above + "/pyscript" if above[:1] == "/" else None


def name_of_place(executable):
    """Name an environment by the interpreter that it is for; hashlib would take longer than all else here."""
    import _imp

    build = str(getattr(sys.implementation, "_multiarch", "")), getattr(sys, "abiflags", "")
    text = "\n".join((executable, sys.version) + build)
    return _imp.source_hash(1, text.encode("utf-8", "surrogateescape")).hex()


def opened(place):
    """Return what the marker in `place` says; raises `OSError` or `ValueError`."""
    import marshal

    with open(os.path.join(place, "ready"), "rb") as stream:
        found = os.fstat(stream.fileno())
        # Nobody else may choose what runs here.
        if sys.platform != "win32" and (found.st_uid not in (0, os.geteuid()) or found.st_mode & 0o022):
            raise ValueError(place)
        marker = marshal.loads(stream.read())
    if marker["place"] != place:  # it was moved, and has the former path in it
        raise ValueError(place)
    os.stat(marker["script"])  # what cleans up may have taken it
    return marker


def find():
    if sys.version_info < (3, 8):
        return make(None, None, "")
    root, executable, names = cache_root(), sys.executable or "", []
    if sys.prefix != sys.base_prefix:
        names.append(os.path.basename(sys.prefix))  # it may be one that pyscript has made for the bundle
        executable = getattr(sys, "_base_executable", executable) if os.name == "nt" else os.path.realpath(executable)
    names.append(name_of_place(executable))
    for name in names if root else ():
        try:
            return opened(os.path.join(root, "bundles-v1", DIGEST, name))
        except (OSError, ValueError, EOFError, TypeError, KeyError):
            pass
    return opened(make(root, names, executable))


def make(*known):
    from pyscript_bundle import first_start

    return first_start.make(os.path.dirname(os.path.abspath(__file__)), DIGEST, *known)


if __name__ == "__main__":
    marker = find()
    exec(marker.pop("start"))
    globals()["start"](**marker)
