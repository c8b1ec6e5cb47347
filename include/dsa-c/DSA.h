//===- DSA.h - The dsa dialect from C ---------------------------*- C -*-===//
//
// Part of dsa-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// For hosts in C and in languages that call C. The library DSA-C holds what
// this header declares and MLIR's own C API for contexts, IR, diagnostics and
// passes (mlir-c/IR.h, BuiltinTypes.h, BuiltinAttributes.h, Diagnostics.h,
// Pass.h), so that a program links nothing else.
//
// A function that can fail takes `char **messages`. If it is not null, it
// receives what there was to say, errors and warnings with their notes, as the
// tools print it, `file:line:column: error: text` and lines of source; or null
// if there was nothing. The caller frees it with dsaStringFree. Nothing is
// printed.
//
// Functions may be called from several threads at once on different contexts.
//
//===----------------------------------------------------------------------===//

#ifndef DSA_C_DSA_H
#define DSA_C_DSA_H

#include "mlir-c/IR.h"

#ifdef __cplusplus
extern "C" {
#endif

/// mlirGetDialectHandle__dsa__(): the dialect alone, without the models and
/// dialects that its pipelines need.
MLIR_DECLARE_CAPI_DIALECT_REGISTRATION(DSA, dsa);

/// The version of dsa-mlir, such as "0.1.0".
MLIR_CAPI_EXPORTED const char *dsaGetVersion(void);

/// Frees a string that a function of this header returned; null is allowed.
MLIR_CAPI_EXPORTED void dsaStringFree(char *string);

/// Registers the dialect, the dialects that its passes produce, and the models
/// of interfaces that these passes need.
MLIR_CAPI_EXPORTED void dsaRegisterDialects(MlirDialectRegistry registry);

/// A context on which dsaRegisterDialects was called, without threads of its
/// own. To be destroyed with mlirContextDestroy.
MLIR_CAPI_EXPORTED MlirContext dsaContextCreate(void);

/// Registers the passes and pipelines of dsa, and upstream's general and
/// bufferization passes, for use by name; further calls do nothing.
/// dsaModuleRunPipeline calls it.
MLIR_CAPI_EXPORTED void dsaRegisterPasses(void);

/// The module that `source`, MLIR as text or as bytecode, spells; null if it is
/// wrong. `name` stands for the file in locations. To be destroyed with
/// mlirModuleDestroy.
MLIR_CAPI_EXPORTED MlirModule dsaModuleParse(MlirContext context,
                                             MlirStringRef source,
                                             MlirStringRef name,
                                             char **messages);

/// Runs a pipeline, such as "builtin.module(dsa-reference-pipeline)", and
/// verifies the module after each pass. After a failure the module may be
/// partly rewritten and is good for printing and destroying only.
MLIR_CAPI_EXPORTED MlirLogicalResult dsaModuleRunPipeline(
    MlirModule module, MlirStringRef pipeline, char **messages);

/// The module as text, to be freed with dsaStringFree.
MLIR_CAPI_EXPORTED char *dsaModuleToText(MlirModule module);

/// `#dsa.kv_layout<preset, page = page>`; a `page` of 0 leaves it out. Null if
/// there is no such preset or the page does not fit it.
MLIR_CAPI_EXPORTED MlirAttribute dsaKVLayoutAttrGet(MlirContext context,
                                                    MlirStringRef preset,
                                                    int64_t page,
                                                    char **messages);

/// Whether an attribute is a `#dsa.kv_layout`.
MLIR_CAPI_EXPORTED bool dsaAttributeIsAKVLayout(MlirAttribute attribute);

#ifdef __cplusplus
}
#endif

#endif // DSA_C_DSA_H
