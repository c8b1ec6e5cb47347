//===- Function.cpp - The function of a case -----------------------------===//
//
// Part of dsa-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Function.h"

#include "mlir/IR/BuiltinTypes.h"
#include "llvm/ADT/STLExtras.h"
#include "llvm/Support/ErrorHandling.h"
#include "llvm/Support/raw_ostream.h"

using namespace mlir;
using namespace mlir::dsa;
using namespace mlir::dsa::bench;

static constexpr int64_t dynamic = ShapedType::kDynamic;

llvm::StringRef bench::getName(Role role) {
  switch (role) {
  case Role::Query:
    return "query";
  case Role::Keys:
    return "keys";
  case Role::BlockTable:
    return "block_table";
  case Role::KeyScale:
    return "key_scale";
  case Role::Weights:
    return "weights";
  case Role::Hi:
    return "hi";
  case Role::Scores:
    return "scores";
  case Role::Indices:
    return "indices";
  case Role::AttentionQuery:
    return "attention_query";
  case Role::AttentionKeys:
    return "attention_keys";
  }
  llvm_unreachable("all roles are listed");
}

/// Of `dsa.indexer_scores`, which `dsa.lightning_indexer` has too.
static SmallVector<Argument> getScoreArguments(const Case &c) {
  SmallVector<Argument> arguments;
  arguments.push_back(
      {Role::Query, c.getQueries(), {dynamic, c.Hi, c.D}, {c.T, c.Hi, c.D}});
  if (c.page) {
    int64_t pages = c.S / c.page;
    arguments.push_back(
        {Role::Keys, c.keys, {dynamic, c.page, c.D}, {pages, c.page, c.D}});
    arguments.push_back(
        {Role::BlockTable, Element::I32, {1, dynamic}, {1, pages}});
  } else {
    arguments.push_back({Role::Keys, c.keys, {dynamic, c.D}, {c.S, c.D}});
  }
  if (c.keys == Element::F8)
    arguments.push_back({Role::KeyScale, Element::F32, {dynamic}, {c.S}});
  arguments.push_back(
      {Role::Weights, Element::F32, {dynamic, c.Hi}, {c.T, c.Hi}});
  if (c.causal)
    arguments.push_back({Role::Hi, Element::I32, {dynamic}, {c.T}});
  return arguments;
}

/// Of `dsa.sparse_attention`, but the indices.
static SmallVector<Argument> getAttentionArguments(const Case &c) {
  constexpr int64_t recordBytes = 656;
  int64_t width = c.keys == Element::I8 ? recordBytes : Case::Dk;
  return {{Role::AttentionQuery,
           c.getQueries(),
           {dynamic, c.H, Case::Dk},
           {c.T, c.H, Case::Dk}},
          {Role::AttentionKeys, c.keys, {dynamic, width}, {c.S, width}}};
}

SmallVector<Argument> bench::getArguments(const Case &c) {
  if (c.op == OpKind::TopK)
    return {{Role::Scores, Element::F32, {dynamic, dynamic}, {c.T, c.S}}};
  SmallVector<Argument> arguments;
  if (c.hasScores())
    llvm::append_range(arguments, getScoreArguments(c));
  if (c.hasAttention())
    llvm::append_range(arguments, getAttentionArguments(c));
  if (c.op == OpKind::SparseAttention)
    arguments.push_back(
        {Role::Indices, Element::I32, {dynamic, c.K}, {c.T, c.K}});
  return arguments;
}

static SmallVector<Result> getSelectionResults(const Case &c) {
  return {{Element::I32, {dynamic, c.K}, {c.T, c.K}},
          {Element::I32, {dynamic}, {c.T}}};
}

static SmallVector<Result> getAttentionResults(const Case &c) {
  return {
      {c.getQueries(), {dynamic, c.H, Case::Dv}, {c.T, c.H, Case::Dv}},
      {Element::F32, {dynamic, c.H}, {c.T, c.H}},
  };
}

SmallVector<Result> bench::getResults(const Case &c) {
  if (c.op == OpKind::IndexerScores)
    return {{Element::F32, {dynamic, dynamic}, {c.T, c.S}}};
  SmallVector<Result> results;
  if (c.op != OpKind::SparseAttention)
    llvm::append_range(results, getSelectionResults(c));
  if (c.hasAttention())
    llvm::append_range(results, getAttentionResults(c));
  return results;
}

//===----------------------------------------------------------------------===//
// Text
//===----------------------------------------------------------------------===//

/// `tensor<?x64x128xbf16>`
static std::string getTypeText(ArrayRef<int64_t> shape, Element element) {
  std::string text = "tensor<";
  llvm::raw_string_ostream os(text);
  for (int64_t extent : shape)
    if (ShapedType::isDynamic(extent))
      os << "?x";
    else
      os << extent << "x";
  os << getName(element) << ">";
  return text;
}

/// `%query : tensor<?x64x128xbf16>`
static std::string getTypedText(const Argument &argument) {
  return "%" + bench::getName(argument.role).str() + " : " +
         getTypeText(argument.shape, argument.element);
}

/// Defines %T and, for an op whose results have that extent, %S.
static void printExtents(const Case &c, llvm::raw_ostream &os) {
  auto arguments = getArguments(c);
  auto printDim = [&](StringRef name, const Argument &argument,
                      int64_t dimension) {
    os << "  %i" << name << " = arith.constant " << dimension << " : index\n  %"
       << name << " = tensor.dim %" << getName(argument.role) << ", %i" << name
       << " : " << getTypeText(argument.shape, argument.element) << "\n";
  };
  auto find = [&](Role role) -> const Argument & {
    return *llvm::find_if(arguments, [&](auto &a) { return a.role == role; });
  };
  // The first argument has the rows, whatever the op.
  printDim("T", arguments.front(), 0);
  if (c.op != OpKind::IndexerScores)
    return;
  if (!c.page)
    return printDim("S", find(Role::Keys), 0);
  printDim("N", find(Role::BlockTable), 1);
  os << "  %page = arith.constant " << c.page
     << " : index\n  %S = arith.muli %N, %page : index\n";
}

/// `%name:2 = dsa.top_k ... outs(...)`, and the inits before it.
static void printOp(StringRef name, OpKind op, const std::string &clauses,
                    ArrayRef<Result> results, llvm::raw_ostream &os) {
  std::string inits, types;
  for (auto [i, result] : llvm::enumerate(results)) {
    std::string type = getTypeText(result.shape, result.element);
    std::string init = ("%" + name + "_init" + llvm::Twine(i)).str();
    os << "  " << init << " = tensor.empty(%T"
       << (op == OpKind::IndexerScores ? ", %S" : "") << ") : " << type << "\n";
    inits += (i ? ", " : "") + init;
    types += (i ? ", " : "") + type;
  }
  os << "  %" << name << ":" << results.size() << " = dsa." << getName(op)
     << clauses << "\n      outs(" << inits << " : " << types << ")\n";
}

/// `query(%query : ...) keys(%keys : ...) paged`
static std::string getClauses(const Case &c, ArrayRef<Argument> arguments) {
  std::string clauses;
  for (const Argument &argument : arguments) {
    StringRef name = bench::getName(argument.role);
    name.consume_front("attention_");
    clauses += " " + name.str() + "(" + getTypedText(argument) + ")";
    if (argument.role == Role::Keys && c.page)
      clauses += " paged";
    if (argument.role == Role::AttentionKeys && argument.element == Element::I8)
      clauses += " layouts = [#dsa.kv_layout<mla_656>]";
  }
  return clauses;
}

std::string bench::getFunctionText(const Case &c) {
  std::string text, signature, types, returned;
  for (auto &argument : getArguments(c))
    signature += (signature.empty() ? "" : ", ") + getTypedText(argument);
  for (const Result &result : getResults(c))
    types +=
        (types.empty() ? "" : ", ") + getTypeText(result.shape, result.element);
  llvm::raw_string_ostream os(text);
  os << "func.func @kernel(" << signature << ") -> (" << types << ") {\n";
  printExtents(c, os);

  auto add = [&](StringRef name, OpKind op, const std::string &clauses,
                 ArrayRef<Result> results) {
    printOp(name, op, clauses, results, os);
    for (size_t i = 0; i < results.size(); ++i)
      returned += (returned.empty() ? "%" : ", %") + name.str() + "#" +
                  std::to_string(i);
  };
  std::string clauses = getClauses(
      c, c.hasAttention() ? getAttentionArguments(c) : getArguments(c));
  std::string top = " k = " + std::to_string(c.K);
  if (c.op == OpKind::IndexerScores)
    add("scores", c.op, clauses, getResults(c));
  else if (!c.hasAttention())
    add("selected", c.op, clauses + top, getResults(c));
  if (c.op == OpKind::Core) {
    add("selected", OpKind::LightningIndexer,
        getClauses(c, getScoreArguments(c)) + top, getSelectionResults(c));
    SmallVector<Result> selected = getSelectionResults(c);
    clauses += " indices(%selected#0 : " +
               getTypeText(selected[0].shape, selected[0].element) +
               ") counts(%selected#1 : " +
               getTypeText(selected[1].shape, selected[1].element) + ")";
  } else if (c.hasAttention()) {
    clauses += " indices(" + getTypedText(getArguments(c).back()) + ")";
  }
  if (c.hasAttention())
    add("attended", OpKind::SparseAttention,
        clauses + " scale = " + std::to_string(Case::scale) +
            " dv = " + std::to_string(Case::Dv),
        getAttentionResults(c));
  os << "  return " << returned << " : " << types << "\n}\n";
  return text;
}
