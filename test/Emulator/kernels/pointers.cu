// Pointers that may go anywhere, structures by value, tables with values.

struct Piece {
  char kind;
  short step;
  int offsets[3];
  const int *data;
  double factor;
};

struct Small {
  unsigned char r, g, b;
};

__constant__ int constants[5] = {11, -22, 33, -44, 55};
__constant__ float2 pairs[] = {{0.5f, 2}, {-1, 4.25f}};
__device__ int primes[6] = {2, 3, 5, 7, 11, 13};
__device__ const double halves[3] = {0.5, 1.5, 2.5};
__device__ const short shorts[7] = {-1, 2, -3, 4, -5, 6, -7};
__device__ const int *const tables[2] = {primes, &primes[3]};
__device__ unsigned char letters[] = "sparse";

extern "C" __global__ void by_value(Piece piece, Small small, short add,
                                    bool negate, int n, double *y) {
  int i = blockIdx.x * blockDim.x + threadIdx.x;
  if (i >= n)
    return;
  double v = piece.data[(i * piece.step + piece.offsets[i % 3]) % n];
  v = v * piece.factor + add + small.r + 256 * small.g + 65536 * small.b;
  y[i] = (negate ? -v : v) + piece.kind;
}

extern "C" __global__ void look_up(const int *x, int n, int *y, double *z) {
  int i = blockIdx.x * blockDim.x + threadIdx.x;
  if (i >= n)
    return;
  int v = x[i];
  y[i] = constants[v % 5] * 1000 + tables[v & 1][v % 3] * 10 + shorts[v % 7] +
         letters[v % 7];
  z[i] = halves[v % 3] * pairs[v % 2].x - pairs[1 - v % 2].y;
}

// What a pointer points to is known only at run time.
extern "C" __global__ void generic(const int *kinds, int *x, int *y) {
  __shared__ int shared[64];
  int t = threadIdx.x, i = blockIdx.x * 64 + t;
  int own[4] = {t, t * 2, t * 3, t * 4};
  shared[t] = 1000 + t;
  int kind = kinds[i];
  int *p = kind == 0   ? &shared[t]
           : kind == 1 ? &x[i]
           : kind == 2 ? &own[t & 3]
                       : &primes[t % 3];
  int before = *p;
  if (kind < 3)
    *p = before + 5;
  if (kind == 0)
    atomicAdd(p, 7);
  __syncthreads();
  y[i] = before * 100000 + shared[(t + 1) % 64] + own[1] + __isShared(p);
}

// Vectors of all types, in global, shared and local memory.
struct Vectors {
  uchar4 a;
  short2 b;
  int4 c;
  double2 d;
  longlong2 e;
  ushort4 f;
  char2 g;
  float2 h;
};

extern "C" __global__ void vectors(const Vectors *x, int n, Vectors *y) {
  __shared__ Vectors shared[32];
  int t = threadIdx.x, i = blockIdx.x * 32 + t;
  Vectors own[2] = {};
  if (i < n)
    own[t & 1] = x[i];
  Vectors v = own[(t >> 1) & 1];
  v.a.w += v.a.x;
  v.b.y -= v.b.x;
  v.c.z *= v.c.w;
  v.d.x += v.d.y;
  v.e.y ^= v.e.x;
  v.f.x = v.f.w - v.f.z;
  v.g.x = -v.g.y;
  v.h.y *= v.h.x;
  shared[t] = v;
  __syncthreads();
  if (i < n)
    y[i] = shared[31 - t];
}

// Arrays of three types share the block's dynamic memory, which lies behind
// what is static.
extern "C" __global__ void carve(const double *x, int n, double *y) {
  extern __shared__ __align__(16) unsigned char memory[];
  __shared__ int shifts[3];
  if (threadIdx.x < 3)
    shifts[threadIdx.x] = threadIdx.x;
  double *doubles = (double *)memory;
  float *floats = (float *)(doubles + n);
  unsigned char *bytes = (unsigned char *)(floats + n);
  for (int i = threadIdx.x; i < n; i += blockDim.x) {
    doubles[i] = x[i];
    floats[i] = (float)(x[i] * 2);
    bytes[i] = (unsigned char)(i * 7);
  }
  __syncthreads();
  for (int i = threadIdx.x; i < n; i += blockDim.x) {
    int j = n - 1 - i;
    y[i] = doubles[(j + shifts[0]) % n] + floats[(j + shifts[1]) % n] +
           bytes[(j + shifts[2]) % n];
  }
}
