"""Sources -> metadata and wheels: sdists, archives, repositories and directories, each made once and kept.

What is built is named by what it is built of: the sha256 of an sdist or archive, a commit, or the files of a directory;
and by the interpreter. The build itself is that of `launcher.resolve.build`, imported when something has to be built.
"""

from __future__ import annotations

import hashlib
import os
import threading
from collections.abc import Callable
from contextlib import AbstractContextManager, ExitStack, nullcontext, suppress
from pathlib import Path
from typing import TYPE_CHECKING

from packaging.utils import canonicalize_name
from packaging.version import InvalidVersion, Version

from launcher.cache import Bucket, Cache
from launcher.digest import digest_of
from launcher.errors import (
    BuildFailed,
    CacheUnusable,
    HashMismatch,
    InvalidWheel,
    NotAvailableOffline,
    SourceUnreachable,
)
from launcher.resolve.candidate import Candidate
from launcher.resolve.direct_url import archive_origin, repository_origin
from launcher.resolve.git_program import GitProgram, Reach
from launcher.resolve.metadata import WheelMetadata, is_static, metadata_in_wheel
from launcher.resolve.once import Once
from launcher.resolve.project_files import fingerprint
from launcher.resolve.source_archive import read_pkg_info, unpack
from launcher.resolve.source_identity import check_identity, checked, label_of, parsed, stated_name
from launcher.resolve.source_places import (
    directory_at,
    inside,
    project_in_directory,
    refuse_without_hash,
    subdirectory_of,
)
from launcher.resolve.urls import filename_of, is_version_control, path_from_file_url, sha256_in, without_fragment
from launcher.resolve.version_control import Repository, check_out, parse_repository
from launcher.resolve.wheel_files import WheelFiles
from launcher.resolve.workshop import Workshop
from launcher.value import replace

if TYPE_CHECKING:
    from launcher.python.query import Interpreter
    from launcher.resolve.build import ProjectBuild
    from launcher.resolve.source_copy import SourceCopy

_LONGEST_CHAIN = 12
_METADATA = "METADATA"
"""What the wheel beside it says, with paths of the directory that it was built of a copy of."""
Beside = Callable[[Candidate], bytes | None]
"""Asks an index for the metadata beside a file."""


class SourceTrees:
    """Whatever has to be built before it can be installed. Every method may be called from any thread.

    Every method raises `BuildFailed`, `InvalidWheel` for an archive or metadata that cannot be right,
    `InvalidMetadata`, `SourceUnreachable`, `HashMismatch`, `IndexUnreachable` and `NotAvailableOffline`.
    """

    def __init__(
        self, interpreter: Interpreter, cache: Cache, files: WheelFiles, workshop: Workshop, reach: Reach | None = None
    ) -> None:
        self.formats = workshop.formats
        self._interpreter = interpreter
        self._cache = cache
        self._files = files
        self._workshop = workshop
        self._git = GitProgram(reach or Reach())
        self._found: Once[tuple[str, bool, tuple[str, ...]], Candidate] = Once()
        self._checkouts: Once[tuple[str, str], tuple[Path, str]] = Once()
        self._logins: dict[str, tuple[str, str]] = {}
        self._builds: Once[str, ProjectBuild] = Once()
        self._metadata: Once[str, WheelMetadata] = Once()
        self._wheels: Once[str, tuple[Path, str]] = Once()
        self._copies: dict[str, SourceCopy] = {}
        self._changed: set[str] = set()
        self._opened: list[ProjectBuild] = []
        self._directories = ExitStack()
        self._lock = threading.Lock()

    def close(self) -> None:
        """Stop what is being fetched and built, and remove what was unpacked for it."""
        self._git.stop()
        for build in self._opened:
            build.stop()
        self._directories.close()

    def remember_credentials(self, url: str) -> None:
        """Keep the credentials in the URL of a repository; the URLs of candidates have none."""
        repository = parse_repository(url)
        if repository.login:
            self._logins[repository.url] = repository.login

    def find(self, url: str, *, name: str = "", is_editable: bool = False, hashes: tuple[str, ...] = ()) -> Candidate:
        """Return the source that a requirement names by a URL without credentials, but for those of a repository.

        Its name and version are its metadata's; `name` is the requirement's. With `hashes`, nothing else is run.
        """
        return self._found.get((url, is_editable, hashes), lambda _: self._find(url, name, is_editable, hashes))

    def metadata(self, candidate: Candidate, beside: Beside | None = None) -> WheelMetadata:
        """Return what a wheel built of the candidate will say; `beside` asks what the index says of it (PEP 658)."""
        return self._metadata.get(self._key(candidate), lambda key: self._read_metadata(candidate, key, beside))

    def wheel(self, candidate: Candidate) -> tuple[Path, str]:
        """Return the wheel built of the candidate, built now where it was not before, and its sha256."""
        return self._wheels.get(self._key(candidate), lambda key: self._built(candidate, key))

    def with_wheel(self, candidate: Candidate) -> Candidate:
        """Return the candidate with the sha256 of its wheel; a directory that changed meanwhile has no state."""
        built = replace(candidate, built_sha256=self.wheel(candidate)[1])
        return replace(built, state="") if self._key(candidate) in self._changed else built

    # What a URL names

    def _find(self, url: str, name: str, is_editable: bool, hashes: tuple[str, ...]) -> Candidate:
        if hashes or self._workshop.require_hashes:
            refuse_without_hash(url, hashes)
        if is_version_control(url):
            found = self._in_repository(url, name)
        elif (path := directory_at(url)) is not None:
            found = project_in_directory(path, url, name, is_editable)
        else:
            found = self._in_archive(url, name)
        if hashes and f"sha256:{found.sha256}" not in hashes:
            said = f"{label_of(found)} is not what the given hashes allow: {found.sha256 or 'it has none'}."
            raise HashMismatch(said, hint="Nothing of it was run. Mend the hash, or ask who changed what is there.")
        metadata = self.metadata(found)
        try:
            version = str(Version(metadata.version))
        except InvalidVersion as error:
            raise InvalidWheel(f"{label_of(found)} says its version is {metadata.version!r}, which is none.") from error
        return replace(found, name=canonicalize_name(metadata.name), version=version)

    def _in_repository(self, url: str, name: str) -> Candidate:
        repository = parse_repository(url)
        self.remember_credentials(url)
        commit = repository.commit or self._check_out(repository)[1]
        origin = repository_origin(repository.url, repository.revision, commit, repository.subdirectory)
        return Candidate(name, "", filename_of(repository.url), repository.at(commit), direct_url=origin)

    def _in_archive(self, url: str, name: str) -> Candidate:
        bare, subdirectory = without_fragment(url), subdirectory_of(url)
        if url.startswith("file:") and not path_from_file_url(url).exists():
            raise SourceUnreachable(
                f"There is no file or directory {path_from_file_url(url)}.",
                hint="A path in a script counts from the script's directory, others from the current one.",
            )
        wanted = Candidate(name, "", filename_of(url), bare, sha256=sha256_in(url))
        path, sha256 = self._archive(wanted)
        return replace(
            wanted,
            url=f"{bare}#subdirectory={subdirectory}" if subdirectory else bare,
            sha256=sha256,
            size_bytes=path.stat().st_size,
            direct_url=archive_origin(bare, sha256, subdirectory),
        )

    def _key(self, candidate: Candidate) -> str:
        """Name what is built of a candidate: by what it is built of, for what, and by which tools."""
        tools = (self._workshop.tools_key, self.formats.key_for_tools())
        parts = (self._content(candidate), candidate.is_editable, self._interpreter.identity, *tools)
        return hashlib.sha256(repr(parts).encode("utf-8", "surrogateescape")).hexdigest()[:32]

    def _content(self, candidate: Candidate) -> str:
        """Name the files of a candidate."""
        if is_version_control(candidate.url):
            return candidate.url
        if candidate.state is not None:
            return f"{candidate.url} {candidate.state}"
        sha256 = candidate.sha256 or self._archive(candidate)[1]
        return f"{sha256} {subdirectory_of(candidate.url)}"

    # Metadata

    def _read_metadata(self, candidate: Candidate, key: str, beside: Beside | None) -> WheelMetadata:
        # Also by the URL: what stands beside an sdist is only an index's word, and no other index's. What it states for
        # certain, no tools can change.
        stated, built = (digest_of(f"{each} {candidate.url}") for each in (self._content(candidate), key))
        for place in (stated, built):
            cached = self._cache.read(Bucket.METADATA, place)
            if cached is not None:
                with suppress(ValueError):
                    return checked(candidate, WheelMetadata.from_bytes(cached))
        content, place = beside(candidate) if beside else None, stated
        if content is None or not is_static(content):
            content = self._static_metadata(candidate)
        if content is None:
            content, place = self._metadata_by_backend(candidate, key), built
        metadata = checked(candidate, parsed(candidate, content))
        if key not in self._changed:
            self._cache.write(Bucket.METADATA, place, metadata.to_bytes())
        return metadata

    def _static_metadata(self, candidate: Candidate) -> bytes | None:
        """Return PKG-INFO of an sdist where that is enough (PEP 643)."""
        is_archive = not is_version_control(candidate.url) and candidate.state is None
        if not is_archive or subdirectory_of(candidate.url):
            return None
        content = read_pkg_info(self._archive(candidate)[0])
        return content if content is not None and is_static(content) else None

    def _metadata_by_backend(self, candidate: Candidate, key: str) -> bytes:
        if (built := self._built_before(key)) is None:
            content = self._build(candidate, key).metadata(self._temporary_directory())
            if content is not None:
                return self._with_original_paths(content, key)
            built = self.wheel(candidate)[0]
        stated = built.with_name(_METADATA)
        return stated.read_bytes() if stated.exists() else _metadata_of_built(candidate, built)

    def _with_original_paths(self, content: bytes, key: str) -> bytes:
        copy = self._copies.get(key)
        return copy.with_original_paths(content) if copy else content

    # Wheels

    def _built(self, candidate: Candidate, key: str) -> tuple[Path, str]:
        wheel = self._built_before(key) or self._make(candidate, key)
        with wheel.open("rb") as stream:
            return wheel, hashlib.file_digest(stream, "sha256").hexdigest()

    def _built_before(self, key: str) -> Path | None:
        entry = self._cache.path(Bucket.BUILT, key)
        wheel = next(entry.glob("*.whl"), None)
        if wheel is not None:
            with suppress(OSError):
                os.utime(entry)  # collection takes those that nobody wanted for long
        return wheel

    def _make(self, candidate: Candidate, key: str) -> Path:
        build = self._build(candidate, key)
        reporter = self._workshop.reporter
        # No other build is begun under this lock, so builds that wait for one another can not wait for ever.
        with self._cache.lock(f"build-{key}", reporter, f"building {label_of(candidate)}"):
            if built := self._built_before(key):
                return built
            reporter.step(f"Building {label_of(candidate)}")
            with self._cache.temporary_directory() as directory:
                made = build.wheel(directory)
                check_identity(candidate, made)
                if key in self._copies:
                    content = _metadata_of_built(candidate, made)
                    (directory / _METADATA).write_bytes(self._with_original_paths(content, key))
                # What was changed while it was copied must not be taken for what it was before.
                place = digest_of(f"{key} {directory.name}") if key in self._changed else key
                return self._cache.publish(directory, Bucket.BUILT, place) / made.name

    def _build(self, candidate: Candidate, key: str) -> ProjectBuild:
        return self._builds.get(key, lambda _: self._prepare_build(candidate, key))

    def _prepare_build(self, candidate: Candidate, key: str) -> ProjectBuild:
        """Lay the source out and give it an environment; its backend has run once by then."""
        label, workshop = label_of(candidate), self._workshop
        chain = (*workshop.chain, (key, label))
        if key in dict(workshop.chain) or len(chain) > _LONGEST_CHAIN:
            needs = " needs ".join(each for _, each in chain)
            raise BuildFailed(
                f"{label} cannot be built, because building it takes itself: {needs}.",
                hint="Let the wheel of one of them be used (no-binary), or ask for a version that has one.",
            )
        directory = self._source_tree(candidate)
        self._check_allowed(candidate, directory)
        if candidate.state is not None and not candidate.is_editable:
            directory = self._copy(candidate, key)
        make_environment = workshop.make_environment
        if make_environment is None:
            raise BuildFailed(
                f"{label} would have to be built, and no code may run here before somebody agreed to the script.",
                hint="Agree to it first: pyscript trust add URL",
            )
        # 80 ms: pypa/build, for the few launches that need it.
        from launcher.resolve.build import ProjectBuild, SourceTree  # noqa: PLC0415

        workshop.reporter.step(f"Building {label}")
        tree = SourceTree(directory, label, candidate.is_editable, lambda: self._alone_in(candidate, directory))
        build = ProjectBuild(
            tree, lambda requires, origin: make_environment(requires, origin, chain), workshop.reporter
        )
        with self._lock:
            self._opened.append(build)
        return build

    def _check_allowed(self, candidate: Candidate, directory: Path) -> None:
        formats = self.formats
        names = {candidate.name, stated_name(directory)} - {""}
        if all(map(formats.allow_build, names or {""})) and (names or not formats.no_build_package):
            return
        setting = "no-build" if formats.no_build else "no-build-package"
        raise BuildFailed(
            f"{label_of(candidate)} would have to be built, and {setting} forbids it.",
            hint="Ask for a version that has a wheel, or allow it to be built; what is built runs its code.",
        )

    # Source trees

    def _source_tree(self, candidate: Candidate) -> Path:
        if is_version_control(candidate.url):
            repository = parse_repository(candidate.url)
            return inside(self._check_out(repository)[0], repository.subdirectory, candidate)
        if (path := directory_at(candidate.url)) is not None:
            return inside(path, subdirectory_of(candidate.url), candidate)
        place = self._temporary_directory()
        # As for a copy: a home directory that is a repository is none of its business.
        (place / ".git").touch()
        (place / "sources").mkdir()
        tree = unpack(self._archive(candidate)[0], place / "sources")
        return inside(tree, subdirectory_of(candidate.url), candidate)

    def _copy(self, candidate: Candidate, key: str) -> Path:
        """Return where the project is in a copy of its directory, and notice when that changes at the same time."""
        from launcher.resolve.source_copy import copy_project  # noqa: PLC0415 - with something to build only

        root = path_from_file_url(candidate.url)
        try:
            copy = copy_project(root, subdirectory_of(candidate.url), self._temporary_directory())
        except OSError as error:
            raise CacheUnusable(
                f"{root} cannot be copied into the cache to be built there: {error.strerror or error}.",
                hint="Make room or mend the permissions there, or set PYSCRIPT_CACHE_DIR to another directory.",
            ) from error
        with self._lock:
            self._copies[key] = copy
            if fingerprint(str(root), is_editable=False) != candidate.state:
                self._changed.add(key)
        return copy.directory

    def _alone_in(self, candidate: Candidate, directory: Path) -> AbstractContextManager[None]:
        """Hold a directory in which backends write, against all launches, on whichever interpreter."""
        if not candidate.is_editable:
            return nullcontext()
        waiting_for = f"building {label_of(candidate)}"
        return self._cache.lock(
            f"directory-{digest_of(os.path.realpath(directory))}", self._workshop.reporter, waiting_for
        )

    def _archive(self, candidate: Candidate) -> tuple[Path, str]:
        return self._files.keep(replace(candidate, url=without_fragment(candidate.url)), self._workshop.reporter)

    def _check_out(self, repository: Repository) -> tuple[Path, str]:
        """Return a checkout of what is wanted of a repository, and its commit."""
        return self._checkouts.get((repository.url, repository.revision), lambda _: self._clone(repository))

    def _clone(self, repository: Repository) -> tuple[Path, str]:
        if self._git.reach.offline and not repository.url.startswith("file:"):
            raise NotAvailableOffline(
                f"{repository.url} is a git repository, and offline forbids fetching it.",
                hint="Run once without --offline.",
            )
        self._workshop.reporter.step(f"Fetching {repository.url}")
        directory = self._temporary_directory()
        commit = check_out(replace(repository, login=self._logins.get(repository.url)), directory, self._git)
        if commit != repository.revision:
            self._checkouts.get((repository.url, commit), lambda _: (directory, commit))
        return directory, commit

    def _temporary_directory(self) -> Path:
        with self._lock:
            return self._directories.enter_context(self._cache.temporary_directory())


def _metadata_of_built(candidate: Candidate, wheel: Path) -> bytes:
    try:
        return metadata_in_wheel(wheel)
    except (OSError, ValueError) as error:
        raise BuildFailed(f"The wheel that {label_of(candidate)} made is not sound: {error}.") from error
