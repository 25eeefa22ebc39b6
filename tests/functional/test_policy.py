"""Constraints, overrides, directions and dates, wherever they are written; and what they do to the next launch."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.conftest import Program
from tests.functional.conftest import WriteScript, package
from tests.support.index_server import IndexServer

SAY = "import speak; print(speak.__version__)"


def test_the_command_line_comes_before_variable_block_and_config(
    stocked: IndexServer, run_pyscript: Program, write_script: WriteScript, tmp_path: Path
) -> None:
    (tmp_path / "config.toml").write_text('constraint = ["c.txt"]\n')
    (tmp_path / "c.txt").write_text("speak<2\n")
    run_pyscript.environ["PYSCRIPT_CONFIG_FILE"] = str(tmp_path / "config.toml")
    script = write_script(SAY, "speak")
    assert run_pyscript(script).stdout == "1.0\n"
    (tmp_path / "c.txt").write_text("speak<3\n")
    assert run_pyscript(script).stdout == "2.0\n", "a changed file is noticed"
    script = write_script(SAY, block='dependencies = ["speak"]\n[tool.pyscript]\nconstraint = ["speak < 2"]\n')
    assert run_pyscript(script).stdout == "1.0\n"
    run_pyscript.environ["PYSCRIPT_CONSTRAINT"] = "speak<3"
    assert run_pyscript(script).stdout == "2.0\n"
    assert run_pyscript("--constraint", "speak==1.0", script).stdout == "1.0\n"


def test_overrides_and_directions(stocked: IndexServer, run_pyscript: Program, write_script: WriteScript) -> None:
    stocked.add(package("voice", "1.0"), package("voice", "0.5"))
    script = write_script("import speak, voice; print(speak.__version__, voice.__version__)", "speak>=2")
    assert run_pyscript("--override", "voice==0.5", script).stdout == "2.0 0.5\n"
    assert run_pyscript("--resolution", "lowest", script).stdout == "2.0 1.0\n"
    assert run_pyscript(script).stdout == "2.0 1.5\n"


def test_a_relative_date_is_taken_once_and_keeps_launches_warm(
    index: IndexServer, run_pyscript: Program, write_script: WriteScript
) -> None:
    index.add(package("speak"))
    index.add(package("speak", "2.0"), upload_time="9999-01-01T00:00:00Z")
    run_pyscript.environ["PYSCRIPT_INDEX_URL"] = index.index_url
    script = write_script(SAY, "speak")
    arguments = ("--exclude-newer", "7 days", script)
    assert run_pyscript(*arguments).stdout == "1.0\n"
    index.forget_requests()
    assert "Resolving" not in run_pyscript("-v", *arguments).stderr
    assert run_pyscript(*arguments).stdout == "1.0\n"
    assert index.paths() == []
    assert run_pyscript("--exclude-newer-package", "speak=false", *arguments).stdout == "2.0\n"


def test_a_requirements_file_with_constraints_and_pre_releases(
    stocked: IndexServer, run_pyscript: Program, tmp_path: Path
) -> None:
    stocked.add(package("greet", "2.0rc1"))
    (tmp_path / "c.txt").write_text("speak<2\n")
    requirements = tmp_path / "requirements.txt"
    requirements.write_text("-c c.txt\n--pre\nspeak\ngreet\n")
    done = run_pyscript("--with-requirements", requirements, "-c", "import speak, greet; print(speak.__version__)")
    assert done.stdout == "1.0\n", done.stderr
    done = run_pyscript("--with-requirements", requirements, "-m", "greet")
    assert done.stdout == "greet 2.0rc1\n", done.stderr


def test_require_hashes_wants_one_for_everything(stocked: IndexServer, run_pyscript: Program, tmp_path: Path) -> None:
    requirements = tmp_path / "requirements.txt"
    speak, voice = package("speak", "2.0", ("voice>=1",)), package("voice", "1.5")
    requirements.write_text(f"--require-hashes\nspeak==2.0 --hash=sha256:{speak.sha256}\n")
    done = run_pyscript("--with-requirements", requirements, "-m", "speak")
    assert (done.returncode, done.stdout) == (1, "")
    assert "voice 1.5 is needed, but no hash is written for it" in done.stderr
    with requirements.open("a") as stream:
        stream.write(f"voice==1.5 --hash=sha256:{voice.sha256}\n")
    assert run_pyscript("--with-requirements", requirements, "-m", "speak").stdout == "speak 2.0\n"


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (("--exclude-newer", "soon"), "--exclude-newer: 'soon' is not a valid value."),
        (("--constraint", "no.txt"), "--constraint: there is no file"),
        (("--constraint", "speak[x]<2"), "A constraint cannot have extras: speak[x]<2 (--constraint)."),
        (("--override", "speak >>> 2"), "'speak >>> 2' (--override) is not a valid requirement"),
    ],
)
def test_what_makes_no_sense_is_refused(
    arguments: tuple[str, ...], says: str, stocked: IndexServer, run_pyscript: Program, write_script: WriteScript
) -> None:
    done = run_pyscript(*arguments, write_script("print('ran')", "speak"))
    assert (done.returncode, done.stdout) == (2, "")
    assert says in " ".join(done.stderr.split())
