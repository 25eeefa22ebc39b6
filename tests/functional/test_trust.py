"""`pyscript trust`: agreements are added, listed and removed, and damaged ones are never passed over."""

from __future__ import annotations

import hashlib
import json
import sys
from pathlib import Path

import pytest

from launcher.trust import Agreement, Trust
from tests.conftest import Program
from tests.support.index_server import IndexServer

if sys.platform != "win32":
    from tests.support.terminal import at_terminal

BODY = b"print('ran')\n"
OTHER = "ab" * 32
SHA256 = hashlib.sha256(BODY).hexdigest()
needs_terminal = pytest.mark.skipif(sys.platform == "win32", reason="there are no such terminals")


@pytest.fixture
def url(index: IndexServer) -> str:
    return index.add_page("/x.py", BODY)


@pytest.fixture
def agreements(run_pyscript: Program, tmp_path: Path) -> Path:
    """Return where agreements are kept."""
    run_pyscript.environ["PYSCRIPT_DATA_DIR"] = str(tmp_path / "data")
    return tmp_path / "data" / "trust"


def listed(program: Program) -> list[tuple[str | None, str | None, str | None]]:
    rows = json.loads(program("trust", "list", "--json").stdout)
    return [(row["sha256"], row["place"], row["url"]) for row in rows]


def test_what_is_added_is_listed_and_can_be_removed(run_pyscript: Program, tmp_path: Path, agreements: Path) -> None:
    assert run_pyscript("trust", "list").stdout == "Nothing was agreed to.\n"
    script = tmp_path / "x.py"
    script.write_bytes(BODY)
    done = run_pyscript("trust", "add", script, "https://host/tools/", "https://github.com/me/", f"sha256:{OTHER}")
    assert done.returncode == 0, done.stderr
    assert f"sha256:{SHA256} may run now" in done.stdout
    assert "Whatever comes from https://github.com/me/ may run now." in done.stdout
    assert set(listed(run_pyscript)) == {
        (SHA256, None, str(script)),
        (OTHER, None, None),
        (None, "https://host/tools/", None),
        (None, "https://github.com/me/", None),
    }
    assert "https://host/tools/" in run_pyscript("trust", "list").stdout
    # What an older pyscript took for a place.
    Trust(agreements).add(Agreement(place="https://gist.github.com/me/"))
    for what in ("x.py", "https://host/tools", "https://gist.github.com/me/", "sha256:" + "ab" * 5):
        assert "Forgotten" in run_pyscript("trust", "remove", what).stdout
    assert listed(run_pyscript) == [(None, "https://github.com/me/", None)]
    assert run_pyscript("trust", "remove", "--all").returncode == 0
    assert listed(run_pyscript) == []


def test_the_usage_leaves_the_options_to_the_list_below_it(run_pyscript: Program) -> None:
    usage = run_pyscript("trust", "add", "--help").stdout.splitlines()[:2]
    assert usage == ["usage: pyscript trust add [OPTION...] SCRIPT-URL|PLACE/|sha256:…|FILE...", ""]


@pytest.mark.usefixtures("agreements")
@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        ((), 2),
        (("add",), 2),
        (("add", "nowhere.py"), 2),
        (("add", "http://example.com/"), 2),
        (("add", "https://github.com/"), 2),
        (("remove",), 2),
        (("remove", "--all", "x"), 2),
        (("remove", "ab" * 32), 1),
        (("remove", "https://host/x.py"), 1),
    ],
)
def test_what_makes_no_sense_is_refused(arguments: tuple[str, ...], code: int, run_pyscript: Program) -> None:
    done = run_pyscript("trust", *arguments)
    assert done.returncode == code
    assert done.stderr
    assert "Traceback" not in done.stderr


def test_the_url_of_a_script_has_to_be_looked_at(url: str, run_pyscript: Program, agreements: Path) -> None:
    done = run_pyscript("trust", "add", url)
    assert done.returncode == 1
    assert f"pyscript trust add sha256:{SHA256}" in done.stderr
    assert not agreements.exists()


@needs_terminal
def test_at_a_terminal_it_is_shown_and_agreed_to(url: str, run_pyscript: Program, agreements: Path) -> None:
    assert at_terminal(run_pyscript, "trust", "add", url, answers=["y", "n"])[0] == 1
    assert not agreements.exists()
    code, seen = at_terminal(run_pyscript, "trust", "add", url, answers=["a"])
    assert code == 0
    assert "print('ran')" in seen
    assert "\nran" not in seen
    assert listed(run_pyscript) == [(SHA256, None, url)]
    assert run_pyscript(url).stdout == "ran\n"
    assert "was agreed to before" in run_pyscript("trust", "add", url).stdout
    run_pyscript("trust", "remove", url)
    assert run_pyscript(url).returncode == 1


def test_a_damaged_agreement_stops_the_launch_and_can_be_removed(
    url: str, run_pyscript: Program, agreements: Path
) -> None:
    run_pyscript("trust", "add", SHA256)
    (path,) = agreements.iterdir()
    path.write_bytes(b"")
    for command in ((url,), ("trust", "list"), ("trust", "remove", "--all")):
        done = run_pyscript(*command)
        assert (done.returncode, done.stdout) == (1, "")
        assert f"{path} is damaged" in done.stderr
    assert run_pyscript("trust", "remove", SHA256).returncode == 0
    assert "Nobody here agreed" in run_pyscript(url).stderr


@pytest.mark.skipif(sys.platform == "win32", reason="permissions are POSIX's")
def test_agreements_that_others_could_have_written_are_refused(
    url: str, run_pyscript: Program, agreements: Path
) -> None:
    run_pyscript("trust", "add", SHA256)
    agreements.chmod(0o777)
    done = run_pyscript(url)
    assert (done.returncode, done.stdout) == (1, "")
    assert "Others may write to" in done.stderr


@pytest.mark.usefixtures("agreements")
def test_agreements_of_many_at_once_are_all_kept(run_pyscript: Program) -> None:
    started = [run_pyscript.start("trust", "add", f"sha256:{number:064x}") for number in range(6)]
    assert [process.wait(60) for process in started] == [0] * 6
    assert {row[0] for row in listed(run_pyscript)} == {f"{number:064x}" for number in range(6)}


@pytest.mark.usefixtures("agreements")
def test_the_data_directory_is_given_by_its_full_path(url: str, run_pyscript: Program) -> None:
    done = run_pyscript(url, env={"PYSCRIPT_DATA_DIR": "here"})
    assert (done.returncode, "is not an absolute path" in done.stderr) == (2, True)
