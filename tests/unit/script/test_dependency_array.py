from __future__ import annotations

from collections.abc import Mapping, Sequence

import pytest
import tomli
from hypothesis import given
from hypothesis import strategies as st

from launcher.errors import InvalidMetadata
from launcher.script.dependency_array import new_metadata, with_dependencies


@pytest.mark.parametrize(
    ("toml", "additions", "expected"),
    [
        ("", ["a"], 'dependencies = [\n    "a",\n]\n'),
        ("dependencies = []\n", ["a", "b"], 'dependencies = [\n    "a",\n    "b",\n]\n'),
        ("dependencies = [ ] # mine\n", ["a"], 'dependencies = [\n    "a",\n] # mine\n'),
        ('dependencies = ["a"]\n', ["b"], 'dependencies = ["a", "b"]\n'),
        ("dependencies = ['a']\n", ["b"], "dependencies = ['a', 'b']\n"),
        ('dependencies = [\n  "a"\n]\n', ["b", "c"], 'dependencies = [\n  "a",\n  "b",\n  "c",\n]\n'),
        ('dependencies = [\n\t"a", # why\n\t# end\n]\n', ["b"], 'dependencies = [\n\t"a", # why\n\t# end\n\t"b",\n]\n'),
        ('dependencies = [\n  "a" # why\n]\n', ["b"], 'dependencies = [\n  "a", # why\n  "b",\n]\n'),
        ("dependencies = [\n  # none\n]\n", ["a"], 'dependencies = [\n  # none\n    "a",\n]\n'),
        (
            'requires-python = ">=3.11" # why\n# tools\n[tool.x]\na = 1\n',
            ["a"],
            'requires-python = ">=3.11" # why\ndependencies = [\n    "a",\n]\n# tools\n[tool.x]\na = 1\n',
        ),
        ('requires-python = ">=3"', ["a"], 'requires-python = ">=3"\ndependencies = [\n    "a",\n]\n'),
        ("[tool.x]\na = 1\n", ["a"], 'dependencies = [\n    "a",\n]\n\n[tool.x]\na = 1\n'),
        ("dependencies = []\n", ['a; os_name == "nt"'], "dependencies = [\n    'a; os_name == \"nt\"',\n]\n"),
        ("dependencies = ['a']\n", ["b; os_name == 'nt'"], "dependencies = ['a', \"b; os_name == 'nt'\"]\n"),
    ],
)
def test_requirements_are_added_as_the_others_are_written(toml: str, additions: list[str], expected: str) -> None:
    assert with_dependencies(toml, {}, additions) == expected


LIST = """\
dependencies = [
  # web
  'requests>=2', # why, "really"
  "rich",

  # data
  "numpy" # last
]
"""


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({}, LIST),
        ({0: "requests>=3"}, LIST.replace("requests>=2", "requests>=3")),
        ({2: "numpy>=2"}, LIST.replace('"numpy"', '"numpy>=2"')),
        ({0: None}, LIST.replace("  'requests>=2', # why, \"really\"\n", "")),
        ({1: None, 2: "numpy>=2"}, LIST.replace('  "rich",\n', "").replace('"numpy"', '"numpy>=2"')),
    ],
)
def test_the_rest_of_the_array_survives(changes: Mapping[int, str | None], expected: str) -> None:
    assert with_dependencies(LIST, changes, ()) == expected


def test_an_array_can_lose_all() -> None:
    assert with_dependencies('dependencies = ["a", "b"]\n', {0: None, 1: None}, ()) == "dependencies = []\n"


def test_a_new_block_says_which_python_it_was_made_for() -> None:
    assert new_metadata(">=3.12", ()) == 'requires-python = ">=3.12"\ndependencies = []\n'
    assert new_metadata(None, ["a"]) == 'dependencies = [\n    "a",\n]\n'


def test_what_cannot_be_edited_is_refused() -> None:
    with pytest.raises(InvalidMetadata, match="it is no array"):
        with_dependencies("dependencies = { }\n", {}, ["a"])


NAMES = st.sampled_from(
    ["a", "b>=1", "c[x,y]==2", "d; os_name == 'nt'", 'e; os_name == "nt"', "f @ file:///x#y", "é", "\"'\\"]
)
LAYOUTS = st.sampled_from(
    [
        lambda items: f"dependencies = [{', '.join(items)}]\n",
        lambda items: f"dependencies = [{','.join(items)}{',' * bool(items)} ] # end\n",
        lambda items: "dependencies = [\n" + "".join(f"  {item}, # on {at}\n" for at, item in enumerate(items)) + "]\n",
        lambda items: "dependencies = [\n  # first\n" + "\n  , ".join(items) + "\n  # last, ]\n]\n[tool.x]\na = 1\n",
        lambda items: "requires-python = '>=3'\ndependencies=[ " + " ,\n".join(items) + " ]\n# c\n[tool.x]\na = 1\n",
    ]
)


def quoted(text: str) -> str:
    escaped = text.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"' if "'" in text or len(text) % 2 else f"'{text}'"


@given(
    items=st.lists(NAMES, max_size=4),
    layout=LAYOUTS,
    additions=st.lists(NAMES, max_size=3),
    edits=st.lists(st.none() | NAMES, max_size=4),
)
def test_the_array_says_what_it_should_and_nothing_else_changes(items, layout, additions: Sequence[str], edits) -> None:  # type: ignore[no-untyped-def]
    toml = layout(list(map(quoted, items)))
    changes = {at: edit for at, edit in enumerate(edits) if at < len(items)}
    edited = with_dependencies(toml, changes, additions)
    expected = tomli.loads(toml)
    expected["dependencies"] = [each for at, item in enumerate(items) if (each := changes.get(at, item)) is not None]
    expected["dependencies"] += additions
    assert tomli.loads(edited) == expected
    comments = [line for line in toml.splitlines() if line.lstrip().startswith("#")]
    assert [line for line in edited.splitlines() if line.lstrip().startswith("#")] == comments
