# Opens result files as silx (and with it H5Web) and nexusformat (NeXpy) do; prints what they object to.
import sys

import h5py
import nexusformat.nexus as nx
import numpy
from silx.io import nxdata


def silx_issues(path):
    with h5py.File(path, "r") as file:
        default = nxdata.get_default(file, validate=True)
        if default is None or not default.is_valid:
            yield "silx finds no default plot"
        else:
            if default.issues:
                yield f"silx on the default plot: {default.issues}"
            if default.signal.shape != tuple(len(axis) for axis in default.axes):
                yield "silx sees axes that do not fit the signal"
        groups = [
            group
            for group in file["entry"].values()
            if group.attrs.get("NX_class") == "NXdata"
        ]
        if not groups:
            yield "no NXdata group"
        for group in groups:
            data = nxdata.NXdata(group, validate=True)
            if not data.is_valid or data.issues:
                yield f"silx on {group.name}: {data.issues}"
            if data.signal is None or data.signal.size == 0:
                yield f"silx sees no signal in {group.name}"


def nexusformat_issues(path):
    root = nx.nxload(path)
    plottable = root.plottable_data
    if plottable is None or plottable.nxsignal is None:
        yield "nexusformat finds nothing to plot"
    elif not numpy.isfinite(plottable.nxsignal.nxvalue).any():
        yield "nexusformat plots nothing but NaN"
    elif plottable.nxname != root["entry"].attrs["default"]:
        yield f"nexusformat plots {plottable.nxname}"
    for name, group in root["entry"].items():
        if group.nxclass != "NXdata":
            continue
        if group.nxsignal is None or group.nxaxes is None:
            yield f"nexusformat sees no signal or axes in {name}"
        elif [len(axis) for axis in group.nxaxes] != list(group.nxsignal.shape):
            yield f"nexusformat sees axes that do not fit in {name}"
        elif group.nxsignal.ndim == 2 and any(
            "units" not in axis.attrs for axis in group.nxaxes
        ):
            yield f"nexusformat sees axes without units in {name}"
    if not any(group.nxclass == "NXprocess" for group in root["entry"].values()):
        yield "nexusformat sees no NXprocess"


for result in sys.argv[1:]:
    for issue in [*silx_issues(result), *nexusformat_issues(result)]:
        print(f"{result}: {issue}")
