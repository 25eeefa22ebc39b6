"""Compose an environment of all wheels in a store, several times in one process, and print what each time took.

Run by the Python of the pyscript that is measured: ``python -I compose_probe.py CACHE INTERPRETER FORGOTTEN COUNT``.
What was composed is renamed into the directory FORGOTTEN: the next time nothing is there and nothing was deleted.
Prints JSON: ``{"wheels": 9, "ms": [1.9, 0.5, 0.4]}``.
"""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path
from time import perf_counter

from launcher.cache import Bucket, Cache
from launcher.environment.environment import create_environment
from launcher.environment.wheel_store import WheelStore
from launcher.python.query import query
from launcher.reporter import SilentReporter


def main(root: str, executable: str, forgotten: Path, times: int) -> None:
    cache, reporter = Cache(root), SilentReporter()
    interpreter = query(executable, cache)
    store = WheelStore(cache)
    found = [store.get(path.name) for path in sorted(cache.directory(Bucket.WHEELS).iterdir())]
    wheels = [wheel for wheel in found if wheel is not None]
    milliseconds = []
    for number in range(times):
        started = perf_counter()
        environment = create_environment(cache, interpreter, wheels, "fold", reporter)
        milliseconds.append((perf_counter() - started) * 1000)
        environment.path.rename(forgotten / f"{os.getpid()}-{number}")
    print(json.dumps({"wheels": len(wheels), "ms": milliseconds}))


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2], Path(sys.argv[3]), int(sys.argv[4]))
