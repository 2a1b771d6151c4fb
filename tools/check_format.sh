#!/bin/sh
# Every C++ file as clang-format 14 lays it out; --fix rewrites.
set -eu
cd "$(dirname "$0")/.."
mode="--dry-run -Werror"
[ "${1:-}" = "--fix" ] && mode="-i"
git ls-files -z --cached --others --exclude-standard -- '*.cc' '*.h' | xargs -0 -r clang-format-14 $mode
echo "format: as clang-format 14 lays it out"
