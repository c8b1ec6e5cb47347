//===- Lexer.h - The tokens of PTX text -------------------------*- C++ -*-===//
//
// Part of dsa-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef DSA_EMULATOR_LEXER_H
#define DSA_EMULATOR_LEXER_H

#include <cstddef>
#include <string_view>

namespace dsa::emulator {

struct Token {
  enum class Kind {
    /// An identifier, a directive or an opcode with its modifiers:
    /// `%tid.x`, `.reg`, `ld.shared::cta.b32`, `$L__BB0_1`.
    Word,
    /// As it is written: `12`, `0x1F`, `0f3F800000`, `1.5e-3`, `7.8`.
    Number,
    /// Without its quotes.
    String,
    /// One character.
    Punctuation,
    End
  };
  Kind kind = Kind::End;
  std::string_view text;
  unsigned line = 1;
  /// Of the first character in the whole text.
  size_t offset = 0;

  bool is(std::string_view wanted) const {
    return (kind == Kind::Word || kind == Kind::Punctuation) && text == wanted;
  }
};

/// Passes over comments and white space.
class Lexer {
public:
  explicit Lexer(std::string_view text) : text(text) {}
  Token next();

private:
  void skipBlanks();
  Token take(Token::Kind kind, size_t length);

  std::string_view text;
  size_t position = 0;
  unsigned line = 1;
};

} // namespace dsa::emulator

#endif // DSA_EMULATOR_LEXER_H
