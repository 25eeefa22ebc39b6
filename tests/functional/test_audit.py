"""`pyscript audit`: known vulnerabilities of what scripts get, as an index with PyPI's JSON API tells them."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.conftest import Program
from tests.functional.conftest import WriteScript, package
from tests.support.index_server import Fault, IndexServer

OURS = {
    "id": "PYSEC-2024-1",
    "aliases": ["CVE-2024-11", "GHSA-aaaa-bbbb-cccc"],
    "summary": None,
    "details": "# Impact\n\nVoices can be   heard.\nBy all.",
    "fixed_in": ["1.8", "2.1"],
    "link": "https://127.0.0.1/vulnerability/PYSEC-2024-1",
    "source": "osv",
    "withdrawn": None,
}
THEIRS = {**OURS, "id": "GHSA-aaaa-bbbb-cccc", "aliases": ["CVE-2024-11", "PYSEC-2024-1"], "summary": "Loud voices"}
WITHDRAWN = {**OURS, "id": "PYSEC-2024-2", "aliases": [], "withdrawn": "2024-05-01T00:00:00Z"}


@pytest.fixture
def index(stocked: IndexServer) -> IndexServer:
    stocked.add(package("choir", "1.0", ("voice>=1,<2",)))
    stocked.vulnerabilities = {"voice 1.5": [OURS, THEIRS, WITHDRAWN]}
    return stocked


@pytest.fixture
def script(index: IndexServer, write_script: WriteScript) -> Path:
    return write_script("", "choir", "greet")


def test_what_is_found_is_told_once_with_where_it_comes_in_and_what_mends_it(
    script: Path, run_pyscript: Program
) -> None:
    done = run_pyscript("audit", script)
    assert (done.returncode, done.stderr) == (1, "")
    assert done.stdout.splitlines() == [
        f"{script}: 1 known vulnerability in 1 of 3 packages",
        "",
        f"voice 1.5  by choir (line 2 of {script}) > voice>=1,<2",
        "  PYSEC-2024-1 (CVE-2024-11, GHSA-aaaa-bbbb-cccc)  fixed in 1.8, 2.1",
        "    Voices can be heard.",
        "    https://127.0.0.1/vulnerability/PYSEC-2024-1",
        f"  voice 1.8 mends it; pyscript --upgrade {script} takes the newest.",
    ]


def test_nothing_known_is_0(index: IndexServer, run_pyscript: Program, write_script: WriteScript) -> None:
    script = write_script("", "greet")
    done = run_pyscript("audit", script)
    assert (done.returncode, done.stdout, done.stderr) == (0, f"{script}: no known vulnerabilities in 1 package\n", "")


def test_a_script_without_packages_is_0_and_asks_nobody(
    index: IndexServer, run_pyscript: Program, write_script: WriteScript
) -> None:
    done = run_pyscript("audit", write_script())
    assert done.returncode == 0, done.stderr
    assert index.paths() == []


def test_who_holds_a_fix_back_is_named(index: IndexServer, run_pyscript: Program, write_script: WriteScript) -> None:
    script = write_script("", "voice==1.5")
    done = run_pyscript("audit", script)
    assert done.stdout.splitlines()[-1] == f"  voice 1.8 mends it; held back by voice==1.5 (line 2 of {script})."


def test_answers_are_kept_as_long_as_the_server_says(script: Path, index: IndexServer, run_pyscript: Program) -> None:
    # Long enough for the others to be asked meanwhile.
    index.fail("/pypi/*", Fault(delay_s=0.3, times=3))
    first = run_pyscript("audit", script).stdout
    assert sorted(index.paths("/pypi/*")) == [*("/pypi/choir/1.0/json", "/pypi/greet/1.0/json", "/pypi/voice/1.5/json")]
    assert index.most_concurrent > 1
    index.forget_requests()
    assert run_pyscript("audit", script).stdout == first
    assert run_pyscript("audit", "--offline", script).stdout == first
    assert index.paths() == []
    run_pyscript("audit", "--refresh", script)
    assert {(request.path, request.status) for request in index.requests if "/pypi/" in request.path} == {
        (f"/pypi/{name}/json", 304) for name in ("choir/1.0", "greet/1.0", "voice/1.5")
    }


def test_nothing_is_downloaded_or_composed_for_it(
    script: Path, index: IndexServer, run_pyscript: Program, cache_dir: Path
) -> None:
    run_pyscript("audit", script)
    assert index.paths("*.whl") == []
    assert not (cache_dir / "environments-v1").exists()


@pytest.mark.parametrize("name", ["PYSEC-2024-1", "cve-2024-11", "voice", "Voice"])
def test_what_is_ignored_does_not_count(name: str, script: Path, index: IndexServer, run_pyscript: Program) -> None:
    done = run_pyscript("audit", script, "--ignore", name)
    assert (done.returncode, done.stderr) == (0, "")
    is_package = name.lower() == "voice"
    assert done.stdout.startswith(f"{script}: no known vulnerabilities in {2 if is_package else 3} packages")
    assert ("ignored: PYSEC-2024-1" in done.stdout) is not is_package
    assert bool(index.paths("/pypi/voice/*")) is not is_package


def test_an_ignore_without_effect_is_told(script: Path, run_pyscript: Program) -> None:
    done = run_pyscript("audit", script, "--ignore", "PYSEC-2024-2")
    assert done.returncode == 1
    assert "warning: --ignore PYSEC-2024-2: there is no such vulnerability" in done.stderr


def test_yanked_pins_are_shown_with_the_reason_of_now(script: Path, index: IndexServer, run_pyscript: Program) -> None:
    index.vulnerabilities = {}
    index.cache_control = None
    run_pyscript("audit", script)
    index.files["greet"][0].yanked = "bites \x1b[2Jpeople"
    done = run_pyscript("audit", script)
    assert done.returncode == 0
    assert done.stdout.splitlines()[-1] == f"greet 1.0 was yanked: bites [2Jpeople  by greet (line 2 of {script})"


def test_json_has_everything(script: Path, run_pyscript: Program) -> None:
    done = run_pyscript("audit", "--json", script)
    assert done.returncode == 1
    (row,) = json.loads(done.stdout)
    assert (row["script"], row["asked"], row["yanked"], row["unchecked"], row["errors"]) == (str(script), 3, [], [], [])
    assert row["vulnerable"] == [
        {
            "name": "voice",
            "version": "1.5",
            "required_by": [f"choir (line 2 of {script})", "voice>=1,<2"],
            "fixed_by": "1.8",
            "held_back_by": [],
            "vulnerabilities": [
                {
                    "id": "PYSEC-2024-1",
                    "aliases": ["CVE-2024-11", "GHSA-aaaa-bbbb-cccc"],
                    "summary": "Voices can be heard.",
                    "fixed_in": ["1.8", "2.1"],
                    "url": "https://127.0.0.1/vulnerability/PYSEC-2024-1",
                }
            ],
        }
    ]


def test_several_scripts_are_told_one_by_one(
    script: Path, index: IndexServer, run_pyscript: Program, write_script: WriteScript
) -> None:
    good, broken = write_script("", "greet", name="good.py"), write_script("", "nosuch", name="broken.py")
    done = run_pyscript("audit", broken, good, script)
    assert done.returncode == 1
    assert "There is no package called nosuch" in done.stderr
    assert done.stdout.startswith(f"{good}: no known vulnerabilities in 1 package\n{script}: 1 known")
    assert run_pyscript("audit", broken, good).returncode == 3


def test_an_index_without_this_api_is_named(script: Path, index: IndexServer, run_pyscript: Program) -> None:
    index.vulnerabilities = None
    done = run_pyscript("audit", script)
    assert done.returncode == 3
    assert f"{index.index_url} does not tell of known vulnerabilities:" in done.stderr
    assert f"{index.origin}/pypi/choir/1.0/json was asked, and there is nothing there" in done.stderr
    assert done.stdout.startswith(f"{script}: nothing could be checked\n\n")
    assert "choir 1.0, greet 1.0, voice 1.5 were not checked: " in done.stdout
    assert "--ask URL" in done.stderr
    assert "no known vulnerabilities" not in done.stdout
    (row,) = json.loads(run_pyscript("audit", "--json", script).stdout)
    assert len(row["unchecked"]) == 3
    assert "does not tell of known vulnerabilities" in row["errors"][0]


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"<html>welcome</html>", "it is not JSON"),
        (b"[]", "it says nothing of vulnerabilities"),
        (b'{"info": {"version": "1.0"}, "releases": {}}', "it says nothing of vulnerabilities"),
        (b'{"info": {"version": "7"}, "vulnerabilities": []}', "it is about version 7, and not about 1."),
    ],
)
def test_what_is_no_such_api_is_not_taken_for_one(
    content: bytes, reason: str, script: Path, index: IndexServer, run_pyscript: Program
) -> None:
    index.fail("/pypi/*", Fault(content=content))
    done = run_pyscript("audit", script)
    assert done.returncode == 3
    assert reason in done.stderr


def test_another_index_can_be_asked(script: Path, index: IndexServer, run_pyscript: Program) -> None:
    index.vulnerabilities = None
    with IndexServer() as other:
        other.add(package("voice", "1.5"), package("greet"))
        other.vulnerabilities = {"voice 1.5": [OURS]}
        done = run_pyscript("audit", script, "--ask", other.index_url_for("me", "secret"))
        assert sorted(other.paths()) == [*("/pypi/choir/1.0/json", "/pypi/greet/1.0/json", "/pypi/voice/1.5/json")]
        assert done.returncode == 1
        assert f"choir 1.0 was not checked: {other.index_url} does not know this release" in done.stdout
        assert "secret" not in done.stdout + done.stderr
    assert index.paths("/pypi/*") == []


def test_credentials_go_where_they_belong(script: Path, index: IndexServer, run_pyscript: Program) -> None:
    index.credentials = ("me", "secret")
    done = run_pyscript("audit", script, "--index-url", index.index_url_for("me", "secret"))
    assert done.returncode == 1, done.stderr
    assert "secret" not in done.stdout + done.stderr


def test_a_server_that_fails_is_told_and_not_taken_for_good_news(
    script: Path, index: IndexServer, run_pyscript: Program
) -> None:
    index.fail("/pypi/greet/*", Fault(status=503))
    index.vulnerabilities = {}
    done = run_pyscript("audit", script, "--retries", "0")
    assert done.returncode == 3
    assert "answered 503" in done.stderr
    assert f"greet 1.0 was not checked: {index.index_url} could not be asked" in done.stdout


def test_packages_from_elsewhere_are_named_and_nobody_is_asked_about_them(
    index: IndexServer, run_pyscript: Program, write_script: WriteScript, tmp_path: Path
) -> None:
    own = package("own").write(tmp_path / "wheels")
    done = run_pyscript("audit", write_script("", f"own @ {own.as_uri()}", "greet"))
    assert done.returncode == 0, done.stderr
    assert f"own 1.0 was not checked: it comes from {own.as_uri()}, and not from an index" in done.stdout
    assert index.paths("/pypi/own/*") == []


@pytest.mark.parametrize(
    ("words", "message"),
    [(["--ask", "packages", "x.py"], "--ask: 'packages' is not the URL of an index."), (["missing.py"], "There is no")],
)
def test_wrong_words_are_2(words: list[str], message: str, run_pyscript: Program) -> None:
    done = run_pyscript("audit", *words)
    assert done.returncode == 2
    assert message in done.stderr
