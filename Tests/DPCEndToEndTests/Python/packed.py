# Stores the frames of an acquisition again, packed by LZF, which plain HDF5 does not unpack.
import sys

import h5py

with h5py.File(sys.argv[1], "r+") as file:
    frames = file["entry/data/frames"]
    values, units = frames[...], frames.attrs["units"]
    del file["entry/data/frames"]
    packed = file["entry/data"].create_dataset(
        "frames", data=values, chunks=(1,) + values.shape[1:], compression="lzf"
    )
    packed.attrs["units"] = units
