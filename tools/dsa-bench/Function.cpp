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
  }
  llvm_unreachable("all roles are listed");
}

SmallVector<Argument> bench::getArguments(const Case &c) {
  if (!c.hasScores())
    return {{Role::Scores, Element::F32, {dynamic, dynamic}, {c.T, c.S}}};
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

SmallVector<Result> bench::getResults(const Case &c) {
  if (c.op == OpKind::IndexerScores)
    return {{Element::F32, {dynamic, dynamic}, {c.T, c.S}}};
  return {{Element::I32, {dynamic, c.K}, {c.T, c.K}},
          {Element::I32, {dynamic}, {c.T}}};
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

/// Defines %T and, for an op whose results have that extent, %S.
static void printExtents(const Case &c, llvm::raw_ostream &os) {
  auto printDim = [&](StringRef name, Role role, int64_t dimension) {
    auto arguments = getArguments(c);
    const Argument *argument =
        llvm::find_if(arguments, [&](auto &a) { return a.role == role; });
    os << "  %i" << name << " = arith.constant " << dimension << " : index\n  %"
       << name << " = tensor.dim %" << getName(role) << ", %i" << name << " : "
       << getTypeText(argument->shape, argument->element) << "\n";
  };
  printDim("T", c.hasScores() ? Role::Query : Role::Scores, 0);
  if (c.op != OpKind::IndexerScores)
    return;
  if (!c.page)
    return printDim("S", Role::Keys, 0);
  printDim("N", Role::BlockTable, 1);
  os << "  %page = arith.constant " << c.page
     << " : index\n  %S = arith.muli %N, %page : index\n";
}

std::string bench::getFunctionText(const Case &c) {
  std::string text, signature, clauses, inits, types;
  for (auto &argument : getArguments(c)) {
    std::string name = bench::getName(argument.role).str();
    std::string typed =
        "%" + name + " : " + getTypeText(argument.shape, argument.element);
    signature += (signature.empty() ? "" : ", ") + typed;
    clauses += " " + name + "(" + typed + ")";
    if (argument.role == Role::Keys && c.page)
      clauses += " paged";
  }
  if (c.op != OpKind::IndexerScores)
    clauses += " k = " + std::to_string(c.K);

  llvm::raw_string_ostream os(text);
  SmallVector<Result> results = getResults(c);
  for (const Result &result : results)
    types +=
        (types.empty() ? "" : ", ") + getTypeText(result.shape, result.element);
  os << "func.func @kernel(" << signature << ") -> (" << types << ") {\n";
  printExtents(c, os);
  for (auto [i, result] : llvm::enumerate(results)) {
    os << "  %init" << i << " = tensor.empty(%T"
       << (c.op == OpKind::IndexerScores ? ", %S" : "")
       << ") : " << getTypeText(result.shape, result.element) << "\n";
    inits += (i ? ", %init" : "%init") + std::to_string(i);
  }
  os << "  %r:" << results.size() << " = dsa." << getName(c.op) << clauses
     << "\n      outs(" << inits << " : " << types << ")\n  return %r#0"
     << (results.size() == 2 ? ", %r#1" : "") << " : " << types << "\n}\n";
  return text;
}
