#!/bin/bash
# Mutation of the kernels' barriers (test/Emulator/mutate_barriers.py), with the
# Python and the emulator of the build folder.
set -euo pipefail
# shellcheck source=tools/setup.sh
. "$(dirname "${BASH_SOURCE[0]}")/setup.sh"

python=$build/venv/bin/python
[ -x "$python" ] || die 69 "no $python: run tools/check.sh first"
export DSA_BUILD_DIR=$build
exec "$python" "$root/test/Emulator/mutate_barriers.py" "$@"
