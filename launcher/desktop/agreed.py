"""Run a script as ``python SCRIPT`` does, if it is what was agreed to: ``python agreed.py SHA256 SCRIPT [ARG...]``.

A program for the Python of the script's environment, 3.8 or later, which knows nothing of pyscript. It reads the file
once and runs those very bytes: where a path is opened a second time, other content may have come meanwhile.
"""

import sys


class NotAgreed(Exception):
    """The script is not, or not any more, what was agreed to."""


def content_of(path: str, sha256: str) -> bytes:
    """Return what a script holds; raises `NotAgreed` where that cannot be read, or has another sha256."""
    try:
        with open(path, "rb") as stream:
            content = stream.read()
    except OSError as error:
        raise NotAgreed(f"pyscript: {path} cannot be read any more: {error.strerror}.") from error
    try:  # what stands behind hashlib, which takes 4 ms; it was renamed, and a Python may lack it
        from _sha2 import sha256 as digest  # type: ignore[import-not-found] # noqa: PLC0415
    except ImportError:
        try:
            from _sha256 import sha256 as digest  # type: ignore[import-not-found] # noqa: PLC0415
        except ImportError:
            from hashlib import sha256 as digest  # noqa: PLC0415
    if digest(content).hexdigest() != sha256:
        raise NotAgreed(f"pyscript: {path} changed after you agreed to run it, so it was not run.")
    return content


def pose_as_given(path: str) -> None:
    """Let `sys`, and this module, which is ``__main__``, be as they are where Python itself was given the script."""
    import os  # noqa: PLC0415 - names at the top of this module are the script's

    if not getattr(sys.flags, "safe_path", False):
        # The folder of the file that a link leads to; Windows follows none.
        sys.path.insert(0, os.path.dirname(path if os.name == "nt" else os.path.realpath(path)))
    count = len(sys.argv)
    sys.argv[:] = [path] + sys.argv[3:]  # noqa: RUF005 - as old as 3.8
    if hasattr(sys, "orig_argv"):
        sys.orig_argv[-count:] = sys.argv
    names = globals()
    for name in [each for each in names if not each.startswith("__")]:
        del names[name]
    names.update(__doc__=None, __file__=path, __loader__=type(names["__loader__"])("__main__", path))


def run(content: bytes, path: str) -> None:
    """Run a script's content in this module; what is raised there is seen, and ends us, as in ``python SCRIPT``."""
    import sys  # noqa: PLC0415 - as above

    namespace, own_file = globals(), __file__
    pose_as_given(path)
    try:
        exec(compile(content, path, "exec", 0, True), namespace)
    except SystemExit:
        raise
    except BaseException:
        shown_by = sys.excepthook

        def show(kind: type, value: BaseException, _: object) -> None:
            """Show what was raised without the frames that led to the script."""
            sys.excepthook = shown_by
            rest = value.__traceback__
            while rest is not None and rest.tb_frame.f_code.co_filename == own_file:
                rest = rest.tb_next
            value.__traceback__ = sys.last_traceback = rest
            shown_by(kind, value, rest)

        sys.excepthook = show
        raise


if __name__ == "__main__":
    if not getattr(sys.flags, "safe_path", False):
        del sys.path[0]  # ours
    try:
        agreed = content_of(sys.argv[2], sys.argv[1])
    except NotAgreed as error:
        sys.exit(str(error))
    run(agreed, sys.argv[2])
