//===- RewriteRemarks.h - Rewrites that say what they did -------*- C++ -*-===//
//
// Part of dsa-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef DSA_LIB_TRANSFORMS_REWRITEREMARKS_H
#define DSA_LIB_TRANSFORMS_REWRITEREMARKS_H

#include "mlir/IR/PatternMatch.h"
#include "mlir/IR/Remarks.h"

namespace mlir::dsa {

/// Turns the reasons that rewrites give for leaving an op alone into missed
/// remarks of a pass, in the category `dsa`. To be set as the listener of its
/// rewriter.
class RewriteRemarks : public RewriterBase::Listener {
public:
  explicit RewriteRemarks(StringRef pass) : pass(pass) {}

  void notifyMatchFailure(Location loc,
                          function_ref<void(Diagnostic &)> addReason) override {
    Diagnostic reason(loc, DiagnosticSeverity::Remark);
    addReason(reason);
    remark::missed(loc, getOptions()) << remark::reason("{0}", reason.str());
  }

  /// A passed remark.
  void notifyDone(Location loc, const Twine &what) {
    remark::passed(loc, getOptions()) << what.str();
  }

private:
  remark::RemarkOpts getOptions() const {
    return remark::RemarkOpts::name(pass).category("dsa");
  }

  StringRef pass;
};

} // namespace mlir::dsa

#endif // DSA_LIB_TRANSFORMS_REWRITEREMARKS_H
