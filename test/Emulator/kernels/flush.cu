// Compiled with -use_fast_math: subnormal numbers are zeros, division and roots
// are approximate. Row r of the result is what line r gives.

extern "C" __global__ void flush(const float *x, const float *y, int n,
                                 float *out) {
  int i = blockIdx.x * blockDim.x + threadIdx.x;
  if (i >= n)
    return;
  float a = x[i], b = y[i];
  int row = 0;
  auto put = [&](float value) { out[row++ * n + i] = value; };
  put(__fadd_rn(a, b));
  put(__fmul_rn(a, b));
  put(fmaf(a, b, a));
  put(fminf(a, b));
  put(fmaxf(a, b));
  put(fabsf(a));
  put(-b);
  put(a < b ? 1 : a == b ? 2 : a != b ? 3 : 4);
  put(__saturatef(a));
  put(floorf(a));
  put((float)(int)a);
  put(__fadd_rz(a, b));
  // Approximate.
  put(a / b);
  put(1 / b);
  put(sqrtf(fabsf(a)));
  put(rsqrtf(fabsf(a)));
  put(exp2f(a));
  put(log2f(fabsf(a)));
}
