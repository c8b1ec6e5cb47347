//===- Session.cpp - What the emulator is told, and what it saw -----------===//
//
// Part of dsa-mlir, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Session.h"

using namespace dsa::emulator;

/// From the CUDA programming guide's technical specifications by compute
/// capability. Multiprocessors are those of A100, RTX 3090 Ti, RTX 4090, H100,
/// B200 and RTX 5090.
static constexpr DeviceProperties known[] = {
    {"sm_80", 8, 0, 108, 163 << 10, 164 << 10, 65536, 2048},
    {"sm_86", 8, 6, 84, 99 << 10, 100 << 10, 65536, 1536},
    {"sm_89", 8, 9, 128, 99 << 10, 100 << 10, 65536, 1536},
    {"sm_90", 9, 0, 132, 227 << 10, 228 << 10, 65536, 2048},
    {"sm_100", 10, 0, 148, 227 << 10, 228 << 10, 65536, 2048},
    {"sm_120", 12, 0, 170, 99 << 10, 100 << 10, 65536, 1536}};

const DeviceProperties *dsa::emulator::findDevice(std::string_view target) {
  for (const DeviceProperties &device : known)
    if (device.target == target)
      return &device;
  return nullptr;
}

Session::Session() : devices{&known[0]} {}

Session &Session::get() {
  // Never destroyed: threads and destructors of the program may still run
  // kernels.
  static Session *session = new Session;
  return *session;
}

bool Session::setDevices(std::string_view targets) {
  std::vector<const DeviceProperties *> found;
  while (true) {
    size_t comma = targets.find(',');
    found.push_back(findDevice(targets.substr(0, comma)));
    if (!found.back())
      return false;
    if (comma == std::string_view::npos)
      break;
    targets.remove_prefix(comma + 1);
  }
  devices = std::move(found);
  return true;
}

void Session::add(const Report &launched) {
  ++launches;
  if (report.error.empty()) {
    report.error = launched.error;
    report.failure = launched.failure;
  }
  for (const std::string &race : launched.races)
    if (report.races.size() < Report::maxRaces)
      report.races.push_back(race);
  report.raceCount += launched.raceCount;
  Statistics &all = report.statistics;
  all.warpInstructions += launched.statistics.warpInstructions;
  all.laneInstructions += launched.statistics.laneInstructions;
  for (const auto &[opcode, count] : launched.statistics.byOpcode)
    all.byOpcode[opcode] += count;
}

void Session::clear() {
  report = Report();
  launches = 0;
}
