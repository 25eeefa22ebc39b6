"""Completion for bash, 3.2 and newer: one function, and tables of words in it."""

from __future__ import annotations

from launcher.cli.completions.syntax import Kind, Syntax, value_groups, valued_names

_SCRIPT = """\
# Completion of pyscript for bash, made by `pyscript completion bash`.
_pyscript() {{
    local current=${{COMP_WORDS[COMP_CWORD]}} command='' target='' option='' word i=0
    local valued=' {valued} '
    COMPREPLY=()
    while ((++i < COMP_CWORD)); do
        word=${{COMP_WORDS[i]}}
        case $word in
            -m | -c | -) [[ $command == '' || $command == run ]] && target=$word && break ;;
            --) target=$word && break ;;
            -*)
                if [[ $valued == *" $word "* ]]; then
                    [[ ${{COMP_WORDS[i + 1]}} == = ]] && ((i++))
                    ((++i >= COMP_CWORD)) && option=$word
                fi ;;
            *)
                case $command:$word in
{commands}
                    {ending}) target=$word && break ;;
                esac ;;
        esac
    done
    [[ $current == = ]] && current=''
    if [[ $option ]]; then
        case $option in
{values}
        esac
    elif [[ $target ]]; then
        _pyscript_files
    elif [[ $current == -* ]]; then
        case $command in
{options}
        esac
    else
        case $command in
{operands}
        esac
    fi
}}
_pyscript_words() {{
    local word
    while IFS= read -r word; do COMPREPLY+=("$word"); done < <(compgen -W "$1" -- "$current")
}}
_pyscript_files() {{ # those that end as $1 says, and directories
    local word
    while IFS= read -r word; do
        if [[ -d $word || ! $1 || $word =~ $1 ]]; then COMPREPLY+=("$word"); fi
    done < <(compgen -f -- "$current")
    compopt -o filenames 2>/dev/null
}}
_pyscript_scripts() {{ _pyscript_files '\\.(py|pyw|pyz)$'; }}
_pyscript_directories() {{ _pyscript_files /; }}
_pyscript_installed() {{
    local data=${{XDG_DATA_HOME:-$HOME/.local/share}}/pyscript path
    [[ $OSTYPE == darwin* ]] && data="$HOME/Library/Application Support/pyscript"
    for path in "${{PYSCRIPT_DATA_DIR:-$data}}"/commands/*/*/command.json; do
        path=${{path%/*/command.json}}
        [[ -d $path && ${{path##*/}} == "$current"* ]] && COMPREPLY+=("${{path##*/}}")
    done
}}
complete -F _pyscript pyscript
"""

_FUNCTIONS = {
    Kind.SCRIPT: "_pyscript_scripts",
    Kind.FILE: "_pyscript_files",
    Kind.DIRECTORY: "_pyscript_directories",
    Kind.INSTALLED: "_pyscript_installed",
}


def bash_completion(found: list[Syntax]) -> str:
    """Return the script that teaches bash the syntax of pyscript."""
    nested = [syntax for syntax in found if syntax.path]
    return _SCRIPT.format(
        valued=" ".join(valued_names(found)),
        commands="\n".join(
            f"                    '{' '.join(syntax.path[:-1])}:{syntax.path[-1]}') command='{syntax.command}' ;;"
            for syntax in nested
        ),
        ending=" | ".join(f"'{syntax.command}':*" for syntax in found if syntax.ends_at_target),
        values="\n".join(
            f"            {' | '.join(names)}) {_reply(choices, kind)} ;;"
            for (kind, choices), names in value_groups(found).items()
        ),
        options="\n".join(f"            '{each.command}') _pyscript_words '{_names(each)}' ;;" for each in found),
        operands="\n".join(
            f"            '{each.command}') {reply} ;;" for each in found if (reply := _reply_to_operand(each))
        ),
    )


def _reply(choices: tuple[str, ...], kind: Kind) -> str:
    return f"_pyscript_words '{' '.join(choices)}'" if choices else _FUNCTIONS[kind]


def _names(syntax: Syntax) -> str:
    return " ".join(name for option in syntax.options for name in option.names)


def _reply_to_operand(syntax: Syntax) -> str:
    words = [f"_pyscript_words '{' '.join(word for word, _ in syntax.words)}'"] if syntax.words else []
    return "; ".join([*words, *(_FUNCTIONS[kind] for kind in syntax.operands)])
