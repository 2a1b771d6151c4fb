#!/bin/sh
# Builds the numeric layers for 64-bit Arm and passes their tests under qemu, on three processors at once:
#   max          all features: i8mm
#   neoverse-n1  dot products without i8mm
#   cortex-a72   plain NEON
# Of models_test only the logits of whole models: damaged files take minutes under qemu and no kernel's path.
set -eu
cd "$(dirname "$0")/.."
tools/install.sh --neon
tools/arm64_sysroot.sh
if [ ! -f build/neon/build.ninja ]; then
  echo "build: configuring neon"
  cmake --preset neon >/dev/null
fi
echo "build: neon"
cmake --build --preset neon
python3 tools/check_isa_objects.py build/neon

libraries=$PWD/build/arm64-sysroot/usr/lib/aarch64-linux-gnu
emulate() { # PROGRAM ARGUMENT... on $cpu, which must be found to have $level
  program=$1
  shift
  qemu-aarch64 -L /usr/aarch64-linux-gnu -E LD_LIBRARY_PATH="$libraries" -E HEARTH_TEST_ISA="$level" -cpu "$cpu" \
    "build/neon/bin/$program" --gtest_brief=1 "$@"
}
pass_all() {
  emulate base_test
  emulate quant_test
  emulate compute_test
  emulate models_test --gtest_filter='*cpu_backend_agrees_too*'
}

jobs=""
for pair in max:i8mm neoverse-n1:dotprod cortex-a72:neon; do
  cpu=${pair%:*} level=${pair#*:}
  pass_all >"build/neon/$cpu.log" 2>&1 &
  jobs="$jobs $cpu:$!"
done
failed=""
for job in $jobs; do
  wait "${job#*:}" || failed="$failed ${job%:*}"
  echo "test: neon, ${job%:*}"
  cat "build/neon/${job%:*}.log"
done
[ -z "$failed" ] || { echo "test: failed on$failed" >&2; exit 1; }
