// Functions of the CUDA math library. Row r of the result is what line r gives.

extern "C" __global__ void math32(const float *x, const float *y, int n,
                                  float *out) {
  int i = blockIdx.x * blockDim.x + threadIdx.x;
  if (i >= n)
    return;
  float a = x[i], b = y[i];
  int row = 0;
  auto put = [&](float value) { out[row++ * n + i] = value; };
  put(expf(a));
  put(exp2f(a));
  put(logf(fabsf(a)));
  put(log2f(fabsf(a)));
  put(powf(fabsf(a), b));
  put(tanhf(a));
  put(sinf(a * 1000));
  put(erff(a));
  put(rsqrtf(fabsf(a)));
  put(cbrtf(a));
  // Correctly rounded.
  put(sqrtf(fabsf(a)));
  put(a / b);
  put(1 / b);
  put(fmaf(a, b, 1.5f));
  put(__fadd_rn(a, b));
  put(__fmul_rn(a, b));
  put(fminf(a, b));
  put(fmaxf(a, b));
  put(floorf(a));
  put(ceilf(a));
  put(truncf(a));
  put(rintf(a));
  put(fabsf(a) - b);
  put(__saturatef(a));
  put(isnan(a) ? 1 : isinf(a) ? 2 : a < b ? 3 : a == b ? 4 : 5);
  // Fast and approximate.
  put(__expf(a));
  put(__logf(fabsf(a)));
  put(__log2f(fabsf(a)));
  put(__powf(fabsf(a), b));
  put(__fdividef(a, b));
}

extern "C" __global__ void math64(const double *x, const double *y, int n,
                                  double *out) {
  int i = blockIdx.x * blockDim.x + threadIdx.x;
  if (i >= n)
    return;
  double a = x[i], b = y[i];
  int row = 0;
  auto put = [&](double value) { out[row++ * n + i] = value; };
  put(exp(a));
  put(log(fabs(a)));
  put(tanh(a));
  // Correctly rounded.
  put(fma(a, b, 1.25));
  put(a / b);
  put(sqrt(fabs(a)));
  put(__dadd_rn(a, b));
  put(__dmul_rn(a, b));
  put(fmin(a, b));
  put(fmax(a, b));
  put(floor(a));
  put(rint(a));
  put(-a - fabs(b));
}
