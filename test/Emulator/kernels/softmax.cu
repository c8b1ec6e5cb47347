// Softmax of rows, one block a row, with the sum rescaled whenever a greater
// value is found. -inf masks a value; a row of nothing else gives zeros.

#include <math_constants.h>

struct State {
  float greatest, sum;
};

__device__ State merge(State a, State b) {
  float greatest = fmaxf(a.greatest, b.greatest);
  if (greatest == -CUDART_INF_F)
    return {greatest, 0};
  return {greatest, a.sum * __expf(a.greatest - greatest) +
                        b.sum * __expf(b.greatest - greatest)};
}

__device__ float component(const float4 &v, int i) {
  return i == 0 ? v.x : i == 1 ? v.y : i == 2 ? v.z : v.w;
}

// `columns`: of four values each.
extern "C" __global__ void softmax(const float4 *x, int columns,
                                   const float *scales, float4 *y) {
  __shared__ State ofWarps[32];
  int lane = threadIdx.x % 32, warp = threadIdx.x / 32;
  const float4 *row = x + (size_t)blockIdx.x * columns;
  float scale = __ldg(&scales[blockIdx.x]);
  State state = {-CUDART_INF_F, 0};
  for (int i = threadIdx.x; i < columns; i += blockDim.x) {
    float4 v = __ldg(&row[i]);
    for (int e = 0; e < 4; ++e)
      state = merge(state, {component(v, e) * scale, 1});
  }
  for (int offset = 1; offset < 32; offset *= 2)
    state = merge(state, {__shfl_xor_sync(~0u, state.greatest, offset),
                          __shfl_xor_sync(~0u, state.sum, offset)});
  if (lane == 0)
    ofWarps[warp] = state;
  __syncthreads();
  state = ofWarps[0];
  for (int w = 1; w < blockDim.x / 32; ++w)
    state = merge(state, ofWarps[w]);
  float factor = state.sum > 0 ? 1 / state.sum : 0;
  float least = state.greatest == -CUDART_INF_F ? 0 : state.greatest;
  for (int i = threadIdx.x; i < columns; i += blockDim.x) {
    float4 v = __ldcs(&row[i]);
    __stcs(&y[(size_t)blockIdx.x * columns + i],
           make_float4(__expf(v.x * scale - least) * factor,
                       __expf(v.y * scale - least) * factor,
                       __expf(v.z * scale - least) * factor,
                       __expf(v.w * scale - least) * factor));
  }
}
