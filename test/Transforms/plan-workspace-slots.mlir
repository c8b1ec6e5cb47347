// Where slots lie and how large they are. Functions on tensors, for the sake of
// entry points; what they allocate is what a lowering would.
//
// RUN: dsa-opt %s --dsa-function-abi --one-shot-bufferize --dsa-plan-workspace \
// RUN:     --split-input-file --verify-each | FileCheck %s

//===----------------------------------------------------------------------===//
// Lifetimes
//===----------------------------------------------------------------------===//

// One after the other: the larger one counts, 400 bytes as 448. A deallocation
// at the end of the block is no use.
// CHECK-LABEL: func.func @sequence(
// CHECK:       %[[BEGIN:.*]] = arith.andi %{{.*}}, %c63
// CHECK:       memref.view %{{.*}}[%[[BEGIN]]][] : memref<?xi8> to memref<16xf32>
// CHECK:       memref.view %{{.*}}[%[[BEGIN]]][] : memref<?xi8> to memref<100xf32>
// CHECK-NOT:   memref.dealloc
// CHECK-LABEL: func.func @sequence_workspace(
// CHECK:       %[[BYTES:.*]] = arith.index_cast %c511 : index to i64
// CHECK:       memref.store %[[BYTES]]
func.func @sequence(%x: f32, %i: index) {
  %a = memref.alloc() : memref<16xf32>
  memref.store %x, %a[%i] : memref<16xf32>
  %b = memref.alloc() : memref<100xf32>
  memref.store %x, %b[%i] : memref<100xf32>
  memref.dealloc %a : memref<16xf32>
  memref.dealloc %b : memref<100xf32>
  return
}

// -----

// At once: one behind the other. The last lies behind the youngest in use, also
// where the hole below would do.
// CHECK-LABEL: func.func @overlap(
// CHECK:       %[[BEGIN:.*]] = arith.andi %{{.*}}, %c63
// CHECK-DAG:   %[[SECOND:.*]] = arith.addi %[[BEGIN]], %c64
// CHECK-DAG:   %[[THIRD:.*]] = arith.addi %[[BEGIN]], %c512
// CHECK:       memref.view %{{.*}}[%[[BEGIN]]][] : memref<?xi8> to memref<16xf32>
// CHECK:       memref.view %{{.*}}[%[[SECOND]]][] : memref<?xi8> to memref<100xf32>
// CHECK:       memref.view %{{.*}}[%[[THIRD]]][] : memref<?xi8> to memref<1xf32>
// CHECK-LABEL: func.func @overlap_workspace(
// CHECK:       arith.index_cast %c639 : index to i64
func.func @overlap(%x: f32, %i: index) {
  %a = memref.alloc() : memref<16xf32>
  %b = memref.alloc() : memref<100xf32>
  memref.store %x, %a[%i] : memref<16xf32>
  memref.store %x, %b[%i] : memref<100xf32>
  %c = memref.alloc() : memref<1xf32>
  memref.store %x, %b[%i] : memref<100xf32>
  memref.store %x, %c[%i] : memref<1xf32>
  return
}

// -----

// Sizes that are not known: the larger of two in a row, behind one that is in
// use around both.
// CHECK-LABEL: func.func @dynamic(
// CHECK:       %[[A:.*]] = arith.andi %{{.*}}, %c-64
// CHECK:       %[[B:.*]] = arith.andi %{{.*}}, %c-64
// CHECK:       %[[AB:.*]] = arith.addi %[[A]], %[[B]]
// CHECK:       %[[END_OF_B:.*]] = arith.minui %[[AB]], %c9223372036854775807
// CHECK:       %[[C:.*]] = arith.andi %{{.*}}, %c-64
// CHECK:       %[[AC:.*]] = arith.addi %[[A]], %[[C]]
// CHECK:       %[[END_OF_C:.*]] = arith.minui %[[AC]], %c9223372036854775807
// CHECK:       %[[END:.*]] = arith.maxui %[[END_OF_B]], %[[END_OF_C]]
// CHECK:       %[[ANYWHERE:.*]] = arith.addi %[[END]], %c63
// CHECK:       %[[REQUIRED:.*]] = arith.minui %[[ANYWHERE]], %c9223372036854775807
// CHECK:       arith.cmpi sge, %{{.*}}, %[[REQUIRED]]
// CHECK:       %[[BEGIN:.*]] = arith.andi %{{.*}}, %c63
// CHECK:       %[[BEHIND:.*]] = arith.addi %[[BEGIN]], %[[A]]
// CHECK:       memref.view %{{.*}}[%[[BEGIN]]][%{{.*}}] : memref<?xi8> to memref<?xf32>
// CHECK:       memref.view %{{.*}}[%[[BEHIND]]][%{{.*}}] : memref<?xi8> to memref<?xf64>
// CHECK:       memref.view %{{.*}}[%[[BEHIND]]][%{{.*}}] : memref<?xi8> to memref<?xi16>
func.func @dynamic(%x: f32, %y: f64, %z: i16, %i: index, %l: index, %m: index, %n: index) {
  %a = memref.alloc(%l) : memref<?xf32>
  %b = memref.alloc(%m) : memref<?xf64>
  memref.store %y, %b[%i] : memref<?xf64>
  %c = memref.alloc(%n) : memref<?xi16>
  memref.store %z, %c[%i] : memref<?xi16>
  memref.store %x, %a[%i] : memref<?xf32>
  return
}

// -----

// Memory is in use as long as a view of it is, whichever of two that may be.
// CHECK-LABEL: func.func @views(
// CHECK:       %[[BEGIN:.*]] = arith.andi %{{.*}}, %c63
// CHECK-DAG:   %[[SECOND:.*]] = arith.addi %[[BEGIN]], %c64
// CHECK-DAG:   %[[THIRD:.*]] = arith.addi %[[BEGIN]], %c128
// CHECK:       memref.view %{{.*}}[%[[BEGIN]]][] : memref<?xi8> to memref<16xf32>
// CHECK:       memref.view %{{.*}}[%[[SECOND]]][] : memref<?xi8> to memref<16xf32>
// CHECK:       memref.view %{{.*}}[%[[THIRD]]][] : memref<?xi8> to memref<2xf32>
// CHECK-LABEL: func.func @views_workspace(
// CHECK:       arith.index_cast %c255 : index to i64
func.func @views(%x: f32, %i: index, %which: i1) {
  %a = memref.alloc() : memref<16xf32>
  %b = memref.alloc() : memref<16xf32>
  %either = arith.select %which, %a, %b : memref<16xf32>
  %part = memref.subview %either[%i] [4] [1] : memref<16xf32> to memref<4xf32, strided<[1], offset: ?>>
  %base, %offset, %size, %stride = memref.extract_strided_metadata %part
      : memref<4xf32, strided<[1], offset: ?>> -> memref<f32>, index, index, index
  %c = memref.alloc() : memref<2xf32>
  memref.store %x, %c[%i] : memref<2xf32>
  memref.store %x, %base[] : memref<f32>
  return
}

// -----

// What a branch hands out is in use behind it. That of both branches is not in
// use at once, but for that more would have to be known than the order of ops.
// CHECK-LABEL: func.func @handed_out(
// CHECK:       %[[BEGIN:.*]] = arith.andi %{{.*}}, %c63
// CHECK-DAG:   %[[SECOND:.*]] = arith.addi %[[BEGIN]], %c64
// CHECK-DAG:   %[[THIRD:.*]] = arith.addi %[[BEGIN]], %c128
// CHECK:       scf.if
// CHECK:         memref.view %{{.*}}[%[[BEGIN]]][] : memref<?xi8> to memref<16xf32>
// CHECK:         memref.view %{{.*}}[%[[SECOND]]][] : memref<?xi8> to memref<16xf32>
// CHECK:       memref.view %{{.*}}[%[[THIRD]]][] : memref<?xi8> to memref<2xf32>
func.func @handed_out(%x: f32, %i: index, %which: i1) {
  %either = scf.if %which -> memref<16xf32> {
    %a = memref.alloc() : memref<16xf32>
    scf.yield %a : memref<16xf32>
  } else {
    %b = memref.alloc() : memref<16xf32>
    scf.yield %b : memref<16xf32>
  }
  %c = memref.alloc() : memref<2xf32>
  memref.store %x, %c[%i] : memref<2xf32>
  memref.store %x, %either[%i] : memref<16xf32>
  return
}

// -----

// What regions keep to themselves lies behind what is in use around them, and
// shares memory with that of other regions. A loop is one use of all that is
// used in it: 64 + 64 + max(64 + 448, 128) bytes.
// CHECK-LABEL: func.func @regions(
// CHECK:       %[[BEGIN:.*]] = arith.andi %{{.*}}, %c63
// CHECK-DAG:   %[[AT64:.*]] = arith.addi %[[BEGIN]], %c64
// CHECK-DAG:   %[[AT128:.*]] = arith.addi %[[BEGIN]], %c128
// CHECK-DAG:   %[[AT192:.*]] = arith.addi %[[BEGIN]], %c192
// CHECK:       memref.view %{{.*}}[%[[BEGIN]]][] : memref<?xi8> to memref<1xf32>
// CHECK:       scf.for
// CHECK:         memref.view %{{.*}}[%[[AT64]]][] : memref<?xi8> to memref<2xf32>
// CHECK:         scf.for
// CHECK:           memref.view %{{.*}}[%[[AT128]]][] : memref<?xi8> to memref<3xf32>
// CHECK:           scf.if
// CHECK:             memref.view %{{.*}}[%[[AT192]]][] : memref<?xi8> to memref<100xf32>
// CHECK:           } else {
// CHECK:             memref.view %{{.*}}[%[[AT192]]][] : memref<?xi8> to memref<5xf32>
// CHECK:         memref.view %{{.*}}[%[[AT128]]][] : memref<?xi8> to memref<20xf32>
// CHECK:       memref.view %{{.*}}[%[[BEGIN]]][] : memref<?xi8> to memref<6xf32>
// CHECK-LABEL: func.func @regions_workspace(
// CHECK:       arith.index_cast %c703 : index to i64
func.func @regions(%x: f32, %i: index, %n: index, %which: i1) {
  %c1 = arith.constant 1 : index
  %a = memref.alloc() : memref<1xf32>
  scf.for %j = %i to %n step %c1 {
    memref.store %x, %a[%i] : memref<1xf32>
    %b = memref.alloc() : memref<2xf32>
    scf.for %k = %i to %n step %c1 {
      %c = memref.alloc() : memref<3xf32>
      scf.if %which {
        %d = memref.alloc() : memref<100xf32>
        memref.store %x, %d[%k] : memref<100xf32>
      } else {
        %e = memref.alloc() : memref<5xf32>
        memref.store %x, %e[%k] : memref<5xf32>
      }
      memref.store %x, %c[%k] : memref<3xf32>
    }
    %f = memref.alloc() : memref<20xf32>
    memref.store %x, %f[%j] : memref<20xf32>
    memref.store %x, %b[%j] : memref<2xf32>
  }
  %g = memref.alloc() : memref<6xf32>
  memref.store %x, %g[%i] : memref<6xf32>
  return
}

// -----

// Memory that comes from outside of a loop may be handed from one iteration to
// the next; both regions of a `while` may allocate.
// CHECK-LABEL: func.func @loops(
// CHECK:       %[[BEGIN:.*]] = arith.andi %{{.*}}, %c63
// CHECK-DAG:   %[[AT64:.*]] = arith.addi %[[BEGIN]], %c64
// CHECK-DAG:   %[[AT128:.*]] = arith.addi %[[BEGIN]], %c128
// CHECK:       memref.view %{{.*}}[%[[BEGIN]]][] : memref<?xi8> to memref<2xf32>
// CHECK:       memref.view %{{.*}}[%[[AT64]]][] : memref<?xi8> to memref<2xf32>
// CHECK:       scf.while
// CHECK:         memref.view %{{.*}}[%[[AT128]]][] : memref<?xi8> to memref<3xf32>
// CHECK:       } do {
// CHECK:         memref.view %{{.*}}[%[[AT128]]][] : memref<?xi8> to memref<4xf32>
// CHECK:       memref.store %{{.*}} : memref<2xf32>
func.func @loops(%x: f32, %i: index) {
  %a = memref.alloc() : memref<2xf32>
  %b = memref.alloc() : memref<2xf32>
  %last:2 = scf.while (%c = %a, %d = %b) : (memref<2xf32>, memref<2xf32>) -> (memref<2xf32>, memref<2xf32>) {
    %e = memref.alloc() : memref<3xf32>
    memref.store %x, %e[%i] : memref<3xf32>
    %y = memref.load %e[%i] : memref<3xf32>
    %more = arith.cmpf olt, %y, %x : f32
    scf.condition(%more) %c, %d : memref<2xf32>, memref<2xf32>
  } do {
  ^bb0(%c: memref<2xf32>, %d: memref<2xf32>):
    %e = memref.alloc() : memref<4xf32>
    memref.store %x, %e[%i] : memref<4xf32>
    scf.yield %d, %c : memref<2xf32>, memref<2xf32>
  }
  memref.store %x, %last#1[%i] : memref<2xf32>
  return
}

// -----

// A parallel region uses memory from outside until it ends.
// CHECK-LABEL: func.func @parallel(
// CHECK:       %[[BEGIN:.*]] = arith.andi %{{.*}}, %c63
// CHECK-DAG:   %[[AT64:.*]] = arith.addi %[[BEGIN]], %c64
// CHECK:       memref.view %{{.*}}[%[[BEGIN]]][] : memref<?xi8> to memref<2xf32>
// CHECK:       memref.view %{{.*}}[%[[AT64]]][] : memref<?xi8> to memref<3xf32>
// CHECK:       omp.parallel
// CHECK:         memref.alloca
// CHECK:       memref.view %{{.*}}[%[[BEGIN]]][] : memref<?xi8> to memref<4xf32>
func.func @parallel(%x: f32, %i: index) {
  %a = memref.alloc() : memref<2xf32>
  %b = memref.alloc() : memref<3xf32>
  omp.parallel {
    %own = memref.alloca() : memref<2xf32>
    memref.copy %a, %own : memref<2xf32> to memref<2xf32>
    memref.store %x, %b[%i] : memref<3xf32>
    omp.terminator
  }
  %c = memref.alloc() : memref<4xf32>
  memref.store %x, %c[%i] : memref<4xf32>
  return
}

//===----------------------------------------------------------------------===//
// Sizes
//===----------------------------------------------------------------------===//

// -----

// Elements as they lie in memory: bits and half bytes in bytes, 24 bits in four
// bytes, three floats in sixteen. In multiples of 64 bytes: 64 + 128 + 256 + 64
// + 448 + 1024 + 512 + 64.
// CHECK-LABEL: func.func @elements_workspace(
// CHECK:       arith.index_cast %c2623 : index to i64
func.func @elements(%i: index) {
  %a = memref.alloc() : memref<64xi1>
  %b = memref.alloc() : memref<65xi4>
  %c = memref.alloc() : memref<64xi24>
  %d = memref.alloc() : memref<64xf8E4M3FN>
  %e = memref.alloc() : memref<56xindex>
  %f = memref.alloc() : memref<64xvector<3xf32>>
  %g = memref.alloc() : memref<64xcomplex<f32>>
  %h = memref.alloc() : memref<i16>
  memref.prefetch %a[%i], read, locality<3>, data : memref<64xi1>
  memref.prefetch %b[%i], read, locality<3>, data : memref<65xi4>
  memref.prefetch %c[%i], read, locality<3>, data : memref<64xi24>
  memref.prefetch %d[%i], read, locality<3>, data : memref<64xf8E4M3FN>
  memref.prefetch %e[%i], read, locality<3>, data : memref<56xindex>
  memref.prefetch %f[%i], read, locality<3>, data : memref<64xvector<3xf32>>
  memref.prefetch %g[%i], read, locality<3>, data : memref<64xcomplex<f32>>
  memref.prefetch %h[], read, locality<3>, data : memref<i16>
  return
}

// -----

// The largest alignment that is asked for is that of all.
// CHECK-LABEL: func.func @alignment(
// CHECK:       %[[BEGIN:.*]] = arith.andi %{{.*}}, %c255
// CHECK:       %[[SECOND:.*]] = arith.addi %[[BEGIN]], %c256
// CHECK:       memref.view {{.*}}[%[[BEGIN]]][] : memref<?xi8> to memref<3xf32>
// CHECK:       memref.view {{.*}}[%[[SECOND]]][] : memref<?xi8> to memref<4xf32>
// CHECK-LABEL: func.func @alignment_workspace(
// CHECK:       arith.index_cast %c767 : index to i64
func.func @alignment(%x: f32, %i: index) {
  %a = memref.alloc() {alignment = 256} : memref<3xf32>
  %b = memref.alloc() {alignment = 8} : memref<4xf32>
  memref.store %x, %b[%i] : memref<4xf32>
  memref.store %x, %a[%i] : memref<3xf32>
  return
}

// -----

// A vector of more than 64 bytes is aligned to all of them.
// CHECK-LABEL: func.func @vectors(
// CHECK:       arith.andi %{{.*}}, %c127
// CHECK-LABEL: func.func @vectors_workspace(
// CHECK:       arith.index_cast %c255 : index to i64
func.func @vectors(%i: index) {
  %a = memref.alloc() : memref<1xvector<32xf32>>
  memref.prefetch %a[%i], read, locality<3>, data : memref<1xvector<32xf32>>
  return
}

// -----

// Strides are kept: 3 + 1 + 4 * 16 + 8 * 1 elements, and n times 16.
// CHECK-LABEL: func.func @strides(
// CHECK:       %[[BEGIN:.*]] = arith.andi %{{.*}}, %c63
// CHECK:       %[[FLAT:.*]] = memref.view %{{.*}}[%[[BEGIN]]][%c76] : memref<?xi8> to memref<?xf32>
// CHECK:       %[[A:.*]] = memref.reinterpret_cast %[[FLAT]] to offset: [3], sizes: [4, 8], strides: [16, 1] : memref<?xf32> to memref<4x8xf32, strided<[16, 1], offset: 3>>
// CHECK:       memref.store %{{.*}}, %[[A]]
// CHECK-LABEL: func.func @strides_workspace(
// CHECK:       arith.index_cast %c383 : index to i64
func.func @strides(%x: f32, %i: index) {
  %a = memref.alloc() : memref<4x8xf32, strided<[16, 1], offset: 3>>
  memref.store %x, %a[%i, %i] : memref<4x8xf32, strided<[16, 1], offset: 3>>
  return
}

// -----

// CHECK-LABEL: func.func @dynamic_strides(
// CHECK-SAME:  %{{.*}}: f32, %[[N:[a-z0-9]+]]: index,
// CHECK:       %[[COUNT:.*]] = arith.maxsi %[[N]], %c0
// CHECK:       arith.mului_extended %[[COUNT]], %c16
// CHECK:       arith.addi %c1, %{{.*}}
// CHECK:       arith.addi %{{.*}}, %c8
// CHECK:       %[[SPAN:.*]] = arith.minui
// CHECK:       arith.mului_extended %[[SPAN]], %c4
// CHECK:       %[[FLAT:.*]] = memref.view %{{.*}}[%{{.*}}][%[[SPAN]]] : memref<?xi8> to memref<?xf32>
// CHECK:       memref.reinterpret_cast %[[FLAT]] to offset: [0], sizes: [%[[N]], 8], strides: [16, 1]
func.func @dynamic_strides(%x: f32, %n: index) {
  %a = memref.alloc(%n) : memref<?x8xf32, strided<[16, 1]>>
  memref.store %x, %a[%n, %n] : memref<?x8xf32, strided<[16, 1]>>
  return
}

// -----

// 2^62 * 4 bytes are more than there are: of a workspace of any size it is said
// that it is too small.
// CHECK-LABEL: func.func @too_large(
// CHECK:       arith.minsi %{{.*}}, %c9223372036854775806
// CHECK:       arith.cmpi sge, %{{.*}}, %c9223372036854775807
// CHECK-LABEL: func.func @too_large_workspace(
// CHECK:       arith.index_cast %c9223372036854775807 : index to i64
func.func @too_large(%x: f32, %i: index) {
  %a = memref.alloc() : memref<4611686018427387904xf32>
  memref.store %x, %a[%i] : memref<4611686018427387904xf32>
  return
}

//===----------------------------------------------------------------------===//
// Extents
//===----------------------------------------------------------------------===//

// -----

// Extents of arguments and scalars, and what is computed from them, wherever it
// stands; views of arguments and other allocations have extents too.
// CHECK-LABEL: func.func @extents_workspace(
// CHECK-SAME:  %[[X:[a-z0-9]+]]: memref<?x8xf32, strided<[?, ?], offset: ?>>, %[[N:[a-z0-9]+]]: index, %[[I:[a-z0-9]+]]: i32,
// CHECK-DAG:   %[[DOUBLE:.*]] = arith.muli %[[N]], %c2
// CHECK-DAG:   %[[WIDE:.*]] = arith.index_cast %[[I]] : i32 to index
// CHECK-DAG:   %[[D:.*]] = memref.dim %[[X]], %c0
// CHECK-DAG:   %[[HALF:.*]] = affine.apply #{{.*}}()[%[[D]]]
// CHECK-DAG:   %{{.*}}, %{{.*}}, %[[SIZES:.*]]:2, %{{.*}} = memref.extract_strided_metadata %[[X]]
// CHECK-DAG:   %[[MORE:.*]] = arith.addi %[[SIZES]]#0, %[[N]]
// CHECK-DAG:   %[[CHOICE:.*]] = scf.if %{{.*}} -> (index)
// CHECK-DAG:   arith.maxsi %[[DOUBLE]], %c0
// CHECK-DAG:   arith.maxsi %[[WIDE]], %c0
// CHECK-DAG:   arith.maxsi %[[HALF]], %c0
// CHECK-DAG:   arith.maxsi %[[MORE]], %c0
// CHECK-DAG:   arith.maxsi %[[CHOICE]], %c0
func.func @extents(%x: tensor<?x8xf32>, %n: index, %i: i32, %which: i1) {
  %c0 = arith.constant 0 : index
  %c2 = arith.constant 2 : index
  %f = arith.constant 0.0 : f32
  scf.if %which {
    %double = arith.muli %n, %c2 : index
    %a = memref.alloc(%double) : memref<?xf32>
    %d = memref.dim %a, %c0 : memref<?xf32>
    %part = memref.subview %a[1] [%d] [1] : memref<?xf32> to memref<?xf32, strided<[1], offset: 1>>
    %e = memref.dim %part, %c0 : memref<?xf32, strided<[1], offset: 1>>
    %b = memref.alloc(%e) : memref<?xf32>
    memref.store %f, %b[%n] : memref<?xf32>
  }
  %wide = arith.index_cast %i : i32 to index
  %c = memref.alloc(%wide) : memref<?xf32>
  memref.store %f, %c[%n] : memref<?xf32>
  %rows = tensor.dim %x, %c0 : tensor<?x8xf32>
  %half = affine.apply affine_map<()[s0] -> (s0 ceildiv 2)>()[%rows]
  %g = memref.alloc(%half) : memref<?xf32>
  memref.store %f, %g[%n] : memref<?xf32>
  %buffer = bufferization.to_buffer %x read_only : tensor<?x8xf32> to memref<?x8xf32, strided<[?, ?], offset: ?>>
  %base, %offset, %sizes:2, %strides:2 = memref.extract_strided_metadata %buffer
      : memref<?x8xf32, strided<[?, ?], offset: ?>> -> memref<f32>, index, index, index, index, index
  %more = arith.addi %sizes#0, %n : index
  %h = memref.alloc(%more) : memref<?xf32>
  memref.store %f, %h[%n] : memref<?xf32>
  %c3 = arith.constant 3 : index
  %choice = scf.if %which -> index {
    %t = arith.addi %n, %c3 : index
    scf.yield %t : index
  } else {
    scf.yield %n : index
  }
  %k = memref.alloc(%choice) : memref<?xf32>
  memref.store %f, %k[%n] : memref<?xf32>
  return
}

// -----

// Extents of allocations are not those of arguments, but known too: in all,
// products with n of what a subview, its metadata and a cast that has its sizes
// as operands say.
// CHECK-LABEL: func.func @extent_of_extent(
// CHECK-SAME:  %{{.*}}: f32, %[[N:[a-z0-9]+]]: index,
// CHECK:       %[[SQUARE:.*]] = arith.muli %[[N]], %[[N]]
// CHECK:       %[[CUBE:.*]] = arith.muli %[[SQUARE]], %[[N]]
// CHECK-DAG:   arith.maxsi %[[N]], %c0
// CHECK-DAG:   arith.maxsi %[[SQUARE]], %c0
// CHECK-DAG:   arith.maxsi %[[CUBE]], %c0
// CHECK:       memref.extract_aligned_pointer_as_index
func.func @extent_of_extent(%f: f32, %n: index) {
  %c0 = arith.constant 0 : index
  %a = memref.alloc(%n) : memref<?xf32>
  %part = memref.subview %a[0] [%n] [1] : memref<?xf32> to memref<?xf32, strided<[1]>>
  %d = memref.dim %part, %c0 : memref<?xf32, strided<[1]>>
  %square = arith.muli %d, %n : index
  %b = memref.alloc(%square) : memref<?xf32>
  memref.store %f, %b[%c0] : memref<?xf32>
  %base, %offset, %size, %stride = memref.extract_strided_metadata %b : memref<?xf32> -> memref<f32>, index, index, index
  %cast = memref.reinterpret_cast %base to offset: [%offset], sizes: [%size], strides: [1]
      : memref<f32> to memref<?xf32, strided<[1], offset: ?>>
  %e = memref.dim %cast, %c0 : memref<?xf32, strided<[1], offset: ?>>
  %cube = arith.muli %e, %n : index
  %c = memref.alloc(%cube) : memref<?xf32>
  memref.store %f, %c[%c0] : memref<?xf32>
  return
}

// -----

// A tile is at most as large as the least of all that it is known not to exceed:
// here 4 rows and all that there are, twice 4 rows, or n rows and all that there
// are; the view has the extent that it has.
// CHECK-LABEL: func.func @tiles(
// CHECK-SAME:  %{{.*}}: memref<?x8xf32, {{.*}}>, %[[N:[a-z0-9]+]]: index,
// CHECK:       scf.for
// CHECK:         %[[M:.*]] = affine.min
// CHECK:         memref.view %{{[^ ]*}}[%{{.*}}][%[[M]]] : memref<?xi8> to memref<?x8xf32>
// CHECK-LABEL: func.func @tiles_workspace(
// CHECK-SAME:  %[[X:[a-z0-9]+]]: memref<?x8xf32, {{.*}}>, %[[N:[a-z0-9]+]]: index,
// CHECK-DAG:   %[[D:.*]] = memref.dim %[[X]], %c0
// CHECK-DAG:   %[[FEW:.*]] = affine.min #{{.*}}()[%[[D]]]
// CHECK-DAG:   %[[LEAST:.*]] = affine.min #{{.*}}()[%[[D]], %[[N]]]
// CHECK:       arith.maxsi %[[FEW]], %c0
// CHECK:       arith.mului_extended
// CHECK:       %[[A:.*]] = arith.andi %{{.*}}, %c-64
// CHECK:       %[[AB:.*]] = arith.maxui %[[A]], %c256
// CHECK:       arith.maxsi %[[LEAST]], %c0
// CHECK:       arith.mului_extended
// CHECK:       %[[C:.*]] = arith.andi %{{.*}}, %c-64
// CHECK:       arith.maxui %[[AB]], %[[C]]
// CHECK-NOT:   arith.mului_extended
// CHECK:       memref.store
func.func @tiles(%x: tensor<?x8xf32>, %n: index) {
  %c0 = arith.constant 0 : index
  %c2 = arith.constant 2 : index
  %c4 = arith.constant 4 : index
  %f = arith.constant 0.0 : f32
  %d = tensor.dim %x, %c0 : tensor<?x8xf32>
  scf.for %i = %c0 to %d step %c4 {
    %m = affine.min affine_map<(d0)[s0, s1] -> (s1, s0 - d0)>(%i)[%d, %c4]
    %a = memref.alloc(%m) : memref<?x8xf32>
    memref.store %f, %a[%c0, %c0] : memref<?x8xf32>
    %twice = arith.muli %m, %c2 : index
    %b = memref.alloc(%twice) : memref<?x8xf32>
    memref.store %f, %b[%c0, %c0] : memref<?x8xf32>
  }
  scf.for %i = %c0 to %d step %n {
    %m = affine.min affine_map<(d0)[s0, s1] -> (s1, s0 - d0)>(%i)[%d, %n]
    %a = memref.alloc(%m) : memref<?x8xf32>
    memref.store %f, %a[%c0, %c0] : memref<?x8xf32>
  }
  return
}

// -----

// A causal row has at most all positions, and its position is at most their
// number; what exceeds all values that there are is computed from them.
// CHECK-LABEL: func.func @bounds_workspace(
// CHECK-SAME:  %{{.*}}: f32, %[[N:[a-z0-9]+]]: index, %[[M:[a-z0-9]+]]: index,
// CHECK-DAG:   %[[MORE:.*]] = affine.apply #{{.*}}()[%[[N]]]
// CHECK-DAG:   arith.maxsi %[[M]], %c0
// CHECK-DAG:   arith.maxsi %[[N]], %c0
// CHECK-DAG:   arith.maxsi %[[MORE]], %c0
func.func @bounds(%f: f32, %n: index, %m: index) {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %c4 = arith.constant 4 : index
  scf.for %i = %c0 to %n step %c4 {
    %r = affine.min affine_map<(d0)[s0] -> (d0 + 4, s0)>(%i)[%m]
    %a = memref.alloc(%r) : memref<?xf32>
    memref.store %f, %a[%i] : memref<?xf32>
    %b = memref.alloc(%i) : memref<?xf32>
    memref.store %f, %b[%c0] : memref<?xf32>
  }
  scf.for %i = %c0 to %n step %c1 {
    %r = arith.addi %i, %c4 : index
    %a = memref.alloc(%r) : memref<?xf32>
    memref.store %f, %a[%i] : memref<?xf32>
  }
  return
}
