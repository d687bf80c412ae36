// What the C library has beyond POSIX, and the system's own module leaves out.
#pragma once
// Waits until all that was written to the file system of an open file is on its disk.
int syncfs(int descriptor);
