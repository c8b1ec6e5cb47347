//===- DecodeMemory.cpp - Opcodes of memory -------------------------------===//
//
// Part of dsa-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Decoder.h"
#include "Memory.h"

using namespace dsa::emulator;

/// Hints to caches, which there are none of. True if one has an operand of its
/// own.
static bool acceptCacheHints(InstructionDecoder &d) {
  d.acceptOneOf({"ca", "cg", "cs", "lu", "cv", "wb", "wt"});
  d.acceptOneOf({"L1::evict_normal", "L1::evict_unchanged", "L1::evict_first",
                 "L1::evict_last", "L1::no_allocate"});
  d.acceptOneOf({"L2::evict_normal", "L2::evict_first", "L2::evict_last"});
  d.acceptOneOf({"L2::64B", "L2::128B", "L2::256B"});
  return d.accept("L2::cache_hint");
}

/// What says how an access is ordered with those of others. All happen one
/// after the other here, and .acquire and .release order nothing more.
static void acceptOrder(InstructionDecoder &d, std::string_view order) {
  if (d.accept("weak"))
    return;
  if (d.accept("volatile")) {
    d.instruction.isStrong = true;
    return;
  }
  d.instruction.isStrong = d.acceptOneOf({order, "relaxed"}).has_value();
  if (d.instruction.isStrong)
    d.acceptOneOf({"cta", "cluster", "gpu", "sys"});
}

static unsigned takeVector(InstructionDecoder &d) {
  if (d.accept("v2"))
    return 2;
  return d.accept("v4") ? 4 : 1;
}

/// Type and elements of a load or a store.
static Type takeElements(InstructionDecoder &d, unsigned registers) {
  Instruction &i = d.instruction;
  i.elements = takeVector(d);
  Type type = d.takeAnyType();
  if (!getBytes(type) || type == Type::F16 || type == Type::BF16 ||
      type == Type::F16x2 || type == Type::BF16x2)
    d.refuse("the emulator does not have '", d.getOpcode(), "' with '.",
             getName(type), "' here");
  i.elementBytes = getBytes(type);
  i.isSigned = type == Type::S8 || type == Type::S16 || type == Type::S32;
  if (i.elementBytes * i.elements > 16)
    d.refuse("an access of more than 16 bytes");
  if (registers != i.elements)
    d.refuse("it has ", registers, " registers for ", unsigned(i.elements),
             " elements");
  return type;
}

static void decodeLoad(InstructionDecoder &d) {
  Instruction &i = d.instruction;
  i.space = d.takeSpace();
  acceptOrder(d, "acquire");
  if (d.accept("nc") && i.space != Space::Global)
    d.refuse("only .global has .nc");
  bool hasHint = acceptCacheHints(d);
  d.expectOperands(hasHint ? 3 : 2);
  std::vector<Operand> registers = d.getElements(0);
  Type type = takeElements(d, registers.size());
  i.operands[0] = d.takeAddress(1, i.space, i.offset, i.wideAddress);
  for (unsigned e = 0; e < registers.size(); ++e) {
    uint8_t bytes = 0;
    i.operands[1 + e] = d.takeWideResult(registers[e], type, bytes);
    if (i.operands[1 + e] == noRegister)
      continue;
    if (i.registerBytes && i.registerBytes != bytes)
      d.refuse("its registers are not all of one width");
    i.registerBytes = bytes;
  }
  if (hasHint)
    d.takeSource(2, Type::B64);
  d.setHandler(Instruction::Kind::Each, executeLoad);
}

static void decodeStore(InstructionDecoder &d) {
  Instruction &i = d.instruction;
  i.space = d.takeSpace();
  if (i.space == Space::Const || i.space == Space::Param)
    d.refuse("nothing is stored to .", getName(i.space), " here");
  acceptOrder(d, "release");
  bool hasHint = acceptCacheHints(d);
  d.expectOperands(hasHint ? 3 : 2);
  std::vector<Operand> registers = d.getElements(1);
  Type type = takeElements(d, registers.size());
  i.operands[0] = d.takeAddress(0, i.space, i.offset, i.wideAddress);
  for (unsigned e = 0; e < registers.size(); ++e) {
    uint8_t bytes = 0;
    i.operands[1 + e] = d.takeWideSource(registers[e], type, bytes);
    if (i.registerBytes && i.registerBytes != bytes)
      d.refuse("its registers are not all of one width");
    i.registerBytes = bytes;
  }
  if (hasHint)
    d.takeSource(2, Type::B64);
  d.setHandler(Instruction::Kind::Each, executeStore);
}

/// atom, and red, which has no result.
static void decodeAtomic(InstructionDecoder &d) {
  Instruction &i = d.instruction;
  bool hasResult = d.getOpcode() == "atom";
  i.space = d.takeSpace();
  if (i.space != Space::Generic && i.space != Space::Global &&
      i.space != Space::Shared)
    d.refuse("it is for .global and .shared");
  d.acceptOneOf({"relaxed", "acquire", "release", "acq_rel"});
  d.acceptOneOf({"cta", "cluster", "gpu", "sys"});
  auto operation = AtomicOperation(d.takeOneOf(
      {"and", "or", "xor", "cas", "exch", "add", "inc", "dec", "min", "max"}));
  bool hasHint = d.accept("L2::cache_hint");
  Type type = d.takeAnyType();
  bool compares = operation == AtomicOperation::CompareAndSwap;
  bool exchanges = operation == AtomicOperation::Exchange;
  if (!hasResult && (compares || exchanges))
    d.refuse("it needs a result");
  WarpHandler handler = getAtomicHandler(type, operation);
  if (!handler)
    d.refuse("the emulator does not have this operation for .", getName(type));
  unsigned address = hasResult ? 1 : 0;
  d.expectOperands(address + 2 + compares + hasHint);
  if (hasResult)
    i.operands[0] = d.takeOptionalResult(d.getOperand(0), type);
  i.operands[1] = d.takeAddress(address, i.space, i.offset, i.wideAddress);
  i.operands[2] = d.takeSource(address + 1, type);
  if (compares)
    i.operands[3] = d.takeSource(address + 2, type);
  d.setHandler(Instruction::Kind::Each, handler);
}

/// cp.async: a copy, the end of a group, or a wait.
static void decodeAsync(InstructionDecoder &d) {
  Instruction &i = d.instruction;
  if (!d.accept("async"))
    d.refuse("the emulator has cp.async only");
  if (d.accept("commit_group")) {
    d.expectOperands(0);
    return d.setHandler(Instruction::Kind::Each, executeCommitGroup);
  }
  if (d.accept("wait_all")) {
    d.expectOperands(0);
    i.variant = -1;
    return d.setHandler(Instruction::Kind::Each, executeWaitGroup);
  }
  if (d.accept("wait_group")) {
    d.expectOperands(1);
    i.variant = d.takeInteger(0);
    if (i.variant < 0)
      d.refuse("a number of groups is not ", i.variant);
    return d.setHandler(Instruction::Kind::Each, executeWaitGroup);
  }
  bool global = d.takeOneOf({"ca", "cg"});
  d.takeOneOf({"shared", "shared::cta"});
  d.takeOneOf({"global"});
  bool hasHint = d.accept("L2::cache_hint");
  d.acceptOneOf({"L2::64B", "L2::128B", "L2::256B"});
  d.expectOperands(3 + hasHint, 4 + hasHint);
  i.space = Space::Shared;
  bool wideSource = true;
  i.operands[1] = d.takeAddress(1, Space::Global, i.sourceOffset, wideSource);
  i.operands[0] = d.takeAddress(0, Space::Shared, i.offset, i.wideAddress);
  if (!wideSource)
    d.refuse("addresses of .global have 64 bits");
  i.variant = d.takeInteger(2);
  bool isSize =
      i.variant == 16 || (!global && (i.variant == 4 || i.variant == 8));
  if (!isSize)
    d.refuse("it copies ", global ? "16" : "4, 8 or 16", " bytes, not ",
             i.variant);
  // How many bytes are read, or a predicate of whether none are.
  if (d.getNumOperands() == 4u + hasHint) {
    if (d.isPredicate(3))
      i.operands[3] = d.takePredicate(3);
    else
      i.operands[2] = d.takeSource(3, Type::U32);
  }
  d.setHandler(Instruction::Kind::Each, executeAsyncCopy);
}

static void executeNothing(Warp &, const Instruction &, uint32_t) {}

/// Fences: all accesses happen in one order already, and what orders threads
/// here are barriers.
static void decodeFence(InstructionDecoder &d) {
  d.acceptOneOf({"sc", "acq_rel", "acquire", "release"});
  d.takeOneOf({"cta", "gl", "sys", "gpu", "cluster"});
  d.expectOperands(0);
  d.setHandler(Instruction::Kind::Each, executeNothing);
}

static void decodePrefetch(InstructionDecoder &d) {
  Space space = d.takeSpace();
  d.takeOneOf({"L1", "L2", "L2::evict_last", "L2::evict_normal"});
  d.expectOperands(1);
  int64_t offset;
  bool wide;
  d.takeAddress(0, space, offset, wide);
  d.setHandler(Instruction::Kind::Each, executeNothing);
}

static void decodeIsSpace(InstructionDecoder &d) {
  Instruction &i = d.instruction;
  i.space = d.takeSpace();
  if (i.space == Space::Generic)
    d.refuse("it names no space");
  d.expectOperands(2);
  i.operands[0] = d.takeResult(0, Type::Pred);
  i.operands[1] = d.takeSource(1, Type::U64);
  d.setHandler(Instruction::Kind::Each, executeIsSpace);
}

OpcodeGroup dsa::emulator::getMemoryOpcodes() {
  static constexpr OpcodeEntry entries[] = {
      {"ld", decodeLoad},          {"st", decodeStore},
      {"atom", decodeAtomic},      {"red", decodeAtomic},
      {"cp", decodeAsync},         {"membar", decodeFence},
      {"isspacep", decodeIsSpace}, {"fence", decodeFence},
      {"prefetch", decodePrefetch}};
  return {std::begin(entries), std::end(entries)};
}
