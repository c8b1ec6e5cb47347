//===- DSADialect.cpp - The dsa dialect ---------------------------------===//
//
// Part of dsa-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "dsa/IR/DSA.h"

#include "OpRules.h"

#include "mlir/Bytecode/BytecodeImplementation.h"
#include "mlir/Dialect/Affine/IR/AffineOps.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Bufferization/IR/BufferizableOpInterface.h"
#include "mlir/Dialect/Bufferization/IR/Bufferization.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/IR/Builders.h"
#include "mlir/IR/DialectImplementation.h"
#include "mlir/IR/OpImplementation.h"
#include "mlir/Interfaces/RuntimeVerifiableOpInterface.h"
#include "mlir/Interfaces/ValueBoundsOpInterface.h"
#include "mlir/Transforms/InliningUtils.h"
#include "llvm/ADT/TypeSwitch.h"

using namespace mlir;
using namespace mlir::dsa;

//===----------------------------------------------------------------------===//
// Assembly of inits and results
//===----------------------------------------------------------------------===//

/// `%a, %b : type, type`. Results have the types of the inits on tensors, and
/// there are none on memrefs, so they are not spelled a second time.
static ParseResult
parseOuts(OpAsmParser &parser,
          SmallVectorImpl<OpAsmParser::UnresolvedOperand> &inits,
          SmallVectorImpl<Type> &initTypes, SmallVectorImpl<Type> &results) {
  if (parser.parseOperandList(inits) || parser.parseColonTypeList(initTypes))
    return failure();
  for (Type type : initTypes)
    if (isa<RankedTensorType>(type))
      results.push_back(type);
  return success();
}

static void printOuts(OpAsmPrinter &printer, Operation *, OperandRange inits,
                      TypeRange initTypes, TypeRange) {
  printer << inits << " : " << initTypes;
}

#include "dsa/IR/DSADialect.cpp.inc"
#include "dsa/IR/DSAEnums.cpp.inc"
#define GET_ATTRDEF_CLASSES
#include "dsa/IR/DSAAttrs.cpp.inc"
#include "dsa/IR/DSAInterfaces.cpp.inc"
#define GET_OP_CLASSES
#include "dsa/IR/DSAOps.cpp.inc"

//===----------------------------------------------------------------------===//
// Bytecode
//===----------------------------------------------------------------------===//

namespace {
/// The version of the dialect's encoding. Before 1.0 there is no upgrade: each
/// change of an op or attribute raises it, and another version is refused.
constexpr uint64_t bytecodeVersion = 1;

struct BytecodeVersion : DialectVersion {
  explicit BytecodeVersion(uint64_t version) : version(version) {}
  uint64_t version;
};

struct BytecodeInterface : BytecodeDialectInterface {
  explicit BytecodeInterface(Dialect *dialect)
      : BytecodeDialectInterface(dialect) {}

  void writeVersion(DialectBytecodeWriter &writer) const final {
    writer.writeVarInt(bytecodeVersion);
  }

  std::unique_ptr<DialectVersion>
  readVersion(DialectBytecodeReader &reader) const final {
    uint64_t version;
    if (failed(reader.readVarInt(version)))
      return nullptr;
    if (version != bytecodeVersion) {
      reader.emitError("bytecode of dsa version ")
          << version << " cannot be read; this is version " << bytecodeVersion
          << ": write it as text with the version that made it";
      return nullptr;
    }
    return std::make_unique<BytecodeVersion>(version);
  }
};
} // namespace

//===----------------------------------------------------------------------===//
// Inlining
//===----------------------------------------------------------------------===//

namespace {
/// Ops have no regions and no state, so they may stand anywhere.
struct Inlining : DialectInlinerInterface {
  using DialectInlinerInterface::DialectInlinerInterface;

  bool isLegalToInline(Operation *, Region *, bool, IRMapping &) const final {
    return true;
  }
};
} // namespace

//===----------------------------------------------------------------------===//
// Dialect
//===----------------------------------------------------------------------===//

void DSADialect::initialize() {
  addAttributes<
#define GET_ATTRDEF_LIST
#include "dsa/IR/DSAAttrs.cpp.inc"
      >();
  addOperations<
#define GET_OP_LIST
#include "dsa/IR/DSAOps.cpp.inc"
      >();
  addInterfaces<BytecodeInterface, Inlining>();
  // `registerDialect` keeps these.
  declarePromisedInterfaces<bufferization::BufferizableOpInterface,
#define GET_OP_LIST
#include "dsa/IR/DSAOps.cpp.inc"
                            >();
  declarePromisedInterfaces<RuntimeVerifiableOpInterface,
#define GET_OP_LIST
#include "dsa/IR/DSAOps.cpp.inc"
                            >();
  declarePromisedInterfaces<ValueBoundsOpInterface,
#define GET_OP_LIST
#include "dsa/IR/DSAOps.cpp.inc"
                            >();
}
