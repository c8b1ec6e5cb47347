/* Status.c - the thread-local record of the last failure.
 *
 * Part of dsa-mlir, under the Apache License v2.0 with LLVM Exceptions.
 * SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
 *
 * Numbers are recorded, not text: the failing path of a kernel stays a few
 * stores, and formatting is paid only by who asks. Plain C, so that artefacts
 * link this file without LLVM or a C++ runtime.
 */
#include "dsa-c/Runtime.h"

#include <inttypes.h>
#include <stdio.h>

enum Kind { KindNone, KindExtent, KindStride, KindWorkspace, KindIndex };

struct Record {
  enum Kind kind;
  int64_t values[4];
};

static _Thread_local struct Record lastFailure;
/* Four 64-bit numbers have 80 digits; the longest text around them has 60. */
static _Thread_local char lastMessage[192];

static void record(enum Kind kind, int64_t a, int64_t b, int64_t c, int64_t d) {
  lastFailure.kind = kind;
  lastFailure.values[0] = a;
  lastFailure.values[1] = b;
  lastFailure.values[2] = c;
  lastFailure.values[3] = d;
}

int32_t dsa_fail_extent(int64_t argument, int64_t dimension, int64_t found,
                        int64_t expected) {
  record(KindExtent, argument, dimension, found, expected);
  return DSA_STATUS_ARGUMENT;
}

int32_t dsa_fail_stride(int64_t argument, int64_t dimension, int64_t found) {
  record(KindStride, argument, dimension, found, 1);
  return DSA_STATUS_ARGUMENT;
}

int32_t dsa_fail_workspace(int64_t found, int64_t required) {
  record(KindWorkspace, found, required, 0, 0);
  return DSA_STATUS_WORKSPACE;
}

int32_t dsa_fail_index(int64_t row, int64_t slot, int64_t value,
                       int64_t bound) {
  record(KindIndex, row, slot, value, bound);
  return DSA_STATUS_INDEX;
}

const char *dsa_last_error(void) {
  const int64_t *v = lastFailure.values;
  lastMessage[0] = '\0';
  switch (lastFailure.kind) {
  case KindNone:
    break;
  case KindExtent:
    snprintf(lastMessage, sizeof lastMessage,
             "argument %" PRId64 ": dimension %" PRId64 " is %" PRId64
             ", expected %" PRId64,
             v[0], v[1], v[2], v[3]);
    break;
  case KindStride:
    snprintf(lastMessage, sizeof lastMessage,
             "argument %" PRId64 ": dimension %" PRId64 " has stride %" PRId64
             ", %s",
             v[0], v[1], v[2],
             v[2] ? "expected stride 1" : "so its elements overlap");
    break;
  case KindWorkspace:
    snprintf(lastMessage, sizeof lastMessage,
             "workspace has %" PRId64 " bytes, %" PRId64 " are required", v[0],
             v[1]);
    break;
  case KindIndex:
    snprintf(lastMessage, sizeof lastMessage,
             "row %" PRId64 ", slot %" PRId64 ": index %" PRId64
             " is outside [0, %" PRId64 ")",
             v[0], v[1], v[2], v[3]);
    break;
  }
  return lastMessage;
}
