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

/// An image on its way to a PNG file. It must stay where it is from CPNG_begin to CPNG_release.
typedef struct {
  png_structp png;
  png_infop info;
  /// One row of bytes.
  uint8_t *row;
  uint32_t width;
  CPNG_Buffer buffer;
} CPNG_Encoder;

/// Releases everything that an encoder holds, its bytes too.
static inline void CPNG_release(CPNG_Encoder *encoder) {
  if (encoder->png) png_destroy_write_struct(&encoder->png, &encoder->info);
  free(encoder->row);
  free(encoder->buffer.bytes);
  memset(encoder, 0, sizeof *encoder);
}

/// Begins an 8-bit RGB image; 0 is success. Whatever it returns, CPNG_release ends it.
static inline int CPNG_begin(CPNG_Encoder *encoder, uint32_t width, uint32_t height, int level,
                             uint32_t pixelsPerMeter) {
  memset(encoder, 0, sizeof *encoder);
  encoder->width = width;
  encoder->png = png_create_write_struct(PNG_LIBPNG_VER_STRING, NULL, CPNG_fail, CPNG_ignore);
  if (!encoder->png) return 1;
  encoder->info = png_create_info_struct(encoder->png);
  encoder->row = (uint8_t *)malloc((size_t)width * 3 + 1);
  if (!encoder->info || !encoder->row || setjmp(png_jmpbuf(encoder->png))) return 1;
  png_set_write_fn(encoder->png, &encoder->buffer, CPNG_append, CPNG_flush);
  png_set_compression_level(encoder->png, level);
  // Noise has no repeats to look for but runs: half the time, and hardly larger files.
  png_set_compression_strategy(encoder->png, Z_RLE);
  png_set_filter(encoder->png, PNG_FILTER_TYPE_BASE, PNG_FILTER_UP);
  png_set_IHDR(encoder->png, encoder->info, width, height, 8, PNG_COLOR_TYPE_RGB,
               PNG_INTERLACE_NONE, PNG_COMPRESSION_TYPE_DEFAULT, PNG_FILTER_TYPE_DEFAULT);
  png_set_sRGB(encoder->png, encoder->info, PNG_sRGB_INTENT_PERCEPTUAL);
  if (pixelsPerMeter) {
    png_set_pHYs(encoder->png, encoder->info, pixelsPerMeter, pixelsPerMeter,
                 PNG_RESOLUTION_METER);
  }
  png_write_info(encoder->png, encoder->info);
  return 0;
}

/// Adds the next row of pixels 0x--RRGGBB, of which the first byte does not matter; 0 is success.
static inline int CPNG_add(CPNG_Encoder *encoder, const uint32_t *pixels) {
  if (setjmp(png_jmpbuf(encoder->png))) return 1;
  uint8_t *row = encoder->row;
  for (uint32_t x = 0; x < encoder->width; ++x) {
    row[3 * x] = (uint8_t)(pixels[x] >> 16);
    row[3 * x + 1] = (uint8_t)(pixels[x] >> 8);
    row[3 * x + 2] = (uint8_t)pixels[x];
  }
  png_write_row(encoder->png, row);
  return 0;
}

/// Ends the image when it has all rows; 0 is success, and the file is in the buffer.
static inline int CPNG_end(CPNG_Encoder *encoder) {
  if (setjmp(png_jmpbuf(encoder->png))) return 1;
  png_write_end(encoder->png, encoder->info);
  return 0;
}
