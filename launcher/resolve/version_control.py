"""Requirements from version control: what a ``git+…`` URL says, and the checkout of a commit by the `git` program.

unearth can do this too, but it puts passwords on git's command line and into the checkout, hands a revision that begins
with a dash on as an option, and in a git hook works on the repository of the hook instead of its own.
"""

from __future__ import annotations

import os
import re
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import parse_qs, unquote, urlsplit, urlunsplit

from launcher.errors import NotAvailableOffline, PyscriptError, SourceUnreachable
from launcher.resolve.git_program import GitProgram, environ_for
from launcher.resolve.urls import mask_credentials, split_credentials
from launcher.value import Value

_SCHEMES = frozenset({"https", "http", "ssh", "git", "file"})
_OTHERS = {"hg": "Mercurial", "svn": "Subversion", "bzr": "Bazaar"}
_REVISION = re.compile(r"[^-\x00-\x20\x7f~^:?*\[\\][^\x00-\x20\x7f~^:?*\[\\]*")
_COMMIT = re.compile(r"[0-9a-f]{40}([0-9a-f]{24})?")
_SHOWN_LINES = 5
_FETCH = ("fetch", "--quiet", "--no-recurse-submodules", "--filter=blob:none")
_NO_SUCH_REF = r"couldn't find remote ref|not our ref|unadvertised object|does not allow request"


class Repository(Value):
    """A git repository and what is wanted of it.

    `url` is as git takes it, without credentials, which are in `login` as user and password. `revision` is a branch, a
    tag, a commit or nothing; `name` what ``#egg=`` says.
    """

    url: str
    revision: str = ""
    subdirectory: str = ""
    name: str = ""
    login: tuple[str, str] | None = None

    @property
    def commit(self) -> str | None:
        """The revision where it is a whole commit id, and so can never come to mean another."""
        return self.revision if _COMMIT.fullmatch(self.revision) else None

    def at(self, commit: str) -> str:
        """Return the URL of one commit as a requirement has it."""
        end = f"#subdirectory={self.subdirectory}" if self.subdirectory else ""
        return f"git+{self.url}@{commit}{end}"


def parse_repository(url: str) -> Repository:
    """Read ``git+SCHEME://HOST/PATH@REVISION#subdirectory=DIRECTORY&egg=NAME``; raises `ValueError` with one clause.

    >>> parse_repository("git+https://me:pw@host/a.git@feature/x#subdirectory=lib").url
    'https://host/a.git'
    """
    program, _, rest = url.partition("+")
    if program.lower() in _OTHERS:
        raise ValueError(f"{_OTHERS[program.lower()]} repositories cannot be used, only those of git")
    parts = urlsplit(rest)
    if parts.scheme not in _SCHEMES:
        raise ValueError("it has to begin with git+https://, git+ssh:// or git+file://, as in git+ssh://git@host/a.git")
    try:
        _ = parts.port
    except ValueError:
        raise ValueError("it has a colon behind the host; write git+ssh://git@host/path with a slash") from None
    if (parts.hostname or "").startswith("-") or (parts.username or "").startswith("-"):
        raise ValueError("its host begins with a dash")
    path, at, revision = parts.path.rpartition("@")
    if not at:
        path, revision = parts.path, ""
    elif not _REVISION.fullmatch(revision):
        raise ValueError(f"{revision!r} is no name of a branch, tag or commit")
    fragment = parse_qs(parts.fragment)
    subdirectory = fragment.get("subdirectory", [""])[0].strip("/")
    if ".." in subdirectory.split("/"):
        raise ValueError("its subdirectory leads out of the repository")
    bare = urlunsplit(parts._replace(path=path, query="", fragment=""))
    login = None
    if parts.scheme in ("http", "https") and "@" in parts.netloc:
        bare = split_credentials(bare)[0]
        login = unquote(parts.username or ""), unquote(parts.password or "")
        if not "".join(login).isprintable():
            raise ValueError("its user name or password has control characters")
    elif parts.password:
        bare = bare.replace(f":{parts.password}@", "@", 1)
    name = fragment.get("egg", [""])[0].partition("[")[0]
    return Repository(bare, revision, subdirectory, name, login)


def check_out(repository: Repository, directory: Path, program: GitProgram) -> str:
    """Put the wanted revision, its submodules and its history into `directory`; return the id of the commit.

    The history is there because version numbers are derived of it, but without the content of other commits.
    Raises `SourceUnreachable`, and `NotAvailableOffline` where something of it lies elsewhere. git never asks a person:
    its credential helpers and ssh's agent answer, or it fails.
    """
    git = _Git(repository, directory, program)
    with _failures_told(repository, program):
        git.run("clone", "--quiet", "--filter=blob:none", "--no-checkout", "--", repository.url, str(directory))
        commit = _find_commit(git, repository)
        git.run("checkout", "--quiet", "--detach", commit, cwd=directory)
        if (directory / ".gitmodules").exists():
            git.run("submodule", "--quiet", "update", "--init", "--recursive", cwd=directory)
    return commit


def fetch_commit(repository: Repository, directory: Path, program: GitProgram) -> str:
    """Fetch the wanted revision alone, without the content of its files; return the id of the commit.

    Raises as `check_out` does.
    """
    git, wanted = _Git(repository, directory, program), repository.revision
    names = (f"refs/heads/{wanted}", f"refs/tags/{wanted}") if wanted else ("HEAD",)
    if wanted.startswith("refs/") or repository.commit:
        names = (wanted,)
    with _failures_told(repository, program):
        git.run("init", "--quiet", "--", str(directory))
        git.run("remote", "add", "origin", repository.url, cwd=directory)
        for name in names:
            try:
                git.run(*_FETCH, "--depth=1", "origin", name, cwd=directory)
            except subprocess.CalledProcessError as error:
                if not re.search(_NO_SUCH_REF, error.stderr or ""):
                    raise
            else:
                return git.commit_of("FETCH_HEAD") or _find_commit(git, repository)
        # The beginning of an id, or a server that gives no single commit.
        git.run(*_FETCH, "--tags", "origin", "+refs/heads/*:refs/remotes/origin/*", cwd=directory)
        return _find_commit(git, repository)


def read_blob(
    repository: Repository, place: tuple[str, str], directory: Path, program: GitProgram, limit: int
) -> bytes | None:
    """Return the first `limit` bytes and one more of a file, given its commit and path, as it was committed.

    `directory` is where `fetch_commit` put the commit. Returns None where there is no such file, or no plain one.
    Raises as `check_out` does.
    """
    git, (commit, path) = _Git(repository, directory, program), place
    with _failures_told(repository, program):
        row, _, name = git.run("ls-tree", "--full-tree", "-z", commit, path, cwd=directory).partition("\t")
        mode, _, blob = row.partition(" blob ")
        if mode not in ("100644", "100755") or name.rstrip("\0") != path:
            return None
        # As a file and not as text: neither line ends nor bytes may change on the way.
        unpacked = directory / git.run("unpack-file", blob, cwd=directory)
    with unpacked.open("rb") as stream:
        return stream.read(limit + 1)


@contextmanager
def _failures_told(repository: Repository, program: GitProgram) -> Iterator[None]:
    try:
        yield
    except FileNotFoundError as error:
        raise SourceUnreachable(
            f"{repository.url} is a git repository, and there is no git here.",
            hint="Install git, or ask for a version from an index.",
        ) from error
    except subprocess.CalledProcessError as error:
        raise _failure(repository, error.stderr or "", is_offline=program.reach.offline) from error
    except subprocess.TimeoutExpired as error:
        raise SourceUnreachable(
            f"git did not come to an end with {repository.url} within {error.timeout:g} s.",
            hint="Try again, or raise --timeout.",
        ) from error


def _find_commit(git: _Git, repository: Repository) -> str:
    """Return the commit that the revision stands for: a branch, else a tag, else part of an id, else any other ref."""
    wanted = repository.revision
    known = [f"refs/remotes/origin/{wanted}", f"refs/tags/{wanted}", wanted] if wanted else ["HEAD"]
    for name in known:
        if found := git.commit_of(name):
            return found
    # What no branch or tag leads to has to be asked for: refs/pull/1/head, or a commit of a branch that is gone.
    if wanted.startswith("refs/") or repository.commit:
        try:
            git.run("fetch", "--quiet", "origin", wanted, cwd=git.directory)
        except subprocess.CalledProcessError:
            pass
        else:
            if found := git.commit_of("FETCH_HEAD"):
                return found
    raise SourceUnreachable(
        f"{repository.url} has no branch, tag or commit called {wanted!r}."
        if wanted
        else f"{repository.url} has no commit.",
        hint="Mend what stands behind the @ of the URL." if wanted else None,
    )


class _Git:
    """The program on one repository and its checkout."""

    def __init__(self, repository: Repository, directory: Path, program: GitProgram) -> None:
        self.directory = directory
        self._program = program
        self._environ = environ_for(repository.url, repository.login, program.reach, os.environ)

    def run(self, *arguments: str, cwd: Path | None = None) -> str:
        return self._program.run([*arguments], self._environ, cwd)

    def commit_of(self, name: str) -> str | None:
        try:
            return self.run("rev-parse", "--quiet", "--verify", f"{name}^{{commit}}", cwd=self.directory)
        except subprocess.CalledProcessError:
            return None


_NOT_ALLOWED = r"transport '?\w+'? not allowed|lazy fetching disabled"
_KNOWN_FAILURES = (
    (
        r"not found|does not exist|does not appear to be a git repository|no such file",
        "There is no git repository at {url}, or it may not be seen.",
        "Check the URL; for a private one, set up a credential helper of git's or ssh's agent, or give a token in it.",
    ),
    (
        r"authentication failed|could not read (username|password)|permission denied|prompts disabled|\b40[13]\b",
        "{url} wants credentials.",
        "Set up a credential helper of git's, or ssh's agent: git is not allowed to ask.",
    ),
    (
        r"could not resolve host|timed out|too slow|connection refused|unable to access|network is unreachable",
        "{url} could not be reached.",
        "Check the connection and the URL.",
    ),
    (_NOT_ALLOWED, "{url}, or a submodule of it, has a kind of address that is not allowed.", None),
)


def _failure(repository: Repository, stderr: str, *, is_offline: bool = False) -> PyscriptError:
    lines = [line for line in mask_credentials(stderr).splitlines() if line.strip()][-_SHOWN_LINES:]
    shown = "".join(f"\n  | {line}" for line in lines)
    if is_offline and re.search(_NOT_ALLOWED, stderr):
        return NotAvailableOffline(
            f"A part of {repository.url}, such as a submodule, lies elsewhere, and offline forbids fetching it.{shown}",
            hint="Run once without --offline.",
        )
    for pattern, message, hint in _KNOWN_FAILURES:
        if re.search(pattern, stderr, re.IGNORECASE):
            return SourceUnreachable(message.format(url=repository.url) + shown, hint=hint)
    return SourceUnreachable(f"git could not fetch {repository.url}.{shown}", hint="Try git clone with this URL.")
