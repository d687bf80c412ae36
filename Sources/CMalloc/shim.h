// The settings of the C library's allocator, which the system's own module leaves out.
#pragma once
#include <malloc.h>
