// Caches decide how many keys are prepared at a time, and where keys that are
// read in place are fetched to: into L1, unless q of a row fills half of it.
//
// RUN: dsa-opt %s --dsa-to-cpu="triple=x86_64-linux-gnu cpu=znver4 l2-bytes=524288" \
// RUN:   --remarks-filter=dsa --remark-format=emitRemark -o /dev/null 2>&1 \
// RUN:   | FileCheck %s --check-prefix=SMALL-L2
// RUN: dsa-opt %s --dsa-to-cpu="triple=x86_64-linux-gnu cpu=znver4 l2-bytes=1048576" \
// RUN:   --remarks-filter=dsa --remark-format=emitRemark -o /dev/null 2>&1 \
// RUN:   | FileCheck %s --check-prefix=LARGE-L2
// RUN: dsa-opt %s --dsa-to-cpu="triple=x86_64-linux-gnu cpu=znver4 l1-bytes=16384" \
// RUN:   | FileCheck %s --check-prefix=SMALL-L1
// RUN: dsa-opt %s --dsa-to-cpu="triple=x86_64-linux-gnu cpu=znver4 l1-bytes=32768" \
// RUN:   | FileCheck %s --check-prefix=LARGE-L1

// SMALL-L2: prepared 16 or 512 at a time
// LARGE-L2: prepared 16 or 1024 at a time
func.func @prepared(%q: memref<?x64x128xbf16>, %k: memref<?x128xf8E4M3FN>, %w: memref<?x64xf32>,
    %o: memref<?x?xf32>) {
  dsa.indexer_scores query(%q : memref<?x64x128xbf16>) keys(%k : memref<?x128xf8E4M3FN>)
      weights(%w : memref<?x64xf32>) outs(%o : memref<?x?xf32>)
  return
}

// SMALL-L1-LABEL: @in_place
// SMALL-L1: memref.prefetch {{.*}} locality<2>
// LARGE-L1-LABEL: @in_place
// LARGE-L1: memref.prefetch {{.*}} locality<3>
func.func @in_place(%q: memref<?x64x128xbf16>, %k: memref<?x128xbf16>, %w: memref<?x64xf32>,
    %o: memref<?x?xf32>) {
  dsa.indexer_scores query(%q : memref<?x64x128xbf16>) keys(%k : memref<?x128xbf16>)
      weights(%w : memref<?x64xf32>) outs(%o : memref<?x?xf32>)
  return
}
