//===- Instruction.h - A decoded instruction --------------------*- C++ -*-===//
//
// Part of dsa-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// The code that is compiled for several hosts includes this: plain data, and
// no function that a linker could take from one host's code for another's.
//
//===----------------------------------------------------------------------===//

#ifndef DSA_EMULATOR_INSTRUCTION_H
#define DSA_EMULATOR_INSTRUCTION_H

#include "Types.h"

namespace dsa::emulator {

class Warp;
class Participants;
struct Instruction;

constexpr unsigned warpSize = 32;
constexpr uint32_t allLanes = ~uint32_t(0);

/// Computes the lanes of `mask` of a warp whose register file is given. What
/// other lanes hold stays.
using LaneHandler = void (*)(char *registers, const Instruction &instruction,
                             uint32_t mask);
/// The same for what is about more than registers.
using WarpHandler = void (*)(Warp &warp, const Instruction &instruction,
                             uint32_t mask);
/// For what lanes do together, which may be at different places.
using MaskedHandler = void (*)(const Participants &lanes);

enum class Rounding : uint8_t { None, Nearest, Zero, Down, Up };

enum class Comparison : uint8_t {
  Equal,
  NotEqual,
  Less,
  LessEqual,
  Greater,
  GreaterEqual,
  // True too where an operand is NaN.
  UnorderedEqual,
  UnorderedNotEqual,
  UnorderedLess,
  UnorderedLessEqual,
  UnorderedGreater,
  UnorderedGreaterEqual,
  BothNumbers,
  AnyNaN
};

/// What setp does with its third operand.
enum class Combination : uint8_t { None, And, Or, Xor };

/// What is done lane by lane with registers.
enum class Operation : uint8_t {
  Add,
  Sub,
  MulLow,
  MulHigh,
  MulWide,
  MadLow,
  MadHigh,
  MadWide,
  Div,
  Rem,
  Min,
  Max,
  Negate,
  Absolute,
  And,
  Or,
  Xor,
  Not,
  IsZero,
  ShiftLeft,
  ShiftRight,
  ExtractBits,
  InsertBits,
  PermuteBytes,
  Logic3,
  FunnelLeft,
  FunnelRight,
  CountOnes,
  CountLeadingZeros,
  FindHighest,
  ReverseBits,
  SumOfDifferences,
  Fma,
  Reciprocal,
  SquareRoot,
  ReciprocalSquareRoot,
  Exp2,
  Log2,
  CopySign,
  Compare,
  Select,
  Move,
  Pack,
  Unpack,
  AddConstant,
  Convert,
  ConvertPair,
  Multiply16x8x16,
  Multiply16x8x8
};

/// Says which handler an instruction needs, and what the handler needs to know
/// beyond operands.
struct LaneOperation {
  Operation operation = Operation::Move;
  Type type = Type::None;
  /// Of Convert and of matrices: what `type` is made from.
  Type source = Type::None;
  Rounding rounding = Rounding::Nearest;
  Comparison comparison = Comparison::Equal;
  Combination combination = Combination::None;
  /// Subnormal numbers are zeros.
  bool flush = false;
  bool saturate = false;
  /// Min and Max are NaN where an operand is; FindHighest gives the shift that
  /// brings the bit to the top; Div is the approximation; PermuteBytes has a
  /// mode.
  bool variant = false;
  /// Negative results are zeros.
  bool relu = false;
  /// Convert to a whole number that stays a float.
  bool integral = false;
  /// Amounts of funnel shifts are taken modulo 32.
  bool wrap = false;
};

constexpr unsigned numHostISAs = 3;
constexpr uint32_t noRegister = ~uint32_t(0);
constexpr unsigned maxOperands = 16;

struct Instruction {
  enum class Kind : uint8_t {
    /// Registers only: `lanes`.
    Lanes,
    /// Whatever lanes are there: `handler`.
    Each,
    /// All lanes of the warp at once: `handler`.
    Aligned,
    /// The lanes that operand `maskOperand` names at once: `masked`.
    Masked,
    Branch,
    BranchTable,
    Exit,
    Barrier
  };
  Kind kind = Kind::Lanes;
  LaneHandler lanes[numHostISAs] = {};
  WarpHandler handler = nullptr;
  MaskedHandler masked = nullptr;

  /// The mask that guards it, or noRegister.
  uint32_t predicate = noRegister;
  bool negated = false;
  /// Of a predicate among the operands.
  bool negatedOperand = false;

  /// Offsets into the register file; noRegister where there is no operand.
  uint32_t operands[maxOperands] = {};
  uint8_t maskOperand = 0;

  LaneOperation lane;
  /// Of registers where they may be wider than the type: of the result, of the
  /// source.
  uint8_t registerBytes = 0, sourceBytes = 0;

  /// Of an access to memory: where, of how many bytes each of how many
  /// elements, whether what is loaded has a sign.
  Space space = Space::Generic;
  uint8_t elementBytes = 0, elements = 1;
  bool isSigned = false;
  /// Ordered with atomic accesses, though not with others: .volatile, .relaxed.
  bool isStrong = false;
  /// Whether addresses are of 64 bits.
  bool wideAddress = true;
  /// Added to an address; the second of cp.async is the one it reads.
  int64_t offset = 0, sourceOffset = 0;

  /// What else tells instructions of one handler apart: the bytes of cp.async,
  /// the groups of a wait, the table of lop3, the mode of shfl...
  int64_t variant = 0;
  /// Where branches go; of a table, its number.
  uint32_t target = 0;
  /// `.uni` of branches, `.aligned` of barriers.
  bool uniform = false;
};

} // namespace dsa::emulator

#endif // DSA_EMULATOR_INSTRUCTION_H
