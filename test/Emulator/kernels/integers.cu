// Integer arithmetic of all widths: row r of the result is what line r gives.

extern "C" __global__ void integers32(const int *x, const int *y, int n,
                                      int *out) {
  int i = blockIdx.x * blockDim.x + threadIdx.x;
  if (i >= n)
    return;
  int a = x[i], b = y[i];
  unsigned u = a, v = b;
  int row = 0;
  auto put = [&](int value) { out[row++ * n + i] = value; };
  put(a + b);
  put(a - b);
  put(a * b);
  put(b && !(b == -1 && u == 0x80000000u) ? a / b : 0);
  put(b && !(b == -1 && u == 0x80000000u) ? a % b : 0);
  put(v ? u / v : 0);
  put(v ? u % v : 0);
  put(a / 10);
  put(u % 1000);
  put(__mulhi(a, b));
  put(__umulhi(u, v));
  put(__mul24(a, b));
  put(a << (b & 31));
  put(a >> (b & 31));
  put(u >> (v & 31));
  put(min(a, b));
  put(max(u, v));
  put(abs(a));
  put(~a & b);
  put((a ^ b) | (u >> 16));
  put((a & b) | (~a & (b ^ 0x5555aaaa)));
  put(a < b);
  put(u < v);
  put((short)a * (short)b);
  put((unsigned short)(a + b));
  put((signed char)(a - b));
  put((unsigned char)(a >> 5));
  put(a - b * 12345);
}

extern "C" __global__ void bits32(const unsigned *x, const unsigned *y, int n,
                                  unsigned *out) {
  int i = blockIdx.x * blockDim.x + threadIdx.x;
  if (i >= n)
    return;
  unsigned a = x[i], b = y[i];
  int row = 0;
  auto put = [&](unsigned value) { out[row++ * n + i] = value; };
  put(__clz(a));
  put(__brev(a));
  put(__ffs(a));
  put(__popc(a));
  put(__byte_perm(a, b, 0x3715));
  put(__byte_perm(a, b, b & 0x7777));
  put(__funnelshift_l(a, b, b >> 7));
  put(__funnelshift_r(a, b, b >> 9));
  put(__funnelshift_lc(a, b, b & 63));
  put(__funnelshift_rc(a, b, b & 63));
  struct Fields {
    unsigned low : 5, middle : 13;
    int high : 14;
  };
  union {
    unsigned word;
    Fields fields;
  } packed = {a};
  put(packed.fields.low);
  put(packed.fields.middle);
  put(packed.fields.high);
  packed.fields.middle = b;
  put(packed.word);
  packed.fields.high = packed.fields.high + packed.fields.low;
  put(packed.word);
  unsigned position = b % 40, length = (b >> 8) % 40, result;
  asm("bfe.u32 %0, %1, %2, %3;"
      : "=r"(result)
      : "r"(a), "r"(position), "r"(length));
  put(result);
  asm("bfe.s32 %0, %1, %2, %3;"
      : "=r"(result)
      : "r"(a), "r"(position), "r"(length));
  put(result);
  asm("bfi.b32 %0, %1, %2, %3, %4;"
      : "=r"(result)
      : "r"(b), "r"(a), "r"(position), "r"(length));
  put(result);
  // Shifts by 32 and more give 0, or the sign.
  asm("shl.b32 %0, %1, %2;" : "=r"(result) : "r"(a), "r"(b & 63));
  put(result);
  asm("shr.u32 %0, %1, %2;" : "=r"(result) : "r"(a), "r"(b & 63));
  put(result);
  asm("shr.s32 %0, %1, %2;" : "=r"(result) : "r"(a), "r"(b & 63));
  put(result);
}

extern "C" __global__ void integers64(const long long *x, const long long *y,
                                      int n, long long *out) {
  int i = blockIdx.x * blockDim.x + threadIdx.x;
  if (i >= n)
    return;
  long long a = x[i], b = y[i];
  unsigned long long u = a, v = b;
  int row = 0;
  auto put = [&](long long value) { out[row++ * n + i] = value; };
  put(a + b);
  put(a - b);
  put(a * b);
  put(b && !(b == -1 && u == 1ull << 63) ? a / b : 0);
  put(b && !(b == -1 && u == 1ull << 63) ? a % b : 0);
  put(v ? u / v : 0);
  put(v ? u % v : 0);
  put(a / 1000);
  put(u % 77);
  put(__mul64hi(a, b));
  put(__umul64hi(u, v));
  put(a << (b & 63));
  put(a >> (b & 63));
  put(u >> (v & 63));
  put(min(a, b));
  put(max(u, v));
  put(a < 0 ? -a : a);
  put(~a & (b | 1));
  put(u < v);
  put((long long)(int)a * (int)b);
  put((unsigned long long)(unsigned)a * (unsigned)b + v);
  put((long long)(int)a * (int)b - b);
  put(__clzll(a));
  put(__popcll(a));
  put(__brevll(a));
  put(__ffsll(a));
  put((int)(a >> 20));
}
