/*===- capi.c - The C API, from C
 * ---------------------------------------------===
 *
 * Part of dsa-mlir, under the Apache License v2.0 with LLVM Exceptions.
 * SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
 *
 *===--------------------------------------------------------------------------===
 *
 * Prints what the functions return; capi.test reads it.
 */

#include "dsa-c/DSA.h"

#include <stdio.h>
#include <string.h>

static MlirStringRef text(const char *string) {
  return mlirStringRefCreateFromCString(string);
}

static const char *const source =
    "func.func @f(%s: tensor<8x99xf32>, %i: tensor<8x7xi32>, %n: "
    "tensor<8xi32>)\n"
    "    -> tensor<8x7xi32> {\n"
    "  %indices, %count = dsa.top_k scores(%s : tensor<8x99xf32>) k = 7\n"
    "      outs(%i, %n : tensor<8x7xi32>, tensor<8xi32>)\n"
    "  return %indices : tensor<8x7xi32>\n"
    "}\n";

/* Parses the source, runs a pipeline, prints the module or what went wrong. */
static int compile(MlirContext context, const char *pipeline) {
  char *messages;
  MlirModule module =
      dsaModuleParse(context, text(source), text("f.mlir"), &messages);
  int done = !mlirModuleIsNull(module) &&
             mlirLogicalResultIsSuccess(
                 dsaModuleRunPipeline(module, text(pipeline), &messages));
  if (done) {
    char *result = dsaModuleToText(module);
    printf("%s", result);
    dsaStringFree(result);
  } else {
    printf("failed: %s", messages);
  }
  dsaStringFree(messages);
  if (!mlirModuleIsNull(module))
    mlirModuleDestroy(module);
  return done;
}

static void parse(MlirContext context, MlirStringRef wrong) {
  char *messages;
  MlirModule module =
      dsaModuleParse(context, wrong, text("wrong.mlir"), &messages);
  printf("null: %d\n%s", mlirModuleIsNull(module), messages ? messages : "");
  dsaStringFree(messages);
  if (!mlirModuleIsNull(module))
    mlirModuleDestroy(module);
}

static void print(MlirStringRef part, void *unused) {
  (void)unused;
  fwrite(part.data, 1, part.length, stdout);
}

static void layout(MlirContext context, const char *preset, int64_t page) {
  char *messages;
  MlirAttribute attribute =
      dsaKVLayoutAttrGet(context, text(preset), page, &messages);
  if (dsaAttributeIsAKVLayout(attribute))
    mlirAttributePrint(attribute, print, NULL);
  printf("%s\n", messages ? messages : "");
  dsaStringFree(messages);
}

int main(void) {
  printf("version %s\n", dsaGetVersion());
  MlirContext context = dsaContextCreate();
  dsaRegisterPasses();
  dsaRegisterPasses();

  printf("== decompose\n");
  compile(context, "builtin.module(dsa-decompose,canonicalize)");
  printf("== reference\n");
  compile(context, "builtin.module(dsa-reference-pipeline)");

  printf("== wrong source\n");
  parse(context, text("func.func @g() {\n  dsa.top_k\n}"));
  printf("== wrong op\n");
  parse(
      context,
      text("func.func @g(%s: tensor<8x99xf32>, %i: tensor<8x7xi32>, %n: "
           "tensor<8xi32>) {\n  %x:2 = dsa.top_k scores(%s : tensor<8x99xf32>) "
           "k = 9 outs(%i, %n : tensor<8x7xi32>, tensor<8xi32>)\n  return\n}"));
  printf("== no source\n");
  parse(context, mlirStringRefCreate(NULL, 0));
  printf("== part of a string\n");
  parse(context, mlirStringRefCreate("module {}}", 9));

  printf("== wrong pipelines\n");
  compile(context, "builtin.module(dsa-decompose");
  compile(context, "builtin.module(dsa-compose)");
  compile(context, "func.func(cse)");
  compile(context, "");
  printf("== wrong option\n");
  compile(context, "builtin.module(dsa-decompose{accumulate-type=f16})");
  printf("== no module\n");
  char *messages;
  dsaModuleRunPipeline((MlirModule){NULL}, text("builtin.module()"), &messages);
  printf("%s", messages);
  dsaStringFree(messages);
  dsaModuleRunPipeline((MlirModule){NULL}, text("builtin.module()"), NULL);

  printf("== layouts\n");
  layout(context, "mla_656", 64);
  layout(context, "index_132", 0);
  layout(context, "mla_512", 64);
  mlirContextDestroy(context);

  printf("== handle\n");
  MlirContext plain = mlirContextCreate();
  mlirDialectHandleRegisterDialect(mlirGetDialectHandle__dsa__(), plain);
  MlirDialect dialect = mlirContextGetOrLoadDialect(plain, text("dsa"));
  printf("loaded: %d\n", !mlirDialectIsNull(dialect));
  MlirDialectRegistry registry = mlirDialectRegistryCreate();
  dsaRegisterDialects(registry);
  mlirContextAppendDialectRegistry(plain, registry);
  mlirDialectRegistryDestroy(registry);
  compile(plain, "builtin.module(dsa-reference-pipeline)");
  mlirContextDestroy(plain);
  return 0;
}
