"""The way in: a warm launch where one is recognised, else the command line.

Started as ``python -I -S …/launcher/__main__.py ARGUMENTS`` (see ``launch/pyscript.sh``): isolated, so that neither
PYTHONPATH nor the current directory can replace what is imported, and without `site`, which a warm launch does not
need.
"""

import sys

_PACKAGE = __file__.replace("\\", "/").rpartition("/")[0] or "."
_ROOT = _PACKAGE.rpartition("/")[0] or "."


def main() -> int:
    """Run pyscript with the process's own arguments and return its exit code, unless the process becomes the script."""
    if sys.platform != "win32":
        _end_quietly_when_interrupted()
        if not sys.flags.isolated:
            _start_again_isolated()
    # Ahead of the standard library for the one import that a warm launch makes, behind it for all others.
    sys.path.insert(0, _ROOT)
    from launcher.launch import warm  # noqa: PLC0415

    environ = _environ()
    if recognised := warm.recognise(sys.argv[1:], environ):
        try:
            return warm.launch(*recognised, environ)
        except OSError:
            pass  # whatever is wrong with it, the full path makes it anew or says why not
    _use_site_packages()
    _let_garbage_lie()
    from launcher.cli import command_line  # noqa: PLC0415

    return command_line.main(sys.argv[1:])


def _end_quietly_when_interrupted() -> None:
    """Let an interrupt end the process as it ends any program; the command line cleans up first, once it is loaded."""
    import _signal  # noqa: PLC0415

    if _signal.getsignal(_signal.SIGINT) is _signal.default_int_handler:
        _signal.signal(_signal.SIGINT, _signal.SIG_DFL)


def _environ() -> dict[str, str]:
    """Return the environment variables without importing `os`."""
    if sys.platform == "win32":
        import nt  # noqa: PLC0415

        return dict(nt.environ)
    import posix  # noqa: PLC0415

    return {
        name.decode("utf-8", "surrogateescape"): value.decode("utf-8", "surrogateescape")
        for name, value in posix.environ.items()
    }


def _use_site_packages() -> None:
    """Make the dependencies importable, behind the standard library, whichever way this was started."""
    sys.path.remove(_ROOT)
    if sys.flags.no_site:
        import site  # noqa: PLC0415

        site.main()
    if _ROOT not in sys.path:
        sys.path.append(_ROOT)


def _let_garbage_lie() -> None:
    """Look for no cycles: what is made lives until the process becomes the script; a first launch takes 3% less."""
    import gc  # noqa: PLC0415

    gc.disable()


def _start_again_isolated() -> None:
    import os  # noqa: PLC0415

    os.execv(sys.executable, [sys.executable, "-I", "-S", f"{_PACKAGE}/__main__.py", *sys.argv[1:]])


if __name__ == "__main__":
    sys.exit(main())
