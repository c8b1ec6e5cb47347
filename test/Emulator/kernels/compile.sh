#!/bin/bash
# Compiles the kernels beside this script to the PTX beside them. The tests use
# that PTX, so only who changes a kernel needs nvcc. Written by nvcc 13.0.88.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")"

compile() { # KERNEL ARCH SUFFIX OPTION...
  local kernel=$1 arch=$2 suffix=$3
  shift 3
  nvcc -ptx "-arch=$arch" "$@" -o "$kernel$suffix.$arch.ptx" "$kernel.cu"
}

rm -f ./*.ptx
for source in *.cu; do
  options=()
  [ "$source" != flush.cu ] || options=(-use_fast_math)
  compile "${source%.cu}" sm_80 "" "${options[@]}"
done
for kernel in gemm_bf16 softmax; do
  compile "$kernel" sm_90 ""
  compile "$kernel" sm_120 ""
done
compile gemm_bf16 sm_80 .racy_barrier -DRACY_BARRIER
compile gemm_bf16 sm_80 .racy_wait -DRACY_WAIT
compile named_barriers sm_80 .racy_empty -DRACY_EMPTY
compile transpose sm_80 .racy_syncwarp -DRACY_SYNCWARP
