/* GPU.c - a thin layer over the CUDA driver.
 *
 * Part of dsa-mlir, under the Apache License v2.0 with LLVM Exceptions.
 * SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
 *
 * The driver's library is opened at the first use, so that what carries this
 * code loads where there is no GPU. All that is kept is written once, by atomic
 * stores of values that every thread would find alike: there is no lock that a
 * fork could leave held. A process that is forked after its parent used CUDA
 * cannot use CUDA itself, which is the driver's rule, and is told so.
 */
#include "GPU.h"

#include "CUDADriver.h"
#include "Fail.h"

/*===----------------------------------------------------------------------===*/
/* The driver                                                                 */
/*===----------------------------------------------------------------------===*/

#define DSA_DECLARE(result, name, parameters) result(*_Atomic name) parameters;
static struct {
  DSA_CUDA_FUNCTIONS(DSA_DECLARE)
  _Atomic int isReady;
} driver;
#undef DSA_DECLARE

/* What a user can do about an error. */
static const char *getAdvice(CUresult error) {
  switch (error) {
  case CUDA_ERROR_OUT_OF_MEMORY:
    return "; free some of the device's memory";
  case CUDA_ERROR_NOT_INITIALIZED:
    return "; a process that was forked after its parent used CUDA cannot use "
           "it: fork before, or start one that is new";
  case CUDA_ERROR_NO_DEVICE:
    return "; no GPU is visible: see nvidia-smi and CUDA_VISIBLE_DEVICES";
  case CUDA_ERROR_INVALID_CONTEXT:
    return "; the default stream is that of the current context, and this "
           "thread has none: set the device, or give a stream";
  case CUDA_ERROR_ILLEGAL_ADDRESS:
  case CUDA_ERROR_MISALIGNED_ADDRESS:
  case CUDA_ERROR_LAUNCH_FAILED:
    return "; a kernel that was launched before has failed: compute-sanitizer "
           "shows which, and the context cannot be used any more";
  case CUDA_ERROR_NO_BINARY_FOR_GPU:
  case CUDA_ERROR_INVALID_PTX:
  case CUDA_ERROR_UNSUPPORTED_PTX_VERSION:
    return "; a newer driver may help";
  case CUDA_ERROR_SYSTEM_DRIVER_MISMATCH:
    return "; the driver was updated while it was loaded: restart the machine";
  default:
    return "";
  }
}

/* `subject` is what it happened to, with `: ` behind it, or nothing. */
static int32_t failInDriver(CUresult error, const char *subject,
                            const char *function) {
  const char *name = NULL;
  if (driver.cuGetErrorName(error, &name) != CUDA_SUCCESS || !name)
    name = "an unknown error";
  return fail(DSA_STATUS_DEVICE, "%s%s failed with %s (%d)%s", subject,
              function, name, error, getAdvice(error));
}

/* The driver's functions are there afterwards, or a failure. */
static int32_t openDriver(void) {
  if (driver.isReady)
    return DSA_STATUS_OK;
  void *library = dlopen("libcuda.so.1", RTLD_NOW);
  if (!library)
    return fail(DSA_STATUS_DEVICE,
                "the CUDA driver cannot be loaded: %s; on a machine with an "
                "NVIDIA GPU, install its driver",
                dlerror());
#define DSA_FIND(result, name, parameters)                                     \
  {                                                                            \
    result(*function) parameters =                                             \
        (result(*) parameters)dlsym(library, #name);                           \
    if (!function)                                                             \
      return fail(DSA_STATUS_DEVICE,                                           \
                  "the CUDA driver is too old: its library has no " #name      \
                  "; expected version 12.0 or newer");                         \
    driver.name = function;                                                    \
  }
  DSA_CUDA_FUNCTIONS(DSA_FIND)
#undef DSA_FIND
  CUresult error = driver.cuInit(0);
  if (error)
    return failInDriver(error, "", "cuInit");
  driver.isReady = 1;
  return DSA_STATUS_OK;
}

/*===----------------------------------------------------------------------===*/
/* Devices and images                                                         */
/*===----------------------------------------------------------------------===*/

/* A device, as far as images differ by it. */
struct Chip {
  int major, minor;
  int sharedBytes; /* of a block, at most */
};

static int32_t describeChip(int32_t device, struct Chip *chip) {
  int count;
  CUresult error = driver.cuDeviceGetCount(&count);
  if (error)
    return failInDriver(error, "", "cuDeviceGetCount");
  if (count > DSA_GPU_DEVICES)
    count = DSA_GPU_DEVICES;
  if (device < 0 || device >= count)
    return fail(DSA_STATUS_DEVICE,
                "there is no GPU number %d: %d can be used, numbered from 0",
                device, count);
  struct {
    CUdevice_attribute number;
    int *value;
  } attributes[] = {
      {CU_DEVICE_ATTRIBUTE_COMPUTE_CAPABILITY_MAJOR, &chip->major},
      {CU_DEVICE_ATTRIBUTE_COMPUTE_CAPABILITY_MINOR, &chip->minor},
      {CU_DEVICE_ATTRIBUTE_MAX_SHARED_MEMORY_PER_BLOCK_OPTIN,
       &chip->sharedBytes}};
  for (size_t i = 0; i < sizeof attributes / sizeof attributes[0]; ++i) {
    error = driver.cuDeviceGetAttribute(attributes[i].value,
                                        attributes[i].number, device);
    if (error)
      return failInDriver(error, "", "cuDeviceGetAttribute");
  }
  return DSA_STATUS_OK;
}

/* Of two images that a chip can run, the one of the higher rank is better:
 * cubins before PTX, which the driver has to compile. */
static int32_t getRank(const struct dsa_gpu_image *image) {
  return (image->kind == DSA_GPU_CUBIN ? 1 << 16 : 0) + image->major * 256 +
         image->minor;
}

static int canRun(const struct dsa_gpu_image *image, const struct Chip *chip) {
  if (image->kind == DSA_GPU_CUBIN)
    return image->major == chip->major && image->minor <= chip->minor;
  return image->major < chip->major ||
         (image->major == chip->major && image->minor <= chip->minor);
}

/* The number of the best image for the chip among those of a lower rank than
 * `below`, or -1. */
static int32_t findImage(const struct dsa_gpu_program *program,
                         const struct Chip *chip, int32_t below) {
  int32_t best = -1, bestRank = -1;
  for (int32_t i = 0; i < program->imageCount; ++i) {
    int32_t rank = getRank(&program->images[i]);
    if (canRun(&program->images[i], chip) && rank < below && rank > bestRank) {
      best = i;
      bestRank = rank;
    }
  }
  return best;
}

static int32_t getSharedBytes(const struct dsa_gpu_program *program) {
  int32_t most = 0;
  for (int32_t i = 0; i < program->kernelCount; ++i)
    if (program->kernels[i].sharedBytes > most)
      most = program->kernels[i].sharedBytes;
  return most;
}

/* `GPU 0 (NVIDIA A10, sm_86)` */
static void nameDevice(int32_t device, const struct Chip *chip, char *name,
                       size_t size) {
  char model[48];
  if (driver.cuDeviceGetName(model, sizeof model, device) != CUDA_SUCCESS)
    model[0] = '\0';
  snprintf(name, size, "GPU %d (%s, sm_%d%d)", device, model, chip->major,
           chip->minor);
}

/* The names of all images, as many as there is room for. */
static void listImages(const struct dsa_gpu_program *program, char *text,
                       size_t size) {
  size_t length = 0;
  text[0] = '\0';
  for (int32_t i = 0; i < program->imageCount && length < size; ++i) {
    int added = snprintf(text + length, size - length, "%s%s", i ? ", " : "",
                         program->images[i].name);
    length += added > 0 ? (size_t)added : 0;
  }
}

static int32_t checkChip(const struct dsa_gpu_program *program, int32_t device,
                         struct Chip *chip) {
  int32_t status = openDriver();
  if (!status)
    status = describeChip(device, chip);
  if (status)
    return status;
  char name[80], images[96];
  if (findImage(program, chip, INT32_MAX) < 0) {
    nameDevice(device, chip, name, sizeof name);
    listImages(program, images, sizeof images);
    return fail(DSA_STATUS_DEVICE,
                "%s cannot run any of the images of the kernels: %s", name,
                images);
  }
  int32_t needed = getSharedBytes(program);
  if (needed > chip->sharedBytes) {
    nameDevice(device, chip, name, sizeof name);
    return fail(DSA_STATUS_DEVICE,
                "%s has %d bytes of shared memory for a block, the kernels "
                "need %d; compile them for sm_%d%d",
                name, chip->sharedBytes, needed, chip->major, chip->minor);
  }
  return DSA_STATUS_OK;
}

int32_t dsa_gpu_fits(const struct dsa_gpu_program *program, int32_t device) {
  struct Chip chip;
  return checkChip(program, device, &chip);
}

/*===----------------------------------------------------------------------===*/
/* Loading                                                                    */
/*===----------------------------------------------------------------------===*/

/* A word of a program's state, which any thread may write. */
static void *loadWord(void **word) {
  return __atomic_load_n(word, __ATOMIC_ACQUIRE);
}

static void storeWord(void **word, void *value) {
  __atomic_store_n(word, value, __ATOMIC_RELEASE);
}

/* The words of an image: its library, then its kernels. */
static void **getImageWords(const struct dsa_gpu_program *program,
                            int32_t image) {
  return program->state + DSA_GPU_STATE_WORDS(image, program->kernelCount);
}

/* The kernels that are prepared for a device, or null. */
static void **getKernels(const struct dsa_gpu_program *program,
                         int32_t device) {
  return device < DSA_GPU_DEVICES ? loadWord(&program->state[device]) : NULL;
}

/* What went wrong, where it was not in the runtime itself. */
struct DriverError {
  CUresult code;
  const char *function;
  const char *kernel; /* what it happened to, or null */
};

/* Of threads that load the same image, the first keeps its library. */
static CUlibrary loadLibrary(const struct dsa_gpu_image *image, void **word,
                             struct DriverError *error) {
  void *before = loadWord(word);
  if (before)
    return (CUlibrary)before;
  CUlibrary library;
  error->function = "cuLibraryLoadData";
  error->code = driver.cuLibraryLoadData(&library, image->data, NULL, NULL, 0,
                                         NULL, NULL, 0);
  if (error->code)
    return NULL;
  if (__atomic_compare_exchange_n(word, &before, library, /*weak=*/0,
                                  __ATOMIC_ACQ_REL, __ATOMIC_ACQUIRE))
    return library;
  driver.cuLibraryUnload(library);
  return (CUlibrary)before;
}

/* Loads an image into the current context, which is one of `device`. */
static struct DriverError loadImage(const struct dsa_gpu_program *program,
                                    int32_t image, int32_t device) {
  void **words = getImageWords(program, image);
  struct DriverError error = {CUDA_SUCCESS, "", NULL};
  CUlibrary library = loadLibrary(&program->images[image], words, &error);
  for (int32_t i = 0; i < program->kernelCount && !error.code; ++i) {
    CUkernel kernel;
    error.kernel = program->kernels[i].name;
    error.function = "cuLibraryGetKernel";
    error.code =
        driver.cuLibraryGetKernel(&kernel, library, program->kernels[i].name);
    if (!error.code) {
      error.function = "cuKernelSetAttribute";
      error.code = driver.cuKernelSetAttribute(
          CU_FUNC_ATTRIBUTE_MAX_DYNAMIC_SHARED_SIZE_BYTES,
          program->kernels[i].sharedBytes, kernel, device);
    }
    if (!error.code) {
      /* A library is loaded lazily: this is when its code gets there. */
      CUfunction function;
      error.function = "cuKernelGetFunction";
      error.code = driver.cuKernelGetFunction(&function, kernel);
    }
    if (!error.code)
      storeWord(&words[1 + i], kernel);
  }
  return error;
}

/* Whether another image may do where one gave this error: a driver knows
 * chips and versions of PTX up to its own age, and an emulated one no cubins.
 */
static int isOfImage(CUresult error) {
  return error == CUDA_ERROR_NO_BINARY_FOR_GPU ||
         error == CUDA_ERROR_INVALID_IMAGE || error == CUDA_ERROR_INVALID_PTX ||
         error == CUDA_ERROR_UNSUPPORTED_PTX_VERSION;
}

/* Loads the best image that the driver takes. */
static int32_t loadProgram(const struct dsa_gpu_program *program,
                           int32_t device, const struct Chip *chip) {
  struct DriverError error = {CUDA_SUCCESS, "", NULL};
  int32_t image = findImage(program, chip, INT32_MAX), tried = image;
  while (image >= 0) {
    error = loadImage(program, image, device);
    if (!error.code) {
      storeWord(&program->state[device], getImageWords(program, image) + 1);
      return DSA_STATUS_OK;
    }
    tried = image;
    if (!isOfImage(error.code))
      break;
    image = findImage(program, chip, getRank(&program->images[image]));
  }
  char subject[160];
  snprintf(subject, sizeof subject, "GPU %d, image %s%s%.100s: ", device,
           program->images[tried].name, error.kernel ? ", kernel " : "",
           error.kernel ? error.kernel : "");
  return failInDriver(error.code, subject, error.function);
}

int32_t dsa_gpu_prepare(const struct dsa_gpu_program *program, int32_t device) {
  struct Chip chip;
  int32_t status = checkChip(program, device, &chip);
  if (status || getKernels(program, device))
    return status;
  CUdevice current;
  if (driver.cuCtxGetDevice(&current) == CUDA_SUCCESS && current == device)
    return loadProgram(program, device, &chip);
  CUcontext context;
  CUresult error = driver.cuDevicePrimaryCtxRetain(&context, device);
  if (error)
    return failInDriver(error, "", "cuDevicePrimaryCtxRetain");
  error = driver.cuCtxPushCurrent_v2(context);
  if (error) {
    status = failInDriver(error, "", "cuCtxPushCurrent");
  } else {
    status = loadProgram(program, device, &chip);
    driver.cuCtxPopCurrent_v2(&context);
  }
  if (status)
    driver.cuDevicePrimaryCtxRelease_v2(device);
  return status;
}

/*===----------------------------------------------------------------------===*/
/* Calls                                                                      */
/*===----------------------------------------------------------------------===*/

static int32_t prepareOnFirstUse(const struct dsa_gpu_program *program,
                                 CUstream stream, int32_t device) {
  CUstreamCaptureStatus capture;
  CUresult error = driver.cuStreamIsCapturing(stream, &capture);
  /* The default stream cannot be asked while a stream that waits for it is
   * captured. */
  if (error == CUDA_ERROR_STREAM_CAPTURE_IMPLICIT)
    capture = !CU_STREAM_CAPTURE_STATUS_NONE;
  else if (error)
    return failInDriver(error, "stream: ", "cuStreamIsCapturing");
  if (capture != CU_STREAM_CAPTURE_STATUS_NONE)
    return fail(DSA_STATUS_PREPARE,
                "stream: it is being captured, and the kernels are not loaded "
                "on GPU %d yet: prepare the function, or call it once, before "
                "the capture",
                device);
  return dsa_gpu_prepare(program, device);
}

/* Called in the context of the stream. */
static int32_t beginInContext(struct dsa_gpu_call *call) {
  CUdevice device;
  CUresult error = driver.cuCtxGetDevice(&device);
  if (error)
    return failInDriver(error, "stream: ", "cuCtxGetDevice");
  if (device != call->device)
    return fail(DSA_STATUS_ARGUMENT,
                "stream: it is %s GPU %d, but the tensors are on GPU %d",
                call->stream ? "of" : "the default one, now of", device,
                call->device);
  if (!getKernels(call->program, device)) {
    int32_t status =
        prepareOnFirstUse(call->program, (CUstream)call->stream, device);
    if (status)
      return status;
  }
  call->kernels = getKernels(call->program, device);
  return DSA_STATUS_OK;
}

static int32_t begin(struct dsa_gpu_call *call) {
  int32_t status = openDriver();
  if (status)
    return status;
  CUcontext context;
  CUresult error = driver.cuStreamGetCtx((CUstream)call->stream, &context);
  if (error)
    return failInDriver(error, "stream: ", "cuStreamGetCtx");
  error = driver.cuCtxPushCurrent_v2(context);
  if (error)
    return failInDriver(error, "stream: ", "cuCtxPushCurrent");
  status = beginInContext(call);
  driver.cuCtxPopCurrent_v2(&context);
  return status;
}

int32_t dsa_gpu_begin(struct dsa_gpu_call *call,
                      const struct dsa_gpu_program *program, void *stream,
                      int32_t device) {
  call->program = program;
  call->stream = stream;
  call->kernels = NULL;
  call->device = device;
  return call->status = begin(call);
}

const struct dsa_gpu_functions dsa_gpu_functions = {
    dsa_gpu_fits, dsa_gpu_prepare, dsa_gpu_begin};

void dsa_gpu_launch(struct dsa_gpu_call *call, int32_t kernel, int64_t x,
                    int64_t y, int64_t z, int32_t threads, int32_t sharedBytes,
                    void **parameters) {
  if (call->status || x == 0 || y == 0 || z == 0)
    return;
  const char *name = call->program->kernels[kernel].name;
  /* Of all chips. */
  const int64_t most[3] = {INT32_MAX, 65535, 65535};
  if (x < 0 || x > most[0] || y < 0 || y > most[1] || z < 0 || z > most[2]) {
    call->status =
        fail(DSA_STATUS_ARGUMENT,
             "kernel %s: a grid of %lld x %lld x %lld blocks, "
             "expected at most %lld x %lld x %lld: the tensors are "
             "too large",
             name, (long long)x, (long long)y, (long long)z, (long long)most[0],
             (long long)most[1], (long long)most[2]);
    return;
  }
  CUresult error = driver.cuLaunchKernel(
      (CUfunction)call->kernels[kernel], (unsigned)x, (unsigned)y, (unsigned)z,
      (unsigned)threads, 1, 1, (unsigned)sharedBytes, (CUstream)call->stream,
      parameters, NULL);
  if (error) {
    char subject[160];
    snprintf(subject, sizeof subject, "GPU %d, kernel %.100s: ", call->device,
             name);
    call->status = failInDriver(error, subject, "cuLaunchKernel");
  }
}

void dsa_gpu_check_aligned(struct dsa_gpu_call *call, int64_t value,
                           int64_t multiple, const char *what) {
  if (call->status || value % multiple == 0)
    return;
  call->status =
      fail(DSA_STATUS_ARGUMENT, "%s is %lld, expected a multiple of %lld", what,
           (long long)value, (long long)multiple);
}

void dsa_gpu_check_equal(struct dsa_gpu_call *call, int64_t value,
                         int64_t expected, const char *what) {
  if (call->status || value == expected)
    return;
  call->status = fail(DSA_STATUS_ARGUMENT, "%s is %lld, expected %lld", what,
                      (long long)value, (long long)expected);
}
