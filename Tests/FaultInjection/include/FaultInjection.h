// Loaded before a program (LD_PRELOAD), faults.c stops or refuses one of its system calls. Nothing to call.
