// What of an acquisition decides how it is run and what may be asked of its results.
internal import Foundation
internal import HDF5
internal import STEMCore

/// The few facts about an acquisition that a verdict needs; read without the tool's own reader.
struct AcquisitionFacts {
  var name: String
  var shape: GridShape
  var frameCount: Int
  /// top or cross-section.
  var view: String
  /// rad.
  var semiConvergenceAngle: Double
  /// Of the electrons, m; nil where the file states no voltage.
  var wavelength: Double?
  /// Sectors into which the azimuths of the segments divide the circle.
  var sectorCount: Int
  /// Of one frame.
  var electronsPerPixel: Double?
  /// Whether the counts are drawn at random, not expected values.
  var isSampled: Bool
  /// m.
  var pixelSize: PixelSize?
  var isRotationKnown: Bool
  /// rad, between beam and wall plane.
  var wallInclination: Double?
  /// rad.
  var wallNormalAzimuth: Double?
  /// perp, parallel or normal.
  var fieldDirection: String?

  init(name: String, path: String) throws {
    self.name = name
    let file = try HDF5File(opening: path)
    let entry = try file.root.group("entry")
    let frames = try entry.dataset("data/frames")
    let sides = frames.shape
    guard sides.count == 3 || sides.count == 4 else {
      throw ValidationError("\(path): frames have shape \(sides)")
    }
    shape = GridShape(rows: sides[sides.count - 2], columns: sides[sides.count - 1])
    frameCount = sides.count == 4 ? sides[0] : 1
    view = try entry.text("sample/view") ?? "top"
    guard let angle = try entry.number("instrument/optics/semi_convergence_angle") else {
      throw ValidationError("\(path): no semi-convergence angle")
    }
    semiConvergenceAngle = angle
    wavelength = try entry.number("instrument/source/voltage").map {
      ElectronBeam(voltage: $0).wavelength
    }
    let starts = try entry.numbers("instrument/detector/segment_start") ?? []
    sectorCount = Set(starts.map { Self.wholeDegrees($0) }).count
    electronsPerPixel = try entry.number("instrument/scan/electrons_per_pixel")
    isSampled = Self.isSampled(
      frames.description.element, unit: try frames.attributeString("units") ?? "", name: name)
    let x = try entry.number("instrument/scan/pixel_size_x")
    let y = try entry.number("instrument/scan/pixel_size_y")
    if let x, let y, x > 0, y > 0 { pixelSize = PixelSize(x: x, y: y) }
    isRotationKnown = try entry.number("instrument/scan/scan_rotation")?.isFinite ?? false
    wallInclination = try entry.number("sample/wall_inclination")
    wallNormalAzimuth = try entry.number("sample/wall_normal_azimuth")
    fieldDirection = try entry.text("sample/field_direction")
  }

  /// Integers, raw counts and names that state a dose are drawn; float electrons are expectations.
  private static func isSampled(_ element: HDF5ElementType, unit: String, name: String) -> Bool {
    if name.contains("-d1e") || unit == "counts" { return true }
    if case .integer = element { return true }
    return false
  }

  private static func wholeDegrees(_ angle: Double) -> Int {
    let degrees = Int((angle * 180 / Double.pi).rounded())
    return ((degrees % 360) + 360) % 360
  }

  /// Standard deviation of a component of the deflection by counting, rad; nil for expected counts.
  ///
  /// n equal sectors of a uniform disc with the angular radius α and N electrons:
  /// σ = π α / (√2 n sin(π/n) √N), which is π α / (4 √N) for quadrants. It follows from the first
  /// order of the disc's overlap with a sector and the variance of a Poisson count.
  var countingDeviation: Double? {
    guard isSampled, let electronsPerPixel, sectorCount >= 3 else { return nil }
    let electrons = electronsPerPixel * Double(frameCount)
    let sectors = Double(sectorCount)
    return Double.pi * semiConvergenceAngle
      / (2.0.squareRoot() * sectors * sin(Double.pi / sectors) * electrons.squareRoot())
  }

  /// Electrons in all frames at a pixel.
  var totalElectrons: Double? { electronsPerPixel.map { $0 * Double(frameCount) } }
}
