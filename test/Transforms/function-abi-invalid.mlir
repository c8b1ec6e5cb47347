// Functions that cannot become entry points, and what the error says.
//
// RUN: dsa-opt %s --dsa-function-abi --split-input-file --verify-diagnostics

// expected-error @below {{'func.func' op argument 1 is 'memref<4xf32>', but arguments of a public function must be ranked tensors without encoding, or integers, floats or indices}}
func.func @argument_memref(%a: tensor<4xf32>, %b: memref<4xf32>) -> tensor<4xf32> {
  return %a : tensor<4xf32>
}

// -----

// expected-error @below {{argument 0 is 'tensor<*xf32>'}}
func.func @argument_unranked(%a: tensor<*xf32>) {
  return
}

// -----

// expected-error @below {{argument 0 is 'tensor<4xf32, "encoded">'}}
func.func @argument_encoded(%a: tensor<4xf32, "encoded">) {
  return
}

// -----

// expected-error @below {{result 1 is 'f32', but results of a public function must be ranked tensors without encoding}}
func.func @result_scalar(%a: tensor<4xf32>, %x: f32) -> (tensor<4xf32>, f32) {
  return %a, %x : tensor<4xf32>, f32
}

// -----

// expected-error @below {{has 3 blocks, but must have one; write its control flow in scf}}
func.func @control_flow(%a: tensor<4xf32>, %c: i1) -> tensor<4xf32> {
  cf.cond_br %c, ^bb1, ^bb2
^bb1:
  return %a : tensor<4xf32>
^bb2:
  return %a : tensor<4xf32>
}

// -----

func.func private @library(tensor<4xf32>) -> tensor<4xf32>
func.func @call(%a: tensor<4xf32>) -> tensor<4xf32> {
  // expected-error @below {{'func.call' op is a call, which an entry point cannot contain: run 'inline' first; a function that is recursive or has no body cannot be inlined}}
  %0 = func.call @library(%a) : (tensor<4xf32>) -> tensor<4xf32>
  return %0 : tensor<4xf32>
}

// -----

func.func @op_on_memrefs(%a: tensor<4x8xf32>) -> tensor<4x8xf32> {
  %s = bufferization.to_buffer %a : tensor<4x8xf32> to memref<4x8xf32>
  %i = memref.alloc() : memref<4x2xi32>
  %n = memref.alloc() : memref<4xi32>
  // expected-error @below {{'dsa.top_k' op is on memrefs, but ops of a function on tensors must be on tensors}}
  dsa.top_k scores(%s : memref<4x8xf32>) k = 2 outs(%i, %n : memref<4x2xi32>, memref<4xi32>)
  return %a : tensor<4x8xf32>
}

// -----

// expected-error @below {{'func.func' op has the name of the entry point that comes with 'name'; rename one of them}}
func.func private @name_shapes()
func.func @name() {
  return
}

// -----

// expected-error @below {{has the name of a function of the runtime, which compiled functions call; rename it}}
func.func @dsa_fail_extent() {
  return
}

// -----

// expected-error @below {{dimension 0 of result 0 depends on data or on control flow, so a caller cannot allocate the result; it has to follow from the extents of the arguments}}
func.func @result_of_data_dependent_shape(%n: tensor<1xi32>) -> tensor<?xf32> {
  %c0 = arith.constant 0 : index
  %i = tensor.extract %n[%c0] : tensor<1xi32>
  %size = arith.index_cast %i : i32 to index
  %0 = tensor.empty(%size) : tensor<?xf32>
  return %0 : tensor<?xf32>
}

// -----

// The number of ids has to be that of the columns, which only the loop knows.
func.func @check_inside_a_loop(%scores: tensor<4x?xf32>, %ids: tensor<?xi32>) -> tensor<4x2xi32> {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %c8 = arith.constant 8 : index
  %init = tensor.empty() : tensor<4x2xi32>
  %n = tensor.empty() : tensor<4xi32>
  %r = scf.for %s = %c1 to %c8 step %c1 iter_args(%acc = %init) -> tensor<4x2xi32> {
    %prefix = tensor.extract_slice %scores[0, 0] [4, %s] [1, 1] : tensor<4x?xf32> to tensor<4x?xf32>
    // expected-error @below {{'dsa.top_k' op dimension 0 of 'ids' has to be checked when the function is entered, but cannot be told from its arguments' extents; make the extent static, or give its operands one dimension in common}}
    %indices, %count = dsa.top_k scores(%prefix : tensor<4x?xf32>) k = 2 ids(%ids : tensor<?xi32>)
        outs(%acc, %n : tensor<4x2xi32>, tensor<4xi32>)
    scf.yield %indices : tensor<4x2xi32>
  }
  return %r : tensor<4x2xi32>
}

// -----

func.func @size_beyond_64_bits(%q: tensor<2xf32>, %n: index) -> tensor<2xf32> {
  // expected-error @below {{gives 'tensor<4611686018427387904x?x4xf32>', whose size in bytes does not fit 64 bits}}
  %huge = tensor.empty(%n) : tensor<4611686018427387904x?x4xf32>
  return %q : tensor<2xf32>
}

// -----

// expected-error @below {{'func.func' op has a name that LLVM or the linker has a meaning for; rename it}}
func.func @llvm.x(%a: tensor<2xf32>) -> tensor<2xf32> {
  return %a : tensor<2xf32>
}

// -----

// expected-error @below {{'func.func' op has a name that LLVM or the linker has a meaning for; rename it}}
func.func @_GLOBAL_OFFSET_TABLE_(%a: tensor<2xf32>) -> tensor<2xf32> {
  return %a : tensor<2xf32>
}
