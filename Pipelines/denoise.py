# Median over a window around each pixel: an example of a program for dpc's exec stage.
#
# denoise.py INPUT OUTPUT RADIUS
#
# Takes any vector map and leaves one of the same kind. Spikes vanish, edges of walls stay. No errors are
# stated, for those of a median over correlated pixels are not simply known.
import sys

import h5py
import numpy as np

source, target, radius = sys.argv[1], sys.argv[2], int(sys.argv[3])
side = 2 * radius + 1

with h5py.File(source) as given, h5py.File(target, "w") as made:
    made.attrs["kind"] = given.attrs["kind"]
    for name in ("x", "y"):
        values = given[name][()]
        windows = np.lib.stride_tricks.sliding_window_view(
            np.pad(values, radius, mode="edge"), (side, side)
        )
        medians = np.full(values.shape, np.nan)
        # NaN where nothing was measured: such pixels stay so, and count nowhere.
        measured = ~np.isnan(values)
        medians[measured] = np.nanmedian(windows[measured], axis=(1, 2))
        made.create_dataset(name, data=medians).attrs["units"] = given[name].attrs["units"]
        change = np.sqrt(np.nanmean((medians - values) ** 2))
        print(f"{name}: root mean square change {change:.3g} {given[name].attrs['units']}")
