/* Artefact.c - from the tensors of a caller to those of a compiled function.
 *
 * Part of dsa-mlir, under the Apache License v2.0 with LLVM Exceptions.
 * SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
 *
 * What a function computes with is checked here as far as one tensor tells, and
 * that memory is not shared; how the extents of several fit each other, by the
 * compiled function. No memory is allocated, and no argument is trusted beyond
 * what it says about memory.
 */
#include "Artefact.h"

#include "Fail.h"

/* What a workspace is, among the arguments: any number of bytes. */
static const int64_t anyExtent = -1;
static const struct dsa_argument workspaceArgument = {
    "workspace", "int8", &anyExtent, 1, kDLInt, 8, 0};

/*===----------------------------------------------------------------------===*/
/* Targets                                                                    */
/*===----------------------------------------------------------------------===*/

/* The first target that this CPU can run, or null with a failure. */
static const struct dsa_target *
chooseCPUTarget(const struct dsa_artefact *artefact) {
  /* One more than its number. Asking a CPU takes long, in a virtual machine
   * above all; every thread finds the same answer. */
  static _Atomic int64_t chosen;
  if (chosen)
    return &artefact->targets[chosen - 1];
  const struct dsa_feature *missing = NULL;
  const struct dsa_target *last = NULL;
  for (int64_t i = 0; i < artefact->targetCount; ++i) {
    const struct dsa_target *target = &artefact->targets[i];
    if (target->device != kDLCPU)
      continue;
    missing = dsa_missing_feature(target);
    if (!missing) {
      chosen = i + 1;
      return target;
    }
    last = target;
  }
  fail(DSA_STATUS_DEVICE,
       "this CPU has no %s, which the target %s (%s) needs; no other target of "
       "this artefact fits",
       missing->name, last->name, last->baseline);
  return NULL;
}

/* The first target that GPU number `device` can run, or null with the failure
 * of the last. */
static const struct dsa_target *
chooseGPUTarget(const struct dsa_artefact *artefact, int32_t device) {
  /* As above, by device. */
  static _Atomic int64_t chosen[DSA_GPU_DEVICES];
  int isKnown = device >= 0 && device < DSA_GPU_DEVICES;
  if (isKnown && chosen[device])
    return &artefact->targets[chosen[device] - 1];
  for (int64_t i = 0; i < artefact->targetCount; ++i) {
    const struct dsa_target *target = &artefact->targets[i];
    if (target->program && !artefact->gpu->fits(target->program, device)) {
      chosen[device] = i + 1;
      return target;
    }
  }
  return NULL;
}

static int hasTarget(const struct dsa_artefact *artefact, int32_t deviceType) {
  for (int64_t i = 0; i < artefact->targetCount; ++i)
    if (artefact->targets[i].device == deviceType)
      return 1;
  return 0;
}

static const struct dsa_target *
chooseTarget(const struct dsa_artefact *artefact, DLDevice device) {
  return device.device_type == kDLCPU
             ? chooseCPUTarget(artefact)
             : chooseGPUTarget(artefact, device.device_id);
}

/*===----------------------------------------------------------------------===*/
/* One tensor                                                                 */
/*===----------------------------------------------------------------------===*/

/* A memref descriptor of `rank`, in words. */
struct Descriptor {
  int64_t *words;
  int32_t rank;
};

static int64_t *getExtents(struct Descriptor d) { return d.words + 3; }
static int64_t *getStrides(struct Descriptor d) { return d.words + 3 + d.rank; }

static int hasElements(struct Descriptor d) {
  for (int32_t i = 0; i < d.rank; ++i)
    if (getExtents(d)[i] == 0)
      return 0;
  return 1;
}

/* One more than the number of the last element in memory, from the first; 0
 * without elements; -1 if it does not fit. */
static int64_t getSpan(struct Descriptor d) {
  int64_t span = 1, elements = 1;
  if (!hasElements(d))
    return 0;
  for (int32_t i = 0; i < d.rank; ++i) {
    int64_t step;
    if (__builtin_mul_overflow(getExtents(d)[i] - 1, getStrides(d)[i], &step) ||
        __builtin_add_overflow(span, step, &span) ||
        __builtin_mul_overflow(elements, getExtents(d)[i], &elements))
      return -1;
  }
  return span;
}

static int32_t checkType(const struct dsa_artefact *artefact,
                         const struct dsa_argument *argument,
                         const DLTensor *tensor, DLDevice device, int isFirst) {
  DLDataType type = tensor->dtype;
  int isBytes = argument->bits == 8 && argument->code == kDLInt;
  int isInteger = argument->code == kDLInt && type.code == kDLUInt;
  if (type.bits != argument->bits || type.lanes != 1 ||
      !(type.code == argument->code || isBytes || isInteger))
    return fail(DSA_STATUS_ARGUMENT,
                "%s: the element type has code %d, %d bits and %d lanes, "
                "expected code %d, %d bits and 1 lane (%s)",
                argument->name, type.code, type.bits, type.lanes,
                argument->code, argument->bits, argument->type);
  DLDeviceType given = tensor->device.device_type;
  if (given != device.device_type && isFirst && hasTarget(artefact, kDLCPU) &&
      hasTarget(artefact, kDLCUDA))
    return fail(DSA_STATUS_ARGUMENT,
                "%s: the tensor is on a device of type %d, expected %d or %d",
                argument->name, (int)given, kDLCPU, kDLCUDA);
  if (given != device.device_type)
    return fail(DSA_STATUS_ARGUMENT,
                "%s: the tensor is on a device of type %d, expected %d",
                argument->name, (int)given, (int)device.device_type);
  if (device.device_type != kDLCPU &&
      tensor->device.device_id != device.device_id)
    return fail(
        DSA_STATUS_ARGUMENT,
        "%s: the tensor is on GPU %d, expected GPU %d, that of the first",
        argument->name, (int)tensor->device.device_id, (int)device.device_id);
  return DSA_STATUS_OK;
}

/* Which dimensions of an argument and of a tensor are matched, from the last to
 * the first: all; or all but those of the argument that are always 1; or all
 * but those, and but those of the tensor that are 1. */
struct Matching {
  int skipsArgument, skipsTensor;
};

static int32_t countKept(const int64_t *extents, int32_t rank, int skips) {
  int32_t kept = 0;
  for (int32_t i = 0; i < rank; ++i)
    kept += !(skips && extents[i] == 1);
  return kept;
}

/* The dimension of `tensor` for dimension `i` of `argument`, or -1 where that
 * is left out; `next` is what dimensions after `i` have left. */
static int32_t takeDimension(const struct dsa_argument *argument, int32_t i,
                             const DLTensor *tensor, struct Matching matching,
                             int32_t *next) {
  if (matching.skipsArgument && argument->extents[i] == 1)
    return -1;
  do
    --*next;
  while (matching.skipsTensor && tensor->shape[*next] == 1);
  return *next;
}

static int fits(int64_t extent, int64_t expected) {
  return extent >= 0 && (expected < 0 || extent == expected);
}

static int allFit(const struct dsa_argument *argument, const DLTensor *tensor,
                  struct Matching matching) {
  int32_t next = tensor->ndim;
  for (int32_t i = argument->rank - 1; i >= 0; --i) {
    int32_t from = takeDimension(argument, i, tensor, matching, &next);
    if (from >= 0 && !fits(tensor->shape[from], argument->extents[i]))
      return 0;
  }
  return 1;
}

/* The first way of matching in which the extents fit, or else the first in
 * which there are as many of them; 0 if there is none. */
static int match(const struct dsa_argument *argument, const DLTensor *tensor,
                 struct Matching *matching) {
  int found = 0;
  for (int skips = 0; skips <= 2; ++skips) {
    struct Matching tried = {skips >= 1, skips == 2};
    if (countKept(argument->extents, argument->rank, tried.skipsArgument) !=
        countKept(tensor->shape, tensor->ndim, tried.skipsTensor))
      continue;
    int isRight = allFit(argument, tensor, tried);
    if (isRight || !found)
      *matching = tried;
    if (isRight)
      return 1;
    found = 1;
  }
  return found;
}

static int isEmpty(const DLTensor *tensor) {
  for (int32_t i = 0; i < tensor->ndim; ++i)
    if (tensor->shape[i] == 0)
      return 1;
  return 0;
}

/* Stores the extents and strides of a tensor under the argument's dimensions.
 */
static int32_t describeShape(const struct dsa_argument *argument,
                             const DLTensor *tensor, struct Descriptor d) {
  if (tensor->ndim < 0 || (tensor->ndim > 0 && !tensor->shape))
    return fail(DSA_STATUS_ARGUMENT, "%s: the tensor has %d dimensions and %s",
                argument->name, tensor->ndim,
                tensor->shape ? "a shape" : "no shape");
  struct Matching matching;
  if (!match(argument, tensor, &matching))
    return fail(DSA_STATUS_ARGUMENT,
                "%s: the tensor has %d dimensions, expected %d, those of "
                "extent 1 apart",
                argument->name, tensor->ndim, argument->rank);
  /* Of a tensor without elements, strides say nothing. */
  const int64_t *strides = isEmpty(tensor) ? NULL : tensor->strides;
  int32_t next = tensor->ndim;
  int64_t compact = 1;
  for (int32_t i = argument->rank - 1; i >= 0; --i) {
    int64_t expected = argument->extents[i], extent = 1, stride = compact;
    int32_t from = takeDimension(argument, i, tensor, matching, &next);
    if (from >= 0)
      extent = tensor->shape[from];
    if (!fits(extent, expected))
      return fail(DSA_STATUS_ARGUMENT,
                  "%s: dimension %d is %lld, expected %s%lld", argument->name,
                  i, (long long)extent, expected < 0 ? "at least " : "",
                  (long long)(expected < 0 ? 0 : expected));
    if (from >= 0 && strides && extent > 1)
      stride = strides[from];
    if (stride < 0)
      return fail(DSA_STATUS_ARGUMENT,
                  "%s: dimension %d has stride %lld, expected at least 0",
                  argument->name, i, (long long)stride);
    getExtents(d)[i] = extent;
    getStrides(d)[i] = stride;
    if (extent > 0 && __builtin_mul_overflow(compact, extent, &compact))
      return fail(DSA_STATUS_ARGUMENT,
                  "%s: the number of its elements does not fit 64 bits",
                  argument->name);
  }
  return DSA_STATUS_OK;
}

/* Checks and stores where the elements of a tensor are. */
static int32_t describeMemory(const struct dsa_argument *argument,
                              const DLTensor *tensor, struct Descriptor d) {
  int64_t bytes = argument->bits / 8, span = getSpan(d), end;
  uintptr_t address = (uintptr_t)tensor->data + tensor->byte_offset;
  if (span < 0 || __builtin_mul_overflow(span, bytes, &end) ||
      end > INTPTR_MAX - (int64_t)(address & INTPTR_MAX))
    return fail(DSA_STATUS_ARGUMENT,
                "%s: its last element is out of the address space",
                argument->name);
  if (span > 0 && !argument->unused) {
    if (!tensor->data)
      return fail(DSA_STATUS_ARGUMENT, "%s: data is NULL, but it has elements",
                  argument->name);
    if (address % (uintptr_t)bytes)
      return fail(DSA_STATUS_ARGUMENT,
                  "%s: its address is %lld more than a multiple of %lld, the "
                  "bytes of an element",
                  argument->name, (long long)(address % (uintptr_t)bytes),
                  (long long)bytes);
  }
  d.words[0] = d.words[1] = (int64_t)address;
  d.words[2] = 0;
  return DSA_STATUS_OK;
}

/* A result whose elements share memory. Strides in ascending order have to pass
 * all that dimensions of smaller strides reach. */
static int32_t checkDistinct(const struct dsa_argument *argument,
                             struct Descriptor d) {
  if (!hasElements(d))
    return DSA_STATUS_OK;
  int64_t reach = 0, before = -1;
  int32_t last = -1;
  for (int32_t step = 0; step < d.rank; ++step) {
    /* The next in order of stride, then of number. */
    int32_t next = -1;
    for (int32_t i = 0; i < d.rank; ++i) {
      int64_t stride = getStrides(d)[i];
      int isLater = stride > before || (stride == before && i > last);
      if (isLater && (next < 0 || stride < getStrides(d)[next]))
        next = i;
    }
    before = getStrides(d)[next];
    last = next;
    int64_t extent = getExtents(d)[next];
    if (extent == 1)
      continue;
    if (before <= reach)
      return fail(DSA_STATUS_ARGUMENT,
                  "%s: dimension %d has stride %lld, so that elements may "
                  "overlap; expected at least %lld",
                  argument->name, next, (long long)before,
                  (long long)reach + 1);
    reach += (extent - 1) * before;
  }
  return DSA_STATUS_OK;
}

/*===----------------------------------------------------------------------===*/
/* A call                                                                     */
/*===----------------------------------------------------------------------===*/

struct Call {
  const struct dsa_function *self;
  const DLTensor *const *tensors;
  int64_t *descriptors;
  int64_t count;
};

static const struct dsa_argument *getArgument(const struct Call *call,
                                              int64_t i) {
  const struct dsa_function *self = call->self;
  return i == self->inputCount + self->resultCount ? &workspaceArgument
                                                   : &self->arguments[i];
}

/* The one that says which device it is; null if all are. */
static const DLTensor *getFirst(const struct Call *call) {
  for (int64_t i = 0; i < call->count; ++i)
    if (call->tensors[i])
      return call->tensors[i];
  return NULL;
}

static int32_t describe(const struct Call *call, int64_t i, struct Descriptor d,
                        int runs, DLDevice device) {
  int64_t noBytes = 0;
  const DLTensor noWorkspace = {.ndim = 1, .shape = &noBytes};
  const struct dsa_argument *argument = getArgument(call, i);
  const DLTensor *tensor = call->tensors[i];
  int isWorkspace = argument == &workspaceArgument;
  if (!tensor && !isWorkspace)
    return fail(DSA_STATUS_ARGUMENT, "%s: the tensor is NULL", argument->name);
  if (!tensor)
    tensor = &noWorkspace;
  int32_t status = tensor == &noWorkspace
                       ? DSA_STATUS_OK
                       : checkType(call->self->artefact, argument, tensor,
                                   device, tensor == getFirst(call));
  if (!status)
    status = describeShape(argument, tensor, d);
  if (!status && runs)
    status = describeMemory(argument, tensor, d);
  else
    d.words[0] = d.words[1] = d.words[2] = 0;
  if (!status && runs && i >= call->self->inputCount)
    status = checkDistinct(argument, d);
  if (!status && isWorkspace && getExtents(d)[0] > 1 && getStrides(d)[0] != 1)
    status =
        fail(DSA_STATUS_ARGUMENT, "workspace: it has stride %lld, expected 1",
             (long long)getStrides(d)[0]);
  return status;
}

static struct Descriptor getDescriptor(const struct Call *call, int64_t i) {
  int64_t *words = call->descriptors;
  for (int64_t before = 0; before < i; ++before)
    words += 3 + 2 * (int64_t)getArgument(call, before)->rank;
  struct Descriptor d = {words, getArgument(call, i)->rank};
  return d;
}

/* What is written may not lie where something else is read or written: from
 * its first to its last byte. */
static int32_t checkShared(const struct Call *call) {
  for (int64_t i = call->self->inputCount; i < call->count; ++i) {
    struct Descriptor written = getDescriptor(call, i);
    const struct dsa_argument *argument = getArgument(call, i);
    int64_t begin = written.words[1];
    int64_t end = begin + getSpan(written) * (argument->bits / 8);
    for (int64_t j = 0; j < i; ++j) {
      struct Descriptor other = getDescriptor(call, j);
      const struct dsa_argument *otherArgument = getArgument(call, j);
      if (otherArgument->unused)
        continue;
      int64_t otherBegin = other.words[1];
      int64_t otherEnd =
          otherBegin + getSpan(other) * (otherArgument->bits / 8);
      if (begin < end && otherBegin < otherEnd && begin < otherEnd &&
          otherBegin < end)
        return fail(DSA_STATUS_ARGUMENT,
                    "%s: its %lld bytes and the %lld bytes of %s share memory",
                    argument->name, (long long)(end - begin),
                    (long long)(otherEnd - otherBegin), otherArgument->name);
    }
  }
  return DSA_STATUS_OK;
}

/* The device of the first tensor, if there is code for devices of its type, or
 * else one that there is code for. */
static DLDevice getDevice(const struct Call *call) {
  const struct dsa_artefact *artefact = call->self->artefact;
  const DLTensor *first = getFirst(call);
  if (first && hasTarget(artefact, (int32_t)first->device.device_type))
    return first->device;
  DLDevice other = {(DLDeviceType)artefact->targets[0].device, 0};
  return other;
}

/* The descriptor of `count` elements at `data`, of rank 1. */
static void describeAnswer(int64_t *words, const void *data, int64_t count) {
  words[0] = words[1] = (int64_t)(uintptr_t)data;
  words[2] = 0;
  words[3] = count;
  words[4] = 1;
}

int32_t dsa_enter(const struct dsa_function *self, enum dsa_entry entry,
                  const DLTensor *const *tensors, const void *last,
                  int64_t *descriptors, void **function,
                  struct dsa_gpu_call *gpuCall) {
  int runs = entry == DSA_ENTRY_RUN;
  struct Call call = {self, tensors, descriptors,
                      self->inputCount + (runs ? self->resultCount + 1 : 0)};
  DLDevice device = getDevice(&call);
  const struct dsa_target *target = chooseTarget(self->artefact, device);
  if (!target)
    return DSA_STATUS_DEVICE;
  if (runs && target->device == kDLCPU && last)
    return fail(DSA_STATUS_ARGUMENT,
                "stream: it is not NULL, but the target %s has no streams",
                target->name);
  for (int64_t i = 0; i < call.count; ++i) {
    int32_t status = describe(&call, i, getDescriptor(&call, i), runs, device);
    if (status)
      return status;
  }
  *function = self->entries[3 * (target - self->artefact->targets) + entry];
  if (!runs) {
    int64_t answers = entry == DSA_ENTRY_SHAPES ? self->extentCount : 1;
    if (!last && answers)
      return fail(DSA_STATUS_ARGUMENT, "%s: it is NULL, expected %lld int64",
                  entry == DSA_ENTRY_SHAPES ? "dims" : "bytes",
                  (long long)answers);
    int64_t *words = descriptors;
    for (int64_t i = 0; i < call.count; ++i)
      words += 3 + 2 * (int64_t)self->arguments[i].rank;
    describeAnswer(words, last, answers);
    return DSA_STATUS_OK;
  }
  int32_t status = checkShared(&call);
  if (status)
    return status;
  if (target->program)
    return self->artefact->gpu->begin(gpuCall, target->program, (void *)last,
                                      device.device_id);
  gpuCall->program = NULL;
  gpuCall->status = DSA_STATUS_OK;
  return DSA_STATUS_OK;
}

int32_t dsa_leave(const struct dsa_function *self, int32_t status,
                  const struct dsa_gpu_call *call) {
  if (status == DSA_STATUS_ARGUMENT)
    for (int64_t i = 0; i < self->inputCount + self->resultCount; ++i)
      dsa_name_argument(i, self->arguments[i].name);
  return status || !call ? status : call->status;
}

int32_t dsa_prepare(const struct dsa_artefact *artefact, int32_t device) {
  const struct dsa_target *target = chooseGPUTarget(artefact, device);
  return target ? artefact->gpu->prepare(target->program, device)
                : DSA_STATUS_DEVICE;
}
