// PTX as kernels of attention and matrix products write it inline: predicates
// and registers of an inner scope, cache hints, logic by table, permutations of
// bytes, ldmatrix of one and two matrices.

#include <cuda_bf16.h>

__device__ unsigned sharedAddress(const void *pointer) {
  return (unsigned)__cvta_generic_to_shared(pointer);
}

// Row r of the result is what line r gives.
extern "C" __global__ void words(const unsigned *x, const unsigned *y, int n,
                                 unsigned *out) {
  int i = blockIdx.x * blockDim.x + threadIdx.x;
  if (i >= n)
    return;
  unsigned a = x[i], b = y[i], c = a * 5 + b, d;
  int row = 0;
  auto put = [&](unsigned value) { out[row++ * n + i] = value; };
  asm("lop3.b32 %0, %1, %2, %3, 0x96;" : "=r"(d) : "r"(a), "r"(b), "r"(c));
  put(d); // a ^ b ^ c
  asm("lop3.b32 %0, %1, %2, %3, 0xe8;" : "=r"(d) : "r"(a), "r"(b), "r"(c));
  put(d); // the majority
  asm("lop3.b32 %0, %1, %2, %3, 0xca;" : "=r"(d) : "r"(a), "r"(b), "r"(c));
  put(d); // a ? b : c
  asm("lop3.b32 %0, %1, %2, %3, 0x1d;" : "=r"(d) : "r"(a), "r"(b), "r"(c));
  put(d);
  asm("prmt.b32 %0, %1, %2, %3;" : "=r"(d) : "r"(a), "r"(b), "r"(c));
  put(d); // A byte's sign where the selector's bit 3 is set.
  asm("prmt.b32.f4e %0, %1, %2, %3;" : "=r"(d) : "r"(a), "r"(b), "r"(c));
  put(d);
  asm("prmt.b32.b4e %0, %1, %2, %3;" : "=r"(d) : "r"(a), "r"(b), "r"(c));
  put(d);
  asm("prmt.b32.rc8 %0, %1, %2, %3;" : "=r"(d) : "r"(a), "r"(b), "r"(c));
  put(d);
  asm("prmt.b32.ecl %0, %1, %2, %3;" : "=r"(d) : "r"(a), "r"(b), "r"(c));
  put(d);
  asm("prmt.b32.ecr %0, %1, %2, %3;" : "=r"(d) : "r"(a), "r"(b), "r"(c));
  put(d);
  asm("prmt.b32.rc16 %0, %1, %2, %3;" : "=r"(d) : "r"(a), "r"(b), "r"(c));
  put(d);
  asm("{\n\t.reg .b16 low, high;\n\t"
      "mov.b32 {low, high}, %1;\n\t"
      "mov.b32 %0, {high, low};\n\t}"
      : "=r"(d)
      : "r"(a));
  put(d);
  asm("{\n\t.reg .pred p, q;\n\t"
      "setp.lt.u32 p, %1, %2;\n\t"
      "setp.gt.and.s32 q, %1, 0, p;\n\t"
      "selp.b32 %0, %1, %2, q;\n\t"
      "@!p add.u32 %0, %0, 3;\n\t}"
      : "=r"(d)
      : "r"(a), "r"(b));
  put(d);
  asm("{\n\t.reg .pred p, q, r;\n\t"
      "setp.lt.u32 r, %1, 1000;\n\t"
      "setp.le.or.s32 p|q, %1, %2, r;\n\t"
      "selp.b32 %0, 1, 0, p;\n\t"
      "@q or.b32 %0, %0, 2;\n\t}"
      : "=r"(d)
      : "r"(a), "r"(b));
  put(d);
  asm("mad.hi.u32 %0, %1, %2, %3;" : "=r"(d) : "r"(a), "r"(b), "r"(c));
  put(d);
}

// Copies with a predicate, a source size and hints to the caches; each row of
// 8 bf16 that is not wanted becomes zeros.
extern "C" __global__ void gather(const __nv_bfloat16 *x, const int *rows,
                                  int n, __nv_bfloat16 *y) {
  __shared__ __align__(16) __nv_bfloat16 tile[64][8];
  int t = threadIdx.x, i = blockIdx.x * 64 + t;
  int row = i < n ? rows[i] : -1;
  if (row < 0)
    *(uint4 *)tile[t] = make_uint4(0, 0, 0, 0);
  asm volatile("{\n\t.reg .pred wanted;\n\t"
               "setp.ge.s32 wanted, %2, 0;\n\t"
               "@wanted cp.async.cg.shared.global.L2::128B [%0], [%1], 16;\n\t"
               "}" ::"r"(sharedAddress(tile[t])),
               "l"(x + row * 8), "r"(row)
               : "memory");
  asm volatile("cp.async.wait_all;" ::: "memory");
  uint4 v = *(uint4 *)tile[t];
  uint4 w = make_uint4(0, 0, 0, 0);
  if (row >= 0)
    asm volatile("ld.global.nc.L1::no_allocate.L2::128B.v4.u32 "
                 "{%0, %1, %2, %3}, [%4];"
                 : "=r"(w.x), "=r"(w.y), "=r"(w.z), "=r"(w.w)
                 : "l"(x + row * 8));
  v.x ^= w.y;
  if (i < n)
    asm volatile("st.global.cg.v4.u32 [%0], {%1, %2, %3, %4};" ::"l"(y + i * 8),
                 "r"(v.x), "r"(v.y), "r"(v.z), "r"(v.w)
                 : "memory");
}

// Each thread's part of two 8 x 8 matrices: plain and transposed.
extern "C" __global__ void fragments(const unsigned short *x, unsigned *y) {
  __shared__ __align__(16) unsigned short matrix[16][8];
  int t = threadIdx.x;
  for (int i = t; i < 128; i += 32)
    matrix[i / 8][i % 8] = x[blockIdx.x * 128 + i];
  __syncthreads();
  unsigned r[6];
  unsigned address = sharedAddress(matrix[t % 16]);
  asm volatile("ldmatrix.sync.aligned.m8n8.x1.shared.b16 {%0}, [%1];"
               : "=r"(r[0])
               : "r"(address));
  asm volatile("ldmatrix.sync.aligned.m8n8.x1.trans.shared.b16 {%0}, [%1];"
               : "=r"(r[1])
               : "r"(address));
  asm volatile("ldmatrix.sync.aligned.m8n8.x2.shared.b16 {%0, %1}, [%2];"
               : "=r"(r[2]), "=r"(r[3])
               : "r"(address));
  asm volatile("ldmatrix.sync.aligned.m8n8.x2.trans.shared.b16 {%0, %1}, [%2];"
               : "=r"(r[4]), "=r"(r[5])
               : "r"(address));
  for (int i = 0; i < 6; ++i)
    y[(blockIdx.x * 6 + i) * 32 + t] = r[i];
}
