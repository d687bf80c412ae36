// Bins along and across a line: the arithmetic of pixels, and what walls of one width gain at a place.
#include "eights.h"

#pragma STDC FP_CONTRACT OFF

/// Pixels whose arithmetic is done before they are put into their bins.
enum { at_once = 256 };

ALWAYS double within(double number, double last) {
  number = number > 0 ? number : 0;
  return number < last ? number : last;
}

ALWAYS void add(
  const double *x, const double *y, const double *value_x, const double *value_y,
  const double *variance_x, const double *variance_y, const double *covariance, size_t count,
  const wall_axes *axes, const wall_grid *grid, double *bins) {
  double nx = axes->normal_x, ny = axes->normal_y, dx = axes->direction_x, dy = axes->direction_y;
  double reach_u = grid->reach_u, reach_v = grid->reach_v, width = 2 * reach_v, step = grid->step;
  double xx = dx * dx, yy = dy * dy, xy = 2 * dx * dy;
  double last_place = grid->places - 1, last_block = wall_blocks - 1;
  int32_t bin[at_once];
  double weights[at_once], values[at_once];
  while (count > 0) {
    size_t pieces = count < at_once ? count : at_once;
    for (size_t i = 0; i < pieces; i++) {
      double across = (x[i] * nx + y[i] * ny + reach_u) / step;
      double along = (y[i] * nx - x[i] * ny + reach_v) / width * wall_blocks;
      bin[i] = (int32_t)within(across, last_place) * wall_blocks
        + (int32_t)within(along, last_block);
    }
    for (size_t i = 0; i < pieces; i++) {
      double weight = 1 / (xx * variance_x[i] + yy * variance_y[i] + xy * covariance[i]);
      weights[i] = weight;
      values[i] = weight * (dx * value_x[i] + dy * value_y[i]);
    }
    for (size_t i = 0; i < pieces; i++) {
      // Weight and weighted value side by side: one sum for both.
      double *sums = bins + 2 * bin[i];
      sums[0] += weights[i];
      sums[1] += values[i];
    }
    x += pieces, y += pieces, value_x += pieces, value_y += pieces;
    variance_x += pieces, variance_y += pieces, covariance += pieces;
    count -= pieces;
  }
}

#define PARAMETERS \
  const double *x, const double *y, const double *value_x, const double *value_y, \
    const double *variance_x, const double *variance_y, const double *covariance, size_t count, \
    const wall_axes *axes, const wall_grid *grid, double *bins
#define ARGUMENTS \
  x, y, value_x, value_y, variance_x, variance_y, covariance, count, axes, grid, bins
AT_EACH_WIDTH(void, add, PARAMETERS, ARGUMENTS)

void wall_bins_add(
  const double *x, const double *y, const double *value_x, const double *value_y,
  const double *variance_x, const double *variance_y, const double *covariance, size_t count,
  const wall_axes *axes, const wall_grid *grid, double *bins, kernel_width width) {
  CALL_AT_WIDTH(add, width, ARGUMENTS);
}

#undef PARAMETERS
#undef ARGUMENTS

/// Half of the blocks of a place.
///
/// - returns: What they gain, block by block.
ALWAYS eight match_half(
  const double *weights, const double *values, int first, int end, const double *heights,
  double *overlaps, double *informations) {
  eight level = {0}, mean = {0}, height = {0}, information = {0}, overlap = {0};
  for (int k = first; k < end; k++) {
    double t = heights[k - first];
    eight w = load(weights + k * wall_blocks, lanes);
    eight y = load(values + k * wall_blocks, lanes);
    level += w;
    mean += y;
    height += t * w;
    information += t * t * w;
    overlap += t * y;
  }
  eight none = {0};
  eight_flags is_seen = level > none;
  eight share = height / level, rest = information - share * height;
  information = where(is_seen, where(rest < none, none, rest), information);
  overlap = where(is_seen, overlap - share * mean, overlap);
  store(overlap, overlaps, lanes);
  store(information, informations, lanes);
  eight gain = overlap * overlap / information;
  return where((information <= none) & (overlap == none), none, gain);
}

ALWAYS double match(
  const double *weights, const double *values, int first, int end, const double *heights,
  double *overlaps, double *informations) {
  eight gains = match_half(weights, values, first, end, heights, overlaps, informations)
    + match_half(
      weights + lanes, values + lanes, first, end, heights, overlaps + lanes, informations + lanes);
  double sum = 0;
  for (int i = 0; i < lanes; i++) sum += gains[i];
  return sum;
}

#define PARAMETERS \
  const double *weights, const double *values, int first, int end, const double *heights, \
    double *overlaps, double *informations
#define ARGUMENTS weights, values, first, end, heights, overlaps, informations
AT_EACH_WIDTH(double, match, PARAMETERS, ARGUMENTS)

double wall_bins_match(
  const double *weights, const double *values, int first, int end, const double *heights,
  double *overlaps, double *informations, kernel_width width) {
  CALL_AT_WIDTH(match, width, ARGUMENTS);
}
