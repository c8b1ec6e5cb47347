// Each warp transposes 32 x 32 squares in shared memory of its own, with no
// other barrier than the warp's.
//
// RACY_SYNCWARP: without that before the square is read.

extern "C" __global__ void transpose(const int *x, int squares, int *y) {
  __shared__ int square[2][32][33];
  int lane = threadIdx.x % 32, warp = threadIdx.x / 32;
  int (*mine)[33] = square[warp];
  for (int s = blockIdx.x * 2 + warp; s < squares; s += gridDim.x * 2) {
    for (int r = 0; r < 32; ++r)
      mine[r][lane] = x[s * 1024 + r * 32 + lane];
#ifndef RACY_SYNCWARP
    __syncwarp();
#endif
    for (int r = 0; r < 32; ++r)
      y[s * 1024 + r * 32 + lane] = mine[lane][r];
    __syncwarp();
  }
}

// The two halves of a warp run apart: each turns its own squares of 16 x 16,
// the one a quarter to the left, the other to the right, as often as told.
extern "C" __global__ void rotate(const int *x, const int *times, int *y) {
  __shared__ int square[2][16][17];
  int half = threadIdx.x / 16, t = threadIdx.x % 16;
  int (*mine)[17] = square[half];
  int place = (blockIdx.x * 2 + half) * 256,
      count = times[blockIdx.x * 2 + half];
  int row[16];
#pragma unroll
  for (int r = 0; r < 16; ++r)
    row[r] = x[place + r * 16 + t];
  if (half == 0) {
    for (int k = 0; k < count; ++k) {
#pragma unroll
      for (int r = 0; r < 16; ++r)
        mine[r][t] = row[r];
      __syncwarp(0x0000ffff);
#pragma unroll
      for (int r = 0; r < 16; ++r)
        row[r] = mine[t][15 - r];
      __syncwarp(0x0000ffff);
    }
  } else {
    for (int k = 0; k < count; ++k) {
#pragma unroll
      for (int r = 0; r < 16; ++r)
        mine[r][t] = row[r];
      __syncwarp(0xffff0000);
#pragma unroll
      for (int r = 0; r < 16; ++r)
        row[r] = mine[15 - t][r];
      __syncwarp(0xffff0000);
    }
  }
#pragma unroll
  for (int r = 0; r < 16; ++r)
    y[place + r * 16 + t] = row[r];
}
