// One body of a kernel, compiled for each width of vectors.
#pragma once
#include "CKernels.h"

#define ALWAYS static inline __attribute__((always_inline))

#if defined(__x86_64__)
#define AVX2 __attribute__((target("avx2")))
#define AVX512 __attribute__((target("avx512f,avx512dq,avx512bw,avx512vl"), min_vector_width(512)))
#else
#define AVX2
#define AVX512
#endif

/// Functions body_least, body_avx2 and body_avx512 that consist of the inline function `body`.
#define AT_EACH_WIDTH(result, body, parameters, arguments) \
  static result body##_least(parameters) { return body(arguments); } \
  AVX2 static result body##_avx2(parameters) { return body(arguments); } \
  AVX512 static result body##_avx512(parameters) { return body(arguments); }

/// Returns what the function of that width gives.
#define CALL_AT_WIDTH(body, width, ...) \
  switch (width) { \
    case kernel_width_avx512: return body##_avx512(__VA_ARGS__); \
    case kernel_width_avx2: return body##_avx2(__VA_ARGS__); \
    default: return body##_least(__VA_ARGS__); \
  }
