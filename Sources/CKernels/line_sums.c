// Sums of shifted lines: what every separable filter consists of.
#include "eights.h"

#pragma STDC FP_CONTRACT OFF

ALWAYS void form(
  const double *kernel, int taps, const double *source, size_t step, double *sums, size_t count) {
  size_t i = 0;
  // Sums stay in registers until all lines are added.
  for (; i + 32 <= count; i += 32) {
    eight a = {0}, b = {0}, c = {0}, d = {0};
    const double *line = source + i;
    for (int tap = 0; tap < taps; tap++, line += step) {
      a += kernel[tap] * load(line, lanes);
      b += kernel[tap] * load(line + 8, lanes);
      c += kernel[tap] * load(line + 16, lanes);
      d += kernel[tap] * load(line + 24, lanes);
    }
    store(a, sums + i, lanes);
    store(b, sums + i + 8, lanes);
    store(c, sums + i + 16, lanes);
    store(d, sums + i + 24, lanes);
  }
  for (; i < count; i++) {
    double sum = 0;
    for (int tap = 0; tap < taps; tap++) sum += kernel[tap] * source[i + (size_t)tap * step];
    sums[i] = sum;
  }
}

#define PARAMETERS \
  const double *kernel, int taps, const double *source, size_t step, double *sums, size_t count
#define ARGUMENTS kernel, taps, source, step, sums, count
AT_EACH_WIDTH(void, form, PARAMETERS, ARGUMENTS)

void line_sums_form(
  const double *kernel, int taps, const double *source, size_t step, double *sums, size_t count,
  kernel_width width) {
  CALL_AT_WIDTH(form, width, ARGUMENTS);
}
