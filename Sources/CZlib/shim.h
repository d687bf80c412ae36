// zlib: undoes the deflate filter of HDF5 outside that library's lock.
#pragma once
#include <zlib.h>
