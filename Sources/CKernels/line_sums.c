// Sums of shifted lines: what every separable filter consists of.
#include "widths.h"

#pragma STDC FP_CONTRACT OFF

/// Eight numbers wherever they begin, in as many registers as they take.
typedef double eight __attribute__((vector_size(64), aligned(8), may_alias));

ALWAYS void form(
  const double *kernel, int taps, const double *source, size_t step, double *sums, size_t count) {
  size_t i = 0;
  // Sums stay in registers until all lines are added.
  for (; i + 32 <= count; i += 32) {
    eight a = {0}, b = {0}, c = {0}, d = {0};
    const double *line = source + i;
    for (int tap = 0; tap < taps; tap++, line += step) {
      a += kernel[tap] * *(const eight *)line;
      b += kernel[tap] * *(const eight *)(line + 8);
      c += kernel[tap] * *(const eight *)(line + 16);
      d += kernel[tap] * *(const eight *)(line + 24);
    }
    *(eight *)(sums + i) = a;
    *(eight *)(sums + i + 8) = b;
    *(eight *)(sums + i + 16) = c;
    *(eight *)(sums + i + 24) = d;
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
