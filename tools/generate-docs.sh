#!/bin/bash
# The pages under docs/generated.
set -euo pipefail
# shellcheck source=tools/setup.sh
. "$(dirname "${BASH_SOURCE[0]}")/setup.sh"

usage="usage: tools/generate-docs.sh [--update | --help]

Compares docs/generated with what mlir-tblgen makes of the .td files, and
tools/gpu-resources/table.py of test/golden/gpu-resources.json: prints the
difference and exits 1 if there is any. --update writes the files instead."

update=false
case $#:${1:-} in
0:) ;;
1:--update) update=true ;;
1:--help | 1:-h)
  echo "$usage"
  exit 0
  ;;
*)
  echo "$usage" >&2
  exit 2
  ;;
esac

tblgen=$llvm/bin/mlir-tblgen
[ -x "$tblgen" ] || die 69 "no $tblgen; install the package mlir-22-tools"
cd "$root"
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT

generate() { # NAME TD-FILE GENERATOR...
  local name=$1 td=$2
  shift 2
  {
    echo "<!-- Generated from $td by tools/generate-docs.sh --update; do not edit. -->"
    "$tblgen" "$@" -I include -I "$llvm/include" "$td"
  } >"$scratch/$name"
}
generate Ops.md include/dsa/IR/DSAOps.td -gen-dialect-doc -dialect=dsa
generate GPUOps.md include/dsa/GPU/DSAGPUOps.td -gen-dialect-doc -dialect=dsa_gpu
generate Passes.md include/dsa/Passes.td -gen-pass-doc
find_python || die 69 "no Python 3.11 or newer with venv; run as root: apt-get install python3-venv"
PYTHONDONTWRITEBYTECODE=1 "$python" tools/gpu-resources/table.py --page >"$scratch/GPUResources.md"

if $update; then
  mkdir -p docs/generated
  cp "$scratch"/*.md docs/generated/
elif ! diff -ru docs/generated "$scratch"; then
  die 1 "docs/generated is not what its sources say; run tools/generate-docs.sh --update"
fi
