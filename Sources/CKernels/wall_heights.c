// The projected shape of a wall at many distances: see `ProjectedWall`.
#include "widths.h"

#pragma STDC FP_CONTRACT OFF
// All that takes or returns vectors is inlined: no call passes one.
#pragma clang diagnostic ignored "-Wpsabi"

/// Numbers of eight distances, in as many registers as they take, and what a comparison gives.
typedef double eight __attribute__((vector_size(64)));
typedef int64_t eight_flags __attribute__((vector_size(64)));

/// Distances that are done at once; fewer at the end of a list.
enum { lanes = 8 };

ALWAYS eight where(eight_flags flags, eight number, eight other) {
  return (eight)(((eight_flags)number & flags) | ((eight_flags)other & ~flags));
}

/// exp x for x <= 0, to 2 ulp; the smallest normal numbers stand for what is smaller.
///
/// x = n ln 2 + r with |r| <= ln 2/2, where the series of exp r to the power 13 is good to 4e-18.
ALWAYS eight exponential(eight x) {
  static const double series[14] = {
    1.0 / 6227020800, 1.0 / 479001600, 1.0 / 39916800, 1.0 / 3628800, 1.0 / 362880,
    1.0 / 40320,      1.0 / 5040,      1.0 / 720,      1.0 / 120,     1.0 / 24,
    1.0 / 6,          1.0 / 2,         1,              1};
  // ln 2 in two parts, the first with zeros at its end: its products with n are exact.
  const double log2_e = 1.4426950408889634, high = 0x1.62e42feep-1, low = 0x1.a39ef35793c76p-33;
  // Adding this leaves n in the last bits.
  const double shift = 0x1.8p52;
  eight least = {-708, -708, -708, -708, -708, -708, -708, -708};
  x = where(x < least, least, x);
  eight shifted = x * log2_e + shift, n = shifted - shift;
  eight r = (x - n * high) - n * low, sum = {0};
  for (int k = 0; k < 14; k++) sum = sum * r + series[k];
  // 2^n: n at the place of the exponent.
  return (eight)((eight_flags)sum + ((eight_flags)shifted << 52));
}

ALWAYS eight form_some(const wall_shape *shape, eight distance) {
  eight twice = (eight)((eight_flags)(distance * shape->scale) & INT64_MAX);
  eight_flags is_outside = twice >= shape->box;
  eight beyond = twice - shape->box;
  eight q = exponential(where(is_outside, -beyond, beyond));
  double decay = shape->decay, decay_squared = shape->decay_squared;
  eight down = where(is_outside, q * decay * q * decay, decay_squared / q);
  eight denominator = where(
    is_outside, 1 + down + q * (1 + decay_squared), 1 + decay_squared + q + down);
  eight one = {1, 1, 1, 1, 1, 1, 1, 1};
  return shape->factor * (2 * shape->average * where(is_outside, q, one) / denominator);
}

ALWAYS void form(const wall_shape *shape, const double *distances, size_t count, double *heights) {
  while (count > 0) {
    size_t some = count < lanes ? count : lanes;
    eight distance = {0};
    __builtin_memcpy(&distance, distances, some * sizeof(double));
    eight height = form_some(shape, distance);
    __builtin_memcpy(heights, &height, some * sizeof(double));
    distances += some, heights += some, count -= some;
  }
}

#define PARAMETERS \
  const wall_shape *shape, const double *distances, size_t count, double *heights
#define ARGUMENTS shape, distances, count, heights
AT_EACH_WIDTH(void, form, PARAMETERS, ARGUMENTS)

void wall_heights(
  const wall_shape *shape, const double *distances, size_t count, double *heights,
  kernel_width width) {
  CALL_AT_WIDTH(form, width, ARGUMENTS);
}
