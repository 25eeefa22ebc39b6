"""Launches of scripts that have a lock, beside them or in them: what it has is used, and no index is asked."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from launcher.cache import remove_tree
from tests.conftest import Program
from tests.functional.conftest import WriteScript, package
from tests.support import locks
from tests.support.index_server import Fault, IndexServer
from tests.support.sdists import Sdist

SAY = "import speak; print(speak.__version__)"
SPEAK, VOICE, GREET = package("speak"), package("voice", "1.5"), package("greet")

Lock = Callable[..., Path]


@pytest.fixture
def script(stocked: IndexServer, write_script: WriteScript) -> Path:
    """A script that needs speak, of which the index has 2.0."""
    return write_script(SAY, "speak")


@pytest.fixture
def lock(script: Path, stocked: IndexServer) -> Lock:
    """Return a function that writes the lock beside the script: of speak 1.0, or of other packages."""

    def write(packages: list[dict[str, object]] | None = None, path: Path | None = None, **fields: object) -> Path:
        path = path or script.with_name("pylock.x.toml")
        found = locks.of_wheels([SPEAK], stocked.origin) if packages is None else packages
        path.write_text(locks.text_of(found, **fields))
        settle(path)
        return path

    return write


def settle(path: Path) -> None:
    """Let a file be a minute old: shells that compare whole seconds trust no younger one."""
    then = time.time() - 60
    os.utime(path, (then, then))


def embed(script: Path, text: str) -> None:
    script.write_text(f"{script.read_text()}\n{locks.embedded(text)}")
    settle(script)


def forget(cache_dir: Path, *buckets: str) -> None:
    for bucket in buckets:
        remove_tree(cache_dir / bucket)


# What is used


def test_the_lock_beside_a_script_decides_and_only_its_files_are_fetched(
    script: Path, lock: Lock, stocked: IndexServer, run_pyscript: Program
) -> None:
    lock()
    done = run_pyscript(script)
    assert (done.stdout, done.returncode) == ("1.0\n", 0), done.stderr
    assert stocked.paths() == [f"/files/{SPEAK.filename}"]


def test_the_lock_in_a_script_comes_before_the_one_beside_it(
    script: Path, lock: Lock, stocked: IndexServer, run_pyscript: Program
) -> None:
    lock([])
    embed(script, locks.text_of(locks.of_wheels([SPEAK], stocked.origin)))
    assert run_pyscript(script).stdout == "1.0\n"
    assert stocked.paths() == [f"/files/{SPEAK.filename}"]


def test_without_wheels_by_unearth_s_default_index_nothing_is_asked_either(
    script: Path, lock: Lock, stocked: IndexServer, run_pyscript: Program
) -> None:
    lock()
    del run_pyscript.environ["PYSCRIPT_INDEX_URL"]
    assert run_pyscript(script).stdout == "1.0\n"
    assert stocked.paths() == [f"/files/{SPEAK.filename}"]


@pytest.mark.parametrize(
    "lost",
    [
        ("launch-v1",),
        ("launch-v1", "environments-v1"),
        ("launch-v1", "environments-v1", "resolutions-v1", "index-v1", "metadata-v1"),
    ],
)
def test_a_filled_cache_takes_no_request(
    lost: tuple[str, ...],
    script: Path,
    lock: Lock,
    stocked: IndexServer,
    run_pyscript: Program,
    cache_dir: Path,
) -> None:
    lock()
    run_pyscript(script)
    stocked.forget_requests()
    forget(cache_dir, *lost)
    assert run_pyscript("--locked", script).stdout == "1.0\n"
    assert run_pyscript("--offline", script).stdout == "1.0\n"
    assert stocked.paths() == []


def test_another_script_with_the_same_lock_shares_the_environment(
    script: Path, lock: Lock, stocked: IndexServer, run_pyscript: Program, cache_dir: Path, tmp_path: Path
) -> None:
    lock()
    run_pyscript(script)
    stocked.forget_requests()
    other = tmp_path / "elsewhere" / "y.py"
    other.parent.mkdir()
    shutil.copy(script, other)
    lock(path=other.with_name("pylock.y.toml"))
    assert run_pyscript(other).stdout == "1.0\n"
    assert stocked.paths() == []
    assert len(list((cache_dir / "environments-v1").iterdir())) == 1
    assert len(list((cache_dir / "resolutions-v1").iterdir())) == 1


def test_a_lock_that_appears_changes_or_goes_is_noticed(script: Path, lock: Lock, run_pyscript: Program) -> None:
    assert run_pyscript(script).stdout == "2.0\n"
    path = lock()
    assert run_pyscript(script).stdout == "1.0\n"
    assert run_pyscript(script).stdout == "1.0\n"
    path.unlink()
    assert run_pyscript(script).stdout == "2.0\n"


def test_a_lock_that_comes_into_a_script_is_noticed_wherever_it_stands(
    script: Path, stocked: IndexServer, run_pyscript: Program
) -> None:
    block = locks.embedded(locks.text_of(locks.of_wheels([SPEAK], stocked.origin)))
    before = script.read_text()
    opening, body = before.rsplit("# ///\n", 1)
    for text in (f"{before}\n{block}", f"{block}\n{before}", f"{opening}# ///\n\n{block}\n{body}"):
        script.write_text(before)
        settle(script)
        assert run_pyscript(script).stdout == "2.0\n"
        script.write_text(text)
        assert run_pyscript(script).stdout == "1.0\n", text
        assert run_pyscript(script).stdout == "1.0\n", text


def test_what_only_mentions_a_lock_is_none(script: Path, run_pyscript: Program) -> None:
    script.write_text(f'{script.read_text()}"""\n# /// pylock\n"""\n')
    assert [run_pyscript(script).stdout for _ in range(2)] == ["2.0\n", "2.0\n"]


def test_a_script_from_stdin_may_bring_its_lock(script: Path, stocked: IndexServer, run_pyscript: Program) -> None:
    embed(script, locks.text_of(locks.of_wheels([SPEAK], stocked.origin)))
    assert run_pyscript("-", input=script.read_text()).stdout == "1.0\n"


def test_a_file_beside_the_lock_is_taken_from_there(
    script: Path, lock: Lock, stocked: IndexServer, run_pyscript: Program
) -> None:
    SPEAK.write(script.parent / "wheels")
    wheel = locks.entry(SPEAK, path=f"wheels/{SPEAK.filename}")
    lock([locks.package("speak", wheels=[wheel])])
    assert run_pyscript(script).stdout == "1.0\n"
    assert stocked.paths() == []


def test_a_source_is_built_where_no_wheel_fits_and_is_verified(
    script: Path, lock: Lock, stocked: IndexServer, run_pyscript: Program
) -> None:
    sdist = Sdist("speak", "1.2")
    stocked.add_file(sdist.filename, sdist.content)
    other = package("speak", "1.2", tag="cp27-cp27m-win32")
    entry = locks.entry(sdist, stocked.origin)
    lock([locks.package("speak", "1.2", wheels=[locks.entry(other, stocked.origin)], sdist=entry)])
    script.write_text(script.read_text().replace(SAY, "import speak; print('built')"))
    done = run_pyscript(script)
    assert done.stdout == "built\n", done.stderr
    assert stocked.paths("/files/speak*") == [f"/files/{sdist.filename}"]
    done = run_pyscript("--no-build", "--refresh", script, env={"PYSCRIPT_CACHE_DIR": str(script.parent / "other")})
    assert "no-build forbids to build its source" in done.stderr


def test_credentials_of_the_index_are_for_its_files_too(
    script: Path, lock: Lock, stocked: IndexServer, run_pyscript: Program
) -> None:
    lock()
    stocked.credentials = ("me", "secret")
    run_pyscript.environ["PYSCRIPT_INDEX_URL"] = stocked.index_url_for("me", "secret")
    assert run_pyscript(script).stdout == "1.0\n"


# What is asked for beside it


def test_what_with_adds_changes_nothing_of_the_lock(
    script: Path, lock: Lock, stocked: IndexServer, run_pyscript: Program
) -> None:
    lock()
    script.write_text(script.read_text().replace(SAY, f"{SAY}; import greet; print('greet')"))
    assert run_pyscript("--with", "greet", script).stdout == "1.0\ngreet\n"
    done = run_pyscript("--with", "speak>=2", script)
    assert done.returncode == 1
    assert "the lock" in done.stderr


def test_refresh_takes_the_lock_as_it_is(script: Path, lock: Lock, stocked: IndexServer, run_pyscript: Program) -> None:
    lock()
    assert run_pyscript("--refresh", script).stdout == "1.0\n"
    assert stocked.paths() == [f"/files/{SPEAK.filename}"]


# Outdated


@pytest.mark.parametrize(
    ("dependency", "said"),
    [("greet", "it has no greet"), ("speak>=2", "it has speak 1.0, and the script asks for speak>=2")],
)
def test_locked_refuses_and_frozen_uses_a_lock_of_another_tool_that_lacks_something(
    dependency: str, said: str, script: Path, lock: Lock, write_script: WriteScript, run_pyscript: Program
) -> None:
    lock()
    write_script("import sys; print('ran')", dependency)
    done = run_pyscript("--locked", script)
    assert (done.returncode, done.stdout) == (1, "")
    assert f"pylock.x.toml is outdated: {said}." in done.stderr
    assert dependency in done.stderr.splitlines()[2] or dependency in done.stderr
    assert "--frozen" in done.stderr
    assert run_pyscript("--frozen", script).stdout == "ran\n"
    assert run_pyscript(script, env={"PYSCRIPT_FROZEN": "1"}).stdout == "ran\n"
    assert run_pyscript("--locked", script).returncode == 1


@pytest.mark.parametrize("option", ["--locked", "--frozen"])
def test_without_a_lock_there_is_nothing_to_insist_on(option: str, script: Path, run_pyscript: Program) -> None:
    assert run_pyscript(script).stdout == "2.0\n"
    done = run_pyscript(option, script)
    assert done.returncode == 1
    assert f"{script} has no lock, neither in it nor as {script.with_name('pylock.x.toml')}" in done.stderr
    assert f"{option} asks for one" in done.stderr
    assert f"pyscript lock {script}" in done.stderr


def test_a_lock_of_uv_s_own_is_none(script: Path, run_pyscript: Program) -> None:
    script.with_name("x.py.lock").write_text("version = 1\n")
    assert run_pyscript(script).stdout == "2.0\n"
    assert "uv export --script" in run_pyscript("--locked", script).stderr


def test_a_script_without_requirements_needs_no_lock(write_script: WriteScript, run_pyscript: Program) -> None:
    assert run_pyscript("--locked", write_script()).stdout == "hello\n"


def test_a_script_may_insist_on_its_lock(
    script: Path, lock: Lock, write_script: WriteScript, run_pyscript: Program, home: Path
) -> None:
    insists = "[tool.pyscript]\nlocked = true"
    lines = 'dependencies = ["speak"]\n' + insists
    write_script(SAY, block=lines)
    done = run_pyscript(script)
    assert "[tool.pyscript] in the script asks for one" in done.stderr
    lock()
    assert run_pyscript(script).stdout == "1.0\n"
    write_script("print('ran')", block=lines.replace('"speak"', '"speak>1"'))
    assert "is outdated" in run_pyscript(script).stderr
    assert run_pyscript("--frozen", script).stdout == "ran\n"


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (
            ("--locked", "--frozen", "x.py"),
            "--locked wants a lock that is up to date, and --frozen one that may not be",
        ),
        (("--locked", "-U", "x.py"), "--upgrade makes a lock anew, and --locked forbids it"),
        (("--locked", "-c", "1"), "--locked is about the lock of a script, and this is none"),
    ],
)
def test_what_contradicts_itself_is_a_usage_error(
    words: tuple[str, ...], said: str, script: Path, run_pyscript: Program
) -> None:
    done = run_pyscript(*words, cwd=script.parent)
    assert done.returncode == 2
    assert said in done.stderr


# Locks that lie, or cannot be used


def test_a_file_that_is_not_what_the_lock_states_is_refused(
    script: Path, lock: Lock, stocked: IndexServer, run_pyscript: Program, cache_dir: Path
) -> None:
    stocked.fail("/files/*", Fault(content=GREET.content))
    lock()
    done = run_pyscript(script)
    assert (done.returncode, done.stdout) == (1, "")
    assert "is not the file that was promised: the lock states" in done.stderr
    assert not list((cache_dir / "wheels-v1").glob("*")) if (cache_dir / "wheels-v1").exists() else True


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        ({"size": 3}, "the lock states 3 bytes, but what came from"),
        ({"size": 10**6}, "the lock states 1000000 bytes"),
        ({"hashes": {"sha512": "0" * 128}}, "the lock states sha512 000"),
        ({"hashes": {"sha256": SPEAK.sha256, "sha512": "0" * 128}}, "the lock states sha512 000"),
        ({"hashes": {"md5": "0" * 32}}, "of its hashes (md5) none proves what a file is"),
        ({"hashes": {"sha256": "abc"}}, "'abc' is no sha256"),
        ({"url": "http://me:secret@127.0.0.1:1/" + SPEAK.filename}, "http://me:****@127.0.0.1:1/"),
        ({"url": "ftp://127.0.0.1/" + SPEAK.filename}, "only http, https and file URLs can"),
        ({"url": None, "path": "../gone/" + SPEAK.filename}, "cannot be read: No such file"),
    ],
)
def test_each_lie_is_named(
    fields: dict[str, object], said: str, script: Path, lock: Lock, stocked: IndexServer, run_pyscript: Program
) -> None:
    lock([locks.package("speak", wheels=[locks.entry(SPEAK, stocked.origin, **fields)])])
    done = run_pyscript(script)
    assert done.returncode in (1, 2)
    assert done.stdout == ""
    assert said in done.stderr.replace("\n", " "), done.stderr
    assert "secret" not in done.stderr


def test_other_hashes_are_as_good(script: Path, lock: Lock, stocked: IndexServer, run_pyscript: Program) -> None:
    hashes = {"sha512": hashlib.sha512(SPEAK.content).hexdigest(), "blake3": "unknown to us"}
    lock([locks.package("speak", wheels=[locks.entry(SPEAK, stocked.origin, hashes=hashes)])])
    assert run_pyscript(script).stdout == "1.0\n"
    assert stocked.paths() == [f"/files/{SPEAK.filename}"]


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ("# mine\nlock-version = \n", "pylock.x.toml:2:16"),
        ('lock-version = "2.0"\ncreated-by = "x"\npackages = []\n', "newer than pyscript"),
        ('created-by = "x"\npackages = []\n', "lock-version"),
        ("\udcff", "line 1 is not written in UTF-8"),
    ],
)
def test_what_is_no_lock_says_where(content: str, said: str, script: Path, lock: Lock, run_pyscript: Program) -> None:
    lock().write_bytes(content.encode("utf-8", "surrogateescape"))
    done = run_pyscript(script)
    assert done.returncode == 2
    assert said in done.stderr


def test_a_mistake_in_an_embedded_lock_is_shown_in_the_script(script: Path, run_pyscript: Program) -> None:
    embed(script, "packages = [\nlock-version")
    done = run_pyscript(script)
    assert done.returncode == 2
    number = script.read_text().splitlines().index("# lock-version") + 1
    assert f"{script}:{number}" in done.stderr or f"line {number}" in done.stderr
    assert "# lock-version" in done.stderr


def test_a_lock_for_another_python_says_so(script: Path, lock: Lock, run_pyscript: Program) -> None:
    path = lock(requires_python="<3")
    done = run_pyscript(script)
    assert done.returncode == 1
    assert f"{path} is for Python <3, and this is cpython" in done.stderr
    assert "requires-python = '<3'" in done.stderr


def test_a_lock_for_another_platform_names_package_and_line(
    script: Path, lock: Lock, stocked: IndexServer, run_pyscript: Program
) -> None:
    path = lock(locks.of_wheels([package("speak", tag="cp27-cp27m-win32")], stocked.origin))
    done = run_pyscript(script)
    assert done.returncode == 1
    assert f"speak 1.0 of {path} has no file for cpython" in done.stderr
    assert "name = 'speak'" in done.stderr


def test_paths_mean_nothing_where_a_script_is_no_file(script: Path, run_pyscript: Program) -> None:
    embed(script, locks.text_of(locks.of_wheels([SPEAK])))
    done = run_pyscript("-", input=script.read_text())
    assert "is a path, and there is no directory that it could count from" in done.stderr


# Other commands


def test_info_and_tree_say_that_a_lock_is_used_and_which(script: Path, lock: Lock, run_pyscript: Program) -> None:
    path = lock()
    said = run_pyscript("info", script).stdout
    assert f"{path}  (made by somebody)" in said
    assert "up to date" in said
    run_pyscript("prepare", script)
    found = json.loads(run_pyscript("info", "--json", script).stdout)
    assert found["lock"] == {"where": str(path), "made_by": "somebody", "outdated": None}
    assert found["resolution"]["packages"] == {"speak": "1.0"}
    assert found["next_launch"] == {"is_warm": True, "reason": None}
    assert f"as {path} has them" in run_pyscript("tree", script).stdout
    assert "2.0" in run_pyscript("tree", "--outdated", script).stdout


def test_tree_asks_the_wheels_who_needs_whom_where_the_lock_does_not_say_it(
    script: Path, lock: Lock, stocked: IndexServer, run_pyscript: Program
) -> None:
    lock(locks.of_wheels([package("speak", "2.0", ("voice>=1",)), VOICE], stocked.origin))
    run_pyscript("prepare", script)
    found = json.loads(run_pyscript("tree", "--json", script).stdout)["packages"]
    assert {each["name"]: [need["name"] for need in each["requires"]] for each in found} == {
        "speak": ["voice"],
        "voice": [],
    }


def test_what_came_from_elsewhere_names_nothing_of_this_machine(
    script: Path, stocked: IndexServer, run_pyscript: Program
) -> None:
    SPEAK.write(script.parent)
    text = locks.text_of(
        [locks.package("speak", wheels=[locks.entry(SPEAK, path=f"{script.parent}/{SPEAK.filename}")])]
    )
    url = stocked.add_page("/x.py", script.read_bytes(), "text/plain")
    stocked.add_page("/pylock.x.toml", text.encode(), "text/plain")
    agreed = [f"--trust=sha256:{hashlib.sha256(each).hexdigest()}" for each in (script.read_bytes(), text.encode())]
    done = run_pyscript(*agreed, url)
    assert done.returncode != 0
    assert "is a path, and there is no directory that it could count from" in done.stderr, done.stderr


def test_a_pipe_or_a_huge_file_is_no_lock(script: Path, run_pyscript: Program) -> None:
    path = script.with_name("pylock.x.toml")
    with path.open("wb") as stream:
        stream.truncate(33 << 20)
    assert "it has 33 MB, and no lock has more than 32" in run_pyscript(script).stderr
    path.unlink()
    os.mkfifo(path)
    assert "it is no regular file" in run_pyscript(script).stderr


def test_info_and_tree_say_that_a_lock_is_outdated(
    script: Path, lock: Lock, write_script: WriteScript, run_pyscript: Program
) -> None:
    lock()
    write_script(SAY, "speak>1")
    assert "outdated: it has speak 1.0, and the script asks for speak>1" in run_pyscript("info", script).stdout
    done = run_pyscript("tree", script)
    assert "speak" in done.stdout
    assert "is outdated" in done.stderr
    assert run_pyscript("tree", "--locked", script).returncode == 1


# Made anew


def test_a_lock_of_ours_follows_the_block_with_a_note(
    script: Path, stocked: IndexServer, run_pyscript: Program, write_script: WriteScript
) -> None:
    assert run_pyscript("lock", script).returncode == 0
    path = script.with_name("pylock.x.toml")
    assert run_pyscript("--locked", script).stdout == "2.0\n"
    stocked.add(package("speak", "3.0"))
    write_script(SAY + "; import greet", "speak", "greet")
    assert "the script has 'greet' now" in run_pyscript("--locked", script).stderr
    done = run_pyscript(script)
    assert done.stdout == "2.0\n", "what was locked stays"
    assert f"Locked again: {path} (the script has 'greet' now). greet 1.0 added." in done.stderr
    stocked.forget_requests()
    done = run_pyscript("--locked", script)
    assert (done.stdout, done.stderr, stocked.paths()) == ("2.0\n", "", [])
    done = run_pyscript("-U", script)
    assert (done.stdout, "speak 2.0 -> 3.0" in done.stderr) == ("3.0\n", True), done.stderr
    assert run_pyscript("--locked", script).stdout == "3.0\n"
    before = path.read_bytes()
    assert "Locked again" not in run_pyscript("--upgrade", script).stderr
    assert path.read_bytes() == before


def test_a_lock_in_a_script_is_made_anew_there(script: Path, stocked: IndexServer, run_pyscript: Program) -> None:
    run_pyscript("lock", "--embed", script)
    script.write_text(script.read_text().replace("['speak']", "['speak', 'greet']"))
    done = run_pyscript(script)
    assert (done.stdout, "greet 1.0 added" in done.stderr) == ("2.0\n", True), done.stderr
    assert "greet" in script.read_text().partition("# /// pylock")[2]
    assert not script.with_name("pylock.x.toml").exists()
    settle(script)
    done = run_pyscript("--locked", script)
    assert (done.stdout, done.stderr) == ("2.0\n", "")


@pytest.mark.parametrize(("name", "shown"), [("./x.py", ""), ("x.py", ""), ("./tools/./x.py", "tools/")])
def test_the_note_names_the_lock_as_the_script_was_named(
    name: str, shown: str, script: Path, lock: Lock, write_script: WriteScript, run_pyscript: Program
) -> None:
    lock()
    write_script(SAY, "speak", "greet")
    script.with_name("tools").symlink_to(".")
    done = run_pyscript(name)
    assert f"Locked again: {shown}pylock.x.toml (it has no greet). " in done.stderr
    settle(script)
    run_pyscript(name)
    script.with_name("pylock.x.toml").touch()
    assert f"not warm: {script.parent}/{shown}pylock.x.toml was changed" in run_pyscript("info", name).stdout


def test_another_tools_lock_becomes_ours_when_it_is_made_anew(
    script: Path, lock: Lock, write_script: WriteScript, run_pyscript: Program
) -> None:
    path = lock()
    write_script(SAY, "speak", "greet")
    done = run_pyscript(script)
    assert done.stdout == "1.0\n", "its versions are kept where they will do"
    assert f"Locked again: {path} (it has no greet). " in done.stderr
    assert 'created-by = "pyscript"' in path.read_text()


def test_an_option_of_one_launch_changes_no_lock(
    script: Path, run_pyscript: Program, write_script: WriteScript
) -> None:
    run_pyscript("lock", script)
    path = script.with_name("pylock.x.toml")
    before = path.read_bytes()
    done = run_pyscript("--constraint", "speak<2", script)
    assert done.stdout == "1.0\n"
    assert f"{path} stays as it is, because --constraint is for this launch; it gets other versions" in done.stderr
    assert "speak 2.0 -> 1.0" in done.stderr
    done = run_pyscript("--prerelease", "allow", script)
    assert "pylock" not in done.stderr, "where it makes no difference, none is told"
    assert (run_pyscript("--locked", script).stdout, path.read_bytes()) == ("2.0\n", before)
    # Who wants it for good says so to the lock, and then it follows the block with the same option.
    run_pyscript("lock", "--constraint", "speak<2", script)
    write_script(SAY, "speak", "greet")
    done = run_pyscript("--constraint", "speak<2", script)
    assert (done.stdout, "greet 1.0 added" in done.stderr) == ("1.0\n", True), done.stderr
    assert b"greet" in path.read_bytes()


def test_a_lock_that_cannot_be_written_is_made_for_this_launch(
    script: Path, stocked: IndexServer, run_pyscript: Program
) -> None:
    run_pyscript("lock", "--embed", script)
    script.write_text(script.read_text().replace("['speak']", "['speak', 'greet']"))
    before = script.read_text()
    done = run_pyscript("-", input=before)
    assert done.stdout == "2.0\n"
    assert "The lock that was made is used and not kept." in done.stderr
    script.chmod(0o444)
    done = run_pyscript(script)
    assert done.stdout == "2.0\n"
    assert "read-only" in done.stderr and "used and not kept" in done.stderr
    assert script.read_text() == before


def test_a_lock_that_cannot_be_made_anew_leaves_everything(
    script: Path, write_script: WriteScript, run_pyscript: Program
) -> None:
    run_pyscript("lock", script)
    before = script.with_name("pylock.x.toml").read_bytes()
    write_script(SAY, "speak", "nobody-has-this")
    done = run_pyscript(script)
    assert done.returncode == 1
    assert "nobody-has-this" in done.stderr
    assert script.with_name("pylock.x.toml").read_bytes() == before


def test_a_setting_of_the_block_outdates_ours_and_one_of_the_machine_does_not(
    script: Path, write_script: WriteScript, run_pyscript: Program
) -> None:
    run_pyscript("lock", script)
    run_pyscript.environ["PYSCRIPT_PRERELEASE"] = "allow"
    assert run_pyscript("--locked", script).returncode == 0
    assert "a setting that decides about versions" in run_pyscript("--locked", "--prerelease=allow", script).stderr
    write_script(SAY, block='dependencies = ["speak"]\n[tool.pyscript]\nprerelease = "allow"')
    assert "a setting that decides about versions" in run_pyscript("--locked", script).stderr
