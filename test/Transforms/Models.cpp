//===- Models.cpp - Contexts with and without models of interfaces --------===//
//
// Part of dsa-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// What programs that register less than `registerDialect` are told, and what
// the bounds of extents are; check-interfaces.test reads it.
//
//===----------------------------------------------------------------------===//

#include "dsa/IR/DSA.h"
#include "dsa/Passes.h"
#include "dsa/Register.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Bufferization/IR/Bufferization.h"
#include "mlir/Dialect/Bufferization/Transforms/Passes.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Interfaces/ValueBoundsOpInterface.h"
#include "mlir/Parser/Parser.h"
#include "mlir/Pass/PassManager.h"

using namespace mlir;
using namespace mlir::dsa;

static constexpr llvm::StringLiteral source = R"mlir(
func.func @f(%q: tensor<8x4x16xf32>, %k: tensor<?x4x16xf32>, %table: tensor<1x5xi32>,
    %w: tensor<?x4xf32>, %init: tensor<?x?xf32>) -> tensor<?x?xf32> {
  %scores = dsa.indexer_scores query(%q : tensor<8x4x16xf32>)
      keys(%k : tensor<?x4x16xf32>) paged block_table(%table : tensor<1x5xi32>)
      weights(%w : tensor<?x4xf32>) outs(%init : tensor<?x?xf32>)
  return %scores : tensor<?x?xf32>
}
)mlir";

static void run(MLIRContext &context, ModuleOp module,
                std::unique_ptr<Pass> pass) {
  llvm::outs() << pass->getArgument() << "\n";
  PassManager pm(&context);
  pm.addPass(std::move(pass));
  llvm::outs() << (succeeded(pm.run(module)) ? "succeeded\n" : "failed\n");
}

int main() {
  DialectRegistry bare, complete;
  bare.insert<DSADialect, func::FuncDialect>();
  registerDialect(complete);
  for (DialectRegistry *registry : {&bare, &complete}) {
    llvm::outs() << (registry == &bare ? "== bare\n" : "== complete\n");
    MLIRContext context(*registry, MLIRContext::Threading::DISABLED);
    ScopedDiagnosticHandler print(&context, [](Diagnostic &diagnostic) {
      llvm::outs() << diagnostic << "\n";
    });
    OwningOpRef<ModuleOp> module =
        parseSourceString<ModuleOp>(source, &context);
    if (!module)
      return 1;
    run(context, *module, createCheckInterfacesPass());
    module->walk([](IndexerScoresOp op) {
      for (int64_t dim : {0, 1}) {
        FailureOr<int64_t> bound =
            ValueBoundsConstraintSet::computeConstantBound(
                presburger::BoundType::EQ, {op->getResult(0), dim});
        llvm::outs() << "dimension " << dim << " is "
                     << (succeeded(bound) ? std::to_string(*bound) : "unknown")
                     << "\n";
      }
    });
    run(context, *module, bufferization::createOneShotBufferizePass());
  }
  return 0;
}
