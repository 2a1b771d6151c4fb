#!/bin/sh
# Configures (once) and builds a preset: tools/build.sh release [TARGET...]
# With targets, what only the tests need is not asked for.
set -eu
cd "$(dirname "$0")/.."
preset=$1
shift
folder="build/$preset"
tests=ON
[ $# -eq 0 ] || tests=OFF

is_configured() {
  [ -f "$folder/build.ninja" ] || return 1
  [ "$tests" = OFF ] || grep -q '^HEARTH_TESTS:BOOL=ON$' "$folder/CMakeCache.txt"
}

if ! is_configured; then
  echo "build: configuring $preset"
  mkdir -p "$folder"
  cmake --preset "$preset" -DHEARTH_TESTS="$tests" >"$folder/configure.log" 2>&1 || {
    cat "$folder/configure.log" >&2
    exit 1
  }
fi
echo "build: $preset"
if [ $# -eq 0 ]; then
  cmake --build "$folder"
else
  cmake --build "$folder" --target "$@"
fi
