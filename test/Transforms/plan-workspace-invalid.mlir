// Allocations that cannot be in a workspace, and what the error says.
//
// RUN: dsa-opt %s --dsa-function-abi --one-shot-bufferize --dsa-plan-workspace \
// RUN:     --split-input-file --verify-diagnostics

//===----------------------------------------------------------------------===//
// Size
//===----------------------------------------------------------------------===//

func.func @data(%x: tensor<?xindex>, %i: index) {
  // expected-note @below {{it depends on a result of 'memref.load'}}
  %n = tensor.extract %x[%i] : tensor<?xindex>
  %more = arith.addi %n, %i : index
  // expected-error @below {{'memref.alloc' op of 'memref<4x?xindex>' has an extent, of dimension 1, that the arguments' extents and the scalar arguments neither determine nor bound}}
  %a = memref.alloc(%more) : memref<4x?xindex>
  memref.store %i, %a[%i, %i] : memref<4x?xindex>
  return
}

// -----

func.func @position(%n: index) {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  // expected-note @below {{it depends on argument 0 of 'scf.for'}}
  scf.for %i = %c0 to %n step %c1 {
    %square = arith.muli %i, %i : index
    // expected-error @below {{of 'memref<?xindex>' has an extent, of dimension 0, that the arguments' extents}}
    %a = memref.alloc(%square) : memref<?xindex>
    memref.store %i, %a[%i] : memref<?xindex>
  }
  return
}

// -----

// What a branch uses from outside counts too.
func.func @captured(%x: tensor<?xindex>, %i: index, %which: i1) {
  // expected-note @below {{it depends on a result of 'memref.load'}}
  %n = tensor.extract %x[%i] : tensor<?xindex>
  %size = scf.if %which -> index {
    %more = arith.muli %n, %n : index
    scf.yield %more : index
  } else {
    scf.yield %i : index
  }
  // expected-error @below {{has an extent, of dimension 0, that}}
  %a = memref.alloc(%size) : memref<?xindex>
  memref.store %i, %a[%i] : memref<?xindex>
  return
}

// -----

// Upstream's bounds know only the dimensions of memrefs with a rank.
func.func @unranked(%n: index) {
  %c0 = arith.constant 0 : index
  // expected-note @below {{it depends on a result of 'memref.alloc'}}
  %a = memref.alloc(%n) : memref<?xindex>
  %any = memref.cast %a : memref<?xindex> to memref<*xindex>
  %d = memref.dim %any, %c0 : memref<*xindex>
  // expected-error @below {{has an extent, of dimension 0, that}}
  %b = memref.alloc(%d) : memref<?xindex>
  memref.store %n, %b[%n] : memref<?xindex>
  return
}

// -----

// Divided in a branch, where the divisor may be known not to be 0: that cannot be
// computed ahead.
func.func @not_speculatable(%n: index, %d: index, %which: i1) {
  scf.if %which {
    // expected-note @below {{it depends on a result of 'arith.divui'}}
    %part = arith.divui %n, %d : index
    // expected-error @below {{has an extent, of dimension 0, that}}
    %a = memref.alloc(%part) : memref<?xindex>
    memref.store %n, %a[%n] : memref<?xindex>
  }
  return
}

// -----

func.func @dimension(%n: index) {
  %last = arith.constant -1 : index
  %a = memref.alloc(%n) : memref<4x?xindex>
  // expected-error @below {{'memref.dim' op asks for dimension -1 of 'memref<4x?xindex>', which has 2}}
  %d = memref.dim %a, %last : memref<4x?xindex>
  %b = memref.alloc(%d) : memref<?xindex>
  return
}

// -----

func.func @elements(%i: index) {
  // expected-error @below {{'memref.alloc' op of 'memref<4xmemref<2xf32>>' has elements of no known size; they must be integers, indices, floats, complex numbers or vectors of these with fixed extents}}
  %a = memref.alloc() : memref<4xmemref<2xf32>>
  // expected-error @below {{of 'memref<4xvector<[4]xf32>>' has elements of no known size}}
  %b = memref.alloc() : memref<4xvector<[4]xf32>>
  return
}

// -----

func.func @strides(%i: index) {
  // expected-error @below {{'memref.alloc' op of 'memref<4x8xf32, strided<[?, 1]>>' has a layout that does not say where its memory ends; it must be the identity, or have an offset and strides that are static and at least 0}}
  %a = memref.alloc()[%i] : memref<4x8xf32, strided<[?, 1]>>
  // expected-error @below {{of 'memref<4xf32, strided<[1], offset: ?>>' has a layout that}}
  %b = memref.alloc()[%i] : memref<4xf32, strided<[1], offset: ?>>
  // expected-error @below {{of 'memref<4xf32, strided<[-1], offset: 3>>' has a layout that}}
  %c = memref.alloc() : memref<4xf32, strided<[-1], offset: 3>>
  // expected-error @below {{has a layout that}}
  %d = memref.alloc() : memref<4x8xf32, affine_map<(i, j) -> (j, i)>>
  return
}

// -----

func.func @memory_space(%i: index) {
  // expected-error @below {{'memref.alloc' op of 'memref<4xf32, 3>' is in memory space 3 : i64, but the workspace is in the default one}}
  %a = memref.alloc() : memref<4xf32, 3>
  return
}

//===----------------------------------------------------------------------===//
// Place
//===----------------------------------------------------------------------===//

// -----

func.func @threads(%x: f32, %i: index) {
  omp.parallel {
    // expected-error @below {{'memref.alloc' op of 'memref<4xf32>' has one slot, but is inside 'omp.parallel', which may run it several times at once; allocate outside of that, 'threads' times as much if each thread needs its own}}
    %a = memref.alloc() : memref<4xf32>
    memref.store %x, %a[%i] : memref<4xf32>
    omp.terminator
  }
  return
}

// -----

func.func @parallel(%x: f32, %n: index) {
  scf.forall (%i) in (%n) {
    // expected-error @below {{of 'memref<4xf32>' has one slot, but is inside 'scf.forall', which may run it}}
    %a = memref.alloc() : memref<4xf32>
    memref.store %x, %a[%i] : memref<4xf32>
  }
  return
}

// -----

func.func @blocks(%x: f32, %i: index) {
  scf.execute_region {
    // expected-error @below {{'memref.alloc' op of 'memref<4xf32>' is in a region of 2 blocks, but must be in one of 1 block; plan before structured control flow is lowered}}
    %a = memref.alloc() : memref<4xf32>
    cf.br ^bb1
  ^bb1:
    memref.store %x, %a[%i] : memref<4xf32>
    scf.yield
  }
  return
}

//===----------------------------------------------------------------------===//
// Lifetime
//===----------------------------------------------------------------------===//

// -----

func.func @next_iteration(%x: f32, %n: index) {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %first = memref.alloc() : memref<4xf32>
  // expected-note @below {{the loop is here}}
  %last = scf.for %i = %c0 to %n step %c1 iter_args(%before = %first) -> memref<4xf32> {
    // expected-error @below {{'memref.alloc' op of 'memref<4xf32>' has one slot for all iterations of 'scf.for', which hands its memory on; allocate outside}}
    %a = memref.alloc() : memref<4xf32>
    memref.copy %before, %a : memref<4xf32> to memref<4xf32>
    scf.yield %a : memref<4xf32>
  }
  memref.store %x, %last[%c0] : memref<4xf32>
  return
}

// -----

// From one region of a `while` to the other, through a branch and a cast.
func.func @next_region(%x: f32, %i: index, %which: i1) {
  // expected-note @below {{the loop is here}}
  scf.while : () -> memref<?xf32> {
    %either = scf.if %which -> memref<?xf32> {
      // expected-error @below {{of 'memref<4xf32>' has one slot for all iterations of 'scf.while', which hands its memory on}}
      %a = memref.alloc() : memref<4xf32>
      %cast = memref.cast %a : memref<4xf32> to memref<?xf32>
      scf.yield %cast : memref<?xf32>
    } else {
      // expected-error @below {{of 'memref<?xf32>' has one slot for all iterations of 'scf.while', which}}
      %b = memref.alloc(%i) : memref<?xf32>
      scf.yield %b : memref<?xf32>
    }
    scf.condition(%which) %either : memref<?xf32>
  } do {
  ^bb0(%either: memref<?xf32>):
    memref.store %x, %either[%i] : memref<?xf32>
    scf.yield
  }
  return
}

// -----

func.func @address(%x: f32, %i: index) {
  // expected-error @below {{'memref.alloc' op of 'memref<4xf32>' gives its address to 'memref.extract_aligned_pointer_as_index', behind which it cannot be told how long the memory is in use}}
  %a = memref.alloc() : memref<4xf32>
  // expected-note @below {{the use is here}}
  %address = memref.extract_aligned_pointer_as_index %a : memref<4xf32> -> index
  // expected-error @below {{of 'memref<4xf32>' gives its address to 'builtin.unrealized_conversion_cast', behind}}
  %b = memref.alloc() : memref<4xf32>
  // expected-note @below {{the use is here}}
  %struct = builtin.unrealized_conversion_cast %b : memref<4xf32> to !llvm.struct<(ptr, ptr, i64)>
  // expected-error @below {{of 'memref<4xf32>' gives its address to 'memref.store', behind}}
  %c = memref.alloc() : memref<4xf32>
  %cell = memref.alloca() : memref<memref<4xf32>>
  // expected-note @below {{the use is here}}
  memref.store %c, %cell[] : memref<memref<4xf32>>
  // expected-error @below {{of 'memref<4xf32>' gives its address to 'memref.distinct_objects', behind}}
  %d = memref.alloc() : memref<4xf32>
  %e = memref.alloca() : memref<4xf32>
  // expected-note @below {{the use is here}}
  %f, %g = memref.distinct_objects %d, %e : memref<4xf32>, memref<4xf32>
  return
}

//===----------------------------------------------------------------------===//
// Memory in another way
//===----------------------------------------------------------------------===//

// -----

func.func @free(%x: tensor<4xf32>) {
  %argument = bufferization.to_buffer %x read_only : tensor<4xf32> to memref<4xf32, strided<[?], offset: ?>>
  %own = memref.alloc() : memref<4xf32>
  // expected-error @below {{'memref.dealloc' op frees memory that no 'memref.alloc' of the function has allocated}}
  memref.dealloc %argument : memref<4xf32, strided<[?], offset: ?>>
  return
}

// -----

func.func @realloc(%n: index) {
  %a = memref.alloc() : memref<4xf32>
  // expected-error @below {{'memref.realloc' op allocates or frees memory, but only what 'memref.alloc' and 'memref.dealloc' do is planned}}
  %b = memref.realloc %a(%n) : memref<4xf32> to memref<?xf32>
  return
}

// -----

func.func @clone(%n: index) {
  %a = memref.alloc() : memref<4xindex>
  memref.store %n, %a[%n] : memref<4xindex>
  // expected-error @below {{'bufferization.clone' op allocates or frees memory}}
  %b = bufferization.clone %a : memref<4xindex> to memref<4xindex>
  memref.store %n, %b[%n] : memref<4xindex>
  return
}

// -----

func.func @conditional_free(%x: f32, %i: index, %which: i1) {
  %a = memref.alloc() : memref<4xf32>
  memref.store %x, %a[%i] : memref<4xf32>
  // expected-error @below {{'bufferization.dealloc' op allocates or frees memory}}
  bufferization.dealloc (%a : memref<4xf32>) if (%which)
  return
}

//===----------------------------------------------------------------------===//
// Functions
//===----------------------------------------------------------------------===//

// -----

func.func private @no_entry(%x: f32, %i: index) {
  // expected-error @below {{'memref.alloc' op is in no function that 'dsa-function-abi' has given a workspace, and cannot be planned; inline it into one}}
  %a = memref.alloc() : memref<4xf32>
  memref.store %x, %a[%i] : memref<4xf32>
  return
}
