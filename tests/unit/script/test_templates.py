from __future__ import annotations

import ast

import pytest

from launcher.script.block_editor import with_block
from launcher.script.inline_metadata import read_metadata
from launcher.script.templates import TEMPLATES


@pytest.mark.parametrize("name", TEMPLATES)
def test_a_template_is_a_documented_script(name: str) -> None:
    text = TEMPLATES[name].text("tool")
    assert text.startswith("#!/usr/bin/env pyscript\n")
    assert ast.get_docstring(ast.parse(text))
    assert 'if __name__ == "__main__":' in text
    assert "NAME" not in text


@pytest.mark.parametrize("name", TEMPLATES)
def test_a_template_takes_a_block(name: str) -> None:
    text = with_block(TEMPLATES[name].text("tool").encode(), "script", 'requires-python = ">=3.12"\n').decode()
    assert text.startswith("#!/usr/bin/env pyscript\n# /// script\n")
    assert read_metadata(text, "tool.py")[0].requires_python == ">=3.12"
