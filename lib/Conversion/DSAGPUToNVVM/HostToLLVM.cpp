//===- HostToLLVM.cpp - Launches and images to the LLVM dialect -----------===//
//
// Part of dsa-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// The images of a gpu.binary become the constants that lib/Runtime/GPU.h lays
// out, launches and checks calls of what is there.
//
//===----------------------------------------------------------------------===//

#include "../../Runtime/GPU.h"

#include "dsa/GPU/Chip.h"
#include "dsa/GPU/DSAGPU.h"
#include "dsa/Passes.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Arith/Utils/Utils.h"
#include "mlir/Dialect/GPU/IR/GPUDialect.h"
#include "mlir/Dialect/LLVMIR/FunctionCallUtils.h"
#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/Dialect/LLVMIR/NVVMDialect.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/IR/BuiltinOps.h"
#include "mlir/IR/ImplicitLocOpBuilder.h"
#include "mlir/Interfaces/FunctionInterfaces.h"
#include "llvm/ADT/STLExtras.h"
#include "llvm/ADT/StringMap.h"
#include <variant>

namespace mlir::dsa {
#define GEN_PASS_DEF_CONVERTGPUHOSTTOLLVMPASS
#include "dsa/Passes.h.inc"
} // namespace mlir::dsa

using namespace mlir;
using namespace mlir::dsa_gpu;

constexpr StringLiteral programName = "dsa_gpu_program";
/// In bytes; the driver wants none, but code in it is read in words.
constexpr uint64_t imageAlignment = 16;

//===----------------------------------------------------------------------===//
// Constants
//===----------------------------------------------------------------------===//

namespace {
/// Writes the constants of a program.
class Constants {
public:
  Constants(ModuleOp module, Location loc)
      : b(loc, OpBuilder::atBlockEnd(module.getBody())), symbols(module) {}

  Type ptr() { return LLVM::LLVMPointerType::get(b.getContext()); }
  Type i32() { return b.getI32Type(); }
  Type structOf(ArrayRef<Type> fields) {
    return LLVM::LLVMStructType::getLiteral(b.getContext(), fields);
  }

  /// A global whose name is `name`, or begins so where that is taken.
  LLVM::GlobalOp add(Type type, bool constant, const Twine &name,
                     Attribute value = {}, uint64_t alignment = 0) {
    auto global =
        LLVM::GlobalOp::create(b, type, constant, LLVM::Linkage::Internal,
                               name.str(), value, alignment);
    symbols.insert(global);
    return global;
  }

  LLVM::GlobalOp addBytes(StringRef bytes, const Twine &name,
                          uint64_t alignment = 0) {
    return add(LLVM::LLVMArrayType::get(b.getI8Type(), bytes.size()),
               /*constant=*/true, name, b.getStringAttr(bytes), alignment);
  }

  /// The characters of `text` and a zero.
  LLVM::GlobalOp addText(StringRef text, const Twine &name) {
    return addBytes(StringRef(text.str() + '\0'), name);
  }

  /// A field of a struct: a number, or the address of a global.
  using Field = std::variant<int64_t, LLVM::GlobalOp>;

  /// Gives `global` the value of `rows`, each a struct; only one if it is one.
  void fill(LLVM::GlobalOp global, ArrayRef<SmallVector<Field>> rows) {
    OpBuilder::InsertionGuard guard(b);
    b.createBlock(&global.getInitializerRegion());
    Value all = LLVM::PoisonOp::create(b, global.getType());
    auto array = dyn_cast<LLVM::LLVMArrayType>(global.getType());
    for (auto [r, row] : llvm::enumerate(rows))
      for (auto [f, field] : llvm::enumerate(row)) {
        SmallVector<int64_t, 2> at;
        if (array)
          at.push_back(r);
        at.push_back(f);
        all = LLVM::InsertValueOp::create(b, all, getValue(field), at);
      }
    LLVM::ReturnOp::create(b, all);
  }

  /// A table of structs.
  LLVM::GlobalOp addTable(Type row, ArrayRef<SmallVector<Field>> rows,
                          const Twine &name) {
    auto table = add(LLVM::LLVMArrayType::get(row, rows.size()),
                     /*constant=*/true, name);
    fill(table, rows);
    return table;
  }

  /// `count` pointers for the runtime to write, null at first.
  LLVM::GlobalOp addWords(int64_t count, const Twine &name) {
    auto words = add(LLVM::LLVMArrayType::get(ptr(), count),
                     /*constant=*/false, name);
    OpBuilder::InsertionGuard guard(b);
    b.createBlock(&words.getInitializerRegion());
    LLVM::ReturnOp::create(b, LLVM::ZeroOp::create(b, words.getType()));
    return words;
  }

private:
  Value getValue(const Field &field) {
    if (auto *number = std::get_if<int64_t>(&field))
      return LLVM::ConstantOp::create(b, b.getI32IntegerAttr(*number));
    return LLVM::AddressOfOp::create(b, std::get<LLVM::GlobalOp>(field));
  }

  ImplicitLocOpBuilder b;
  SymbolTable symbols;
};
} // namespace

/// The fields of a dsa_gpu_image, or an error at `loc`.
static FailureOr<SmallVector<Constants::Field>>
addImage(Constants &constants, gpu::ObjectAttr object, Location loc) {
  auto target = dyn_cast<NVVM::NVVMTargetAttr>(object.getTarget());
  auto chip = getChip(target ? target.getChip() : StringRef());
  if (!chip)
    return emitError(loc) << llvm::toString(chip.takeError());
  bool isPTX = object.getFormat() == gpu::CompilationTarget::Assembly;
  if (!isPTX && object.getFormat() != gpu::CompilationTarget::Binary)
    return emitError(loc) << "image for " << chip->name
                          << " is neither PTX nor a cubin, which are what the "
                             "driver loads";
  std::string name = chip->name.str();
  if (isPTX)
    name = "compute" + name.substr(StringRef("sm").size());
  std::string data = object.getObject().str();
  if (isPTX)
    data += '\0';
  std::string prefix = (programName + "." + name).str();
  return SmallVector<Constants::Field>{
      constants.addText(name, prefix + ".name"),
      constants.addBytes(data, prefix, imageAlignment),
      int64_t(isPTX ? DSA_GPU_PTX : DSA_GPU_CUBIN),
      int64_t(chip->major),
      int64_t(chip->minor),
      int64_t(0)};
}

//===----------------------------------------------------------------------===//
// Calls
//===----------------------------------------------------------------------===//

/// Of a memref the address of its first element, as i64; else `value`.
static Value getAddress(ImplicitLocOpBuilder &b, Value value) {
  auto type = dyn_cast<MemRefType>(value.getType());
  if (!type)
    return value;
  auto metadata = memref::ExtractStridedMetadataOp::create(b, value);
  Value elements = getValueOrCreateConstantIndexOp(
      b, b.getLoc(), metadata.getConstifiedMixedOffset());
  Value bytes = arith::MulIOp::create(
      b, elements,
      arith::ConstantIndexOp::create(
          b, type.getElementType().getIntOrFloatBitWidth() / 8));
  Value address = arith::AddIOp::create(
      b, memref::ExtractAlignedPointerAsIndexOp::create(b, value), bytes);
  return arith::IndexCastOp::create(b, b.getI64Type(), address);
}

/// The address of an array of the addresses of `args`, in memory that the
/// function allocates once, at its start.
static Value storeArguments(ImplicitLocOpBuilder &b, LaunchOp launch) {
  auto ptr = LLVM::LLVMPointerType::get(b.getContext());
  if (launch.getArgs().empty())
    return LLVM::ZeroOp::create(b, ptr);
  SmallVector<Value> args = llvm::map_to_vector(
      launch.getArgs(), [&](Value value) { return getAddress(b, value); });
  SmallVector<Type> types(ValueRange(args).getTypes());
  auto values = LLVM::LLVMStructType::getLiteral(b.getContext(), types);
  auto addresses = LLVM::LLVMArrayType::get(ptr, types.size());
  Value valueMemory, addressMemory;
  {
    OpBuilder::InsertionGuard guard(b);
    auto function = launch->getParentOfType<FunctionOpInterface>();
    b.setInsertionPointToStart(&function.getFunctionBody().front());
    Value one = LLVM::ConstantOp::create(b, b.getI32IntegerAttr(1));
    valueMemory = LLVM::AllocaOp::create(b, ptr, values, one);
    addressMemory = LLVM::AllocaOp::create(b, ptr, addresses, one);
  }
  for (auto [i, value] : llvm::enumerate(args)) {
    int32_t at = i;
    Value memory = LLVM::GEPOp::create(b, ptr, values, valueMemory,
                                       ArrayRef<LLVM::GEPArg>{0, at});
    LLVM::StoreOp::create(b, value, memory);
    Value address = LLVM::GEPOp::create(b, ptr, addresses, addressMemory,
                                        ArrayRef<LLVM::GEPArg>{0, at});
    LLVM::StoreOp::create(b, memory, address);
  }
  return addressMemory;
}

namespace {
struct ConvertGPUHostToLLVM
    : dsa::impl::ConvertGPUHostToLLVMPassBase<ConvertGPUHostToLLVM> {
  void runOnOperation() override {
    ModuleOp module = getOperation();
    SmallVector<gpu::BinaryOp> binaries(module.getOps<gpu::BinaryOp>());
    for (auto left : module.getOps<gpu::GPUModuleOp>()) {
      emitError(left.getLoc())
          << "kernels of @" << left.getName()
          << " are not compiled; run 'dsa-serialize-gpu' before";
      return signalPassFailure();
    }
    if (binaries.size() > 1) {
      emitError(binaries[1].getLoc())
          << "@" << binaries[1].getName() << " is a gpu.binary beside @"
          << binaries[0].getName()
          << "; a program has one, whose images hold all of its kernels";
      return signalPassFailure();
    }
    llvm::StringMap<int64_t> numbers;
    if (!binaries.empty() && failed(convertProgram(binaries[0], numbers)))
      return signalPassFailure();
    convertLaunches(numbers);
    convertChecks();
    if (!binaries.empty())
      binaries[0].erase();
  }

  /// Writes the program, and the number of each kernel in it.
  LogicalResult convertProgram(gpu::BinaryOp binary,
                               llvm::StringMap<int64_t> &numbers);
  void convertLaunches(const llvm::StringMap<int64_t> &numbers);
  void convertChecks();
};
} // namespace

LogicalResult
ConvertGPUHostToLLVM::convertProgram(gpu::BinaryOp binary,
                                     llvm::StringMap<int64_t> &numbers) {
  ModuleOp module = getOperation();
  Location loc = binary.getLoc();
  if (Operation *other = module.lookupSymbol(programName))
    return emitError(other->getLoc())
           << "'" << programName << "' is the name of a module's kernels";
  // The most that a launch of each asks for, by name.
  llvm::StringMap<int64_t> sharedBytes;
  module.walk([&](LaunchOp launch) {
    int64_t &most = sharedBytes[launch.getKernel().getLeafReference()];
    most = std::max<int64_t>(most, launch.getSharedBytes());
  });

  Constants constants(module, loc);
  Type ptr = constants.ptr(), i32 = constants.i32();
  SmallVector<SmallVector<Constants::Field>> images, kernels;
  gpu::KernelTableAttr table;
  for (auto object : binary.getObjects().getAsRange<gpu::ObjectAttr>()) {
    if (!object.getKernels())
      return emitError(loc) << "image has no table of its kernels, as "
                               "'dsa-serialize-gpu' writes it";
    if (table && table != object.getKernels())
      return emitError(loc) << "images hold different kernels";
    table = object.getKernels();
    auto image = addImage(constants, object, loc);
    if (failed(image))
      return failure();
    images.push_back(*image);
  }
  for (gpu::KernelMetadataAttr kernel : table) {
    StringRef name = kernel.getName();
    numbers[name] = kernels.size();
    kernels.push_back({constants.addText(name, programName + "." + name),
                       sharedBytes.lookup(name), int64_t(0)});
  }

  Type image = constants.structOf({ptr, ptr, i32, i32, i32, i32});
  Type kernel = constants.structOf({ptr, i32, i32});
  Type program = constants.structOf({ptr, ptr, ptr, i32, i32});
  int64_t words = DSA_GPU_STATE_WORDS(images.size(), kernels.size());
  SmallVector<Constants::Field> fields = {
      constants.addTable(image, images, programName + ".images"),
      constants.addTable(kernel, kernels, programName + ".kernels"),
      constants.addWords(words, programName + ".state"), int64_t(images.size()),
      int64_t(kernels.size())};
  LLVM::GlobalOp global =
      constants.add(program, /*constant=*/true, programName);
  global.setLinkage(LLVM::Linkage::External);
  constants.fill(global, fields);
  return success();
}

void ConvertGPUHostToLLVM::convertLaunches(
    const llvm::StringMap<int64_t> &numbers) {
  SmallVector<LaunchOp> launches;
  getOperation().walk([&](LaunchOp launch) { launches.push_back(launch); });
  for (LaunchOp launch : launches) {
    ImplicitLocOpBuilder b(launch.getLoc(), launch);
    Type ptr = LLVM::LLVMPointerType::get(b.getContext());
    Type i32 = b.getI32Type(), i64 = b.getI64Type();
    auto function =
        LLVM::lookupOrCreateFn(b, getOperation(), "dsa_gpu_launch",
                               {ptr, i32, i64, i64, i64, i32, i32, ptr},
                               LLVM::LLVMVoidType::get(b.getContext()));
    auto number = [&](int64_t value) -> Value {
      return LLVM::ConstantOp::create(b, b.getI32IntegerAttr(value));
    };
    Value kernel =
        number(numbers.lookup(launch.getKernel().getLeafReference()));
    LLVM::CallOp::create(
        b, *function,
        ValueRange{launch.getCall(), kernel, launch.getBlocksX(),
                   launch.getBlocksY(), launch.getBlocksZ(),
                   number(launch.getThreads()), number(launch.getSharedBytes()),
                   storeArguments(b, launch)});
    launch.erase();
  }
}

void ConvertGPUHostToLLVM::convertChecks() {
  ModuleOp module = getOperation();
  llvm::StringMap<LLVM::GlobalOp> texts;
  auto convert = [&](auto check, StringRef name, uint64_t limit) {
    ImplicitLocOpBuilder b(check.getLoc(), check);
    Type ptr = LLVM::LLVMPointerType::get(b.getContext());
    Type i64 = b.getI64Type();
    auto function =
        LLVM::lookupOrCreateFn(b, module, name, {ptr, i64, i64, ptr},
                               LLVM::LLVMVoidType::get(b.getContext()));
    LLVM::GlobalOp &text = texts[check.getWhat()];
    if (!text)
      text = Constants(module, check.getLoc())
                 .addText(check.getWhat(), "dsa_gpu_checked");
    Value number = LLVM::ConstantOp::create(b, b.getI64IntegerAttr(limit));
    LLVM::CallOp::create(b, *function,
                         ValueRange{check.getCall(),
                                    getAddress(b, check.getValue()), number,
                                    LLVM::AddressOfOp::create(b, text)});
    check.erase();
  };
  module.walk([&](Operation *op) {
    if (auto check = dyn_cast<CheckAlignedOp>(op))
      convert(check, "dsa_gpu_check_aligned", check.getMultiple());
    else if (auto check = dyn_cast<CheckEqualOp>(op))
      convert(check, "dsa_gpu_check_equal", check.getExpected());
  });
}
