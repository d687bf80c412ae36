// Raw signals as they are stored: to corrected ones, and to the extremes of tiles of 4×4.
#include "widths.h"

#pragma STDC FP_CONTRACT OFF

/// Columns whose extremes stay in the innermost cache until they become those of tiles.
enum { columns_at_once = 512 };

/// Each body is inlined where the type is known, so that it becomes vector instructions for that type.
#define LEAST(a, b) ((b) < (a) ? (b) : (a))
#define LARGEST(a, b) ((b) > (a) ? (b) : (a))

/// Zero for numbers, NaN where one is NaN or infinite: comparing alone may lose it. Nothing for integers.
#define REST_OF_REALS(a, b, c, d) + ((a * 0 + b * 0) + (c * 0 + d * 0))
#define REST_OF_INTEGERS(a, b, c, d)

#define DEFINE(name, number, REST) \
  ALWAYS void correct_##name( \
    const void *raw, double dark, double scale, double *restrict corrected, size_t count) { \
    const number *line = raw; \
    for (size_t i = 0; i < count; i++) corrected[i] = ((double)line[i] - dark) * scale; \
  } \
  ALWAYS void extremes_##name( \
    const void *a, const void *b, const void *c, const void *d, size_t count, \
    float *restrict low, float *restrict high) { \
    number lows[columns_at_once], highs[columns_at_once]; \
    for (size_t first = 0; first < count; first += columns_at_once) { \
      size_t columns = LEAST(count - first, columns_at_once); \
      const number *p = (const number *)a + first, *q = (const number *)b + first; \
      const number *r = (const number *)c + first, *s = (const number *)d + first; \
      for (size_t i = 0; i < columns; i++) { \
        number left = LEAST(p[i], q[i]), right = LEAST(r[i], s[i]); \
        lows[i] = LEAST(left, right) REST(p[i], q[i], r[i], s[i]); \
        left = LARGEST(p[i], q[i]); \
        right = LARGEST(r[i], s[i]); \
        highs[i] = LARGEST(left, right); \
      } \
      /* The last column stands for those that a tile at the rim lacks. */ \
      for (; columns % 4; columns++) { \
        lows[columns] = lows[columns - 1]; \
        highs[columns] = highs[columns - 1]; \
      } \
      float *restrict lowest = low + first / 4, *restrict highest = high + first / 4; \
      for (size_t t = 0; t < columns / 4; t++) { \
        number e = lows[4 * t], f = lows[4 * t + 1], g = lows[4 * t + 2], h = lows[4 * t + 3]; \
        number left = LEAST(e, f), right = LEAST(g, h); \
        lowest[t] = (float)(LEAST(left, right) REST(e, f, g, h)); \
      } \
      for (size_t t = 0; t < columns / 4; t++) { \
        number e = highs[4 * t], f = highs[4 * t + 1]; \
        number g = highs[4 * t + 2], h = highs[4 * t + 3]; \
        number left = LARGEST(e, f), right = LARGEST(g, h); \
        highest[t] = (float)LARGEST(left, right); \
      } \
    } \
  }

DEFINE(uint8, uint8_t, REST_OF_INTEGERS)
DEFINE(uint16, uint16_t, REST_OF_INTEGERS)
DEFINE(uint32, uint32_t, REST_OF_INTEGERS)
DEFINE(int16, int16_t, REST_OF_INTEGERS)
DEFINE(int32, int32_t, REST_OF_INTEGERS)
DEFINE(float32, float, REST_OF_REALS)
DEFINE(float64, double, REST_OF_REALS)

#define FOR_TYPE(body, ...) \
  switch (type) { \
    case signal_uint8: body##_uint8(__VA_ARGS__); break; \
    case signal_uint16: body##_uint16(__VA_ARGS__); break; \
    case signal_uint32: body##_uint32(__VA_ARGS__); break; \
    case signal_int16: body##_int16(__VA_ARGS__); break; \
    case signal_int32: body##_int32(__VA_ARGS__); break; \
    case signal_float32: body##_float32(__VA_ARGS__); break; \
    case signal_float64: body##_float64(__VA_ARGS__); break; \
  }

ALWAYS void correct(
  signal_type type, const void *raw, double dark, double scale, double *corrected, size_t count) {
  FOR_TYPE(correct, raw, dark, scale, corrected, count)
}

#define PARAMETERS \
  signal_type type, const void *raw, double dark, double scale, double *corrected, size_t count
#define ARGUMENTS type, raw, dark, scale, corrected, count
AT_EACH_WIDTH(void, correct, PARAMETERS, ARGUMENTS)

void signals_correct(
  signal_type type, const void *raw, double dark, double scale, double *corrected, size_t count,
  kernel_width width) {
  CALL_AT_WIDTH(correct, width, ARGUMENTS);
}

#undef PARAMETERS
#undef ARGUMENTS

ALWAYS void extremes(
  signal_type type, const void *a, const void *b, const void *c, const void *d, size_t count,
  float *low, float *high) {
  FOR_TYPE(extremes, a, b, c, d, count, low, high)
}

#define PARAMETERS \
  signal_type type, const void *a, const void *b, const void *c, const void *d, size_t count, \
    float *low, float *high
#define ARGUMENTS type, a, b, c, d, count, low, high
AT_EACH_WIDTH(void, extremes, PARAMETERS, ARGUMENTS)

void signals_extremes(
  signal_type type, const void *a, const void *b, const void *c, const void *d, size_t count,
  float *low, float *high, kernel_width width) {
  CALL_AT_WIDTH(extremes, width, ARGUMENTS);
}
