"""Git repositories for tests, made by the `git` program without anything that the person has configured."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

import pytest

from tests.support.sdists import Sdist

needs_git = pytest.mark.skipif(shutil.which("git") is None, reason="needs git")


def git(directory: Path, *arguments: str) -> str:
    """Run git in `directory` and return what it prints."""
    command = ["git", "-c", "user.name=a", "-c", "user.email=a@b", "-c", "protocol.file.allow=always", *arguments]
    done = subprocess.run(command, cwd=directory, env=_plain_variables(), capture_output=True, check=True, text=True)
    return done.stdout.strip()


def commit(repository: Path, sdist: Sdist, tag: str, directory: str = ".") -> None:
    """Commit the project of an sdist, as it stands in a directory of the repository, and give the commit a tag."""
    sdist.write_project(repository / directory)
    git(repository, "add", "-A")
    git(repository, "commit", "-qm", tag)
    git(repository, "tag", tag)


def _plain_variables() -> dict[str, str]:
    kept = {name: value for name, value in os.environ.items() if not name.startswith("GIT_")}
    return kept | {"GIT_CONFIG_GLOBAL": os.devnull, "GIT_CONFIG_NOSYSTEM": "1"}
