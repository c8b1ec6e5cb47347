// Functions that are almost entry points, written by hand.
//
// RUN: dsa-opt %s --dsa-plan-workspace --split-input-file --verify-diagnostics

func.func private @hoisted_entry() -> i32
func.func @hoisted(%workspace: memref<?xi8>, %threads: i32) -> i32 {
  %c0 = arith.constant 0 : index
  %zero = arith.constant 0 : i32
  // expected-error @below {{'memref.alloc' op of 'memref<4xi32>' would be used before the size of the workspace is checked; allocate inside the 'scf.if' whose status the function returns}}
  %a = memref.alloc() : memref<4xi32>
  %entry = call @hoisted_entry() : () -> i32
  %ok = arith.cmpi eq, %entry, %zero : i32
  %status = scf.if %ok -> (i32) {
    memref.store %zero, %a[%c0] : memref<4xi32>
    scf.yield %zero : i32
  } else {
    scf.yield %entry : i32
  }
  return %status : i32
}
func.func @hoisted_workspace(%threads: i32, %bytes: memref<1xi64>) -> i32 {
  %c0 = arith.constant 0 : index
  %none = arith.constant 0 : i64
  %entry = call @hoisted_entry() : () -> i32
  memref.store %none, %bytes[%c0] : memref<1xi64>
  return %entry : i32
}

// -----

// The workspace itself does not say how much of it is needed.
func.func private @circular_entry() -> i32
// expected-note @below {{it depends on argument 0 of 'func.func'}}
func.func @circular(%workspace: memref<?xi8>, %threads: i32) -> i32 {
  %c0 = arith.constant 0 : index
  %zero = arith.constant 0 : i32
  %entry = call @circular_entry() : () -> i32
  %ok = arith.cmpi eq, %entry, %zero : i32
  %status = scf.if %ok -> (i32) {
    %n = memref.dim %workspace, %c0 : memref<?xi8>
    // expected-error @below {{of 'memref<?xi32>' has an extent, of dimension 0, that}}
    %a = memref.alloc(%n) : memref<?xi32>
    memref.store %zero, %a[%c0] : memref<?xi32>
    scf.yield %zero : i32
  } else {
    scf.yield %entry : i32
  }
  return %status : i32
}
func.func @circular_workspace(%threads: i32, %bytes: memref<1xi64>) -> i32 {
  %c0 = arith.constant 0 : index
  %none = arith.constant 0 : i64
  %entry = call @circular_entry() : () -> i32
  memref.store %none, %bytes[%c0] : memref<1xi64>
  return %entry : i32
}

// -----

func.func @no_sibling(%workspace: memref<?xi8>, %threads: i32) -> i32 {
  %zero = arith.constant 0 : i32
  // expected-error @below {{'memref.alloc' op is in no function that 'dsa-function-abi' has given a workspace}}
  %a = memref.alloc() : memref<i32>
  memref.store %zero, %a[] : memref<i32>
  return %zero : i32
}

// -----

// Someone else uses the workspace.
func.func private @planned_entry() -> i32
func.func @planned(%workspace: memref<?xi8>, %threads: i32) -> i32 {
  %zero = arith.constant 0 : i32
  %entry = call @planned_entry() : () -> i32
  %ok = arith.cmpi eq, %entry, %zero : i32
  %status = scf.if %ok -> (i32) {
    // expected-error @below {{'memref.alloc' op is in no function that 'dsa-function-abi' has given a workspace}}
    %a = memref.alloc() : memref<i32>
    memref.store %zero, %a[] : memref<i32>
    scf.yield %zero : i32
  } else {
    scf.yield %entry : i32
  }
  return %status : i32
}
func.func @planned_workspace(%threads: i32, %bytes: memref<1xi64>) -> i32 {
  %c0 = arith.constant 0 : index
  %some = arith.constant 64 : i64
  %entry = call @planned_entry() : () -> i32
  memref.store %some, %bytes[%c0] : memref<1xi64>
  return %entry : i32
}

// -----

// expected-error @below {{'memref.alloc' op is in no function}}
%a = memref.alloc() : memref<i32>

// -----

// The workspace is of bytes.
func.func private @type_entry() -> i32
func.func @type(%workspace: memref<?xi16>, %threads: i32) -> i32 {
  %zero = arith.constant 0 : i32
  %entry = call @type_entry() : () -> i32
  %ok = arith.cmpi eq, %entry, %zero : i32
  %status = scf.if %ok -> (i32) {
    // expected-error @below {{'memref.alloc' op is in no function that 'dsa-function-abi' has given a workspace}}
    %a = memref.alloc() : memref<i32>
    memref.store %zero, %a[] : memref<i32>
    scf.yield %zero : i32
  } else {
    scf.yield %entry : i32
  }
  return %status : i32
}
func.func @type_workspace(%threads: i32, %bytes: memref<1xi64>) -> i32 {
  %c0 = arith.constant 0 : index
  %none = arith.constant 0 : i64
  %entry = call @type_entry() : () -> i32
  memref.store %none, %bytes[%c0] : memref<1xi64>
  return %entry : i32
}

// -----

// One status is returned, and it is all that there is.
func.func private @statuses_entry() -> i32
func.func @statuses(%workspace: memref<?xi8>, %threads: i32) -> i32 {
  %zero = arith.constant 0 : i32
  %entry = call @statuses_entry() : () -> i32
  %ok = arith.cmpi eq, %entry, %zero : i32
  %status:2 = scf.if %ok -> (i32, i32) {
    // expected-error @below {{'memref.alloc' op is in no function that 'dsa-function-abi' has given a workspace}}
    %a = memref.alloc() : memref<i32>
    memref.store %zero, %a[] : memref<i32>
    scf.yield %zero, %zero : i32, i32
  } else {
    scf.yield %entry, %entry : i32, i32
  }
  return %status#1 : i32
}
func.func @statuses_workspace(%threads: i32, %bytes: memref<1xi64>) -> i32 {
  %c0 = arith.constant 0 : index
  %none = arith.constant 0 : i64
  %entry = call @statuses_entry() : () -> i32
  memref.store %none, %bytes[%c0] : memref<1xi64>
  return %entry : i32
}

// -----

// Extents of results are known before the bytes are stored.
func.func private @order_entry() -> i32
func.func @order(%workspace: memref<?xi8>, %threads: i32) -> i32 {
  %zero = arith.constant 0 : i32
  %entry = call @order_entry() : () -> i32
  %ok = arith.cmpi eq, %entry, %zero : i32
  %status = scf.if %ok -> (i32) {
    // expected-error @below {{'memref.alloc' op is in no function that 'dsa-function-abi' has given a workspace}}
    %a = memref.alloc() : memref<i32>
    memref.store %zero, %a[] : memref<i32>
    scf.yield %zero : i32
  } else {
    scf.yield %entry : i32
  }
  return %status : i32
}
func.func @order_workspace(%threads: i32, %bytes: memref<1xi64>) -> i32 {
  %c0 = arith.constant 0 : index
  %none = arith.constant 0 : i64
  memref.store %none, %bytes[%c0] : memref<1xi64>
  %entry = call @order_entry() : () -> i32
  return %entry : i32
}

// -----

// Extents are indices.
func.func private @extents_entry() -> (i32, i64)
func.func @extents(%out: memref<?xi32>, %workspace: memref<?xi8>, %threads: i32) -> i32 {
  %c0 = arith.constant 0 : index
  %zero = arith.constant 0 : i32
  %entry:2 = call @extents_entry() : () -> (i32, i64)
  %ok = arith.cmpi eq, %entry#0, %zero : i32
  %status = scf.if %ok -> (i32) {
    %n = memref.dim %out, %c0 : memref<?xi32>
    // expected-error @below {{'memref.alloc' op is in no function that 'dsa-function-abi' has given a workspace}}
    %a = memref.alloc(%n) : memref<?xi32>
    memref.store %zero, %a[%c0] : memref<?xi32>
    scf.yield %zero : i32
  } else {
    scf.yield %entry#0 : i32
  }
  return %status : i32
}
func.func @extents_workspace(%threads: i32, %bytes: memref<1xi64>) -> i32 {
  %c0 = arith.constant 0 : index
  %none = arith.constant 0 : i64
  %entry:2 = call @extents_entry() : () -> (i32, i64)
  memref.store %none, %bytes[%c0] : memref<1xi64>
  return %entry#0 : i32
}

// -----

// Functions of a module inside are not those of this one.
func.func private @outside()
module {
  func.func private @nested_entry() -> i32
  func.func @nested(%workspace: memref<?xi8>, %threads: i32) -> i32 {
    %zero = arith.constant 0 : i32
    %entry = call @nested_entry() : () -> i32
    %ok = arith.cmpi eq, %entry, %zero : i32
    %status = scf.if %ok -> (i32) {
      // expected-error @below {{'memref.alloc' op is in no function that 'dsa-function-abi' has given a workspace}}
      %a = memref.alloc() : memref<i32>
      memref.store %zero, %a[] : memref<i32>
      scf.yield %zero : i32
    } else {
      scf.yield %entry : i32
    }
    return %status : i32
  }
  func.func @nested_workspace(%threads: i32, %bytes: memref<1xi64>) -> i32 {
    %c0 = arith.constant 0 : index
    %none = arith.constant 0 : i64
    %entry = call @nested_entry() : () -> i32
    memref.store %none, %bytes[%c0] : memref<1xi64>
    return %entry : i32
  }
}

// -----

// expected-error @below {{'func.func' op has the name of a function of the runtime, which compiled functions call; rename it}}
func.func private @dsa_fail_workspace()
func.func private @runtime_entry() -> i32
func.func @runtime(%workspace: memref<?xi8>, %threads: i32) -> i32 {
  %zero = arith.constant 0 : i32
  %entry = call @runtime_entry() : () -> i32
  %ok = arith.cmpi eq, %entry, %zero : i32
  %status = scf.if %ok -> (i32) {
    %a = memref.alloc() : memref<i32>
    memref.store %zero, %a[] : memref<i32>
    scf.yield %zero : i32
  } else {
    scf.yield %entry : i32
  }
  return %status : i32
}
func.func @runtime_workspace(%threads: i32, %bytes: memref<1xi64>) -> i32 {
  %c0 = arith.constant 0 : index
  %none = arith.constant 0 : i64
  %entry = call @runtime_entry() : () -> i32
  memref.store %none, %bytes[%c0] : memref<1xi64>
  return %entry : i32
}
