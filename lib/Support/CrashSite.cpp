//===- CrashSite.cpp - Whose code crashed --------------------------------===//
//
// Part of dsa-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "CrashSite.h"

#include "llvm/ADT/StringRef.h"
#include <dlfcn.h>
#include <link.h>
#include <unwind.h>

using namespace mlir;
using namespace mlir::dsa;

namespace {
enum class Owner { System, LLVM, Program };

struct Walk {
  CrashSite site;
  /// Set by the first frame outside the handler, which is the program's.
  bool leftHandler = false;
  /// Code that would be the caller if LLVM had called it.
  CodePlace candidate;
};
} // namespace

static Owner getOwner(llvm::StringRef file) {
  llvm::StringRef name = file.substr(file.rfind('/') + 1);
  for (llvm::StringRef prefix : {"libMLIR", "libLLVM"})
    if (name.starts_with(prefix))
      return Owner::LLVM;
  for (llvm::StringRef prefix :
       {"libc.", "libc++", "libgcc_s.", "libm.", "libstdc++.", "libpthread.",
        "ld-linux", "linux-vdso"})
    if (name.starts_with(prefix))
      return Owner::System;
  return Owner::Program;
}

static _Unwind_Reason_Code visitFrame(_Unwind_Context *context, void *data) {
  Walk &walk = *static_cast<Walk *>(data);
  uintptr_t address = _Unwind_GetIP(context);
  dl_find_object object;
  // dladdr would search all symbols of libMLIR for every frame, under a lock.
  if (_dl_find_object(reinterpret_cast<void *>(address), &object) != 0)
    return _URC_END_OF_STACK;
  const char *file = object.dlfo_link_map->l_name;
  CodePlace place{file, address - object.dlfo_link_map->l_addr};
  Owner owner = getOwner(file);

  walk.leftHandler |= owner != Owner::Program;
  if (!walk.leftHandler || owner == Owner::System)
    return _URC_NO_REASON;
  if (!walk.site.crashed.file) {
    walk.site.crashed = place;
    return owner == Owner::LLVM ? _URC_NO_REASON : _URC_END_OF_STACK;
  }
  if (owner == Owner::Program) {
    if (!walk.candidate.file)
      walk.candidate = place;
    return _URC_NO_REASON;
  }
  if (!walk.candidate.file)
    return _URC_NO_REASON;
  walk.site.caller = walk.candidate;
  return _URC_END_OF_STACK;
}

CrashSite dsa::findCrashSite() {
  Walk walk;
  _Unwind_Backtrace(visitFrame, &walk);
  return walk.site;
}
