//===- Builders.cpp - Ops made in C++ -------------------------------------===//
//
// Part of dsa-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Makes one of each op with the builders that take key sources and key sets as
// structs, verifies them and prints them; builders.test reads that.
//
//===----------------------------------------------------------------------===//

#include "dsa/IR/DSA.h"
#include "dsa/Register.h"

#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/IR/ImplicitLocOpBuilder.h"
#include "mlir/IR/Verifier.h"

using namespace mlir;
using namespace mlir::dsa;

int main() {
  DialectRegistry registry;
  registerDialect(registry);
  MLIRContext context(registry, MLIRContext::Threading::DISABLED);
  context.loadAllAvailableDialects();
  ImplicitLocOpBuilder b(UnknownLoc::get(&context), &context);
  OwningOpRef<ModuleOp> module = ModuleOp::create(b.getLoc());
  b.setInsertionPointToStart(module->getBody());
  auto function = func::FuncOp::create(b, "f", b.getFunctionType({}, {}));
  Block *body = function.addEntryBlock();
  b.setInsertionPointToStart(body);

  Type f32 = b.getF32Type(), bf16 = b.getBF16Type(), i32 = b.getI32Type();
  Type i8 = b.getI8Type();
  auto argument = [&](ArrayRef<int64_t> shape, Type type) -> Value {
    return body->addArgument(RankedTensorType::get(shape, type), b.getLoc());
  };
  auto report = [&] { return emitError(b.getLoc()); };
  auto layout = [&](StringRef name, int64_t page) {
    return KVLayoutAttr::getPreset(&context, name, page, report);
  };

  Value weights = argument({4, 8}, f32), hi = argument({4}, i32);
  Value indices = argument({4, 3}, i32), count = argument({4}, i32);
  Translation slots{argument({1, 5}, i32), 64};

  KeySource pages{argument({9, 264}, i8)};
  pages.blockTable = argument({1, 5}, i32);
  pages.paged = true;
  pages.layout = layout("index_132", 2);
  Value query = argument({4, 8, 128}, bf16);
  auto scores =
      IndexerScoresOp::create(b, query, pages, weights, Value(), hi,
                              argument({4, 10}, f32), Activation::None);
  TopKOp::create(b, scores.getResult(0), 3, Value(), hi,
                 ValueRange{indices, count}, slots);
  LightningIndexerOp::create(b, query, pages, weights, Value(), hi, 3,
                             ValueRange{indices, count}, Translation(), Value(),
                             Activation::Relu, SlotOrder::ScoreDescending);

  KeySet dense{argument({9, 576}, bf16), indices};
  KeySet packed{argument({9, 656}, i8), indices};
  dense.counts = packed.counts = count;
  packed.layout = layout("mla_656", 0);
  Value out = argument({4, 2, 512}, f32), lse = argument({4, 2}, f32);
  auto attention = SparseAttentionOp::create(
      b, argument({4, 2, 576}, bf16), ArrayRef<KeySet>{dense, packed},
      APFloat(0.5f), 512, ValueRange{out, lse}, argument({2}, f32));
  MergeAttentionOp::create(b, ValueRange{argument({3, 4, 2, 512}, f32)},
                           ValueRange{argument({3, 4, 2}, f32)}, Value(),
                           attention.getResults());
  UnpackOp::create(b, packed.keys, layout("mla_656", 0),
                   ValueRange{argument({9, 576}, bf16)});
  func::ReturnOp::create(b);
  function.setType(b.getFunctionType(body->getArgumentTypes(), {}));
  module->print(llvm::outs());
  return failed(verify(*module));
}
