#!/bin/bash
# The pinned ptxas, CUDA's assembler, without CUDA.
set -euo pipefail
# shellcheck source=tools/setup.sh
. "$(dirname "${BASH_SOURCE[0]}")/setup.sh"

usage="usage: tools/get-ptxas.sh [--help]

Puts the ptxas of tools/ptxas-requirements.txt into cuda/bin of the build folder,
from a package of PyPI (40 MB), under NVIDIA's license. Tests find it there; for
other programs set CUDA_HOME to that cuda folder. Needs tools/check.sh or
tools/quickstart.sh to have run once, and no network if it is there already.

$environment_help"

case $#:${1:-} in
0:) ;;
1:--help | 1:-h)
  echo "$usage"
  exit 0
  ;;
*)
  echo "$usage" >&2
  exit 2
  ;;
esac

requirements=$root/tools/ptxas-requirements.txt
python=$build/venv/bin/python
ptxas=$build/cuda/bin/ptxas
want=$(sha256sum <"$requirements")
if [ "$(cat "$build/cuda/.installed" 2>/dev/null)" = "$want" ] &&
  "$ptxas" --version >/dev/null 2>&1; then
  exit 0
fi
[ -x "$python" ] || die 69 "no $python; run tools/check.sh first"

rm -rf "$build/cuda"
mkdir -p "$build/cuda/bin"
trap 'rm -rf "$build/cuda/package"' EXIT
timeout 600 "$python" -m pip install --quiet --disable-pip-version-check --no-input \
  --retries 1 --timeout 15 --no-deps --no-compile --only-binary=:all: --require-hashes \
  --target "$build/cuda/package" --requirement "$requirements" ||
  die 69 "pip could not install the package of tools/ptxas-requirements.txt; is there a network?"
mv "$build/cuda/package/nvidia/cu13/bin/ptxas" "$ptxas"
"$ptxas" --version >/dev/null || die 69 "the ptxas of PyPI does not run here"
echo "$want" >"$build/cuda/.installed"
