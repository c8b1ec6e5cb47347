// Layouts print by name where they have one, else by what differs from it.
// RUN: dsa-opt %s --verify-roundtrip | FileCheck %s

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
