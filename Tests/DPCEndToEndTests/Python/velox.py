# Writes four images of a quadrant detector as Velox files them, or tells whether an acquisition holds them.
#
# velox.py make FILE.emd
# velox.py check ACQUISITION.h5
import json
import sys

import h5py
import numpy

# Axes: y, x, frame. Each number tells its quadrant, row, column and frame.
ROWS, COLUMNS, FRAMES = 5, 7, 2
row, column, frame = numpy.indices((ROWS, COLUMNS, FRAMES))
images = {
    quadrant: 20000 + 2000 * number + 1000 * frame + 100 * row + column
    for number, quadrant in enumerate("ABCD")
}
state = {
    "Optics": {"AccelerationVoltage": "300000"},
    "Detectors": {
        "Detector-0": {
            "DetectorName": "BF",
            "CollectionAngleRange": {"begin": "0", "end": "0"},
        },
        "Detector-1": {
            "DetectorName": "DF4",
            "CollectionAngleRange": {"begin": "0.004", "end": "0.03"},
        },
    },
    "BinaryResult": {"PixelSize": {"width": "2e-9", "height": "3e-9"}},
}


def make(name):
    text = numpy.zeros((60000, FRAMES), "u1")
    words = json.dumps(state).encode()
    text[: len(words)] = numpy.frombuffer(words, "u1")[:, None]
    with h5py.File(name, "w") as file:
        # The order of names is none of the quadrants'.
        for quadrant, key in zip("ABCD", ("7c", "1f", "a0", "03")):
            path = f"/Data/Image/{key}"
            file[path + "/Data"] = images[quadrant].astype("u2")
            file[path + "/Metadata"] = text
            display = {"display": {"label": "DF4-" + quadrant}, "dataPath": path}
            file["Presentation/Displays/ImageDisplay/" + key] = [json.dumps(display)]


def check(name):
    with h5py.File(name) as file:
        frames = file["entry/data/frames"][...]
    wanted = numpy.stack([images[quadrant] for quadrant in "ABCD"])
    assert (frames == wanted.transpose(3, 0, 1, 2)).all(), frames


{"make": make, "check": check}[sys.argv[1]](sys.argv[2])
