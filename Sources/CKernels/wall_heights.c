// The projected shape of a wall at many distances, and what a fit of it to pixels adds up: see `ProjectedWall`.
#include "wall_shape.h"

#pragma STDC FP_CONTRACT OFF

ALWAYS void form(const wall_shape *shape, const double *distances, size_t count, double *heights) {
  size_t first = 0;
  for (; first + lanes <= count; first += lanes) {
    store(unit_heights(shape, load(distances + first, lanes)), heights + first, lanes);
  }
  if (first < count) {
    size_t some = count - first;
    store(unit_heights(shape, load(distances + first, some)), heights + first, some);
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

#undef PARAMETERS
#undef ARGUMENTS

/// Where the pixels are, and what they hold.
typedef struct {
  const double *x, *y, *value_x, *value_y, *variance_x, *variance_y, *covariance;
} pixel_lists;

/// Adds up to eight pixels, each in a lane of its own.
ALWAYS void add_some(
  const wall_shape *shape, const wall_axes *axes, double position, double scale,
  const pixel_lists *pixels, size_t first, size_t some, eight *lane) {
  double nx = axes->normal_x, ny = axes->normal_y, dx = axes->direction_x, dy = axes->direction_y;
  const eight none = {0}, number = {0, 1, 2, 3, 4, 5, 6, 7};
  eight u = load(pixels->x + first, some) * nx + load(pixels->y + first, some) * ny - position;
  eight variance = dx * dx * load(pixels->variance_x + first, some)
    + dy * dy * load(pixels->variance_y + first, some)
    + 2 * dx * dy * load(pixels->covariance + first, some);
  // Lanes beyond the last pixel have no weight.
  eight w = where(number < none + (double)some, 1 / variance, none);
  eight value = dx * load(pixels->value_x + first, some) + dy * load(pixels->value_y + first, some);
  eight t = unit_heights(shape, u), l = u * scale;
  eight wl = w * l, wt = w * t, wy = w * value;
  lane[0] += w, lane[1] += wl, lane[2] += wl * l, lane[3] += wt, lane[4] += wt * l;
  lane[5] += wt * t, lane[6] += wy, lane[7] += wy * l, lane[8] += wy * t, lane[9] += wy * value;
}

ALWAYS void add_up(
  const wall_shape *shape, const wall_axes *axes, double position, double scale, const double *x,
  const double *y, const double *value_x, const double *value_y, const double *variance_x,
  const double *variance_y, const double *covariance, size_t count, double *sums) {
  const pixel_lists pixels = {x, y, value_x, value_y, variance_x, variance_y, covariance};
  eight lane[wall_sums] = {{0}};
  size_t first = 0;
  for (; first + lanes <= count; first += lanes) {
    add_some(shape, axes, position, scale, &pixels, first, lanes, lane);
  }
  if (first < count) add_some(shape, axes, position, scale, &pixels, first, count - first, lane);
  for (int k = 0; k < wall_sums; k++) {
    sums[k] = 0;
    for (int i = 0; i < lanes; i++) sums[k] += lane[k][i];
  }
}

#define PARAMETERS \
  const wall_shape *shape, const wall_axes *axes, double position, double scale, \
    const double *x, const double *y, const double *value_x, const double *value_y, \
    const double *variance_x, const double *variance_y, const double *covariance, size_t count, \
    double *sums
#define ARGUMENTS \
  shape, axes, position, scale, x, y, value_x, value_y, variance_x, variance_y, covariance, \
    count, sums
AT_EACH_WIDTH(void, add_up, PARAMETERS, ARGUMENTS)

void wall_add_up(
  const wall_shape *shape, const wall_axes *axes, double position, double scale, const double *x,
  const double *y, const double *value_x, const double *value_y, const double *variance_x,
  const double *variance_y, const double *covariance, size_t count, double *sums,
  kernel_width width) {
  CALL_AT_WIDTH(add_up, width, ARGUMENTS);
}
