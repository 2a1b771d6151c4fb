#!/bin/sh
# Installs the Debian packages that building Hearth needs; --test: also those of its tests, --fuzz: of its
# fuzzers, --neon: of the cross build for 64-bit Arm. Says what it does.
# Nothing to do takes well under a second.
set -eu

packages="g++ cmake ninja-build pkg-config make
libfmt-dev libspdlog-dev nlohmann-json3-dev libcli11-dev
libutf8proc-dev libedit-dev libhwloc-dev libssl-dev
python3 python3-pip ca-certificates"
[ "${1:-}" = "--test" ] && packages="$packages googletest libgtest-dev libgmock-dev clang-format-14"
[ "${1:-}" = "--fuzz" ] && packages="$packages clang-19 libclang-rt-19-dev"
[ "${1:-}" = "--neon" ] && packages="$packages g++-12-aarch64-linux-gnu qemu-user"

# cargo 1.85 or newer: what is on the PATH, else Debian's.
cargo_minor=$(cargo --version 2>/dev/null | sed -n 's/^cargo 1\.\([0-9]*\).*/\1/p')
[ "${cargo_minor:-0}" -ge 85 ] || packages="$packages cargo-web rustc-web"

missing=""
for package in $packages; do
  state=$(dpkg-query -W -f '${db:Status-Status}' "$package" 2>/dev/null || true)
  [ "$state" = installed ] || missing="$missing $package"
done
[ -n "$missing" ] || exit 0

as_root=""
if [ "$(id -u)" -ne 0 ]; then
  command -v sudo >/dev/null || {
    echo "install: need root or sudo to install:$missing" >&2
    exit 1
  }
  as_root="sudo"
fi
echo "install: Debian packages:$missing"
$as_root env DEBIAN_FRONTEND=noninteractive apt-get update -q
$as_root env DEBIAN_FRONTEND=noninteractive apt-get install -y -q --no-install-recommends $missing
