// What the C library has beyond POSIX, and the system's own module leaves out.
#pragma once
#include <sys/types.h>
#include <sys/uio.h>
// Waits until all that was written to the file system of an open file is on its disk.
int syncfs(int descriptor);
// With the flag the system begins to write to the disk what it holds of these bytes, and nobody waits.
int sync_file_range(int descriptor, off_t offset, off_t count, unsigned int flags);
#ifndef SYNC_FILE_RANGE_WRITE
#define SYNC_FILE_RANGE_WRITE 2
#endif
// Reads at a place; with the flag only what is in the system's memory already.
ssize_t preadv2(int descriptor, const struct iovec *parts, int count, off_t offset, int flags);
#ifndef RWF_NOWAIT
#define RWF_NOWAIT 0x00000008
#endif
