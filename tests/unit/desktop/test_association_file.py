"""Lists of associations: what an edit changes, and that it leaves everything else as it is."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from launcher.desktop.association_file import applications_of, value_of, with_default, without_application

OURS = "pyscript-open.desktop"
TYPE = "text/x-pep723-script"

FILES = {
    "missing": (b"", b"[Default Applications]\ntext/x-pep723-script=pyscript-open.desktop;\n"),
    "without the group": (
        b"[Added Associations]\na/b=c.desktop;\n",
        b"[Added Associations]\na/b=c.desktop;\n\n"
        b"[Default Applications]\ntext/x-pep723-script=pyscript-open.desktop;\n",
    ),
    "with the group": (
        b"# mine\n[Default Applications]\na/b=c.desktop\n\n# theirs\n[Added Associations]\na/b=c.desktop;\n",
        b"# mine\n[Default Applications]\na/b=c.desktop\ntext/x-pep723-script=pyscript-open.desktop;\n\n# theirs\n"
        b"[Added Associations]\na/b=c.desktop;\n",
    ),
    "with Windows' line ends": (
        b"[Default Applications]\r\na/b=c.desktop\r\n",
        b"[Default Applications]\r\na/b=c.desktop\r\ntext/x-pep723-script=pyscript-open.desktop;\r\n",
    ),
    "without an end of its last line": (
        b"[Default Applications]\na/b=c.desktop",
        b"[Default Applications]\na/b=c.desktop\ntext/x-pep723-script=pyscript-open.desktop;\n",
    ),
    "with another default": (
        b"[Default Applications]\ntext/x-pep723-script = c.desktop;d.desktop\nx/y=z.desktop\n",
        b"[Default Applications]\ntext/x-pep723-script=pyscript-open.desktop;c.desktop;d.desktop;\nx/y=z.desktop\n",
    ),
    "with bytes that are no text": (
        b"[Default Applications]\n\xff\xfe=\x80\n",
        b"[Default Applications]\n\xff\xfe=\x80\ntext/x-pep723-script=pyscript-open.desktop;\n",
    ),
}


@pytest.mark.parametrize("name", FILES)
def test_the_application_comes_first_and_nothing_else_changes(name: str) -> None:
    before, after = FILES[name]
    assert with_default(before, TYPE, OURS) == after
    assert with_default(after, TYPE, OURS) == after


LINES = st.sampled_from(
    [
        *("[Default Applications]", "[Added Associations]", "[Removed Associations]", "", "# a comment", "nonsense"),
        *("text/x-python=vim.desktop;", "text/x-python = a.desktop;b.desktop", f"{TYPE}=old.desktop;", "x/é=ü.desktop"),
    ]
)


@given(st.lists(LINES, max_size=12), st.sampled_from(["\n", "\r\n"]))
def test_taking_the_application_out_gives_what_was_there(lines: list[str], end: str) -> None:
    before = "".join(line + end for line in lines).encode()
    after = with_default(with_default(before, TYPE, OURS), "text/x-python", OURS)
    assert applications_of(after, "Default Applications", TYPE)[0] == OURS
    undone = without_application(after, OURS, former=before)
    for mime_type in (TYPE, "text/x-python"):
        for group in ("Default Applications", "Added Associations"):
            assert applications_of(undone, group, mime_type) == applications_of(before, group, mime_type)
    assert OURS.encode() not in undone
    kept = [each for each in undone.split(end.encode()) if b"=" not in each and each]
    assert [each for each in before.split(end.encode()) if b"=" not in each and each] == kept


def test_what_a_person_chose_since_stays() -> None:
    taken_over = (
        b"[Default Applications]\ntext/x-pep723-script=gedit.desktop\n"
        b"[Added Associations]\ntext/x-pep723-script=gedit.desktop;pyscript-open.desktop;\n"
    )
    assert without_application(taken_over, OURS, former=b"") == (
        b"[Default Applications]\ntext/x-pep723-script=gedit.desktop\n"
        b"[Added Associations]\ntext/x-pep723-script=gedit.desktop;\n"
    )


def test_what_a_person_refused_stays() -> None:
    refused = b"[Removed Associations]\ntext/x-python=pyscript-open.desktop;\n"
    assert without_application(refused, OURS, former=b"") == refused


def test_a_group_that_was_there_before_stays_although_it_is_empty() -> None:
    before = b"[Default Applications]\n"
    after = with_default(before, TYPE, OURS) + b"[Added Associations]\n"
    assert without_application(after, OURS, former=before) == before + b"[Added Associations]\n"
    assert without_application(after, OURS, former=b"") == b"[Added Associations]\n"


def test_the_last_of_several_settings_counts() -> None:
    content = b"[A]\nx=1\n[B]\nx=2\n[A]\nx=3\n#x=4\n"
    assert (value_of(content, "A", "x"), value_of(content, "C", "x")) == ("3", None)
