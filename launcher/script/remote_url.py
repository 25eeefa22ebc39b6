"""What a URL of a script says: where to get it, whose place that is, and how it is shown. Pure.

A page that shows a script (of GitHub, GitLab, a gist, ...) stands for the file that it shows. ``git+`` URLs name a
repository, a revision and a file in it: ``git+https://host/repo.git@v1#tools/x.py``.
"""

from __future__ import annotations

import re
from urllib.parse import SplitResult, parse_qsl, quote, unquote, urlencode, urlsplit, urlunsplit

from launcher.errors import UsageError
from launcher.value import Value

_SCHEMES = ("https", "http", "git+https", "git+http", "git+ssh", "git+file")
_LOOPBACK = r"localhost|127\.\d+\.\d+\.\d+|::1"
_SHA256 = r"[0-9a-f]{64}"
_FORBIDDEN = r"[\x00-\x20\x7f-\x9f\\\"<>^`{|}]"
_DOTS_OR_SLASH = r"(?:^|/)(?:\.|%2e){1,2}(?:/|;|%3b|$)|%2f|%5c|%00"
"""Detours; servers in Java take what stands behind a semicolon away before they follow the dots."""
_KEPT = "/%:@!$&'()*+,;=~?-._"
_WRITTEN_PLAINLY = r"%(2[dDeE]|3[0-9]|4[1-9a-fA-F]|5[0-9aA]|5[fF]|6[1-9a-fA-F]|7[0-9aAeE])"
"""Letters, digits and ``-._~`` mean the same with and without a percent sign (RFC 3986, 6.2.2.2)."""
_SECRET_PARAMETERS = r"(?i)(.*[-_])?(token|key|secret|sig|signature|password|auth|jwt)"
_PAGES = (
    (r"github\.com", r"/([^/]+/[^/]+)/(?:blob|raw|blame|edit)/(.+)", "raw.githubusercontent.com", r"/\1/\2"),
    (r"gist\.github\.com", r"/([^/]+/[0-9a-f]+)(/[0-9a-f]{40})?", "gist.githubusercontent.com", r"/\1/raw\2"),
    (r"gist\.github\.com", r"/([0-9a-f]{20,})", "", r"/\1/raw"),
    (r"bitbucket\.org", r"/([^/]+/[^/]+)/src/(.+)", "", r"/\1/raw/\2"),
    (r"git\.sr\.ht", r"/(~[^/]+/[^/]+)/tree/([^/]+)/item/(.+)", "", r"/\1/blob/\2/\3"),
    (r".*", r"/(.+?)/-/blob/(.+)", "", r"/\1/-/raw/\2"),
    (r".*", r"/(.+/snippets/\d+)", "", r"/\1/raw"),
    (r".*", r"/([^/]+/[^/]+)/src/(branch|tag|commit)/(.+)", "", r"/\1/raw/\2/\3"),
)
"""Pages by host and path, with what stands for them: host (none: the same) and path."""

_FILES = (
    (r"raw\.githubusercontent\.com", r"/((?!wiki/)[^/]+/[^/]+)/(.+)"),
    (r"bitbucket\.org", r"/([^/]+/[^/]+)/raw/(.+)"),
    (r"git\.sr\.ht", r"/(~[^/]+/[^/]+)/blob/(.+)"),
    (r".*", r"/(.+?)/-/raw/(.+)"),
    (r".*", r"/([^/]+/[^/]+)/(?:raw|media)/(?:branch/|tag/|(?=commit/))(.+)"),
)
"""Files in repositories by host and path: which repository, and what revision and path in it.

The first mark of a file counts: behind it a fork can have folders of any name.
"""
_OF_ANYBODY = r"""(?x)
    (.+\.)?(github|gitlab|githubusercontent|jsdelivr|pastebin|unpkg|githack|dropbox|googleapis|amazonaws)\.(com|net)
    | bitbucket\.org | codeberg\.org | git\.sr\.ht | huggingface\.co | dpaste\.(org|com) | paste\.rs | transfer\.sh
    | 0x0\.st | web\.archive\.org | ipfs\.io | bpa\.st
"""
"""These hosts serve what anybody brings, and only of `_FILES` the path says whose it is."""
_WITH_OWNERS = r"(www\.)?(github|gitlab)\.com|bitbucket\.org|codeberg\.org|git\.sr\.ht|huggingface\.co"
"""Those of them where a repository's path begins with its owner; of a gist any name may stand there."""
_BY_ANYBODY = r"(?is)((.+-g)?[0-9a-f]{4,64}|commit|pull|merge-requests|refs/(?!heads/|tags/)[^/]+)([^\w.-].*)?"
"""Revisions that need not be the owner's: forges show commits of forks and of merge requests as the original's.

Git takes a commit's id from four digits on, in capitals too, behind -g, and with ~ or ^ after it.
"""

_AGREE_TO_CONTENT = "Agree to the content instead: pyscript trust add URL, with the URL of the script."


class RemoteUrl(Value):
    """A script that lies elsewhere.

    `url` is what is fetched, without credentials, which are in `user_info`; of a ``git+`` URL it is the repository with
    ``@revision``, and `path` is the file in it. `sha256` is what the content has to have, where the URL says so.
    """

    url: str
    user_info: str = ""
    path: str = ""
    sha256: str | None = None

    @property
    def is_git(self) -> bool:
        """Whether it lies in a git repository."""
        return self.url.startswith("git+")

    @property
    def with_credentials(self) -> str:
        """The URL to fetch with what was given to be told to its origin."""
        return self.url.replace("://", f"://{self.user_info}@", 1) if self.user_info else self.url

    @property
    def shown(self) -> str:
        """The URL for people and for what is kept: without credentials, those in its query masked."""
        return without_secrets(self.url) + (f"#{self.path}" if self.path else "")

    @property
    def filename(self) -> str:
        """What the script is called here: one plain file name.

        >>> parse_remote("https://host/a/my%20tool.py?x=1").filename, parse_remote("https://host/").filename
        ('my_tool.py', 'script.py')
        """
        name = unquote(self.path or urlsplit(self.url).path).rpartition("/")[2]
        name = re.sub(r"[^\w.+-]", "_", name, flags=re.ASCII).lstrip(".-")[-100:]
        return name if re.search(r"\w", name) and name not in ("raw", "__main__.py") else "script.py"

    @property
    def address(self) -> str:
        """Where it lies, in one way of writing it for all ways to get at it; without query and credentials.

        >>> parse_remote("https://raw.githubusercontent.com/me/tools/main/x.py").address
        'https://github.com/me/tools/main/x.py'
        """
        if self.is_git:
            repository, _, revision = _split_revision(self.url)
            parts = urlsplit(repository.removeprefix("git+").removesuffix(".git"))
            return (
                urlunsplit(parts._replace(netloc=parts.netloc.rpartition("@")[2]))
                + f"/{revision or 'HEAD'}/{self.path}"
            )
        parts = urlsplit(self.url)
        host = "github.com" if parts.netloc == "raw.githubusercontent.com" else parts.netloc
        return urlunsplit((parts.scheme, host, parts.path or "/", "", ""))

    @property
    def place(self) -> str | None:
        """The address up to where one owner can be told from others, or None where nobody can vouch for all of it.

        That is the case for what comes unencrypted, where a host serves what anybody brings, and for a single commit of
        a forge: it can be one of a fork, and still be asked for under the name of the original.

        >>> parse_remote("https://github.com/me/tools/blob/main/x.py").place, parse_remote("https://host/a/x.py").place
        ('https://github.com/me/tools/', 'https://host/')
        """
        parts = urlsplit(self.address)
        root = urlunsplit((parts.scheme, parts.netloc, "/", "", ""))
        if parts.scheme not in ("https", "ssh"):
            return None
        if self.is_git:
            if _lacks_owners(parts):
                return None
            repository, _, revision = _split_revision(self.url)
            owner, rest = urlsplit(repository).path.strip("/").removesuffix(".git"), revision
        else:
            found = urlsplit(self.url)
            path = re.sub("/{2,}", "/", found.path)  # as many servers do before they look
            matches = (re.fullmatch(pattern, path) for host, pattern in _FILES if re.fullmatch(host, found.netloc))
            matched = next(filter(None, matches), None)
            if matched is None:
                return None if _is_of_anybody(found) else root
            owner, rest = matched[1], matched[2]
        return None if re.fullmatch(_BY_ANYBODY, unquote(rest)) else f"{root}{owner}/"

    def beside(self, name: str) -> RemoteUrl | None:
        """Return the URL of a file called `name` in the same folder; None where the URL's path is no file's.

        >>> parse_remote("https://host/a/x.py").beside("pylock.x.toml").url
        'https://host/a/pylock.x.toml'
        """
        if self.is_git:
            folder = self.path.rpartition("/")[0]
            return RemoteUrl(self.url, self.user_info, f"{folder}/{name}" if folder else name)
        parts = urlsplit(self.url)
        if parts.query or not parts.path.endswith((".py", ".pyw")):
            return None
        folder = parts.path.rpartition("/")[0]
        return RemoteUrl(urlunsplit(parts._replace(path=f"{folder}/{quote(name)}")), self.user_info)


def is_remote(target: str) -> bool:
    """Tell whether what is to be run is a URL and no path.

    >>> is_remote("https://host/x.py"), is_remote("git+ssh://git@host/r#x.py"), is_remote("./x.py")
    (True, True, False)
    """
    scheme, separator, _ = target.partition("://")
    return bool(separator) and scheme.replace("+", "").isalnum()


def parse_remote(text: str) -> RemoteUrl:
    """Read the URL of a script; raises `UsageError` that says what is wrong with it."""
    scheme, _, rest = text.partition("://")
    text = f"{scheme.lower()}://{rest}"
    if scheme.lower() not in _SCHEMES:
        hint = "Give an https or a git+https URL; a file of this machine is given by its path."
        raise UsageError(f"{_quoted(text)} cannot be run: nothing is fetched by {scheme}.", hint=hint)
    try:
        parts = urlsplit(text)
        host, _ = parts.hostname or "", parts.port
    except ValueError as error:
        raise UsageError(f"{_quoted(text)} is not a URL: {error}.") from None
    if re.search(_FORBIDDEN, text) or (not host and parts.scheme != "git+file"):
        raise UsageError(f"{_quoted(text)} is not a URL.", hint="Check it; blanks in it are written %20.")
    if re.search(_DOTS_OR_SLASH, parts.path, re.IGNORECASE):
        raise UsageError(f"{_quoted(text)} has a detour in its path.", hint="Give it without . and .. in it.")
    if parts.scheme in ("http", "git+http") and not re.fullmatch(_LOOPBACK, host):
        raise UsageError(
            f"{_quoted(text)} would be fetched unencrypted, so anybody on the way could put other code in its place.",
            hint=f"Use https: {_quoted(text.replace('http:', 'https:', 1))}",
        )
    user_info = parts.netloc.rpartition("@")[0]
    netloc = _plain_host(host, text) + _port_behind(parts)
    path, query = (quote(each, safe=_KEPT) for each in (parts.path or "/", parts.query))
    path = re.sub(_WRITTEN_PLAINLY, lambda found: unquote(found[0]), path)
    if parts.scheme.startswith("git+"):
        # An account of ssh is no secret, and no password of it is of use.
        account = user_info.partition(":")[0] if parts.scheme == "git+ssh" else ""
        url = f"{parts.scheme}://{account and account + '@'}{netloc}{path}"
        return RemoteUrl(url, "" if account else user_info, _path_in_repository(unquote(parts.fragment), text))
    found = re.fullmatch(rf"sha256[=:]({_SHA256})", parts.fragment, re.IGNORECASE)
    file_host, file_path = _file_of_page(netloc, path, parts.fragment)
    if (file_host, file_path) != (netloc, path):
        query = ""
    # What a page's host was given is for that host.
    user_info = user_info if file_host == netloc else ""
    url = urlunsplit((parts.scheme, file_host, file_path, query, ""))
    return RemoteUrl(url, user_info, sha256=found[1].lower() if found else None)


def parse_place(text: str) -> str:
    """Return a place as addresses begin; raises `UsageError` for one that nobody can vouch for.

    >>> parse_place("https://raw.githubusercontent.com/me"), parse_place("git+ssh://git@Host/me/")
    ('https://github.com/me/', 'ssh://host/me/')
    """
    text = text.removeprefix("git+").rstrip("/")
    if text.startswith("ssh://"):
        return "ssh" + parse_place(text.replace("ssh", "https", 1)).removeprefix("https")
    url = parse_remote(f"{text}/")
    parts = urlsplit(url.address)
    if parts.scheme == "http":
        raise UsageError(
            f"{_quoted(text)} is no place to trust: what comes unencrypted can be changed on its way.",
            hint=_AGREE_TO_CONTENT,
        )
    if parts.scheme != "https" or urlsplit(url.url).query:
        raise UsageError(f"{_quoted(text)} is no place to trust.", hint="Give one as https://host/folder/")
    if _lacks_owners(parts):
        raise UsageError(
            f"Anybody can put something on {parts.netloc}, and its addresses do not tell who did, so it is no place "
            "to trust.",
            hint=_AGREE_TO_CONTENT,
        )
    if _is_of_anybody(parts) and not parts.path.strip("/"):
        raise UsageError(
            f"Anybody can put something on {parts.netloc}, so it is no place to trust.",
            hint=f"Say whose, as in https://{parts.netloc}/OWNER/",
        )
    return urlunsplit((parts.scheme, parts.netloc, parts.path, "", ""))


def _is_of_anybody(parts: SplitResult) -> bool:
    return bool(re.fullmatch(_OF_ANYBODY, parts.hostname or ""))


def _lacks_owners(parts: SplitResult) -> bool:
    """Tell whether anybody can put something there, and no address says who did."""
    return _is_of_anybody(parts) and not re.fullmatch(_WITH_OWNERS, parts.hostname or "")


def covers(place: str, address: str) -> bool:
    """Tell whether an address lies in a place.

    >>> covers("https://host/a/", "https://host/a/b/x.py"), covers("https://host/a/", "https://host/ab/x.py")
    (True, False)
    """
    return place.endswith("/") and address.startswith(place)


def without_secrets(url: str) -> str:
    """Return a URL with what in its query looks like a secret masked.

    >>> without_secrets("https://host/x.py?ref=main&access_token=abc")
    'https://host/x.py?ref=main&access_token=****'
    """
    try:
        parts = urlsplit(url)
    except ValueError:  # it is shown as what is no URL
        return url.partition("?")[0]
    if not parts.query:
        return url
    pairs = [
        (name, "****" if re.fullmatch(_SECRET_PARAMETERS, name) else value)
        for name, value in parse_qsl(parts.query, keep_blank_values=True)
    ]
    if "****" not in dict(pairs).values():
        return url
    return urlunsplit(parts._replace(query=urlencode(pairs, safe="*/:@")))


def is_loopback(url: str) -> bool:
    """Tell whether a URL is one of this machine itself."""
    return re.fullmatch(_LOOPBACK, urlsplit(url).hostname or "") is not None


def likely_file(url: str) -> str | None:
    """Return where the file could be that a page shows, on a host that is not known, or None.

    >>> likely_file("https://git.company.example/team/tools/blob/main/x.py")
    'https://git.company.example/team/tools/raw/main/x.py'
    """
    parts = urlsplit(url)
    path = re.sub(r"/(blob|src|tree|view|browse|edit|blame)/", "/raw/", parts.path, count=1)
    return None if path == parts.path else urlunsplit(parts._replace(path=path, query="", fragment=""))


def _path_in_repository(fragment: str, text: str) -> str:
    path = fragment.strip("/")
    if not path or re.search(_DOTS_OR_SLASH + r"|//", path, re.IGNORECASE) or not path.isprintable():
        raise UsageError(
            f"{_quoted(text)} does not say which file of the repository is to be run.",
            hint="Put its path behind a #: git+https://host/repository@v1#tools/x.py",
        )
    return path


def _plain_host(host: str, text: str) -> str:
    """Return a host in ASCII and without a last dot: a name in other letters may look like one that it is not."""
    try:
        host = host if host.isascii() else host.encode("idna").decode("ascii").lower()
    except UnicodeError:
        raise UsageError(f"{_quoted(text)} is not a URL: there is no such host.") from None
    return f"[{host}]" if ":" in host else host.removesuffix(".")


def _port_behind(parts: SplitResult) -> str:
    """Return a colon and the port, written in one way; empty where it is that of the scheme."""
    usual = {"https": 443, "http": 80}.get(parts.scheme.removeprefix("git+"))
    return "" if parts.port in (None, usual) else f":{parts.port}"


def _split_revision(url: str) -> tuple[str, str, str]:
    """Return a repository's URL, an @ and the revision; the latter are empty where none is given."""
    head, at, revision = url.rpartition("@")
    is_revision = bool(at) and "/" in head.partition("://")[2]
    return (head, at, revision) if is_revision else (url, "", "")


def _file_of_page(host: str, path: str, fragment: str) -> tuple[str, str]:
    """Return host and path of the file that a page shows; the same where it is not known to be one."""
    for page_host, pattern, file_host, replacement in _PAGES:
        if re.fullmatch(page_host, host) and (found := re.fullmatch(pattern, path)):
            file_path = found.expand(replacement)
            # The page of a gist with several files marks each: #file-my-tool-py.
            if host == "gist.github.com" and (marked := re.fullmatch(r"file-(.+)-([a-z0-9]+)", fragment)):
                file_path += f"/{marked[1]}.{marked[2]}"
            return file_host or host, file_path
    return host, path


def _quoted(text: str) -> str:
    scheme, _, rest = text.partition("://")
    authority, slash, behind = rest.partition("/")
    return without_secrets(f"{scheme}://{authority.rpartition('@')[2]}{slash}{behind}")
