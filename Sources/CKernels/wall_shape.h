// The projected shape of a wall at eight distances: see `ProjectedWall`.
#pragma once
#include "eights.h"

#pragma STDC FP_CONTRACT OFF

/// Terms of the series of exp r, |r| <= ln 2/2, for an error of 4e-18, and of 1e-7 where a search only compares.
enum { exact_terms = 14, rough_terms = 7 };

/// exp x for x <= 0, with so many terms to 2 ulp or to 1e-7; the smallest normal numbers stand for what is smaller.
///
/// x = n ln 2 + r.
ALWAYS eight exponential(eight x, int term_count) {
  static const double series[exact_terms] = {
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
  for (int k = exact_terms - term_count; k < exact_terms; k++) sum = sum * r + series[k];
  // 2^n: n at the place of the exponent.
  return (eight)((eight_flags)sum + ((eight_flags)shifted << 52));
}

/// P, and sinh 2|c|/(cosh 2c + cosh d).
typedef struct {
  eight value, slope;
} shape_terms;

/// - twice: 2|c| at eight distances.
ALWAYS shape_terms terms(const wall_shape *shape, eight twice, int term_count) {
  eight_flags is_outside = twice >= shape->box;
  eight beyond = twice - shape->box;
  eight q = exponential(where(is_outside, -beyond, beyond), term_count);
  double decay = shape->decay, decay_squared = shape->decay_squared;
  eight down = q * decay * q * decay;
  // Edge-on walls have no inside.
  if (shape->box > 0) down = where(is_outside, down, decay_squared / q);
  eight denominator = where(
    is_outside, 1 + down + q * (1 + decay_squared), 1 + decay_squared + q + down);
  eight one = {1, 1, 1, 1, 1, 1, 1, 1};
  shape_terms found = {
    .value = 2 * shape->average * where(is_outside, q, one) / denominator,
    .slope = (where(is_outside, one, q) - down) / denominator};
  return found;
}

ALWAYS eight unit_heights(const wall_shape *shape, eight distance) {
  return shape->factor * terms(shape, size(distance * shape->scale), exact_terms).value;
}
