#!/bin/sh
# Become a script whose launch was prepared before; leave everything else to the Python launcher.
# launch/record.py says what a record holds and when it is true. This reads the same lines, forks and decides nothing.
tab='	'
recognise() { # the launch in "$@"; sets program, environment and skipped
    variables=$HOME$tab$XDG_CONFIG_HOME$tab$PYSCRIPT_CONFIG_FILE$tab$PYSCRIPT_PYTHON$tab$PYSCRIPT_INDEX_URL
    variables=$variables$tab$PYSCRIPT_EXTRA_INDEX_URL$tab$PYSCRIPT_FIND_LINKS$tab$PYSCRIPT_NO_INDEX$tab$PYSCRIPT_OFFLINE
    variables=$variables$tab$PYSCRIPT_REFRESH$tab$PYSCRIPT_UPGRADE$tab$PYSCRIPT_MAX_AGE$tab$PYSCRIPT_TIMEOUT
    variables=$variables$tab$PYSCRIPT_RETRIES$tab$PYSCRIPT_LINK_MODE$tab$PYSCRIPT_ENV_FILE
    records=${PYSCRIPT_CACHE_DIR:-${XDG_CACHE_HOME:-$HOME/.cache}/pyscript}/launch-v1
    here=${PWD%/} words='' tokens='' count=0
    for word; do
        case $records$word in [!/]* | *..* | *"$tab"* | *\\* | */) return 1 ;; esac
        count=$((count + 1)) words=${words:+$words }$word tokens=${tokens:+$tokens$tab}$word
        case $count:$word in
            1:-* | 1:run) continue ;;
            1:/*) record=$records$word.launch tokens='' count=24 ;;
            1:*) record=$records$here/$word.launch tokens='' count=24 ;;
            25:*) return 1 ;;
            *) record=$records/@options$here/$words.launch ;;
        esac
        # shellcheck disable=SC3067 # not POSIX, but in every shell that is an sh; another one's record decides nothing
        [ -O "$record" ] && holds "$word" "$tokens" <"$record" && return
    done
    return 1
}
holds() { # the record on stdin, of a launch of $1 by the tokens $2
    IFS= read -r line && [ "$line" = 'pyscript 2' ] && IFS= read -r program && [ -x "$program" ] &&
        IFS= read -r environment && IFS= read -r skipped && [ "$skipped" -ge 0 ] && IFS= read -r line &&
        [ "$line" = "$variables" ] && IFS= read -r line && [ "$line" = "$2" ] || return
    while IFS= read -r line && [ "$line" != --- ]; do
        rest=${line#??}
        stamp=$records/@stamps/${rest%% *} file=${rest#* } file=${file#* }
        case $line in
            '- '*) [ ! -e "$rest" ] || return ;;
            '= '*) [ -e "$stamp" ] && [ -e "$file" ] && ! [ "$file" -nt "$stamp" ] && ! [ "$file" -ot "$stamp" ] || return ;;
            *) return 1 ;;
        esac
    done
    [ "$line" = --- ] && if IFS= read -r line; then [ -f "$1" ] && begins 3<"$1"; else [ -z "$line" ]; fi
}
begins() { # the script on descriptor 3, with the head on stdin; the line behind it must not go on with the block
    count=0
    while IFS= read -r found <&3 && [ "$found" = "$line" ] && [ $((count += 1)) -le 200 ]; do
        IFS= read -r line && continue
        [ -z "$line" ] && IFS= read -r found <&3
        case $line$found in '#'*) return 1 ;; *) return 0 ;; esac
    done
    return 1
}
if recognise "$@" 2>/dev/null; then
    shift "$skipped"
    export PATH="$environment/bin${PATH:+:$PATH}" VIRTUAL_ENV="$environment"
    unset PYTHONHOME __PYVENV_LAUNCHER__
    true 2>/dev/null >"$environment/used"
    exec "$program" "$@"
fi
self=$0 && [ -L "$self" ] && self=$(readlink -f -- "$self")
for launcher in "${self%/*}"/../lib/python3.*/site-packages/launcher/__main__.py; do
    python=${launcher%/site-packages/*} python=${self%/*}/${python##*/}
    [ -f "$launcher" ] && [ -x "$python" ] && exec "$python" -I -S "$launcher" "$@"
done
exec "${self%/*}/pyscript-launcher" "$@" # in other layouts (editable, --user, Debian's) the entry point knows its Python
