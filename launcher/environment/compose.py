"""Lay stored wheels into an environment: a pure plan of what goes where, and a thin executor.

Folding, as GNU stow does it: one symbolic link per top-level entry of a wheel. A directory becomes a real one only
where several wheels share it, where a shared library needs it (`Manifest.real`), or where programs make files of their
own (the upper directories of the data scheme). With ``hardlink`` and ``copy`` every directory is real.
"""

from __future__ import annotations

import errno
import os
from collections.abc import Callable, Sequence
from typing import Any

from launcher.environment.console_scripts import posix_script, rewrite_shebang, windows_launcher_tail
from launcher.environment.manifest import DATA, HEADERS, REAL_DATA_DEPTH, SCRIPTS, SITE, Trees, stub_name
from launcher.environment.stored_wheel import LINKS, StoredWheel, link_text
from launcher.settings import LINK_MODES
from launcher.value import Value, field

_NEEDS_REAL_PATHS = frozenset({"coverage"})
"""It compares the real paths of modules with those it was told to measure."""

_OWN_NAMES = frozenset({"pyvenv.cfg", ".pyscript", "used", "lib64"})

_NEXT_RUNG = {errno.EXDEV, errno.EPERM, errno.EACCES, errno.EMLINK, errno.ENOTSUP, errno.EEXIST, errno.ENOSYS}
"""Links are impossible here. EEXIST: names of two wheels differ only in case, and the system makes no difference."""


class Layout(Value):
    """Where things are in an environment: its final absolute path, and POSIX paths relative to it."""

    root: str
    site_packages: str
    bin: str
    headers: str
    python: str
    is_windows: bool = False


class Plan(Value):
    """What to make below an environment's root; all paths are relative to it.

    `directories` stand parents first. `links` are path -> text of the symbolic link, `prototypes` path -> a link with
    that text in the store, `sources` path -> stored file to hard-link or copy, `programs` path -> content, `rewritten`
    path -> stored file whose first line is replaced, and `launchers` path -> (Windows' launcher in the store, what
    follows it). `details` are for the reporter.
    """

    directories: dict[str, None] = field(default_factory=dict)
    links: dict[str, str] = field(default_factory=dict)
    sources: dict[str, str] = field(default_factory=dict)
    programs: dict[str, bytes] = field(default_factory=dict)
    rewritten: dict[str, str] = field(default_factory=dict)
    launchers: dict[str, tuple[str, bytes]] = field(default_factory=dict)
    details: list[str] = field(default_factory=list)
    prototypes: dict[str, str] = field(default_factory=dict)


def usable_link_mode(wheels: Sequence[StoredWheel], link_mode: str, layout: Layout) -> str:
    """Return the link mode to begin with: folding is not for every set of wheels."""
    if link_mode != "fold":
        return link_mode
    library = layout.site_packages.partition("/")[0]
    for wheel in wheels:
        if wheel.name in _NEEDS_REAL_PATHS or library in wheel.manifest.data[""]:
            return "hardlink"
    return "fold"


def next_link_mode(link_mode: str, error: OSError) -> str | None:
    """Return what to try after `error`, the next of the link modes; None where another one would not help."""
    rung = LINK_MODES.index(link_mode) + 1
    return LINK_MODES[rung] if error.errno in _NEXT_RUNG and rung < len(LINK_MODES) else None


def plan(
    wheels: Sequence[StoredWheel],
    layout: Layout,
    link_mode: str,
    read_trees: Callable[[StoredWheel], Trees] = StoredWheel.read_trees,
) -> Plan:
    """Decide what an environment with these wheels consists of.

    Pure but for `read_trees`, which is asked only about wheels whose directories cannot be linked as a whole. Of
    several files in one place that of the last wheel counts, in the order of names; against a directory a file loses.
    """
    planner = _Planner(layout, link_mode == "fold", read_trees)
    planner.add_wheels(sorted(wheels, key=lambda wheel: (wheel.name, wheel.version)))
    return planner.plan


def carry_out(plan: Plan, layout: Layout, made: str, link_mode: str) -> None:
    """Make what the plan says below the existing directory `made`, which will be renamed to ``layout.root``.

    Raises `OSError`.
    """
    for directory in plan.directories:
        os.mkdir(f"{made}/{directory}")
    for path, text in plan.links.items():
        _link(text, plan.prototypes.get(path), f"{made}/{path}")
    for path, source in plan.sources.items():
        _place_file(source, f"{made}/{path}", link_mode)
    for path, content in plan.programs.items():
        _write_program(f"{made}/{path}", content)
    for path, source in plan.rewritten.items():
        with open(source, "rb") as stream:
            _write_program(f"{made}/{path}", rewrite_shebang(stream.read(), layout.python))
    for path, (stub, tail) in plan.launchers.items():
        with open(stub, "rb") as stream:
            _write_program(f"{made}/{path}", stream.read() + tail)


def _link(text: str, prototype: str | None, path: str) -> None:
    """Make a symbolic link, as one more name of a link with the same text where there is one."""
    if prototype is not None:
        try:
            os.link(prototype, path, follow_symlinks=False)
            return
        except (OSError, NotImplementedError):
            pass  # not every file system can, and an inode has only so many names
    os.symlink(text, path)


def _place_file(source: str, path: str, link_mode: str) -> None:
    if link_mode == "copy":
        import shutil  # noqa: PLC0415 - 5 ms, for the last resort only

        shutil.copy2(source, path)
    else:
        os.link(source, path)


def _write_program(path: str, content: bytes) -> None:
    handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_BINARY", 0), 0o755)
    with open(handle, "wb", buffering=0) as stream:
        stream.write(content)


class _Owner(Value):
    """A wheel that has the directory at hand, with the directory's entries there."""

    wheel: StoredWheel
    entries: dict[str, bool]


class _Planner:
    """Build a plan, scheme by scheme."""

    def __init__(self, layout: Layout, is_folding: bool, read_trees: Callable[[StoredWheel], Trees]) -> None:
        self.plan = Plan()
        self._layout = layout
        self._is_folding = is_folding
        self._read_trees = read_trees
        self._trees: dict[str, Trees] = {}
        self._real: set[str] = set()
        self._stores: dict[str, str] = {}

    def add_wheels(self, wheels: Sequence[StoredWheel]) -> None:
        """Plan all schemes of all wheels; programs come last, because an entry point beats a file of the same name."""
        # Relative texts stay right when the cache is moved, and need no look-up of its parents.
        cache = os.path.dirname(os.path.dirname(self._layout.root))
        for wheel in wheels:
            store = str(wheel.path)
            self._stores[wheel.name] = store.replace(cache, "../..", 1) if store.startswith(cache) else store
            for directory in wheel.manifest.real:
                while directory and directory not in self._real:
                    self._real.add(directory)
                    directory = directory.rpartition("/")[0]
        self._make_directories(self._layout.site_packages)
        self._make_directories(self._layout.bin)
        self._merge(SITE, "", [_Owner(wheel, wheel.manifest.site) for wheel in wheels])
        if owners := [_Owner(wheel, wheel.manifest.data[""]) for wheel in wheels if wheel.manifest.data[""]]:
            self._merge(DATA, "", owners)
        for wheel in wheels:
            if wheel.manifest.headers:
                self._add_headers(wheel)
            if wheel.manifest.script_files or wheel.manifest.entry_points:
                self._add_programs(wheel)

    def _merge(self, folder: str, directory: str, owners: Sequence[_Owner]) -> None:
        """Place the entries of one directory of a scheme; several `owners` may have the same names."""
        first: dict[str, _Owner] = {}
        shared: dict[str, list[_Owner]] = {}
        for owner in owners:
            for name in owner.entries:
                if name in first:
                    shared.setdefault(name, [first[name]]).append(owner)
                else:
                    first[name] = owner
        prefix = f"{directory}/" if directory else ""
        for name, owner in first.items():
            relative = prefix + name
            if name in shared:
                self._merge_shared(folder, relative, name, shared[name])
            elif owner.entries[name] and self._is_real(folder, relative):
                self._descend(folder, relative, [owner])
            else:
                self._place(folder, relative, owner.wheel)

    def _merge_shared(self, folder: str, relative: str, name: str, owners: Sequence[_Owner]) -> None:
        """Place one name that several wheels have."""
        with_directory = [owner for owner in owners if owner.entries[name]]
        winners = with_directory or owners[-1:]
        if len(winners) < len(owners):
            losers = ", ".join(owner.wheel.name for owner in owners if owner not in winners)
            self.plan.details.append(f"{relative} comes from {winners[-1].wheel.name}; it is also in {losers}")
        if with_directory:
            self._descend(folder, relative, with_directory)
        else:
            self._place(folder, relative, winners[0].wheel)

    def _descend(self, folder: str, relative: str, owners: Sequence[_Owner]) -> None:
        """Make a real directory, and place what the wheels have in it."""
        self._make_directories(self._path(folder, relative))
        self._merge(
            folder, relative, [_Owner(owner.wheel, self._entries(owner.wheel, folder, relative)) for owner in owners]
        )

    def _entries(self, wheel: StoredWheel, folder: str, relative: str) -> dict[str, bool]:
        if folder == DATA and relative in wheel.manifest.data:
            return wheel.manifest.data[relative]
        if (trees := self._trees.get(wheel.name)) is None:
            trees = self._trees[wheel.name] = self._read_trees(wheel)
        return (trees.data if folder == DATA else trees.site)[relative]

    def _is_real(self, folder: str, relative: str) -> bool:
        if not self._is_folding:
            return True
        return relative.count("/") < REAL_DATA_DEPTH if folder == DATA else relative in self._real

    def _path(self, folder: str, relative: str) -> str:
        return f"{self._layout.site_packages}/{relative}" if folder == SITE else relative

    def _place(self, folder: str, relative: str, wheel: StoredWheel) -> None:
        """Link a file or a whole directory of a wheel, or with hard links and copies a file."""
        path = self._path(folder, relative)
        if folder == DATA and self._is_own(path):
            self.plan.details.append(f"{path} of {wheel.name} is left out: it belongs to the environment itself")
            return
        if not self._is_folding:
            self.plan.sources[path] = f"{wheel.path}/{folder}/{relative}"
            return
        store = self._stores[wheel.name]
        up = "" if os.path.isabs(store) else "../" * path.count("/")
        text = self.plan.links[path] = f"{up}{store}/{folder}/{relative}"
        if folder == SITE and text == link_text(wheel.key, relative):
            self.plan.prototypes[path] = f"{wheel.path}/{LINKS}/{relative}"

    def _is_own(self, path: str) -> bool:
        """Tell whether a path is the environment's own: a wheel must not replace its interpreter or configuration."""
        directory, _, name = path.rpartition("/")
        if directory == self._layout.bin:
            return name.removesuffix(".exe").rstrip("0123456789.tw") in ("python", "pypy")
        return path in _OWN_NAMES

    def _make_directories(self, path: str) -> None:
        if path not in self.plan.directories:
            parent = path.rpartition("/")[0]
            if parent:
                self._make_directories(parent)
            self.plan.directories[path] = None

    def _add_headers(self, wheel: StoredWheel) -> None:
        for header in wheel.manifest.headers:
            path = f"{self._layout.headers}/{wheel.name}/{header}"
            self._make_directories(path.rpartition("/")[0])
            self.plan.sources[path] = f"{wheel.path}/{HEADERS}/{header}"

    def _add_programs(self, wheel: StoredWheel) -> None:
        plan, layout = self.plan, self._layout
        for file in wheel.manifest.script_files:
            if path := self._claim(file.name, wheel):
                # A program finds its own place through /proc/self/exe, so it is no symbolic link.
                (plan.rewritten if file.is_python else plan.sources)[path] = f"{wheel.path}/{SCRIPTS}/{file.name}"
        for point in wheel.manifest.entry_points:
            if layout.is_windows:
                if path := self._claim(f"{point.name}.exe", wheel):
                    stub = f"{wheel.path}/{stub_name(point.is_gui)}"
                    plan.launchers[path] = (stub, windows_launcher_tail(point, layout.python))
            elif path := self._claim(point.name, wheel):
                plan.programs[path] = posix_script(point, layout.python)

    def _claim(self, name: str, wheel: StoredWheel) -> str | None:
        """Return the path for a program, taken from whoever had it, or None where a wheel may not have it."""
        plan = self.plan
        path = f"{self._layout.bin}/{name}"
        if self._is_own(path) or path in plan.directories:
            plan.details.append(f"{path} of {wheel.name} is left out: it belongs to the environment itself")
            return None
        self._make_directories(path.rpartition("/")[0])
        places: tuple[dict[str, Any], ...] = (plan.links, plan.sources, plan.programs, plan.rewritten, plan.launchers)
        for place in places:
            if place.pop(path, None) is not None:
                plan.details.append(f"{path} comes from {wheel.name}; it is also in another package")
        return path
