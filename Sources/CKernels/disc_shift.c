// The inverse of a shifted disc, eight positions at a time: what belongs to them stays in registers.
#include "eights.h"

#pragma STDC FP_CONTRACT OFF

typedef uint8_t eight_bytes __attribute__((vector_size(8)));

ALWAYS eight larger(eight a, eight b) {
  return where(a > b, a, b);
}

/// Σ even[k] u^(12 - 2k) + u Σ odd[k] u^(10 - 2k).
///
/// Even and odd powers are summed apart: two short chains of operations wait less for each other than a long one.
ALWAYS eight polynomial(const double even[7], const double odd[6], eight u) {
  eight v = u * u, first = v * even[0] + even[1], second = v * odd[0] + odd[1];
  for (int k = 2; k < 7; k++) first = first * v + even[k];
  for (int k = 2; k < 6; k++) second = second * v + odd[k];
  return first + u * second;
}

/// dt/dH = (π/4)/√(1 - t²) by the derivative of the series, to 5e-15 of it where the series holds.
ALWAYS eight slope(eight difference) {
  static const double even[7] = {
    0.25151770519399747, 0.1315560107839365,  0.07091387834457805, 0.08143276691881036,
    0.10539015944729188, 0.16187564706853455, 0.7853981633974483};
  static const double odd[6] = {
    -0.11420794258595977, 0.04347523210206394, 0.07334677022976305,
    0.09147166396882635,  0.12622447989711752, 0.2422365365648262};
  return polynomial(even, odd, difference * difference);
}

/// The sign of a group: 1 for the sum of all, a diameter's, or the product of two diameters'.
ALWAYS double sign(const double *first, const double *second, int group) {
  return (first ? first[group] : 1) * (second ? second[group] : 1);
}

/// Σ sign · part.
ALWAYS eight sum_parts(
  const eight *parts, int groups, const double *first, const double *second) {
  eight sum = {0};
  int g = 0;
  if (groups >= 4) {
    sum = (sign(first, second, 0) * parts[0] + sign(first, second, 1) * parts[1])
      + (sign(first, second, 2) * parts[2] + sign(first, second, 3) * parts[3]);
    g = 4;
  }
  for (; g < groups; g++) sum += sign(first, second, g) * parts[g];
  return sum;
}

/// How a number that belongs to two diameters enters the covariance that is written.
typedef struct {
  double xx, xy, yy;
} entry_weights;

ALWAYS entry_weights weights(const disc_shift_model *model, int j, int k) {
  const double *m = model->turn;
  // What is written of one unit of either diameter's shift.
  double xj = m[0] * model->x_weights[j] + m[1] * model->y_weights[j];
  double yj = m[2] * model->x_weights[j] + m[3] * model->y_weights[j];
  double xk = m[0] * model->x_weights[k] + m[1] * model->y_weights[k];
  double yk = m[2] * model->x_weights[k] + m[3] * model->y_weights[k];
  // Two different ones enter in either order.
  double scale = j == k ? 0.5 : 1;
  entry_weights w = {
    .xx = scale * 2 * xj * xk, .xy = scale * (xj * yk + xk * yj), .yy = scale * 2 * yj * yk};
  return w;
}

/// Adds what belongs to two diameters to the covariance.
ALWAYS void add(entry_weights w, eight share, eight *xx, eight *xy, eight *yy) {
  *xx += w.xx * share;
  *xy += w.xy * share;
  *yy += w.yy * share;
}

/// The covariance of the shifts, from the groups' parts and the diameters' means.
///
/// With q = 1/N it is ((1 + q)² - H²) factor times the square of a diameter's slope, and for two of them
/// ((1 + q) (⟨s s'⟩ + q centered) - H H') factor times both slopes, factor = q/(1 + q + q²). One electron of a centered
/// disc is added to the N, so that the mean of the covariance is right for any N: see `DiscShiftEstimator`.
ALWAYS void write_covariance(
  const disc_shift_model *model, int groups, int diameters, const eight *parts, eight inverse,
  const eight *means, disc_shift_results results, int first, int count) {
  eight xx = {0}, xy = {0}, yy = {0};
  eight q = inverse * model->units_per_electron, factor = q / (1 + q + q * q);
  double scale = model->hole_scale, steepness = model->hole_scale * model->probe_semi_angle;
  const double *centered = model->centered;
  eight slopes[diameters];
  for (int j = 0; j < diameters; j++) {
    slopes[j] = steepness * slope(means[j] * scale);
    eight excess = (1 + q) * (1 + q) - means[j] * means[j];
    add(weights(model, j, j), excess * factor * (slopes[j] * slopes[j]), &xx, &xy, &yy);
    for (int k = 0; k < j; k++) {
      eight product = sum_parts(
        parts, groups, model->signs + j * groups, model->signs + k * groups);
      eight together = (1 + q) * (product * inverse + q * *centered++);
      eight share = (together - means[j] * means[k]) * factor * (slopes[j] * slopes[k]);
      add(weights(model, j, k), share, &xx, &xy, &yy);
    }
  }
  store(xx, results.xx + first, count);
  store(xy, results.xy + first, count);
  store(yy, results.yy + first, count);
}

/// The sum of a group's segments.
ALWAYS eight sum_group(
  const disc_shift_model *model, int group, const double *signals, size_t stride, int count) {
  const int *segment = model->segments + model->group_starts[group];
  const int *end = model->segments + model->group_starts[group + 1];
  eight part = load(signals + (size_t)*segment++ * stride, count);
  for (; segment < end; segment++) part += load(signals + (size_t)*segment * stride, count);
  return part;
}

/// Up to eight positions.
///
/// - returns: Flags of those whose numbers are wrong: no counts, beyond the series, or beyond the range.
ALWAYS eight_flags form_some(
  const disc_shift_model *model, int groups, int diameters, const double *signals, size_t stride,
  disc_shift_results results, int first, int count) {
  eight parts[groups], means[diameters];
  for (int g = 0; g < groups; g++) {
    parts[g] = sum_group(model, g, signals + first, stride, count);
  }
  eight inverse = 1 / sum_parts(parts, groups, NULL, NULL);
  eight x = {0}, y = {0}, largest = {0};
  for (int j = 0; j < diameters; j++) {
    means[j] = sum_parts(parts, groups, model->signs + j * groups, NULL) * inverse;
    eight fraction = means[j] * model->hole_scale;
    eight series = polynomial(disc_shift_series_even, disc_shift_series_odd, fraction * fraction);
    eight component = model->probe_semi_angle * (fraction * series);
    x += model->x_weights[j] * component;
    y += model->y_weights[j] * component;
    largest = larger(largest, size(fraction));
  }
  const double *m = model->turn;
  store(m[0] * x + m[1] * y, results.x + first, count);
  store(m[2] * x + m[3] * y, results.y + first, count);
  if (model->units_per_electron > 0) {
    write_covariance(
      model, groups, diameters, parts, inverse, means, results, first, count);
  }
  // No counts leave no finite positive number, or a shift that is none.
  eight_flags is_right = (inverse > 0) & (largest <= disc_shift_series_limit)
    & (x * x + y * y <= model->range * model->range);
  eight_bytes is_wrong = __builtin_convertvector(~is_right, eight_bytes) & 1;
  __builtin_memcpy(results.is_wrong + first, &is_wrong, (size_t)count);
  return ~is_right;
}

ALWAYS int form_all(
  const disc_shift_model *model, int groups, int diameters, const double *signals, size_t stride,
  int count, disc_shift_results results) {
  eight_flags wrong = {0};
  int first = 0;
  for (; first + lanes <= count; first += lanes) {
    wrong |= form_some(model, groups, diameters, signals, stride, results, first, lanes);
  }
  int64_t any = 0;
  for (int i = 0; i < lanes; i++) any |= wrong[i];
  if (first < count) {
    wrong = form_some(model, groups, diameters, signals, stride, results, first, count - first);
    for (int i = 0; i < count - first; i++) any |= wrong[i];
  }
  return any != 0;
}

ALWAYS int form(
  const disc_shift_model *model, const double *signals, size_t stride, int count,
  disc_shift_results results) {
  // Quadrants, which most detectors have, are known to the compiler: loops over them become none.
  return model->group_count == 4 && model->diameter_count == 2
    ? form_all(model, 4, 2, signals, stride, count, results)
    : form_all(
      model, model->group_count, model->diameter_count, signals, stride, count, results);
}

#define PARAMETERS \
  const disc_shift_model *model, const double *signals, size_t stride, int count, \
    disc_shift_results results
#define ARGUMENTS model, signals, stride, count, results
AT_EACH_WIDTH(int, form, PARAMETERS, ARGUMENTS)

int disc_shift_form(
  const disc_shift_model *model, const double *signals, size_t stride, int count,
  disc_shift_results results, kernel_width width) {
  CALL_AT_WIDTH(form, width, ARGUMENTS);
}
