"""How Sphinx builds these pages: `nox -s docs`, warnings being errors. Nothing is fetched."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent / "_ext"))

from launcher import __version__

project = "pyscript"
author = "pyscript contributors"
copyright = f"2026, {author}"  # noqa: A001  # Sphinx's name for it
release = version = __version__

extensions = ["command_line", "myst_parser", "source_map", "sphinx_copybutton"]
myst_enable_extensions = ["colon_fence", "deflist"]
myst_heading_anchors = 3
exclude_patterns = ["_build"]
nitpicky = True
smartquotes = False  # quotes in options are to be typed as they stand

html_theme = "furo"
html_title = f"pyscript {version}"
html_show_sphinx = False
copybutton_prompt_text = "$ "
copybutton_only_copy_prompt_lines = True
