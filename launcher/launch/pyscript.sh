#!/bin/sh
# pyscript: start the Python launcher of this installation, isolated from PYTHONPATH and the current directory.
self=$0
[ -L "$self" ] && self=$(readlink -f -- "$self")
bin=${self%/*}
for launcher in "$bin"/../lib/python3.*/site-packages/launcher/__main__.py; do
    python=${launcher%/site-packages/*}
    python=$bin/${python##*/}
    if [ -f "$launcher" ] && [ -x "$python" ]; then
        exec "$python" -I -S "$launcher" "$@"
    fi
done
# Installed in some other layout (editable, --user, Debian's): the entry point knows its interpreter.
exec "$bin/pyscript-launcher" "$@"
