# Holds files against NeXus as punx and nexusformat know it, offline; a line `objection: ...` for each error.
#
# nexus.py FILE...
#
# punx brings the definitions v2018.5, nexusformat newer ones. Application definitions play no part: dpc's files
# claim none (no dataset `definition`), and the validator of pynxtools, which knows nothing else, passes over
# every entry without one.
import logging
import os
import sys
import tempfile
import types


class Settings:
    """Stands in for Qt's settings, of which punx asks where its definitions lie."""

    IniFormat = UserScope = None

    def __init__(self, *arguments):
        own = os.path.join(tempfile.gettempdir(), "dpc-tests-punx", "punx.ini")
        self.path = arguments[0] if isinstance(arguments[0], str) else own

    def fileName(self):
        return self.path


sys.modules["PyQt5"] = types.ModuleType("PyQt5")
sys.modules["PyQt5.QtCore"] = sys.modules["PyQt5"].QtCore = types.ModuleType("PyQt5.QtCore")
sys.modules["PyQt5.QtCore"].QSettings = Settings

from nexusformat.nexus import validate as nexusformat_validation  # noqa: E402
from punx import finding, validate  # noqa: E402

# What an acquisition cannot keep, by words of the objection, and why; a result has no exceptions.
ALLOWED = {
    "axes['segment']": "frames are one of a kind for each segment: there is no scale to plot over",
    "axes['frame']": "as above, for repeated frames",
    'Axis "segment"': "as above",
    'Axis "frame"': "as above",
    "NXoptical_system_em": "a class of NXem, of definitions younger than those of either validator",
    "NXscanbox_em": "as above",
    "NXDL specification": "punx says of the same groups that they are of these classes",
}


def punx_errors(path):
    validator = validate.Data_File_Validator("v2018.5")
    validator.validate(path)
    for found in validator.validations:
        if found.status == finding.ERROR:
            yield f"punx: {found.h5_address}: {found.test_name}: {found.comment}"
    if not validator.validations:
        yield "punx found nothing to look at"
    validator.close()


def nexusformat_errors(path):
    messages = []
    handler = logging.Handler(logging.ERROR)
    handler.emit = lambda record: messages.append(record.getMessage().strip())
    logger = nexusformat_validation.logger
    logger.handlers = [handler]
    logger.setLevel(logging.ERROR)
    result = nexusformat_validation.validate_file(path)
    # Headings have no number; an error is a line that names what is wrong.
    headings = ("Filename", "Path", "Definitions", "Total", "NX")
    errors = [m for m in messages if m and not m.startswith(headings)]
    if result is None or (result[-1] and not errors):
        errors.append(f"nexusformat counts errors: {result}")
    yield from (f"nexusformat: {error}" for error in errors)
    classes = [m for m in messages if m.startswith("NX") and "not a valid" in m]
    yield from (f"nexusformat: {error}" for error in classes)


for file in sys.argv[1:]:
    for objection in [*punx_errors(file), *nexusformat_errors(file)]:
        is_acquisition = "result" not in os.path.basename(file)
        if is_acquisition and any(words in objection for words in ALLOWED):
            continue
        print("objection:", file, objection)
