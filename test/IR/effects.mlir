// Ops are pure on tensors; on memrefs they read their inputs and write their
// inits.
// RUN: dsa-opt %s --cse --split-input-file | FileCheck %s
// RUN: dsa-opt %s --loop-invariant-code-motion --split-input-file | FileCheck %s --check-prefix=LICM

// CHECK-LABEL: func.func @unused_on_tensors
// CHECK-NOT: dsa.
// CHECK: return
func.func @unused_on_tensors(%s: tensor<4x9xf32>, %i: tensor<4x3xi32>, %c: tensor<4xi32>) {
  %indices, %count = dsa.top_k scores(%s : tensor<4x9xf32>) k = 3
      outs(%i, %c : tensor<4x3xi32>, tensor<4xi32>)
  return
}

// -----

// CHECK-LABEL: func.func @equal_on_tensors
// CHECK: %[[ROWS:.*]] = dsa.unpack
// CHECK-NOT: dsa.
// CHECK: return %[[ROWS]], %[[ROWS]]
func.func @equal_on_tensors(%p: tensor<9x656xi8>, %o: tensor<9x576xbf16>)
    -> (tensor<9x576xbf16>, tensor<9x576xbf16>) {
  %a = dsa.unpack packed(%p : tensor<9x656xi8>) layout = <mla_656> outs(%o : tensor<9x576xbf16>)
  %b = dsa.unpack packed(%p : tensor<9x656xi8>) layout = <mla_656> outs(%o : tensor<9x576xbf16>)
  return %a, %b : tensor<9x576xbf16>, tensor<9x576xbf16>
}

// -----

// CHECK-LABEL: func.func @equal_on_memrefs
// CHECK-COUNT-2: dsa.unpack
// LICM-LABEL: func.func @equal_on_memrefs
func.func @equal_on_memrefs(%p: memref<9x656xi8>, %o: memref<9x576xbf16>) {
  dsa.unpack packed(%p : memref<9x656xi8>) layout = <mla_656> outs(%o : memref<9x576xbf16>)
  dsa.unpack packed(%p : memref<9x656xi8>) layout = <mla_656> outs(%o : memref<9x576xbf16>)
  return
}

// -----

// A value read after the op has written it is read again.
// CHECK-LABEL: func.func @write_between_reads
// CHECK: memref.load
// CHECK: dsa.merge_attention
// CHECK: memref.load
func.func @write_between_reads(%p: memref<2x1x1x1xf32>, %s: memref<2x1x1xf32>,
    %o: memref<1x1x1xf32>, %l: memref<1x1xf32>) -> (f32, f32) {
  %c0 = arith.constant 0 : index
  %a = memref.load %l[%c0, %c0] : memref<1x1xf32>
  dsa.merge_attention parts(%p : memref<2x1x1x1xf32>) lses(%s : memref<2x1x1xf32>)
      outs(%o, %l : memref<1x1x1xf32>, memref<1x1xf32>)
  %b = memref.load %l[%c0, %c0] : memref<1x1xf32>
  return %a, %b : f32, f32
}

// -----

// LICM-LABEL: func.func @hoisted_on_tensors
// LICM: dsa.unpack
// LICM: scf.for
func.func @hoisted_on_tensors(%p: tensor<9x656xi8>, %o: tensor<9x576xbf16>, %n: index)
    -> tensor<9x576xbf16> {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %r = scf.for %i = %c0 to %n step %c1 iter_args(%x = %o) -> tensor<9x576xbf16> {
    %a = dsa.unpack packed(%p : tensor<9x656xi8>) layout = <mla_656> outs(%o : tensor<9x576xbf16>)
    scf.yield %a : tensor<9x576xbf16>
  }
  return %r : tensor<9x576xbf16>
}

// -----

// LICM-LABEL: func.func @not_hoisted_on_memrefs
// LICM: scf.for
// LICM: dsa.unpack
func.func @not_hoisted_on_memrefs(%p: memref<9x656xi8>, %o: memref<9x576xbf16>, %n: index) {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  scf.for %i = %c0 to %n step %c1 {
    dsa.unpack packed(%p : memref<9x656xi8>) layout = <mla_656> outs(%o : memref<9x576xbf16>)
  }
  return
}
