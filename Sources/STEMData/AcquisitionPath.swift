// Where each item of an acquisition stands in its file.

/// The paths of the acquisition layout.
enum AcquisitionPath {
  static let entry = "/entry"
  static let title = "/entry/title"
  static let frames = "/entry/data/frames"
  static let xAxis = "/entry/data/x"
  static let yAxis = "/entry/data/y"
  static let voltage = "/entry/instrument/source/voltage"
  static let probe = "/entry/instrument/source/probe"
  static let semiAngle = "/entry/instrument/optics/semi_convergence_angle"
  static let defocus = "/entry/instrument/optics/defocus"
  static let sphericalAberration = "/entry/instrument/optics/spherical_aberration"
  static let detectorType = "/entry/instrument/detector/type"
  static let segmentInner = "/entry/instrument/detector/segment_inner"
  static let segmentOuter = "/entry/instrument/detector/segment_outer"
  static let segmentStart = "/entry/instrument/detector/segment_start"
  static let segmentStop = "/entry/instrument/detector/segment_stop"
  static let orientation = "/entry/instrument/detector/orientation"
  static let gain = "/entry/instrument/detector/gain"
  static let deflectionCalibration = "/entry/instrument/detector/deflection_calibration"
  static let deflectionCalibrationErrors =
    "/entry/instrument/detector/deflection_calibration_errors"
  static let pixelSizeX = "/entry/instrument/scan/pixel_size_x"
  static let pixelSizeY = "/entry/instrument/scan/pixel_size_y"
  static let beamTiltX = "/entry/instrument/scan/beam_tilt_x"
  static let beamTiltY = "/entry/instrument/scan/beam_tilt_y"
  static let scanRotation = "/entry/instrument/scan/scan_rotation"
  static let electronsPerPixel = "/entry/instrument/scan/electrons_per_pixel"
  static let material = "/entry/sample/material"
  static let zoneAxis = "/entry/sample/zone_axis"
  static let view = "/entry/sample/view"
  static let thickness = "/entry/sample/thickness"
  static let thicknessErrors = "/entry/sample/thickness_errors"
  static let wallInclination = "/entry/sample/wall_inclination"
  static let wallNormalAzimuth = "/entry/sample/wall_normal_azimuth"
  static let fieldDirection = "/entry/sample/field_direction"
  static let dark = "/entry/reference/dark"
  static let flat = "/entry/reference/flat"
  static let vacuum = "/entry/reference/vacuum"

  /// Every item that is read, but for the title and the axes: their names may stand elsewhere for other things.
  static let read = [
    frames, voltage, semiAngle, defocus, sphericalAberration, segmentInner, segmentOuter,
    segmentStart, segmentStop, orientation, gain, deflectionCalibration,
    deflectionCalibrationErrors, pixelSizeX, pixelSizeY, beamTiltX, beamTiltY, scanRotation,
    electronsPerPixel, material, zoneAxis, view, thickness, thicknessErrors, wallInclination,
    wallNormalAzimuth, fieldDirection, dark, flat, vacuum,
  ]

  /// All that dpc reads or writes.
  static let layout = groups.map(\.0) + read + [title, xAxis, yAxis, probe, detectorType]

  /// Every group with the class by which NeXus readers know it, parents first.
  static let groups = [
    (entry, "NXentry"), ("/entry/data", "NXdata"), ("/entry/instrument", "NXinstrument"),
    ("/entry/instrument/source", "NXsource"),
    ("/entry/instrument/optics", "NXoptical_system_em"),
    ("/entry/instrument/detector", "NXdetector"), ("/entry/instrument/scan", "NXscanbox_em"),
    ("/entry/sample", "NXsample"), ("/entry/reference", "NXcollection"),
  ]
}
