#!/bin/sh
# Puts Debian's arm64 builds of the libraries that Hearth and its tests link into build/arm64-sysroot, for the
# cross build of the preset `neon`. Needs no root and installs nothing: apt keeps its own state there.
# Nothing to do takes no time.
set -eu
cd "$(dirname "$0")/.."

packages="libfmt-dev libfmt9 libspdlog-dev libspdlog1.10 libhwloc-dev libhwloc15
nlohmann-json3-dev libcli11-dev libutf8proc-dev libedit-dev libssl-dev libudev1
libgtest-dev libgmock-dev"

sysroot=$PWD/build/arm64-sysroot
[ "$(cat "$sysroot/packages" 2>/dev/null)" != "$packages" ] || exit 0

echo "arm64: fetching" $packages
rm -rf "$sysroot"
apt=$sysroot/apt
mkdir -p "$apt/state/lists/partial" "$apt/cache/archives/partial" "$apt/packages"
arm64_apt() {
  apt-get -q -o Dir::State="$apt/state" -o Dir::State::status=/dev/null -o Dir::Cache="$apt/cache" \
    -o APT::Architecture=arm64 -o APT::Architectures=arm64 -o APT::Sandbox::User= "$@"
}
arm64_apt update >"$apt/log"
(cd "$apt/packages" && arm64_apt download $packages >>"$apt/log")
for package in "$apt/packages"/*.deb; do dpkg -x "$package" "$sysroot"; done
rm -rf "$apt"
printf '%s' "$packages" >"$sysroot/packages"
