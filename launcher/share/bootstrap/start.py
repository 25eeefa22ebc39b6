"""Become the environment that a bundle was unpacked to, and run the script in it."""

from __future__ import annotations

import importlib.machinery
import os
import sys
from types import ModuleType, TracebackType


def start(place: str, environment: str, packages: str, script: str, has_pth: bool) -> None:
    """Run `script` in `environment`, whose site-packages are `packages`; `place` has the marker that says so."""
    try:
        os.utime(os.path.join(place, "ready"))  # collection takes what was not used for long
    except OSError:
        pass
    if environment != sys.prefix:
        _enter(environment, packages)
        if has_pth:
            import site

            site.addsitedir(packages)
        else:
            sys.path.append(packages)
    _run(script)


def _enter(environment: str, packages: str) -> None:
    """Do what `site` does where an interpreter is started in the environment."""
    standard = os.path.dirname(os.__file__)
    ends = standard, os.path.join(standard, "lib-dynload"), os.path.join(sys.base_exec_prefix, "DLLs"), sys.base_prefix
    count = max([at for at, path in enumerate(sys.path) if path in ends] or [len(sys.path) - 1]) + 1
    # Everything behind the standard library belongs to the interpreter that happens to be here, or to its user.
    others = tuple(path + os.sep for path in sys.path[count:])
    del sys.path[count:]
    ours: set[str] | None = None
    for name, module in tuple(sys.modules.items()) if others else ():
        where = getattr(module, "__file__", None) or next(iter(getattr(module, "__path__", None) or ()), "")
        if where.startswith(others):
            ours = ours or {each.partition(".")[0] for each in os.listdir(packages)}
            if name.partition(".")[0] in ours:
                del sys.modules[name]
    sys.prefix = sys.exec_prefix = environment
    is_windows = os.name == "nt"
    programs = os.path.join(environment, "Scripts" if is_windows else "bin")
    if sys.executable:
        sys.executable = os.path.join(programs, "python.exe" if is_windows else "python")
    os.environ["PATH"] = programs + os.pathsep + os.environ.get("PATH", os.defpath)
    os.environ["VIRTUAL_ENV"] = environment
    for name in "PYTHONHOME", "PYSCRIPT_BUNDLE":
        os.environ.pop(name, None)
    site = sys.modules.get("site")
    if site:
        site.__dict__.update(PREFIXES=[environment], ENABLE_USER_SITE=False)


def _run(script: str) -> None:
    """Run the script as `python script.py` does: in a `__main__` of its own, with none of our lines in tracebacks."""
    del sys.path[0]
    if not getattr(sys.flags, "safe_path", sys.flags.isolated):
        sys.path.insert(0, os.path.dirname(script))
    loader = importlib.machinery.SourceFileLoader("__main__", script)
    module = ModuleType("__main__")
    module.__dict__.update(__builtins__=__builtins__, __file__=script, __loader__=loader, __cached__=None)
    sys.modules["__main__"] = module
    try:
        # Unlike Python's own way to run a file, this keeps the compiled code.
        exec(loader.get_code("__main__") or "", module.__dict__)
    except SystemExit:
        raise
    except BaseException as error:
        hook, own = sys.excepthook, error.__traceback__ and error.__traceback__.tb_next

        def show(kind: type[BaseException], value: BaseException, _: TracebackType | None) -> None:
            hook(kind, value.with_traceback(own), own)

        sys.excepthook = show
        raise
