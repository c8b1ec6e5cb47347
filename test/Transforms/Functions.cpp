//===- Functions.cpp - Rewrites without passes ----------------------------===//
//
// Part of dsa-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Calls the rewrites as a compiler does that decides itself what to rewrite;
// functions.test reads what they make.
//
//===----------------------------------------------------------------------===//

#include "dsa/Register.h"
#include "dsa/Transforms.h"

#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/SCF/Transforms/TileUsingInterface.h"
#include "mlir/IR/Verifier.h"
#include "mlir/Parser/Parser.h"

using namespace mlir;
using namespace mlir::dsa;

static constexpr llvm::StringLiteral source = R"mlir(
func.func @f(%iq: tensor<8x4x16xf32>, %ik: tensor<99x16xf32>, %w: tensor<8x4xf32>,
    %q: tensor<8x6x12xf32>, %kv: tensor<99x12xf32>, %s: tensor<8x99xf32>, %i: tensor<8x7xi32>,
    %n: tensor<8xi32>, %o: tensor<8x6x8xf32>, %l: tensor<8x6xf32>) -> tensor<8x6x8xf32> {
  %scores = dsa.indexer_scores query(%iq : tensor<8x4x16xf32>) keys(%ik : tensor<99x16xf32>)
      weights(%w : tensor<8x4xf32>) outs(%s : tensor<8x99xf32>)
  %indices, %count = dsa.top_k scores(%scores : tensor<8x99xf32>) k = 7
      outs(%i, %n : tensor<8x7xi32>, tensor<8xi32>)
  %out, %lse = dsa.sparse_attention query(%q : tensor<8x6x12xf32>) keys(%kv : tensor<99x12xf32>)
      indices(%indices : tensor<8x7xi32>) scale = 0.5 dv = 8
      outs(%o, %l : tensor<8x6x8xf32>, tensor<8x6xf32>)
  return %out : tensor<8x6x8xf32>
}
)mlir";

template <typename OpTy>
static OpTy find(ModuleOp module) {
  OpTy found;
  module->walk([&](OpTy op) { found = op; });
  return found;
}

/// Rewrites the function and prints it.
static LogicalResult
show(StringRef title, MLIRContext &context,
     function_ref<LogicalResult(IRRewriter &, ModuleOp)> rewrite) {
  OwningOpRef<ModuleOp> module = parseSourceString<ModuleOp>(source, &context);
  IRRewriter rewriter(&context);
  llvm::outs() << "== " << title << "\n";
  if (!module || failed(rewrite(rewriter, *module)) || failed(verify(*module)))
    return failure();
  module->print(llvm::outs());
  return success();
}

int main() {
  DialectRegistry registry;
  registerDialect(registry);
  MLIRContext context(registry, MLIRContext::Threading::DISABLED);
  context.loadAllAvailableDialects();

  LogicalResult ours =
      show("ours", context, [](IRRewriter &rewriter, ModuleOp module) {
        FailureOr<LightningIndexerOp> indexer =
            fuseIndexer(rewriter, find<TopKOp>(module));
        if (failed(indexer) ||
            failed(tileRows(rewriter, find<SparseAttentionOp>(module),
                            /*rows=*/4)) ||
            failed(splitPositions(rewriter, find<LightningIndexerOp>(module),
                                  /*parts=*/2)))
          return failure();
        return LogicalResult(
            splitSlots(rewriter, find<SparseAttentionOp>(module), /*parts=*/2));
      });

  // The consumer of a tiled op joins its loop: the part of the domain that
  // belongs to the parts of operands.
  LogicalResult upstream =
      show("upstream", context, [](IRRewriter &rewriter, ModuleOp module) {
        TopKOp producer = find<TopKOp>(module);
        rewriter.setInsertionPoint(producer);
        scf::SCFTilingOptions options;
        options.setTileSizes({rewriter.getIndexAttr(4)});
        FailureOr<scf::SCFTilingResult> tiled = scf::tileUsingSCF(
            rewriter, cast<TilingInterface>(*producer), options);
        if (failed(tiled))
          return failure();
        rewriter.replaceOp(producer, tiled->replacements);
        return LogicalResult(scf::tileAndFuseConsumer(
            rewriter, find<SparseAttentionOp>(module), tiled->loops));
      });
  // What the functions themselves refuse, whoever calls them.
  LogicalResult refused =
      show("refused", context, [](IRRewriter &rewriter, ModuleOp module) {
        auto report = [](StringRef what, bool done) {
          llvm::outs() << what << (done ? ": done\n" : ": refused\n");
        };
        TopKOp op = find<TopKOp>(module);
        report("1 part", succeeded(splitPositions(rewriter, op, 1)));
        report("1025 parts",
               succeeded(splitSlots(rewriter, find<SparseAttentionOp>(module),
                                    1025)));
        report("0 rows", succeeded(tileRows(rewriter, op, 0)));
        // A page has 8 positions here.
        OwningOpRef<ModuleOp> paged = parseSourceString<ModuleOp>(
            R"mlir(
func.func @f(%q: tensor<4x3x8xf32>, %k: tensor<9x8x8xf32>, %t: tensor<1x5xi32>,
    %w: tensor<4x3xf32>, %s: tensor<4x40xf32>) -> tensor<4x40xf32> {
  %scores = dsa.indexer_scores query(%q : tensor<4x3x8xf32>) keys(%k : tensor<9x8x8xf32>) paged
      block_table(%t : tensor<1x5xi32>) weights(%w : tensor<4x3xf32>) outs(%s : tensor<4x40xf32>)
  return %scores : tensor<4x40xf32>
})mlir",
            module.getContext());
        auto scores = find<IndexerScoresOp>(*paged);
        rewriter.setInsertionPoint(scores);
        for (auto [offset, size] : {std::pair(8, 16), {4, 8}, {8, 4}}) {
          std::string reason;
          DimSlice slice{scores.getIterationDims().back(),
                         rewriter.getIndexAttr(offset),
                         rewriter.getIndexAttr(size)};
          report(std::to_string(size) + " positions from " +
                     std::to_string(offset),
                 succeeded(sliceOperands(rewriter, scores, slice, reason)));
        }
        return success();
      });
  return failed(ours) || failed(upstream) || failed(refused);
}
