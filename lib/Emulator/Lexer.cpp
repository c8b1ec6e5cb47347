//===- Lexer.cpp - The tokens of PTX text ---------------------------------===//
//
// Part of dsa-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Lexer.h"
#include "Failure.h"

using namespace dsa::emulator;

static bool isDigit(char c) { return c >= '0' && c <= '9'; }

static bool isLetter(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

static bool isWord(char c) {
  return isLetter(c) || isDigit(c) || c == '_' || c == '$' || c == '%' ||
         c == '.';
}

void Lexer::skipBlanks() {
  while (position < text.size()) {
    char c = text[position];
    std::string_view rest = text.substr(position);
    if (c == '\n') {
      ++line;
      ++position;
    } else if (c == ' ' || c == '\t' || c == '\r') {
      ++position;
    } else if (rest.substr(0, 2) == "//") {
      position = std::min(text.find('\n', position), text.size());
    } else if (rest.substr(0, 2) == "/*") {
      size_t end = text.find("*/", position + 2);
      if (end == text.npos)
        failAt(line, "this comment has no end");
      for (char inside : text.substr(position, end - position))
        line += inside == '\n';
      position = end + 2;
    } else {
      return;
    }
  }
}

Token Lexer::take(Token::Kind kind, size_t length) {
  Token token{kind, text.substr(position, length), line, position};
  position += length;
  return token;
}

Token Lexer::next() {
  skipBlanks();
  std::string_view rest = text.substr(position);
  if (rest.empty())
    return take(Token::Kind::End, 0);
  size_t length = 1;
  if (isDigit(rest[0])) {
    bool hex = rest.substr(0, 2) == "0x" || rest.substr(0, 2) == "0X";
    auto continues = [&](char before, char c) {
      bool exponent = !hex && (before == 'e' || before == 'E');
      return isDigit(c) || isLetter(c) || c == '.' ||
             (exponent && (c == '-' || c == '+'));
    };
    while (length < rest.size() && continues(rest[length - 1], rest[length]))
      ++length;
    return take(Token::Kind::Number, length);
  }
  if (isWord(rest[0])) {
    while (length < rest.size()) {
      if (isWord(rest[length]))
        ++length;
      else if (rest.substr(length, 2) == "::" && length + 2 < rest.size() &&
               isWord(rest[length + 2]))
        length += 2;
      else
        break;
    }
    return take(Token::Kind::Word, length);
  }
  if (rest[0] == '"') {
    size_t end = rest.find_first_of("\"\n", 1);
    if (end == rest.npos || rest[end] == '\n')
      failAt(line, "this string has no end");
    Token token = take(Token::Kind::String, end + 1);
    token.text = token.text.substr(1, end - 1);
    return token;
  }
  if (std::string_view("{}[]()<>,;:=@!|+-").find(rest[0]) == rest.npos) {
    if (rest[0] >= ' ' && rest[0] <= '~')
      failAt(line, "no PTX has the character '", rest[0], "' here");
    failAt(line, "no PTX has the byte ", hex(uint8_t(rest[0])), " here");
  }
  return take(Token::Kind::Punctuation, 1);
}
