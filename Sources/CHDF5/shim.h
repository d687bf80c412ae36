// HDF5; the macros that initialise the library or cast, which Swift cannot import, as functions.
#pragma once
#include <hdf5.h>
