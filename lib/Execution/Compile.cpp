//===- Compile.cpp - From a file to an artefact ---------------------------===//
//
// Part of dsa-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Each target is lowered from a copy of the module and optimised apart; then
// all of them, the runtime and the wrappers are one module and one object.
//
//===----------------------------------------------------------------------===//

#include "dsa/Execution/Compile.h"

#include "dsa/Execution/Artefact.h"
#include "dsa/Execution/KernelText.h"
#include "dsa/Execution/Progress.h"
#include "dsa/GPU/Chip.h"
#include "dsa/IR/DSA.h"
#include "dsa/Pipelines.h"
#include "dsa/Support/AtomicFile.h"
#include "dsa/Support/ExitCodes.h"

#include "mlir/ExecutionEngine/OptUtils.h"
#include "mlir/IR/Remarks.h"
#include "mlir/Pass/PassManager.h"
#include "mlir/Target/LLVMIR/Dialect/Builtin/BuiltinToLLVMIRTranslation.h"
#include "mlir/Target/LLVMIR/Dialect/LLVMIR/LLVMToLLVMIRTranslation.h"
#include "mlir/Target/LLVMIR/Dialect/OpenMP/OpenMPToLLVMIRTranslation.h"
#include "mlir/Target/LLVMIR/Export.h"
#include "llvm/Bitcode/BitcodeReader.h"
#include "llvm/IR/LegacyPassManager.h"
#include "llvm/IR/Verifier.h"
#include "llvm/Linker/Linker.h"
#include "llvm/MC/TargetRegistry.h"
#include "llvm/Pass.h"
#include "llvm/Support/Path.h"
#include "llvm/Support/TargetSelect.h"
#include "llvm/TargetParser/Host.h"
#include "llvm/Transforms/IPO/GlobalDCE.h"

using namespace mlir;
using namespace mlir::dsa;
namespace path = llvm::sys::path;

static llvm::Error internal(llvm::Error error) {
  return makeError(ExitInternal, llvm::toString(std::move(error)));
}

//===----------------------------------------------------------------------===//
// Remarks
//===----------------------------------------------------------------------===//

namespace {
/// Collects what the passes that choose kernels say of the ops of a module.
class KernelCollector : public remark::detail::MLIRRemarkStreamerBase {
public:
  KernelCollector(ModuleOp module, std::vector<KernelRemark> &remarks)
      : remarks(remarks) {
    for (auto function : module.getOps<func::FuncOp>())
      function.walk([&](DSAOpInterface op) {
        ops.try_emplace(op.getLoc(), function.getName().str(),
                        op->getName().getStringRef().str());
      });
  }

  void streamOptimizationRemark(const remark::detail::Remark &remark) override {
    constexpr StringLiteral choosing[] = {"dsa-to-cpu", "dsa-to-gpu",
                                          "dsa-decompose-for-cpu"};
    if (!llvm::is_contained(choosing, remark.getRemarkName()))
      return;
    std::pair<std::string, std::string> where;
    // An op that was made of others lies where they did.
    remark.getLocation()->walk([&](Location location) {
      auto found = ops.find(location);
      if (found == ops.end())
        return WalkResult::advance();
      where = found->second;
      return WalkResult::interrupt();
    });
    std::string text;
    for (const remark::detail::Remark::Arg &argument : remark.getArgs())
      text += argument.val;
    remarks.push_back({where.first, where.second, text});
  }

private:
  std::vector<KernelRemark> &remarks;
  DenseMap<Location, std::pair<std::string, std::string>> ops;
};
} // namespace

//===----------------------------------------------------------------------===//
// Code
//===----------------------------------------------------------------------===//

static llvm::Expected<std::unique_ptr<llvm::TargetMachine>>
createMachine(StringRef name) {
  llvm::InitializeAllTargetInfos();
  llvm::InitializeAllTargets();
  llvm::InitializeAllTargetMCs();
  llvm::InitializeAllAsmPrinters();
  llvm::InitializeAllAsmParsers();
  llvm::Triple triple(llvm::Triple::normalize(
      name.empty() ? llvm::sys::getProcessTriple() : name.str()));
  if (getRuntimeBitcode(triple).empty() || !triple.isOSLinux())
    return makeError(ExitUser, "triple '" + triple.str() +
                                   "' is not of a system that artefacts are "
                                   "made for: x86_64-linux-gnu or "
                                   "aarch64-linux-gnu");
  std::string error;
  const llvm::Target *target =
      llvm::TargetRegistry::lookupTarget(triple, error);
  if (!target)
    return makeError(ExitInternal, error);
  llvm::TargetOptions options;
  options.FunctionSections = true;
  options.DataSections = true;
  // Functions say themselves what CPU they are for; the rest runs anywhere.
  return std::unique_ptr<llvm::TargetMachine>(target->createTargetMachine(
      triple, /*CPU=*/"", /*Features=*/"", options, llvm::Reloc::PIC_,
      std::nullopt, llvm::CodeGenOptLevel::Aggressive));
}

/// The lowered functions as image `number`, optimised as dsa-run does.
static llvm::Expected<std::unique_ptr<llvm::Module>>
translate(ModuleOp lowered, llvm::LLVMContext &context,
          llvm::TargetMachine &machine, unsigned number) {
  std::unique_ptr<llvm::Module> module =
      translateModuleToLLVMIR(lowered, context);
  if (!module)
    return makeError(ExitInternal, "the functions do not translate to LLVM");
  module->setTargetTriple(machine.getTargetTriple());
  module->setDataLayout(machine.createDataLayout());
  auto makeInternal = [&](llvm::GlobalValue &value) {
    // Names without a prefix are those of the entry points.
    value.setName(getImageName(number, value.getName()) + ".internal");
    value.setLinkage(llvm::GlobalValue::InternalLinkage);
  };
  for (llvm::Function &function : *module) {
    if (function.isDeclaration())
      continue;
    StringRef name = function.getName();
    if (name.consume_front("_mlir_ciface_")) {
      function.setName(getImageName(number, name));
      function.setVisibility(llvm::GlobalValue::HiddenVisibility);
    } else {
      makeInternal(function);
    }
  }
  for (llvm::GlobalVariable &global : module->globals()) {
    // What wrappers find by its name.
    if (global.getName() == "dsa_gpu_program") {
      global.setName(getImageName(number, global.getName()));
      global.setVisibility(llvm::GlobalValue::HiddenVisibility);
    } else if (global.hasInitializer() &&
               !global.getName().starts_with("llvm.")) {
      makeInternal(global);
    }
  }
  auto optimise =
      makeOptimizingTransformer(/*optLevel=*/3, /*sizeLevel=*/0, &machine);
  if (llvm::Error error = optimise(module.get()))
    return internal(std::move(error));
  return std::move(module);
}

/// What the functions of an image are compiled for.
static llvm::Error describeCPU(const llvm::Module &module,
                               ArtefactTarget &target) {
  llvm::Triple triple = module.getTargetTriple();
  std::string features;
  for (const llvm::Function &function : module)
    if (function.hasFnAttribute("target-cpu")) {
      target.cpu = function.getFnAttribute("target-cpu").getValueAsString();
      features = function.getFnAttribute("target-features").getValueAsString();
      break;
    }
  if (target.cpu.empty())
    target.cpu = triple.isX86() ? "x86-64" : "generic";
  auto found = getCPUFeatures(triple, target.cpu, features);
  if (!found)
    return found.takeError();
  target.features = std::move(*found);
  return llvm::Error::success();
}

static llvm::Expected<SmallString<0>> emitObject(llvm::Module &module,
                                                 llvm::TargetMachine &machine) {
  SmallString<0> object;
  llvm::raw_svector_ostream os(object);
  llvm::legacy::PassManager pm;
  if (machine.addPassesToEmitFile(pm, os, nullptr,
                                  llvm::CodeGenFileType::ObjectFile))
    return makeError(ExitInternal, "LLVM has no object files for " +
                                       machine.getTargetTriple().str());
  pm.run(module);
  return std::move(object);
}

//===----------------------------------------------------------------------===//
// Compilation
//===----------------------------------------------------------------------===//

namespace {
class Compiler {
public:
  Compiler(const CompileOptions &options) : options(options) {}
  llvm::Error run(const DialectRegistry &registry);

private:
  llvm::Error addImage(ModuleOp module, const Target &target);
  llvm::Error finishModule();
  llvm::Error write(std::vector<std::pair<std::string, std::string>> files);
  llvm::Error writeSharedObject();

  const CompileOptions &options;
  llvm::LLVMContext context;
  std::unique_ptr<llvm::TargetMachine> machine;
  std::vector<KernelRemark> remarks;
  std::vector<std::unique_ptr<llvm::Module>> images;
  std::unique_ptr<llvm::Module> module;
  Artefact artefact;
};
} // namespace

/// What the header calls itself: as its file, or as the input.
static StringRef getStem(const CompileOptions &options) {
  if (options.output != "-")
    return path::stem(options.output);
  return options.file != "-" ? path::stem(options.file) : "artefact";
}

llvm::Error Compiler::addImage(ModuleOp lowered, const Target &target) {
  std::vector<std::string> imageNames = getImageNames(lowered);
  auto image = translate(lowered, context, *machine, images.size());
  if (!image)
    return image.takeError();
  ArtefactTarget described{
      target, "", {}, std::move(imageNames), std::move(remarks)};
  remarks.clear();
  if (target.isGPU())
    described.cpu = target.chip;
  else if (llvm::Error error = describeCPU(**image, described))
    return error;
  artefact.targets.push_back(std::move(described));
  images.push_back(std::move(*image));
  return llvm::Error::success();
}

/// A function that has the name of another's preparation.
static llvm::Error checkNames(const Artefact &artefact) {
  if (!artefact.hasGPU())
    return llvm::Error::success();
  for (const ArtefactFunction &function : artefact.functions)
    for (const ArtefactFunction &other : artefact.functions)
      if (other.signature.name == function.signature.name + "_prepare")
        return makeError(ExitUser, "'" + other.signature.name +
                                       "' is the name of what prepares '" +
                                       function.signature.name +
                                       "' for a GPU, and of a function");
  return llvm::Error::success();
}

/// Joins images, runtime and wrappers.
llvm::Error Compiler::finishModule() {
  auto runtime = llvm::parseBitcodeFile(
      llvm::MemoryBufferRef(getRuntimeBitcode(machine->getTargetTriple()),
                            "runtime"),
      context);
  if (!runtime)
    return internal(runtime.takeError());
  module = std::move(*runtime);
  module->setModuleIdentifier("artefact");
  module->setSourceFileName("artefact");
  module->setTargetTriple(machine->getTargetTriple());
  module->setDataLayout(machine->createDataLayout());
  for (std::unique_ptr<llvm::Module> &image : images)
    if (llvm::Linker::linkModules(*module, std::move(image)))
      return makeError(ExitInternal, "images do not fit the runtime");
  addWrappers(*module, artefact, getSidecar(artefact));
  // What the runtime has for targets that are not there.
  llvm::legacy::PassManager pm;
  pm.add(llvm::createGlobalDCEPass());
  pm.run(*module);
  std::string errors;
  llvm::raw_string_ostream os(errors);
  if (llvm::verifyModule(*module, &os))
    return makeError(ExitInternal, "the wrappers are wrong: " + errors);
  return llvm::Error::success();
}

llvm::Error
Compiler::write(std::vector<std::pair<std::string, std::string>> files) {
  std::vector<OutputFile> outputs;
  for (auto &[path, bytes] : files)
    outputs.push_back({path, [&bytes = bytes](llvm::raw_ostream &os) {
                         os << bytes;
                         return llvm::Error::success();
                       }});
  return writeAtomically(outputs);
}

llvm::Error Compiler::writeSharedObject() {
  Progress progress("code generation");
  auto object = emitObject(*module, *machine);
  if (!object)
    return object.takeError();
  StringRef output = options.output;
  auto linked = linkSharedObject(*object, machine->getTargetTriple(),
                                 path::filename(output));
  if (!linked)
    return linked.takeError();
  SmallString<128> header = output, sidecar = output;
  path::replace_extension(header, "h");
  path::replace_extension(sidecar, "json");
  return write({{header.str().str(), getHeader(artefact, getStem(options))},
                {sidecar.str().str(), getSidecar(artefact)},
                {output.str(), std::move(*linked)}});
}

static llvm::Error checkOptions(const CompileOptions &options) {
  std::vector<StringRef> sorted;
  for (const Target &target : options.targets)
    sorted.push_back(getName(target));
  llvm::sort(sorted);
  if (sorted.empty() || llvm::adjacent_find(sorted) != sorted.end())
    return makeError(ExitUser, "--target takes each target once");
  bool isForOne = options.emit == Emit::MLIR || options.emit == Emit::PTX;
  if (isForOne && options.targets.size() > 1)
    return makeError(ExitUser, "--emit=mlir and --emit=ptx take one target, as "
                               "each is a module of its own");
  bool hasGPU = llvm::any_of(options.targets, std::mem_fn(&Target::isGPU));
  if (options.emit == Emit::PTX && !hasGPU)
    return makeError(ExitUser, "--emit=ptx takes a GPU as its target, such as "
                               "--target=sm_80");
  if (!hasGPU && (options.lowering.cubins || !options.lowering.ptxas.empty()))
    return makeError(ExitUser, "--cubins and --ptxas are of GPUs, such as "
                               "--target=sm_80");
  if (!options.lowering.cubins && !options.lowering.ptxas.empty())
    return makeError(ExitUser, "--ptxas is of --cubins");
  if (!llvm::is_contained(options.targets, Target{Target::CPU}) &&
      (options.lowering.cpu != "host" || !options.lowering.features.empty()))
    return makeError(ExitUser, "--cpu and --features are of --target=cpu, not "
                               "of --target=" +
                                   getName(options.targets[0]));
  for (const LoweringOptions::PipelineText &text : options.lowering.pipeline)
    if (!text.target.empty() && !llvm::is_contained(sorted, text.target))
      return makeError(ExitUser, "--pipeline-options are for " + text.target +
                                     ", which is not among the targets");
  StringRef extension = path::extension(options.output);
  if (options.emit == Emit::SharedObject && extension != ".so")
    return makeError(ExitUser, "-o is '" + options.output +
                                   "'; a shared object needs a name that ends "
                                   "in .so, beside which its header and its "
                                   "sidecar go");
  return llvm::Error::success();
}

/// Targets in the order in which they are tried: as they are given, but GPUs
/// among themselves by the shared memory that their code may take. What takes
/// less runs on more chips, and slower.
static std::vector<Target> getOrdered(ArrayRef<Target> targets) {
  std::vector<Target> gpus;
  llvm::copy_if(targets, std::back_inserter(gpus), std::mem_fn(&Target::isGPU));
  llvm::stable_sort(gpus, [](const Target &lhs, const Target &rhs) {
    return llvm::cantFail(dsa_gpu::getChip(lhs.chip)).sharedBytes >
           llvm::cantFail(dsa_gpu::getChip(rhs.chip)).sharedBytes;
  });
  std::vector<Target> ordered(targets);
  auto next = gpus.begin();
  for (Target &target : ordered)
    if (target.isGPU())
      target = *next++;
  return ordered;
}

llvm::Error Compiler::run(const DialectRegistry &registry) {
  if (llvm::Error error = checkOptions(options))
    return error;
  auto createdMachine = createMachine(options.lowering.triple);
  if (!createdMachine)
    return createdMachine.takeError();
  machine = std::move(*createdMachine);
  artefact.triple = machine->getTargetTriple().str();
  auto input = InputModule::read(options.file, registry);
  if (!input)
    return input.takeError();
  MLIRContext *mlirContext = (*input)->getContext();
  registerBuiltinDialectTranslation(*mlirContext);
  registerLLVMDialectTranslation(*mlirContext);
  registerOpenMPDialectTranslation(*mlirContext);

  ModuleOp original = (*input)->getModule();
  PassManager inlining(mlirContext);
  addInlining(inlining);
  if (failed(inlining.run(original)))
    return makeError(ExitUser,
                     "'" + options.file + "' cannot be inlined; see above");
  LogicalResult collecting = remark::enableOptimizationRemarks(
      *mlirContext, std::make_unique<KernelCollector>(original, remarks),
      std::make_unique<remark::RemarkEmittingPolicyAll>(),
      remark::RemarkCategories{std::nullopt, "dsa", "dsa", std::nullopt,
                               std::nullopt});
  if (failed(collecting))
    return makeError(ExitInternal, "remarks cannot be collected");
  for (const Target &target : getOrdered(options.targets)) {
    Progress progress(getName(target));
    OwningOpRef<ModuleOp> lowered = original.clone();
    if (llvm::Error error =
            lowerFor(*lowered, target, options.lowering, options.file))
      return error;
    if (options.emit == Emit::MLIR) {
      std::string text;
      llvm::raw_string_ostream os(text);
      os << *lowered << "\n";
      return write({{options.output, std::move(text)}});
    }
    if (options.emit == Emit::PTX)
      return write({{options.output, getPTX(*lowered)}});
    if (llvm::Error error = addImage(*lowered, target))
      return error;
  }
  // After the passes, which refuse what has no entry points.
  auto functions = getArtefactFunctions(original, (*input)->getText());
  if (!functions)
    return functions.takeError();
  artefact.functions = std::move(*functions);
  if (llvm::Error error = checkNames(artefact))
    return error;
  if (options.emit == Emit::Header)
    return write({{options.output, getHeader(artefact, getStem(options))}});
  if (llvm::Error error = finishModule())
    return error;
  if (options.emit == Emit::SharedObject)
    return writeSharedObject();
  if (options.emit == Emit::LLVM) {
    std::string text;
    llvm::raw_string_ostream os(text);
    os << *module;
    return write({{options.output, std::move(text)}});
  }
  Progress progress("code generation");
  auto object = emitObject(*module, *machine);
  if (!object)
    return object.takeError();
  return write({{options.output, object->str().str()}});
}

llvm::Error dsa::compileFile(const CompileOptions &options,
                             const DialectRegistry &registry) {
  return Compiler(options).run(registry);
}
