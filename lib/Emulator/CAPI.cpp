//===- CAPI.cpp - The emulator for C --------------------------------------===//
//
// Part of dsa-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Session.h"
#include "dsa-c/Emulator.h"

#include <charconv>

using namespace dsa::emulator;

#define DSA_EMULATOR_API extern "C" __attribute__((visibility("default")))

/// A number in decimal digits and nothing else.
template <typename T>
static bool parseNumber(std::string_view text, T &value) {
  auto [end, error] =
      std::from_chars(text.data(), text.data() + text.size(), value);
  return error == std::errc() && end == text.data() + text.size();
}

static bool setISA(LaunchOptions &options, std::string_view name) {
  if (name == "best") {
    options.isa = getHostISA();
    return true;
  }
  for (HostISA isa : {HostISA::Baseline, HostISA::AVX2, HostISA::AVX512})
    if (isa <= getHostISA() && name == getName(isa)) {
      options.isa = isa;
      return true;
    }
  return false;
}

DSA_EMULATOR_API int32_t dsa_emulator_set(const char *option,
                                          const char *value) {
  Session &session = Session::get();
  std::lock_guard<std::mutex> lock(session.mutex);
  std::string_view name(option), text(value);
  if (name == "check-races") {
    session.options.checkRaces = text == "1";
    return text == "0" || text == "1";
  }
  if (name == "seed")
    return parseNumber(text, session.options.seed);
  if (name == "isa")
    return setISA(session.options, text);
  return name == "device" && session.setDevices(text);
}

DSA_EMULATOR_API const char *dsa_emulator_error(void) {
  return Session::get().getReport().error.c_str();
}

DSA_EMULATOR_API int64_t dsa_emulator_race_count(void) {
  return Session::get().getReport().raceCount;
}

DSA_EMULATOR_API const char *dsa_emulator_race(int64_t number) {
  const std::vector<std::string> &races = Session::get().getReport().races;
  bool isThere = number >= 0 && size_t(number) < races.size();
  return isThere ? races[number].c_str() : nullptr;
}

DSA_EMULATOR_API int64_t dsa_emulator_count(const char *what) {
  const Session &session = Session::get();
  const Statistics &statistics = session.getReport().statistics;
  std::string_view name(what);
  if (name == "launches")
    return session.getLaunchCount();
  if (name == "warp-instructions")
    return statistics.warpInstructions;
  if (name == "lane-instructions")
    return statistics.laneInstructions;
  uint64_t count = 0;
  for (const auto &[opcode, executions] : statistics.byOpcode) {
    std::string_view begin = std::string_view(opcode).substr(0, name.size());
    bool isWhole = opcode.size() == name.size() || opcode[name.size()] == '.';
    if (begin == name && isWhole)
      count += executions;
  }
  return count;
}

DSA_EMULATOR_API void dsa_emulator_clear(void) {
  Session &session = Session::get();
  std::lock_guard<std::mutex> lock(session.mutex);
  session.clear();
}

DSA_EMULATOR_API const char *dsa_emulator_load_error(void) {
  return Session::get().loadError.c_str();
}

DSA_EMULATOR_API void dsa_emulator_add_buffer(void *address, uint64_t bytes,
                                              const char *name) {
  Session &session = Session::get();
  std::lock_guard<std::mutex> lock(session.mutex);
  session.memory.add(address, bytes, name);
}

DSA_EMULATOR_API void dsa_emulator_remove_buffer(void *address) {
  Session &session = Session::get();
  std::lock_guard<std::mutex> lock(session.mutex);
  session.memory.remove(address);
}
