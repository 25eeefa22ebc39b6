"""Completion for zsh: a function that may be autoloaded, or read in, which shows what each word does."""

from __future__ import annotations

from launcher.cli.completions.syntax import Kind, Syntax, value_groups, valued_names

_SCRIPT = """\
#compdef pyscript
# Completion of pyscript for zsh, made by `pyscript completion zsh`.
_pyscript() {{
    local command='' target='' option='' word i
    local -a valued found
    valued=({valued})
    for ((i = 2; i < CURRENT; i++)); do
        word=$words[i]
        case $word in
            -m | -c | -) [[ $command == '' || $command == run ]] && target=$word && break ;;
            --) target=$word && break ;;
            -*)
                if (( $valued[(Ie)$word] )); then
                    (( ++i >= CURRENT )) && option=$word
                fi ;;
            *)
                case $command:$word in
{commands}
                    {ending}) target=$word && break ;;
                esac ;;
        esac
    done
    if [[ ! $option && ! $target && $words[CURRENT] == --*=* ]]; then
        option=${{words[CURRENT]%%=*}}
        compset -P '*='
    fi
    if [[ $option ]]; then
        case $option in
{values}
        esac
    elif [[ $target ]]; then
        _files
    elif [[ $words[CURRENT] == -* ]]; then
        case $command in
{options}
        esac
        _describe -o option found
    else
        case $command in
{operands}
        esac
    fi
}}
_pyscript_words() {{ found=("$@"); _describe word found; }}
_pyscript_scripts() {{ _files -g '*.(py|pyw|pyz)(-.)'; }}
_pyscript_directories() {{ _files -/; }}
_pyscript_installed() {{
    local data=${{XDG_DATA_HOME:-$HOME/.local/share}}/pyscript
    [[ $OSTYPE == darwin* ]] && data="$HOME/Library/Application Support/pyscript"
    found=(${{PYSCRIPT_DATA_DIR:-$data}}/commands/*/*/command.json(N:h:h:t))
    (( $#found )) && compadd -- $found
}}
if [[ $funcstack[1] == _pyscript ]]; then
    _pyscript "$@"
else
    compdef _pyscript pyscript
fi
"""

_FUNCTIONS = {
    Kind.SCRIPT: "_pyscript_scripts",
    Kind.FILE: "_files",
    Kind.DIRECTORY: "_pyscript_directories",
    Kind.INSTALLED: "_pyscript_installed",
}


def zsh_completion(found: list[Syntax]) -> str:
    """Return the script that teaches zsh the syntax of pyscript."""
    nested = [syntax for syntax in found if syntax.path]
    return _SCRIPT.format(
        valued=" ".join(valued_names(found)),
        commands="\n".join(
            f"                    '{' '.join(syntax.path[:-1])}:{syntax.path[-1]}') command='{syntax.command}' ;;"
            for syntax in nested
        ),
        ending=" | ".join(f"'{syntax.command}':*" for syntax in found if syntax.ends_at_target),
        values="\n".join(
            f"            {' | '.join(names)}) {_reply(tuple((each, '') for each in choices), kind)} ;;"
            for (kind, choices), names in value_groups(found).items()
        ),
        options="\n".join(f"            '{each.command}') found=({_options(each)}) ;;" for each in found),
        operands="\n".join(
            f"            '{each.command}') {reply} ;;" for each in found if (reply := _reply_to_operand(each))
        ),
    )


def _reply(words: tuple[tuple[str, str], ...], kind: Kind) -> str:
    return "_pyscript_words " + " ".join(_described(*each) for each in words) if words else _FUNCTIONS[kind]


def _options(syntax: Syntax) -> str:
    return " ".join(_described(name, option.help) for option in syntax.options for name in option.names)


def _reply_to_operand(syntax: Syntax) -> str:
    words = ["_pyscript_words " + " ".join(_described(*each) for each in syntax.words)] if syntax.words else []
    return "; ".join([*words, *(_FUNCTIONS[kind] for kind in syntax.operands)])


def _described(word: str, text: str) -> str:
    """Return a word with what it does, as `_describe` reads it, quoted."""
    escaped = word.replace(":", "\\:") + (f":{text}" if text else "")
    return "'" + escaped.replace("'", "'\\''") + "'"
