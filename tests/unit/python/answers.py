"""Answers of imagined interpreters."""

from __future__ import annotations

from launcher.python.answer import Answer
from launcher.python.query import Interpreter


def answer(
    *,
    version: str = "3.12.1",
    platform: str = "linux-x86_64",
    implementation: str = "cpython",
    ext_suffix: str = ".so",
    glibc: str = "",
) -> Answer:
    """Return a complete answer; tests change what they are about."""
    return {
        "self": "/opt/python/bin/python3.12",
        "executable": "/opt/python/bin/python3.12",
        "version": version,
        "release": "3.12.1",
        "implementation": implementation,
        "free_threaded": False,
        "debug": False,
        "is_64bit": True,
        "markers": {"python_version": ".".join(version.split(".")[:2])},
        "paths": {"platform": platform, "ext_suffix": ext_suffix, "purelib": "lib/python3.12/site-packages"},
        "glibc": glibc,
        "musl": "",
        "macos": [],
        "elf_header": "",
    }


def interpreter(
    version: str = "3.12.1",
    executable: str | None = None,
    *,
    implementation: str = "cpython",
    free_threaded: bool = False,
    debug: bool = False,
    prefix: str = "/nowhere",
) -> Interpreter:
    """Return an imagined interpreter whose executable names its version."""
    return Interpreter(
        executable=executable or f"/opt/{implementation}-{version}/bin/python",
        version=version,
        implementation=implementation,
        free_threaded=free_threaded,
        markers={},
        tags=("cp312-cp312-linux_x86_64",),
        paths={"prefix": prefix, "purelib": "lib/python3.12/site-packages"},
        stamp=(1, 2),
        debug=debug,
    )
