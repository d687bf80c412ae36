// Eight numbers in double precision at a time, in as many registers as a processor takes for them.
#pragma once
#include "widths.h"

// All that takes or returns vectors is inlined: no call passes one.
#pragma clang diagnostic ignored "-Wpsabi"

/// Numbers of eight neighbors, and what a comparison gives.
typedef double eight __attribute__((vector_size(64)));
typedef int64_t eight_flags __attribute__((vector_size(64)));

enum { lanes = 8 };

/// Some of eight neighbors, wherever they begin, the others zero. Where the compiler knows that they are eight, it is
/// one instruction or a few; else it is a call.
ALWAYS eight load(const double *source, size_t some) {
  eight numbers = {0};
  __builtin_memcpy(&numbers, source, some * sizeof(double));
  return numbers;
}

ALWAYS void store(eight numbers, double *target, size_t some) {
  __builtin_memcpy(target, &numbers, some * sizeof(double));
}

/// `number` where the flag is set, else the other one.
ALWAYS eight where(eight_flags flags, eight number, eight other) {
  return (eight)(((eight_flags)number & flags) | ((eight_flags)other & ~flags));
}

ALWAYS eight size(eight number) {
  return (eight)((eight_flags)number & INT64_MAX);
}
