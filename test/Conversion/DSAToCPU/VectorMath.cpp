//===- VectorMath.cpp - Functions of vectors, to be executed --------------===//
//
// Part of dsa-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Prints functions on tensors that apply those of VectorMath.h to each element,
// for the host with the features of the first argument;
// test/Integration/test_vector_math.py runs them.
//
//===----------------------------------------------------------------------===//

#include "../../../lib/Conversion/DSAToCPU/VectorMath.h"

#include "dsa/Register.h"

#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"
#include "mlir/IR/Verifier.h"
#include "llvm/Support/raw_ostream.h"

using namespace mlir;
using namespace mlir::dsa;

static void addFunction(ModuleOp module, const CPUTarget &target,
                        StringRef name,
                        Value (*apply)(KernelBuilder &, Value)) {
  Location loc = module.getLoc();
  auto builder = OpBuilder::atBlockEnd(module.getBody());
  auto type =
      RankedTensorType::get({ShapedType::kDynamic}, builder.getF32Type());
  auto function = func::FuncOp::create(
      builder, loc, name, builder.getFunctionType({type, type}, {type}));
  Block *entry = function.addEntryBlock();
  builder.setInsertionPointToStart(entry);
  AffineMap identity = builder.getMultiDimIdentityMap(1);
  auto elementwise = linalg::GenericOp::create(
      builder, loc, type, entry->getArgument(0), entry->getArgument(1),
      ArrayRef<AffineMap>{identity, identity}, utils::IteratorType::parallel,
      [&](OpBuilder &body, Location loc, ValueRange arguments) {
        KernelBuilder b(loc, body, target);
        Value result = apply(b, b.broadcast(arguments[0], b.f32s()));
        linalg::YieldOp::create(b,
                                Value(vector::ExtractOp::create(b, result, 0)));
      });
  func::ReturnOp::create(builder, loc, elementwise.getResults());
}

int main(int argc, char **argv) {
  DialectRegistry registry;
  registerDialect(registry);
  MLIRContext context(registry);
  context.loadAllAvailableDialects();
  CPUTargetOptions options;
  if (argc > 1)
    options.features = argv[1];
  FailureOr<CPUTarget> target =
      CPUTarget::get(options, [](const Twine &message) {
        llvm::errs() << "dsa-test-vector-math: error: " << message << "\n";
        return failure();
      });
  if (failed(target))
    return 1;
  OwningOpRef<ModuleOp> module = ModuleOp::create(UnknownLoc::get(&context));
  addFunction(*module, *target, "exp2", exp2OfNonPositive);
  addFunction(*module, *target, "log", dsa::log);
  if (failed(verify(*module)))
    return 1;
  module->print(llvm::outs());
  return 0;
}
