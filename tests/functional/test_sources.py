"""Requirements that name what has to be built: directories, git repositories, archives."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.conftest import Program
from tests.functional.conftest import WriteScript
from tests.support.index_server import Fault, IndexServer
from tests.support.repositories import commit, git, needs_git
from tests.support.sdists import Sdist

ORIGIN = "import importlib.metadata as m; print(m.distribution('made').read_text('direct_url.json'))"
MADE = "import made; print(made.VERSION)"


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    """Return a repository with the project ``made``: 1.0 has the tag v1, the branch main is at 2.0."""
    path = tmp_path / "repository"
    path.mkdir()
    git(path, "init", "-q", "-b", "main")
    for version in ("1.0", "2.0"):
        commit(path, Sdist("made", version), f"v{version[0]}")
    git(path, "tag", "-d", "v2")
    return path


@pytest.fixture
def part(tmp_path: Path) -> Path:
    """Return a repository with the project ``part``, to be a submodule of another one."""
    path = tmp_path / "part"
    path.mkdir()
    git(path, "init", "-q")
    commit(path, Sdist("part"), "v1")
    return path


# Directories


@pytest.mark.parametrize(
    "requirement", ["./made", "../x/made", "made @ ./made", "made[loud] @ ./made ; python_version>'3'"]
)
def test_a_directory_beside_the_script(
    requirement: str, stocked: IndexServer, run_pyscript: Program, write_script: WriteScript, tmp_path: Path
) -> None:
    (tmp_path / "x").mkdir()
    Sdist("made", requires=["voice"], extras={"loud": ["greet"]}).write_project(tmp_path / "x" / "made")
    script = write_script(f"{MADE}\n{ORIGIN}", requirement, name="x/x.py")
    # From another directory: it counts from the script's.
    done = run_pyscript(script, cwd=tmp_path)
    url = (tmp_path / "x" / "made").as_uri()
    assert done.stdout == "1.0\n" + json.dumps({"dir_info": {}, "url": url}) + "\n", done.stderr


def test_a_change_in_a_directory_is_seen_and_nothing_else_builds_it(
    stocked: IndexServer, run_pyscript: Program, write_script: WriteScript, tmp_path: Path
) -> None:
    log = tmp_path / "build.log"
    run_pyscript.environ["BUILD_LOG"] = str(log)
    project = Sdist("made", files={"src/other.py": ""}).write_project(tmp_path / "made")
    script = write_script(MADE, "./made")
    for _ in range(3):
        assert run_pyscript(script).stdout == "1.0\n"
    (project / "build").mkdir()
    assert run_pyscript(script).stdout == "1.0\n"
    assert len(log.read_text().splitlines()) == 1
    (project / "src" / "made.py").write_text("VERSION = 'changed'\n")
    assert run_pyscript(script).stdout == "changed\n"
    (project / "src" / "other.py").unlink()
    assert run_pyscript(script).stdout == "changed\n"
    assert len(log.read_text().splitlines()) == 3


def test_what_a_build_writes_into_its_tree_is_no_change_of_it(
    stocked: IndexServer, run_pyscript: Program, write_script: WriteScript, tmp_path: Path
) -> None:
    log = tmp_path / "build.log"
    run_pyscript.environ["BUILD_LOG"] = str(log)
    writes = "open('src/_version.py', 'w').write(repr(os.urandom(8))); os.makedirs('build/lib')"
    project = Sdist("made", statement=writes).write_project(tmp_path / "made")
    # What a former build left there and the project does not have any more.
    (project / "build" / "lib").mkdir(parents=True)
    before = sorted(project.rglob("*"))
    script = write_script(f"{MADE}\nimport _version", "./made")
    for _ in range(3):
        assert run_pyscript(script).stdout == "1.0\n"
    assert (len(log.read_text().splitlines()), sorted(project.rglob("*"))) == (1, before)
    (project / "src" / "made.py").write_text("VERSION = 'changed'\n")
    assert run_pyscript(script).stdout == "changed\n"


def test_a_change_while_it_is_built_is_seen_by_the_next_launch(
    stocked: IndexServer, run_pyscript: Program, write_script: WriteScript, tmp_path: Path
) -> None:
    project = tmp_path / "made"
    source = project / "src" / "made.py"
    writes = f"open({str(source)!r}, 'w').write('VERSION = 2')"
    Sdist("made", statement=writes).write_project(project)
    script = write_script(MADE, "./made")
    assert [run_pyscript(script).stdout for _ in range(2)] == ["1.0\n", "2\n"]


def test_a_read_only_directory_is_built(
    stocked: IndexServer, run_pyscript: Program, write_script: WriteScript, tmp_path: Path
) -> None:
    project = Sdist("made", statement="open('made.c', 'w').close()").write_project(tmp_path / "für mich" / "made")
    project.chmod(0o555)
    done = run_pyscript(write_script(MADE, "./für mich/made"))
    project.chmod(0o755)
    assert done.stdout == "1.0\n", done.stderr


@pytest.mark.parametrize("prepares", [True, False])
def test_a_directory_that_only_another_project_needs_is_watched(
    prepares: bool, stocked: IndexServer, run_pyscript: Program, write_script: WriteScript, tmp_path: Path
) -> None:
    needed = Sdist("made").write_project(tmp_path / "made")
    # As backends do it: from where they are built, which is a copy.
    statement = "REQUIRES.append('made @ file://' + os.path.abspath('../made'))"
    outer = Sdist("outer", prepares=prepares, files={"setup.cfg": "# see ../made"}).tree
    outer["backend.py"] = outer["backend.py"].replace("MORE = ", "MORE = ", 1) + f"\nREQUIRES = []\n{statement}\n"
    for name, text in outer.items():
        (tmp_path / "outer" / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "outer" / name).write_text(text)
    script = write_script(MADE, "./outer")
    assert [run_pyscript(script).stdout for _ in range(2)] == ["1.0\n"] * 2
    (needed / "src" / "made.py").write_text("VERSION = 'changed'\n")
    assert [run_pyscript(script).stdout for _ in range(2)] == ["changed\n"] * 2
    shutil.rmtree(tmp_path / "cache" / "metadata-v1")
    shutil.rmtree(tmp_path / "cache" / "resolutions-v1")
    assert run_pyscript(script).stdout == "changed\n"


@pytest.mark.parametrize(
    ("requirement", "said"),
    [
        ("./nothing", "There is no file or directory"),
        ("./empty", "is not a project that can be installed: it has neither a pyproject.toml nor a setup.py"),
        ("other @ ./made", "(line 2 of {script}) asks for other, but what is there is made"),
    ],
)
def test_a_directory_that_is_none(
    requirement: str,
    said: str,
    stocked: IndexServer,
    run_pyscript: Program,
    write_script: WriteScript,
    tmp_path: Path,
) -> None:
    (tmp_path / "empty").mkdir()
    Sdist("made").write_project(tmp_path / "made")
    script = write_script("", requirement)
    done = run_pyscript(script)
    assert done.returncode in (1, 2)
    assert said.format(script=script) in done.stderr
    assert requirement in done.stderr.partition("-->")[2], "the line is shown"


def test_an_editable_project_is_recorded_as_such(
    stocked: IndexServer, run_pyscript: Program, write_script: WriteScript, tmp_path: Path
) -> None:
    project = Sdist("made").write_project(tmp_path / "made")
    done = run_pyscript("--with-editable", "made", write_script(ORIGIN))
    assert json.loads(done.stdout) == {"dir_info": {"editable": True}, "url": project.as_uri()}, done.stderr


# Archives


def test_an_archive_is_checked_and_recorded(
    stocked: IndexServer, run_pyscript: Program, write_script: WriteScript
) -> None:
    content = Sdist("made", "3.0").zip_content
    url = stocked.add_page("/main.zip", content, "application/zip")
    done = run_pyscript(write_script(f"{MADE}\n{ORIGIN}", url))
    version, origin = done.stdout.splitlines()
    assert version == "3.0"
    found = json.loads(origin)
    assert found["url"] == url
    sha256 = found["archive_info"]["hashes"]["sha256"]
    assert run_pyscript(write_script(MADE, f"made @ {url}#sha256={sha256}")).stdout == "3.0\n"
    done = run_pyscript(write_script(MADE, f"made @ {url}#sha256={'0' * 64}"))
    assert done.returncode == 1
    assert "is not the file that was promised" in done.stderr


def test_a_wheel_by_path_is_recorded(
    stocked: IndexServer, run_pyscript: Program, write_script: WriteScript, tmp_path: Path
) -> None:
    file = next(file for file in stocked.files["greet"])
    (tmp_path / file.filename).write_bytes(file.content)
    body = ORIGIN.replace("made", "greet")
    done = run_pyscript(write_script(body, f"./{file.filename}"))
    assert json.loads(done.stdout) == {
        "archive_info": {"hashes": {"sha256": file.sha256}},
        "url": (tmp_path / file.filename).as_uri(),
    }


def test_a_wheel_that_is_not_there_shows_who_names_it(
    stocked: IndexServer, run_pyscript: Program, write_script: WriteScript
) -> None:
    url = f"{stocked.origin}/elsewhere/greet-1.0-py3-none-any.whl"
    tables = f'dependencies = ["greet"]\n[tool.uv.sources]\ngreet = {{ url = "{url}" }}'
    for script in (write_script("", f"greet @ {url}"), write_script("", block=tables, name="y.py")):
        done = run_pyscript(script)
        assert f"{url} answered 404 instead of the file." in done.stderr
        assert f"--> {script}:" in done.stderr


def test_a_password_in_a_url_is_used_and_recorded_nowhere(
    stocked: IndexServer, run_pyscript: Program, write_script: WriteScript, cache_dir: Path
) -> None:
    stocked.add_page("/made.tar.gz", Sdist("made").content, "application/gzip")
    stocked.credentials = ("me", "hidden-word")
    url = f"{stocked.origin.replace('://', '://me:hidden-word@')}/made.tar.gz"
    done = run_pyscript(write_script(MADE, f"made @ {url}"))
    assert done.stdout == "1.0\n", done.stderr
    assert "hidden-word" not in done.stderr
    content = b"".join(path.read_bytes() for path in cache_dir.rglob("*") if path.is_file())
    assert b"hidden-word" not in content


# Repositories


@needs_git
def test_a_tag_a_branch_and_a_commit(
    stocked: IndexServer, run_pyscript: Program, write_script: WriteScript, repository: Path
) -> None:
    first, second = git(repository, "rev-parse", "v1"), git(repository, "rev-parse", "main")
    url = f"git+{repository.as_uri()}"
    for revision, commit_id, version in (("v1", first, "1.0"), ("main", second, "2.0"), (first[:9], first, "1.0")):
        done = run_pyscript(write_script(f"{MADE}\n{ORIGIN}", f"made @ {url}@{revision}"))
        assert done.stdout.splitlines()[0] == version, done.stderr
        info = {"commit_id": commit_id, "requested_revision": revision, "vcs": "git"}
        assert json.loads(done.stdout.splitlines()[1]) == {"url": repository.as_uri(), "vcs_info": info}
    assert run_pyscript(write_script(MADE, url)).stdout == "2.0\n"


@needs_git
def test_a_branch_that_moved_is_followed_when_asked_to(
    stocked: IndexServer, run_pyscript: Program, write_script: WriteScript, repository: Path
) -> None:
    script = write_script(MADE, f"git+{repository.as_uri()}@main#egg=made")
    assert run_pyscript(script).stdout == "2.0\n"
    commit(repository, Sdist("made", "3.0"), "v3")
    assert run_pyscript(script).stdout == "2.0\n"
    assert run_pyscript("--upgrade", script).stdout == "3.0\n"
    assert run_pyscript(script).stdout == "3.0\n"


@needs_git
def test_a_subdirectory_and_a_submodule(
    stocked: IndexServer, run_pyscript: Program, write_script: WriteScript, repository: Path, part: Path
) -> None:
    git(repository, "submodule", "--quiet", "add", part.as_uri(), "inner/vendored")
    reading = "open('src/vendored.py', 'w').write(open('vendored/src/part.py').read())"
    commit(repository, Sdist("made", "4.0", statement=reading), "v4", "inner")
    body = f"{MADE}\nimport vendored; print(vendored.VERSION)\n{ORIGIN}"
    script = write_script(body, f"made @ git+{repository.as_uri()}@v4#subdirectory=inner")
    done = run_pyscript(script, env={"GIT_CONFIG_GLOBAL": os.devnull, "GIT_DIR": "/nowhere"})
    assert done.stdout.splitlines()[:2] == ["4.0", "1.0"], done.stderr
    assert json.loads(done.stdout.splitlines()[2])["subdirectory"] == "inner"
    outside = write_script("", f"made @ git+{repository.as_uri()}@v4#subdirectory=absent")
    assert "has no directory 'absent'" in run_pyscript(outside).stderr


@needs_git
@pytest.mark.parametrize(
    ("requirement", "said"),
    [
        ("made @ git+{url}@nope", "has no branch, tag or commit called 'nope'"),
        ("made @ git+{url}@" + "0" * 40, "has no branch, tag or commit called '00000"),
        ("made @ git+{url}-absent", "There is no git repository at"),
        ("other @ git+{url}", "asks for other, but what is there is made"),
        ("made @ git+{url}@--upload-pack=x", "is no name of a branch, tag or commit"),
        ("made @ git+ext::sh", "has to begin with git+https://"),
        ("made @ hg+https://host.invalid/made", "Mercurial repositories cannot be used"),
    ],
)
def test_what_is_wrong_with_a_repository_is_told(
    requirement: str,
    said: str,
    stocked: IndexServer,
    run_pyscript: Program,
    write_script: WriteScript,
    repository: Path,
) -> None:
    done = run_pyscript(write_script("", requirement.format(url=repository.as_uri())))
    assert done.returncode in (1, 2)
    assert said in done.stderr
    assert "-->" in done.stderr, "the line is shown"


@needs_git
def test_a_password_for_a_repository_does_not_follow_a_redirect(
    stocked: IndexServer, run_pyscript: Program, write_script: WriteScript
) -> None:
    refs = "/made.git/info/refs"
    with IndexServer() as server, IndexServer() as other:
        head = b"1" * 40 + b" HEAD\0multi_ack_detailed no-done side-band-64k\n"
        advertised = b"001e# service=git-upload-pack\n0000%04x%s0000" % (len(head) + 4, head)
        other.add_page(refs, advertised, "application/x-git-upload-pack-advertisement")
        server.fail(refs, Fault(redirect_to=f"{other.origin}{refs}?service=git-upload-pack"))
        script = write_script("", f"made @ git+{server.origin}/made.git".replace("://", "://me:pw@"))
        assert run_pyscript(script).returncode
        assert other.paths(), "git went there"
        assert not any("authorization" in request.headers for request in other.requests)
        server.heal()
        server.credentials = ("me", "pw")
        assert "There is no git repository at" in run_pyscript(script).stderr
        assert server.requests[-1].status == 404, "where it belongs it is told"


@needs_git
def test_offline_a_submodule_is_not_fetched_from_elsewhere(
    stocked: IndexServer, run_pyscript: Program, write_script: WriteScript, repository: Path, part: Path
) -> None:
    git(repository, "submodule", "--quiet", "add", part.as_uri(), "vendored")
    git(repository, "config", "--file", ".gitmodules", "submodule.vendored.url", f"{stocked.origin}/part.git")
    commit(repository, Sdist("made", "4.0"), "v4")
    # With its build requirements, of which there are none, in the cache.
    done = run_pyscript("--offline", write_script(MADE, f"made @ git+{repository.as_uri()}@v4"))
    assert "such as a submodule, lies elsewhere, and offline forbids fetching it" in done.stderr
    assert stocked.paths() == []
    assert run_pyscript("--offline", write_script(MADE, f"made @ git+{repository.as_uri()}@v1")).stdout == "1.0\n"


@needs_git
@pytest.mark.skipif(sys.platform == "win32", reason="signals")
@pytest.mark.parametrize("ends_by", ["a signal", "an error elsewhere", "the timeout"])
def test_a_git_that_hangs_does_not_outlive_the_launch(
    ends_by: str, stocked: IndexServer, run_pyscript: Program, write_script: WriteScript, tmp_path: Path
) -> None:
    programs = tmp_path / "bin"
    programs.mkdir()
    (programs / "git").write_text(f"#!/bin/sh\ncd {tmp_path}\nsleep 300 &\necho $! > pid.new\nmv pid.new pid\nwait\n")
    (programs / "git").chmod(0o755)
    # Read after the repository, whose fetching goes on in another thread meanwhile.
    others = ["./nothing"] if ends_by == "an error elsewhere" else []
    script = write_script("", *others, "made @ git+https://host.invalid/made.git")
    options = ["--timeout", "0.02"] if ends_by == "the timeout" else []
    path = f"{programs}:{run_pyscript.environ['PATH']}"
    launch = run_pyscript.start(*options, script, env={"PATH": path})
    if ends_by == "a signal":
        while not (tmp_path / "pid").exists() and launch.poll() is None:
            time.sleep(0.01)
        launch.terminate()
    said = launch.communicate(timeout=60)[1]
    assert launch.returncode
    assert ("git did not come to an end" in said) == (ends_by == "the timeout"), said
    if (tmp_path / "pid").exists():
        child = int((tmp_path / "pid").read_text())
        for _ in range(3000):
            if not _is_running(child):
                break
            time.sleep(0.01)
        assert not _is_running(child)


def _is_running(process: int) -> bool:
    """Tell of a process that is no child of ours; on a machine without an init, what was killed stays as a zombie."""
    found = subprocess.run(["ps", "-o", "stat=", "-p", str(process)], capture_output=True, text=True, check=False)
    return found.stdout.strip()[:1] not in ("", "Z")


@needs_git
def test_the_proxy_is_gits_too(stocked: IndexServer, run_pyscript: Program, write_script: WriteScript) -> None:
    with IndexServer() as proxy:
        script = write_script("", "made @ git+http://host.invalid/made.git")
        done = run_pyscript("--proxy", proxy.origin, script, env={"GIT_CONFIG_COUNT": "many"})
        assert done.returncode == 1
        assert proxy.paths(), done.stderr


@needs_git
def test_without_git_and_without_a_network(
    stocked: IndexServer, run_pyscript: Program, write_script: WriteScript, repository: Path, tmp_path: Path
) -> None:
    programs = tmp_path / "bin"
    programs.mkdir()
    for name in ("sh", "readlink"):
        (programs / name).symlink_to(shutil.which(name) or "")
    done = run_pyscript(write_script("", f"git+{repository.as_uri()}"), env={"PATH": str(programs)})
    assert "is a git repository, and there is no git here" in done.stderr
    done = run_pyscript("--offline", write_script("", "made @ git+https://host.invalid/made.git"))
    assert "offline forbids fetching it" in done.stderr
