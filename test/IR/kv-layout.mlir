// Layouts print by name where they have one, else by what differs from it.
// RUN: dsa-opt %s --verify-roundtrip | FileCheck %s
// RUN: dsa-opt %s --mlir-print-op-generic | dsa-opt | FileCheck %s
// RUN: dsa-opt %s --emit-bytecode | dsa-opt | FileCheck %s

// CHECK: @named() attributes {a = #dsa.kv_layout<mla_656>, b = #dsa.kv_layout<mla_656, page = 64>, c = #dsa.kv_layout<mla_584, page = 256>, d = #dsa.kv_layout<index_132, page = 64>, e = #dsa.kv_layout<dense>}
func.func private @named() attributes {
  a = #dsa.kv_layout<mla_656>, b = #dsa.kv_layout<mla_656, page = 64>,
  c = #dsa.kv_layout<mla_584, page = 256>, d = #dsa.kv_layout<index_132, page = 64>,
  e = #dsa.kv_layout<dense>}

// Spelled out, they are the same attributes.
// CHECK: @spelled() attributes {a = #dsa.kv_layout<mla_656>, c = #dsa.kv_layout<mla_584, page = 2>, d = #dsa.kv_layout<index_132, page = 4>}
func.func private @spelled() attributes {
  a = #dsa.kv_layout<[512 x f8E4M3FN scale f32 per 128 at 512, 64 x bf16 at 528], record_bytes = 656>,
  c = #dsa.kv_layout<[448 x f8E4M3FN scale f8E8M0FNU per 64, 64 x bf16 at 448], record_bytes = 576, page = 2, scale_record_bytes = 8, page_bytes = 1728>,
  d = #dsa.kv_layout<[128 x f8E4M3FN scale f32 per 128], record_bytes = 128, page = 4, scale_record_bytes = 4>}

// A page that is larger than its rows says so.
// CHECK: @own() attributes {a = #dsa.kv_layout<[64 x f8E4M3FN scale f32 per 32 at 64], record_bytes = 72>, b = #dsa.kv_layout<[8 x f16], record_bytes = 16, page = 3, page_bytes = 64>, c = #dsa.kv_layout<[8 x f32], record_bytes = 32, page = 3>}
func.func private @own() attributes {
  a = #dsa.kv_layout<[64 x f8E4M3FN scale f32 per 32 at 64], record_bytes = 72>,
  b = #dsa.kv_layout<[8 x f16], record_bytes = 16, page = 3, page_bytes = 64>,
  c = #dsa.kv_layout<[8 x f32], record_bytes = 32, page = 3, page_bytes = 96>}

// Sizes in any order, offsets of 0 and the exact page_bytes are left out.
// CHECK: @order() attributes {a = #dsa.kv_layout<[2 x bf16, 2 x f16 at 4], record_bytes = 8, page = 2>, b = #dsa.kv_layout<[4 x f8E4M3FN scale f8E8M0FNU per 2], record_bytes = 4, page = 2, scale_record_bytes = 2>}
func.func private @order() attributes {
  a = #dsa.kv_layout<[2 x bf16 at 0, 2 x f16 at 4], page_bytes = 16, page = 2, record_bytes = 8>,
  b = #dsa.kv_layout<[4 x f8E4M3FN at 0 scale f8E8M0FNU per 2 at 0], scale_record_bytes = 2, page = 2, record_bytes = 4>}

// Fields may stand in any order of bytes, with gaps: their order is that of the
// elements of a row.
// CHECK: @gaps() attributes {a = #dsa.kv_layout<[1 x f32 at 8, 1 x f32], record_bytes = 64>}
func.func private @gaps() attributes {a = #dsa.kv_layout<[1 x f32 at 8, 1 x f32 at 0], record_bytes = 64>}

// One byte from a name is not that name: mla_584 without its padding, index_132
// with some, mla_656 with its last field first.
// CHECK: @almost() attributes
// CHECK-SAME: a = #dsa.kv_layout<[448 x f8E4M3FN scale f8E8M0FNU per 64, 64 x bf16 at 448], record_bytes = 576, page = 2, scale_record_bytes = 8>
// CHECK-SAME: b = #dsa.kv_layout<[128 x f8E4M3FN scale f32 per 128], record_bytes = 128, page = 4, scale_record_bytes = 4, page_bytes = 529>
// CHECK-SAME: c = #dsa.kv_layout<[64 x bf16 at 528, 512 x f8E4M3FN scale f32 per 128 at 512], record_bytes = 656>
// CHECK-SAME: d = #dsa.kv_layout<[512 x f8E4M3FN scale f32 per 128 at 512, 64 x bf16 at 528], record_bytes = 656, page = 4, page_bytes = 2625>
func.func private @almost() attributes {
  a = #dsa.kv_layout<[448 x f8E4M3FN scale f8E8M0FNU per 64, 64 x bf16 at 448], record_bytes = 576, page = 2, scale_record_bytes = 8>,
  b = #dsa.kv_layout<[128 x f8E4M3FN scale f32 per 128], record_bytes = 128, page = 4, scale_record_bytes = 4, page_bytes = 529>,
  c = #dsa.kv_layout<[64 x bf16 at 528, 512 x f8E4M3FN scale f32 per 128 at 512], record_bytes = 656>,
  d = #dsa.kv_layout<[512 x f8E4M3FN scale f32 per 128 at 512, 64 x bf16 at 528], record_bytes = 656, page = 4, page_bytes = 2625>}

// 72 rows of mla_584 need no padding, so leaving page_bytes out means the name.
// CHECK: @exact() attributes {a = #dsa.kv_layout<mla_584, page = 72>}
func.func private @exact() attributes {
  a = #dsa.kv_layout<[448 x f8E4M3FN scale f8E8M0FNU per 64, 64 x bf16 at 448], record_bytes = 576, page = 72, scale_record_bytes = 8>}

// The limits are inside.
// CHECK: @limits() attributes {a = #dsa.kv_layout<mla_656, page = 2147483647>, b = #dsa.kv_layout<[16777216 x f8E4M3FN], record_bytes = 16777216, page = 2147483647>}
func.func private @limits() attributes {
  a = #dsa.kv_layout<mla_656, page = 2147483647>,
  b = #dsa.kv_layout<[16777216 x f8E4M3FN], record_bytes = 16777216, page = 2147483647>}

// On an op the attribute has no prefix; in a list it has.
// CHECK-LABEL: func.func @on_ops
// CHECK: dsa.unpack packed(%{{.*}}) layout = <mla_656> outs(
// CHECK: dsa.unpack packed(%{{.*}}) paged layout = <[8 x f16], record_bytes = 16, page = 3, page_bytes = 64> outs(
// CHECK: dsa.sparse_attention {{.*}} layouts = [#dsa.kv_layout<dense>, #dsa.kv_layout<mla_656>] indices(
func.func @on_ops(%p: tensor<9x656xi8>, %r: tensor<9x576xf32>, %u: tensor<9x64xi8>, %x: tensor<9x3x8xf32>,
    %q: tensor<4x2x576xbf16>, %k: tensor<7x576xbf16>, %i: tensor<4x3xi32>, %o: tensor<4x2x512xf32>, %l: tensor<4x2xf32>)
    -> (tensor<9x576xf32>, tensor<9x3x8xf32>, tensor<4x2x512xf32>) {
  %a = dsa.unpack packed(%p : tensor<9x656xi8>)
      layout = <[512 x f8E4M3FN scale f32 per 128 at 512, 64 x bf16 at 528], record_bytes = 656>
      outs(%r : tensor<9x576xf32>)
  %b = dsa.unpack packed(%u : tensor<9x64xi8>) paged layout = <[8 x f16], record_bytes = 16, page = 3, page_bytes = 64>
      outs(%x : tensor<9x3x8xf32>)
  %out, %lse = dsa.sparse_attention query(%q : tensor<4x2x576xbf16>)
      keys(%k, %p : tensor<7x576xbf16>, tensor<9x656xi8>)
      layouts = [#dsa.kv_layout<dense>, #dsa.kv_layout<mla_656>]
      indices(%i, %i : tensor<4x3xi32>, tensor<4x3xi32>) scale = 1.0 dv = 512
      outs(%o, %l : tensor<4x2x512xf32>, tensor<4x2xf32>)
  return %a, %b, %out : tensor<9x576xf32>, tensor<9x3x8xf32>, tensor<4x2x512xf32>
}
