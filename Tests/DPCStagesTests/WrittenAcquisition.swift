// Acquisitions of given numbers, written item by item: the least that a run wants beside the frames.
import HDF5
import STEMCore

/// What such a file states.
struct WrittenAcquisition {
  /// mrad.
  var inner: [Double]
  var outer: [Double]
  /// deg.
  var start: [Double]
  var stop: [Double]
  /// True = calibration · measured, isotropic; nil: none is stated.
  var calibration: Double?
  /// Stated of a position; nil: nothing is.
  var electronsPerPixel: Double?
  /// nm; nil: none is stated.
  var pixelSize: Double?
  var frameCount: Int
  var shape: GridShape

  /// Writes the numbers, `[frame, segment, row, column]` in electrons.
  func write<Number: HDF5Number>(
    _ numbers: [Number], layout: HDF5Layout = .contiguous, to path: String
  ) throws {
    let detector = "/entry/instrument/detector/"
    var items: [(path: String, values: [Double], unit: String)] = [
      ("/entry/instrument/source/voltage", [200], "kV"),
      ("/entry/instrument/optics/semi_convergence_angle", [24], "mrad"),
      ("/entry/instrument/scan/scan_rotation", [0], "deg"), (detector + "orientation", [0], "deg"),
      (detector + "segment_inner", inner, "mrad"), (detector + "segment_outer", outer, "mrad"),
      (detector + "segment_start", start, "deg"), (detector + "segment_stop", stop, "deg"),
    ]
    if let calibration {
      items.append((detector + "deflection_calibration", [calibration], "1"))
    }
    if let electronsPerPixel {
      items.append(("/entry/instrument/scan/electrons_per_pixel", [electronsPerPixel], "1"))
    }
    if let pixelSize {
      for axis in ["x", "y"] {
        items.append(("/entry/instrument/scan/pixel_size_" + axis, [pixelSize], "nm"))
      }
    }
    try HDF5File.create(path) { root in
      for group in ["", "/data", "/instrument"]
        + ["source", "optics", "scan", "detector"].map({
          "/instrument/" + $0
        })
      {
        _ = try root.createGroup("/entry" + group)
      }
      for item in items {
        let dataset = try root.write(
          item.path, item.values, shape: item.values.count == 1 ? [] : [item.values.count])
        try dataset.setAttribute("units", to: item.unit)
      }
      let dataset = try root.write(
        "/entry/data/frames", numbers,
        shape: [frameCount, inner.count, shape.rows, shape.columns], layout: layout)
      try dataset.setAttribute("units", to: "electrons")
    }
  }
}
