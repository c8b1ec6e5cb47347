// Entry points as they are when the workspace is planned, written by hand: what
// becomes of the allocation, of the function around it and of f_workspace.
// plan-workspace-slots.mlir has where slots lie and how large they are.
//
// RUN: dsa-opt %s --dsa-plan-workspace --split-input-file | FileCheck %s

// The extent of a result is computed elsewhere from what the entry says it has
// to be. The workspace may begin anywhere: 63 bytes more, and a start inside.
// CHECK-LABEL: func.func @twice(
// CHECK-SAME:  %[[X:[a-z0-9]+]]: memref<?xf32>, %[[OUT:[a-z0-9]+]]: memref<?xf32>,
// CHECK-SAME:  %[[WORKSPACE:[a-z0-9]+]]: memref<?xi8>, %{{.*}}: i32) -> i32 {
// CHECK:       %[[ENTRY:.*]]:2 = call @twice_entry
// CHECK:       %[[STATUS:.*]] = scf.if
// CHECK:         %[[N:.*]] = memref.dim %[[OUT]], %c0
// CHECK:         %[[COUNT:.*]] = arith.maxsi %[[N]], %c0
// CHECK:         %[[LOW:.*]], %[[HIGH:.*]] = arith.mului_extended %[[COUNT]], %c4
// CHECK-DAG:     %[[EXACT:.*]] = arith.cmpi eq, %[[HIGH]], %c0
// CHECK-DAG:     %[[LEAST:.*]] = arith.minui %[[LOW]], %c9223372036854775807
// CHECK:         %[[SIZE:.*]] = arith.select %[[EXACT]], %[[LEAST]], %c9223372036854775807
// CHECK:         %[[MORE:.*]] = arith.addi %[[SIZE]], %c63
// CHECK:         %[[LIMITED:.*]] = arith.minui %[[MORE]], %c9223372036854775807
// CHECK:         %[[SLOT:.*]] = arith.andi %[[LIMITED]], %c-64
// CHECK:         %[[ANYWHERE:.*]] = arith.addi %[[SLOT]], %c63
// CHECK:         %[[REQUIRED:.*]] = arith.minui %[[ANYWHERE]], %c9223372036854775807
// CHECK:         %[[FOUND:.*]] = memref.dim %[[WORKSPACE]], %c0
// CHECK:         %[[BELIEVED:.*]] = arith.minsi %[[FOUND]], %c9223372036854775806
// CHECK:         %[[FITS:.*]] = arith.cmpi sge, %[[BELIEVED]], %[[REQUIRED]]
// CHECK:         %[[CHECKED:.*]] = scf.if %[[FITS]] -> (i32) {
// CHECK:           %[[ADDRESS:.*]] = memref.extract_aligned_pointer_as_index %[[WORKSPACE]]
// CHECK:           %[[MISSING:.*]] = arith.subi %c0, %[[ADDRESS]]
// CHECK:           %[[BEGIN:.*]] = arith.andi %[[MISSING]], %c63
// CHECK:           %[[TEMPORARY:.*]] = memref.view %[[WORKSPACE]][%[[BEGIN]]][%[[N]]] : memref<?xi8> to memref<?xf32>
// CHECK:           linalg.add ins(%[[X]], %[[X]] {{.*}}) outs(%[[TEMPORARY]]
// CHECK:           memref.copy %[[TEMPORARY]], %[[OUT]]
// CHECK-NOT:       memref.dealloc
// CHECK:           scf.yield %c0_i32
// CHECK-NEXT:    } else {
// CHECK:           %[[HAVE:.*]] = arith.index_cast %[[FOUND]] : index to i64
// CHECK:           %[[NEED:.*]] = arith.index_cast %[[REQUIRED]] : index to i64
// CHECK:           %[[FAILED:.*]] = func.call @dsa_fail_workspace(%[[HAVE]], %[[NEED]])
// CHECK:           scf.yield %[[FAILED]]
// CHECK:         scf.yield %[[CHECKED]]
// CHECK:       } else {
// CHECK-NEXT:    scf.yield %[[ENTRY]]#0
// CHECK:       return %[[STATUS]]
//
// CHECK-LABEL: func.func @twice_workspace(
// CHECK-SAME:  %{{.*}}: memref<?xf32>, %{{.*}}: i32, %[[BYTES:[a-z0-9]+]]: memref<1xi64>) -> i32 {
// CHECK:       %[[ENTRY:.*]]:2 = call @twice_entry
// CHECK:       scf.if
// CHECK:         %[[COUNT:.*]] = arith.maxsi %[[ENTRY]]#1, %c0
// CHECK:         arith.mului_extended %[[COUNT]], %c4
// CHECK:         %[[SLOT:.*]] = arith.andi %{{.*}}, %c-64
// CHECK:         %[[ANYWHERE:.*]] = arith.addi %[[SLOT]], %c63
// CHECK:         %[[REQUIRED:.*]] = arith.minui %[[ANYWHERE]], %c9223372036854775807
// CHECK:         %[[STORED:.*]] = arith.index_cast %[[REQUIRED]]
// CHECK:         memref.store %[[STORED]], %[[BYTES]][%c0]
//
// CHECK:       func.func private @dsa_fail_workspace(i64, i64) -> i32
// CHECK-NEXT:  }
func.func private @twice_entry(%x: memref<?xf32>) -> (i32, index)
func.func @twice(%x: memref<?xf32>, %out: memref<?xf32>, %workspace: memref<?xi8>,
    %threads: i32) -> i32 {
  %c0 = arith.constant 0 : index
  %zero = arith.constant 0 : i32
  %entry:2 = call @twice_entry(%x) : (memref<?xf32>) -> (i32, index)
  %ok = arith.cmpi eq, %entry#0, %zero : i32
  %status = scf.if %ok -> (i32) {
    %n = memref.dim %out, %c0 : memref<?xf32>
    %temporary = memref.alloc(%n) : memref<?xf32>
    linalg.add ins(%x, %x : memref<?xf32>, memref<?xf32>) outs(%temporary : memref<?xf32>)
    memref.copy %temporary, %out : memref<?xf32> to memref<?xf32>
    memref.dealloc %temporary : memref<?xf32>
    scf.yield %zero : i32
  } else {
    scf.yield %entry#0 : i32
  }
  return %status : i32
}
func.func @twice_workspace(%x: memref<?xf32>, %threads: i32, %bytes: memref<1xi64>) -> i32 {
  %c0 = arith.constant 0 : index
  %none = arith.constant 0 : i64
  %zero = arith.constant 0 : i32
  %entry:2 = call @twice_entry(%x) : (memref<?xf32>) -> (i32, index)
  %ok = arith.cmpi eq, %entry#0, %zero : i32
  %status = scf.if %ok -> (i32) {
    memref.store %none, %bytes[%c0] : memref<1xi64>
    scf.yield %zero : i32
  } else {
    scf.yield %entry#0 : i32
  }
  return %status : i32
}

// -----

// Memory for each thread, which has a part of the rows: the division is done in
// any case, so it may be done ahead. Extents of both results, of three that the
// entry gives, one through a cast.
// CHECK-LABEL: func.func @threads(
// CHECK-SAME:  %[[A:[a-z0-9]+]]: memref<4x?xf32>, %[[B:[a-z0-9]+]]: memref<?xf32, strided<[?], offset: ?>>,
// CHECK-SAME:  %[[WORKSPACE:[a-z0-9]+]]: memref<?xi8>, %[[THREADS:[a-z0-9]+]]: i32)
// CHECK-DAG:   %[[COUNT:.*]] = arith.index_cast %[[THREADS]] : i32 to index
// CHECK-DAG:   %[[M:.*]] = memref.dim %[[A]], %c1
// CHECK-DAG:   %[[N:.*]] = memref.dim %[[B]], %c0
// CHECK:       %[[PART:.*]] = arith.ceildivui %[[M]], %[[COUNT]]
// CHECK:       memref.view %[[WORKSPACE]][%{{[^]]*}}][%[[COUNT]], %[[PART]], %{{[^]]*}}] : memref<?xi8> to memref<?x?x?xi8>
//
// CHECK-LABEL: func.func @threads_workspace(
// CHECK-SAME:  %[[THREADS:[a-z0-9]+]]: i32, %{{.*}}: memref<1xi64>)
// CHECK:       %[[ENTRY:.*]]:4 = call @threads_entry
// CHECK:       %[[COUNT:.*]] = arith.index_cast %[[THREADS]] : i32 to index
// CHECK:       %[[PART:.*]] = arith.ceildivui %[[ENTRY]]#2, %[[COUNT]]
// CHECK:       arith.maxsi %[[COUNT]], %c0
// CHECK:       arith.maxsi %[[PART]], %c0
// CHECK:       arith.maxsi %[[ENTRY]]#3, %c0
func.func private @threads_entry() -> (i32, index, index, index)
func.func @threads(%a: memref<4x?xf32>, %b: memref<?xf32, strided<[?], offset: ?>>,
    %workspace: memref<?xi8>, %threads: i32) -> i32 {
  %c0 = arith.constant 0 : index
  %zero = arith.constant 0 : i32
  %c1 = arith.constant 1 : index
  %byte = arith.constant 0 : i8
  %entry:4 = call @threads_entry() : () -> (i32, index, index, index)
  %ok = arith.cmpi eq, %entry#0, %zero : i32
  %status = scf.if %ok -> (i32) {
    %view = memref.cast %b : memref<?xf32, strided<[?], offset: ?>> to memref<?xf32, strided<[1], offset: ?>>
    %n = memref.dim %view, %c0 : memref<?xf32, strided<[1], offset: ?>>
    %m = memref.dim %a, %c1 : memref<4x?xf32>
    %count = arith.index_cast %threads : i32 to index
    %part = arith.ceildivui %m, %count : index
    %scratch = memref.alloc(%count, %part, %n) : memref<?x?x?xi8>
    memref.store %byte, %scratch[%c0, %c0, %c0] : memref<?x?x?xi8>
    scf.yield %zero : i32
  } else {
    scf.yield %entry#0 : i32
  }
  return %status : i32
}
func.func @threads_workspace(%threads: i32, %bytes: memref<1xi64>) -> i32 {
  %c0 = arith.constant 0 : index
  %none = arith.constant 0 : i64
  %zero = arith.constant 0 : i32
  %entry:4 = call @threads_entry() : () -> (i32, index, index, index)
  memref.store %none, %bytes[%c0] : memref<1xi64>
  return %zero : i32
}

// -----

// Nothing is allocated on the heap: nothing is checked, and the workspace has 0
// bytes.
// CHECK-LABEL: func.func @negative_no_alloc(
// CHECK-NOT:   memref.dim
// CHECK:       memref.alloca
// CHECK:       memref.store
// CHECK-LABEL: func.func @negative_no_alloc_workspace(
// CHECK:       memref.store %c0_i64
// CHECK-NOT:   @dsa_fail_workspace
func.func @negative_no_alloc(%workspace: memref<?xi8>, %threads: i32) -> i32 {
  %zero = arith.constant 0 : i32
  %cell = memref.alloca() : memref<i32>
  memref.store %zero, %cell[] : memref<i32>
  return %zero : i32
}
func.func @negative_no_alloc_workspace(%threads: i32, %bytes: memref<1xi64>) -> i32 {
  %c0 = arith.constant 0 : index
  %none = arith.constant 0 : i64
  %zero = arith.constant 0 : i32
  memref.store %none, %bytes[%c0] : memref<1xi64>
  return %zero : i32
}
