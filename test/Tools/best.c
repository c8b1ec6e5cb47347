/* The program of docs/Artefacts.md. */
#include "libbest.h"

#include <stdio.h>
#include <stdlib.h>

/* A contiguous tensor in memory of the CPU. */
static DLTensor describe(void *data, int32_t rank, int64_t *shape, int code,
                         int bits) {
  DLTensor tensor = {data, {kDLCPU, 0}, rank, {code, bits, 1}, shape, NULL, 0};
  return tensor;
}

int main(void) {
  float rows[2][6] = {{1, 3, 2, 2, 2, 0}, {9, 5, 7, 4, 8, 0}};
  int32_t best_of[2][4], count[2];
  DLTensor scores = describe(rows, 2, (int64_t[]){2, 6}, kDLFloat, 32);
  DLTensor indices = describe(best_of, 2, (int64_t[]){2, 4}, kDLInt, 32);
  DLTensor counts = describe(count, 1, (int64_t[]){2}, kDLInt, 32);

  int64_t bytes;
  int32_t threads = 2, status = best_workspace(&scores, threads, &bytes);
  if (!status) {
    DLTensor workspace = describe(malloc(bytes), 1, &bytes, kDLUInt, 8);
    status = best(&scores, &indices, &counts, &workspace, threads, NULL);
    free(workspace.data);
  }
  for (int t = 0; !status && t < 2; ++t)
    printf("%d %d %d %d\n", best_of[t][0], best_of[t][1], best_of[t][2],
           best_of[t][3]);

  scores.ndim = 3;
  scores.shape = (int64_t[]){2, 3, 2};
  if (best_workspace(&scores, threads, &bytes) != DSA_STATUS_OK)
    puts(dsa_last_error());
  return status;
}
