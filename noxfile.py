# /// script
# requires-python = ">=3.11"
# dependencies = ["nox>=2025.5.1"]
# ///
"""The project's sessions: `nox -s lint tests docs bench`, or `pyscript noxfile.py -s tests` without installing nox.

Every session gets its own environment below `.nox/`, made with the Python that runs nox.
"""

from __future__ import annotations

import shutil
import tarfile
import zipfile
from pathlib import Path

import nox

nox.needs_version = ">=2025.5.1"
nox.options.sessions = ["tests"]
nox.options.reuse_existing_virtualenvs = True
nox.options.error_on_external_run = True

_PYPROJECT = nox.project.load_toml(Path(__file__).with_name("pyproject.toml"))


def _install(session: nox.Session, *groups: str, project: bool = True) -> None:
    """Install dependency groups and, not as an editable, the project: tests run what people will get."""
    packages = nox.project.dependency_groups(_PYPROJECT, *groups)
    session.install("--quiet", *packages, *(["."] if project else []))
    # Some shells export it; byte code is part of what the tests look at and the benchmarks measure.
    session.env["PYTHONDONTWRITEBYTECODE"] = None


@nox.session
def tests(session: nox.Session) -> None:
    """Run the unit tests, the resolver scenarios and the functional tests; they need no network."""
    _install(session, "test")
    session.run("python", "-m", "pytest", "-q", "-n", "2", *session.posargs)


@nox.session
def network(session: nox.Session) -> None:
    """Run the tests that need the real index, the examples among them."""
    _install(session, "network")
    session.run("python", "-m", "pytest", "-q", *(session.posargs or ["tests/network"]))


@nox.session
def compare(session: nox.Session) -> None:
    """Ask uv and pip the resolver scenarios; a difference needs a reason in the scenario. Arguments choose by name."""
    _install(session, "compare")
    session.run("python", "-m", "tests.scenarios.compare", *session.posargs)


@nox.session
def coverage(session: nox.Session) -> None:
    """Measure what the tests that run in one process cover."""
    _install(session, "test")
    session.run("coverage", "run", "-m", "pytest", "-q", *(session.posargs or ["tests/unit", "tests/scenarios"]))
    session.run("coverage", "report")


@nox.session
def lint(session: nox.Session) -> None:
    """Check style, types on all three platforms, the import contracts and the shell launcher."""
    _install(session, "lint")
    session.run("ruff", "check", ".")
    session.run("ruff", "format", "--check", ".")
    session.run("mypy")
    for platform in ("win32", "darwin"):
        session.run("mypy", "--platform", platform, "launcher")
    session.run("lint-imports", env={"PYTHONPATH": "."})
    session.run("shellcheck", "--shell=sh", *(str(path) for path in Path("launcher").rglob("*.sh")))
    session.run("shellcheck", ".ci/run")


@nox.session
def docs(session: nox.Session) -> None:
    """Build the documentation into docs/_build, warnings being errors."""
    _install(session, "docs")
    session.run("sphinx-build", "-W", "--keep-going", "-q", "-b", "html", "docs", "docs/_build/html", *session.posargs)


@nox.session
def bench(session: nox.Session) -> None:
    """Measure pyscript against its peers; arguments after `--` go to the benchmark."""
    _install(session, "bench")
    session.run("python", "-m", "tests.benchmarks", *session.posargs)


@nox.session
def build(session: nox.Session) -> None:
    """Build the sdist and both wheels into dist/ and check what is in them."""
    _install(session, "build", project=False)
    shutil.rmtree("dist", ignore_errors=True)
    session.run("python", "-m", "build", "--outdir", "dist")
    session.run("python", "-m", "build", "--wheel", "--outdir", "dist", env={"PYSCRIPT_LAUNCHER_WHEEL": "windows"})
    for problem in (problems := _problems_of_distributions(Path("dist"))):
        session.log(problem)
    if problems:
        session.error("The distributions are not what they should be.")


def _problems_of_distributions(directory: Path) -> list[str]:
    """Return what is wrong with the built distributions, as sentences."""
    (sdist,) = directory.glob("*.tar.gz")
    (posix_wheel,) = directory.glob("*-py3-none-any.whl")
    (windows_wheel,) = directory.glob("*-py3-none-win32.win_amd64.win_arm64.whl")
    suffixes = {".py", ".sh", ".typed", ".svg", ".png"}
    modules = {path.as_posix() for path in Path("launcher").rglob("*") if path.suffix in suffixes}
    problems = []
    with tarfile.open(sdist) as archive:
        in_sdist = {name.partition("/")[2] for name in archive.getnames()}
    wanted = modules | {"pyproject.toml", "hatch_build.py", "LICENSE", "README.md", "noxfile.py", "tests/conftest.py"}
    problems += [f"{sdist.name} lacks {name}." for name in sorted(wanted - in_sdist)]
    for wheel in (posix_wheel, windows_wheel):
        with zipfile.ZipFile(wheel) as archive:
            names = set(archive.namelist())
            (entry_points,) = (name for name in names if name.endswith(".dist-info/entry_points.txt"))
            entries = archive.read(entry_points).decode()
            has_entry = "\npyscript = " in entries
        has_script = any(name.endswith(".data/scripts/pyscript") for name in names)
        problems += [f"{wheel.name} lacks {name}." for name in sorted(modules - names)]
        foreign = {name for name in names - modules if ".dist-info/" not in name and ".data/" not in name}
        problems += [f"{wheel.name} should not hold {name}." for name in sorted(foreign)]
        if has_script is has_entry or has_script is not (wheel == posix_wheel):
            problems.append(f"{wheel.name} has the wrong kind of `pyscript` command.")
        if ("\npyscriptw = " in entries) is not (wheel == windows_wheel):
            problems.append(f"{wheel.name} is wrong about `pyscriptw`, which is for Windows.")
    return problems


if __name__ == "__main__":
    nox.main()
