//===- StridedViews.cpp - Arguments that are not contiguous ---------------===//
//
// Part of dsa-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// What no .npy file can express: padded pages, rows that share one stride-0
// line, results inside a larger buffer, offsets; and the strides that an entry
// refuses. Compares with the same call on contiguous tensors, to the bit.
//
//===----------------------------------------------------------------------===//

#include "dsa/Execution/Jit.h"
#include "dsa/Pipelines.h"
#include "dsa/Register.h"

#include "mlir/Parser/Parser.h"
#include "mlir/Pass/PassManager.h"

using namespace mlir;
using namespace mlir::dsa;

static constexpr llvm::StringLiteral source = R"mlir(
func.func @attend(%q: tensor<?x2x4xf32>, %pool: tensor<?x?x4xf32>,
                  %i: tensor<?x3xi32>, %n: tensor<?xi32>)
    -> (tensor<?x2x4xf32>, tensor<?x2xf32>) {
  %c0 = arith.constant 0 : index
  %T = tensor.dim %i, %c0 : tensor<?x3xi32>
  %o = tensor.empty(%T) : tensor<?x2x4xf32>
  %l = tensor.empty(%T) : tensor<?x2xf32>
  %out, %lse = dsa.sparse_attention query(%q : tensor<?x2x4xf32>)
      keys(%pool : tensor<?x?x4xf32>) paged indices(%i : tensor<?x3xi32>)
      counts(%n : tensor<?xi32>) scale = 0.5 dv = 4
      outs(%o, %l : tensor<?x2x4xf32>, tensor<?x2xf32>)
  return %out, %lse : tensor<?x2x4xf32>, tensor<?x2xf32>
}
)mlir";

static unsigned failures = 0;

static void check(bool holds, const Twine &what) {
  llvm::outs() << (holds ? "ok: " : "FAILED: ") << what << "\n";
  failures += !holds;
}

/// The descriptor of a tensor: base, data, offset, extents, strides.
static int64_t &offset(HostTensor &tensor) {
  return static_cast<int64_t *>(tensor.getDescriptor())[2];
}
static int64_t &extent(HostTensor &tensor, int64_t dim) {
  return static_cast<int64_t *>(tensor.getDescriptor())[3 + dim];
}
static int64_t &stride(HostTensor &tensor, int64_t dim) {
  return extent(tensor, dim + tensor.getShape().size());
}

template <typename T>
static T *data(HostTensor &tensor) {
  return reinterpret_cast<T *>(tensor.getData().data());
}

namespace {
/// The arguments of @attend: 3 rows, 5 pages of 2 rows.
struct Arguments {
  explicit Arguments(MLIRContext *context)
      : f32(Float32Type::get(context)), i32(IntegerType::get(context, 32)) {
    inputs.emplace_back(f32, ArrayRef<int64_t>{3, 2, 4});
    inputs.emplace_back(f32, ArrayRef<int64_t>{5, 2, 4});
    inputs.emplace_back(i32, ArrayRef<int64_t>{3, 3});
    inputs.emplace_back(i32, ArrayRef<int64_t>{3});
    inputs[0].fillRandom(1);
    inputs[1].fillRandom(2);
    const int32_t indices[] = {0, 3, 9, -1, 5, 5, 8, 10, 1};
    const int32_t counts[] = {3, 2, 7};
    std::copy(std::begin(indices), std::end(indices), data<int32_t>(inputs[2]));
    std::copy(std::begin(counts), std::end(counts), data<int32_t>(inputs[3]));
    outputs.emplace_back(f32, ArrayRef<int64_t>{3, 2, 4});
    outputs.emplace_back(f32, ArrayRef<int64_t>{3, 2});
  }

  Type f32, i32;
  std::vector<HostTensor> inputs, outputs;
};

/// Calls @attend; an error as text, empty if there was none.
struct Caller {
  Jit &jit;
  HostTensor workspace;

  std::string operator()(Arguments &arguments) {
    llvm::Error error = jit.run("attend", arguments.inputs, arguments.outputs,
                                workspace, /*threads=*/1);
    return error ? llvm::toString(std::move(error)) : "";
  }
};
} // namespace

/// A tensor like `whole` whose elements lie `strides` apart, from `start` on;
/// what lies between is NaN.
static HostTensor spread(HostTensor &whole, ArrayRef<int64_t> strides,
                         int64_t start) {
  SmallVector<int64_t> shape(whole.getShape());
  int64_t last = start;
  for (auto [n, s] : llvm::zip_equal(shape, strides))
    last += (n - 1) * s;
  HostTensor result(whole.getElementType(), {last + 1});
  std::fill_n(data<float>(result), last + 1,
              std::numeric_limits<float>::quiet_NaN());
  // The same rank, so that the descriptor has room.
  HostTensor view(whole.getElementType(), shape);
  int64_t elements = 1;
  for (int64_t n : shape)
    elements *= n;
  for (int64_t i = 0; i < elements; ++i) {
    int64_t at = start, rest = i;
    for (int64_t d = shape.size() - 1; d >= 0; --d) {
      at += rest % shape[d] * strides[d];
      rest /= shape[d];
    }
    data<float>(result)[at] = data<float>(whole)[i];
  }
  auto *descriptor = static_cast<int64_t *>(view.getDescriptor());
  descriptor[0] = descriptor[1] =
      reinterpret_cast<int64_t>(data<float>(result));
  offset(view) = start;
  for (auto [d, s] : llvm::enumerate(strides))
    stride(view, d) = s;
  // The elements live as long as the process.
  static std::vector<HostTensor> storage;
  storage.push_back(std::move(result));
  return view;
}

int main() {
  DialectRegistry registry;
  registerDialect(registry);
  MLIRContext context(registry, MLIRContext::Threading::DISABLED);
  auto module = parseSourceString<ModuleOp>(source, &context);
  PassManager pm(&context);
  buildReferencePipeline(pm, ReferencePipelineOptions());
  if (!module || failed(pm.run(*module)))
    return 1;
  auto jit = Jit::compile(*module);
  if (!jit) {
    llvm::errs() << llvm::toString(jit.takeError()) << "\n";
    return 1;
  }
  Caller call{**jit, HostTensor(IntegerType::get(&context, 8), {0})};

  Arguments plain(&context);
  check(call(plain).empty(), "contiguous arguments run");
  auto same = [&](Arguments &arguments) {
    return call(arguments).empty() &&
           llvm::equal(plain.outputs[0].getData(),
                       arguments.outputs[0].getData()) &&
           llvm::equal(plain.outputs[1].getData(),
                       arguments.outputs[1].getData());
  };
  {
    Arguments padded(&context);
    padded.inputs[1] = spread(padded.inputs[1], {11, 4, 1}, 7);
    check(same(padded), "pages with padding and an offset");
  }
  {
    Arguments padded(&context);
    padded.inputs[0] = spread(padded.inputs[0], {30, 6, 1}, 0);
    padded.inputs[1] = spread(padded.inputs[1], {40, 17, 1}, 2);
    check(same(padded), "padded queries and rows of pages");
  }
  {
    // All rows read the first row's query, as a copy of it would be.
    Arguments copies(&context), shared(&context);
    for (int64_t t = 1; t < 3; ++t)
      std::copy_n(data<float>(copies.inputs[0]), 8,
                  data<float>(copies.inputs[0]) + 8 * t);
    stride(shared.inputs[0], 0) = 0;
    check(call(copies).empty() && call(shared).empty() &&
              llvm::equal(copies.outputs[0].getData(),
                          shared.outputs[0].getData()),
          "stride-0 input rows");
  }
  {
    Arguments inside(&context);
    HostTensor larger = spread(inside.outputs[0], {20, 5, 1}, 3);
    HostTensor lse = spread(inside.outputs[1], {9, 2}, 1);
    auto *out = reinterpret_cast<float *>(
        static_cast<int64_t *>(larger.getDescriptor())[1]);
    inside.outputs[0] = std::move(larger);
    inside.outputs[1] = std::move(lse);
    bool equal = call(inside).empty();
    for (int64_t t = 0; t < 3; ++t)
      for (int64_t h = 0; h < 2; ++h)
        for (int64_t v = 0; v < 4; ++v)
          equal &= out[3 + 20 * t + 5 * h + v] ==
                   data<float>(plain.outputs[0])[8 * t + 4 * h + v];
    check(equal && std::isnan(out[2]) && std::isnan(out[7]) &&
              std::isnan(out[3 + 19]),
          "results inside a larger buffer, and nothing beside them");
  }
  auto refuses = [&](auto change, StringRef message) {
    Arguments wrong(&context);
    change(wrong);
    std::string error = call(wrong);
    check(
        StringRef(error).contains(message),
        "refused: " + message +
            (StringRef(error).contains(message) ? "" : ", but got: " + error));
  };
  refuses([](Arguments &a) { stride(a.inputs[0], 2) = 2; },
          "status 1: argument 0: dimension 2 has stride 2, expected stride 1");
  refuses([](Arguments &a) { stride(a.inputs[2], 1) = 3; },
          "status 1: argument 2: dimension 1 has stride 3, expected stride 1");
  refuses([](Arguments &a) { stride(a.outputs[0], 0) = 0; },
          "status 1: argument 4: dimension 0 has stride 0, so its elements "
          "overlap");
  refuses([](Arguments &a) { extent(a.inputs[3], 0) = 2; },
          "status 1: argument 3: dimension 0 is 2, expected 3");
  refuses([](Arguments &a) { extent(a.outputs[1], 0) = 4; },
          "status 1: argument 5: dimension 0 is 4, expected 3");
  refuses([](Arguments &a) { extent(a.inputs[1], 1) = 0; },
          "status 1: argument 1: dimension 1 is 0");
  return failures != 0;
}
