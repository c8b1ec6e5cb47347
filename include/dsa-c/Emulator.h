/* Emulator.h - PTX on the CPU, for C and what calls C.
 *
 * Part of dsa-mlir, under the Apache License v2.0 with LLVM Exceptions.
 * SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
 *
 * Beside these, the library that has them, a stand-in for libcuda.so.1, has the
 * functions of the CUDA driver that the runtime of compiled functions calls:
 * what a program does with a GPU it does with the emulator too. How it is to do
 * it, and what it saw, is here. Not to be called by several threads at once.
 */
#ifndef DSA_C_EMULATOR_H
#define DSA_C_EMULATOR_H

#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/* Sets an option of all launches that follow. False for an unknown name or
 * value.
 *   check-races  0 or 1 (default)
 *   seed         of the schedule; 0 is the default
 *   isa          baseline, avx2, avx512 or best (default)
 *   device       what the device says it is: sm_80 (default), sm_86, sm_89,
 *                sm_90, sm_100 or sm_120; several, with commas between, for as
 *                many devices */
int32_t dsa_emulator_set(const char *option, const char *value);

/* What the launches since the last call of `dsa_emulator_clear` did. */
const char *dsa_emulator_error(void); /* of the first that stopped, or "" */
int64_t dsa_emulator_race_count(void);
const char *dsa_emulator_race(int64_t number); /* or NULL behind the last */
/* `warp-instructions`, `lane-instructions`, `launches`; or how often warps
 * executed an opcode, such as `bar.sync`, with or without its modifiers. */
int64_t dsa_emulator_count(const char *what);
/* Contexts in which a kernel failed can be used again afterwards. */
void dsa_emulator_clear(void);

/* The driver's own answer is a number: why a module did not load, or "". */
const char *dsa_emulator_load_error(void);

/* A buffer of the caller's that kernels may touch, until it is removed. */
void dsa_emulator_add_buffer(void *address, uint64_t bytes, const char *name);
void dsa_emulator_remove_buffer(void *address);

#ifdef __cplusplus
}
#endif

#endif /* DSA_C_EMULATOR_H */
