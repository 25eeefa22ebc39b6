"""Installed commands on disk: a description, generations, and nothing removed that somebody changed."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from launcher.errors import CommandNotInstalled, DataUnusable
from launcher.share.commands import Command, Commands, sha256_of, write_whole


@pytest.fixture
def commands(tmp_path: Path) -> Commands:
    return Commands(tmp_path / "data" / "commands")


def add(commands: Commands, name: str = "greet", content: bytes = b"start") -> tuple[Command, Path]:
    """Install a command without preparing anything."""
    file = commands.root.parent.parent / "bin" / name
    file.parent.mkdir(exist_ok=True)
    with commands.new_generation(name) as generation:
        script = generation / name
        script.write_bytes(b"print()")
        hashes = {str(script): sha256_of(b"print()"), str(file): sha256_of(content)}
        command = Command(name, "/home/me/x.py", ("--with", "a"), str(script), str(file), False, "key", hashes)
        commands.describe(command, generation)
        write_whole(file, content, 0o755)
    return command, generation


def test_what_is_described_is_found(commands: Commands) -> None:
    command, _ = add(commands)
    other, _ = add(commands, "about")
    assert list(commands) == [other, command]
    assert commands.named("greet") == command
    assert command.tokens == ("--with", "a", command.script)
    assert command.problem == ""


def test_without_a_place_for_data_there_are_none() -> None:
    with pytest.raises(DataUnusable):
        Commands(None)


@pytest.mark.parametrize("name", ["nothere", "../greet", "*", "", "gree[t]", "greet/"])
def test_only_what_was_installed_has_a_name(name: str, commands: Commands) -> None:
    add(commands)
    with pytest.raises(CommandNotInstalled) as raised:
        commands.named(name)
    assert raised.value.hint == "Installed are: greet."


def test_the_generation_counts_that_its_file_starts(commands: Commands) -> None:
    first, _ = add(commands, content=b"first")
    second, generation = add(commands, content=b"second")
    assert commands.find("greet") == second
    Path(first.file).write_bytes(b"first")
    assert commands.find("greet") == first
    Path(first.file).write_bytes(b"second")
    assert commands.remove_former(second, but=generation) == []
    assert os.listdir(generation.parent) == [generation.name]


def test_an_error_leaves_nothing_behind(commands: Commands) -> None:
    with pytest.raises(KeyError), commands.new_generation("greet") as generation:
        (generation / "greet").write_text("")
        raise KeyError
    assert os.listdir(commands.root) == []
    _, former = add(commands)
    with pytest.raises(KeyError), commands.new_generation("greet"):
        raise KeyError
    assert os.listdir(former.parent) == [former.name]


def test_what_is_in_place_already_stays_after_an_interrupt(commands: Commands) -> None:
    file = commands.root / "greet-file"
    with pytest.raises(KeyboardInterrupt), commands.new_generation("greet") as generation:
        command = Command("greet", "", (), "/x", str(file), True, "key", {str(file): sha256_of(b"now")})
        commands.describe(command, generation)
        write_whole(file, b"now", 0o755)
        raise KeyboardInterrupt
    assert commands.find("greet") == command


def test_a_copy_that_somebody_edited_stays(commands: Commands) -> None:
    command, generation = add(commands)
    Path(command.script).write_bytes(b"print('mine')")
    assert commands.remove_former(command) == [command.script]
    assert os.listdir(generation) == ["greet"]
    assert commands.find("greet") is None


@pytest.mark.parametrize("content", [b"", b"{", b"[]", b'{"format": 1}', b'{"format": 1, "words": 3}', b"\xff"])
def test_a_damaged_description_describes_nothing(content: bytes, commands: Commands) -> None:
    _, generation = add(commands)
    (generation / "command.json").write_bytes(content)
    assert list(commands) == []


def test_problems_are_told(commands: Commands) -> None:
    command, _ = add(commands)
    file = Path(command.file)
    Path(command.script).unlink()
    assert command.problem == f"{command.script} is missing"
    file.chmod(0o644)
    if os.name != "nt":
        assert command.problem == f"{file} is not executable"
    file.write_bytes(b"another")
    assert command.problem == f"{file} is another file now"
    file.unlink()
    assert command.problem == f"{file} is missing"


@pytest.mark.skipif(os.name == "nt", reason="links need a privilege there")
def test_a_link_to_the_same_content_is_another_file(commands: Commands, tmp_path: Path) -> None:
    command, _ = add(commands)
    os.rename(command.file, tmp_path / "moved")
    os.symlink(tmp_path / "moved", command.file)
    assert not command.is_as_made(command.file)
