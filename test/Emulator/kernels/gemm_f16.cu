// C = A B: f16 rows, f32 sums, f16 result. A ring of three buffers with one
// barrier a step, pieces of rows exchanged against bank conflicts, B's
// fragments by ldmatrix.trans. Strides of a row: multiples of 8.

#include <cuda_fp16.h>

constexpr int tileM = 32, tileN = 64, tileK = 32, stages = 3;

__device__ unsigned sharedAddress(const void *pointer) {
  return (unsigned)__cvta_generic_to_shared(pointer);
}

// Rows of A's tile are 4 pieces of 16 bytes, those of B's are 8.
__device__ int placeA(int row, int piece) {
  return row * tileK + (piece ^ (row / 2 % 4)) * 8;
}
__device__ int placeB(int row, int piece) {
  return row * tileN + (piece ^ (row % 8)) * 8;
}

template <int tileRows, int pieces>
__device__ void copyTile(half *tile, int (*place)(int, int), const half *x,
                         int rows, int columns, int stride, int row,
                         int column) {
  for (int i = threadIdx.x; i < tileRows * pieces; i += blockDim.x) {
    int r = i / pieces, piece = i % pieces;
    int left = row + r < rows ? columns - column - piece * 8 : 0;
    int bytes = 2 * min(8, max(0, left));
    const half *source =
        bytes ? x + (size_t)(row + r) * stride + column + piece * 8 : x;
    asm volatile("cp.async.ca.shared.global [%0], [%1], 16, %2;" ::"r"(
                     sharedAddress(tile + place(r, piece))),
                 "l"(source), "r"(bytes)
                 : "memory");
  }
}

extern "C" __global__ void __launch_bounds__(128)
    gemm_f16(const half *a, const half *b, half *c, int m, int n, int k,
             int strideA, int strideB, int strideC) {
  extern __shared__ __align__(16) half shared[];
  half *tilesA = shared, *tilesB = shared + stages * tileM * tileK;
  int lane = threadIdx.x % 32, warp = threadIdx.x / 32;
  int row = blockIdx.y * tileM, column = blockIdx.x * tileN;
  int warpRow = warp / 2 * 16, warpColumn = warp % 2 * 32;
  int steps = (k + tileK - 1) / tileK;
  float sums[4][4] = {};

  auto copyTiles = [&](int step) {
    if (step < steps) {
      int stage = step % stages;
      copyTile<tileM, 4>(tilesA + stage * tileM * tileK, placeA, a, m, k,
                         strideA, row, step * tileK);
      copyTile<tileK, 8>(tilesB + stage * tileK * tileN, placeB, b, k, n,
                         strideB, step * tileK, column);
    }
    asm volatile("cp.async.commit_group;" ::: "memory");
  };
  for (int step = 0; step < stages - 1; ++step)
    copyTiles(step);
  for (int step = 0; step < steps; ++step) {
    asm volatile("cp.async.wait_group %0;" ::"n"(stages - 2) : "memory");
    __syncthreads();
    copyTiles(step + stages - 1);
    const half *tileA = tilesA + step % stages * tileM * tileK;
    const half *tileB = tilesB + step % stages * tileK * tileN;
#pragma unroll
    for (int kk = 0; kk < tileK; kk += 16) {
      unsigned f[4], g[2][4];
      asm volatile(
          "ldmatrix.sync.aligned.m8n8.x4.shared.b16 {%0, %1, %2, %3}, [%4];"
          : "=r"(f[0]), "=r"(f[1]), "=r"(f[2]), "=r"(f[3])
          : "r"(sharedAddress(tileA +
                              placeA(warpRow + lane % 16, kk / 8 + lane / 16)))
          : "memory");
      for (int j = 0; j < 2; ++j)
        asm volatile("ldmatrix.sync.aligned.m8n8.x4.trans.shared.b16 "
                     "{%0, %1, %2, %3}, [%4];"
                     : "=r"(g[j][0]), "=r"(g[j][1]), "=r"(g[j][2]),
                       "=r"(g[j][3])
                     : "r"(sharedAddress(
                         tileB + placeB(kk + lane % 16,
                                        warpColumn / 8 + j * 2 + lane / 16)))
                     : "memory");
      for (int j = 0; j < 4; ++j)
        asm volatile(
            "mma.sync.aligned.m16n8k16.row.col.f32.f16.f16.f32 "
            "{%0, %1, %2, %3}, {%4, %5, %6, %7}, {%8, %9}, {%0, %1, %2, %3};"
            : "+f"(sums[j][0]), "+f"(sums[j][1]), "+f"(sums[j][2]),
              "+f"(sums[j][3])
            : "r"(f[0]), "r"(f[1]), "r"(f[2]), "r"(f[3]),
              "r"(g[j / 2][j % 2 * 2]), "r"(g[j / 2][j % 2 * 2 + 1]));
    }
  }

  for (int j = 0; j < 4; ++j)
    for (int e = 0; e < 2; ++e) {
      int r = row + warpRow + lane / 4 + e * 8;
      int s = column + warpColumn + j * 8 + lane % 4 * 2;
      half2 pair = __floats2half2_rn(sums[j][e * 2], sums[j][e * 2 + 1]);
      half *to = c + (size_t)r * strideC + s;
      if (r < m && s + 1 < n)
        *(half2 *)to = pair;
      else if (r < m && s < n)
        *to = __low2half(pair);
    }
}
