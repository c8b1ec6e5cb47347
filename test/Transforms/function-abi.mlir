// Entry points: memref arguments, out-parameters, status, f_shapes, f_workspace,
// and the checks in front of them.
//
// RUN: dsa-opt %s --dsa-function-abi --split-input-file | FileCheck %s

// Every equality that the types leave open is checked once, and blames the
// argument whose extent it is. What holds by construction (the inits' extent is
// that of %scores) needs no check.
// CHECK-LABEL: func.func private @extents_entry
// CHECK-SAME: (%[[SCORES:[a-z0-9]+]]: memref<?x?xf32, strided<[?, ?], offset: ?>>,
// CHECK-SAME:  %[[HI:[a-z0-9]+]]: memref<?xi32, strided<[?], offset: ?>>)
// CHECK-SAME: -> (i32, index, index, index)
// CHECK-DAG:  %[[FOUND:.*]] = memref.dim %[[HI]], %c0
// CHECK-DAG:  %[[EXPECTED:.*]] = memref.dim %[[SCORES]], %c0
// CHECK:      %[[WRONG:.*]] = arith.cmpi ne, %[[FOUND]], %[[EXPECTED]]
// CHECK:      %[[ARGUMENT:.*]] = arith.constant 1 : index
// CHECK:      scf.if %[[WRONG]]
// CHECK:        arith.index_cast %[[ARGUMENT]]
// CHECK:        call @dsa_fail_extent
// CHECK-NOT:  @dsa_fail_extent
// CHECK:      return %{{.*}}, %[[EXPECTED]], %c8, %[[EXPECTED]]
//
// The function runs its body, on tensors, only if nothing has failed.
// CHECK-LABEL: func.func @extents
// CHECK-SAME: (%[[SCORES:[a-z0-9]+]]: memref<?x?xf32, strided<[?, ?], offset: ?>>,
// CHECK-SAME:  %[[HI:[a-z0-9]+]]: memref<?xi32, strided<[?], offset: ?>>,
// CHECK-SAME:  %[[INDICES:[a-z0-9]+]]: memref<?x8xi32, strided<[?, ?], offset: ?>>,
// CHECK-SAME:  %[[COUNT:[a-z0-9]+]]: memref<?xi32, strided<[?], offset: ?>>,
// CHECK-SAME:  %{{.*}}: memref<?xi8>, %{{.*}}: i32) -> i32
// CHECK-SAME: attributes {llvm.emit_c_interface}
// CHECK:      %[[ENTRY:.*]]:4 = call @extents_entry(%[[SCORES]], %[[HI]])
// CHECK:      memref.dim %[[INDICES]], %c0
// CHECK:      arith.cmpi ne, %{{.*}}, %[[ENTRY]]#1
// CHECK:      call @dsa_fail_extent
// CHECK:      memref.dim %[[COUNT]], %c0
// CHECK:      arith.cmpi ne, %{{.*}}, %[[ENTRY]]#3
// CHECK:      call @dsa_fail_extent
// CHECK:        %[[VIEW:.*]] = memref.cast %[[SCORES]] : {{.*}} to memref<?x?xf32, strided<[?, 1], offset: ?>>
// CHECK:        %[[TENSOR:.*]] = bufferization.to_tensor %[[VIEW]] restrict :
// CHECK:        %[[BOUNDS:.*]] = bufferization.to_tensor %[[HI]] restrict :
// CHECK:        dsa.top_k scores(%[[TENSOR]] {{.*}} hi(%[[BOUNDS]]
// CHECK:        %[[OUT:.*]] = memref.cast %[[INDICES]] : {{.*}} to memref<?x8xi32, strided<[?, 1], offset: ?>>
// CHECK:        bufferization.materialize_in_destination %indices in restrict writable %[[OUT]]
// CHECK:        bufferization.materialize_in_destination %count in restrict writable %[[COUNT]]
// CHECK-NEXT:   %[[SUCCESS:.*]] = arith.constant 0 : i32
// CHECK-NEXT:   scf.yield %[[SUCCESS]] : i32
// CHECK-NEXT: } else {
// CHECK-NEXT:   scf.yield %{{.*}} : i32
//
// CHECK-LABEL: func.func @extents_shapes
// CHECK-SAME: %[[SHAPES:[a-z0-9]+]]: memref<?xi64>) -> i32 attributes {llvm.emit_c_interface}
// CHECK:      %[[ENTRY:.*]]:4 = call @extents_entry
// CHECK:      %[[SIZE:.*]] = memref.dim %[[SHAPES]], %c0
// CHECK:      arith.cmpi slt, %[[SIZE]], %c3
// CHECK:      call @dsa_fail_extent
// CHECK-COUNT-3: memref.store %{{.*}}, %[[SHAPES]][%{{.*}}]
//
// CHECK-LABEL: func.func @extents_workspace
// CHECK-SAME: i32, %[[BYTES:[a-z0-9]+]]: memref<1xi64>) -> i32 attributes {llvm.emit_c_interface}
// CHECK:      %[[ENTRY:.*]]:4 = call @extents_entry
// CHECK:      arith.cmpi eq, %[[ENTRY]]#0, %c0_i32
// CHECK:      memref.store %c0_i64, %[[BYTES]][%c0
func.func @extents(%scores: tensor<?x?xf32>, %hi: tensor<?xi32>)
    -> (tensor<?x8xi32>, tensor<?xi32>) {
  %c0 = arith.constant 0 : index
  %T = tensor.dim %scores, %c0 : tensor<?x?xf32>
  %i = tensor.empty(%T) : tensor<?x8xi32>
  %n = tensor.empty(%T) : tensor<?xi32>
  %indices, %count = dsa.top_k scores(%scores : tensor<?x?xf32>) k = 8
      hi(%hi : tensor<?xi32>) outs(%i, %n : tensor<?x8xi32>, tensor<?xi32>)
  return %indices, %count : tensor<?x8xi32>, tensor<?xi32>
}

// -----

// Scores and indices have to be contiguous inside a row; bounds and counts do
// not. A dimension with fewer than two elements has no stride to check.
// CHECK-LABEL: func.func private @strides_entry
// CHECK:      %{{.*}}, %{{.*}}, %[[SIZES:.*]]:2, %[[STRIDES:.*]]:2 = memref.extract_strided_metadata %arg0
// CHECK:      %[[APART:.*]] = arith.cmpi ne, %[[STRIDES]]#1, %[[ONE:.*]] : index
// CHECK:      %[[SEVERAL:.*]] = arith.cmpi sgt, %[[SIZES]]#1, %[[ONE]] : index
// CHECK:      arith.andi %[[APART]], %[[SEVERAL]]
// CHECK:      call @dsa_fail_stride
// CHECK-NOT:  memref.extract_strided_metadata
// CHECK:      return
//
// No result may put several elements in one place.
// CHECK-LABEL: func.func @strides
// CHECK:      %{{.*}}, %{{.*}}, %{{.*}}:2, %[[STRIDES:.*]]:2 = memref.extract_strided_metadata %arg2
// CHECK-NOT:  arith.cmpi {{.*}}, %[[STRIDES]]#1
// CHECK:      arith.cmpi eq, %[[STRIDES]]#0, %c0
// CHECK:      call @dsa_fail_stride
// CHECK:      %{{.*}}, %{{.*}}, %{{.*}}, %[[STRIDE:.*]] = memref.extract_strided_metadata %arg3
// CHECK:      arith.cmpi eq, %[[STRIDE]], %c0
// CHECK:      call @dsa_fail_stride
// CHECK:      memref.cast %arg0
// CHECK-NOT:  memref.cast %arg1
// CHECK:      memref.cast %arg2
// CHECK-NOT:  memref.cast %arg3
func.func @strides(%scores: tensor<4x16xf32>, %hi: tensor<4xi32>)
    -> (tensor<4x1xi32>, tensor<4xi32>) {
  %i = tensor.empty() : tensor<4x1xi32>
  %n = tensor.empty() : tensor<4xi32>
  %indices, %count = dsa.top_k scores(%scores : tensor<4x16xf32>) k = 1
      hi(%hi : tensor<4xi32>) outs(%i, %n : tensor<4x1xi32>, tensor<4xi32>)
  return %indices, %count : tensor<4x1xi32>, tensor<4xi32>
}

// -----

// The requirement on an operand reaches the argument through casts, slices of
// stride 1 and reshapes; a slice of stride 2 has no contiguous rows to offer.
// CHECK-LABEL: func.func private @strides_through_views_entry
// CHECK:      memref.extract_strided_metadata %arg0
// CHECK-NOT:  memref.extract_strided_metadata %arg1
// CHECK:      return
func.func @strides_through_views(%flat: tensor<64xf32>, %wide: tensor<4x32xf32>)
    -> (tensor<4x2xi32>, tensor<4x2xi32>) {
  %i = tensor.empty() : tensor<4x2xi32>
  %n = tensor.empty() : tensor<4xi32>
  %rows = tensor.expand_shape %flat [[0, 1]] output_shape [4, 16] : tensor<64xf32> into tensor<4x16xf32>
  %part = tensor.extract_slice %rows[0, 8] [4, 8] [1, 1] : tensor<4x16xf32> to tensor<4x8xf32>
  %first, %c0 = dsa.top_k scores(%part : tensor<4x8xf32>) k = 2
      outs(%i, %n : tensor<4x2xi32>, tensor<4xi32>)
  %every = tensor.extract_slice %wide[0, 0] [4, 16] [1, 2] : tensor<4x32xf32> to tensor<4x16xf32>
  %second, %c1 = dsa.top_k scores(%every : tensor<4x16xf32>) k = 2
      outs(%i, %n : tensor<4x2xi32>, tensor<4xi32>)
  return %first, %second : tensor<4x2xi32>, tensor<4x2xi32>
}

// -----

// Positions of a paged source are pages times their size: a product of extents
// is compared with the one extent it has to equal.
// CHECK-LABEL: func.func private @products_entry
// CHECK:      %[[COLUMNS:.*]] = memref.dim %arg4, %c1
// CHECK:      %[[BLOCKS:.*]] = memref.dim %arg2, %c1
// CHECK:      %[[PAGE:.*]] = memref.dim %arg1, %c1
// CHECK:      %[[POSITIONS:.*]] = arith.muli %[[BLOCKS]], %[[PAGE]]
// CHECK:      arith.cmpi ne, %[[COLUMNS]], %[[POSITIONS]]
// A page has at least one row.
// CHECK:      arith.cmpi slt, %[[PAGE]], %c1
func.func @products(%q: tensor<2x4x8xf32>, %pool: tensor<9x?x8xf32>,
    %table: tensor<1x?xi32>, %w: tensor<2x4xf32>, %init: tensor<2x?xf32>) -> tensor<2x?xf32> {
  %scores = dsa.indexer_scores query(%q : tensor<2x4x8xf32>)
      keys(%pool : tensor<9x?x8xf32>) paged block_table(%table : tensor<1x?xi32>)
      weights(%w : tensor<2x4xf32>) outs(%init : tensor<2x?xf32>)
  return %scores : tensor<2x?xf32>
}

// -----

// An init gives its shape and nothing else: its contents are never read.
// CHECK-LABEL: func.func @init_is_an_argument
// CHECK:      %[[EMPTY:.*]] = tensor.empty() : tensor<4x16xf32>
// CHECK:      dsa.indexer_scores {{.*}} outs(%[[EMPTY]] : tensor<4x16xf32>)
func.func @init_is_an_argument(%q: tensor<4x2x8xf32>, %k: tensor<16x8xf32>,
    %w: tensor<4x2xf32>, %init: tensor<4x16xf32>) -> tensor<4x16xf32> {
  %scores = dsa.indexer_scores query(%q : tensor<4x2x8xf32>) keys(%k : tensor<16x8xf32>)
      weights(%w : tensor<4x2xf32>) outs(%init : tensor<4x16xf32>)
  return %scores : tensor<4x16xf32>
}

// -----

// A cast that claims an extent is checked, and glue where its maps relate
// extents: %b is read in a loop over %a. Scalars pass as they are.
// CHECK-LABEL: func.func private @glue_entry
// CHECK-SAME: index, %{{.*}}: f32) -> (i32, index)
// CHECK:      %[[C:.*]] = memref.dim %arg2, %c0
// CHECK:      arith.cmpi ne, %[[C]], %c7
// CHECK:      call @dsa_fail_extent
// CHECK-DAG:  %[[A:.*]] = memref.dim %arg0, %c0
// CHECK-DAG:  %[[B:.*]] = memref.dim %arg1, %c0
// CHECK:      arith.cmpi ne, %[[B]], %[[A]]
// CHECK:      call @dsa_fail_extent
// CHECK-NOT:  call @dsa_fail_extent
// CHECK-LABEL: func.func @glue(
func.func @glue(%a: tensor<?xf32>, %b: tensor<?xf32>, %c: tensor<?xf32>, %n: index, %x: f32)
    -> tensor<?xf32> {
  %c0 = arith.constant 0 : index
  %T = tensor.dim %a, %c0 : tensor<?xf32>
  %init = tensor.empty(%T) : tensor<?xf32>
  %seven = tensor.cast %c : tensor<?xf32> to tensor<7xf32>
  %y = tensor.extract %seven[%n] : tensor<7xf32>
  %sum = linalg.add ins(%a, %b : tensor<?xf32>, tensor<?xf32>) outs(%init : tensor<?xf32>) -> tensor<?xf32>
  %r = linalg.map ins(%sum : tensor<?xf32>) outs(%init : tensor<?xf32>)
    (%in: f32, %out: f32) {
      %0 = arith.addf %in, %y : f32
      %1 = arith.mulf %0, %x : f32
      linalg.yield %1 : f32
    }
  return %r : tensor<?xf32>
}

// -----

// An op in a loop over row tiles: extents of slices are resolved to those of
// the arguments, and what is equal in every trip needs no check.
// CHECK-LABEL: func.func private @tiled_loop_entry
// CHECK:      %[[IDS:.*]] = memref.dim %arg1, %c0
// CHECK:      %[[COLUMNS:.*]] = memref.dim %arg0, %c1
// CHECK:      arith.cmpi ne, %[[IDS]], %[[COLUMNS]]
// CHECK:      call @dsa_fail_extent
// CHECK-NOT:  call @dsa_fail_extent
// CHECK:      return
func.func @tiled_loop(%scores: tensor<16x?xf32>, %ids: tensor<?xi32>) -> tensor<16x4xi32> {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %c4 = arith.constant 4 : index
  %c16 = arith.constant 16 : index
  %S = tensor.dim %scores, %c1 : tensor<16x?xf32>
  %all = tensor.empty() : tensor<16x4xi32>
  %r = scf.for %t = %c0 to %c16 step %c4 iter_args(%acc = %all) -> tensor<16x4xi32> {
    %tile = tensor.extract_slice %scores[%t, 0] [4, %S] [1, 1] : tensor<16x?xf32> to tensor<4x?xf32>
    %i = tensor.empty() : tensor<4x4xi32>
    %n = tensor.empty() : tensor<4xi32>
    %indices, %count = dsa.top_k scores(%tile : tensor<4x?xf32>) k = 4
        ids(%ids : tensor<?xi32>) outs(%i, %n : tensor<4x4xi32>, tensor<4xi32>)
    %next = tensor.insert_slice %indices into %acc[%t, 0] [4, 4] [1, 1] : tensor<4x4xi32> into tensor<16x4xi32>
    scf.yield %next : tensor<16x4xi32>
  }
  return %r : tensor<16x4xi32>
}

// -----

// Functions without results, and private ones, which stay as they are.
// CHECK-LABEL: func.func @no_results(
// CHECK-SAME: memref<?xf32, strided<[?], offset: ?>>, %{{.*}}: memref<?xi8>, %{{.*}}: i32) -> i32
func.func @no_results(%a: tensor<?xf32>) {
  return
}
// CHECK: func.func private @helper(%{{.*}}: tensor<?xf32>) -> tensor<?xf32>
func.func private @helper(%a: tensor<?xf32>) -> tensor<?xf32> {
  return %a : tensor<?xf32>
}
