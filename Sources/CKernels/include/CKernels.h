// Arithmetic for lines of neighboring positions that is worth wider vectors than every processor of a kind has:
// Swift compiles for all of them, these functions once for each width, and the widest is chosen as a run begins.
//
// No multiply-add is contracted and no sum reordered, so every width gives the same bits.
#pragma once
#include <stddef.h>
#include <stdint.h>

/// Vectors of two numbers in double precision (or what every processor of the kind has), of four, of eight.
typedef enum {
  kernel_width_least = 0,
  kernel_width_avx2 = 1,
  kernel_width_avx512 = 2,
} kernel_width;

/// The widest that this processor has.
kernel_width kernel_widest(void);

/// sums[i] = Σ kernel[t] · source[t · step + i], one t after the other, for 0 <= i < count.
void line_sums_form(
  const double *kernel, int taps, const double *source, size_t step, double *sums, size_t count,
  kernel_width width);

/// How a file stores signals.
typedef enum {
  signal_uint8,
  signal_uint16,
  signal_uint32,
  signal_int16,
  signal_int32,
  signal_float32,
  signal_float64,
} signal_type;

/// corrected[i] = (raw[i] - dark) · scale, in double precision.
void signals_correct(
  signal_type type, const void *raw, double dark, double scale, double *corrected, size_t count,
  kernel_width width);

/// The least and the largest signal of each tile of 4×4, of four lines one below the other.
///
/// `low` gets NaN where one of real signals is not finite, and `high` any number there. A tile at the end may lack
/// columns: (count + 3)/4 tiles are written.
void signals_extremes(
  signal_type type, const void *a, const void *b, const void *c, const void *d, size_t count,
  float *low, float *high, kernel_width width);

/// Blocks into which a search for walls cuts a frame along a line.
enum { wall_blocks = 16 };

/// Unit vectors along a line's normal, and along the component of a vector that is looked at.
typedef struct {
  double normal_x, normal_y;
  double direction_x, direction_y;
} wall_axes;

/// The bins along a line's normal.
typedef struct {
  /// Half of the frame along the normal and across it.
  double reach_u, reach_v;
  /// From place to place along the normal.
  double step;
  int places;
} wall_grid;

/// Adds the weight 1/σ² of each pixel's component, and the weighted component, to the pixel's bin.
///
/// - x, y: Places of the pixels.
/// - value_x ... covariance: The vector there, and its covariance.
/// - bins: The two sums side by side, block after block of place after place. What lies beyond the first or the last
///   place or block belongs to it.
void wall_bins_add(
  const double *x, const double *y, const double *value_x, const double *value_y,
  const double *variance_x, const double *variance_y, const double *covariance, size_t count,
  const wall_axes *axes, const wall_grid *grid, double *bins, kernel_width width);

/// Overlap with, and information on, a unit wall beside a free constant, in every block.
///
/// - weights, values: The sums of all bins, block after block of place after place.
/// - first, end: The places that the wall reaches.
/// - heights: Of the wall at these.
/// - overlaps, informations: Get a number for each block.
/// - returns: The sum of what the blocks gain in χ² one by one; infinite where rounding left an overlap without
///   information.
double wall_bins_match(
  const double *weights, const double *values, int first, int end, const double *heights,
  double *overlaps, double *informations, kernel_width width);

/// The projected shape of a wall: see `ProjectedWall`.
typedef struct {
  double factor;
  /// 2 cos a/w, per m.
  double scale;
  /// t sin a/w, and exp of minus it and of minus twice it.
  double box, decay, decay_squared;
  /// (1 - exp(-2 box))/box.
  double average;
  /// coth box - 1/box.
  double langevin;
} wall_shape;

/// The field in the image for E0 = 1 at some distances from the wall, to some 1e-15 of its height.
void wall_heights(
  const wall_shape *shape, const double *distances, size_t count, double *heights,
  kernel_width width);

/// Adds a wall to the model of a profile at some of its samples, and forms its derivatives by E0, ln w and the position.
///
/// - position: Of the wall, like the distances.
/// - weights: 1/σ of each sample.
/// - first, end: The samples that the wall reaches.
/// - model: The field in the image at each sample; the wall's is added.
/// - derivatives: Get the weight times the derivative by E0 at each of these, then those by ln w, then by the position.
void wall_add_samples(
  const wall_shape *shape, double amplitude, const double *distances, double position,
  const double *weights, size_t first, size_t end, double *model, double *derivatives,
  kernel_width width);

/// Sums of a unit wall t, good to 2e-7, held against what a fit leaves of a profile.
///
/// - weights: w = 1/σ² of each sample.
/// - residuals: w times what is left there.
/// - first, end: The samples that the wall reaches.
/// - sums: Get Σ w t, Σ w t² and Σ w r t; eight partial sums each, as in `wall_add_up`.
void wall_match(
  const wall_shape *shape, const double *distances, double position, const double *weights,
  const double *residuals, size_t first, size_t end, double *sums, kernel_width width);

/// Sums of the products of a wall's three columns of derivatives with others; eight partial sums each, as in
/// `wall_add_up`.
///
/// - own_first, other_first: Where the first column's numbers begin that are looked at.
/// - own_stride, other_stride: From there to those of the next column.
/// - count: Of the numbers of a column.
/// - sums: Get the products of the first of the others with the three, then those of the next.
void wall_products(
  const double *own, size_t own_first, size_t own_stride, const double *others,
  size_t other_first, size_t other_stride, int other_count, size_t count, double *sums,
  kernel_width width);

/// Sums of a fit of a wall beside a constant and a slope.
enum { wall_sums = 10 };

/// Adds up what least squares need of a wall's unit height t, the distance l and the component z of pixels.
///
/// - position: Of the wall along the normal.
/// - scale: l is the distance from the wall times it.
/// - x ... covariance: As in `wall_bins_add`.
/// - sums: Get Σ w times 1, l, l², t, t l, t², z, z l, z t and z², w being 1/σ² of z; eight partial sums each, of
///   every eighth pixel, added up at the end.
void wall_add_up(
  const wall_shape *shape, const wall_axes *axes, double position, double scale, const double *x,
  const double *y, const double *value_x, const double *value_y, const double *variance_x,
  const double *variance_y, const double *covariance, size_t count, double *sums,
  kernel_width width);

/// How the segments give the shift of a disc: see `DiscShiftEstimator`.
typedef struct {
  /// Segments that lie on the same side of every diameter make a group.
  int group_count;
  int diameter_count;
  /// Where each group begins in `segments`, and after the last where that ends.
  const int *group_starts;
  const int *segments;
  /// A sign for each group: those of the first diameter, then of the others.
  const double *signs;
  /// The disc's area over the area that counts.
  double hole_scale;
  /// rad
  double probe_semi_angle;
  /// The largest shift, rad.
  double range;
  /// How the diameters' shifts enter x and y: one number a diameter.
  const double *x_weights, *y_weights;
  /// What turns (and scales) the shifts that are written, row by row.
  double turn[4];
  /// Units of the signals for one electron; 0 where no covariance is wanted.
  double units_per_electron;
  /// The mean product of two diameters' sides over a centered disc: the second's with the first's, the third's with
  /// the first's, with the second's, and so on.
  const double *centered;
} disc_shift_model;

/// Where the results of some neighboring positions go.
typedef struct {
  /// rad, turned
  double *x, *y;
  /// rad², turned; not written where no covariance is wanted.
  double *xx, *xy, *yy;
  /// 1 where the numbers mean nothing: no counts, beyond the series, or beyond the range.
  uint8_t *is_wrong;
} disc_shift_results;

/// The shifts at some positions.
///
/// - signals: Those of segment s at position i are `signals[s * stride + i]`.
/// - returns: Whether there is a position with wrong numbers.
int disc_shift_form(
  const disc_shift_model *model, const double *signals, size_t stride, int count,
  disc_shift_results results, kernel_width width);

/// The even and the odd powers of the series of t/H in H², the highest first: see
/// `DiscShiftEstimator.shift(forHalfDifference:)`.
static const double disc_shift_series_even[7] = {
  0.010060708207759898, 0.006264571942092214, 0.0041714046085045905, 0.006264058993754643,
  0.011710017716365765, 0.03237512941370691,  0.7853981633974483};
static const double disc_shift_series_odd[6] = {
  -0.004965562721128686, 0.0022881701106349443, 0.004889784681984203,
  0.00831560581534785,   0.018032068556731073,  0.0807455121882754};

/// t by the series, for |H| up to `disc_shift_series_limit`.
static inline double disc_shift_series(double difference) {
#pragma STDC FP_CONTRACT OFF
  const double *even = disc_shift_series_even, *odd = disc_shift_series_odd;
  double u = difference * difference, v = u * u, first = even[0], second = odd[0];
  for (int k = 1; k < 7; k++) first = first * v + even[k];
  for (int k = 1; k < 6; k++) second = second * v + odd[k];
  return difference * (first + u * second);
}

/// The largest |H| for which the series holds.
static const double disc_shift_series_limit = 0.5;
