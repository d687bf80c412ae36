// FFTW
