// A sum over neighbours in three dimensions, from a tile in shared memory with
// a border. Blocks of odd sizes: the last warp is not full.

constexpr int sizeX = 7, sizeY = 5, sizeZ = 3;

extern "C" __global__ void stencil(const int *x, int3 size, int *y) {
  __shared__ int tile[sizeZ + 2][sizeY + 2][sizeX + 2];
  int thread = (threadIdx.z * sizeY + threadIdx.y) * sizeX + threadIdx.x;
  const int count = (sizeX + 2) * (sizeY + 2) * (sizeZ + 2);
#pragma unroll 1
  for (int i = thread; i < count; i += sizeX * sizeY * sizeZ) {
    int tx = i % (sizeX + 2), ty = i / (sizeX + 2) % (sizeY + 2),
        tz = i / ((sizeX + 2) * (sizeY + 2));
    int gx = (int)(blockIdx.x * sizeX) + tx - 1,
        gy = (int)(blockIdx.y * sizeY) + ty - 1,
        gz = (int)(blockIdx.z * sizeZ) + tz - 1;
    bool inside = gx >= 0 && gx < size.x && gy >= 0 && gy < size.y && gz >= 0 &&
                  gz < size.z;
    tile[tz][ty][tx] = inside ? x[(gz * size.y + gy) * size.x + gx] : 0;
  }
  __syncthreads();
  int gx = blockIdx.x * sizeX + threadIdx.x,
      gy = blockIdx.y * sizeY + threadIdx.y,
      gz = blockIdx.z * sizeZ + threadIdx.z;
  if (gx >= size.x || gy >= size.y || gz >= size.z)
    return;
  int *own = &tile[threadIdx.z + 1][threadIdx.y + 1][threadIdx.x + 1];
  const int dy = sizeX + 2, dz = (sizeX + 2) * (sizeY + 2);
  y[(gz * size.y + gy) * size.x + gx] = 6 * own[0] - own[1] - 2 * own[-1] -
                                        own[dy] - 3 * own[-dy] - own[dz] -
                                        5 * own[-dz];
}
