// What fits of walls to a profile form at each sample, and the sums over them.
#include "wall_shape.h"

#pragma STDC FP_CONTRACT OFF

/// Adds up to eight samples of a wall to the model, and forms its derivatives there.
ALWAYS void add_samples(
  const wall_shape *shape, double amplitude, const double *distances, double position,
  const double *weights, double *model, double *by_amplitude, double *by_width,
  double *by_position, size_t some) {
  eight u = (load(distances, some) - position) * shape->scale, weight = load(weights, some);
  shape_terms found = terms(shape, size(u), exact_terms);
  double height = shape->factor * amplitude;
  eight none = {0}, value = found.value;
  // dP/dc and dP/dd, c being half of u.
  eight by_c = -2 * value * where(u < none, -found.slope, found.slope);
  eight by_d = value * (shape->langevin - shape->box * value / 2);
  store(load(model, some) + height * value, model, some);
  store(weight * shape->factor * value, by_amplitude, some);
  store(-(weight * height) * (by_c * (u / 2) + by_d * shape->box), by_width, some);
  store(-(weight * height) * (by_c * (shape->scale / 2)), by_position, some);
}

ALWAYS void add(
  const wall_shape *shape, double amplitude, const double *distances, double position,
  const double *weights, size_t first, size_t end, double *model, double *derivatives) {
  distances += first, weights += first, model += first;
  size_t i = 0, count = end - first;
  double *by_width = derivatives + count, *by_position = by_width + count;
  for (; i + lanes <= count; i += lanes) {
    add_samples(
      shape, amplitude, distances + i, position, weights + i, model + i, derivatives + i,
      by_width + i, by_position + i, lanes);
  }
  if (i < count) {
    add_samples(
      shape, amplitude, distances + i, position, weights + i, model + i, derivatives + i,
      by_width + i, by_position + i, count - i);
  }
}

#define PARAMETERS \
  const wall_shape *shape, double amplitude, const double *distances, double position, \
    const double *weights, size_t first, size_t end, double *model, double *derivatives
#define ARGUMENTS \
  shape, amplitude, distances, position, weights, first, end, model, derivatives
AT_EACH_WIDTH(void, add, PARAMETERS, ARGUMENTS)

void wall_add_samples(
  const wall_shape *shape, double amplitude, const double *distances, double position,
  const double *weights, size_t first, size_t end, double *model, double *derivatives,
  kernel_width width) {
  CALL_AT_WIDTH(add, width, ARGUMENTS);
}

#undef PARAMETERS
#undef ARGUMENTS

ALWAYS void match_some(
  const wall_shape *shape, const double *distances, double position, const double *weights,
  const double *residuals, size_t some, eight *lane) {
  eight twice = size((load(distances, some) - position) * shape->scale);
  eight t = shape->factor * terms(shape, twice, rough_terms).value;
  eight wt = load(weights, some) * t;
  lane[0] += wt, lane[1] += wt * t, lane[2] += load(residuals, some) * t;
}

ALWAYS void match(
  const wall_shape *shape, const double *distances, double position, const double *weights,
  const double *residuals, size_t first, size_t end, double *sums) {
  eight lane[3] = {{0}};
  size_t i = first;
  for (; i + lanes <= end; i += lanes) {
    match_some(shape, distances + i, position, weights + i, residuals + i, lanes, lane);
  }
  if (i < end) {
    match_some(shape, distances + i, position, weights + i, residuals + i, end - i, lane);
  }
  for (int k = 0; k < 3; k++) {
    sums[k] = 0;
    for (int j = 0; j < lanes; j++) sums[k] += lane[k][j];
  }
}

#define PARAMETERS \
  const wall_shape *shape, const double *distances, double position, const double *weights, \
    const double *residuals, size_t first, size_t end, double *sums
#define ARGUMENTS shape, distances, position, weights, residuals, first, end, sums
AT_EACH_WIDTH(void, match, PARAMETERS, ARGUMENTS)

void wall_match(
  const wall_shape *shape, const double *distances, double position, const double *weights,
  const double *residuals, size_t first, size_t end, double *sums, kernel_width width) {
  CALL_AT_WIDTH(match, width, ARGUMENTS);
}

#undef PARAMETERS
#undef ARGUMENTS

ALWAYS void products(
  const double *own, size_t own_stride, const double *other, size_t other_stride, int other_count,
  size_t count, double *sums) {
  for (int j = 0; j < other_count; j++, other += other_stride) {
    eight lane[3] = {{0}};
    size_t i = 0;
    for (; i + lanes <= count; i += lanes) {
      eight number = load(other + i, lanes);
      for (int k = 0; k < 3; k++) lane[k] += load(own + k * own_stride + i, lanes) * number;
    }
    if (i < count) {
      eight number = load(other + i, count - i);
      for (int k = 0; k < 3; k++) lane[k] += load(own + k * own_stride + i, count - i) * number;
    }
    for (int k = 0; k < 3; k++) {
      sums[3 * j + k] = 0;
      for (int l = 0; l < lanes; l++) sums[3 * j + k] += lane[k][l];
    }
  }
}

#define PARAMETERS \
  const double *own, size_t own_stride, const double *other, size_t other_stride, \
    int other_count, size_t count, double *sums
#define ARGUMENTS own, own_stride, other, other_stride, other_count, count, sums
AT_EACH_WIDTH(void, products, PARAMETERS, ARGUMENTS)

void wall_products(
  const double *own, size_t own_first, size_t own_stride, const double *others,
  size_t other_first, size_t other_stride, int other_count, size_t count, double *sums,
  kernel_width width) {
  CALL_AT_WIDTH(
    products, width, own + own_first, own_stride, others + other_first, other_stride, other_count,
    count, sums);
}
