//===- Sidecar.cpp - An artefact in JSON ----------------------------------===//
//
// Part of dsa-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "dsa/Execution/Artefact.h"
#include "dsa/Version.h"

#include "llvm/Config/llvm-config.h"
#include "llvm/Support/JSON.h"
#include <dlpack/dlpack.h>

using namespace mlir;
using namespace mlir::dsa;

static void writeTensor(llvm::json::OStream &json,
                        const ArtefactFunction &function, unsigned i) {
  bool isInput = i < function.getNumInputs();
  RankedTensorType type = function.getType(i);
  ElementType element = getElementType(type.getElementType());
  json.object([&] {
    if (isInput) {
      StringRef name = function.signature.inputNames[i];
      json.attribute("name", name.empty() ? llvm::json::Value(nullptr)
                                          : name.drop_front());
      json.attribute("read", !function.unused[i]);
    }
    json.attribute("dtype", element.name);
    json.attributeArray("shape", [&] {
      for (int64_t extent : type.getShape())
        if (ShapedType::isDynamic(extent))
          json.value(nullptr);
        else
          json.value(extent);
    });
    json.attribute("innermost_stride", function.contiguous[i]
                                           ? llvm::json::Value(1)
                                           : llvm::json::Value("any"));
    json.attribute("alignment", element.bits / 8);
  });
}

static void writeFunction(llvm::json::OStream &json,
                          const ArtefactFunction &function, bool hasGPU) {
  StringRef name = function.signature.name;
  json.object([&] {
    json.attribute("name", name);
    json.attributeArray("inputs", [&] {
      for (unsigned i = 0; i < function.getNumInputs(); ++i)
        writeTensor(json, function, i);
    });
    json.attributeArray("results", [&] {
      for (unsigned i = function.getNumInputs(); i < function.contiguous.size();
           ++i)
        writeTensor(json, function, i);
    });
    json.attribute("shapes", (name + "_shapes").str());
    json.attributeObject("workspace", [&] {
      json.attribute("query", (name + "_workspace").str());
      json.attribute("dtype", "int8");
      json.attribute("alignment", 1);
    });
    if (hasGPU)
      json.attribute("prepare", (name + "_prepare").str());
  });
}

static void writeTarget(llvm::json::OStream &json,
                        const ArtefactTarget &target) {
  json.object([&] {
    json.attribute("name", getName(target.target));
    if (target.target.isGPU()) {
      json.attribute("device", "cuda");
      json.attribute("chip", target.cpu);
      json.attributeArray("images", [&] {
        for (const std::string &image : target.images)
          json.value(image);
      });
    } else {
      json.attribute("device", "cpu");
      json.attribute("cpu", target.cpu);
      json.attributeArray("features", [&] {
        for (const CPUFeature &feature : target.features)
          json.value(feature.name);
      });
    }
    json.attributeArray("kernels", [&] {
      for (const KernelRemark &kernel : target.kernels)
        json.object([&] {
          json.attribute("function", kernel.function);
          json.attribute("op", kernel.op);
          json.attribute("kernel", kernel.text);
        });
    });
  });
}

std::string dsa::getSidecar(const Artefact &artefact) {
  std::string text;
  llvm::raw_string_ostream os(text);
  llvm::json::OStream json(os, /*IndentSize=*/2);
  json.object([&] {
    json.attribute("format", 1);
    json.attributeObject("versions", [&] {
      json.attribute("dsa-mlir", DSA_VERSION);
      json.attribute("llvm", LLVM_VERSION_STRING);
      json.attribute("dlpack", std::to_string(DLPACK_MAJOR_VERSION) + "." +
                                   std::to_string(DLPACK_MINOR_VERSION));
    });
    json.attribute("triple", artefact.triple);
    json.attributeArray("targets", [&] {
      for (const ArtefactTarget &target : artefact.targets)
        writeTarget(json, target);
    });
    json.attributeArray("functions", [&] {
      for (const ArtefactFunction &function : artefact.functions)
        writeFunction(json, function, artefact.hasGPU());
    });
  });
  os << "\n";
  return text;
}
