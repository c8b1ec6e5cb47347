//===- Input.cpp - Functions of a file ------------------------------------===//
//
// Part of dsa-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "dsa/Execution/Input.h"

#include "dsa/Execution/HostTensor.h"
#include "dsa/Support/ExitCodes.h"
#include "dsa/Support/InputGuard.h"

#include "mlir/Parser/Parser.h"
#include "llvm/ADT/StringExtras.h"

using namespace mlir;
using namespace mlir::dsa;

llvm::Expected<std::unique_ptr<InputModule>>
InputModule::read(StringRef path, const DialectRegistry &registry) {
  auto buffer = readInput(path);
  if (!buffer)
    return buffer.takeError();
  std::unique_ptr<InputModule> input(new InputModule(registry));
  input->text = (*buffer)->getBuffer();
  input->sourceManager.AddNewSourceBuffer(std::move(*buffer), SMLoc());
  std::optional<ReadingLimit> limit(std::in_place, input->text);
  input->module =
      parseSourceFile<ModuleOp>(input->sourceManager, &input->context);
  limit.reset();
  if (!input->module)
    return makeError(ExitUser, "'" + path + "' cannot be parsed; see above");
  return std::move(input);
}

/// The name that the text of the file gives to the argument at `location`:
/// `%q`, or nothing for bytecode without names and the like.
static std::string getArgumentName(Location location, StringRef text) {
  if (auto name = dyn_cast<NameLoc>(location))
    return "%" + name.getName().str();
  auto position = dyn_cast<FileLineColLoc>(location);
  if (!position)
    return "";
  for (unsigned line = 1; line < position.getLine(); ++line)
    text = text.split('\n').second;
  StringRef line = text.split('\n').first;
  text =
      line.drop_front(std::min<size_t>(position.getColumn() - 1, line.size()));
  if (!text.starts_with("%"))
    return "";
  return text
      .take_while([](char c) {
        return llvm::isAlnum(c) || StringRef("%_$.-").contains(c);
      })
      .str();
}

std::string Signature::describe(unsigned i) const {
  if (i >= inputs.size())
    return "result " + std::to_string(i - inputs.size());
  std::string what = "argument " + std::to_string(i);
  return inputNames[i].empty() ? what : what + " (" + inputNames[i] + ")";
}

static llvm::Error collect(func::FuncOp function, ArrayRef<Type> types,
                           StringRef what,
                           SmallVectorImpl<RankedTensorType> &tensors) {
  for (auto [i, type] : llvm::enumerate(types)) {
    auto tensor = dyn_cast<RankedTensorType>(type);
    std::string text;
    llvm::raw_string_ostream(text) << type;
    std::string subject =
        (what + Twine(i) + " of '" + function.getName() + "' is " + text).str();
    if (!tensor)
      return makeError(ExitUser, subject +
                                     "; only functions on ranked tensors can "
                                     "be run");
    if (getNpyDescriptions(tensor.getElementType()).empty())
      return makeError(
          ExitUser, subject + "; element types that can be run are f64, f32, "
                              "f16, bf16, f8E4M3FN, i64, i32, i16 and i8");
    tensors.push_back(tensor);
  }
  return llvm::Error::success();
}

llvm::Expected<Signature> dsa::getSignature(func::FuncOp function,
                                            StringRef text) {
  Signature signature;
  signature.name = function.getName().str();
  if (llvm::Error error = collect(function, function.getArgumentTypes(),
                                  "argument ", signature.inputs))
    return std::move(error);
  if (llvm::Error error = collect(function, function.getResultTypes(),
                                  "result ", signature.results))
    return std::move(error);
  for (BlockArgument argument : function.getArguments())
    signature.inputNames.push_back(getArgumentName(argument.getLoc(), text));
  return signature;
}
