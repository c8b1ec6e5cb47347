//===- Wrappers.cpp - Entry points in C -----------------------------------===//
//
// Part of dsa-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// The tables of lib/Runtime/Artefact.h, as constants, and for each entry point
// a function that lets the runtime check and describe its tensors, and calls
// what was compiled.
//
//===----------------------------------------------------------------------===//

#include "dsa/Execution/Artefact.h"

#include "llvm/IR/IRBuilder.h"
#include <dlpack/dlpack.h>

using namespace mlir;
using namespace mlir::dsa;

std::string dsa::getImageName(unsigned i, StringRef name) {
  return ("dsa_image" + Twine(i) + "_" + name).str();
}

namespace {
enum class Entry { Run, Shapes, Workspace };
constexpr StringLiteral suffixes[] = {"", "_shapes", "_workspace"};

class WrapperBuilder {
public:
  WrapperBuilder(llvm::Module &module, const Artefact &artefact)
      : module(module), artefact(artefact), b(module.getContext()),
        i32(b.getInt32Ty()), i64(b.getInt64Ty()), ptr(b.getPtrTy()),
        null(llvm::ConstantPointerNull::get(b.getPtrTy())) {}

  void build(StringRef sidecar);

private:
  llvm::Constant *createTable(llvm::Constant *value, const Twine &name);
  llvm::Constant *createStruct(ArrayRef<llvm::Constant *> fields);
  llvm::Constant *createArray(llvm::Type *type,
                              ArrayRef<llvm::Constant *> elements,
                              const Twine &name);
  llvm::Constant *createText(StringRef text);
  llvm::Constant *createTargets();
  llvm::Constant *createArguments(const ArtefactFunction &function);
  llvm::Constant *createFunctionTable(const ArtefactFunction &function,
                                      llvm::Constant *artefactTable);
  llvm::Value *createCall(llvm::Value *function,
                          ArrayRef<llvm::Value *> arguments);
  llvm::Value *createImageCall(llvm::Value *function,
                               ArrayRef<llvm::Value *> arguments,
                               llvm::Value *gpuCall);
  void createWrapper(const ArtefactFunction &function, Entry entry,
                     llvm::Constant *table);
  void createPreparation(const ArtefactFunction &function,
                         llvm::Constant *artefactTable);

  llvm::Module &module;
  const Artefact &artefact;
  llvm::IRBuilder<> b;
  llvm::Type *i32, *i64, *ptr;
  llvm::Constant *null;
};
} // namespace

/// A constant that only this module sees.
llvm::Constant *WrapperBuilder::createTable(llvm::Constant *value,
                                            const Twine &name) {
  return new llvm::GlobalVariable(
      module, value->getType(),
      /*isConstant=*/true, llvm::GlobalValue::InternalLinkage, value, name);
}

llvm::Constant *
WrapperBuilder::createStruct(ArrayRef<llvm::Constant *> fields) {
  return llvm::ConstantStruct::getAnon(fields);
}

llvm::Constant *WrapperBuilder::createArray(llvm::Type *type,
                                            ArrayRef<llvm::Constant *> elements,
                                            const Twine &name) {
  auto *arrayType = llvm::ArrayType::get(type, elements.size());
  return createTable(llvm::ConstantArray::get(arrayType, elements), name);
}

llvm::Constant *WrapperBuilder::createText(StringRef text) {
  return b.CreateGlobalString(text, "dsa.text", 0, &module);
}

/// struct dsa_artefact and what it points to.
llvm::Constant *WrapperBuilder::createTargets() {
  SmallVector<llvm::Constant *> targets;
  for (auto [i, target] : llvm::enumerate(artefact.targets)) {
    SmallVector<llvm::Constant *> features;
    for (const CPUFeature &feature : target.features)
      features.push_back(
          createStruct({createText(feature.name), b.getInt32(feature.leaf),
                        b.getInt32(feature.subleaf), b.getInt32(feature.place),
                        b.getInt32(feature.bit), b.getInt64(feature.state)}));
    auto *featureType = llvm::StructType::get(ptr, i32, i32, i32, i32, i64);
    llvm::Constant *program = null;
    if (target.target.isGPU())
      program = module.getGlobalVariable(getImageName(i, "dsa_gpu_program"));
    targets.push_back(createStruct(
        {createText(getName(target.target)), createText(target.cpu),
         b.getInt32(target.target.isGPU() ? kDLCUDA : kDLCPU),
         b.getInt32(features.size()),
         createArray(featureType, features, "dsa.features"), program}));
  }
  llvm::Constant *table =
      createArray(targets[0]->getType(), targets, "dsa.targets");
  llvm::Constant *functions = null;
  if (artefact.hasGPU())
    functions = module.getGlobalVariable("dsa_gpu_functions");
  return createTable(
      createStruct({table, b.getInt64(targets.size()), functions}),
      "dsa.artefact");
}

/// An array of struct dsa_argument.
llvm::Constant *
WrapperBuilder::createArguments(const ArtefactFunction &function) {
  SmallVector<llvm::Constant *> arguments;
  for (unsigned i = 0; i < function.contiguous.size(); ++i) {
    RankedTensorType type = function.getType(i);
    ElementType element = getElementType(type.getElementType());
    SmallVector<llvm::Constant *> extents;
    for (int64_t extent : type.getShape())
      extents.push_back(
          b.getInt64(ShapedType::isDynamic(extent) ? -1 : extent));
    arguments.push_back(createStruct(
        {createText(function.signature.describe(i)), createText(element.name),
         createArray(i64, extents, "dsa.extents"), b.getInt32(type.getRank()),
         b.getInt32(element.code), b.getInt32(element.bits),
         b.getInt32(function.unused[i])}));
  }
  return createArray(llvm::StructType::get(ptr, ptr, ptr, i32, i32, i32, i32),
                     arguments, "dsa.arguments");
}

/// A struct dsa_function.
llvm::Constant *
WrapperBuilder::createFunctionTable(const ArtefactFunction &function,
                                    llvm::Constant *artefactTable) {
  StringRef name = function.signature.name;
  SmallVector<llvm::Constant *> entries;
  for (unsigned i = 0; i < artefact.targets.size(); ++i)
    for (StringRef suffix : suffixes)
      entries.push_back(
          module.getFunction(getImageName(i, (name + suffix).str())));
  int64_t extents = 0;
  for (RankedTensorType type : function.signature.results)
    extents += type.getRank();
  return createTable(
      createStruct({createText(name), artefactTable, createArguments(function),
                    b.getInt64(function.getNumInputs()),
                    b.getInt64(function.getNumResults()), b.getInt64(extents),
                    createArray(ptr, entries, "dsa.entries")}),
      "dsa.function");
}

llvm::Value *WrapperBuilder::createCall(llvm::Value *function,
                                        ArrayRef<llvm::Value *> arguments) {
  SmallVector<llvm::Type *> types;
  for (llvm::Value *argument : arguments)
    types.push_back(argument->getType());
  return b.CreateCall(llvm::FunctionType::get(i32, types, /*isVarArg=*/false),
                      function, arguments);
}

/// Calls a function that takes `gpuCall` as well where that has a program.
llvm::Value *WrapperBuilder::createImageCall(llvm::Value *function,
                                             ArrayRef<llvm::Value *> arguments,
                                             llvm::Value *gpuCall) {
  llvm::Function *wrapper = b.GetInsertBlock()->getParent();
  auto createBlock = [&](const char *name) {
    return llvm::BasicBlock::Create(b.getContext(), name, wrapper);
  };
  llvm::BasicBlock *onCPU = createBlock("cpu"), *onGPU = createBlock("gpu"),
                   *returned = createBlock("returned");
  // The program is the first field.
  b.CreateCondBr(b.CreateIsNull(b.CreateLoad(ptr, gpuCall)), onCPU, onGPU);
  b.SetInsertPoint(returned);
  llvm::PHINode *status = b.CreatePHI(i32, 2);
  SmallVector<llvm::Value *> all(arguments);
  for (llvm::BasicBlock *block : {onCPU, onGPU}) {
    b.SetInsertPoint(block);
    status->addIncoming(createCall(function, all), block);
    b.CreateBr(returned);
    all.push_back(gpuCall);
  }
  b.SetInsertPoint(returned);
  return status;
}

void WrapperBuilder::createWrapper(const ArtefactFunction &function,
                                   Entry entry, llvm::Constant *table) {
  bool runs = entry == Entry::Run;
  bool hasThreads = entry != Entry::Shapes;
  unsigned tensors =
      function.getNumInputs() + (runs ? function.getNumResults() + 1 : 0);
  SmallVector<llvm::Type *> types(tensors, ptr);
  if (hasThreads)
    types.push_back(i32);
  types.push_back(ptr);
  auto *wrapper = llvm::Function::Create(
      llvm::FunctionType::get(i32, types, /*isVarArg=*/false),
      llvm::GlobalValue::ExternalLinkage,
      function.signature.name + suffixes[static_cast<int>(entry)], module);
  wrapper->setDoesNotThrow();
  auto createBlock = [&](const char *name) {
    return llvm::BasicBlock::Create(b.getContext(), name, wrapper);
  };
  llvm::BasicBlock *checks = createBlock("checks"), *call = createBlock("call"),
                   *failed = createBlock("failed");

  b.SetInsertPoint(checks);
  // Words of a descriptor: two pointers, an offset, extents and strides.
  SmallVector<uint64_t> offsets;
  uint64_t words = 0;
  auto reserve = [&](uint64_t rank) {
    offsets.push_back(words);
    words += 3 + 2 * rank;
  };
  for (unsigned i = 0; i < tensors; ++i)
    reserve(i < function.contiguous.size() ? function.getType(i).getRank() : 1);
  if (!runs)
    reserve(1);
  auto *pointers = b.CreateAlloca(llvm::ArrayType::get(ptr, tensors));
  auto *descriptors = b.CreateAlloca(llvm::ArrayType::get(i64, words));
  auto *chosen = b.CreateAlloca(ptr);
  // A struct dsa_gpu_call, of which only a run has use.
  llvm::Value *gpuCall = null;
  if (runs)
    gpuCall = b.CreateAlloca(llvm::StructType::get(ptr, ptr, ptr, i32, i32));
  for (unsigned i = 0; i < tensors; ++i)
    b.CreateStore(wrapper->getArg(i),
                  b.CreateConstInBoundsGEP1_64(ptr, pointers, i));
  auto *last = wrapper->getArg(types.size() - 1);
  llvm::Value *status =
      b.CreateCall(module.getFunction("dsa_enter"),
                   {table, b.getInt32(static_cast<int>(entry)), pointers, last,
                    descriptors, chosen, gpuCall});
  b.CreateCondBr(b.CreateIsNull(status), call, failed);

  b.SetInsertPoint(call);
  SmallVector<llvm::Value *> arguments;
  for (uint64_t offset : offsets)
    arguments.push_back(b.CreateConstInBoundsGEP1_64(i64, descriptors, offset));
  if (hasThreads)
    arguments.insert(arguments.begin() + tensors, wrapper->getArg(tensors));
  llvm::Value *image = b.CreateLoad(ptr, chosen);
  llvm::Value *returned = runs && artefact.hasGPU()
                              ? createImageCall(image, arguments, gpuCall)
                              : createCall(image, arguments);
  b.CreateRet(b.CreateCall(module.getFunction("dsa_leave"),
                           {table, returned, gpuCall}));

  b.SetInsertPoint(failed);
  b.CreateRet(status);
}

/// `i32 <name>_prepare(i32 device)`
void WrapperBuilder::createPreparation(const ArtefactFunction &function,
                                       llvm::Constant *artefactTable) {
  auto *wrapper = llvm::Function::Create(
      llvm::FunctionType::get(i32, {i32}, /*isVarArg=*/false),
      llvm::GlobalValue::ExternalLinkage, function.signature.name + "_prepare",
      module);
  wrapper->setDoesNotThrow();
  b.SetInsertPoint(llvm::BasicBlock::Create(b.getContext(), "call", wrapper));
  b.CreateRet(b.CreateCall(module.getFunction("dsa_prepare"),
                           {artefactTable, wrapper->getArg(0)}));
}

void WrapperBuilder::build(StringRef sidecar) {
  llvm::Constant *artefactTable = createTargets();
  for (const ArtefactFunction &function : artefact.functions) {
    llvm::Constant *table = createFunctionTable(function, artefactTable);
    for (Entry entry : {Entry::Run, Entry::Shapes, Entry::Workspace})
      createWrapper(function, entry, table);
    if (artefact.hasGPU())
      createPreparation(function, artefactTable);
  }
  llvm::Constant *text =
      llvm::ConstantDataArray::getString(module.getContext(), sidecar);
  new llvm::GlobalVariable(module, text->getType(), /*isConstant=*/true,
                           llvm::GlobalValue::WeakAnyLinkage, text,
                           "dsa_sidecar");
}

void dsa::addWrappers(llvm::Module &module, const Artefact &artefact,
                      StringRef sidecar) {
  // Names without the prefix are those of entry points.
  for (llvm::GlobalValue &value : module.global_values())
    if (value.hasLocalLinkage() && !value.getName().starts_with("dsa"))
      value.setName("dsa." + value.getName());
  WrapperBuilder(module, artefact).build(sidecar);
  // What the runtime has for itself is hidden; functions of halves stay so, as
  // LLVM calls them where nothing shows it yet.
  for (llvm::GlobalObject &object : module.global_objects())
    if (!object.isDeclaration() && object.hasHiddenVisibility() &&
        !object.isWeakForLinker()) {
      object.setVisibility(llvm::GlobalValue::DefaultVisibility);
      object.setLinkage(llvm::GlobalValue::InternalLinkage);
    }
}
