/* DSA.h - C API of the dialect, its passes and its pipelines.
 *
 * Part of dsa-mlir, under the Apache License v2.0 with LLVM Exceptions.
 * SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
 *
 * Complements MLIR's own C API, whose conventions it follows: see
 * mlir/docs/CAPI.md. libDSA-C.so exports the functions of the headers mlir-c/
 * AffineExpr.h, AffineMap.h, BuiltinAttributes.h, BuiltinTypes.h,
 * Diagnostics.h, IntegerSet.h, IR.h, Pass.h, Rewrite.h, Support.h and
 * Transforms.h too; a program links it and no other library of MLIR. Objects of
 * a second copy of MLIR in the process must not be passed to it.
 *
 * Errors: a function that can fail takes a callback for diagnostics and a
 * pointer that is handed to it. The callback is called at most once, on the
 * calling thread, before the function returns, with the text of all
 * diagnostics, remarks and warnings of a success included. The text ends with
 * the call: copy what has to last. It is what the project's tools print,
 *
 *   layer.mlir:7:13: error: 'dsa.top_k' op ...
 *   layer.mlir:7:13: note: see current operation: ...
 *
 * with the line of source, if the text is at hand, and without colours. The
 * callback may be NULL. Diagnostic handlers attached to the context do not see
 * these diagnostics. Nothing is printed, with one exception: if the value of an
 * option of a pass is not a number or boolean and has to be, LLVM itself writes
 * to standard error why, and the callback gets the pass and the options.
 *
 * A null context or module, and text that is NULL, empty or malformed, are
 * errors, as are text beyond 256 MiB or nested more than 2000 brackets deep.
 * Parsing and passes run on a thread of their own with a large stack, while the
 * caller waits; mlirOperationPrint and mlirModuleDestroy do not, and need 2 MiB
 * for a module nested that deep.
 */
#ifndef DSA_C_DSA_H
#define DSA_C_DSA_H

#include "mlir-c/IR.h"
#include "mlir-c/Support.h"

#ifdef __cplusplus
extern "C" {
#endif

/* The version of the library, such as "0.1.0". Never freed. */
MLIR_CAPI_EXPORTED const char *dsaGetVersion(void);

/*--- Registration ----------------------------------------------------------*/

/* mlirGetDialectHandle__dsa__, for those who need the dialect alone. */
MLIR_DECLARE_CAPI_DIALECT_REGISTRATION(DSA, dsa);

/* Registers the dialect, the upstream dialects that are written around it or
 * made by its passes, and the interface models of all of them. */
MLIR_CAPI_EXPORTED void dsaRegisterDialects(MlirDialectRegistry registry);

/* Registers the passes and pipelines of the project by name, in the registry
 * that the process has for them. May be called from any thread and more than
 * once, but not while another thread parses a pipeline by other means than
 * dsaModuleRunPipeline. */
MLIR_CAPI_EXPORTED void dsaRegisterPasses(void);

/* A new context that knows what dsaRegisterDialects registers. With
 * `threadingEnabled` it owns a pool of threads, one per core, on which passes
 * run; without, nothing runs in parallel. The caller owns it:
 * mlirContextDestroy. */
MLIR_CAPI_EXPORTED MlirContext dsaContextCreate(bool threadingEnabled);

/*--- Text to text ----------------------------------------------------------*/

/* Parses and verifies a module, from text or bytecode. `name` stands in
 * locations where a file would have its path; no file is read. Null if there
 * are errors. The caller owns the module: mlirModuleDestroy. Its text:
 * mlirOperationPrint of mlirModuleGetOperation. */
MLIR_CAPI_EXPORTED MlirModule dsaModuleCreateParse(
    MlirContext context, MlirStringRef text, MlirStringRef name,
    MlirStringCallback diagnostics, void *userData);

/* Runs a pipeline such as "builtin.module(dsa-reference-pipeline)" on the
 * module, in place, and verifies it after each pass. Knows the passes of
 * dsaRegisterPasses, whether or not it was called, and those that the program
 * registered itself, as with mlirRegisterTransformsPasses. A module on which a
 * pass failed is in no particular state and good for mlirModuleDestroy only. */
MLIR_CAPI_EXPORTED MlirLogicalResult
dsaModuleRunPipeline(MlirModule module, MlirStringRef pipeline,
                     MlirStringCallback diagnostics, void *userData);

/*--- Attributes ------------------------------------------------------------*/

/* Whether the attribute is a #dsa.kv_layout; false for a null one. */
MLIR_CAPI_EXPORTED bool dsaAttributeIsAKVLayout(MlirAttribute attribute);

/* #dsa.kv_layout<preset, page = page>, without a page if `page` is 0. Null if
 * no layout has that name, it needs a page or cannot have one, or `page` is
 * outside [0, 2^31). Owned by the context. */
MLIR_CAPI_EXPORTED MlirAttribute dsaKVLayoutAttrGetPreset(
    MlirContext context, MlirStringRef preset, int64_t page,
    MlirStringCallback diagnostics, void *userData);

#ifdef __cplusplus
}
#endif

#endif /* DSA_C_DSA_H */
