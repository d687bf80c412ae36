# Makes one thing of an acquisition odd, in place.
#
# odd_items.py FILE KIND PATH
import sys

import h5py
import numpy

name, kind, path = sys.argv[1:]
ESCAPE = "co\x1b[2J\x1b[31mre\nerror: forged\x9b2J"

with h5py.File(name, "r+") as file:
    if kind in ("unwritten", "filled", "dangling"):
        units = dict(file[path].attrs) if path in file else {"units": "counts"}
        shape = file[path].shape if path in file else (8,)
        if path in file:
            del file[path]
        if kind == "dangling":
            file[path] = h5py.SoftLink("/nowhere/at/all")
        else:
            fill = 3.0 if kind == "filled" else None
            made = file.create_dataset(path, shape, "f8", fillvalue=fill)
            made.attrs.update(units)
    elif kind == "moved":
        file.move(path, "/elsewhere/below")
        file[path] = h5py.SoftLink("/elsewhere/below")
    elif kind == "text":
        del file[path]
        file[path] = ESCAPE
    elif kind == "unit":
        file[path].attrs["units"] = ESCAPE
    elif kind == "long unit":
        file[path].attrs["units"] = "m" * 60000
    elif kind == "no unit":
        file[path].attrs["units"] = ""
    elif kind == "nan":
        values = numpy.array(file[path])
        bits = numpy.array([0xFFF8003FFFF73212], dtype="u8").view("f8")
        file[path][0] = bits[0]
