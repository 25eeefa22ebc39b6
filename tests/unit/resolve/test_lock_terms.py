from __future__ import annotations

from typing import Any

import pytest

from launcher.resolve.lock_terms import terms_of
from launcher.resolve.lockfile import LockTerms
from launcher.resolve.resolution import Policy, Requested
from launcher.script.inline_metadata import read_metadata
from launcher.settings import resolve_settings

BLOCK = "# /// script\n# requires-python = '>=3.11'\n# dependencies = [' rich ', 'requests<3']\n{}# ///\n"


def terms(
    table: str = "",
    command_line: dict[str, Any] | None = None,
    environ: dict[str, str] | None = None,
    config: dict[str, Any] | None = None,
    policy: Policy | None = None,
) -> LockTerms:
    lines = "".join(f"# {line}\n" for line in table.splitlines())
    metadata, _ = read_metadata(BLOCK.format(lines), "x.py")
    own: Any = metadata.tool.get("pyscript", {})
    settings = resolve_settings(command_line or {}, environ or {}, own, config or {})
    return terms_of(metadata, settings, policy or Policy())


def test_requirements_and_range_are_the_block_s() -> None:
    assert terms() == LockTerms(("rich", "requests<3"), ">=3.11", "")


@pytest.mark.parametrize(
    ("table", "other"),
    [
        ("prerelease = 'allow'", "prerelease = 'disallow'"),
        ("index-url = 'https://a.example/'", "index-url = 'https://b.example/'"),
        ("find-links = ['wheels']", "find-links = ['others']"),
        ("no-build = true", "no-binary = true"),
        ("exclude-newer = '2026-01-01'", "exclude-newer = '2026-02-01'"),
        ("sources = { rich = { path = 'a' } }", "sources = { rich = { path = 'b' } }"),
    ],
)
def test_what_the_block_sets_counts(table: str, other: str) -> None:
    found = [terms(f"[tool.pyscript]\n{text}") for text in ("", table, other)]
    assert len({each.settings for each in found}) == 3
    assert terms(f"[tool.pyscript]\n{table}") == found[1]


@pytest.mark.parametrize(
    "table", ["timeout = 3", "retries = 1", "link-mode = 'copy'", "offline = true", "max-age = '1 d'"]
)
def test_what_changes_no_answer_does_not_count(table: str) -> None:
    assert terms(f"[tool.pyscript]\n{table}") == terms()


def test_a_machine_s_own_settings_do_not_count() -> None:
    mirror = "https://mirror.example/simple/"
    assert terms(environ={"PYSCRIPT_INDEX_URL": mirror}, config={"index-url": mirror, "no-build": True}) == terms()
    table = "[tool.pyscript]\nno-build = true"
    assert terms(table, config={"no-build": True}) == terms(table)


def test_options_count() -> None:
    assert terms(command_line={"prerelease": "allow"}) != terms()
    assert terms(command_line={"offline": True}) == terms()


def test_what_a_file_of_constraints_says_counts_and_not_its_name() -> None:
    table = "[tool.pyscript]\nconstraint = ['limits.txt']"
    one, other = (Policy(constraints=(Requested(text, "limits.txt, line 1"),)) for text in ("a<1", "a<2"))
    assert terms(table, policy=one) != terms(table, policy=other)
    assert terms(table, policy=one) == terms("[tool.pyscript]\nconstraint = ['same.txt']", policy=one)


def test_the_table_of_uv_counts_where_there_is_none_of_ours() -> None:
    assert terms("[tool.uv]\nprerelease = 'allow'") == terms("[tool.pyscript]\nprerelease = 'allow'")
    assert terms("[tool.uv]\nprerelease = 'allow'\n[tool.pyscript]") == terms()
    assert terms("[tool.uv]\nno-cache = true") == terms()
