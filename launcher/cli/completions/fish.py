"""Completion for fish: a line for each option and command, and what says where on the command line one is."""

from __future__ import annotations

from collections.abc import Iterator

from launcher.cli.completions.syntax import Kind, Option, Syntax, valued_names

_SCRIPT = """\
# Completion of pyscript for fish, made by `pyscript completion fish`.
function __pyscript_at --description 'whether the words before the cursor lead to this command'
    set -l at ''
    set -l is_value 0
    for word in (commandline -opc)[2..-1]
        if test $is_value = 1
            set is_value 0
            continue
        end
        switch $word
            case -m -c - --
                set at "$at target"
                break
            case {valued}
                set is_value 1
            case '-*'
                continue
            case '*'
                set -l longer (string trim -- "$at $word")
                if contains -- $longer {commands}
                    set at $longer
                else if contains -- "$at" {ending}
                    set at "$at target"
                    break
                end
        end
    end
    test "$at" = "$argv[1]"
end
function __pyscript_scripts
    set -l current (string replace -r '^~(?=/)' $HOME -- (commandline -ct))
    for path in $current*/ $current*.py $current*.pyw $current*.pyz
        echo $path
    end
end
function __pyscript_installed
    set -l data $HOME/.local/share/pyscript
    set -q XDG_DATA_HOME; and set data $XDG_DATA_HOME/pyscript
    test (uname) = Darwin; and set data "$HOME/Library/Application Support/pyscript"
    set -q PYSCRIPT_DATA_DIR; and set data $PYSCRIPT_DATA_DIR
    for path in $data/commands/*/*/command.json
        basename (dirname (dirname $path))
    end
end
complete -c pyscript -f
{targets}
{lines}
"""

_ARGUMENTS = {
    Kind.SCRIPT: "-x -a '(__pyscript_scripts)'",
    Kind.FILE: "-r -F",
    Kind.DIRECTORY: "-x -a '(__fish_complete_directories)'",
    Kind.INSTALLED: "-x -a '(__pyscript_installed)'",
    Kind.ANYTHING: "-x",
}


def fish_completion(found: list[Syntax]) -> str:
    """Return the script that teaches fish the syntax of pyscript."""
    ending = [syntax.command for syntax in found if syntax.ends_at_target]
    return _SCRIPT.format(
        valued=" ".join(valued_names(found)),
        commands=" ".join(_quoted(syntax.command) for syntax in found if syntax.path),
        ending=" ".join(map(_quoted, ending)),
        targets="\n".join(f"complete -c pyscript -n {_at(f'{command} target')} -F" for command in ending),
        lines="\n".join(line for syntax in found for line in _lines(syntax)),
    )


def _lines(syntax: Syntax) -> Iterator[str]:
    start = f"complete -c pyscript -n {_at(syntax.command)}"
    for word, text in syntax.words:
        yield f"{start} -a {word} -d {_quoted(text)}"
    for kind in syntax.operands:
        yield f"{start} {_ARGUMENTS[kind]}"
    for option in syntax.options:
        yield f"{start} {_names(option)}{_value(option)} -d {_quoted(option.help)}"


def _names(option: Option) -> str:
    return " ".join(f"-l {name[2:]}" if name.startswith("--") else f"-s {name[1:]}" for name in option.names)


def _value(option: Option) -> str:
    if option.choices:
        return f" -x -a {_quoted(' '.join(option.choices))}"
    return f" {_ARGUMENTS[option.kind]}" if option.kind else ""


def _at(command: str) -> str:
    return _quoted(f"__pyscript_at {_quoted(command)}")


def _quoted(text: str) -> str:
    return "'" + text.replace("\\", "\\\\").replace("'", "\\'") + "'"
