#!/bin/sh
# with.sh TOOL PACKAGE COMMAND...: runs the command if the tool is there. If not, says what is skipped; where nothing
# may be skipped (TOKENKEEP_NO_SKIP=1) that is a failure.
tool=$1 package=$2
shift 2
if command -v "$tool" >/dev/null 2>&1; then
    exec "$@"
fi
line="skipped: $tool (install: apt-get install $package)"
echo "$line" >&2
[ "${TOKENKEEP_NO_SKIP:-}" != 1 ] || exit 1
mkdir -p "${CARGO_TARGET_DIR:-target}"
echo "$line" >>"${CARGO_TARGET_DIR:-target}/skipped"
