// What a #dsa.kv_layout must not be.
// RUN: dsa-opt %s --split-input-file --verify-diagnostics

// expected-error @below {{unknown layout 'no_such'; the named ones are mla_656, mla_584, index_132, dense}}
func.func private @kv_layout() attributes {l = #dsa.kv_layout<no_such>}

// -----

// expected-error @below {{layout 'mla_584' has scales at the page's end and needs 'page = n'}}
func.func private @kv_layout() attributes {l = #dsa.kv_layout<mla_584>}

// -----

// expected-error @below {{layout 'index_132' has scales at the page's end and needs 'page = n'}}
func.func private @kv_layout() attributes {l = #dsa.kv_layout<index_132>}

// -----

// expected-error @below {{page is 0, but must be positive and below 2^31}}
func.func private @kv_layout() attributes {l = #dsa.kv_layout<mla_656, page = 0>}

// -----

// expected-error @below {{page is 2147483648, but must be positive and below 2^31}}
func.func private @kv_layout() attributes {l = #dsa.kv_layout<mla_656, page = 2147483648>}

// -----

// expected-error @below {{layout 'dense' has no page}}
func.func private @kv_layout() attributes {l = #dsa.kv_layout<dense, page = 4>}

// -----

// expected-error @below {{unknown parameter 'record_bytes'; a layout has page}}
func.func private @kv_layout() attributes {l = #dsa.kv_layout<mla_656, record_bytes = 656>}

// -----

// expected-error @below {{a layout needs a field, or the name 'dense'}}
func.func private @kv_layout() attributes {l = #dsa.kv_layout<[], record_bytes = 4>}

// -----

// expected-error @below {{a layout of fields needs 'record_bytes = n'}}
func.func private @kv_layout() attributes {l = #dsa.kv_layout<[1 x f32]>}

// -----

// expected-error @below {{unknown parameter 'bogus'; a layout has record_bytes, page, scale_record_bytes and page_bytes}}
func.func private @kv_layout() attributes {l = #dsa.kv_layout<[1 x f32], record_bytes = 4, bogus = 1>}

// -----

// expected-error @below {{repeated parameter 'record_bytes'}}
func.func private @kv_layout() attributes {l = #dsa.kv_layout<[1 x f32], record_bytes = 4, record_bytes = 4>}

// -----

// expected-error @below {{record_bytes is 0, but must be positive and at most 16777216}}
func.func private @kv_layout() attributes {l = #dsa.kv_layout<[1 x f32], record_bytes = 0>}

// -----

// expected-error @below {{record_bytes is 16777217, but must be positive and at most 16777216}}
func.func private @kv_layout() attributes {l = #dsa.kv_layout<[1 x f32], record_bytes = 16777217>}

// -----

// expected-error @below {{page is 3000000000, but must be positive and below 2^31}}
func.func private @kv_layout() attributes {l = #dsa.kv_layout<[1 x f32], record_bytes = 4, page = 3000000000>}

// -----

// expected-error @below {{the bytes of a page do not fit 64 bits}}
func.func private @kv_layout() attributes {l = #dsa.kv_layout<[1 x f32], record_bytes = 4, page = 9223372036854775807>}

// -----

// expected-error @below {{scales at the page's end (scale_record_bytes = 4) need 'page = n'}}
func.func private @kv_layout() attributes {l = #dsa.kv_layout<[1 x f8E4M3FN scale f32 per 1], record_bytes = 4, scale_record_bytes = 4>}

// -----

// expected-error @below {{scale_record_bytes is -1, but must be positive and at most 16777216}}
func.func private @kv_layout() attributes {l = #dsa.kv_layout<[1 x f8E4M3FN scale f32 per 1], record_bytes = 4, page = 2, scale_record_bytes = -1>}

// -----

// expected-error @below {{page_bytes is 15, but 4 rows take 16 bytes}}
func.func private @kv_layout() attributes {l = #dsa.kv_layout<[1 x f32], record_bytes = 4, page = 4, page_bytes = 15>}

// -----

// expected-error @below {{field element type is 'f64', but must be f8E4M3FN, bf16, f16 or f32}}
func.func private @kv_layout() attributes {l = #dsa.kv_layout<[1 x f64], record_bytes = 8>}

// -----

// expected-error @below {{field of 0 elements at byte 0 must have a positive count and start in the record of 4 bytes}}
func.func private @kv_layout() attributes {l = #dsa.kv_layout<[0 x f32], record_bytes = 4>}

// -----

// expected-error @below {{field of 1 elements at byte 5 must have a positive count and start in the record of 4 bytes}}
func.func private @kv_layout() attributes {l = #dsa.kv_layout<[1 x f32 at 5], record_bytes = 4>}

// -----

// expected-error @below {{a field ends at byte 8, past the record of 4 bytes}}
func.func private @kv_layout() attributes {l = #dsa.kv_layout<[2 x f32], record_bytes = 4>}

// -----

// expected-error @below {{bytes 2 to 3 of the record belong to two fields}}
func.func private @kv_layout() attributes {l = #dsa.kv_layout<[1 x f32, 1 x f32 at 2], record_bytes = 8>}

// -----

// expected-error @below {{bytes 2 to 3 of the record belong to two fields}}
func.func private @kv_layout() attributes {l = #dsa.kv_layout<[4 x f8E4M3FN scale f32 per 4 at 2], record_bytes = 8>}

// -----

// expected-error @below {{a scale per 3 elements does not divide a field of 4}}
func.func private @kv_layout() attributes {l = #dsa.kv_layout<[4 x f8E4M3FN scale f32 per 3 at 4], record_bytes = 16>}

// -----

// expected-error @below {{field scale type is 'bf16', but must be f32 or f8E8M0FNU}}
func.func private @kv_layout() attributes {l = #dsa.kv_layout<[4 x f8E4M3FN scale bf16 per 4 at 4], record_bytes = 16>}

// -----

// expected-error @below {{scale offset is -4, but must be in [0, 16777216]}}
func.func private @kv_layout() attributes {l = #dsa.kv_layout<[4 x f8E4M3FN scale f32 per 4 at -4], record_bytes = 16>}

// -----

// expected-error @below {{a field ends at byte 8, past the scale record of 4 bytes}}
func.func private @kv_layout() attributes {l = #dsa.kv_layout<[4 x f8E4M3FN scale f32 per 2], record_bytes = 4, page = 2, scale_record_bytes = 4>}

// -----

// expected-error @below {{scale_record_bytes is 4, but no field has scales}}
func.func private @kv_layout() attributes {l = #dsa.kv_layout<[4 x f32], record_bytes = 16, page = 2, scale_record_bytes = 4>}

// -----

// expected-error @below {{repeated parameter 'page'; a layout has page}}
func.func private @kv_layout() attributes {l = #dsa.kv_layout<mla_656, page = 1, page = 1>}

// -----

// expected-error @below {{page is -1, but must be positive and below 2^31}}
func.func private @kv_layout() attributes {l = #dsa.kv_layout<[1 x f32], record_bytes = 4, page = -1>}

// -----

// expected-error @below {{record_bytes is -4, but must be positive and at most 16777216}}
func.func private @kv_layout() attributes {l = #dsa.kv_layout<[1 x f32], record_bytes = -4>}

// -----

// expected-error @below {{scale_record_bytes is 16777217, but must be positive and at most 16777216}}
func.func private @kv_layout() attributes {l = #dsa.kv_layout<[1 x f8E4M3FN scale f32 per 1], record_bytes = 4, page = 2, scale_record_bytes = 16777217>}

// -----

// The sum of both record sizes overflows before their product does.
// expected-error @below {{the bytes of a page do not fit 64 bits}}
func.func private @kv_layout() attributes {l = #dsa.kv_layout<[1 x f32], record_bytes = 9223372036854775807, scale_record_bytes = 1>}

// -----

// expected-error @below {{page_bytes = 4 needs 'page = n'}}
func.func private @kv_layout() attributes {l = #dsa.kv_layout<[1 x f32], record_bytes = 4, page_bytes = 4>}

// -----

// Scale records count towards the page.
// expected-error @below {{page_bytes is 15, but 2 rows take 16 bytes}}
func.func private @kv_layout() attributes {l = #dsa.kv_layout<[4 x f8E4M3FN scale f32 per 4], record_bytes = 4, page = 2, scale_record_bytes = 4, page_bytes = 15>}

// -----

// expected-error @below {{field of 16777217 elements at byte 0 must have a positive count and start in the record of 16777216 bytes}}
func.func private @kv_layout() attributes {l = #dsa.kv_layout<[16777217 x f8E4M3FN], record_bytes = 16777216>}

// -----

// expected-error @below {{field of 1 elements at byte -1 must have a positive count and start in the record of 4 bytes}}
func.func private @kv_layout() attributes {l = #dsa.kv_layout<[1 x f8E4M3FN at -1], record_bytes = 4>}

// -----

// A field may not start at the record's end either.
// expected-error @below {{a field ends at byte 5, past the record of 4 bytes}}
func.func private @kv_layout() attributes {l = #dsa.kv_layout<[1 x f8E4M3FN at 4], record_bytes = 4>}

// -----

// expected-error @below {{a scale per 0 elements does not divide a field of 4}}
func.func private @kv_layout() attributes {l = #dsa.kv_layout<[4 x f8E4M3FN scale f32 per 0 at 4], record_bytes = 16>}

// -----

// expected-error @below {{scale offset is 16777217, but must}}
func.func private @kv_layout() attributes {l = #dsa.kv_layout<[4 x f8E4M3FN scale f32 per 4 at 16777217], record_bytes = 16>}

// -----

// expected-error @below {{a field ends at byte 20, past the record of 16 bytes}}
func.func private @kv_layout() attributes {l = #dsa.kv_layout<[4 x f8E4M3FN scale f32 per 4 at 16], record_bytes = 16>}

// -----

// expected-error @below {{bytes 0 to 3 of the scale record belong to two fields}}
func.func private @kv_layout() attributes {l = #dsa.kv_layout<[4 x f8E4M3FN scale f32 per 4, 4 x f8E4M3FN at 4 scale f32 per 4], record_bytes = 8, page = 2, scale_record_bytes = 8>}

// -----

// expected-error @below {{expected 'x'}}
func.func private @kv_layout() attributes {l = #dsa.kv_layout<[4 f32], record_bytes = 16>}

// -----

// expected-error @below {{expected 'per'}}
func.func private @kv_layout() attributes {l = #dsa.kv_layout<[4 x f8E4M3FN scale f32], record_bytes = 16>}

// -----

// A layout on an op is checked as one in a list is.
func.func @kv_layout(%p: tensor<9x4xi8>, %o: tensor<9x1xf32>) {
  // expected-error @below {{a field ends at byte 8, past the record of 4 bytes}}
  dsa.unpack packed(%p : tensor<9x4xi8>) layout = <[2 x f32], record_bytes = 4> outs(%o : tensor<9x1xf32>)
  return
}
