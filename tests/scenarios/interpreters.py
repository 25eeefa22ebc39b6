"""Interpreters that exist on no machine, so that a case means the same everywhere."""

from __future__ import annotations

from packaging.tags import compatible_tags, cpython_tags

from launcher.python.query import Interpreter

PLATFORMS = ["manylinux_2_28_x86_64", "manylinux_2_17_x86_64", "manylinux2014_x86_64", "linux_x86_64"]


def make_interpreter(version: str = "3.12.1") -> Interpreter:
    """Return a CPython of this version on Linux x86_64 with glibc 2.28."""
    major, minor = (int(part) for part in version.split(".")[:2])
    tags = [
        *cpython_tags((major, minor), platforms=PLATFORMS),
        *compatible_tags((major, minor), interpreter=f"cp{major}{minor}", platforms=PLATFORMS),
    ]
    markers = {
        "implementation_name": "cpython",
        "implementation_version": version,
        "os_name": "posix",
        "platform_machine": "x86_64",
        "platform_release": "6.1",
        "platform_system": "Linux",
        "platform_version": "#1",
        "platform_python_implementation": "CPython",
        "python_full_version": version,
        "python_version": f"{major}.{minor}",
        "sys_platform": "linux",
    }
    return Interpreter(
        executable=f"/somewhere/python{major}.{minor}",
        version=version,
        implementation="cpython",
        free_threaded=False,
        markers=markers,
        tags=tuple(str(tag) for tag in tags),
        paths={},
        stamp=(1, 1),
    )
