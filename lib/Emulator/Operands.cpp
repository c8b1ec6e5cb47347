//===- Operands.cpp - From tokens to operands -----------------------------===//
//
// Part of dsa-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Failure.h"
#include "Parser.h"
#include <cstdlib>
#include <cstring>

using namespace dsa::emulator;

Token TokenReader::take() {
  Token result = token;
  token = lexer.next();
  return result;
}

bool TokenReader::accept(std::string_view wanted) {
  if (!token.is(wanted))
    return false;
  take();
  return true;
}

void TokenReader::unexpected(std::string_view wanted) const {
  if (token.kind == Token::Kind::End)
    failAt(token.line, "the text ends where ", wanted, " should be");
  failAt(token.line, "'", token.text, "' is where ", wanted, " should be");
}

Token TokenReader::expect(Token::Kind kind, std::string_view what) {
  if (token.kind != kind)
    unexpected(what);
  return take();
}

void TokenReader::expect(std::string_view wanted) {
  if (!accept(wanted))
    unexpected(concat("'", wanted, "'"));
}

static bool isDecimalFloat(std::string_view number) {
  bool hex = number.substr(0, 2) == "0x" || number.substr(0, 2) == "0X";
  return !hex && number.find_first_of(".eE") != number.npos;
}

/// Of 0f3F800000 the 3F800000.
static bool isHexFloat(std::string_view number, char prefix, size_t digits) {
  return number.size() == digits + 2 && number[0] == '0' &&
         (number[1] | 0x20) == prefix &&
         number.find_first_not_of("0123456789abcdefABCDEF", 2) == number.npos;
}

static std::optional<uint64_t> parseUnsigned(std::string_view number) {
  if (!number.empty() && (number.back() == 'U' || number.back() == 'u'))
    number.remove_suffix(1);
  int base = 10;
  if (number.size() > 1 && number[0] == '0') {
    char kind = number[1] | 0x20;
    base = kind == 'x' ? 16 : kind == 'b' ? 2 : 8;
    number.remove_prefix(base == 8 ? 1 : 2);
  }
  std::string digits(number);
  // strtoull accepts signs and prefixes of its own.
  if (digits.find_first_not_of("0123456789abcdefABCDEF") != digits.npos)
    return std::nullopt;
  char *end = nullptr;
  errno = 0;
  uint64_t value = strtoull(digits.c_str(), &end, base);
  if (digits.empty() || *end || errno)
    return std::nullopt;
  return value;
}

uint64_t TokenReader::takeUnsigned(std::string_view what, uint64_t limit) {
  Token number = expect(Token::Kind::Number, what);
  std::optional<uint64_t> value = parseUnsigned(number.text);
  if (!value)
    failAt(number.line, "'", number.text, "' is where ", what, " should be");
  if (*value > limit)
    failAt(number.line, what, " is ", *value, ", the greatest is ", limit);
  return *value;
}

Operand TokenReader::takeNumber() {
  bool minus = accept("-");
  Token number = expect(Token::Kind::Number, "a number");
  Operand result;
  if (isHexFloat(number.text, 'f', 8) || isHexFloat(number.text, 'd', 16)) {
    bool single = number.text.size() == 10;
    result.kind = single ? Operand::Kind::Float : Operand::Kind::Double;
    result.bits =
        strtoull(std::string(number.text.substr(2)).c_str(), nullptr, 16);
    if (minus)
      result.bits ^= uint64_t(1) << (single ? 31 : 63);
    return result;
  }
  if (isDecimalFloat(number.text)) {
    std::string digits(number.text);
    char *end = nullptr;
    double value = strtod(digits.c_str(), &end);
    if (*end)
      failAt(number.line, "'", number.text, "' is no number");
    value = minus ? -value : value;
    result.kind = Operand::Kind::Double;
    memcpy(&result.bits, &value, sizeof(value));
    return result;
  }
  std::optional<uint64_t> value = parseUnsigned(number.text);
  if (!value)
    failAt(number.line, "'", number.text, "' is no number of 64 bits");
  result.kind = Operand::Kind::Integer;
  result.bits = minus ? 0 - *value : *value;
  return result;
}

int64_t TokenReader::takeOffset() {
  bool minus = false;
  if (token.is("-"))
    minus = true;
  else if (!token.is("+"))
    return 0;
  take();
  Operand number = takeNumber();
  if (number.kind != Operand::Kind::Integer)
    failAt(token.line, "an offset is a whole number");
  return int64_t(minus ? 0 - number.bits : number.bits);
}

Operand TokenReader::takeAddress() {
  Operand result;
  result.kind = Operand::Kind::Address;
  if (token.kind == Token::Kind::Word) {
    result.name = take().text;
    result.offset = takeOffset();
  } else {
    Operand number = takeNumber();
    if (number.kind != Operand::Kind::Integer)
      failAt(token.line, "an address is a whole number");
    result.offset = int64_t(number.bits);
  }
  // Textures and tensors have more in their brackets.
  if (token.is(",")) {
    result.kind = Operand::Kind::Other;
    skipUntil("]");
  }
  expect("]");
  return result;
}

Operand TokenReader::takeList() {
  Operand result;
  result.kind = Operand::Kind::List;
  do {
    if (token.is("{"))
      unexpected("an operand");
    result.elements.push_back(takeOperand());
  } while (accept(","));
  expect("}");
  return result;
}

Operand TokenReader::takeOperand() {
  if (accept("["))
    return takeAddress();
  if (accept("{"))
    return takeList();
  if (accept("(")) {
    // The arguments of a call.
    skipUntil(")");
    expect(")");
    return Operand();
  }
  if (token.kind == Token::Kind::Number || token.is("-"))
    return takeNumber();
  Operand result;
  result.negated = accept("!");
  result.name = expect(Token::Kind::Word, "an operand").text;
  if (result.name == "_" && !result.negated) {
    result.kind = Operand::Kind::Sink;
    result.name = {};
  } else {
    result.kind = Operand::Kind::Name;
    result.offset = takeOffset();
  }
  if (!accept("|"))
    return result;
  Operand pair;
  pair.kind = Operand::Kind::Pair;
  pair.elements = {result, Operand()};
  Operand &second = pair.elements[1];
  second.name = expect(Token::Kind::Word, "an operand").text;
  second.kind = Operand::Kind::Name;
  if (second.name == "_") {
    second.kind = Operand::Kind::Sink;
    second.name = {};
  }
  return pair;
}

void TokenReader::skipUntil(std::string_view end) {
  while (!token.is(end)) {
    if (token.kind == Token::Kind::End)
      unexpected(concat("'", end, "'"));
    take();
  }
}

void TokenReader::skipBraces() {
  expect("{");
  for (unsigned depth = 1; depth;) {
    if (token.kind == Token::Kind::End)
      unexpected("'}'");
    Token inside = take();
    depth += inside.is("{");
    depth -= inside.is("}");
  }
}
