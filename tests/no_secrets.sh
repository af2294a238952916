#!/bin/sh
# no_secrets.sh LOG: nothing that a test run wrote holds a secret of the sandbox's or a token that it issued.
if grep -n -E 'SANDBOX-(SECRET|TOKEN)' "$1"; then
    echo "The test run shows secrets: see above, or $1." >&2
    exit 1
fi
