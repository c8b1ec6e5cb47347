//===- Parser.h - From tokens to what PTX text says -------------*- C++ -*-===//
//
// Part of dsa-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef DSA_EMULATOR_PARSER_H
#define DSA_EMULATOR_PARSER_H

#include "Lexer.h"
#include "Syntax.h"

namespace dsa::emulator {

/// Tokens with one of look-ahead, and what statements are made of.
class TokenReader {
public:
  explicit TokenReader(std::string_view text) : text(text), lexer(text) {
    token = lexer.next();
  }

protected:
  const Token &peek() const { return token; }
  Token take();
  bool accept(std::string_view wanted);
  /// `what` for a message: "a name".
  Token expect(Token::Kind kind, std::string_view what);
  void expect(std::string_view wanted);
  [[noreturn]] void unexpected(std::string_view wanted) const;

  uint64_t takeUnsigned(std::string_view what, uint64_t limit);
  /// A number with its sign.
  Operand takeNumber();
  Operand takeOperand();
  /// `+4`, `-4` or `+-4`, or nothing.
  int64_t takeOffset();
  void skipUntil(std::string_view end);
  void skipBraces();

  std::string_view text;

private:
  Operand takeAddress();
  Operand takeList();

  Lexer lexer;
  Token token;
};

} // namespace dsa::emulator

#endif // DSA_EMULATOR_PARSER_H
