#!/bin/bash
# Installs what is missing, builds, and runs DeepSeek-V3.2's attention core.
set -euo pipefail
# shellcheck source=tools/setup.sh
. "$(dirname "${BASH_SOURCE[0]}")/setup.sh"

usage="usage: tools/quickstart.sh [--help]

Installs the Debian packages that are missing, builds the project into ./build,
compiles DeepSeek-V3.2's attention core (indexer, top-k, sparse attention of 64
query rows over 32,768 keys) for this CPU with dsa-run, runs it on all cores on
inputs with the statistics of real models, says how far from the roof of the
machine that was and checks the results against a float64 reference; then the
attention of one row as PTX for a GPU, on the emulator. With everything in place
it needs no network. The last line is 'quickstart: ok ...' if all went well.

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

step_total=5
open_build_folder

begin "packages"
setup_packages "${build_needs[@]}"
finish

begin "python packages"
setup_python
finish

begin "configure $build"
configure "$build" OFF || die 1 "cmake could not configure the project"
finish

begin "build"
compile "$build" || die 1 "the build failed"
finish

begin "compile and run DeepSeek-V3.2's attention core"
"$build/venv/bin/python" "$root/tools/quickstart.py" --build="$build"
