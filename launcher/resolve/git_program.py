"""The `git` program: started so that it can ask nobody, told how to reach the network, and never left running."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
from collections.abc import Mapping
from concurrent.futures import Future
from contextlib import suppress
from pathlib import Path
from urllib.parse import urlsplit, urlunsplit

from launcher.resolve.access import Access
from launcher.value import Value, field

HOOK_VARIABLES = (
    *("GIT_DIR", "GIT_WORK_TREE", "GIT_INDEX_FILE", "GIT_PREFIX", "GIT_COMMON_DIR", "GIT_NAMESPACE"),
    *("GIT_OBJECT_DIRECTORY", "GIT_ALTERNATE_OBJECT_DIRECTORIES"),
)
"""A script that is a git hook is started with these, and they would lead git to the hook's repository."""
_USER, _PASSWORD = "PYSCRIPT_GIT_USER", "PYSCRIPT_GIT_PASSWORD"
_HELPER = f"""!f() {{ test "$1" = get && printf 'username=%s\\npassword=%s\\n' "${_USER}" "${_PASSWORD}"; }}; f"""
"""A credential helper that tells git the variables; git asks it for the URL's own origin only."""
_LONGEST_RUN = 60
"""How many times the timeout a run of git may take; git:// has no way to notice that nothing comes any more."""


class Reach(Value):
    """What git is told of the network: whether it may be used, how long it may stand still, and how it is reached.

    Git itself follows a redirect unencrypted too, and does not tell: who has to know the way follows on their own.
    """

    offline: bool = False
    timeout_s: float = 15.0
    access: Access = field(default_factory=Access)
    follows_redirects: bool = True


class GitProgram:
    """Runs git; from another thread `stop` ends what is running, and whatever that has started."""

    def __init__(self, reach: Reach) -> None:
        self.reach = reach
        self._running: set[subprocess.Popen[str]] = set()
        self._is_stopped = False
        self._lock = threading.Lock()

    def run(self, arguments: list[str], environ: Mapping[str, str], directory: Path | None = None) -> str:
        """Return what git prints.

        Raises `FileNotFoundError` where there is no git, `CalledProcessError` where it fails or was stopped, and
        `TimeoutExpired`.
        """
        command = ["git", *arguments]
        process = self._started(command, environ, directory)
        try:
            printed, said = process.communicate(timeout=_LONGEST_RUN * self.reach.timeout_s)
        finally:
            self._end(process)
        if process.returncode:
            raise subprocess.CalledProcessError(process.returncode, command, printed, said)
        return printed.strip()

    def _started(self, command: list[str], environ: Mapping[str, str], directory: Path | None) -> subprocess.Popen[str]:
        """Start git in another thread: in the main one a signal may be heard when it runs and we do not know of it."""
        started: Future[subprocess.Popen[str]] = Future()

        def start() -> None:
            try:
                started.set_result(self._start(command, environ, directory))
            except BaseException as error:
                started.set_exception(error)

        threading.Thread(target=start, name="git", daemon=True).start()
        return started.result()

    def _start(self, command: list[str], environ: Mapping[str, str], directory: Path | None) -> subprocess.Popen[str]:
        with self._lock:
            if self._is_stopped:
                raise subprocess.CalledProcessError(1, command, stderr="stopped")
            process = subprocess.Popen(
                command,
                cwd=directory,
                env=dict(environ),
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                encoding="utf-8",
                errors="replace",
                # A session of its own has no terminal: neither git nor an ssh that it starts can ask there.
                start_new_session=True,
            )
            self._running.add(process)
            return process

    def stop(self) -> None:
        """End what is running and start nothing more, because nobody waits for it."""
        with self._lock:
            self._is_stopped = True
            running = tuple(self._running)
        for process in running:
            _kill(process)

    def _end(self, process: subprocess.Popen[str]) -> None:
        if process.poll() is None:
            _kill(process)
            with suppress(subprocess.TimeoutExpired):  # what left its session may still hold the pipes
                process.communicate(timeout=1)
        with self._lock:
            self._running.discard(process)


def _kill(process: subprocess.Popen[str]) -> None:
    """End git with all that it has started: ssh, or the program that fetches over HTTP."""
    with suppress(OSError):
        if sys.platform == "win32":
            process.kill()
        else:
            os.killpg(process.pid, signal.SIGKILL)


def environ_for(url: str, login: tuple[str, str] | None, reach: Reach, environ: Mapping[str, str]) -> dict[str, str]:
    """Return the variables for running git on the repository at `url`, which carries no credentials.

    `login` are user and password for its origin alone. What is configured for git itself stays, unless a setting of
    ours says otherwise.
    """
    allowed = [] if reach.offline else ["https", "http", "ssh", "git"]
    child = {name: value for name, value in environ.items() if name not in HOOK_VARIABLES}
    child |= {
        "GIT_TERMINAL_PROMPT": "0",
        "GIT_ASKPASS": "",
        "SSH_ASKPASS": "",
        "SSH_ASKPASS_REQUIRE": "never",
        "GCM_INTERACTIVE": "never",
        "GIT_ALLOW_PROTOCOL": ":".join([*allowed, *(["file"] if url.startswith("file:") else [])]),
        "LC_ALL": "C",
    }
    if reach.offline:
        child |= {"GIT_NO_LAZY_FETCH": "1", "GIT_LFS_SKIP_SMUDGE": "1"}
    # A command of one's own may be there for another key; it has to see to it itself that it does not ask.
    if not child.keys() & {"GIT_SSH", "GIT_SSH_COMMAND"} and url.startswith("ssh:") and not _has_own_ssh(child):
        patience = f"-oConnectTimeout={_seconds(reach)} -oServerAliveInterval={_seconds(reach)} -oServerAliveCountMax=1"
        child["GIT_SSH_COMMAND"] = f"ssh -oBatchMode=yes {patience}"
    settings = [("core.askPass", ""), *_http_settings(reach)]
    if login:
        # Neither on the command line, where everybody sees it, nor in the checkout's configuration; and not as a header
        # of git's own, which git sends on to wherever a server redirects it. The empty value is there to forget other
        # helpers: they would be asked first, and told to keep it.
        origin = urlunsplit(urlsplit(url)._replace(path=""))
        settings += [(f"credential.{origin}.helper", ""), (f"credential.{origin}.helper", _HELPER)]
        child[_USER], child[_PASSWORD] = login
    first = _configured(child)
    for number, (name, value) in enumerate(settings, first):
        child |= {f"GIT_CONFIG_KEY_{number}": name, f"GIT_CONFIG_VALUE_{number}": value}
    return child | {"GIT_CONFIG_COUNT": str(first + len(settings))}


def _http_settings(reach: Reach) -> list[tuple[str, str]]:
    """Return git's names for how long a server may be silent, and for our settings of how servers are reached."""
    access = reach.access
    settings = [("http.lowSpeedLimit", "1"), ("http.lowSpeedTime", str(_seconds(reach)))]
    if not reach.follows_redirects:
        settings.append(("http.followRedirects", "false"))
    if access.proxy:
        settings.append(("http.proxy", access.proxy))
    if access.cert:
        path = os.path.abspath(access.cert)
        settings.append(("http.sslCAPath" if os.path.isdir(path) else "http.sslCAInfo", path))
    if access.client_cert:
        path = os.path.abspath(access.client_cert)
        settings += [("http.sslCert", path), ("http.sslKey", path)]
    settings += [(f"http.https://{host}/.sslVerify", "false") for host in access.trusted_hosts]
    return settings


def _seconds(reach: Reach) -> int:
    return max(1, round(reach.timeout_s))


def _configured(environ: Mapping[str, str]) -> int:
    """Return how many settings the variables hold already; git itself refuses to start where that is no number."""
    count = environ.get("GIT_CONFIG_COUNT", "")
    return int(count) if count.isdecimal() and len(count) < 6 else 0


def _has_own_ssh(environ: Mapping[str, str]) -> bool:
    command = ["git", "config", "--get", "core.sshCommand"]
    try:
        return subprocess.run(command, env=environ, capture_output=True, check=False).returncode == 0
    except OSError:
        return False
