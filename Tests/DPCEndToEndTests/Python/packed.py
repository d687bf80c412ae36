# Stores the frames of an acquisition again, packed by LZF, and in a second file says that it was bitshuffle, which
# plain HDF5 does not unpack.
import sys

import h5py

path, foreign = sys.argv[1:]
with h5py.File(path, "r+") as file:
    frames = file["entry/data/frames"]
    values, units = frames[...], frames.attrs["units"]
    del file["entry/data/frames"]
    packed = file["entry/data"].create_dataset(
        "frames", data=values, chunks=(1,) + values.shape[1:], compression="lzf", shuffle=True
    )
    packed.attrs["units"] = units
with open(path, "rb") as file:
    content = file.read()
# Number of the filter, length of its name, flags, count of its values, name.
lzf = (32000).to_bytes(2, "little") + b"\x08\0\1\0\3\0lzf\0"
assert content.count(lzf) == 1
with open(foreign, "wb") as file:
    file.write(content.replace(lzf, (32008).to_bytes(2, "little") + lzf[2:]))
