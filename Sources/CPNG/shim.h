// libpng, and one encoder: its errors leave by longjmp, which must not cross a Swift frame.
#pragma once
#include <png.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <zlib.h>

/// Bytes in memory, grown as they are written; `bytes` is to be released with free().
typedef struct {
  uint8_t *bytes;
  size_t count;
  size_t capacity;
} CPNG_Buffer;

static inline void CPNG_append(png_structp png, png_bytep data, size_t count) {
  CPNG_Buffer *buffer = (CPNG_Buffer *)png_get_io_ptr(png);
  if (buffer->capacity - buffer->count < count) {
    size_t capacity = 2 * (buffer->capacity + count);
    uint8_t *bytes = (uint8_t *)realloc(buffer->bytes, capacity);
    if (!bytes) png_error(png, "no memory left");
    buffer->bytes = bytes;
    buffer->capacity = capacity;
  }
  memcpy(buffer->bytes + buffer->count, data, count);
  buffer->count += count;
}

static inline void CPNG_flush(png_structp png) { (void)png; }
static inline void CPNG_ignore(png_structp png, png_const_charp message) {
  (void)png;
  (void)message;
}
static inline void CPNG_fail(png_structp png, png_const_charp message) {
  (void)message;
  png_longjmp(png, 1);
}

/// Encodes pixels 0x00RRGGBB as an 8-bit RGB image; 0 is success. On failure nothing is to be freed.
static inline int CPNG_encode(const uint32_t *pixels, uint32_t width, uint32_t height,
                              int level, uint32_t pixelsPerMeter, CPNG_Buffer *buffer) {
  png_structp png = png_create_write_struct(PNG_LIBPNG_VER_STRING, NULL, CPNG_fail, CPNG_ignore);
  if (!png) return 1;
  png_infop info = png_create_info_struct(png);
  uint8_t *row = (uint8_t *)malloc((size_t)width * 3 + 1);
  if (!info || !row || setjmp(png_jmpbuf(png))) {
    png_destroy_write_struct(&png, &info);
    free(row);
    free(buffer->bytes);
    memset(buffer, 0, sizeof *buffer);
    return 1;
  }
  png_set_write_fn(png, buffer, CPNG_append, CPNG_flush);
  png_set_compression_level(png, level);
  // Noise has no repeats to look for but runs: half the time, and hardly larger files.
  png_set_compression_strategy(png, Z_RLE);
  png_set_filter(png, PNG_FILTER_TYPE_BASE, PNG_FILTER_UP);
  png_set_IHDR(png, info, width, height, 8, PNG_COLOR_TYPE_RGB, PNG_INTERLACE_NONE,
               PNG_COMPRESSION_TYPE_DEFAULT, PNG_FILTER_TYPE_DEFAULT);
  png_set_sRGB(png, info, PNG_sRGB_INTENT_PERCEPTUAL);
  if (pixelsPerMeter) {
    png_set_pHYs(png, info, pixelsPerMeter, pixelsPerMeter, PNG_RESOLUTION_METER);
  }
  png_write_info(png, info);
  for (uint32_t y = 0; y < height; ++y) {
    const uint32_t *source = pixels + (size_t)y * width;
    for (uint32_t x = 0; x < width; ++x) {
      row[3 * x] = (uint8_t)(source[x] >> 16);
      row[3 * x + 1] = (uint8_t)(source[x] >> 8);
      row[3 * x + 2] = (uint8_t)source[x];
    }
    png_write_row(png, row);
  }
  png_write_end(png, info);
  png_destroy_write_struct(&png, &info);
  free(row);
  return 0;
}
