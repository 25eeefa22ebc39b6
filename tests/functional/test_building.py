"""Source distributions: they are built once, in an environment of their own, quietly unless they fail."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from tests.conftest import Program
from tests.functional.conftest import WriteScript, package
from tests.support.index_server import IndexServer
from tests.support.repositories import commit, git
from tests.support.sdists import Sdist

MADE = "import made; print(made.VERSION)"


@pytest.fixture
def log(run_pyscript: Program, tmp_path: Path) -> Path:
    """Return the file to which backends append what was asked of them."""
    path = tmp_path / "build.log"
    path.touch()
    run_pyscript.environ["BUILD_LOG"] = str(path)
    return path


def calls(log: Path) -> list[str]:
    return log.read_text().splitlines()


def serve(index: IndexServer, *sdists: Sdist) -> None:
    for sdist in sdists:
        index.add_file(sdist.filename, sdist.content)


def test_it_is_built_once_and_the_next_launch_is_warm(
    stocked: IndexServer, run_pyscript: Program, write_script: WriteScript, log: Path, cache_dir: Path
) -> None:
    serve(stocked, Sdist("made", requires=["voice"]))
    script = write_script("import made, voice; print(made.VERSION, voice.__version__)", "made")
    done = run_pyscript(script)
    assert (done.stdout, done.returncode) == ("1.0 1.5\n", 0), done.stderr
    assert "the backend was here" not in done.stderr
    assert done.stderr.count("Prepared") == 1
    assert calls(log) == ["build_wheel made 1.0"]
    assert [*(cache_dir / "launch-v1").rglob("x.py.launch")] != []
    stocked.forget_requests()
    assert run_pyscript(script).stdout == "1.0 1.5\n"
    assert (stocked.paths(), len(calls(log))) == ([], 1)


def test_it_is_told_what_is_built(
    stocked: IndexServer, run_pyscript: Program, write_script: WriteScript, log: Path
) -> None:
    serve(stocked, Sdist("made"))
    done = run_pyscript("-vv", write_script(MADE, "made"))
    assert "Building made 1.0" in done.stderr
    assert "made 1.0: the backend was here" in done.stderr


@pytest.mark.parametrize("lost", ["environments-v1", "wheels-v1", "built-v1"])
def test_what_the_cache_lost_is_made_from_what_it_has(
    lost: str, stocked: IndexServer, run_pyscript: Program, write_script: WriteScript, log: Path, cache_dir: Path
) -> None:
    serve(stocked, Sdist("made"))
    script = write_script(MADE, "made")
    run_pyscript(script)
    for name in {lost, "environments-v1"}:
        (cache_dir / name).rename(cache_dir.with_name(name))
    done = run_pyscript(script)
    assert (done.stdout, done.returncode) == ("1.0\n", 0), done.stderr
    assert len(calls(log)) == 1


def test_it_is_built_again_where_nothing_of_it_is_left(
    stocked: IndexServer, run_pyscript: Program, write_script: WriteScript, log: Path, cache_dir: Path
) -> None:
    # A wheel that is not the same each time, as most are not.
    serve(stocked, Sdist("made", statement="open('src/made.py', 'a').write('# ' + os.urandom(8).hex())"))
    script = write_script(MADE, "made")
    run_pyscript(script)
    for name in ("environments-v1", "wheels-v1", "built-v1"):
        (cache_dir / name).rename(cache_dir.with_name(name))
    for _ in range(2):
        done = run_pyscript(script)
        assert (done.stdout, done.returncode) == ("1.0\n", 0), done.stderr
    assert len(calls(log)) == 2


def test_metadata_comes_from_the_hook_for_it(
    stocked: IndexServer, run_pyscript: Program, write_script: WriteScript, log: Path
) -> None:
    serve(stocked, Sdist("made", prepares=True))
    assert run_pyscript(write_script(MADE, "made")).stdout == "1.0\n"
    assert calls(log) == ["prepare_metadata made 1.0", "build_wheel made 1.0"]


def test_build_requirements_are_there_and_only_while_building(
    stocked: IndexServer, run_pyscript: Program, write_script: WriteScript, log: Path
) -> None:
    needed = Sdist("tool", requires=["voice"])
    serve(
        stocked, needed, Sdist("made", build_requires=["tool"], more_requires=["greet"], statement="import tool, greet")
    )
    script = write_script(
        f"{MADE}\nimport importlib.util as u; print(u.find_spec('tool'), u.find_spec('greet'))", "made"
    )
    done = run_pyscript(script)
    assert done.stdout == "1.0\nNone None\n", done.stderr
    assert calls(log) == ["build_wheel tool 1.0", "build_wheel made 1.0"]


def test_the_path_of_the_launch_does_not_reach_the_build(
    stocked: IndexServer, run_pyscript: Program, write_script: WriteScript, tmp_path: Path
) -> None:
    (tmp_path / "zipfile.py").write_text("raise SystemExit('planted')")
    serve(stocked, Sdist("made"))
    done = run_pyscript(write_script(MADE, "made"), env={"PYTHONPATH": str(tmp_path)})
    assert done.stdout == "1.0\n", done.stderr


@pytest.mark.parametrize(
    ("sdist", "said"),
    [
        (
            Sdist("made", statement="raise RuntimeError('out of glue')"),
            [
                "made 1.0 could not be built: its build backend failed",
                "| the backend was here",
                "| RuntimeError: out of",
            ],
        ),
        (
            Sdist("made", statement="print('x' * 5_000_000); raise RuntimeError('out of glue')"),
            [f"| {'x' * 1000} …\n", "| RuntimeError: out of"],
        ),
        (
            Sdist("made", statement="import nowhere.at_all"),
            ["No module named 'nowhere'", "imports nowhere while it is built, and does not say so"],
        ),
        (
            Sdist("made", statement="raise SystemExit(\"error: command 'gcc' failed: No such file or directory\")"),
            ["command 'gcc' failed", "needs a C compiler, and there is none here"],
        ),
        (
            Sdist("made", build_requires=["nobody-has-this"]),
            ["There is no package called nobody-has-this (a build requirement of made 1.0)"],
        ),
        (
            Sdist("made", build_requires=["voice>=7"]),
            ["voice>=7 (a build requirement of made 1.0) cannot be satisfied"],
        ),
        (
            Sdist("made", files={"pyproject.toml": "[build-system]\nrequires = []\nbuild-backend = 'absent'\n"}),
            ["made 1.0 could not be built: its pyproject.toml asks for a build backend", "'absent' is not available"],
        ),
        (
            Sdist("made", files={"pyproject.toml": "[build-system\n"}),
            ["made 1.0 could not be built", "Failed to parse"],
        ),
        (Sdist("made", built_as=("other", "1.0")), ["made 1.0 made a wheel that says it is other 1.0"]),
        (
            Sdist("made", built_as=("other", "1.0"), prepares=True),
            ["made-1.0.tar.gz says in its metadata that it is other 1.0"],
        ),
        (
            Sdist("made", built_as=("made", "2.0"), is_static=True),
            ["made 1.0 made a wheel that says it is made 2.0"],
        ),
    ],
)
def test_what_goes_wrong_is_told(
    sdist: Sdist, said: list[str], stocked: IndexServer, run_pyscript: Program, write_script: WriteScript
) -> None:
    serve(stocked, sdist)
    done = run_pyscript(write_script(MADE, "made"))
    assert (done.returncode, done.stdout) == (1, "")
    for words in said:
        assert words in done.stderr
    assert "pyproject_hooks" not in done.stderr
    assert len(done.stderr) < 25_000


def test_a_circle_of_builds_ends(stocked: IndexServer, run_pyscript: Program, write_script: WriteScript) -> None:
    serve(stocked, Sdist("egg", build_requires=["hen"]), Sdist("hen", build_requires=["egg"]))
    done = run_pyscript(write_script("", "egg"))
    assert done.returncode == 1
    assert (
        "egg 1.0 cannot be built, because building it takes itself: egg 1.0 needs hen 1.0 needs egg 1.0" in done.stderr
    )


@pytest.mark.parametrize(
    ("options", "block", "variables"),
    [
        (["--no-build"], "", {}),
        (["--no-build-package", "Made"], "", {}),
        ([], "", {"PYSCRIPT_NO_BUILD": "1"}),
        ([], "[tool.pyscript]\nno-build-package = ['made']", {}),
        ([], "[tool.uv]\nno-build = true", {}),
        ([], "[tool.uv]\nno-build-package = ['Made']", {}),
    ],
)
def test_no_build_runs_nothing(
    options: list[str],
    block: str,
    variables: dict[str, str],
    stocked: IndexServer,
    run_pyscript: Program,
    tmp_path: Path,
    log: Path,
) -> None:
    serve(stocked, Sdist("made"))
    script = tmp_path / "x.py"
    for requirement, words in (("made", "no-build forbids to build it"), ("made @ {url}", "forbids it")):
        text = requirement.format(url=f"{stocked.origin}/files/made-1.0.tar.gz")
        lines = [f"dependencies = ['{text}']", *block.splitlines()]
        script.write_text("# /// script\n" + "".join(f"# {line}\n" for line in lines) + "# ///\n" + MADE)
        done = run_pyscript(*options, script, env=variables)
        assert done.returncode == 1
        assert words in done.stderr
    assert calls(log) == []


@pytest.mark.parametrize(
    ("arguments", "requirement"),
    [
        ([], "made"),
        ([], "outer"),
        ([], "{archives}/made-1.0.tar.gz"),
        ([], "{archives}/static-1.0.tar.gz"),
        ([], "git+{project}"),
        ([], "./project"),
        ([], "made @ {project}"),
        (["--with-editable", "project"], ""),
        (["--no-binary"], "voice"),
    ],
)
def test_no_build_forbids_every_kind_of_build(
    arguments: list[str],
    requirement: str,
    stocked: IndexServer,
    run_pyscript: Program,
    write_script: WriteScript,
    log: Path,
    tmp_path: Path,
) -> None:
    made = Sdist("made", statement="raise AssertionError")
    serve(stocked, made, Sdist("static", is_static=True), Sdist("voice", "1.5"))
    stocked.add(package("outer", requires=("made",)))
    project = made.write_project(tmp_path / "project")
    text = requirement.format(archives=f"{stocked.origin}/files", project=project.as_uri())
    script = write_script("", *([text] if text else []))
    if text.startswith("git+"):
        if shutil.which("git") is None:
            pytest.skip("needs git")
        git(project, "init", "-q")
        commit(project, made, "v1")
    done = run_pyscript("--no-build", *arguments, script)
    assert done.returncode == 1
    assert "no-build forbids" in done.stderr
    assert "Traceback" not in done.stderr
    assert calls(log) == []


def test_no_build_of_a_package_holds_for_build_requirements(
    stocked: IndexServer, run_pyscript: Program, write_script: WriteScript, log: Path
) -> None:
    serve(stocked, Sdist("tool"), Sdist("made", build_requires=["tool"]))
    done = run_pyscript("--no-build-package", "tool", write_script(MADE, "made"))
    assert done.returncode == 1
    assert "tool" in done.stderr and "no-build forbids" in done.stderr
    assert calls(log) == []


@pytest.mark.parametrize("line", ["no-binary-package = ['Voice']", "no-binary = true"])
def test_the_table_of_uv_says_what_is_built(
    line: str, stocked: IndexServer, run_pyscript: Program, write_script: WriteScript, log: Path
) -> None:
    serve(stocked, Sdist("voice", "1.5"))
    script = write_script("", block=f"dependencies = ['voice']\n[tool.uv]\n{line}")
    assert run_pyscript(script).returncode == 0
    assert calls(log) == ["build_wheel voice 1.5"]


def test_no_binary_builds_what_has_a_wheel(
    stocked: IndexServer, run_pyscript: Program, write_script: WriteScript, log: Path, tmp_path: Path
) -> None:
    serve(stocked, Sdist("voice", "1.5"))
    run_pyscript("--no-binary-package", "voice", write_script("", "voice"))
    assert calls(log) == ["build_wheel voice 1.5"]
    (tmp_path / "requirements.txt").write_text("--only-binary :all:\nvoice\n")
    done = run_pyscript(
        "--with-requirements", "requirements.txt", write_script("import voice; print(voice.__version__)")
    )
    assert done.stdout == "1.5\n", done.stderr
    assert len(calls(log)) == 1


def test_two_launches_build_it_once(
    stocked: IndexServer, run_pyscript: Program, write_script: WriteScript, log: Path
) -> None:
    serve(stocked, Sdist("made", statement="import time; time.sleep(0.2)"))
    script = write_script(MADE, "made")
    launches = [run_pyscript.start(script) for _ in range(2)]
    assert [launch.communicate(timeout=60)[0] for launch in launches] == ["1.0\n"] * 2
    assert calls(log) == ["build_wheel made 1.0"]


def test_nothing_is_left_behind(
    stocked: IndexServer, run_pyscript: Program, write_script: WriteScript, cache_dir: Path
) -> None:
    serve(stocked, Sdist("made"), Sdist("bad", statement="raise RuntimeError"))
    assert run_pyscript(write_script(MADE, "made")).returncode == 0
    assert run_pyscript(write_script("", "bad", name="y.py")).returncode == 1
    assert [*(cache_dir / "tmp").iterdir()] == []


def test_a_hash_in_the_requirements_is_that_of_the_sdist(
    stocked: IndexServer, run_pyscript: Program, write_script: WriteScript, tmp_path: Path
) -> None:
    sdist = Sdist("made")
    serve(stocked, sdist)
    (tmp_path / "requirements.txt").write_text(f"made==1.0 --hash=sha256:{sdist.sha256}\n")
    done = run_pyscript("--with-requirements", "requirements.txt", write_script(MADE))
    assert done.stdout == "1.0\n", done.stderr
    (tmp_path / "requirements.txt").write_text(f"made==1.0 --hash=sha256:{'0' * 64}\n")
    assert run_pyscript("--with-requirements", "requirements.txt", write_script(MADE)).returncode == 1


def test_what_was_built_with_other_tools_is_built_again_and_nothing_else(
    stocked: IndexServer, run_pyscript: Program, write_script: WriteScript, log: Path
) -> None:
    serve(stocked, Sdist("made"), Sdist("static", is_static=True))
    script = write_script(MADE, "made", "static")
    run_pyscript(script)
    # None of these decides which build requirements are taken.
    for option in ("--prerelease=allow", "--resolution=lowest", "--constraint=voice<9", "--timeout=9"):
        assert run_pyscript(option, script).stdout == "1.0\n"
    assert len(calls(log)) == 2
    stocked.forget_requests()
    assert run_pyscript("--exclude-newer=2099-01-01", script).stdout == "1.0\n"
    assert calls(log)[2:] == ["build_wheel made 1.0", "build_wheel static 1.0"]


@pytest.mark.parametrize("what", ["archive", "directory"])
def test_nothing_is_run_of_what_no_hash_allows(
    what: str, stocked: IndexServer, run_pyscript: Program, log: Path, tmp_path: Path
) -> None:
    Sdist("made").write_project(tmp_path / "made")
    archive = stocked.add_page("/made.tar.gz", Sdist("made").content)
    place = archive if what == "archive" else (tmp_path / "made").as_uri()
    (tmp_path / "requirements.txt").write_text(f"made @ {place} --hash=sha256:{'0' * 64}\n")
    done = run_pyscript("--with-requirements", "requirements.txt", "-c", MADE)
    assert done.returncode == 1
    assert "is not what the given hashes allow: " in done.stderr
    assert calls(log) == []
