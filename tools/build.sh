#!/bin/sh
# Configures (once) and builds a preset: tools/build.sh release [TARGET...]
set -eu
cd "$(dirname "$0")/.."
preset=$1
shift
if [ ! -f "build/$preset/build.ninja" ]; then
  echo "build: configuring $preset"
  mkdir -p "build/$preset"
  cmake --preset "$preset" >"build/$preset/configure.log" 2>&1 || {
    cat "build/$preset/configure.log" >&2
    exit 1
  }
fi
echo "build: $preset"
if [ $# -eq 0 ]; then
  cmake --build "build/$preset"
else
  cmake --build "build/$preset" --target "$@"
fi
