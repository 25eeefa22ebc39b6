"""Requirements from version control: what a ``git+…`` URL says, and the checkout of a commit by the `git` program.

unearth can do this too, but it puts passwords on git's command line and into the checkout, hands a revision that begins
with a dash on as an option, and in a git hook works on the repository of the hook instead of its own.
"""

from __future__ import annotations

import os
import re
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import parse_qs, unquote, urlsplit, urlunsplit

from launcher.errors import SourceUnreachable
from launcher.resolve.urls import mask_credentials, split_credentials

_SCHEMES = frozenset({"https", "http", "ssh", "git", "file"})
_OTHERS = {"hg": "Mercurial", "svn": "Subversion", "bzr": "Bazaar"}
_IS_VERSION_CONTROL = re.compile(r"(git|hg|svn|bzr)(\+|@)", re.IGNORECASE)
_REVISION = re.compile(r"[^-\x00-\x20\x7f~^:?*\[\\][^\x00-\x20\x7f~^:?*\[\\]*")
_COMMIT = re.compile(r"[0-9a-f]{40}([0-9a-f]{24})?")
_SHOWN_LINES = 5
_USER, _PASSWORD = "PYSCRIPT_GIT_USER", "PYSCRIPT_GIT_PASSWORD"
_HELPER = f"""!f() {{ test "$1" = get && printf 'username=%s\\npassword=%s\\n' "${_USER}" "${_PASSWORD}"; }}; f"""
"""A credential helper that tells git the variables; git asks it for the URL's own origin only."""
HOOK_VARIABLES = (
    *("GIT_DIR", "GIT_WORK_TREE", "GIT_INDEX_FILE", "GIT_PREFIX", "GIT_COMMON_DIR", "GIT_NAMESPACE"),
    *("GIT_OBJECT_DIRECTORY", "GIT_ALTERNATE_OBJECT_DIRECTORIES"),
)
"""A script that is a git hook is started with these, and they would lead git to the hook's repository."""


@dataclass(frozen=True, slots=True)
class Repository:
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


def is_version_control(url: str) -> bool:
    """Tell whether a requirement's URL names a repository, of whichever program."""
    return _IS_VERSION_CONTROL.match(url) is not None


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


def check_out(repository: Repository, directory: Path) -> str:
    """Put the wanted revision, its submodules and its history into `directory`; return the id of the commit.

    The history is there because version numbers are derived of it, but without the content of other commits.
    Raises `SourceUnreachable`. git never asks a person: its credential helpers and ssh's agent answer, or it fails.
    """
    git = _Git(repository, directory)
    try:
        git.run("clone", "--quiet", "--filter=blob:none", "--no-checkout", "--", repository.url, str(directory))
        commit = _find_commit(git, repository)
        git.run("checkout", "--quiet", "--detach", commit, cwd=directory)
        if (directory / ".gitmodules").exists():
            git.run("submodule", "--quiet", "update", "--init", "--recursive", cwd=directory)
    except FileNotFoundError as error:
        raise SourceUnreachable(
            f"{repository.url} is a git repository, and there is no git here.",
            hint="Install git, or ask for a version from an index.",
        ) from error
    except subprocess.CalledProcessError as error:
        raise _failure(repository, error.stderr or "") from error
    return commit


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
    """The program, with everything switched off by which it could ask a person or run what a URL says."""

    def __init__(self, repository: Repository, directory: Path) -> None:
        self.directory = directory
        self._environ = _environ(repository, os.environ)

    def run(self, *arguments: str, cwd: Path | None = None) -> str:
        return subprocess.run(
            ["git", *arguments],
            cwd=cwd,
            env=self._environ,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            check=True,
            encoding="utf-8",
            errors="replace",
        ).stdout.strip()

    def commit_of(self, name: str) -> str | None:
        try:
            return self.run("rev-parse", "--quiet", "--verify", f"{name}^{{commit}}", cwd=self.directory)
        except subprocess.CalledProcessError:
            return None


def _environ(repository: Repository, environ: Mapping[str, str]) -> dict[str, str]:
    allowed = "https:http:ssh:git" + (":file" if repository.url.startswith("file:") else "")
    child = {name: value for name, value in environ.items() if name not in HOOK_VARIABLES}
    child |= {
        "GIT_TERMINAL_PROMPT": "0",
        "GIT_ASKPASS": "",
        "SSH_ASKPASS": "",
        "SSH_ASKPASS_REQUIRE": "never",
        "GCM_INTERACTIVE": "never",
        "GIT_ALLOW_PROTOCOL": allowed,
        "LC_ALL": "C",
    }
    # A command of one's own may be there for another key; it has to see to it itself that it does not ask.
    if not child.keys() & {"GIT_SSH", "GIT_SSH_COMMAND"} and repository.url.startswith("ssh:") and not _own_ssh(child):
        child["GIT_SSH_COMMAND"] = "ssh -oBatchMode=yes"
    settings = [("core.askPass", "")]
    if repository.login:
        # Neither on the command line, where everybody sees it, nor in the checkout's configuration; and not as a header
        # of git's own, which git sends on to wherever a server redirects it. The empty value is there to forget other
        # helpers: they would be asked first, and told to keep it.
        origin = urlunsplit(urlsplit(repository.url)._replace(path=""))
        settings += [(f"credential.{origin}.helper", ""), (f"credential.{origin}.helper", _HELPER)]
        child[_USER], child[_PASSWORD] = repository.login
    first = int(child.get("GIT_CONFIG_COUNT") or 0)
    for number, (name, value) in enumerate(settings, first):
        child |= {f"GIT_CONFIG_KEY_{number}": name, f"GIT_CONFIG_VALUE_{number}": value}
    return child | {"GIT_CONFIG_COUNT": str(first + len(settings))}


def _own_ssh(environ: Mapping[str, str]) -> bool:
    command = ["git", "config", "--get", "core.sshCommand"]
    try:
        return subprocess.run(command, env=environ, capture_output=True, check=False).returncode == 0
    except OSError:
        return False


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
        r"could not resolve host|timed out|connection refused|unable to access|network is unreachable",
        "{url} could not be reached.",
        "Check the connection and the URL.",
    ),
    (r"transport '?\w+'? not allowed", "{url}, or a submodule of it, has a kind of address that is not allowed.", None),
)


def _failure(repository: Repository, stderr: str) -> SourceUnreachable:
    lines = [line for line in mask_credentials(stderr).splitlines() if line.strip()][-_SHOWN_LINES:]
    shown = "".join(f"\n  | {line}" for line in lines)
    for pattern, message, hint in _KNOWN_FAILURES:
        if re.search(pattern, stderr, re.IGNORECASE):
            return SourceUnreachable(message.format(url=repository.url) + shown, hint=hint)
    return SourceUnreachable(f"git could not fetch {repository.url}.{shown}", hint="Try git clone with this URL.")
