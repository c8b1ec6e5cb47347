/* dsa-c.c - what a program in C does with the C API, and does wrong.
 *
 * Part of dsa-mlir, under the Apache License v2.0 with LLVM Exceptions.
 * SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
 *
 * Prints each case's name and what it gave; capi.test says what that is.
 */
#include "dsa-c/DSA.h"
#include <stdio.h>

static void print(MlirStringRef text, void *file) {
  fwrite(text.data, 1, text.length, file);
}

/* Prints the module in `text` as `pipeline` leaves it, or what is wrong. */
static int compile(const char *text, const char *pipeline, FILE *output,
                   FILE *errors) {
  MlirContext context = dsaContextCreate(/*threadingEnabled=*/false);
  MlirModule module = dsaModuleCreateParse(
      context, mlirStringRefCreateFromCString(text),
      mlirStringRefCreateFromCString("layer.mlir"), print, errors);
  MlirLogicalResult done = mlirLogicalResultFailure();
  if (!mlirModuleIsNull(module)) {
    done = dsaModuleRunPipeline(
        module, mlirStringRefCreateFromCString(pipeline), print, errors);
    if (mlirLogicalResultIsSuccess(done))
      mlirOperationPrint(mlirModuleGetOperation(module), print, output);
    mlirModuleDestroy(module);
  }
  mlirContextDestroy(context);
  return mlirLogicalResultIsSuccess(done) ? 0 : 1;
}

/*--- The tests -------------------------------------------------------------*/

#include "mlir-c/BuiltinAttributes.h"
#include "mlir-c/Diagnostics.h"
#include "mlir-c/Pass.h"
#include "mlir-c/Transforms.h"
#include <stdlib.h>
#include <string.h>

static const char top2[] =
    "func.func @top2(%scores: tensor<4x8xf32>) -> tensor<4x2xi32> {\n"
    "  %i = tensor.empty() : tensor<4x2xi32>\n"
    "  %n = tensor.empty() : tensor<4xi32>\n"
    "  %indices, %count = dsa.top_k scores(%scores : tensor<4x8xf32>) k = 2\n"
    "      outs(%i, %n : tensor<4x2xi32>, tensor<4xi32>)\n"
    "  return %indices : tensor<4x2xi32>\n"
    "}\n";

/* Its value of k does not fit the type of its indices. */
static const char wrongK[] =
    "func.func @top2(%scores: tensor<4x8xf32>, %i: tensor<4x2xi32>,\n"
    "                %n: tensor<4xi32>) -> tensor<4x2xi32> {\n"
    "  %indices, %count = dsa.top_k scores(%scores : tensor<4x8xf32>) k = 3\n"
    "      outs(%i, %n : tensor<4x2xi32>, tensor<4xi32>)\n"
    "  return %indices : tensor<4x2xi32>\n"
    "}\n";

/* Not an entry point. */
static const char onMemrefs[] = "\n"
                                "func.func @f(%x: memref<4xf32>) {\n"
                                "  return\n"
                                "}\n";

static const char decompose[] = "builtin.module(dsa-decompose)";

static MlirStringRef ref(const char *text) {
  return mlirStringRefCreateFromCString(text);
}

static void begin(const char *name) { printf("\n== %s\n", name); }

static void expect(bool condition, const char *what) {
  if (!condition)
    printf("WRONG: %s\n", what);
}

/* Runs the example; whatever it prints comes out, then whether it succeeded. */
static void testCompile(const char *name, const char *text,
                        const char *pipeline) {
  begin(name);
  printf("-- %s\n",
         compile(text, pipeline, stdout, stdout) ? "failed" : "succeeded");
}

/* Text of `depth` tuple types, one in the other. */
static char *nestTypes(size_t depth) {
  static const char open[] = "tuple<", before[] = "func.func private @f(";
  char *text = malloc(sizeof(before) + depth * sizeof(open) + 8), *end = text;
  end = strcpy(end, before) + strlen(before);
  for (size_t i = 0; i < depth; ++i)
    end = strcpy(end, open) + strlen(open);
  end = strcpy(end, "i32") + 3;
  memset(end, '>', depth);
  strcpy(end + depth, ")");
  return text;
}

static void testParsing(void) {
  testCompile("syntax error", "func.func @f(\n", decompose);
  testCompile("verifier error", wrongK, decompose);
  testCompile("unknown dialect", "\"foo.bar\"() : () -> ()", decompose);
  testCompile("empty text", "", decompose);

  char *deep = nestTypes(2000);
  testCompile("too deep", deep, decompose);
  free(deep);
  deep = nestTypes(1999);
  testCompile("deep", deep, "builtin.module()");
  free(deep);

  begin("text without a final zero");
  const char part[] = {'m', 'o', 'd', 'u', 'l', 'e', ' ', '{', '}', 'x'};
  MlirContext context = dsaContextCreate(false);
  MlirModule module = dsaModuleCreateParse(
      context, mlirStringRefCreate(part, 9), ref("part"), print, stdout);
  mlirOperationPrint(mlirModuleGetOperation(module), print, stdout);
  mlirModuleDestroy(module);

  begin("no text");
  MlirStringRef none = {NULL, 7};
  module = dsaModuleCreateParse(context, none, ref("f"), print, stdout);
  expect(mlirModuleIsNull(module), "parsed");

  begin("no name and no callback");
  module = dsaModuleCreateParse(context, ref(wrongK), none, print, stdout);
  expect(mlirModuleIsNull(module), "parsed");
  module = dsaModuleCreateParse(context, ref(wrongK), none, NULL, NULL);
  expect(mlirModuleIsNull(module), "parsed");

  begin("no context");
  MlirContext noContext = {NULL};
  module = dsaModuleCreateParse(noContext, ref(top2), none, print, stdout);
  expect(mlirModuleIsNull(module), "parsed");
  mlirContextDestroy(context);
}

static void testPipelines(void) {
  testCompile("decompose", top2, decompose);
  testCompile("reference pipeline", top2,
              "builtin.module(dsa-reference-pipeline)");
  testCompile("pipeline syntax error", top2, "builtin.module(dsa-decompose");
  testCompile("unclosed options", top2, "builtin.module(dsa-decompose{)");
  testCompile("empty pipeline", top2, "");
  testCompile("unknown pass", top2, "builtin.module(dsa-decompos)");
  testCompile("unknown option of a pass", top2,
              "builtin.module(dsa-decompose{type=f32})");
  testCompile("unknown option of a pipeline", top2,
              "builtin.module(dsa-reference-pipeline{type=f32})");
  testCompile("wrong anchor", top2, "func.func(dsa-decompose)");
  testCompile("wrong nesting", top2,
              "builtin.module(func.func(dsa-reference-pipeline))");
  testCompile("failing pass", top2,
              "builtin.module(dsa-decompose{accumulate-type=f16})");
  testCompile("failing pass with a location", onMemrefs,
              "builtin.module(dsa-reference-pipeline)");

  size_t depth = 100000;
  char *deep = malloc(depth * 4 + 1);
  for (size_t i = 0; i < depth; ++i)
    memcpy(deep + 4 * i, "any(", 4);
  deep[4 * depth] = '\0';
  testCompile("deep pipeline", top2, deep);
  free(deep);

  begin("no pipeline");
  MlirContext context = dsaContextCreate(false);
  MlirModule module =
      dsaModuleCreateParse(context, ref("module {}"), ref("f"), print, stdout);
  MlirStringRef none = {NULL, 7};
  MlirLogicalResult done = dsaModuleRunPipeline(module, none, print, stdout);
  expect(mlirLogicalResultIsFailure(done), "ran");
  mlirModuleDestroy(module);
  mlirContextDestroy(context);

  begin("no module");
  MlirModule noModule = {NULL};
  done = dsaModuleRunPipeline(noModule, ref(decompose), print, stdout);
  expect(mlirLogicalResultIsFailure(done), "ran");
}

static void countCalls(MlirStringRef text, void *count) {
  (void)text;
  ++*(int *)count;
}

static MlirLogicalResult countDiagnostics(MlirDiagnostic diagnostic,
                                          void *count) {
  (void)diagnostic;
  ++*(int *)count;
  return mlirLogicalResultSuccess();
}

/* Text comes in one piece, and not to others; files that locations name are not
 * read. */
static void testDiagnostics(const char *thisFile) {
  begin("one call with all diagnostics");
  MlirContext context = dsaContextCreate(true);
  int seen = 0, calls = 0;
  MlirDiagnosticHandlerID handler = mlirContextAttachDiagnosticHandler(
      context, countDiagnostics, &seen, NULL);
  MlirModule module =
      dsaModuleCreateParse(context, ref(wrongK), ref("f"), countCalls, &calls);
  expect(calls == 1, "the callback was not called once");
  expect(seen == 0, "a handler of the context saw diagnostics");
  mlirContextDetachDiagnosticHandler(context, handler);

  begin("success is silent");
  module =
      dsaModuleCreateParse(context, ref(top2), ref("f"), countCalls, &calls);
  dsaModuleRunPipeline(module, ref(decompose), countCalls, &calls);
  expect(calls == 1, "the callback was called without a diagnostic");
  mlirModuleDestroy(module);

  begin("a location that names a file");
  module = dsaModuleCreateParse(context, ref(onMemrefs), ref(thisFile), print,
                                stdout);
  dsaModuleRunPipeline(module, ref("builtin.module(dsa-reference-pipeline)"),
                       print, stdout);
  printf("-- end\n");
  mlirModuleDestroy(module);
  mlirContextDestroy(context);
}

/* The way of a program that has its own registry and pass manager. */
static void testHost(void) {
  begin("host");
  dsaRegisterPasses();
  MlirDialectRegistry registry = mlirDialectRegistryCreate();
  dsaRegisterDialects(registry);
  MlirContext context = mlirContextCreateWithRegistry(registry, true);
  mlirDialectRegistryDestroy(registry);
  MlirModule module =
      dsaModuleCreateParse(context, ref(top2), ref("host.mlir"), print, stdout);
  MlirPassManager passes = mlirPassManagerCreate(context);
  MlirLogicalResult parsed = mlirParsePassPipeline(
      mlirPassManagerGetAsOpPassManager(passes),
      ref("builtin.module(canonicalize,dsa-reference-pipeline)"), print,
      stdout);
  expect(mlirLogicalResultIsSuccess(parsed), "the pipeline did not parse");
  MlirLogicalResult done =
      mlirPassManagerRunOnOp(passes, mlirModuleGetOperation(module));
  expect(mlirLogicalResultIsSuccess(done), "the pipeline did not run");
  mlirOperationPrint(mlirModuleGetOperation(module), print, stdout);
  mlirPassManagerDestroy(passes);
  mlirModuleDestroy(module);
  mlirContextDestroy(context);
}

/* The dialect alone parses; its pipelines say what they miss. */
static void testHandle(void) {
  begin("dialect handle");
  MlirDialectHandle handle = mlirGetDialectHandle__dsa__();
  MlirContext context = mlirContextCreateWithThreading(false);
  mlirDialectHandleRegisterDialect(handle, context);
  expect(!mlirDialectIsNull(mlirDialectHandleLoadDialect(handle, context)),
         "the dialect did not load");
  print(mlirDialectHandleGetNamespace(handle), stdout);
  printf("\n");
  MlirModule module =
      dsaModuleCreateParse(context, ref("module {}"), ref("f"), print, stdout);
  MlirLogicalResult done = dsaModuleRunPipeline(
      module, ref("builtin.module(dsa-reference-pipeline)"), print, stdout);
  expect(mlirLogicalResultIsFailure(done), "ran without interface models");
  mlirModuleDestroy(module);
  mlirContextDestroy(context);
}

static void testLayout(MlirContext context, const char *preset, int64_t page) {
  MlirAttribute layout =
      dsaKVLayoutAttrGetPreset(context, ref(preset), page, print, stdout);
  expect(dsaAttributeIsAKVLayout(layout) != mlirAttributeIsNull(layout),
         "neither null nor a layout");
  if (!mlirAttributeIsNull(layout)) {
    mlirAttributePrint(layout, print, stdout);
    printf("\n");
  }
}

static void testLayouts(void) {
  begin("layouts");
  /* The dialect is loaded by the constructor. */
  MlirContext context = mlirContextCreate();
  testLayout(context, "mla_656", 0);
  testLayout(context, "mla_656", 64);
  testLayout(context, "index_132", 64);
  testLayout(context, "dense", 0);
  testLayout(context, "index_132", 0);
  testLayout(context, "dense", 64);
  testLayout(context, "mla_656", -1);
  testLayout(context, "mla_656", (int64_t)1 << 31);
  testLayout(context, "mla_655", 0);
  testLayout(context, "", 0);
  MlirContext noContext = {NULL};
  testLayout(noContext, "mla_656", 0);
  expect(!dsaAttributeIsAKVLayout(mlirUnitAttrGet(context)),
         "unit is a layout");
  mlirContextDestroy(context);
}

int main(int argc, char **argv) {
  (void)argc;
  printf("version %s\n", dsaGetVersion());
  mlirRegisterTransformsPasses();
  testParsing();
  testPipelines();
  testDiagnostics(argv[1]);
  testHost();
  testHandle();
  testLayouts();
  printf("\n== end\n");
  return 0;
}
