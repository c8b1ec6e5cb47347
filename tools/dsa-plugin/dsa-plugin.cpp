//===- dsa-plugin.cpp - dsa in an mlir-opt that does not know it ----------===//
//
// Part of dsa-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// For programs that take plugins and share their libMLIR with this one:
//
//   mlir-opt --load-dialect-plugin=DSAPlugin.so \
//     --load-pass-plugin=DSAPlugin.so \
//     --pass-pipeline='builtin.module(dsa-decompose)' core.mlir
//
//===----------------------------------------------------------------------===//

#include "dsa/Register.h"
#include "dsa/Version.h"

#include "mlir/Pass/PassRegistry.h"
#include "mlir/Tools/Plugins/DialectPlugin.h"
#include "mlir/Tools/Plugins/PassPlugin.h"

using namespace mlir;

// The names and signatures are those that the loader looks up.
DialectPluginLibraryInfo mlirGetDialectPluginInfo() {
  // With the models that our passes need: a program may have registered the
  // dialects of upstream without them.
  return {MLIR_PLUGIN_API_VERSION, "dsa", DSA_VERSION,
          [](DialectRegistry *registry) {
            // A program that links our libraries has a copy of its own, beside
            // which there is no room for this one.
            if (!registry->getDialectAllocator("dsa"))
              dsa::registerDialect(*registry);
          }};
}

PassPluginLibraryInfo mlirGetPassPluginInfo() {
  return {MLIR_PLUGIN_API_VERSION, "dsa", DSA_VERSION, [] {
            if (!PassInfo::lookup("dsa-decompose"))
              dsa::registerPassesAndPipelines();
          }};
}
