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

#include "Libc.h"

enum Kind {
  KindNone,
  KindExtent,
  KindStride,
  KindWorkspace,
  KindIndex,
  KindText
};

struct Record {
  enum Kind kind;
  long long values[4];
  char name[96]; /* of the argument, if it has one */
  char text[256];
};

static _Thread_local struct Record lastFailure;
/* A name, four numbers of 20 characters, and the text around them. */
static _Thread_local char lastMessage[320];

static void record(enum Kind kind, int64_t a, int64_t b, int64_t c, int64_t d) {
  lastFailure.kind = kind;
  lastFailure.values[0] = a;
  lastFailure.values[1] = b;
  lastFailure.values[2] = c;
  lastFailure.values[3] = d;
  lastFailure.name[0] = '\0';
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

int32_t dsa_fail_text(int32_t status, const char *text) {
  record(KindText, 0, 0, 0, 0);
  snprintf(lastFailure.text, sizeof lastFailure.text, "%s", text);
  return status;
}

void dsa_name_argument(int64_t argument, const char *name) {
  int isOfArgument =
      lastFailure.kind == KindExtent || lastFailure.kind == KindStride;
  if (isOfArgument && lastFailure.values[0] == argument)
    snprintf(lastFailure.name, sizeof lastFailure.name, "%s", name);
}

const char *dsa_last_error(void) {
  const long long *v = lastFailure.values;
  char number[32];
  const char *name = lastFailure.name;
  if (!name[0]) {
    snprintf(number, sizeof number, "argument %lld", v[0]);
    name = number;
  }
  lastMessage[0] = '\0';
  switch (lastFailure.kind) {
  case KindNone:
    break;
  case KindExtent:
    snprintf(lastMessage, sizeof lastMessage,
             "%s: dimension %lld is %lld, expected %lld", name, v[1], v[2],
             v[3]);
    break;
  case KindStride:
    snprintf(lastMessage, sizeof lastMessage,
             "%s: dimension %lld has stride %lld, %s", name, v[1], v[2],
             v[2] ? "expected stride 1" : "so its elements overlap");
    break;
  case KindWorkspace:
    snprintf(lastMessage, sizeof lastMessage,
             "workspace has %lld bytes, %lld are required", v[0], v[1]);
    break;
  case KindIndex:
    snprintf(lastMessage, sizeof lastMessage,
             "row %lld, slot %lld: index %lld is outside [0, %lld)", v[0], v[1],
             v[2], v[3]);
    break;
  case KindText:
    snprintf(lastMessage, sizeof lastMessage, "%s", lastFailure.text);
    break;
  }
  return lastMessage;
}
