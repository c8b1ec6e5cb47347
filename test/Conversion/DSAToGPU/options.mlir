// Each option of the schedule and of the division of work, and what is refused.

// RUN: dsa-opt %s -dsa-to-gpu="chip=sm_90 stages=4" | FileCheck %s --check-prefix=STAGES
// RUN: dsa-opt %s -dsa-to-gpu="chip=sm_80 heads=32 query-steps=3" | FileCheck %s --check-prefix=HEADS
// RUN: dsa-opt %s -dsa-to-gpu="chip=sm_80 heads=32 warps=4 stages=1 keys=64" | FileCheck %s --check-prefix=WARPS
// RUN: dsa-opt %s -dsa-to-gpu="chip=sm_80 score-passes=1" | FileCheck %s --check-prefix=PASSES
// RUN: dsa-opt %s -dsa-to-gpu="chip=sm_80 sm-count=17" | FileCheck %s --check-prefix=COUNT
// RUN: dsa-opt %s -dsa-to-gpu="chip=sm_80 batch-invariant" | FileCheck %s --check-prefix=INVARIANT

// STAGES: shared_bytes = 226048
// HEADS-COUNT-3: scf.yield
// HEADS: dsa_gpu.launch {{.*}} threads = 256
// WARPS: dsa_gpu.launch {{.*}} threads = 128 shared_bytes = 115072
// One pass holds the sums of 32 keys at once: 16 fragments, then 72 products.
// PASSES-COUNT-72: nvvm.mma.sync
// COUNT: %[[SMS:.*]] = arith.constant 17 : index
// COUNT: arith.divui %[[SMS]]
// The tiles of a split are 16, whatever the rows.
// INVARIANT: %[[TILES:.*]] = arith.constant 16 : index
// INVARIANT-NOT: arith.divui %c108
// INVARIANT: scf.for

// RUN: not dsa-opt %s -dsa-to-gpu=chip=sm_75 2>&1 | FileCheck %s --check-prefix=CHIP
// CHIP: error: chip 'sm_75' is not one that kernels are made for: sm_80, sm_86, sm_89, sm_90, sm_100, sm_120
// RUN: not dsa-opt %s -dsa-to-gpu=sm-count=-3 2>&1 | FileCheck %s --check-prefix=FEW
// FEW: error: sm-count is -3, but must be at least 1, or 0 for that of the chip
// RUN: not dsa-opt %s -dsa-to-gpu="chip=sm_86 heads=64 warps=8" 2>&1 | FileCheck %s --check-prefix=LIMIT
// LIMIT: 'dsa.sparse_attention' op needs 115072 bytes of shared memory, but a block on sm_86 has at most 101376
// RUN: not dsa-opt %s -dsa-to-gpu=warps=5 2>&1 | FileCheck %s --check-prefix=FIVE
// FIVE: op has no such schedule: warps is 5, but must be a multiple of 4
// RUN: not dsa-opt %s -dsa-to-gpu=heads=24 2>&1 | FileCheck %s --check-prefix=EIGHT
// EIGHT: op has no such schedule: heads is 24, but must be a multiple of 16 with 4 warps
// RUN: not dsa-opt %s -dsa-to-gpu=keys=48 2>&1 | FileCheck %s --check-prefix=KEYS
// KEYS: op has no such schedule: keys is 48, but must be a multiple of 32 with 4 warps
// RUN: not dsa-opt %s -dsa-to-gpu=keys=96 2>&1 | FileCheck %s --check-prefix=MANY
// MANY: op has no such schedule: keys is 96, but must be at most 64
// RUN: not dsa-opt %s -dsa-to-gpu=query-steps=10 2>&1 | FileCheck %s --check-prefix=STEPS
// STEPS: op has no such schedule: query-steps is 10, but must be at most 9
// RUN: not dsa-opt %s -dsa-to-gpu=score-passes=3 2>&1 | FileCheck %s --check-prefix=THREE
// THREE: op has no such schedule: score-passes is 3, but must divide the 2 pairs of key tiles of a warp
// RUN: not dsa-opt %s -dsa-to-gpu=stages=-1 2>&1 | FileCheck %s --check-prefix=NEGATIVE
// NEGATIVE: op has no such schedule: stages is -1, but must be positive, or 0 for the default

// RUN: not dsa-opt %s -dsa-to-gpu=warps=2 2>&1 | FileCheck %s --check-prefix=TWO
// TWO: op has no such schedule: warps is 2, but must be a multiple of 4
// RUN: not dsa-opt %s -dsa-to-gpu="heads=128 warps=16" 2>&1 | FileCheck %s --check-prefix=SIXTEEN
// SIXTEEN: op has no such schedule: keys is 32, but must be a multiple of 64 with 16 warps
// RUN: not dsa-opt %s -dsa-to-gpu=stages=17 2>&1 | FileCheck %s --check-prefix=STAGESMOST
// STAGESMOST: op has no such schedule: stages is 17, but must be at most 16
// RUN: not dsa-opt %s -dsa-to-gpu=warps=36 2>&1 | FileCheck %s --check-prefix=MOST
// MOST: op has no such schedule: warps is 36, but must be at most 32
// RUN: not dsa-opt %s -dsa-to-gpu=heads=4611686018427387904 2>&1 | FileCheck %s --check-prefix=HUGE
// HUGE: op has no such schedule: heads is 4611686018427387904, but must be at most 256

func.func @attend(%q: memref<?x128x576xbf16>, %kv: memref<?x576xbf16>, %i: memref<?x2048xi32>,
    %o: memref<?x128x512xbf16>, %l: memref<?x128xf32>) {
  dsa.sparse_attention query(%q : memref<?x128x576xbf16>) keys(%kv : memref<?x576xbf16>)
      indices(%i : memref<?x2048xi32>) scale = 0.1 dv = 512
      outs(%o, %l : memref<?x128x512xbf16>, memref<?x128xf32>)
  return
}
