"""Collection: what nobody uses any more leaves the cache by itself.

Environments unused for 30 days go, then wheels that no environment uses, those built here only when nobody wanted them
for as long; where the cache is still larger than its budget, what was used longest ago goes as well, unless a script
that still exists uses it. Nothing that is running is touched, nor what an installed command runs
in. A victim is renamed out of its bucket before it is removed, so that a launch finds it whole or not at all.
"""

from __future__ import annotations

import os
import re
import sys
import time
from collections.abc import Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

from launcher.cache import Bucket, Cache, remove_tree
from launcher.environment.environment import last_used, used_wheels
from launcher.environment.installed import environments_of_commands
from launcher.launch import record as records
from launcher.reporter import Reporter

DAY_S = 86400
MAX_AGE_S = 30 * DAY_S
BUDGET_BYTES = 5 * 2**30

_GRACE_S = DAY_S / 24
"""Wheels and temporary files younger than this may belong to a preparation that is under way."""


@dataclass(slots=True)
class Collected:
    """What a collection removed: names of what is listed, number of other files, and the bytes freed.

    A build is the file of a wheel that was built here, as opposed to what was unpacked from it; a bundle is what one
    was unpacked to, and not its file.
    """

    environments: list[str] = field(default_factory=list)
    wheels: list[str] = field(default_factory=list)
    builds: list[str] = field(default_factory=list)
    bundles: list[str] = field(default_factory=list)
    others: int = 0
    freed_bytes: int = 0


def collect_quietly(cache: Cache, in_use: str, reporter: Reporter) -> None:
    """Collect by the limits that hold without being asked, silently but for ``-v``.

    `in_use` names the environment that is about to be launched.
    """
    collected = collect(cache, MAX_AGE_S, BUDGET_BYTES, in_use)
    reporter.detail(
        f"Collected {len(collected.environments)} environments and {len(collected.wheels)} wheels that nobody used"
    )


def collect(cache: Cache, max_age_s: float, budget_bytes: int | None, in_use: str = "") -> Collected:
    """Remove environments unused for `max_age_s` seconds and what is left without a user, then keep to the budget.

    `budget_bytes` is None where size does not matter; the environment called `in_use` stays in any case. Raises
    `CacheUnusable` where the cache cannot be used at all.
    """
    collected = Collected()
    now = time.time()
    spared = {*running_environments(cache), *environments_of_commands(cache, os.environ), in_use}
    by_age = sorted(_environments(cache), key=lambda path: last_used(path) or 0)
    kept = []
    for path in by_age:
        used = last_used(path)
        is_old = used is None or now - used >= max_age_s
        if is_old and path.name not in spared and not _is_fresh(path, now):
            _remove_environment(cache, path, collected)
        else:
            kept.append(path)
    _remove_unused_wheels(cache, kept, now, collected)
    for path in _unused_builds(cache, kept, now, max_age_s):
        _remove_build(cache, path, collected)
    _remove_unused_scripts(cache, now, max_age_s, collected)
    for path in _unused_bundles(cache, now, max_age_s):
        _remove_bundle(cache, path, collected)
    _remove_leftovers(cache, now, collected)
    if budget_bytes is not None:
        spared |= set(environments_of_scripts(cache))
        victims = [path for path in kept if path.name not in spared and not _is_fresh(path, now)]
        _keep_to_budget(cache, victims, budget_bytes, now, collected)
    return collected


def remove_environments(
    cache: Cache, keys: Iterable[str], wheels: Iterable[str] = (), builds: Iterable[str] = ()
) -> Collected:
    """Remove environments, stored wheels and builds by name, and the wheels that only those environments used.

    With a wheel goes the build that it was unpacked from: else the same would be unpacked again.
    """
    collected = Collected()
    candidates = set(wheels)
    for key in keys:
        path = cache.path(Bucket.ENVIRONMENTS, key)
        candidates |= {wheel for _, _, wheel in used_wheels(path)}
        _remove_environment(cache, path, collected)
    candidates -= {wheel for path in _environments(cache) for _, _, wheel in used_wheels(path)}
    for wheel in candidates:
        if _remove(cache, cache.path(Bucket.WHEELS, wheel), collected):
            collected.wheels.append(wheel)
    removed = _sha256s(candidates)
    for path in list(_entries(cache, Bucket.BUILT)):
        if path.name in set(builds) or (removed and _sha256_of_build(path) in removed):
            _remove_build(cache, path, collected)
    _remove_leftovers(cache, time.time(), collected)
    return collected


def running_environments(cache: Cache) -> Iterator[str]:
    """Yield the names of environments that a process of this machine was started from, as far as that can be seen.

    Of this cache only, by whichever path a process names it: another cache has environments of the same names.
    """
    root = os.path.realpath(cache.root)
    literal = b"|".join(re.escape(os.fsencode(name)) for name in {str(cache.root), root})
    pattern = re.compile(
        rb"(" + literal + rb"|/[^\0=:]*)/" + re.escape(Bucket.ENVIRONMENTS.encode()) + rb"/([0-9a-f]+)"
    )
    for text in _process_texts():
        for named, key in set(pattern.findall(text)):
            if os.path.realpath(os.fsdecode(named)) == root:
                yield os.fsdecode(key)


def _process_texts() -> Iterator[bytes]:
    """Yield what can be seen of the processes: their commands and, as a script's children have it there, variables."""
    if sys.platform == "linux":
        for process in os.scandir("/proc"):
            for what in ("cmdline", "environ") if process.name.isdigit() else ():
                with suppress(OSError):
                    yield Path(process.path, what).read_bytes()
    elif sys.platform != "win32":
        import subprocess  # noqa: PLC0415 - 10 ms, for a collection only

        yield subprocess.run(["ps", "-axwwEo", "command="], capture_output=True, check=False).stdout
    else:
        yield b""  # Windows refuses to remove what is in use


def environments_of_scripts(cache: Cache) -> Iterator[str]:
    """Yield the names of environments that a script on disk was last launched in."""
    for script, record in launch_records(cache):
        if script is not None and script.exists():
            yield os.path.basename(record.environment)


def launch_records(cache: Cache) -> Iterator[tuple[Path | None, records.LaunchRecord]]:
    """Yield each launch record with the absolute path of its target, None where the record does not tell.

    A target with options before it may be no script at all but a module or a program; then nothing has that path.
    """
    root = cache.root / Bucket.LAUNCH
    for directory, _, names in os.walk(root):
        for name in names:
            path = Path(directory, name)
            if record := records.read(str(path)):
                yield _target(record.place, record.tokens), record


def _target(place: str, tokens: tuple[str, ...]) -> Path | None:
    """Return the path that a record stands for; one with options lies where it was launched, under its words."""
    options = f"/{records.OPTIONS_DIRECTORY}/"
    if not place.startswith(options):
        return Path(os.sep, place)
    words = " ".join(tokens)
    if words and place.endswith(f"/{words}"):
        return Path(os.sep, place.removeprefix(options).removesuffix(words), tokens[-1])
    # The words make no file name, so the record does not say where it was launched.
    return Path(tokens[-1]) if tokens and os.path.isabs(tokens[-1]) else None


def directory_size(path: Path, *, without_shared: bool = False) -> tuple[int, int]:
    """Return (bytes on disk, number of files) below `path`; links count as nothing, hard links once.

    With `without_shared` files that have another name somewhere, such as in the wheel store, do not count.
    """
    total = count = 0
    seen: set[tuple[int, int]] = set()
    for directory, _, names in os.walk(path):
        for name in names:
            with suppress(OSError):
                found = os.lstat(os.path.join(directory, name))
                if found.st_nlink > 1 and (without_shared or (found.st_dev, found.st_ino) in seen):
                    continue
                seen.add((found.st_dev, found.st_ino))
                total += getattr(found, "st_blocks", 0) * 512 or found.st_size
                count += 1
    return total, count


def _environments(cache: Cache) -> Iterator[Path]:
    return _entries(cache, Bucket.ENVIRONMENTS)


def _entries(cache: Cache, bucket: Bucket) -> Iterator[Path]:
    with suppress(OSError), os.scandir(cache.root / bucket) as entries:
        for entry in entries:
            yield Path(entry.path)


def _remove_environment(cache: Cache, path: Path, collected: Collected) -> None:
    if _remove(cache, path, collected):
        collected.environments.append(path.name)


def _remove_unused_wheels(cache: Cache, environments: Iterable[Path], now: float, collected: Collected) -> None:
    used = {key for path in environments for _, _, key in used_wheels(path)}
    for path in list(_entries(cache, Bucket.WHEELS)):
        if path.name not in used and not _is_fresh(path, now) and _remove(cache, path, collected):
            collected.wheels.append(path.name)


def _unused_builds(cache: Cache, environments: Iterable[Path], now: float, min_age_s: float) -> Iterator[Path]:
    """Yield the builds that nobody wanted for `min_age_s` seconds and no environment uses, the oldest first.

    An environment names the hash of a wheel, not its build, so those that are old enough are read.
    """
    by_time = sorted((modified, path) for path in _entries(cache, Bucket.BUILT) if (modified := _modified(path)))
    old = [path for modified, path in by_time if now - modified >= min_age_s and not _is_fresh(path, now)]
    used = _sha256s(key for path in environments for _, _, key in used_wheels(path)) if old else set()
    for path in old:
        if _sha256_of_build(path) not in used:
            yield path


def _sha256s(wheels: Iterable[str]) -> set[str]:
    """Return the sha256 in each name of a stored wheel; behind it may stand a mark of the wheel's origin."""
    return {wheel.partition("-")[0] for wheel in wheels}


def _sha256_of_build(path: Path) -> str | None:
    """Return the hash of the wheel in an entry of ``built-v1``; None where there is none that can be read."""
    import hashlib  # noqa: PLC0415 - 3 ms, which other questions to this module need not wait for

    for wheel in path.glob("*.whl"):
        with suppress(OSError), wheel.open("rb") as stream:
            return hashlib.file_digest(stream, "sha256").hexdigest()
    return None


def _remove_build(cache: Cache, path: Path, collected: Collected) -> None:
    if _remove(cache, path, collected):
        collected.builds.append(path.name)


def _remove_unused_scripts(cache: Cache, now: float, min_age_s: float, collected: Collected) -> None:
    """Remove scripts from elsewhere, and what is kept of their URLs, that nobody launched for `min_age_s` seconds."""
    for bucket in (Bucket.SCRIPTS, Bucket.HTTP):
        for path in list(_entries(cache, bucket)):
            is_old = now - (_modified(path) or now) >= min_age_s and not _is_fresh(path, now)
            collected.others += is_old and _remove(cache, path, collected)


def _unused_bundles(cache: Cache, now: float, min_age_s: float) -> Iterator[Path]:
    """Yield what was unpacked of bundles that nobody started for `min_age_s` seconds, the oldest first."""
    started = sorted((_last_start(path), path) for path in _entries(cache, Bucket.BUNDLES))
    for last, path in started:
        if now - last >= min_age_s and not _is_fresh(path, now):
            yield path


def _last_start(bundle: Path) -> float:
    """Return when a bundle was last started by any interpreter: each start sets the time of its marker."""
    return max((_modified(marker) or 0 for marker in bundle.glob("*/ready")), default=0)


def _remove_bundle(cache: Cache, path: Path, collected: Collected) -> None:
    if _remove(cache, path, collected):
        collected.bundles.append(path.name)


def _remove_leftovers(cache: Cache, now: float, collected: Collected) -> None:
    """Remove what killed launches left in ``tmp/``, and launch records and workspaces of environments that are gone."""
    with suppress(OSError):
        for path in list((cache.root / Bucket.TMP).iterdir()):
            if now - path.lstat().st_mtime > _GRACE_S and not _is_made_by_a_living_process(path.name):
                _remove(cache, path, collected)
                collected.others += 1
    for path in list(_entries(cache, Bucket.WORKSPACES)):
        if not (path / "environment").exists() and _remove(cache, path, collected):
            collected.others += 1
    _remove_stale_records(cache, collected)


def _is_made_by_a_living_process(name: str) -> bool:
    """Tell whether the process whose number begins the name of a temporary file is still there."""
    number = name.partition("-")[0]
    if sys.platform == "win32" or not number.isdigit():
        return False
    try:
        os.kill(int(number), 0)
    except (ProcessLookupError, OverflowError):
        return False
    except OSError:
        pass
    return True


def _remove_stale_records(cache: Cache, collected: Collected) -> None:
    """Remove launch records of environments that are gone, and the stamps that no other record needs."""
    stamps = cache.root / Bucket.LAUNCH / records.STAMPS_DIRECTORY
    needed: set[str] = set()
    for directory, _, names in os.walk(cache.root / Bucket.LAUNCH, topdown=False):
        for name in names if Path(directory) != stamps else ():
            path = Path(directory, name)
            record = records.read(str(path))
            if record is None or not os.path.exists(record.program):
                with suppress(OSError):
                    path.unlink()
                    collected.others += 1
            else:
                needed |= {str(stamp[0]) for stamp in record.stamps.values() if stamp}
        with suppress(OSError):
            os.rmdir(directory)  # only where it is empty
    with suppress(OSError):
        for path in [path for path in stamps.iterdir() if path.name not in needed]:
            path.unlink()


def _keep_to_budget(
    cache: Cache, oldest_first: list[Path], budget_bytes: int, now: float, collected: Collected
) -> None:
    # As much as has to be freed in all.
    enough = collected.freed_bytes + directory_size(cache.root)[0] - budget_bytes
    if collected.freed_bytes >= enough:
        return
    # Of a directory that is worked on, each change leaves a build; those go before what can be launched.
    for path in _unused_builds(cache, list(_environments(cache)), now, 0):
        _remove_build(cache, path, collected)
        if collected.freed_bytes >= enough:
            return
    # What a bundle was unpacked to, the next start unpacks again, without any network. One that runs cannot be seen.
    for path in _unused_bundles(cache, now, DAY_S):
        _remove_bundle(cache, path, collected)
        if collected.freed_bytes >= enough:
            return
    while collected.freed_bytes < enough and oldest_first:
        _remove_environment(cache, oldest_first.pop(0), collected)
        _remove_unused_wheels(cache, list(_environments(cache)), now, collected)


def _modified(path: Path) -> float | None:
    try:
        return path.lstat().st_mtime
    except OSError:
        return None


def _is_fresh(path: Path, now: float) -> bool:
    """Tell whether a preparation that is under way may have made this and not yet used it."""
    try:
        return now - path.lstat().st_ctime < _GRACE_S
    except OSError:
        return True


def _remove(cache: Cache, path: Path, collected: Collected) -> bool:
    """Rename into ``tmp/`` and remove there; False where somebody else was quicker."""
    with cache.temporary_directory() as temporary:
        victim = temporary / "removed"
        try:
            # A directory without write permission cannot be moved: its entry for ".." changes.
            os.chmod(path, 0o700) if path.is_dir() and not path.is_symlink() else None
            os.rename(path, victim)
        except OSError:
            return False
        remove_tree(victim, lambda size: setattr(collected, "freed_bytes", collected.freed_bytes + size))
    return True
