# Writes an acquisition as a program would that is killed before its end, or whose file lost its rest.
#
# dead_writer.py GOOD OUT KIND; ends with 9, since a writer that dies says nothing good.
import os
import shutil
import sys

import h5py

good, out, kind = sys.argv[1:]
FRAMES = "entry/data/frames"
size = os.path.getsize(good)

if kind in ("latest", "swmr", "earliest", "never"):
    version = "latest" if kind in ("latest", "swmr") else "earliest"
    given, made = h5py.File(good), h5py.File(out, "w", libver=version)
    for name in given:
        given.copy(name, made)
    del made[FRAMES]
    frames = given[FRAMES]
    chunks = None if kind == "never" else (1, *frames.shape[1:])
    copy = made.create_dataset(FRAMES, frames.shape, frames.dtype, chunks=chunks)
    copy.attrs["units"] = frames.attrs["units"]
    if kind == "swmr":
        made.swmr_mode = True
    if kind != "never":
        for segment in range(frames.shape[0] // 2):
            copy[segment] = frames[segment]
    made.flush()
else:
    shutil.copy(good, out)
    if kind == "short":
        os.truncate(out, size // 2)
    else:
        start = 0 if kind == "blank" else 600
        with open(out, "r+b") as file:
            file.seek(start)
            file.write(bytes(size - start))
# No destructor runs: what the library has not written by now is lost.
os._exit(9)
