"""`pyscript tree`: what a script gets, why, how large it is and what would be newer."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from tests.conftest import Program
from tests.functional.conftest import WriteScript, package
from tests.support.index_server import IndexServer


@pytest.fixture
def script(stocked: IndexServer, write_script: WriteScript) -> Path:
    stocked.add(package("choir", "1.0", ("speak<2", "voice>=1,<3")))
    return write_script("", "choir", "greet>0")


def test_the_tree_has_who_needs_whom_with_sizes(script: Path, run_pyscript: Program) -> None:
    done = run_pyscript("tree", script)
    assert done.returncode == 0, done.stderr
    lines = done.stdout.splitlines()
    assert [line.partition("  +")[0].rstrip() for line in lines[1:-1]] == [
        "├── choir 1.0",
        "│   ├── speak 1.0",
        "│   └── voice 1.5",
        "└── greet 1.0",
    ]
    assert lines[0].split() == [str(script), "size", "in", "all"]
    assert re.search(r" \+1 kB +\d kB$", lines[1])
    assert re.match(r"4 packages, \d kB to download \(\+\), for Python 3\.", lines[-1])


def test_looking_downloads_and_composes_nothing_and_running_takes_the_same(
    script: Path, stocked: IndexServer, run_pyscript: Program, cache_dir: Path
) -> None:
    run_pyscript("tree", script)
    assert stocked.paths("*.whl") == []
    assert not (cache_dir / "environments-v1").exists()
    stocked.forget_requests()
    run_pyscript("tree", script)
    assert stocked.paths() == []
    stocked.add(package("greet", "9.0"))
    assert run_pyscript(script).returncode == 0
    shown = run_pyscript("tree", script).stdout
    assert "greet 1.0" in shown
    assert "4 packages" in shown.splitlines()[-1]
    assert " on disk, for Python " in shown.splitlines()[-1]


def test_inverted_it_says_who_needs_a_package_and_where_that_was_written(script: Path, run_pyscript: Program) -> None:
    done = run_pyscript("tree", script, "--invert", "Voice")
    assert done.stdout.splitlines()[:-1] == [
        "voice 1.5",
        "└── choir 1.0  needs >=1,<3",
        f"    └── choir  (line 2 of {script})",
    ]
    everything = run_pyscript("tree", "--invert", script).stdout.splitlines()
    assert [line for line in everything if not line[0].isspace() and "(*)" not in line][:4] == [
        str(script),
        "├── greet 1.0",
        f"│   └── greet>0  (line 2 of {script})",
        "├── speak 1.0",
    ]


def test_depth_shows_so_many_levels(script: Path, run_pyscript: Program) -> None:
    lines = run_pyscript("tree", "--depth", "1", script).stdout.splitlines()
    assert [line.split()[1] for line in lines[1:-1]] == ["choir", "greet"]
    assert lines[-1].startswith("4 packages")


def test_outdated_names_the_newest_and_who_does_not_take_it(
    script: Path, stocked: IndexServer, run_pyscript: Program
) -> None:
    run_pyscript("tree", script)
    stocked.add(package("greet", "2.0"), package("greet", "3.0", requires_python=">=99"))
    stocked.add(package("voice", "4.0rc1"))
    stocked.add(package("greet", "2.5"), yanked="oops")
    lines = run_pyscript("tree", "--outdated", "--refresh", script, env={"PYSCRIPT_OFFLINE": "0"}).stdout.splitlines()
    assert lines[2].split()[-1] == "2.0"
    # Resolved anew, greet has its newest already.
    assert lines[-2:] == ["1 could be newer:", "  speak  2.0  held by choir (<2)"]


def test_what_nothing_holds_back_is_one_upgrade_away(
    write_script: WriteScript, stocked: IndexServer, run_pyscript: Program
) -> None:
    stocked.cache_control = "max-age=0"
    script = write_script("", "greet")
    run_pyscript(script)
    stocked.add(package("greet", "2.0"))
    lines = run_pyscript("tree", script, "--outdated").stdout.splitlines()
    assert lines[1].split()[-1] == "2.0"
    assert lines[-2:] == ["  greet  2.0", f"What nothing holds comes with: pyscript --upgrade {script}"]
    run_pyscript("--upgrade", script)
    assert run_pyscript("tree", script, "--outdated").stdout.endswith("All are the newest there are.\n")


def test_constraints_and_overrides_are_named_where_they_act(
    stocked: IndexServer, write_script: WriteScript, run_pyscript: Program
) -> None:
    block = '[tool.pyscript]\nconstraint = ["greet<1.5"]\noverride = ["voice<2"]'
    stocked.add(package("greet", "2.0"), package("voice", "2.0"))
    script = write_script("", block=f'dependencies = ["speak", "greet"]\n{block}')
    lines = run_pyscript("tree", script, "--outdated").stdout.splitlines()
    where = "held by [tool.pyscript] in the script"
    assert lines[-3:] == ["2 could be newer:", f"  greet  2.0  {where} (<1.5)", f"  voice  2.0  {where} (<2)"]
    lines = run_pyscript("tree", script, "--invert", "voice").stdout.splitlines()
    assert lines[1:-1] == [
        "├── speak 2.0",
        f"│   └── speak  (line 2 of {script})",
        "└── voice<2  ([tool.pyscript] in the script)",
    ]


def test_json_has_the_whole_graph(script: Path, run_pyscript: Program) -> None:
    content = json.loads(run_pyscript("tree", "--json", "--outdated", script).stdout)
    assert content["script"] == str(script)
    packages = {row["name"]: row for row in content["packages"]}
    assert set(packages) == {"choir", "greet", "speak", "voice"}
    assert packages["voice"]["required_by"] == [{"name": "choir", "specifiers": ">=1,<3"}]
    assert packages["choir"]["requires"][0] == {"name": "speak", "specifiers": "<2"}
    assert packages["greet"]["requested"] == [{"requirement": "greet>0", "origin": f"line 2 of {script}"}]
    assert (packages["speak"]["newest"], packages["speak"]["held_back_by"]) == ("2.0", ["choir (<2)"])
    assert packages["speak"]["is_stored"] is False
    assert content["total_bytes"] == sum(row["size_bytes"] for row in packages.values()) > 0
    only = json.loads(run_pyscript("tree", "--json", "--depth", "1", script).stdout)
    assert [row["name"] for row in only["packages"]] == ["choir", "greet"]


def test_options_bring_requirements_with_or_without_a_script(
    script: Path, stocked: IndexServer, run_pyscript: Program, write_script: WriteScript
) -> None:
    plain = write_script("print('no block')", name="plain.py")
    done = run_pyscript("tree", "--with", "speak", plain, "--with", "greet")
    assert [line.split()[1:3] for line in done.stdout.splitlines()[1:-1]] == [
        ["speak", "2.0"],
        ["└──", "voice"],
        ["greet", "1.0"],
    ]
    assert run_pyscript("tree", "--with", "greet").stdout.startswith("The environment")


def test_a_script_without_requirements_has_no_tree(run_pyscript: Program, write_script: WriteScript) -> None:
    done = run_pyscript("tree", write_script("0", name="a.py"))
    assert "a.py has no block that names requirements, so it gets no packages; it runs on Python 3." in done.stdout
    done = run_pyscript("tree", write_script("0", name="b.py", block="dependencies = []"))
    assert "b.py needs no packages; it runs on Python 3." in done.stdout


def test_colours_are_for_those_who_want_them(script: Path, run_pyscript: Program) -> None:
    assert "\x1b[" not in run_pyscript("tree", script).stdout
    assert "\x1b[1mchoir\x1b[0m" in run_pyscript("tree", "--color", "always", script).stdout
    assert "\x1b[" not in run_pyscript("tree", script, env={"NO_COLOR": "1", "FORCE_COLOR": "1"}).stdout


def test_secrets_in_requirements_are_not_shown(
    stocked: IndexServer, run_pyscript: Program, write_script: WriteScript
) -> None:
    stocked.credentials = ("me", "s3cret")
    url = f"{stocked.origin.replace('://', '://me:s3cret@')}/files/greet-1.0-py3-none-any.whl"
    script = write_script("", f"greet @ {url}")
    for options in ([], ["--json"], ["--invert"], ["--outdated"]):
        done = run_pyscript("tree", script, *options)
        assert done.returncode == 0, done.stderr
        assert "s3cret" not in done.stdout + done.stderr


@pytest.mark.parametrize(
    ("arguments", "code", "message"),
    [
        (["tree"], 2, "pyscript tree: no script given; see pyscript tree --help"),
        (["tree", "gone.py"], 2, "There is no script gone.py."),
        (["tree", "gone"], 2, "There is no script gone."),
        (["tree", "x.py", "y.py"], 2, "One script at a time, please: x.py, y.py."),
        (["tree", "x.py", "--depth", "0"], 2, "--depth: '0' is not a valid value"),
        (["tree", "x.py", "--invert", "voise"], 2, "x.py gets no package called voise.\nhint: Did you mean voice?"),
        (["tree", "x.py", "--invert", "numpy"], 2, "hint: pyscript tree without --invert shows all there are."),
        (["tree", "x.py", "--with", "speak>=2"], 1, "These requirements contradict one another:"),
        (["tree", "x.py", "--outdated", "--offline"], 1, "not in the cache, and offline forbids fetching it"),
    ],
)
def test_a_mistake_is_told(arguments: list[str], code: int, message: str, script: Path, run_pyscript: Program) -> None:
    done = run_pyscript(*arguments)
    assert (done.returncode, done.stdout) == (code, "")
    assert message in done.stderr
