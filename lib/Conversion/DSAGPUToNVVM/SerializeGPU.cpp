//===- SerializeGPU.cpp - Kernels to LLVM IR, PTX or cubins ---------------===//
//
// Part of dsa-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// LLVM makes PTX; for a cubin, that text goes on to ptxas. Upstream's pass
// finds CUDA's library and its tools by itself, prints the whole module with
// each error, and has no word for the chip of the text beside that of the code.
//
//===----------------------------------------------------------------------===//

#include "dsa/GPU/Chip.h"
#include "dsa/GPU/Ptxas.h"
#include "dsa/Passes.h"

#include "mlir/Dialect/GPU/IR/GPUDialect.h"
#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/Dialect/LLVMIR/NVVMDialect.h"
#include "mlir/ExecutionEngine/OptUtils.h"
#include "mlir/IR/Builders.h"
#include "mlir/IR/BuiltinOps.h"
#include "mlir/IR/Remarks.h"
#include "mlir/Target/LLVM/ModuleToObject.h"
#include "mlir/Target/LLVMIR/Dialect/Builtin/BuiltinToLLVMIRTranslation.h"
#include "mlir/Target/LLVMIR/Dialect/GPU/GPUToLLVMIRTranslation.h"
#include "mlir/Target/LLVMIR/Dialect/LLVMIR/LLVMToLLVMIRTranslation.h"
#include "mlir/Target/LLVMIR/Dialect/NVVM/NVVMToLLVMIRTranslation.h"
#include "mlir/Target/LLVMIR/Export.h"
#include "llvm/ADT/STLExtras.h"
#include "llvm/ADT/StringExtras.h"
#include "llvm/ADT/StringSwitch.h"
#include "llvm/IR/DiagnosticPrinter.h"
#include "llvm/IR/InstIterator.h"
#include "llvm/IR/InstrTypes.h"
#include "llvm/IR/LLVMContext.h"
#include "llvm/IR/Module.h"
#include "llvm/MC/MCSubtargetInfo.h"
#include "llvm/MC/TargetRegistry.h"
#include "llvm/Support/FormatVariadic.h"
#include "llvm/Support/TargetSelect.h"
#include "llvm/Target/TargetMachine.h"

namespace mlir::dsa {
#define GEN_PASS_DEF_SERIALIZEGPUPASS
#include "dsa/Passes.h.inc"
} // namespace mlir::dsa

using namespace mlir;
using namespace mlir::dsa_gpu;

constexpr StringLiteral passName = "dsa-serialize-gpu";
constexpr StringLiteral nvptxTriple = "nvptx64-nvidia-cuda";
/// The first PTX that knows sm_89 and sm_90, of CUDA 11.8.
constexpr StringLiteral defaultFeatures = "+ptx78";

/// Whether `feature` is a version of PTX that LLVM writes, as in +ptx80, and
/// that has the base of `chip`.
static bool isVersion(StringRef feature, const Chip &chip,
                      const llvm::MCSubtargetInfo &subtarget) {
  int32_t version;
  StringRef name = feature;
  if (!name.consume_front("+"))
    return false;
  StringRef number = name;
  return number.consume_front("ptx") && !number.getAsInteger(10, version) &&
         version >= chip.leastPTX &&
         llvm::any_of(
             subtarget.getAllProcessorFeatures(),
             [&](const auto &entry) { return StringRef(entry.Key) == name; });
}

/// LLVM's NVPTX for the base of `chip` with `features`, a list as in +ptx80.
static llvm::Expected<std::unique_ptr<llvm::TargetMachine>>
createMachine(const Chip &chip, StringRef features, int optLevel) {
  LLVMInitializeNVPTXTargetInfo();
  LLVMInitializeNVPTXTarget();
  LLVMInitializeNVPTXTargetMC();
  LLVMInitializeNVPTXAsmPrinter();
  llvm::Triple triple(nvptxTriple);
  std::string error;
  const llvm::Target *target =
      llvm::TargetRegistry::lookupTarget(triple, error);
  if (!target)
    return llvm::createStringError(error);
  // LLVM only warns of what it does not know, and ends the program where the
  // version is too low. Its features that are chips come from `chip`.
  std::unique_ptr<llvm::MCSubtargetInfo> subtarget(
      target->createMCSubtargetInfo(triple, chip.base, ""));
  for (StringRef feature : llvm::split(features, ','))
    if (!isVersion(feature, chip, *subtarget))
      return llvm::createStringError("features has '" + feature +
                                     "', but takes a version of PTX that has " +
                                     chip.base +
                                     " and that LLVM writes, as in +ptx80");
  auto level = llvm::CodeGenOpt::getLevel(optLevel);
  if (!level)
    return llvm::createStringError("opt-level is " + llvm::itostr(optLevel) +
                                   ", expected 0, 1, 2 or 3");
  return std::unique_ptr<llvm::TargetMachine>(target->createTargetMachine(
      triple, chip.base, features, llvm::TargetOptions(), std::nullopt,
      std::nullopt, *level));
}

namespace {
/// Errors of LLVM's backend as errors of the pass; without it they end the
/// program.
struct Diagnostics : llvm::DiagnosticHandler {
  explicit Diagnostics(Location loc) : loc(loc) {}

  bool handleDiagnostics(const llvm::DiagnosticInfo &info) override {
    if (info.getSeverity() != llvm::DS_Error)
      return true;
    std::string text;
    llvm::raw_string_ostream os(text);
    llvm::DiagnosticPrinterRawOStream printer(os);
    info.print(printer);
    emitError(loc) << text;
    return true;
  }

  Location loc;
};

/// What makes objects of modules: the options, looked up.
struct Serializer {
  static llvm::Expected<Serializer>
  create(const dsa::SerializeGPUPassOptions &options);

  LogicalResult serialize(gpu::GPUModuleOp module) const;
  FailureOr<std::string> translate(gpu::GPUModuleOp module) const;
  FailureOr<std::string> assemble(gpu::GPUModuleOp module, StringRef ptx,
                                  StringRef chip) const;

  Chip chip;
  std::string features;
  int optLevel;
  /// Of the text, if it is an object itself.
  std::optional<gpu::CompilationTarget> format;
  /// The chips that the text is assembled for, and by what.
  SmallVector<StringRef> assembled;
  std::string ptxas;
  std::unique_ptr<llvm::TargetMachine> machine;
};
} // namespace

/// For each generation that runs the text for `chip`, its first chip: cubins
/// run on all later ones of a generation.
static SmallVector<StringRef> getGenerations(const Chip &chip) {
  SmallVector<StringRef> names;
  int32_t last = 0;
  for (const Chip &other : getChips())
    if (other.base == chip.base && other.major != last) {
      names.push_back(other.name);
      last = other.major;
    }
  return names;
}

llvm::Expected<Serializer>
Serializer::create(const dsa::SerializeGPUPassOptions &options) {
  auto chip = getChip(options.chip);
  if (!chip)
    return chip.takeError();
  std::optional<gpu::CompilationTarget> format;
  SmallVector<StringRef> assembled;
  if (options.format == "llvm")
    format = gpu::CompilationTarget::Offload;
  else if (options.format == "ptx" || options.format == "all")
    format = gpu::CompilationTarget::Assembly;
  else if (options.format != "cubin")
    return llvm::createStringError("format is '" + options.format +
                                   "', expected llvm, ptx, cubin or all");
  if (options.format == "cubin")
    assembled = {chip->name};
  else if (options.format == "all")
    assembled = getGenerations(*chip);
  if (assembled.empty() && !options.ptxas.empty())
    return llvm::createStringError("ptxas is given, but format '" +
                                   options.format + "' has no cubin");
  std::string features = llvm::join(options.features, ",");
  if (features.empty())
    features = defaultFeatures.str();
  auto machine = createMachine(*chip, features, options.optLevel);
  if (!machine)
    return machine.takeError();
  std::string ptxas;
  if (!assembled.empty()) {
    auto found = findPtxas(options.ptxas);
    if (!found)
      return found.takeError();
    ptxas = *found;
  }
  return Serializer{*chip,     features, options.optLevel,   format,
                    assembled, ptxas,    std::move(*machine)};
}

/// The kernels of `module`, with how many threads their blocks have, as what
/// launches them is checked against.
static gpu::KernelTableAttr getKernels(gpu::GPUModuleOp module) {
  MLIRContext *context = module.getContext();
  StringRef threads = NVVM::NVVMDialect::getReqntidAttrName();
  SmallVector<gpu::KernelMetadataAttr> kernels;
  for (auto function : module.getOps<LLVM::LLVMFuncOp>()) {
    if (!function->hasAttr(NVVM::NVVMDialect::getKernelFuncAttrName()))
      continue;
    NamedAttrList metadata;
    if (Attribute value = function->getAttr(threads))
      metadata.append(threads, value);
    kernels.push_back(gpu::KernelMetadataAttr::get(
        function.getSymNameAttr(),
        FunctionType::get(context, function.getArgumentTypes(), {}), nullptr,
        metadata.getDictionary(context)));
  }
  return gpu::KernelTableAttr::get(context, kernels);
}

/// LLVM takes a product of matrices, and PTX in the text of kernels, for
/// arithmetic of one lane, which it moves into branches that only some lanes
/// take. All of a warp has to be there.
static void keepConvergent(llvm::Module &code) {
  for (llvm::Function &function : code)
    for (llvm::Instruction &instruction : llvm::instructions(function)) {
      auto *call = dyn_cast<llvm::CallBase>(&instruction);
      if (!call)
        continue;
      llvm::Function *callee = call->getCalledFunction();
      if (call->isInlineAsm() ||
          (callee && callee->getName().starts_with("llvm.nvvm.mma.")))
        call->addFnAttr(llvm::Attribute::Convergent);
    }
}

/// LLVM IR or PTX.
FailureOr<std::string> Serializer::translate(gpu::GPUModuleOp module) const {
  Location loc = module.getLoc();
  llvm::LLVMContext context;
  context.setDiagnosticHandler(std::make_unique<Diagnostics>(loc));
  std::unique_ptr<llvm::Module> code = translateModuleToLLVMIR(module, context);
  if (!code)
    return failure();
  code->setTargetTriple(machine->getTargetTriple());
  code->setDataLayout(machine->createDataLayout());
  keepConvergent(*code);
  auto optimise =
      makeOptimizingTransformer(optLevel, /*sizeLevel=*/0, machine.get());
  if (llvm::Error error = optimise(code.get()))
    return emitError(loc) << llvm::toString(std::move(error));
  if (format == gpu::CompilationTarget::Offload) {
    std::string text;
    llvm::raw_string_ostream os(text);
    code->print(os, nullptr);
    return text;
  }
  FailureOr<SmallString<0>> ptx = LLVM::ModuleToObject::translateModuleToISA(
      *code, *machine, [&] { return emitError(loc); });
  if (failed(ptx) || context.getDiagHandlerPtr()->HasErrors)
    return failure();
  return ptx->str().str();
}

FailureOr<std::string> Serializer::assemble(gpu::GPUModuleOp module,
                                            StringRef ptx,
                                            StringRef chip) const {
  auto cubin = dsa_gpu::assemble(ptxas, chip, ptx);
  if (!cubin)
    return emitError(module.getLoc()) << llvm::toString(cubin.takeError());
  auto options = remark::RemarkOpts::name(passName).category("dsa");
  for (const KernelResources &kernel : cubin->kernels) {
    Operation *function = module.lookupSymbol(kernel.kernel);
    Location loc = function ? function->getLoc() : module.getLoc();
    if (kernel.spillStoreBytes || kernel.spillLoadBytes)
      remark::missed(loc, options) << remark::reason(
          "{0} has {1} registers and spills: it stores {2} bytes and loads {3}",
          kernel.kernel, kernel.registers, kernel.spillStoreBytes,
          kernel.spillLoadBytes);
    else
      remark::passed(loc, options)
          << llvm::formatv("{0} has {1} registers and does not spill",
                           kernel.kernel, kernel.registers)
                 .str();
  }
  for (const std::string &note : cubin->notes)
    remark::missed(module.getLoc(), options) << remark::reason("{0}", note);
  return std::move(cubin->image);
}

LogicalResult Serializer::serialize(gpu::GPUModuleOp module) const {
  gpu::KernelTableAttr kernels = getKernels(module);
  FailureOr<std::string> text = translate(module);
  if (failed(text))
    return failure();
  OpBuilder b(module);
  SmallVector<Attribute> objects;
  auto add = [&](StringRef chip, gpu::CompilationTarget format,
                 StringRef bytes) {
    auto target = NVVM::NVVMTargetAttr::get(b.getContext(), optLevel,
                                            nvptxTriple, chip, features);
    objects.push_back(gpu::ObjectAttr::get(
        target, format, b.getStringAttr(bytes), DictionaryAttr(), kernels));
  };
  for (StringRef name : assembled) {
    FailureOr<std::string> cubin = assemble(module, *text, name);
    if (failed(cubin))
      return failure();
    add(name, gpu::CompilationTarget::Binary, *cubin);
  }
  if (format)
    add(chip.base, *format, *text);
  gpu::BinaryOp::create(b, module.getLoc(), module.getName(),
                        /*offloadingHandler=*/Attribute(), objects);
  module.erase();
  return success();
}

namespace {
struct SerializeGPU : dsa::impl::SerializeGPUPassBase<SerializeGPU> {
  using SerializeGPUPassBase::SerializeGPUPassBase;

  void getDependentDialects(DialectRegistry &registry) const override {
    SerializeGPUPassBase::getDependentDialects(registry);
    registerBuiltinDialectTranslation(registry);
    registerGPUDialectTranslation(registry);
    registerLLVMDialectTranslation(registry);
    registerNVVMDialectTranslation(registry);
  }

  void runOnOperation() override {
    dsa::SerializeGPUPassOptions options;
    options.chip = chip;
    options.features.assign(features.begin(), features.end());
    options.format = format;
    options.optLevel = optLevel;
    options.ptxas = ptxas;
    auto serializer = Serializer::create(options);
    if (!serializer) {
      emitError(getOperation().getLoc())
          << llvm::toString(serializer.takeError());
      return signalPassFailure();
    }
    for (auto module :
         llvm::make_early_inc_range(getOperation().getOps<gpu::GPUModuleOp>()))
      if (failed(serializer->serialize(module)))
        return signalPassFailure();
  }
};
} // namespace
