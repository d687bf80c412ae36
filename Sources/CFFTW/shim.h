// FFTW with the constants that Swift cannot import: macros built from shifts, and an array of characters.
#pragma once
#include <fftw3.h>
static inline const char *cfftw_version(void) { return fftw_version; }
static const unsigned cfftw_estimate = FFTW_ESTIMATE, cfftw_unaligned = FFTW_UNALIGNED,
                      cfftw_preserve_input = FFTW_PRESERVE_INPUT;
