// RUN: dsa-opt %s --dsa-attach-cpu-target="triple=x86_64-linux-gnu cpu=znver4 features=-avx512bf16" | FileCheck %s
// RUN: dsa-opt %s --dsa-attach-cpu-target="triple=aarch64-linux-gnu cpu=neoverse-n1" | FileCheck %s --check-prefix=NEON

// CHECK: module attributes {llvm.target_triple = "x86_64-unknown-linux-gnu"}
// CHECK: llvm.func @body() attributes {passthrough = ["no-builtin-memset"], target_cpu = "znver4", target_features = #llvm.target_features<["-avx512bf16"]>}
// CHECK: llvm.func @declared(){{$}}
// NEON: module attributes {llvm.target_triple = "aarch64-unknown-linux-gnu"}
// NEON: llvm.func @body() attributes {passthrough = ["no-builtin-memset"], target_cpu = "neoverse-n1"}
llvm.func @body() {
  llvm.return
}
llvm.func @declared()
