"""`pyscript https://…`: nothing from elsewhere runs before a person agreed to exactly that content."""

from __future__ import annotations

import hashlib
import json
import re
import shutil
import ssl
import subprocess
import sys
import zipapp
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.conftest import Program
from tests.functional.conftest import Certificates, package
from tests.support.index_server import Fault, IndexServer
from tests.support.repositories import git, needs_git, served
from tests.support.sdists import Sdist

if sys.platform != "win32":
    from tests.support.terminal import at_terminal

BODY = "import sys; print('ran', *sys.argv[1:])\n"
SPEAK = f"# /// script\n# dependencies = ['speak>1']\n# ///\nimport speak\n{BODY}"
FRESH = Fault(headers={"Cache-Control": "max-age=300"})
needs_terminal = pytest.mark.skipif(sys.platform == "win32", reason="there are no such terminals")


def sha256(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


def serve(server: IndexServer, text: str = BODY, path: str = "/tools/x.py") -> str:
    return server.add_page(path, text.encode(), "text/x-python")


def flat(text: str) -> str:
    return " ".join(text.split())


@pytest.fixture
def url(stocked: IndexServer) -> str:
    return serve(stocked)


# Who may run


def test_without_a_terminal_it_refuses_and_says_what_would_allow_it(
    url: str, run_pyscript: Program, home: Path
) -> None:
    done = run_pyscript(url, "a")
    assert (done.returncode, done.stdout) == (1, "")
    assert f"Nobody here agreed to run what is at {url}" in done.stderr
    once = re.search(r"pyscript (--trust \S+) (\S+)$", done.stderr, re.MULTILINE)
    good = re.search(r"pyscript (trust add \S+)$", done.stderr, re.MULTILINE)
    assert once and good
    assert run_pyscript(*once[1].split(), once[2], "a").stdout == "ran a\n"
    assert run_pyscript(url).returncode == 1
    assert not (home / ".local/share/pyscript/trust").exists()
    assert run_pyscript(*good[1].split()).returncode == 0
    assert run_pyscript(url, "b").stdout == "ran b\n"


def test_a_hostile_url_is_quoted_in_the_command(stocked: IndexServer, run_pyscript: Program) -> None:
    url = serve(stocked, path="/x.py") + "?a=$(id);b"
    assert f"'{url}'" in run_pyscript(url).stderr


def test_trust_names_exactly_one_content(url: str, run_pyscript: Program) -> None:
    refused = run_pyscript("--trust", f"sha256:{'0' * 64}", url)
    assert (refused.returncode, refused.stdout) == (1, "")
    assert f"its sha256 is {sha256(BODY)}" in refused.stderr
    assert run_pyscript("--trust", "yes", url).returncode == 2


def test_other_content_is_asked_about_anew(url: str, stocked: IndexServer, run_pyscript: Program) -> None:
    run_pyscript("trust", "add", f"sha256:{sha256(BODY)}")
    assert run_pyscript(url).returncode == 0
    serve(stocked, BODY + "# more\n")
    assert run_pyscript(url).returncode == 1
    serve(stocked)
    assert run_pyscript(url).returncode == 0


def test_the_same_content_may_run_from_anywhere(url: str, stocked: IndexServer, run_pyscript: Program) -> None:
    run_pyscript("trust", "add", f"sha256:{sha256(BODY)}")
    assert run_pyscript(serve(stocked, path="/other/y.py")).stdout == "ran\n"


def test_the_script_is_a_file_with_nothing_beside_it(stocked: IndexServer, run_pyscript: Program) -> None:
    text = "import os, sys; print(__file__ == sys.argv[0], os.listdir(sys.path[0]))\n"
    done = run_pyscript("--trust", sha256(text), serve(stocked, text))
    assert done.stdout == "True ['x.py']\n"


def test_a_lock_beside_it_is_part_of_what_is_agreed_to(url: str, stocked: IndexServer, run_pyscript: Program) -> None:
    lock = 'lock-version = "1.0"\ncreated-by = "me"\npackages = []\n'
    run_pyscript("trust", "add", sha256(BODY))
    assert run_pyscript(url).returncode == 0
    serve(stocked, lock, "/tools/pylock.x.toml")
    refused = run_pyscript("--refresh", url)
    assert refused.returncode == 1
    assert f"pyscript trust add sha256:{sha256(lock)}\n" in refused.stderr
    text = json.loads(run_pyscript("info", "--json", url).stdout)
    assert (text["remote"]["lock_sha256"], text["remote"]["is_trusted"]) == (sha256(lock), False)
    done = run_pyscript("--trust", sha256(BODY), "--trust", sha256(lock), url)
    assert done.stdout == "ran\n", done.stderr
    assert Path(text["remote"]["path"]).with_name("pylock.x.toml").read_text() == lock


@needs_terminal
def test_a_lock_that_was_agreed_to_and_is_gone_is_asked_about(
    url: str, stocked: IndexServer, run_pyscript: Program
) -> None:
    lock = 'lock-version = "1.0"\ncreated-by = "me"\npackages = []\n'
    serve(stocked, lock, "/tools/pylock.x.toml")
    at_terminal(run_pyscript, "trust", "add", url, answers=["a"])
    assert run_pyscript(url).stdout == "ran\n"
    stocked.fail("/tools/pylock.x.toml", Fault(status=404))
    refused = run_pyscript("--refresh", url)
    assert (refused.returncode, refused.stdout) == (1, "")
    assert "with the lock beside it, and there is none now" in run_pyscript("info", url).stdout
    assert run_pyscript("--trust", sha256(BODY), url).stdout == "ran\n"
    at_terminal(run_pyscript, "trust", "add", url, answers=["a"])
    assert run_pyscript(url).stdout == "ran\n"


# At a terminal


@needs_terminal
def test_what_would_run_is_shown_and_no_is_the_default(stocked: IndexServer, run_pyscript: Program) -> None:
    text = SPEAK + "x = 'a'  # \u202eb\n" + "# more\n" * 30
    code, seen = at_terminal(run_pyscript, serve(stocked, text), answers=[""])
    assert code == 1
    assert "\nran" not in seen
    plain = re.sub(r"\x1b\[[\d;]*m", "", seen)
    assert re.search(rf"sha256 +{sha256(text)}\n", plain)
    assert re.search(r"requirements +speak>1\n", plain)
    assert re.search(r"would install +speak 2.0, voice 1.5 ", plain)
    assert re.search(r"beware +line 6: ", plain)
    assert re.search(r"\n +6 \| x = 'a'  # \\u202eb\n", plain)
    assert "… 20 more lines" in plain
    assert "always whatever comes from" not in plain  # it came unencrypted
    assert not stocked.paths("*.whl")


@needs_terminal
def test_a_script_adds_no_line_of_its_own_to_what_is_shown(stocked: IndexServer, run_pyscript: Program) -> None:
    del run_pyscript.environ["PYSCRIPT_INDEX_URL"]
    url = serve(
        stocked,
        "# /// script\n# dependencies = [" + "'speak'," * 90 + "]\n# [tool.pyscript]\n"
        f'# index-url = "{stocked.index_url}#\\n  trusted  yes{"a" * 500}"\n# ///\n',
    )
    seen = at_terminal(run_pyscript, url, answers=["n"])[1] + run_pyscript("info", url).stdout
    plain = re.sub(r"\x1b\[[\d;]*m", "", seen)
    assert "index-url = http" in plain
    assert "\n  trusted  yes" not in plain
    asked = plain.partition("Run it?")[0]
    assert asked.count("\n") < 60
    assert "… 70 more\n" in asked
    assert max(map(len, asked.splitlines())) < 500


@needs_terminal
@pytest.mark.parametrize(("answer", "is_kept"), [("y", False), ("a", True)])
def test_an_answer_holds_once_or_always(answer: str, is_kept: bool, url: str, run_pyscript: Program) -> None:
    code, seen = at_terminal(run_pyscript, url, "b", answers=[answer])
    assert (code, seen.endswith("ran b\n")) == (0, True)
    assert (run_pyscript(url).returncode == 0) is is_kept


@needs_terminal
def test_what_was_typed_before_the_question_is_no_answer(url: str, run_pyscript: Program) -> None:
    code, seen = at_terminal(run_pyscript, url, typed_before="y\na\n", answers=[""])
    assert code == 1
    assert "\nran" not in seen


@needs_terminal
def test_only_known_words_are_answers_and_the_rest_can_be_seen(stocked: IndexServer, run_pyscript: Program) -> None:
    text = BODY + "# end\n" * 40 + "#" + " " * 300 + "very end\n"
    code, seen = at_terminal(run_pyscript, serve(stocked, text), answers=["s", "sure", "ja", "si"])
    assert code == 1
    assert f"42 | #{' ' * 300}very end\n" in re.sub(r"\x1b\[[\d;]*m", "", seen)
    assert "\nran" not in seen


@needs_terminal
@pytest.mark.parametrize(
    ("command", "asked", "refused"),
    [
        (("install",), "and the command that it becomes runs without asking", "was not installed"),
        (("bundle", "-o", "x.pyz"), "and whoever gets the bundle is not asked", "was not bundled"),
    ],
    ids=["install", "bundle"],
)
def test_what_lasts_is_not_asked_about_as_a_single_launch(
    command: tuple[str, ...], asked: str, refused: str, url: str, run_pyscript: Program
) -> None:
    code, seen = at_terminal(run_pyscript, *command, url, answers=["n"])
    assert (code, asked in seen, refused in seen, "this once" in seen) == (1, True, True, False)


@needs_terminal
def test_where_stdin_is_the_script_s_the_terminal_is_asked(stocked: IndexServer, run_pyscript: Program) -> None:
    url = serve(stocked, "print('got', input())\n")
    code, seen = at_terminal(run_pyscript, url, answers=["y"], stdin=b"piped\n")
    assert (code, seen.endswith("got piped\n")) == (0, True)


@needs_terminal
def test_what_changed_since_it_was_agreed_to_is_shown(url: str, stocked: IndexServer, run_pyscript: Program) -> None:
    assert at_terminal(run_pyscript, url, answers=["a"])[0] == 0
    serve(stocked, BODY.replace("ran", "did"))
    code, seen = at_terminal(run_pyscript, url, answers=["n"])
    assert code == 1
    plain = re.sub(r"\x1b\[[\d;]*m", "", seen)
    assert "It is not what was agreed to on 20" in plain
    assert "1 line came and 1 went" in plain
    assert " -import sys; print('ran'" in plain
    assert " +import sys; print('did'" in plain


@needs_terminal
def test_nothing_is_built_to_find_out_what_would_be_installed(
    stocked: IndexServer, run_pyscript: Program, tmp_path: Path
) -> None:
    log = tmp_path / "build.log"
    run_pyscript.environ["BUILD_LOG"] = str(log)
    stocked.add_file(Sdist("made").filename, Sdist("made").content)
    url = serve(stocked, "# /// script\n# dependencies = ['made']\n# ///\nimport made; print(made.VERSION)\n")
    code, seen = at_terminal(run_pyscript, url, answers=["n"])
    assert code == 1
    assert re.search(r"made is built here, which runs code of it|cannot be told before", seen)
    for command in ("tree", "prepare", "info"):
        run_pyscript(command, url)
    assert "somebody agreed" in flat(run_pyscript("prepare", url).stderr)
    assert not log.exists()
    code, seen = at_terminal(run_pyscript, url, answers=["y"])
    assert (code, seen.endswith("1.0\n")) == (0, True)
    assert log.exists()


# Places


@pytest.fixture
def secure(certificates: Certificates, run_pyscript: Program) -> Iterator[Callable[[], IndexServer]]:
    """Return a function that starts another server with a certificate that is believed."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificates.server)
    run_pyscript.environ["PYSCRIPT_CERT"] = str(certificates.server)
    servers: list[IndexServer] = []

    def start() -> IndexServer:
        servers.append(IndexServer(context).__enter__())
        return servers[-1]

    yield start
    for server in servers:
        server.__exit__(None, None, None)


@needs_terminal
def test_a_place_is_agreed_to_with_all_that_leads_there(
    secure: Callable[[], IndexServer], run_pyscript: Program
) -> None:
    asked, final, other = secure(), secure(), secure()
    serve(final)
    asked.fail("/go/*", Fault(redirect_to=f"{final.origin}/tools/x.py"))
    code, seen = at_terminal(run_pyscript, f"{asked.origin}/go/x.py", answers=["o"])
    assert (code, seen.endswith("ran\n")) == (0, True)
    assert f"always whatever comes from {asked.origin}/ and {final.origin}/" in seen
    assert run_pyscript(serve(final, BODY + "# y\n", "/tools/y.py")).stdout == "ran\n"
    assert run_pyscript(serve(asked, BODY + "# z\n", "/z.py")).stdout == "ran\n"
    refused = serve(other, BODY + "# other\n")
    asked.fail("/other/*", Fault(redirect_to=refused))
    for url in (refused, f"{asked.origin}/other/x.py"):
        assert run_pyscript(url).returncode == 1


def test_a_host_that_is_not_verified_is_no_place(secure: Callable[[], IndexServer], run_pyscript: Program) -> None:
    server = secure()
    url = serve(server)
    assert run_pyscript("trust", "add", f"{server.origin}/").returncode == 0
    assert run_pyscript(url).stdout == "ran\n"
    assert run_pyscript("--trusted-host", "127.0.0.1", url).returncode == 1


# What is kept


def test_fresh_content_is_used_without_a_request_and_old_one_is_asked_about(
    url: str, stocked: IndexServer, run_pyscript: Program
) -> None:
    run_pyscript("trust", "add", sha256(BODY))
    stocked.fail("/tools/x.py", FRESH)
    run_pyscript(url)
    stocked.forget_requests()
    assert run_pyscript(url, "a").stdout == "ran a\n"
    assert run_pyscript("--", url, "b").stdout == "ran b\n"
    assert stocked.paths() == []
    assert run_pyscript("--refresh", url).stdout == "ran\n"
    assert [each.status for each in stocked.requests if each.path == "/tools/x.py"] == [304]


@pytest.mark.parametrize(
    ("lifetime", "is_asked"), [("max-age=300", False), ("no-cache", True), ("no-store", True), (None, True)]
)
def test_how_long_content_is_fresh_is_the_server_s_to_say(
    lifetime: str | None, is_asked: bool, url: str, stocked: IndexServer, run_pyscript: Program
) -> None:
    run_pyscript("trust", "add", sha256(BODY))
    stocked.fail("/tools/x.py", Fault(headers={"Cache-Control": lifetime}))
    run_pyscript(url)
    stocked.forget_requests()
    assert run_pyscript(url).returncode == 0
    assert bool(stocked.paths("/tools/x.py")) is is_asked


def test_a_redirect_that_may_change_is_asked_about_each_time(stocked: IndexServer, run_pyscript: Program) -> None:
    run_pyscript("trust", "add", sha256(BODY))
    url = serve(stocked)
    stocked.fail("/tools/x.py", FRESH)
    stocked.fail("/latest.py", Fault(redirect_to=url))
    asked = f"{stocked.origin}/latest.py"
    run_pyscript(asked)
    stocked.forget_requests()
    assert run_pyscript(asked).returncode == 0
    assert [(each.path, each.status) for each in stocked.requests][:2] == [("/latest.py", 302), ("/tools/x.py", 304)]


def test_offline_uses_what_is_kept_and_never_asks(
    url: str, stocked: IndexServer, run_pyscript: Program, cache_dir: Path
) -> None:
    refused = run_pyscript("--offline", url)
    assert refused.returncode == 1
    assert "offline forbids fetching it" in refused.stderr
    run_pyscript("--trust", sha256(BODY), url)
    stocked.forget_requests()
    assert run_pyscript("--offline", "--trust", sha256(BODY), url).stdout == "ran\n"
    assert stocked.paths() == []


def test_what_was_kept_and_got_damaged_is_fetched_anew(
    url: str, stocked: IndexServer, run_pyscript: Program, cache_dir: Path
) -> None:
    stocked.fail("/tools/x.py", FRESH)
    run_pyscript("trust", "add", sha256(BODY))
    run_pyscript(url)
    (script,) = (cache_dir / "scripts-v1").glob("*/x.py")
    script.parent.chmod(0o700)
    script.chmod(0o600)
    script.write_text("print('other')\n")
    assert run_pyscript(url).stdout == "ran\n"
    for entry in (cache_dir / "http-v1").iterdir():
        entry.write_bytes(entry.read_bytes()[:-3])
    assert run_pyscript(url).stdout == "ran\n"


def test_the_second_launch_is_warm(stocked: IndexServer, run_pyscript: Program, cache_dir: Path) -> None:
    url = serve(stocked, SPEAK)
    stocked.fail("/tools/x.py", FRESH)
    run_pyscript("trust", "add", sha256(SPEAK))
    assert run_pyscript(url).stdout == "ran\n"
    assert [path.name for path in (cache_dir / "launch-v1").rglob("*.launch")] == ["x.py.launch"]
    assert json.loads(run_pyscript("info", "--json", url).stdout)["next_launch"]["is_warm"]
    run_pyscript("trust", "remove", sha256(SPEAK))
    assert run_pyscript(url).returncode == 1


def test_a_record_that_leads_nowhere_is_made_anew(stocked: IndexServer, run_pyscript: Program, cache_dir: Path) -> None:
    url = serve(stocked, SPEAK)
    stocked.fail("/tools/x.py", FRESH)
    run_pyscript("trust", "add", sha256(SPEAK))
    run_pyscript(url)
    (python,) = (cache_dir / "environments-v1").glob("*/bin/python")
    python.unlink()
    python.write_text("no program\n")
    python.chmod(0o755)
    done = run_pyscript(url)
    assert "Traceback" not in done.stderr
    assert "given up" not in done.stderr


def test_a_file_that_is_called_like_a_url_is_not_mistaken_for_it(
    url: str, run_pyscript: Program, tmp_path: Path
) -> None:
    path = tmp_path / url.replace("://", ":/")
    path.parent.mkdir(parents=True)
    path.write_text("print('the file')\n")
    name = url.replace("://", ":/")
    assert [run_pyscript(name).stdout for _ in range(2)] == ["the file\n", "the file\n"]
    assert run_pyscript(url).returncode == 1


# Servers


PAGE = b"\n<!DOCTYPE html><html><head><title>x.py at main\x1b[2J</title></head>"
LIES: dict[str, tuple[Fault, int, str]] = {
    "a web page": (Fault(content=PAGE, content_type="text/x-python"), 2, 'is no script but a web page, "x.py at main'),
    "a page that takes long to read": (
        Fault(content=b"<html>" + b"<title " * 700_000),
        2,
        "is no script but a web page.",
    ),
    "XML": (Fault(content=b"<?xml version='1.0'?><a/>"), 2, "but XML"),
    "JSON": (Fault(content=b'{"message": "no"}', content_type="application/json"), 2, "but JSON"),
    "too much, as it says": (Fault(content=b"#" * 5_000_001), 2, "larger than 5 MB"),
    "too much, unannounced": (
        Fault(content=b"#" * 5_000_001, headers={"Content-Length": None, "Connection": "close"}),
        2,
        "larger than 5 MB",
    ),
    "less than it says": (Fault(truncate_to=10), 1, "could not be reached"),
    "nothing": (Fault(drop=True), 1, "could not be reached"),
    "a circle": (Fault(redirect_to="/tools/x.py"), 1, "redirects in a circle"),
    "unencrypted": (Fault(redirect_to="http://example.com/x.py"), 1, "redirects where nobody may follow"),
    "a file of this machine": (Fault(redirect_to="file:///etc/passwd"), 1, "redirects where nobody may follow"),
    "what is no URL": (Fault(redirect_to="https://[::1/x.py"), 1, "redirects to something that is no URL"),
    "a repository": (Fault(redirect_to="git+https://host/r#x.py"), 1, "where nobody may follow"),
    "an encoding": (Fault(headers={"Content-Encoding": "br"}), 1, "an encoding that nobody asked for"),
    "a part": (Fault(status=206), 1, "answered 206"),
    "gone": (Fault(status=410), 2, "There is no script at"),
    "an error": (Fault(status=500), 1, "answered 500"),
    "a refusal": (Fault(status=403), 1, "answered 403"),
    "a binary": (Fault(content=b"\x7fELF\0\0"), 2, "/tools/x.py is no Python script but a compiled program"),
    "another encoding": (Fault(content=b"x = '\xff'\n"), 2, "/tools/x.py is not written in utf-8"),
}


@pytest.mark.parametrize("said", ["max-age=\u00b2", "max-age=9, x", "max-age=" + "9" * 500])
def test_what_is_said_of_an_age_is_no_number(said: str, url: str, stocked: IndexServer, run_pyscript: Program) -> None:
    stocked.fail("/tools/x.py", Fault(headers={"Cache-Control": said, "Age": "\u00b3"}))
    assert run_pyscript("--trust", sha256(BODY), url).stdout == "ran\n"


@pytest.mark.parametrize(("fault", "code", "said"), LIES.values(), ids=LIES)
def test_servers_that_lie(
    fault: Fault, code: int, said: str, url: str, stocked: IndexServer, run_pyscript: Program
) -> None:
    stocked.fail("/tools/x.py", fault)
    for _ in range(2):
        done = run_pyscript("--retries", "0", "--trust", sha256(BODY), url)
        assert (done.returncode, done.stdout) == (code, ""), done.stderr
        assert said in flat(done.stderr)
        assert "\x1b" not in done.stderr
    stocked.heal()
    assert run_pyscript("--trust", sha256(BODY), url).stdout == "ran\n"


def test_a_page_of_a_forge_that_is_not_known_tells_where_the_file_may_be(
    stocked: IndexServer, run_pyscript: Program
) -> None:
    url = stocked.add_page("/me/tools/blob/main/x.py", PAGE)
    assert f"may be at {stocked.origin}/me/tools/raw/main/x.py" in run_pyscript(url).stderr


def test_a_server_that_answers_everything_with_a_page_has_no_lock(
    url: str, stocked: IndexServer, run_pyscript: Program
) -> None:
    stocked.add_page("/tools/pylock.x.toml", PAGE)
    assert run_pyscript("--trust", sha256(BODY), url).stdout == "ran\n"
    stocked.add_page("/tools/pylock.x.toml", b"# lock-version\n" + BODY.encode())
    assert run_pyscript("--refresh", "--trust", sha256(BODY), url).stdout == "ran\n"


def test_a_zip_application_cannot_be_shown_and_is_refused(
    stocked: IndexServer, run_pyscript: Program, tmp_path: Path
) -> None:
    (tmp_path / "app").mkdir()
    (tmp_path / "app" / "__main__.py").write_text("print('ran')\n")
    zipapp.create_archive(tmp_path / "app", tmp_path / "app.pyz")
    url = stocked.add_page("/app.pyz", (tmp_path / "app.pyz").read_bytes())
    done = run_pyscript(url)
    assert (done.returncode, "zip application" in done.stderr) == (2, True)


def test_a_sha256_behind_the_url_is_held_to(url: str, stocked: IndexServer, run_pyscript: Program) -> None:
    wrong = run_pyscript("--trust", sha256(BODY), f"{url}#sha256={'0' * 64}")
    assert (wrong.returncode, "is not what its URL says" in wrong.stderr) == (1, True)
    # It says what is meant, but it may stand on any web page: it is no agreement.
    right = f"{url}#sha256={sha256(BODY)}"
    assert run_pyscript(right).returncode == 1
    assert run_pyscript("--trust", sha256(BODY), right).stdout == "ran\n"
    stocked.forget_requests()
    assert run_pyscript("--trust", sha256(BODY), right).stdout == "ran\n"
    assert stocked.paths("/tools/*") == []


def test_credentials_go_to_their_origin_and_are_never_shown(stocked: IndexServer, run_pyscript: Program) -> None:
    with IndexServer() as private:
        private.credentials = ("me", "secret")
        url = serve(private)
        without = run_pyscript(url)
        assert (without.returncode, "it wants credentials" in without.stderr) == (1, True)
        assert "in the URL (https://user:password@host/...)" in without.stderr
        given = url.replace("://", "://me:secret@")
        refused = run_pyscript(given)
        assert "Nobody here agreed" in refused.stderr
        assert "secret" not in refused.stderr
        assert run_pyscript("--trust", sha256(BODY), given).stdout == "ran\n"
        private.fail("/tools/x.py", Fault(redirect_to=serve(stocked, path="/moved.py")))
        stocked.forget_requests()
        assert run_pyscript("--trust", sha256(BODY), given).stdout == "ran\n"
        assert stocked.paths("/moved.py") == ["/moved.py"]
        assert all("authorization" not in each.headers for each in stocked.requests)


# Repositories


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    path = tmp_path / "repository"
    (path / "tools").mkdir(parents=True)
    git(path, "init", "-q", "-b", "main")
    for tag, text in (("v1", "print('one')\r\n"), ("v2", BODY)):
        (path / "tools" / "x.py").write_bytes(text.encode())
        (path / "link.py").unlink(missing_ok=True)
        (path / "link.py").symlink_to("/etc/passwd")
        git(path, "add", "-A")
        git(path, "commit", "-qm", tag)
        git(path, "tag", tag)
    return path


@needs_git
def test_a_script_in_a_repository(repository: Path, run_pyscript: Program) -> None:
    commit = git(repository, "rev-parse", "v1")
    one, url = sha256("print('one')\r\n"), f"git+file://{repository}"
    for revision in ("@v1", f"@{commit}", f"@{commit[:10]}"):
        done = run_pyscript("--trust", one, f"{url}{revision}#tools/x.py")
        assert done.stdout == "one\n", done.stderr
    for revision in ("", "@main", "@v2"):
        assert run_pyscript("--trust", sha256(BODY), f"{url}{revision}#tools/x.py").stdout == "ran\n"
    shown = run_pyscript("info", "--json", f"{url}@v1#tools/x.py")
    assert json.loads(shown.stdout)["remote"]["commit"] == commit
    shutil.rmtree(repository)
    # A branch is not asked again at once, and a commit never.
    assert run_pyscript("--trust", sha256(BODY), f"{url}@main#tools/x.py").stdout == "ran\n"
    assert run_pyscript("--offline", "--trust", one, f"{url}@{commit}#tools/x.py").stdout == "one\n"


@needs_git
@pytest.mark.parametrize(
    ("behind", "code", "said"),
    [
        ("@v3#tools/x.py", 1, "has no branch, tag or commit called 'v3'"),
        ("@-x#tools/x.py", 2, "is no name of a branch"),
        ("#tools/y.py", 2, "There is no script at"),
        ("#tools", 2, "There is no script at"),
        ("#link.py", 2, "There is no script at"),
        ("#*.py", 2, "There is no script at"),
    ],
)
def test_what_a_repository_does_not_have(
    behind: str, code: int, said: str, repository: Path, run_pyscript: Program
) -> None:
    done = run_pyscript(f"git+file://{repository}{behind}")
    assert (done.returncode, said in flat(done.stderr)) == (code, True), done.stderr


@needs_git
def test_a_repository_that_was_moved_is_followed_as_a_file_is(
    repository: Path, stocked: IndexServer, run_pyscript: Program
) -> None:
    url = f"git+{stocked.origin}/old@v2#tools/x.py"
    with served(repository.parent) as origin:
        stocked.fail("/old/info/refs", Fault(redirect_to=f"{origin}/repository/info/refs?service=git-upload-pack"))
        assert run_pyscript("--trust", sha256(BODY), url).stdout == "ran\n"
    found = json.loads(run_pyscript("info", "--json", url).stdout)["remote"]
    assert found["hops"] == [url, f"git+{origin}/repository@v2#tools/x.py"]
    stocked.fail("/old/info/refs", Fault(redirect_to="http://example.com/r/info/refs"))
    assert "would be fetched unencrypted" in flat(run_pyscript("--refresh", url).stderr)


# Looking


def test_info_shows_a_script_and_runs_nothing(stocked: IndexServer, run_pyscript: Program) -> None:
    text = SPEAK + "# \x1b[2J\n" + "# more\n" * 20
    url = serve(stocked, text)
    done = run_pyscript("info", url)
    assert re.search(r"\n  trusted +no\n", done.stdout)
    assert re.search(rf"\n  sha256 +{sha256(text)}\n", done.stdout)
    assert "not warm: nobody here agreed to run it" in done.stdout
    assert r" 6 | # \x1b[2J" in done.stdout
    assert "… 10 more lines" in done.stdout
    assert "26 | # more" in run_pyscript("info", "--source", url).stdout
    found = json.loads(run_pyscript("info", "--json", "--trust", sha256(text), url).stdout)["remote"]
    assert (found["hops"], found["is_trusted"], found["deceptive_lines"]) == ([url], True, [6])


def test_an_encoding_in_which_letters_mean_others_is_told(stocked: IndexServer, run_pyscript: Program) -> None:
    text = "# coding: utf-7\n# fine +AAo-print('hidden')\n"
    done = run_pyscript("info", serve(stocked, text))
    assert re.search(r"beware +it is written in utf-7", done.stdout)
    assert "3 | print('hidden')" in done.stdout


def test_one_that_fails_keeps_no_other_from_being_prepared(stocked: IndexServer, run_pyscript: Program) -> None:
    done = run_pyscript("prepare", f"{stocked.origin}/none.py", serve(stocked, SPEAK))
    assert done.returncode == 1
    assert "is ready: 2 packages" in done.stdout


def test_tree_and_prepare_say_that_nobody_agreed_yet(stocked: IndexServer, run_pyscript: Program) -> None:
    url = serve(stocked, SPEAK)
    assert run_pyscript("tree", url).stdout.startswith(f"{url} (not trusted)")
    prepared = run_pyscript("prepare", url)
    assert "Nobody agreed to run it yet" in prepared.stdout
    assert json.loads(run_pyscript("prepare", "--json", url).stdout)[0]["is_trusted"] is False
    run_pyscript("trust", "add", sha256(SPEAK))
    assert run_pyscript("tree", url).stdout.startswith(f"{url}  ")
    stocked.forget_requests()
    assert run_pyscript(url).stdout == "ran\n"
    assert stocked.paths("/files/*") == []


@pytest.mark.parametrize("command", [("export", "--format", "requirements"), ("tree", "--json")])
def test_what_only_looks_takes_urls_too(command: tuple[str, ...], stocked: IndexServer, run_pyscript: Program) -> None:
    done = run_pyscript(command[0], serve(stocked, SPEAK), *command[1:])
    assert done.returncode == 0, done.stderr
    assert "voice" in done.stdout


def test_what_imports_its_packages_is_asked_about_as_a_launch_is(stocked: IndexServer, run_pyscript: Program) -> None:
    url = serve(stocked, SPEAK)
    assert "Nobody here agreed" in run_pyscript("repl", url).stderr
    done = run_pyscript("repl", "--trust", sha256(SPEAK), url, input="import speak; print(speak.__version__)\n")
    assert "2.0" in done.stdout, done.stderr


def test_what_is_given_away_is_asked_about_before(url: str, run_pyscript: Program, tmp_path: Path) -> None:
    assert "Nobody here agreed" in run_pyscript("bundle", url).stderr
    assert run_pyscript("bundle", "--trust", sha256(BODY), url).returncode == 0
    done = subprocess.run([sys.executable, tmp_path / "x.pyz", "a"], capture_output=True, text=True, check=True)
    assert done.stdout == "ran a\n"


@pytest.mark.parametrize("command", ["lock", "edit"])
def test_what_writes_takes_files_only(command: str, url: str, run_pyscript: Program) -> None:
    done = run_pyscript(command, url)
    assert (done.returncode, "Save " in done.stderr) == (2, True)


@pytest.mark.skipif(sys.platform == "win32", reason="the file on PATH is a shell script here")
def test_a_script_from_elsewhere_becomes_a_command_and_is_fetched_again_by_upgrading_it(
    stocked: IndexServer, run_pyscript: Program, home: Path
) -> None:
    url, command = serve(stocked, SPEAK), home / ".local/bin/x"
    stocked.fail("/tools/x.py", FRESH)
    refused = run_pyscript("install", url)
    assert (refused.returncode, command.exists()) == (1, False)
    assert "Nobody here agreed" in refused.stderr
    assert run_pyscript("install", "--link", "--trust", sha256(SPEAK), url).returncode == 2
    assert run_pyscript("install", "--trust", sha256(SPEAK), url).returncode == 0
    assert json.loads(run_pyscript("list", "--json").stdout)[0]["source"] == url
    stocked.forget_requests()
    called = subprocess.run([command, "a"], env=run_pyscript.variables(), capture_output=True, text=True, check=True)
    assert (called.stdout, stocked.paths()) == ("ran a\n", [])
    changed = SPEAK.replace("ran", "did")
    serve(stocked, changed)
    assert "Nobody here agreed" in run_pyscript("upgrade", "x").stderr
    code, seen = at_terminal(run_pyscript, "upgrade", "x", answers=["n"])
    assert (code, "Upgrade to it?" in seen) == (1, True)
    assert f"{url} was not taken, and the command stays as it was." in seen
    upgraded = run_pyscript("upgrade", "--trust", sha256(changed), "x")
    assert "another script" in upgraded.stdout, upgraded.stderr
    called = subprocess.run([command], env=run_pyscript.variables(), capture_output=True, text=True, check=True)
    assert called.stdout == "did\n"


def test_options_hold_for_scripts_from_elsewhere_too(stocked: IndexServer, run_pyscript: Program) -> None:
    text = "import greet; print(greet.__version__)\n"
    url = serve(stocked, text)
    run_pyscript("trust", "add", sha256(text))
    stocked.add(package("greet", "0.5"))
    assert run_pyscript("run", "--with", "greet<1", url).stdout == "0.5\n"
    assert run_pyscript("-q", "--with", "greet", url).stdout == "1.0\n"
