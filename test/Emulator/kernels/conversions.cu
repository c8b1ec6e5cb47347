// Conversions between number types. Row r of the result is what line r gives.

#include <cuda_bf16.h>
#include <cuda_fp16.h>

extern "C" __global__ void float_to_integer(const float *x, int n,
                                            long long *out) {
  int i = blockIdx.x * blockDim.x + threadIdx.x;
  if (i >= n)
    return;
  float a = x[i];
  int row = 0;
  auto put = [&](long long value) { out[row++ * n + i] = value; };
  put(__float2int_rn(a));
  put(__float2int_rz(a));
  put(__float2int_rd(a));
  put(__float2int_ru(a));
  put(__float2uint_rn(a));
  put(__float2uint_rz(a));
  put(__float2uint_rd(a));
  put(__float2uint_ru(a));
  put(__float2ll_rn(a));
  put(__float2ll_rz(a));
  put(__float2ll_rd(a));
  put(__float2ll_ru(a));
  put(__float2ull_rn(a));
  put(__float2ull_rz(a));
  put(__float2ull_rd(a));
  put(__float2ull_ru(a));
  put((unsigned char)(__saturatef(a) * 255));
  put((signed char)(int)fminf(fmaxf(a, -128), 127));
  put((short)fminf(fmaxf(rintf(a), -32768), 32767));
  put((unsigned short)fminf(fmaxf(floorf(a), 0), 65535));
}

extern "C" __global__ void double_to_integer(const double *x, int n,
                                             long long *out) {
  int i = blockIdx.x * blockDim.x + threadIdx.x;
  if (i >= n)
    return;
  double a = x[i];
  int row = 0;
  auto put = [&](long long value) { out[row++ * n + i] = value; };
  put(__double2int_rn(a));
  put(__double2int_rz(a));
  put(__double2int_rd(a));
  put(__double2int_ru(a));
  put(__double2uint_rz(a));
  put(__double2ll_rn(a));
  put(__double2ll_rz(a));
  put(__double2ll_rd(a));
  put(__double2ll_ru(a));
  put(__double2ull_rz(a));
  put((long long)rint(a));
  put((long long)floor(a));
  put((long long)ceil(a));
  put((long long)trunc(a));
}

// Results as bits: of f32 here, of f64 below.
extern "C" __global__ void to_float(const int *x, const long long *y,
                                    const double *z, int n, unsigned *out) {
  int i = blockIdx.x * blockDim.x + threadIdx.x;
  if (i >= n)
    return;
  int a = x[i];
  long long b = y[i];
  double c = z[i];
  int row = 0;
  auto put = [&](float value) { out[row++ * n + i] = __float_as_uint(value); };
  put(__int2float_rn(a));
  put(__int2float_rz(a));
  put(__int2float_rd(a));
  put(__int2float_ru(a));
  put(__uint2float_rn(a));
  put(__uint2float_rz(a));
  put(__uint2float_rd(a));
  put(__uint2float_ru(a));
  put(__ll2float_rn(b));
  put(__ll2float_rz(b));
  put(__ll2float_rd(b));
  put(__ll2float_ru(b));
  put(__ull2float_rn(b));
  put(__ull2float_rz(b));
  put(__double2float_rn(c));
  put(__double2float_rz(c));
  put(__double2float_rd(c));
  put(__double2float_ru(c));
  put((signed char)a);
  put((unsigned char)a);
  put((short)a);
  put((unsigned short)a);
}

extern "C" __global__ void to_double(const int *x, const long long *y,
                                     const float *z, int n,
                                     unsigned long long *out) {
  int i = blockIdx.x * blockDim.x + threadIdx.x;
  if (i >= n)
    return;
  int row = 0;
  auto put = [&](double value) {
    out[row++ * n + i] = __double_as_longlong(value);
  };
  put(x[i]);
  put((unsigned)x[i]);
  put((short)x[i]);
  put(__ll2double_rn(y[i]));
  put(__ll2double_rz(y[i]));
  put(__ll2double_rd(y[i]));
  put(__ll2double_ru(y[i]));
  put(__ull2double_rn(y[i]));
  put(z[i]);
  put(__hiloint2double(x[i], (int)y[i]));
  put(__longlong_as_double(y[i]));
}

// Halves of 16 bits; the results are theirs.
extern "C" __global__ void to_half(const float *x, const double *y,
                                   const int *z, int n, unsigned short *out) {
  int i = blockIdx.x * blockDim.x + threadIdx.x;
  if (i >= n)
    return;
  float a = x[i];
  int row = 0;
  auto put = [&](unsigned short value) { out[row++ * n + i] = value; };
  put(__half_as_ushort(__float2half_rn(a)));
  put(__half_as_ushort(__float2half_rz(a)));
  put(__half_as_ushort(__float2half_rd(a)));
  put(__half_as_ushort(__float2half_ru(a)));
  put(__half_as_ushort(__double2half(y[i])));
  put(__half_as_ushort(__int2half_rn(z[i])));
  put(__bfloat16_as_ushort(__float2bfloat16_rn(a)));
  put(__bfloat16_as_ushort(__float2bfloat16_rz(a)));
  // The first becomes the low half of a pair.
  __half2 halves = __floats2half2_rn(a, (float)z[i]);
  put(__half_as_ushort(__low2half(halves)));
  put(__half_as_ushort(__high2half(halves)));
  __nv_bfloat162 pair = __floats2bfloat162_rn(a, (float)z[i]);
  put(__bfloat16_as_ushort(__low2bfloat16(pair)));
  put(__bfloat16_as_ushort(__high2bfloat16(pair)));
}

extern "C" __global__ void from_half(const unsigned short *x, int n,
                                     unsigned *out) {
  int i = blockIdx.x * blockDim.x + threadIdx.x;
  if (i >= n)
    return;
  __half h = __ushort_as_half(x[i]);
  int row = 0;
  auto put = [&](unsigned value) { out[row++ * n + i] = value; };
  put(__float_as_uint(__half2float(h)));
  put(__float_as_uint(__bfloat162float(__ushort_as_bfloat16(x[i]))));
  put(__half2int_rn(h));
  put(__half2int_rz(h));
  put(__half2uint_rz(h));
  put(__half2short_rz(h));
}
