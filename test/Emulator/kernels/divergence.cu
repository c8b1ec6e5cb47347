// Threads of a warp that go different ways.

// Early return, and loops of different lengths.
extern "C" __global__ void collatz(const unsigned *x, int n, int *steps) {
  int i = blockIdx.x * blockDim.x + threadIdx.x;
  if (i >= n)
    return;
  unsigned v = x[i];
  int count = 0;
  while (v > 1) {
    v = v % 2 ? 3 * v + 1 : v / 2;
    ++count;
  }
  steps[i] = count;
}

// A switch whose cases do work of different kinds, fall through and store.
extern "C" __global__ void choose(const int *code, const int *x, int n, int *y,
                                  int *seen) {
  int i = blockIdx.x * blockDim.x + threadIdx.x;
  if (i >= n)
    return;
  int v = x[i];
  switch (code[i]) {
  case 0:
    v = v * v;
    break;
  case 1:
    v += 100;
  case 2:
    v -= 7;
    break;
  case 3:
    for (int k = 0; k < (v & 15); ++k)
      v = v * 3 + k;
    break;
  case 4:
    atomicAdd(&seen[4], v);
    break;
  case 5:
    atomicAdd(&seen[5], 1);
    return;
  case 6:
    v = v < 0 ? -v : ~v;
    break;
  case 7:
    do
      v /= 2;
    while (v > 10);
    break;
  case 8:
    v = v ^ (v >> 3);
    break;
  case 9:
    v = x[(i + 1) % n];
    break;
  case 40:
    v = 40;
    break;
  default:
    v = -1;
  }
  y[i] = v;
}

// Breaks out of nested loops; `continue` in the inner one.
extern "C" __global__ void find_pair(const int *x, int n, const int *wanted,
                                     int queries, int2 *found) {
  int q = blockIdx.x * blockDim.x + threadIdx.x;
  if (q >= queries)
    return;
  int2 result = make_int2(-1, -1);
  for (int i = 0; i < n; ++i) {
    for (int j = i + 1; j < n; ++j) {
      if (x[j] < 0)
        continue;
      if (x[i] + x[j] == wanted[q]) {
        result = make_int2(i, j);
        goto done;
      }
    }
  }
done:
  found[q] = result;
}

// An array of the thread's own that is indexed by what is known at run time.
extern "C" __global__ void sort_rows(const short *x, int rows, short *y) {
  int row = blockIdx.x * blockDim.x + threadIdx.x;
  if (row >= rows)
    return;
  short sorted[17];
  for (int i = 0; i < 17; ++i) {
    short v = x[row * 17 + i];
    int j = i;
    for (; j > 0 && sorted[j - 1] > v; --j)
      sorted[j] = sorted[j - 1];
    sorted[j] = v;
  }
  for (int i = 0; i < 17; ++i)
    y[row * 17 + i] = sorted[i];
}

// Threads that have ended do not keep the others' barriers waiting.
extern "C" __global__ void end_early(const int *x, int n, int *y) {
  __shared__ int shared[128];
  int t = threadIdx.x, i = blockIdx.x * 128 + t;
  shared[t] = i < n ? x[i] : 1000;
  __syncthreads();
  if (i >= n || x[i] % 5 == 0)
    return;
  int sum = shared[t] + shared[(t + 1) % 128];
  __syncthreads();
  shared[t] = sum;
  __syncthreads();
  y[i] = shared[t ^ 33];
}

// A stack machine: each thread runs its own program of bytes. 0 to 9 push
// themselves, 'x' the thread's input; '?' skips the next byte if it pops 0;
// 'l' jumps to the start if it pops a number above 0; 'e' ends.
extern "C" __global__ void interpret(const unsigned char *programs, int length,
                                     const int *x, int n, int *y) {
  int i = blockIdx.x * blockDim.x + threadIdx.x;
  if (i >= n)
    return;
  const unsigned char *program = programs + i * length;
  int stack[8], top = 0, left = 500;
  for (int pc = 0; pc < length && left > 0; ++pc, --left) {
    unsigned char op = program[pc];
    if (op <= 9) {
      stack[top++ & 7] = op;
      continue;
    }
    if (op == 'e')
      break;
    int a = stack[(top - 1) & 7], b = stack[(top - 2) & 7];
    switch (op) {
    case 'x':
      stack[top++ & 7] = x[i];
      break;
    case 'd':
      stack[top++ & 7] = a;
      break;
    case '+':
      stack[(--top - 1) & 7] = b + a;
      break;
    case '-':
      stack[(--top - 1) & 7] = b - a;
      break;
    case '*':
      stack[(--top - 1) & 7] = b * a;
      break;
    case 's':
      stack[(top - 1) & 7] = b;
      stack[(top - 2) & 7] = a;
      break;
    case '?':
      --top;
      if (a == 0)
        ++pc;
      break;
    case 'l':
      --top;
      if (a > 0)
        pc = -1;
      break;
    }
  }
  y[i] = top > 0 ? stack[(top - 1) & 7] : -left;
}
