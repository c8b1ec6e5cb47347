// One negative test or more for each constraint of dsa.unpack.
// RUN: dsa-opt %s --split-input-file --verify-diagnostics

func.func @unpack_c1_mixed(%p: tensor<9x656xi8>, %o: memref<9x576xbf16>) {
  // expected-error @below {{operands must be all ranked tensors or all memrefs [C1]}}
  dsa.unpack packed(%p : tensor<9x656xi8>) layout = <mla_656> outs(%o : memref<9x576xbf16>)
  return
}

// -----

func.func @unpack_c1_encoding(%p: tensor<9x656xi8, "sparse">, %o: tensor<9x576xbf16>) {
  // expected-error @below {{operands must have no encoding, but one is 'tensor<9x656xi8, "sparse">' [C1]}}
  dsa.unpack packed(%p : tensor<9x656xi8, "sparse">) layout = <mla_656> outs(%o : tensor<9x576xbf16>)
  return
}

// -----

func.func @unpack_c2_three_inits(%p: tensor<9x656xi8>, %o: tensor<9x576xbf16>) {
  // expected-error @below {{expected 1 or 2 inits (rows, optional scales), but got 3 [C2]}}
  dsa.unpack packed(%p : tensor<9x656xi8>) layout = <mla_656> outs(%o, %o, %o : tensor<9x576xbf16>, tensor<9x576xbf16>, tensor<9x576xbf16>)
  return
}

// -----

func.func @unpack_c2_record(%p: tensor<9x655xi8>, %o: tensor<9x576xbf16>) {
  // expected-error @below {{dimension 1 of 'packed' is 655, but must be 656 [C2]}}
  dsa.unpack packed(%p : tensor<9x655xi8>) layout = <mla_656> outs(%o : tensor<9x576xbf16>)
  return
}

// -----

func.func @unpack_c2_page_bytes(%p: tensor<9x1167xi8>, %o: tensor<9x2x512xbf16>) {
  // expected-error @below {{dimension 1 of 'packed' is 1167, but must be 1728 [C2]}}
  dsa.unpack packed(%p : tensor<9x1167xi8>) paged layout = <mla_584, page = 2> outs(%o : tensor<9x2x512xbf16>)
  return
}

// -----

func.func @unpack_c2_packed_rank(%p: tensor<2x9x656xi8>, %o: tensor<9x576xbf16>) {
  // expected-error @below {{'packed' must have shape Sx656, but is 'tensor<2x9x656xi8>' [C2]}}
  dsa.unpack packed(%p : tensor<2x9x656xi8>) layout = <mla_656> outs(%o : tensor<9x576xbf16>)
  return
}

// -----

func.func @unpack_c2_rows(%p: tensor<9x656xi8>, %o: tensor<8x576xbf16>) {
  // expected-error @below {{dimension S is 9 in 'packed' but 8 in 'rows' [C2]}}
  dsa.unpack packed(%p : tensor<9x656xi8>) layout = <mla_656> outs(%o : tensor<8x576xbf16>)
  return
}

// -----

func.func @unpack_c2_page(%p: tensor<9x264xi8>, %o: tensor<9x3x128xbf16>) {
  // expected-error @below {{dimension 1 of 'rows' is 3, but must be 2 [C2]}}
  dsa.unpack packed(%p : tensor<9x264xi8>) paged layout = <index_132, page = 2> outs(%o : tensor<9x3x128xbf16>)
  return
}

// -----

func.func @unpack_c2_one_scale(%p: tensor<9x264xi8>, %o: tensor<9x2x128xf8E4M3FN>, %x: tensor<9x2x1xf32>) {
  // expected-error @below {{'scales' must have shape Px2, but is 'tensor<9x2x1xf32>' [C2]}}
  dsa.unpack packed(%p : tensor<9x264xi8>) paged layout = <index_132, page = 2> outs(%o, %x : tensor<9x2x128xf8E4M3FN>, tensor<9x2x1xf32>)
  return
}

// -----

func.func @unpack_c2_scales(%p: tensor<9x72xi8>, %o: tensor<9x64xf8E4M3FN>, %x: tensor<9x3xf32>) {
  // expected-error @below {{dimension 1 of 'scales' is 3, but must be 2 [C2]}}
  dsa.unpack packed(%p : tensor<9x72xi8>) layout = <[64 x f8E4M3FN scale f32 per 32 at 64], record_bytes = 72> outs(%o, %x : tensor<9x64xf8E4M3FN>, tensor<9x3xf32>)
  return
}

// -----

func.func @unpack_c2_no_init(%p: tensor<9x656xi8>) {
  // expected-error @below {{expected 1 or 2 inits (rows, optional scales), but got 0 [C2]}}
  "dsa.unpack"(%p) <{layout = #dsa.kv_layout<mla_656>}> : (tensor<9x656xi8>) -> ()
  return
}

// -----

func.func @unpack_c3_dense(%p: tensor<9x656xi8>, %o: tensor<9x576xbf16>) {
  // expected-error @below {{'packed' of element type 'i8' need a layout that describes packed rows [C3]}}
  dsa.unpack packed(%p : tensor<9x656xi8>) layout = <dense> outs(%o : tensor<9x576xbf16>)
  return
}

// -----

func.func @unpack_c3_page(%p: tensor<9x656xi8>, %o: tensor<9x576xbf16>) {
  // expected-error @below {{the layout of 'packed' has a page, but the op is not paged [C3]}}
  dsa.unpack packed(%p : tensor<9x656xi8>) layout = <mla_656, page = 1> outs(%o : tensor<9x576xbf16>)
  return
}

// -----

func.func @unpack_c3_no_page(%p: tensor<9x656xi8>, %o: tensor<9x1x576xbf16>) {
  // expected-error @below {{the layout of 'packed' has no page, but the op is paged [C3]}}
  dsa.unpack packed(%p : tensor<9x656xi8>) paged layout = <mla_656> outs(%o : tensor<9x1x576xbf16>)
  return
}

// -----

func.func @unpack_c4_f16(%p: tensor<9x656xi8>, %o: tensor<9x576xf16>) {
  // expected-error @below {{'rows' are of element type 'f16', but must be f32, bf16 or f8E4M3FN [C4]}}
  dsa.unpack packed(%p : tensor<9x656xi8>) layout = <mla_656> outs(%o : tensor<9x576xf16>)
  return
}

// -----

func.func @unpack_c4_no_scales(%p: tensor<9x264xi8>, %o: tensor<9x2x128xf8E4M3FN>) {
  // expected-error @below {{f8E4M3FN 'rows' need 'scales' as a second init [C4]}}
  dsa.unpack packed(%p : tensor<9x264xi8>) paged layout = <index_132, page = 2> outs(%o : tensor<9x2x128xf8E4M3FN>)
  return
}

// -----

func.func @unpack_c4_scales_of_floats(%p: tensor<9x656xi8>, %o: tensor<9x576xbf16>, %x: tensor<9x4xf32>) {
  // expected-error @below {{'scales' go with f8E4M3FN 'rows' only [C4]}}
  dsa.unpack packed(%p : tensor<9x656xi8>) layout = <mla_656> outs(%o, %x : tensor<9x576xbf16>, tensor<9x4xf32>)
  return
}

// -----

func.func @unpack_c4_two_fields(%p: tensor<9x656xi8>, %o: tensor<9x576xf8E4M3FN>, %x: tensor<9x4xf32>) {
  // expected-error @below {{raw rows need a layout of one f8E4M3FN field with scales, but it is #dsa.kv_layout<mla_656> [C4]}}
  dsa.unpack packed(%p : tensor<9x656xi8>) layout = <mla_656> outs(%o, %x : tensor<9x576xf8E4M3FN>, tensor<9x4xf32>)
  return
}

// -----

func.func @unpack_c4_scale_type(%p: tensor<9x264xi8>, %o: tensor<9x2x128xf8E4M3FN>, %x: tensor<9x2xbf16>) {
  // expected-error @below {{'scales' are of element type 'bf16', but must be f32 [C4]}}
  dsa.unpack packed(%p : tensor<9x264xi8>) paged layout = <index_132, page = 2> outs(%o, %x : tensor<9x2x128xf8E4M3FN>, tensor<9x2xbf16>)
  return
}

// -----

func.func @unpack_c4_raw_without_scales(%p: tensor<9x4xi8>, %o: tensor<9x4xf8E4M3FN>, %x: tensor<9xf32>) {
  // expected-error @below {{raw rows need a layout of one f8E4M3FN field with scales, but it is #dsa.kv_layout<[4 x f8E4M3FN], record_bytes = 4> [C4]}}
  dsa.unpack packed(%p : tensor<9x4xi8>) layout = <[4 x f8E4M3FN], record_bytes = 4> outs(%o, %x : tensor<9x4xf8E4M3FN>, tensor<9xf32>)
  return
}

// -----

func.func @unpack_c4_raw_of_bf16(%p: tensor<9x12xi8>, %o: tensor<9x4xf8E4M3FN>, %x: tensor<9xf32>) {
  // expected-error @below {{raw rows need a layout of one f8E4M3FN field with scales, but it is #dsa.kv_layout<[4 x bf16 scale f32 per 4 at 8], record_bytes = 12> [C4]}}
  dsa.unpack packed(%p : tensor<9x12xi8>) layout = <[4 x bf16 scale f32 per 4 at 8], record_bytes = 12> outs(%o, %x : tensor<9x4xf8E4M3FN>, tensor<9xf32>)
  return
}

// -----

func.func @unpack_c4_i32(%p: tensor<9x656xi8>, %o: tensor<9x576xi32>) {
  // expected-error @below {{'rows' are of element type 'i32', but must be f32, bf16 or f8E4M3FN [C4]}}
  dsa.unpack packed(%p : tensor<9x656xi8>) layout = <mla_656> outs(%o : tensor<9x576xi32>)
  return
}
