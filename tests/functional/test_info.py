"""`pyscript info`: how a script will be run and why, without making anything."""

from __future__ import annotations

import json
import os
import re
import shutil
import threading
import time
from pathlib import Path

import pytest

from tests.conftest import Program
from tests.functional.conftest import WriteScript, package
from tests.support.index_server import IndexServer
from tests.support.sdists import Sdist


@pytest.fixture
def script(stocked: IndexServer, write_script: WriteScript) -> Path:
    return write_script("print('ran')", "speak>1", block='requires-python = ">=3.8"')


def told(program: Program, *arguments: str | Path) -> dict[str, list[str]]:
    """Return what it says for people, by label."""
    done = program("info", *arguments)
    assert done.returncode == 0, done.stderr
    found: dict[str, list[str]] = {}
    label = ""
    for line in done.stdout.splitlines()[1:]:
        new_label, text = re.fullmatch(r"  (\S.*?)?\s{2,}(.*)", line).groups()  # type: ignore[union-attr]
        label = new_label or label
        found.setdefault(label, []).append(text)
    return found


def next_launch(program: Program, *arguments: str | Path) -> tuple[bool, str]:
    done = program("info", "--json", *arguments)
    found = json.loads(done.stdout)["next_launch"]
    return found["is_warm"], found["reason"] or ""


def test_before_anything_was_made_it_says_so_and_makes_nothing(
    script: Path, stocked: IndexServer, run_pyscript: Program, cache_dir: Path, home: Path
) -> None:
    said = told(run_pyscript, script)
    assert said["requires-python"] == [">=3.8  (line 2)"]
    assert said["requirements"] == ["speak>1  (line 3)"]
    assert said["interpreter"][0].startswith("Python 3.")
    assert said["interpreter"][1] == "the one that pyscript runs on; it satisfies requires-python"
    assert said["settings"] == [f"index-url = {stocked.index_url}  (the variable PYSCRIPT_INDEX_URL)"]
    assert said["resolution"] == ["none yet; the next launch makes one"]
    assert said["environment"] == ["none yet; the next launch makes one"]
    assert said["next launch"] == ["not warm: it was not launched or prepared like this before"]
    assert said["config file"] == [f"{home}/.config/pyscript/config.toml  (there is none)"]
    assert said["cache"] == [str(cache_dir)]
    assert stocked.paths() == []
    assert not (cache_dir / "resolutions-v1").exists()


def test_after_a_launch_it_says_what_was_made(
    script: Path, stocked: IndexServer, run_pyscript: Program, cache_dir: Path
) -> None:
    run_pyscript(script)
    stocked.forget_requests()
    said = told(run_pyscript, script)
    assert re.fullmatch(r"2 packages, resolved (just now|.* ago) and remembered", said["resolution"][0])
    assert said["environment"][0].startswith(f"{cache_dir}/environments-v1/")
    assert said["environment"][1].endswith(" kB in the wheel store")
    assert said["next launch"] == ["warm"]
    assert stocked.paths() == []


def test_json_has_all_of_it(script: Path, run_pyscript: Program, cache_dir: Path) -> None:
    run_pyscript(script)
    found = json.loads(run_pyscript("info", "--json", script, "--retries", "1").stdout)
    assert found["metadata"] == {
        "has_block": True,
        "requires_python": ">=3.8",
        "dependencies": ["speak>1"],
        "tool": {},
    }
    assert found["resolution"]["packages"] == {"speak": "2.0", "voice": "1.5"}
    assert time.time() - found["resolution"]["resolved_at"] < 600
    assert found["environment"]["own_bytes"] > 0 < found["environment"]["shared_bytes"]
    assert os.access(found["environment"]["python"], os.X_OK)
    assert found["settings"]["retries"] == {"value": 1, "origin": "--retries"}
    assert found["next_launch"] == {"is_warm": True, "reason": None}
    assert found["cache"] == str(cache_dir)


def test_each_reason_for_a_slow_launch_is_named(
    script: Path, stocked: IndexServer, run_pyscript: Program, cache_dir: Path, home: Path, write_script: WriteScript
) -> None:
    run_pyscript(script)
    assert next_launch(run_pyscript, script) == (True, "")
    assert next_launch(run_pyscript, "--with", "greet", script)[1].startswith("it was not launched or prepared like")
    assert next_launch(run_pyscript, "--max-age", "1 day", "--with", "greet", script)[1] == (
        "max-age has to be looked at each time"
    )
    run_pyscript.environ["PYSCRIPT_RETRIES"] = "1"
    assert next_launch(run_pyscript, script)[1] == "PYSCRIPT_RETRIES has another value than at the last launch"
    del run_pyscript.environ["PYSCRIPT_RETRIES"]
    config = home / ".config/pyscript/config.toml"
    config.parent.mkdir(parents=True)
    config.write_text("retries = 2")
    assert next_launch(run_pyscript, script)[1] == f"{config} is there now"
    shutil.rmtree(home / ".config")
    text = script.read_text()
    script.write_text(text + "# more\n")
    assert next_launch(run_pyscript, script) == (True, "")
    script.write_text(text.replace("speak>1", "speak<2"))
    assert next_launch(run_pyscript, script)[1] == "the script has changed above the end of its block"
    script.write_text(text)
    run_pyscript("tree", "--upgrade", script)
    assert next_launch(run_pyscript, script)[1] == "its requirements were resolved anew since"
    run_pyscript(script)
    shutil.rmtree(cache_dir / "environments-v1")
    assert next_launch(run_pyscript, script)[1] == "its environment is gone"
    assert next_launch(run_pyscript, "--cache-dir", cache_dir, script)[1].startswith("with --cache-dir")
    assert next_launch(run_pyscript, f"../{script.parent.name}/x.py")[1] == "a path with .. in it is not recognised"


def test_a_launch_that_is_never_recorded_says_why(
    script: Path, stocked: IndexServer, run_pyscript: Program, write_script: WriteScript, tmp_path: Path
) -> None:
    secret = stocked.index_url_for("me", "s3cr3t")
    url = secret.replace("/simple/", "/files/") + "greet-1.0-py3-none-any.whl"
    bearing = write_script("", f"greet @ {url}", name="bearing.py")
    os.mkfifo(tmp_path / "pipe")
    threading.Thread(target=(tmp_path / "pipe").write_text, args=("pass\n",), daemon=True).start()
    for arguments, variables, reason in (
        (["--index-url", secret, script], {}, "the command line has a URL with a user name or password, and those "),
        ([script], {"PYSCRIPT_INDEX_URL": secret}, "the variable PYSCRIPT_INDEX_URL has a URL with a user name or"),
        ([bearing], {}, "the script's block has a URL with a user name or password, and those are not written down"),
        ([tmp_path / "pipe"], {}, "it is no regular file, and has to be read each time"),
        (["-"], {}, "what comes from stdin is read each time"),
    ):
        done = run_pyscript("info", "--json", *arguments, env=variables)
        found = json.loads(done.stdout)["next_launch"]
        assert not found["is_warm"] and found["reason"].startswith(reason)
        assert "s3cr3t" not in done.stdout


@pytest.mark.parametrize(("files", "is_warm"), [(150, True), (250, False)])
def test_a_folder_of_many_files_is_a_reason(
    files: int, is_warm: bool, stocked: IndexServer, run_pyscript: Program, write_script: WriteScript, tmp_path: Path
) -> None:
    many = {f"data/{number}.txt": "" for number in range(files)}
    project = Sdist("made", files=many).write_project(tmp_path / "made")
    for path in (*project.rglob("*"), project):
        os.utime(path, (1, 1))  # what was changed a moment ago is not recorded either
    script = write_script("", "./made")
    for _ in range(2):  # the first leaves byte code of the backend there
        assert run_pyscript(script).returncode == 0
    # The folder, its two folders, pyproject.toml, the backend and the module.
    told = f"{files + 6} files and folders decide what is built of its folders; they are looked at each time"
    assert next_launch(run_pyscript, script) == (is_warm, "" if is_warm else told)


def test_what_it_calls_warm_is_what_the_shell_recognises(script: Path, run_pyscript: Program) -> None:
    for arguments in ((script,), ("--with", "greet", script), ("x.py",), ("./x.py",)):
        run_pyscript("prepare", *arguments)
        assert next_launch(run_pyscript, *arguments) == (True, "")


def test_a_chosen_interpreter_is_explained(script: Path, run_pyscript: Program, interpreters: dict[str, str]) -> None:
    if not interpreters:
        pytest.skip("there is no other Python here")
    version, path = next(reversed(interpreters.items()))
    assert (
        told(run_pyscript, "-p", path, script)["interpreter"][1]
        == f"asked for by --python ({path}) and requires-python"
    )
    run_pyscript.environ["PYSCRIPT_PYTHON"] = version
    run_pyscript.environ["PATH"] = f"{os.path.dirname(path)}{os.pathsep}{run_pyscript.environ['PATH']}"
    said = told(run_pyscript, script)["interpreter"]
    assert said[0].startswith(f"Python {version}.")
    assert said[1] == f"asked for by the variable PYSCRIPT_PYTHON ({version}) and requires-python"


def test_a_missing_interpreter_is_not_downloaded_for_it(
    index: IndexServer, run_pyscript: Program, write_script: WriteScript
) -> None:
    script = write_script("0", block='requires-python = ">=3.14.30,<3.15"')
    done = run_pyscript("info", script, env={"PYSCRIPT_PYTHON_MIRROR": f"{index.origin}/m/"})
    assert (done.returncode, index.paths()) == (1, [])
    assert "None was downloaded, because this only looks." in done.stderr
    assert "hint: Launch or prepare the script, which gets one, or install one" in done.stderr


def test_a_script_without_a_block_and_one_with_tables(run_pyscript: Program, write_script: WriteScript) -> None:
    said = told(run_pyscript, write_script("0", name="a.py"))
    assert said["block"] == ["none: the script names no requirements"]
    block = 'requires-python = ">=3.8"\n[tool.pyscript]\nretries = 2\n[tool.other]\nlist = ["https://u:s3cret@h/"]'
    script = write_script("0", name="b.py", block=block)
    said = told(run_pyscript, script)
    assert said["requirements"] == ["none"]
    assert said["[tool.pyscript]"] == ["retries = 2"]
    assert said["[tool.other]"] == ["list = https://u:****@h/"]
    assert said["settings"] == ["retries = 2  ([tool.pyscript] in the script)"]
    assert "s3cret" not in run_pyscript("info", "--json", script).stdout


def test_settings_that_are_tables_are_told_and_looked_up_as_a_launch_does(
    stocked: IndexServer, run_pyscript: Program, write_script: WriteScript
) -> None:
    table = f'[[tool.pyscript.index]]\nname = "mine"\nurl = "{stocked.index_url}"\n'
    sources = f'[tool.pyscript.sources]\ngreet = {{ url = "{stocked.origin}/files/greet-1.0-py3-none-any.whl" }}'
    script = write_script("", block=f'dependencies = ["greet"]\n{table}{sources}')
    assert run_pyscript(script).returncode == 0
    found = json.loads(run_pyscript("info", "--json", script).stdout)
    assert found["settings"]["index"] == {
        "value": [{"name": "mine", "url": stocked.index_url}],
        "origin": "[tool.pyscript] in the script",
    }
    assert found["resolution"]["packages"] == {"greet": "1.0"}
    assert found["next_launch"]["is_warm"] is True


def test_secrets_and_control_characters_do_not_come_through(run_pyscript: Program, write_script: WriteScript) -> None:
    run_pyscript.environ["PYSCRIPT_INDEX_URL"] = "https://me:s3cret@127.0.0.1/simple/"
    script = write_script("0", "a @ https://you:s3cret@127.0.0.1/a.whl", block='[tool.x]\ny = "\\u001b[2J"')
    for options in ([], ["--json"]):
        done = run_pyscript("info", script, *options)
        assert done.returncode == 0, done.stderr
        assert "s3cret" not in done.stdout
        assert "\x1b" not in done.stdout


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["info"], "pyscript info: no script given; see pyscript info --help"),
        (["info", "gone.py"], "There is no script gone.py."),
        (["info", "x.py", "y.py"], "One script at a time, please: x.py, y.py."),
        (["info", "x.py", "--retries", "many"], "--retries: 'many' is not a valid value"),
    ],
)
def test_a_mistake_is_told(arguments: list[str], message: str, script: Path, run_pyscript: Program) -> None:
    done = run_pyscript(*arguments)
    assert (done.returncode, done.stdout) == (2, "")
    assert message in done.stderr


def test_the_age_of_a_resolution_is_kept_when_its_wheels_are_fetched(
    script: Path, stocked: IndexServer, run_pyscript: Program, cache_dir: Path
) -> None:
    run_pyscript("tree", script)
    resolved_at = json.loads(run_pyscript("info", "--json", script).stdout)["resolution"]["resolved_at"]
    stocked.add(package("speak", "3.0"))
    written = [path.read_bytes() for path in (cache_dir / "resolutions-v1").iterdir()]
    run_pyscript(script)
    assert [path.read_bytes() for path in (cache_dir / "resolutions-v1").iterdir()] == written
    assert json.loads(run_pyscript("info", "--json", script).stdout)["resolution"]["resolved_at"] == resolved_at
