"""Which of several wheels of one version is the best is what unearth says, also where it is not asked."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from launcher.resolve.finder import best_file
from launcher.resolve.page_files import PageFile
from launcher.resolve.releases import Compatibility

TAGS = (
    *("cp312-cp312-manylinux_2_28_x86_64", "cp312-cp312-manylinux_2_17_x86_64", "cp312-cp312-manylinux2014_x86_64"),
    *("cp312-abi3-manylinux_2_17_x86_64", "cp312-none-linux_x86_64", "cp39-abi3-manylinux2014_x86_64"),
    *("py312-none-any", "py3-none-manylinux_2_17_x86_64", "py3-none-any", "py2-none-any"),
)
"""As an interpreter gives them, best first; a few of a thousand."""


def wheel(tags: tuple[str, ...], build: str = "") -> PageFile:
    parts = [".".join(dict.fromkeys(part)) for part in zip(*(tag.split("-") for tag in tags), strict=True)]
    name = "-".join(["demo", "1.0", *([build] if build else []), *parts])
    return PageFile(f"{name}.whl", f"https://x.test/{name}.whl", None, None, None, None, None, None)


def by_unearth(files: list[PageFile]) -> str | None:
    return best_file("demo", [tuple(file) for file in files], (3, 12, 1), TAGS)


one_or_two = st.lists(st.sampled_from(TAGS), min_size=1, max_size=2, unique=True).map(tuple)
wheels = st.lists(
    st.builds(wheel, one_or_two, st.sampled_from(["", "", "1", "2b"])), min_size=2, max_size=6, unique=True
)


@given(wheels)
def test_leaving_out_worse_tags_leaves_what_unearth_would_choose(files: list[PageFile]) -> None:
    compatibility = Compatibility(TAGS, "3.12.1")
    best = list(compatibility.best_ranked(files))
    assert by_unearth(best) == by_unearth(files)
    if len(best) == 1:
        assert best[0].filename == by_unearth(files)


def test_a_better_tag_needs_no_second_opinion_and_a_build_number_does() -> None:
    compatibility = Compatibility(TAGS, "3.12.1")
    special, pure = wheel(TAGS[:1]), wheel(("py3-none-any",))
    assert compatibility.best_ranked([pure, special]) == [special]
    rebuilt = wheel(("py3-none-any",), "1")
    assert compatibility.best_ranked([pure, rebuilt, special]) == [pure, rebuilt, special]
