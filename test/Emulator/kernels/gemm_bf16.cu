// C = A B^T: bf16 rows, f32 sums. Two buffers filled by cp.async, fragments by
// ldmatrix, rows padded against bank conflicts; what lies outside the matrices
// is filled with zeros. `stride` of a row: a multiple of 8.
//
// RACY_BARRIER: a buffer is refilled while other warps may read it.
// RACY_WAIT: a buffer is read while its copies may be under way.

#include <cuda_bf16.h>

constexpr int tileM = 64, tileN = 64, tileK = 32, pitch = tileK + 8;

__device__ unsigned sharedAddress(const void *pointer) {
  return (unsigned)__cvta_generic_to_shared(pointer);
}

// Rows [row, row + 64) and columns [column, column + 32) of a matrix.
__device__ void copyTile(__nv_bfloat16 (*tile)[pitch], const __nv_bfloat16 *x,
                         int rows, int columns, int stride, int row,
                         int column) {
  for (int piece = threadIdx.x; piece < 64 * tileK / 8; piece += blockDim.x) {
    int r = piece / (tileK / 8), c = piece % (tileK / 8) * 8;
    int left = row + r < rows ? columns - (column + c) : 0;
    int bytes = 2 * min(8, max(0, left));
    const __nv_bfloat16 *source =
        bytes ? x + (size_t)(row + r) * stride + column + c : x;
    asm volatile("cp.async.cg.shared.global [%0], [%1], 16, %2;" ::"r"(
                     sharedAddress(&tile[r][c])),
                 "l"(source), "r"(bytes)
                 : "memory");
  }
}

__device__ void loadMatrices(unsigned (&r)[4], const __nv_bfloat16 *row) {
  asm volatile(
      "ldmatrix.sync.aligned.m8n8.x4.shared.b16 {%0, %1, %2, %3}, [%4];"
      : "=r"(r[0]), "=r"(r[1]), "=r"(r[2]), "=r"(r[3])
      : "r"(sharedAddress(row))
      : "memory");
}

__device__ void multiply(float (&c)[4], const unsigned (&a)[4],
                         const unsigned *b) {
  asm volatile("mma.sync.aligned.m16n8k16.row.col.f32.bf16.bf16.f32 "
               "{%0, %1, %2, %3}, {%4, %5, %6, %7}, {%8, %9}, {%0, %1, %2, %3};"
               : "+f"(c[0]), "+f"(c[1]), "+f"(c[2]), "+f"(c[3])
               : "r"(a[0]), "r"(a[1]), "r"(a[2]), "r"(a[3]), "r"(b[0]),
                 "r"(b[1]));
}

extern "C" __global__ void __launch_bounds__(128)
    gemm_bf16(const __nv_bfloat16 *a, const __nv_bfloat16 *b, float *c, int m,
              int n, int k, int stride) {
  __shared__ __align__(16) __nv_bfloat16 tileA[2][tileM][pitch];
  __shared__ __align__(16) __nv_bfloat16 tileB[2][tileN][pitch];
  int lane = threadIdx.x % 32, warp = threadIdx.x / 32;
  int row = blockIdx.y * tileM, column = blockIdx.x * tileN;
  int warpRow = warp / 2 * 32, warpColumn = warp % 2 * 32;
  float sums[2][4][4] = {};

  auto copyTiles = [&](int step) {
    if (step * tileK < k) {
      copyTile(tileA[step % 2], a, m, k, stride, row, step * tileK);
      copyTile(tileB[step % 2], b, n, k, stride, column, step * tileK);
    }
    asm volatile("cp.async.commit_group;" ::: "memory");
  };
  copyTiles(0);
  for (int step = 0; step * tileK < k; ++step) {
    copyTiles(step + 1);
#ifdef RACY_WAIT
    asm volatile("cp.async.wait_group 2;" ::: "memory");
#else
    asm volatile("cp.async.wait_group 1;" ::: "memory");
#endif
    __syncthreads();
#pragma unroll
    for (int kk = 0; kk < tileK; kk += 16) {
      unsigned fragmentA[2][4], fragmentB[2][4];
      for (int i = 0; i < 2; ++i) {
        loadMatrices(
            fragmentA[i],
            &tileA[step % 2][warpRow + i * 16 + lane % 16][kk + lane / 16 * 8]);
        loadMatrices(fragmentB[i],
                     &tileB[step % 2][warpColumn + i * 16 + lane / 16 * 8 +
                                      lane % 8][kk + lane / 8 % 2 * 8]);
      }
      for (int i = 0; i < 2; ++i)
        for (int j = 0; j < 4; ++j)
          multiply(sums[i][j], fragmentA[i], &fragmentB[j / 2][j % 2 * 2]);
    }
#ifndef RACY_BARRIER
    __syncthreads();
#endif
  }

  for (int i = 0; i < 2; ++i)
    for (int j = 0; j < 4; ++j)
      for (int e = 0; e < 4; ++e) {
        int r = row + warpRow + i * 16 + lane / 4 + e / 2 * 8;
        int s = column + warpColumn + j * 8 + lane % 4 * 2 + e % 2;
        if (r < m && s < n)
          c[(size_t)r * n + s] = sums[i][j][e];
      }
}
