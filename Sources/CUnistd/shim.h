// What the C library has beyond POSIX, and the system's own module leaves out.
#pragma once
#include <sys/types.h>
#include <sys/uio.h>
// Waits until all that was written to the file system of an open file is on its disk.
int syncfs(int descriptor);
// Reads at a place; with the flag only what is in the system's memory already.
ssize_t preadv2(int descriptor, const struct iovec *parts, int count, off_t offset, int flags);
#ifndef RWF_NOWAIT
#define RWF_NOWAIT 0x00000008
#endif
