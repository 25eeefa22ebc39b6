#!/bin/sh
# Become a script whose launch was prepared before; leave everything else to the Python launcher.
# launch/record.py says what a record holds and when it is true. This reads the same lines, forks and decides nothing.
# The file of an installed command reads it in, which spares it a second shell, and sets pyscript_itself.
tab='	' newline='
'
recognise() { # the launch in "$@"; sets program and skipped
    variables="$HOME$tab$XDG_CONFIG_HOME$tab$PYSCRIPT_CONFIG_FILE$tab$PYSCRIPT_PYTHON$tab$PYSCRIPT_INDEX_URL$tab\
$PYSCRIPT_EXTRA_INDEX_URL$tab$PYSCRIPT_FIND_LINKS$tab$PYSCRIPT_NO_INDEX$tab$PYSCRIPT_NO_BUILD$tab\
$PYSCRIPT_NO_BUILD_PACKAGE$tab$PYSCRIPT_NO_BINARY$tab$PYSCRIPT_NO_BINARY_PACKAGE$tab$PYSCRIPT_OFFLINE$tab\
$PYSCRIPT_REFRESH$tab$PYSCRIPT_UPGRADE$tab$PYSCRIPT_MAX_AGE$tab$PYSCRIPT_TIMEOUT$tab$PYSCRIPT_RETRIES$tab\
$PYSCRIPT_LINK_MODE$tab$PYSCRIPT_ENV_FILE$tab$PYSCRIPT_CONSTRAINT$tab$PYSCRIPT_OVERRIDE$tab$PYSCRIPT_PRERELEASE$tab\
$PYSCRIPT_RESOLUTION$tab$PYSCRIPT_EXCLUDE_NEWER$tab$PYSCRIPT_EXCLUDE_NEWER_PACKAGE$tab$PYSCRIPT_LOCKED$tab\
$PYSCRIPT_FROZEN$tab$PYSCRIPT_NO_PIP_CONFIG$tab$PIP_CONFIG_FILE$tab$PIP_INDEX_URL$tab$PIP_EXTRA_INDEX_URL$tab\
$PIP_FIND_LINKS$tab$PIP_NO_INDEX$tab$XDG_CONFIG_DIRS"
    records=${PYSCRIPT_CACHE_DIR:-${XDG_CACHE_HOME:-$HOME/.cache}/pyscript}/launch-v1 words='' tokens=''
    for word; do
        case $records$word in [!/]* | *..* | *"$tab"* | *\\* | */) return 1 ;; esac
        case $words:$word in
            :-* | :run | -*:* | run*:*)
                words=${words:+$words }$word tokens=${tokens:+$tokens$tab}$word
                place=/@options/@anywhere/$words && [ ${#words} -lt 1000 ] || return
                [ -e "$records$place.launch" ] || place=/@options${PWD%/}/$words ;;
            :/*) place=$word ;;
            *) place=${PWD%/}/${word#./} ;;
        esac
        # shellcheck disable=SC3067 # not POSIX, but in every shell that is an sh; another one's record decides nothing
        record=$records$place.launch && [ -O "$record" ] && holds "$word" "$place$tab$tokens" <"$record" && return
        [ "$words" ] || return
    done
    return 1
}
holds() { # the record on stdin, of a launch of $1; $2 are its place and the tokens
    IFS= read -r line && [ "$line" = "pyscript 3$tab$variables$tab$2" ] &&
        read -r skipped program && [ "$skipped" -ge 0 ] && [ -f "$program" ] && [ -x "$program" ] || return
    while read -r kind stamp size file; do
        case $kind in
            =) [ -e "$file" ] && [ -e "$records/@stamps/$stamp" ] && ! [ "$file" -nt "$records/@stamps/$stamp" ] &&
                ! [ "$file" -ot "$records/@stamps/$stamp" ] || return ;;
            -) [ ! -e "$file" ] || return ;;
            *) break ;;
        esac
    done
    [ "$kind $stamp" = "--- $skipped" ] && lines=0 head='' || return
    while IFS= read -r line; do lines=$((lines + 1)) head=$head$line$newline; done
    [ -z "$line" ] && [ "$lines" = "$size" ] || return
    [ -z "$head" ] && return
    # A script that is younger than the record may have got a lock at its end, where this does not read.
    [ -f "$1" ] && ! [ "$1" -nt "$record" ] && begins <"$1"
}
begins() { # the script on stdin, with $head; the line behind it must not go on with the block
    text=''
    while IFS= read -r line && text=$text$line$newline; do
        case $head in "$text") break ;; "$text"*) ;; *) return 1 ;; esac
    done
    [ "$text" = "$head" ] && { IFS= read -r line || :; } && case $line in '#'*) return 1 ;; esac
}
if recognise "$@" 2>/dev/null; then
    shift "$skipped" && unset PYTHONHOME __PYVENV_LAUNCHER__
    export PATH="${program%/*}${PATH:+:$PATH}" VIRTUAL_ENV="${program%/bin/*}"
    true 2>/dev/null >"$VIRTUAL_ENV/used"
    exec "$program" "$@"
fi
self=${pyscript_itself:-$0} && [ -L "$self" ] && self=$(readlink -f -- "$self")
for launcher in "${self%/*}"/../lib/python3.*/site-packages/launcher/__main__.py; do
    python=${launcher%/site-packages/*} python=${self%/*}/${python##*/}
    [ -f "$launcher" ] && [ -x "$python" ] && exec "$python" -I -S "$launcher" "$@"
done
exec "${self%/*}/pyscript-launcher" "$@" # in other layouts (editable, --user, Debian's) the entry point knows its Python
