// The inverse of a shifted disc for lines of positions: every loop is one formula, over lines in the innermost cache.
#include "widths.h"

#pragma STDC FP_CONTRACT OFF

/// part = the sum of a group's segments.
ALWAYS void sum_group(
  const double *signals, size_t stride, const int *segments, int count, int n,
  double *restrict part) {
  const double *a = signals + (size_t)segments[0] * stride;
  if (count == 1) {
    for (int i = 0; i < n; i++) part[i] = a[i];
    return;
  }
  const double *b = signals + (size_t)segments[1] * stride;
  for (int i = 0; i < n; i++) part[i] = a[i] + b[i];
  for (int k = 2; k < count; k++) {
    const double *c = signals + (size_t)segments[k] * stride;
    for (int i = 0; i < n; i++) part[i] += c[i];
  }
}

/// The sign of a group: 1 for the sum of all, a diameter's, or the product of two diameters'.
ALWAYS double sign(const double *first, const double *second, int group) {
  return (first ? first[group] : 1) * (second ? second[group] : 1);
}

/// sum = Σ sign · part.
ALWAYS void sum_parts(
  const double *parts, int groups, const double *first, const double *second, int n,
  double *restrict sum) {
  int g = 0;
  if (groups >= 4) {
    const double *a = parts, *b = a + kernel_line_length;
    const double *c = b + kernel_line_length, *d = c + kernel_line_length;
    double p = sign(first, second, 0), q = sign(first, second, 1);
    double r = sign(first, second, 2), s = sign(first, second, 3);
    for (int i = 0; i < n; i++) sum[i] = (p * a[i] + q * b[i]) + (r * c[i] + s * d[i]);
    g = 4;
  } else {
    for (int i = 0; i < n; i++) sum[i] = 0;
  }
  for (; g < groups; g++) {
    const double *a = parts + g * kernel_line_length;
    double p = sign(first, second, g);
    for (int i = 0; i < n; i++) sum[i] += p * a[i];
  }
}

/// One diameter's mean side and the shift along its normal, which enters x and y.
ALWAYS void add_shift(
  const disc_shift_model *model, int diameter, const double *restrict difference,
  const double *restrict inverse, int n, double *restrict mean, double *restrict largest,
  double *restrict x, double *restrict y) {
  double scale = model->hole_scale, angle = model->probe_semi_angle;
  double x_weight = model->x_weights[diameter], y_weight = model->y_weights[diameter];
  for (int i = 0; i < n; i++) {
    double part = difference[i] * inverse[i];
    double fraction = part * scale;
    double component = angle * disc_shift_series(fraction);
    double size = fraction < 0 ? -fraction : fraction;
    mean[i] = part;
    x[i] += x_weight * component;
    y[i] += y_weight * component;
    largest[i] = largest[i] > size ? largest[i] : size;
  }
}

/// Whether the numbers are wrong: no counts, beyond the series, or beyond the range.
ALWAYS int judge(
  const disc_shift_model *model, const double *restrict inverse, const double *restrict largest,
  const double *restrict x, const double *restrict y, int n, uint8_t *restrict is_wrong) {
  double limit = disc_shift_series_limit, largest_square = model->range * model->range;
  uint8_t any = 0;
  for (int i = 0; i < n; i++) {
    double square = x[i] * x[i] + y[i] * y[i];
    // No counts leave no finite positive number, or a shift that is none.
    uint8_t wrong = !(inverse[i] > 0) | !(largest[i] <= limit) | !(square <= largest_square);
    is_wrong[i] = wrong;
    any |= wrong;
  }
  return any;
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

/// q = 1/N, and q/(1 + q + q²).
///
/// One electron of a centered disc is added to the N, so that the mean of the covariance is right for any N: see
/// `DiscShiftEstimator`.
ALWAYS void count(
  const disc_shift_model *model, const double *restrict inverse, int n, double *restrict q,
  double *restrict factor) {
  double units = model->units_per_electron;
  for (int i = 0; i < n; i++) {
    double part = inverse[i] * units;
    q[i] = part;
    factor[i] = part / (1 + part + part * part);
  }
}

/// What a diameter's shift changes for a change of its mean, rad, and its own variance: ((1 + q)² - H²) factor times
/// the square of that.
ALWAYS void add_variance(
  const disc_shift_model *model, int diameter, const double *restrict mean,
  const double *restrict q, const double *restrict factor, int n, double *restrict slope,
  double *restrict xx, double *restrict xy, double *restrict yy) {
  double scale = model->hole_scale, steepness = model->hole_scale * model->probe_semi_angle;
  entry_weights w = weights(model, diameter, diameter);
  for (int i = 0; i < n; i++) {
    double steep = steepness * disc_shift_slope(mean[i] * scale);
    double excess = (1 + q[i]) * (1 + q[i]) - mean[i] * mean[i];
    double share = excess * factor[i] * (steep * steep);
    slope[i] = steep;
    xx[i] += w.xx * share;
    xy[i] += w.xy * share;
    yy[i] += w.yy * share;
  }
}

/// The covariance of two diameters' shifts: ((1 + q) (⟨s s'⟩ + q centered) - H H') factor times their slopes.
ALWAYS void add_covariance(
  entry_weights w, double centered, const double *restrict product,
  const double *restrict inverse, const double *restrict q, const double *restrict factor,
  const double *restrict mean_j, const double *restrict mean_k, const double *restrict slope_j,
  const double *restrict slope_k, int n, double *restrict xx, double *restrict xy,
  double *restrict yy) {
  for (int i = 0; i < n; i++) {
    double together = (1 + q[i]) * (product[i] * inverse[i] + q[i] * centered);
    double share = (together - mean_j[i] * mean_k[i]) * factor[i] * (slope_j[i] * slope_k[i]);
    xx[i] += w.xx * share;
    xy[i] += w.xy * share;
    yy[i] += w.yy * share;
  }
}

ALWAYS void clear(double *restrict line, int n) {
  for (int i = 0; i < n; i++) line[i] = 0;
}

/// The lines that are worked in, one after the other.
typedef struct {
  double *parts, *sum, *inverse, *largest, *x, *y, *q, *factor, *means, *slopes;
} work_lines;

ALWAYS work_lines divide(const disc_shift_model *model, double *work) {
  size_t length = kernel_line_length;
  work_lines lines;
  lines.sum = work;
  lines.inverse = lines.sum + length;
  lines.largest = lines.inverse + length;
  lines.x = lines.largest + length;
  lines.y = lines.x + length;
  lines.q = lines.y + length;
  lines.factor = lines.q + length;
  lines.parts = lines.factor + length;
  lines.means = lines.parts + (size_t)model->group_count * length;
  lines.slopes = lines.means + (size_t)model->diameter_count * length;
  return lines;
}

size_t disc_shift_work_lines(const disc_shift_model *model) {
  return 7 + (size_t)model->group_count + 2 * (size_t)model->diameter_count;
}

ALWAYS void add_covariances(
  const disc_shift_model *model, work_lines lines, int n, disc_shift_results results) {
  int groups = model->group_count;
  clear(results.xx, n);
  clear(results.xy, n);
  clear(results.yy, n);
  count(model, lines.inverse, n, lines.q, lines.factor);
  const double *centered = model->centered;
  for (int j = 0; j < model->diameter_count; j++) {
    double *mean_j = lines.means + j * kernel_line_length;
    double *slope_j = lines.slopes + j * kernel_line_length;
    add_variance(
      model, j, mean_j, lines.q, lines.factor, n, slope_j, results.xx, results.xy, results.yy);
    for (int k = 0; k < j; k++) {
      sum_parts(
        lines.parts, groups, model->signs + j * groups, model->signs + k * groups, n, lines.sum);
      add_covariance(
        weights(model, j, k), *centered++, lines.sum, lines.inverse, lines.q, lines.factor, mean_j,
        lines.means + k * kernel_line_length, slope_j, lines.slopes + k * kernel_line_length, n,
        results.xx, results.xy, results.yy);
    }
  }
}

ALWAYS int form(
  const disc_shift_model *model, const double *signals, size_t stride, int n, double *work,
  disc_shift_results results) {
  work_lines lines = divide(model, work);
  int groups = model->group_count;
  for (int g = 0; g < groups; g++) {
    int first = model->group_starts[g];
    sum_group(
      signals, stride, model->segments + first, model->group_starts[g + 1] - first, n,
      lines.parts + g * kernel_line_length);
  }
  clear(lines.x, n);
  clear(lines.y, n);
  clear(lines.largest, n);
  sum_parts(lines.parts, groups, NULL, NULL, n, lines.sum);
  for (int i = 0; i < n; i++) lines.inverse[i] = 1 / lines.sum[i];
  for (int j = 0; j < model->diameter_count; j++) {
    sum_parts(lines.parts, groups, model->signs + j * groups, NULL, n, lines.sum);
    add_shift(
      model, j, lines.sum, lines.inverse, n, lines.means + j * kernel_line_length, lines.largest,
      lines.x, lines.y);
  }
  const double *m = model->turn;
  for (int i = 0; i < n; i++) results.x[i] = m[0] * lines.x[i] + m[1] * lines.y[i];
  for (int i = 0; i < n; i++) results.y[i] = m[2] * lines.x[i] + m[3] * lines.y[i];
  if (model->units_per_electron > 0) add_covariances(model, lines, n, results);
  return judge(model, lines.inverse, lines.largest, lines.x, lines.y, n, results.is_wrong);
}

#define PARAMETERS \
  const disc_shift_model *model, const double *signals, size_t stride, int count, double *work, \
    disc_shift_results results
#define ARGUMENTS model, signals, stride, count, work, results
AT_EACH_WIDTH(int, form, PARAMETERS, ARGUMENTS)

int disc_shift_form(
  const disc_shift_model *model, const double *signals, size_t stride, int count, double *work,
  disc_shift_results results, kernel_width width) {
  CALL_AT_WIDTH(form, width, ARGUMENTS);
}
