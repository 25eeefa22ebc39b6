"""`pyscript export`: what a script gets, written for other tools."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import tomli

from tests.conftest import Program
from tests.functional.conftest import WriteScript, package
from tests.support.index_server import IndexServer
from tests.support.sdists import Sdist


@pytest.fixture
def script(stocked: IndexServer, write_script: WriteScript) -> Path:
    stocked.add(package("voice", "1.5", tag="py2.py3-none-any"))
    return write_script("import speak, voice; print(speak.__version__, voice.__version__)", "speak", "greet")


def hashes(index: IndexServer, name: str, version: str) -> list[str]:
    return sorted(str(file.sha256) for file in index.files[name] if f"-{version}-" in file.filename)


# requirements


def test_requirements_are_pinned_with_all_hashes_and_who_wanted_them(
    script: Path, stocked: IndexServer, run_pyscript: Program
) -> None:
    done = run_pyscript("export", script, "--format", "requirements")
    assert (done.returncode, done.stderr) == (0, "")
    heading, platform, *lines = done.stdout.splitlines()
    assert heading == "# Made by: pyscript export x.py --format requirements"
    assert re.match(r"# For Python 3\.\S+ on \w+ \(\w+\)\. Install it with: pip install --require-hashes", platform)
    one, two = hashes(stocked, "voice", "1.5")
    assert lines == [
        "greet==1.0 \\",
        f"    --hash=sha256:{hashes(stocked, 'greet', '1.0')[0]}",
        f"    # via line 2 of {script}",
        "speak==2.0 \\",
        f"    --hash=sha256:{hashes(stocked, 'speak', '2.0')[0]}",
        f"    # via line 2 of {script}",
        "voice==1.5 \\",
        f"    --hash=sha256:{one} \\",
        f"    --hash=sha256:{two}",
        "    # via speak",
    ]


def test_pyscript_itself_takes_them(script: Path, run_pyscript: Program, tmp_path: Path) -> None:
    run_pyscript("export", script, "--format", "requirements", "-o", "requirements.txt")
    code = "import speak; print(speak.__version__)"
    done = run_pyscript("--with-requirements", "requirements.txt", "-c", code)
    assert done.stdout == "2.0\n", done.stderr


def test_the_same_is_written_again_and_nothing_is_asked_for_it(
    script: Path, stocked: IndexServer, run_pyscript: Program
) -> None:
    first = run_pyscript("export", script, "--format", "requirements").stdout
    stocked.forget_requests()
    assert run_pyscript("export", script, "--format", "requirements").stdout == first
    assert run_pyscript("export", script, "--format", "requirements", "--offline").stdout == first
    assert stocked.paths() == []


def test_without_hashes_there_are_none(script: Path, run_pyscript: Program) -> None:
    done = run_pyscript("export", script, "--format", "requirements", "--no-hashes")
    assert "--hash" not in done.stdout
    assert "--require-hashes" not in done.stdout
    assert "greet==1.0\n    # via line 2 of" in done.stdout


def test_packages_from_elsewhere_are_named_by_where_they_are(
    stocked: IndexServer, run_pyscript: Program, write_script: WriteScript, tmp_path: Path
) -> None:
    wheel = package("own").write(tmp_path / "wheels")
    done = run_pyscript("export", write_script("", f"own @ {wheel.as_uri()}", "greet"), "--format", "requirements")
    assert re.search(rf"^own @ {re.escape(wheel.as_uri())} \\\n    --hash=sha256:\w{{64}}$", done.stdout, re.MULTILINE)


def test_where_one_package_has_no_hash_none_has(
    stocked: IndexServer, run_pyscript: Program, write_script: WriteScript, tmp_path: Path
) -> None:
    Sdist("own").write_project(tmp_path / "own")
    script = write_script("", "own @ ./own", "greet")
    done = run_pyscript("export", script, "--format", "requirements")
    assert done.returncode == 0, done.stderr
    assert "No hashes are written: there is none for own" in done.stderr
    assert f"own @ {(tmp_path / 'own').as_uri()}\n" in done.stdout
    assert "--hash" not in done.stdout
    assert run_pyscript("export", script, "--format", "requirements", "--no-hashes").stderr == ""


def test_the_places_that_the_script_names_are_written_and_credentials_are_not(
    stocked: IndexServer, run_pyscript: Program, write_script: WriteScript
) -> None:
    table = f'[tool.pyscript]\nextra-index-url = ["{stocked.index_url}"]'
    script = write_script("", block=f'dependencies = ["greet"]\n{table}')
    with IndexServer() as other:
        url = other.index_url_for("me", "secret")
        done = run_pyscript("export", script, "--format", "requirements", env={"PYSCRIPT_INDEX_URL": url})
    assert f"\n--extra-index-url {stocked.index_url}\ngreet==1.0" in done.stdout, done.stderr
    assert "secret" not in done.stdout


# pylock


def test_a_lock_is_that_of_the_lock_command(script: Path, run_pyscript: Program, tmp_path: Path) -> None:
    done = run_pyscript("export", script, "--format", "pylock")
    assert done.returncode == 0, done.stderr
    assert not (tmp_path / "pylock.x.toml").exists()
    run_pyscript("lock", script)
    assert done.stdout == (tmp_path / "pylock.x.toml").read_text()


def test_what_is_locked_already_stays(
    script: Path, stocked: IndexServer, run_pyscript: Program, tmp_path: Path
) -> None:
    run_pyscript("lock", script)
    stocked.add(package("greet", "7.0"))
    run_pyscript("export", script, "--format", "pylock", "-o", "pylock.toml", "--refresh")
    assert (tmp_path / "pylock.toml").read_text() == (tmp_path / "pylock.x.toml").read_text()


def test_a_lock_gets_a_name_that_pip_and_uv_take(script: Path, run_pyscript: Program, tmp_path: Path) -> None:
    done = run_pyscript("export", script, "--format", "pylock", "-o", "x.lock")
    assert (done.returncode, (tmp_path / "x.lock").exists()) == (2, False)
    assert "x.lock is no name for a lock; pip and uv would not take it." in done.stderr


def test_with_a_lock_its_files_are_the_only_ones_and_nobody_is_asked(
    script: Path, stocked: IndexServer, run_pyscript: Program
) -> None:
    run_pyscript("lock", script)
    first = run_pyscript("export", script, "--format", "requirements")
    assert first.returncode == 0, first.stderr
    locked = tomli.loads(script.with_name("pylock.x.toml").read_text())["packages"]
    files = {file["hashes"]["sha256"] for each in locked for file in each["wheels"]}
    assert set(re.findall(r"--hash=sha256:(\w+)", first.stdout)) == files
    stocked.add(package("greet", "1.0", tag="py2-none-any"), package("greet", "2.0"))
    stocked.forget_requests()
    again = run_pyscript("export", script, "--format", "requirements", "--refresh")
    assert again.stdout == first.stdout
    assert stocked.paths("/simple/*") == []
    # What is asked for beside the lock comes from the index, for any platform too.
    stocked.add(package("more"), package("more", tag="py2-none-any"))
    beside = run_pyscript("export", script, "--format", "requirements", "--with", "more", "--refresh")
    assert all(each in beside.stdout for each in hashes(stocked, "more", "1.0")), beside.stderr
    bill = bill_of(run_pyscript, script)
    assert {each["name"] for each in bill["components"]} == {"python", "greet", "speak", "voice"}


# cyclonedx


def bill_of(run_pyscript: Program, *words: str | Path) -> Any:
    done = run_pyscript("export", *words, "--format", "cyclonedx", env={"SOURCE_DATE_EPOCH": "86400"})
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def test_a_bill_of_materials_has_packages_hashes_licences_and_who_needs_whom(
    script: Path, stocked: IndexServer, run_pyscript: Program
) -> None:
    stocked.add(package("licensed", metadata_lines=("License-Expression: mit OR apache-2.0", "Summary: It is\n free")))
    bill = bill_of(run_pyscript, script, "--with", "licensed")
    assert (bill["bomFormat"], bill["specVersion"]) == ("CycloneDX", "1.6")
    assert bill["metadata"]["timestamp"] == "1970-01-02T00:00:00Z"
    components = {str(each["name"]): each for each in bill["components"]}
    assert set(components) == {"python", "greet", "licensed", "speak", "voice"}
    licensed = components["licensed"]
    assert licensed["purl"] == "pkg:pypi/licensed@1.0"
    assert licensed["hashes"] == [{"alg": "SHA-256", "content": hashes(stocked, "licensed", "1.0")[0]}]
    assert licensed["licenses"] == [{"expression": "MIT OR Apache-2.0", "acknowledgement": "declared"}]
    needed = {row["ref"]: row.get("dependsOn", []) for row in bill["dependencies"]}
    assert needed["pkg:pypi/speak@2.0"] == ["pkg:pypi/voice@1.5"]
    assert "pkg:pypi/greet@1.0" in needed["script:x.py"]
    assert "pkg:pypi/voice@1.5" not in needed["script:x.py"]


def test_with_a_date_it_is_the_same_again_and_without_it_has_a_time_of_its_own(
    script: Path, run_pyscript: Program
) -> None:
    bill = bill_of(run_pyscript, script)
    assert bill_of(run_pyscript, script) == bill
    done = run_pyscript("export", script, "--format", "cyclonedx")
    other = json.loads(done.stdout)
    assert other["serialNumber"] != bill["serialNumber"]
    assert other["metadata"]["timestamp"] > "2026"


def test_it_tells_nothing_of_this_machine(
    stocked: IndexServer, run_pyscript: Program, write_script: WriteScript, tmp_path: Path
) -> None:
    wheel = package("own").write(tmp_path / "wheels")
    script = write_script("", f"own @ {wheel.as_uri()}", "greet")
    assert str(tmp_path) not in json.dumps(bill_of(run_pyscript, script))


# dockerfile


def test_a_dockerfile_holds_all_that_it_needs(script: Path, run_pyscript: Program) -> None:
    done = run_pyscript("export", script, "--format", "dockerfile")
    version = "{}.{}".format(*sys.version_info)
    assert f"FROM python:{version}-slim AS packages" in done.stdout
    assert "\nCOPY x.py /app/\n" in done.stdout
    assert done.stdout.endswith('\nENTRYPOINT ["python", "/app/x.py"]\n')
    requirements = run_pyscript("export", script, "--format", "requirements").stdout
    assert f"\nCOPY <<'REQUIREMENTS' /requirements.txt\n{requirements}REQUIREMENTS\n" in done.stdout


@pytest.mark.skipif(sys.platform == "win32", reason="its commands are for a POSIX shell")
def test_its_commands_do_what_they_should(
    script: Path, stocked: IndexServer, run_pyscript: Program, tmp_path: Path
) -> None:
    """There is no Docker here: the commands are run below a directory that stands for the image's root."""
    text = run_pyscript("export", script, "--format", "dockerfile").stdout
    heredoc = re.search(r"^COPY <<'(\w+)' (\S+)\n(.*?)^\1$", text, re.MULTILINE | re.DOTALL)
    assert heredoc
    root = tmp_path / "image"
    root.mkdir()
    (root / heredoc[2].lstrip("/")).write_text(heredoc[3])
    (command,) = re.findall(r"^RUN ((?:.*\\\n)*.*)$", text, re.MULTILINE)
    inside = re.sub(r"(?<=\s)/(packages|requirements)", rf"{root}/\1", command)
    environ = {**run_pyscript.environ, "PIP_INDEX_URL": stocked.index_url, "PIP_CONFIG_FILE": "/dev/null"}
    subprocess.run(["sh", "-ec", inside], env=environ, check=True, capture_output=True)
    (entry,) = re.findall(r"^ENTRYPOINT (.*)$", text, re.MULTILINE)
    program, path = json.loads(entry)
    assert path == f"/app/{script.name}"
    done = subprocess.run([root / "packages" / "bin" / program, script], capture_output=True, text=True, check=True)
    assert done.stdout == "2.0 1.5\n"


def test_a_script_without_packages_needs_no_stage_for_them(run_pyscript: Program, write_script: WriteScript) -> None:
    text = run_pyscript("export", write_script(name="a b.py"), "--format", "dockerfile").stdout
    assert text.count("FROM ") == 1
    assert 'COPY ["a b.py", "/app/"]' in text
    assert "docker build -f a b.Dockerfile -t a-b ." in text


def test_what_has_to_be_built_is_built_in_the_larger_image(
    stocked: IndexServer, run_pyscript: Program, write_script: WriteScript
) -> None:
    sdist = Sdist("old")
    stocked.add_file(sdist.filename, sdist.content)
    done = run_pyscript("export", write_script("", "old"), "--format", "dockerfile")
    version = "{}.{}".format(*sys.version_info)
    assert f"FROM python:{version} AS packages" in done.stdout, done.stderr
    assert "--only-binary" not in done.stdout


def test_pyscript_can_run_it_in_the_image(script: Path, run_pyscript: Program) -> None:
    text = run_pyscript("export", script, "--format", "dockerfile", "--with-pyscript").stdout
    assert 'RUN ["pyscript", "prepare", "/app/x.py"]' in text
    assert text.endswith('ENTRYPOINT ["pyscript", "/app/x.py"]\n')
    assert "COPY x.py pylock.x.toml* /app/" in text


def test_what_is_only_on_this_machine_cannot_be_in_an_image(
    stocked: IndexServer, run_pyscript: Program, write_script: WriteScript, tmp_path: Path
) -> None:
    wheel = package("own").write(tmp_path / "wheels")
    done = run_pyscript("export", write_script("", f"own @ {wheel.as_uri()}"), "--format", "dockerfile")
    assert (done.returncode, done.stdout) == (2, "")
    assert "own would not be in the image" in done.stderr


# from elsewhere


def test_a_script_from_elsewhere_is_told_of_and_nothing_of_it_is_run(
    stocked: IndexServer, run_pyscript: Program
) -> None:
    sdist = Sdist("evil", statement="raise SystemExit('it was run')")
    stocked.add_file(sdist.filename, sdist.content)
    block = '# /// script\n# dependencies = ["DEPENDENCY"]\n# ///\nprint("it was run")\n'
    url = stocked.add_page("/x.py", block.replace("DEPENDENCY", "greet").encode(), "text/plain")
    done = run_pyscript("export", url, "--format", "requirements")
    assert "greet==1.0" in done.stdout, done.stderr
    url = stocked.add_page("/y.py", block.replace("DEPENDENCY", "evil").encode(), "text/plain")
    for words in (["export", "--format", "requirements"], ["export", "--format", "cyclonedx"], ["audit"]):
        done = run_pyscript(*words, url)
        assert done.returncode in (1, 3), done.stdout
        assert "evil" in done.stderr
        assert "it was run" not in done.stderr
    assert run_pyscript("export", url, "--format", "dockerfile").returncode == 2


# errors


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["x.py"], "--format is missing."),
        (["x.py", "--format", "toml"], "'toml'"),
        (["x.py", "--format", "pylock", "--with", "greet"], "A lock is of what the script itself asks for."),
        (["missing.py", "--format", "requirements"], "There is no script missing.py."),
        (["-", "--format", "requirements"], "- has no name that could be written down."),
        (["x\ny.py", "--format", "dockerfile"], "has no name that could be written down."),
    ],
)
def test_wrong_words_are_2(words: list[str], message: str, run_pyscript: Program) -> None:
    done = run_pyscript("export", *words)
    assert (done.returncode, done.stdout) == (2, "")
    assert message in done.stderr


def test_a_date_that_is_none_is_an_error(script: Path, run_pyscript: Program) -> None:
    done = run_pyscript("export", script, "--format", "cyclonedx", env={"SOURCE_DATE_EPOCH": "today"})
    assert done.returncode == 2
    assert "SOURCE_DATE_EPOCH: 'today' is not a number of seconds since 1970." in done.stderr


@pytest.mark.skipif(sys.platform == "win32", reason="there is no /dev")
def test_what_is_no_file_is_written_to_instead_of_replaced(script: Path, run_pyscript: Program) -> None:
    plain = run_pyscript("export", script, "--format", "requirements").stdout
    done = run_pyscript("export", script, "--format", "requirements", "-o", "/dev/stdout")
    assert (done.returncode, done.stdout) == (0, plain), done.stderr
    assert run_pyscript("export", script, "--format", "requirements", "-o", "/dev/null").returncode == 0


def test_where_it_cannot_be_written_it_says_so(script: Path, run_pyscript: Program, tmp_path: Path) -> None:
    done = run_pyscript("export", script, "--format", "requirements", "-o", tmp_path / "no" / "x.txt")
    assert done.returncode != 0
    assert "cannot be written" in done.stderr
