//===- Npy.cpp - Arrays as NumPy writes them -----------------------------===//
//
// Part of dsa-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "dsa/Support/Npy.h"

#include "dsa/Support/ExitCodes.h"

#include "llvm/ADT/StringExtras.h"
#include "llvm/Support/Endian.h"
#include "llvm/Support/FileSystem.h"
#include "llvm/Support/MathExtras.h"
#include "llvm/Support/MemoryBuffer.h"

using namespace mlir;
using namespace mlir::dsa;
namespace fs = llvm::sys::fs;

//===----------------------------------------------------------------------===//
// Header
//===----------------------------------------------------------------------===//

namespace {
/// Parses the header of a .npy file: a Python dictionary with exactly the keys
/// descr, fortran_order and shape, in any order.
class HeaderParser {
public:
  explicit HeaderParser(llvm::StringRef text) : rest(text) {}
  bool parse();

  std::string descr;
  bool fortranOrder = false;
  llvm::SmallVector<int64_t> shape;

private:
  bool consume(llvm::StringRef token) {
    rest = rest.ltrim(" ");
    return rest.consume_front(token);
  }
  bool parseString(std::string &value);
  bool parseBool(bool &value);
  bool parseShape();

  llvm::StringRef rest;
};
} // namespace

bool HeaderParser::parseString(std::string &value) {
  rest = rest.ltrim(" ");
  if (rest.empty() || (rest[0] != '\'' && rest[0] != '"'))
    return false;
  size_t end = rest.find(rest[0], 1);
  if (end == llvm::StringRef::npos)
    return false;
  value = rest.slice(1, end).str();
  rest = rest.drop_front(end + 1);
  return true;
}

bool HeaderParser::parseBool(bool &value) {
  value = consume("True");
  return value || consume("False");
}

bool HeaderParser::parseShape() {
  if (!consume("("))
    return false;
  while (!consume(")")) {
    int64_t extent;
    rest = rest.ltrim(" ");
    if (rest.consumeInteger(10, extent) || extent < 0)
      return false;
    shape.push_back(extent);
    if (!consume(",")) {
      // `(3)` is a number in Python, not a shape.
      return consume(")") && shape.size() > 1;
    }
  }
  return true;
}

bool HeaderParser::parse() {
  bool seenDescr = false, seenOrder = false, seenShape = false;
  if (!consume("{"))
    return false;
  while (!consume("}")) {
    std::string key;
    if (!parseString(key) || !consume(":"))
      return false;
    if (key == "descr" && !seenDescr)
      seenDescr = parseString(descr);
    else if (key == "fortran_order" && !seenOrder)
      seenOrder = parseBool(fortranOrder);
    else if (key == "shape" && !seenShape)
      seenShape = parseShape();
    else
      return false;
    if (!consume(",")) {
      if (!consume("}"))
        return false;
      break;
    }
  }
  return seenDescr && seenOrder && seenShape && rest.trim(" \n").empty();
}

/// Bytes of an element of type `descr`, 0 if it is not accepted.
static unsigned getElementBytes(llvm::StringRef descr) {
  if (descr.size() != 3 || descr[0] == '>')
    return 0;
  if (!llvm::StringRef("<|=").contains(descr[0]) ||
      !llvm::StringRef("fiuVb").contains(descr[1]))
    return 0;
  switch (descr[2]) {
  case '1':
    return 1;
  case '2':
    return 2;
  case '4':
    return descr[1] == 'V' ? 0 : 4;
  case '8':
    return descr[1] == 'V' ? 0 : 8;
  default:
    return 0;
  }
}

//===----------------------------------------------------------------------===//
// Reading
//===----------------------------------------------------------------------===//

/// Copies columns-first `data` to C order.
static std::vector<char> toRowMajor(llvm::StringRef data,
                                    llvm::ArrayRef<int64_t> shape,
                                    unsigned elementBytes) {
  std::vector<char> result(data.size());
  size_t count = data.size() / elementBytes;
  llvm::SmallVector<int64_t> index(shape.size(), 0);
  for (size_t i = 0; i < count; ++i) {
    size_t offset = 0, stride = 1;
    for (size_t d = 0; d < shape.size(); ++d) {
      offset += index[d] * stride;
      stride *= shape[d];
    }
    std::copy_n(data.data() + offset * elementBytes, elementBytes,
                result.data() + i * elementBytes);
    for (size_t d = shape.size(); d-- > 0 && ++index[d] == shape[d];)
      index[d] = 0;
  }
  return result;
}

llvm::Expected<NpyArray> dsa::readNpy(llvm::StringRef path) {
  auto malformed = [&](const llvm::Twine &what) {
    return makeError(ExitUser, "'" + path + "' " + what);
  };
  // What is not a regular file has no size to check, and need not end.
  fs::file_status status;
  if (!fs::status(path, status) && !fs::is_regular_file(status) &&
      !fs::is_directory(status))
    return malformed("is not a regular file");
  auto buffer = llvm::MemoryBuffer::getFile(path, /*IsText=*/false,
                                            /*RequiresNullTerminator=*/false);
  if (!buffer)
    return makeError(ExitIO, "cannot read '" + path +
                                 "': " + buffer.getError().message());
  llvm::StringRef bytes = (*buffer)->getBuffer();
  if (!bytes.consume_front("\x93NUMPY"))
    return malformed("is not a .npy file: it does not begin with \\x93NUMPY");
  if (bytes.size() < 2)
    return malformed("ends within the .npy header");
  unsigned major = static_cast<uint8_t>(bytes[0]);
  bytes = bytes.drop_front(2);
  if (major < 1 || major > 3)
    return malformed("has .npy format version " + llvm::Twine(major) +
                     "; versions 1 to 3 are read");
  size_t lengthBytes = major == 1 ? 2 : 4;
  if (bytes.size() < lengthBytes)
    return malformed("ends within the .npy header");
  size_t length = major == 1 ? llvm::support::endian::read16le(bytes.data())
                             : llvm::support::endian::read32le(bytes.data());
  bytes = bytes.drop_front(lengthBytes);
  if (bytes.size() < length)
    return malformed("ends within the .npy header");
  HeaderParser header(bytes.take_front(length));
  if (!header.parse())
    return malformed("has a .npy header that is not {'descr': ..., "
                     "'fortran_order': ..., 'shape': ...}");
  llvm::StringRef data = bytes.drop_front(length);

  NpyArray array;
  array.descr = header.descr;
  array.shape = header.shape;
  array.elementBytes = getElementBytes(header.descr);
  if (!array.elementBytes)
    return malformed("has elements of type '" + header.descr +
                     "'; little-endian numbers of 1, 2, 4 or 8 bytes are read");
  int64_t size = array.elementBytes;
  bool empty = llvm::is_contained(array.shape, 0);
  for (int64_t extent : array.shape)
    if (!empty && llvm::MulOverflow(size, extent, size))
      return malformed("has a shape whose size does not fit 64 bits");
  if (empty)
    size = 0;
  if (data.size() != static_cast<uint64_t>(size))
    return malformed("holds " + llvm::Twine(data.size()) +
                     " bytes of data, but its shape and type take " +
                     llvm::Twine(size));
  if (header.fortranOrder && array.shape.size() > 1)
    array.data = toRowMajor(data, array.shape, array.elementBytes);
  else
    array.data.assign(data.begin(), data.end());
  return array;
}

//===----------------------------------------------------------------------===//
// Writing
//===----------------------------------------------------------------------===//

void dsa::writeNpy(llvm::raw_ostream &os, llvm::StringRef descr,
                   llvm::ArrayRef<int64_t> shape, llvm::ArrayRef<char> data) {
  std::string header =
      ("{'descr': '" + descr + "', 'fortran_order': False, 'shape': (" +
       llvm::join(
           llvm::map_range(
               shape, [](int64_t extent) { return std::to_string(extent); }),
           ", ") +
       (shape.size() == 1 ? ",)" : ")") + ", }")
          .str();
  // The data begin at a multiple of 64 bytes, after ten of magic and length.
  size_t padded = llvm::alignTo(10 + header.size() + 1, 64) - 10;
  header.append(padded - 1 - header.size(), ' ');
  header.push_back('\n');
  char length[2];
  llvm::support::endian::write16le(length, header.size());
  os << llvm::StringRef("\x93NUMPY\x01\x00", 8) << llvm::StringRef(length, 2)
     << header << llvm::StringRef(data.data(), data.size());
}
