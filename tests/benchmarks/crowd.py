"""Fill a cache with what thousands of launches leave in it, without making them."""

from __future__ import annotations

import os
from hashlib import sha256
from pathlib import Path

from launcher.cache import Bucket
from launcher.launch import record as records

_EARLIEST_NS, _HOUR_NS = 1_600_000_000 * 10**9, 3600 * 10**9


def fill(root: Path, script: Path, count: int) -> None:
    """Add to the cache at `root` what `count` scripts beside `script` leave, each with an environment of its own.

    `script` was launched before: what it left is the pattern. Per script there are a launch record in the very same
    directory, the stamp of a time of its own, a resolution, an environment and a wheel that nobody else uses. Of
    environments and wheels only what is looked at from outside is there; files are further names of the pattern's.
    """
    record = Path(records.record_path(str(root), (str(script),), "/") or "")
    pattern = records.read(str(record))
    if pattern is None:
        raise ValueError(f"{script} was not launched with this cache")
    environment = Path(pattern.environment)
    resolution = next((root / Bucket.RESOLUTIONS).iterdir())
    manifest = next((root / Bucket.WHEELS).glob("*/manifest"))
    content = record.read_bytes()
    for number in range(count):
        name = sha256(b"%d" % number).hexdigest()
        other = environment.with_name(name[: len(environment.name)])
        (other / "bin").mkdir(parents=True)
        for path in ("used", ".pyscript", "pyvenv.cfg"):
            os.link(environment / path, other / path)
        os.link(environment / "bin" / "python", other / "bin" / "python", follow_symlinks=False)
        (manifest.parents[1] / name).mkdir()
        os.link(manifest, manifest.parents[1] / name / manifest.name)
        os.link(resolution, resolution.with_name(name[: len(resolution.name)]))
        stamp = str(_EARLIEST_NS + number * _HOUR_NS)
        os.link(environment / "used", root / Bucket.LAUNCH / records.STAMPS_DIRECTORY / stamp)
        left = record.with_name(f"script-{number}.py{records.SUFFIX}")
        renamed = content.replace(os.fsencode(environment.name), os.fsencode(other.name))
        place = os.fsencode(script.with_name(left.stem))
        left.write_bytes(renamed.replace(os.fsencode(script), place, 1))
