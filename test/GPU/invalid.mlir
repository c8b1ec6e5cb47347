// One negative test or more for each message of the verifiers of dsa_gpu.
//
// RUN: dsa-opt %s --split-input-file --verify-diagnostics

func.func @exp2_of_f64(%x: f64) {
  // expected-error @below {{'dsa_gpu.exp2' op operand #0 must be 32-bit float, but got 'f64'}}
  %p = dsa_gpu.exp2 %x : f64
  return
}

// -----

func.func @shared_memory_in_global_memory() {
  // expected-error @below {{'dsa_gpu.shared_memory' op result #0 must be LLVM pointer in address space 3, but got '!llvm.ptr<1>'}}
  %tile = dsa_gpu.shared_memory : !llvm.ptr<1>
  return
}

// -----

func.func @launch_no_module(%call: !llvm.ptr, %n: i64) {
  // expected-error @below {{'dsa_gpu.launch' op launches @kernel, expected a kernel of a module, as in @module::@kernel}}
  dsa_gpu.launch %call : !llvm.ptr, @kernel blocks(%n, %n, %n) threads = 32 shared_bytes = 0
  return
}

// -----

func.func @launch_no_threads(%call: !llvm.ptr, %n: i64) {
  // expected-error @below {{'dsa_gpu.launch' op has 0 threads, expected a multiple of 32 from 32 to 1024}}
  dsa_gpu.launch %call : !llvm.ptr, @kernels::@kernel blocks(%n, %n, %n) threads = 0 shared_bytes = 0
  return
}

// -----

func.func @launch_half_a_warp(%call: !llvm.ptr, %n: i64) {
  // expected-error @below {{'dsa_gpu.launch' op has 48 threads, expected a multiple of 32 from 32 to 1024}}
  dsa_gpu.launch %call : !llvm.ptr, @kernels::@kernel blocks(%n, %n, %n) threads = 48 shared_bytes = 0
  return
}

// -----

func.func @launch_too_many_threads(%call: !llvm.ptr, %n: i64) {
  // expected-error @below {{'dsa_gpu.launch' op has 1056 threads, expected a multiple of 32 from 32 to 1024}}
  dsa_gpu.launch %call : !llvm.ptr, @kernels::@kernel blocks(%n, %n, %n) threads = 1056 shared_bytes = 0
  return
}

// -----

func.func @launch_negative_bytes(%call: !llvm.ptr, %n: i64) {
  // expected-error @below {{'dsa_gpu.launch' op has -1 shared bytes, expected 0 or more}}
  dsa_gpu.launch %call : !llvm.ptr, @kernels::@kernel blocks(%n, %n, %n) threads = 32 shared_bytes = -1
  return
}

// -----

func.func @launch_of_nothing(%call: !llvm.ptr, %n: i64) {
  // expected-error @below {{'dsa_gpu.launch' op launches @kernels::@kernel, which is not a kernel of a gpu.module or a gpu.binary}}
  dsa_gpu.launch %call : !llvm.ptr, @kernels::@kernel blocks(%n, %n, %n) threads = 32 shared_bytes = 0
  return
}

// -----

gpu.module @kernels {
  gpu.func @helper() {
    gpu.return
  }
}
func.func @launch_of_a_device_function(%call: !llvm.ptr, %n: i64) {
  // expected-error @below {{'dsa_gpu.launch' op launches @kernels::@helper, which is not a kernel of a gpu.module or a gpu.binary}}
  dsa_gpu.launch %call : !llvm.ptr, @kernels::@helper blocks(%n, %n, %n) threads = 32 shared_bytes = 0
  return
}

// -----

gpu.module @kernels {
  llvm.func @helper() {
    llvm.return
  }
}
func.func @launch_of_a_lowered_device_function(%call: !llvm.ptr, %n: i64) {
  // expected-error @below {{'dsa_gpu.launch' op launches @kernels::@helper, which is not a kernel of a gpu.module or a gpu.binary}}
  dsa_gpu.launch %call : !llvm.ptr, @kernels::@helper blocks(%n, %n, %n) threads = 32 shared_bytes = 0
  return
}

// -----

gpu.binary @kernels [#gpu.object<#nvvm.target, assembly = "">]
func.func @launch_from_a_binary_without_kernels(%call: !llvm.ptr, %n: i64) {
  // expected-error @below {{'dsa_gpu.launch' op launches @kernels::@kernel, which is not a kernel of a gpu.module or a gpu.binary}}
  dsa_gpu.launch %call : !llvm.ptr, @kernels::@kernel blocks(%n, %n, %n) threads = 32 shared_bytes = 0
  return
}

// -----

gpu.module @kernels {
  gpu.func @kernel(%x: i32) kernel attributes {known_block_size = array<i32: 32, 1, 1>} {
    gpu.return
  }
}
func.func @launch_with_other_arguments(%call: !llvm.ptr, %n: i64) {
  // expected-error @below {{'dsa_gpu.launch' op has arguments of types ('i64'), but @kernels::@kernel takes ('i32')}}
  dsa_gpu.launch %call : !llvm.ptr, @kernels::@kernel blocks(%n, %n, %n) threads = 32 shared_bytes = 0 args(%n : i64)
  return
}

// -----

gpu.binary @kernels [#gpu.object<#nvvm.target, kernels = <[
    #gpu.kernel_metadata<"kernel", (i32) -> (), metadata = {nvvm.reqntid = array<i32: 32, 1, 1>}>
  ]>, assembly = "">]
func.func @launch_from_a_binary_with_other_arguments(%call: !llvm.ptr, %n: i64) {
  // expected-error @below {{'dsa_gpu.launch' op has arguments of types (), but @kernels::@kernel takes ('i32')}}
  dsa_gpu.launch %call : !llvm.ptr, @kernels::@kernel blocks(%n, %n, %n) threads = 32 shared_bytes = 0
  return
}

// -----

func.func @launch_of_a_host_pointer(%call: !llvm.ptr, %n: i64) {
  // expected-error @below {{'dsa_gpu.launch' op operand #4 must be variadic of i32, i64, f32, pointer to global memory or memref, but got '!llvm.ptr'}}
  dsa_gpu.launch %call : !llvm.ptr, @kernels::@kernel blocks(%n, %n, %n) threads = 32 shared_bytes = 0 args(%call : !llvm.ptr)
  return
}

// -----

gpu.module @kernels {
  gpu.func @kernel() kernel {
    gpu.return
  }
}
func.func @launch_of_unknown_size(%call: !llvm.ptr, %n: i64) {
  // expected-error @below {{'dsa_gpu.launch' op launches @kernels::@kernel, which has no known_block_size; it needs array<i32: 32, 1, 1>}}
  dsa_gpu.launch %call : !llvm.ptr, @kernels::@kernel blocks(%n, %n, %n) threads = 32 shared_bytes = 0
  return
}

// -----

gpu.module @kernels {
  gpu.func @kernel() kernel attributes {known_block_size = array<i32: 64, 2, 1>} {
    gpu.return
  }
}
func.func @launch_of_another_size(%call: !llvm.ptr, %n: i64) {
  // expected-error @below {{'dsa_gpu.launch' op has 128 threads, but blocks of @kernels::@kernel are of 64 x 2 x 1}}
  dsa_gpu.launch %call : !llvm.ptr, @kernels::@kernel blocks(%n, %n, %n) threads = 128 shared_bytes = 0
  return
}

// -----

func.func @check_aligned_to_12(%call: !llvm.ptr, %n: i64) {
  // expected-error @below {{'dsa_gpu.check_aligned' op has the multiple 12, expected a power of two}}
  dsa_gpu.check_aligned %call, %n : !llvm.ptr, i64, multiple = 12, what = "keys"
  return
}

// -----

func.func @check_aligned_to_the_least(%call: !llvm.ptr, %n: i64) {
  // expected-error @below {{'dsa_gpu.check_aligned' op has the multiple -9223372036854775808, expected a power of two}}
  dsa_gpu.check_aligned %call, %n : !llvm.ptr, i64, multiple = -9223372036854775808, what = "keys"
  return
}
