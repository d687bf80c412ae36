// Which vectors this processor has.
#include "CKernels.h"

kernel_width kernel_widest(void) {
#if defined(__x86_64__)
  if (
    __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512dq")
    && __builtin_cpu_supports("avx512bw") && __builtin_cpu_supports("avx512vl"))
    return kernel_width_avx512;
  if (__builtin_cpu_supports("avx2")) return kernel_width_avx2;
#endif
  return kernel_width_least;
}
