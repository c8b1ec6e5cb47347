// CPUs that cannot be made kernels for are errors that say what would do.

// RUN: not dsa-opt %s --dsa-to-cpu=cpu=z80 2>&1 | FileCheck %s --check-prefix=CPU
// CPU: error: cpu 'z80' is not one that LLVM knows for x86_64; `llc -march=... -mcpu=help` lists them

// RUN: not dsa-opt %s --dsa-to-cpu="triple=x86_64-linux-gnu features=avx2" 2>&1 | FileCheck %s --check-prefix=SIGN
// SIGN: error: features has 'avx2', but takes a list of +name and -name that LLVM knows for x86_64, such as -avx512bf16

// RUN: not dsa-opt %s --dsa-decompose-for-cpu="triple=x86_64-linux-gnu features=-avx2,+sse9" 2>&1 | FileCheck %s --check-prefix=FEATURE
// FEATURE: error: features has '+sse9'

// RUN: not dsa-opt %s --dsa-attach-cpu-target="triple=riscv64-linux-gnu cpu=generic" 2>&1 | FileCheck %s --check-prefix=TRIPLE
// TRIPLE: error: triple 'riscv64-linux-gnu' is not of a CPU that kernels are made for: x86_64 or aarch64

// RUN: not dsa-opt %s --dsa-cpu-pipeline="triple=aarch64-linux-gnu" 2>&1 | FileCheck %s --check-prefix=HOST
// HOST: error: cpu=host is x86_64, but the triple asks for aarch64; name the CPU too

// RUN: not dsa-opt %s --dsa-to-cpu="triple=i686-linux-gnu cpu=znver4" 2>&1 | FileCheck %s --check-prefix=NARROW
// NARROW: error: triple 'i686-linux-gnu' is not of a CPU that kernels are made for: x86_64 or aarch64

// RUN: not dsa-opt %s --dsa-to-cpu="triple=x86_64-linux-gnu cpu=znver4 features=-64bit" 2>&1 | FileCheck %s --check-prefix=BITS
// BITS: error: features '-64bit' turn off 64bit, which x86_64 needs

// RUN: not dsa-opt %s --dsa-cpu-pipeline=l1-bytes=-1 2>&1 | FileCheck %s --check-prefix=L1
// L1: error: l1-bytes is -1, but must be positive, or 0 for the host's
// RUN: not dsa-opt %s --dsa-to-cpu=l2-bytes=-4096 2>&1 | FileCheck %s --check-prefix=L2
// L2: error: l2-bytes is -4096, but must be positive, or 0 for the host's

func.func @f() {
  return
}
