// Acquisitions written item by item, so that each item can be spoiled; the frames are those of a disc
// shifted by a stated deflection.
import DPCSimulation
import Foundation
import HDF5
import STEMCore

/// What stands at a path of the file.
enum Item {
  case numbers([Double], shape: [Int], units: String?)
  case text(String)

  static func scalar(_ value: Double, _ units: String?) -> Item {
    .numbers([value], shape: [], units: units)
  }
  static func list(_ values: [Double], _ units: String?) -> Item {
    .numbers(values, shape: [values.count], units: units)
  }
}

struct Sample {
  static let detector = "/entry/instrument/detector"
  static let frames = "/entry/data/frames"
  static let voltage = "/entry/instrument/source/voltage"
  static let rotation = "/entry/instrument/scan/scan_rotation"
  static let pixelSizeX = "/entry/instrument/scan/pixel_size_x"
  static let pixelSizeY = "/entry/instrument/scan/pixel_size_y"
  static let thickness = "/entry/sample/thickness"

  let rows: Int
  let columns: Int
  var items: [String: Item]
  /// Attributes beside the units: path, name, text.
  var attributes: [(String, String, String)] = []
  /// So many that both walls stand above the noise.
  static let electrons = 1e8
  /// Two rings of four; the order is not that of azimuths, and no two sectors are opposite in it.
  var segments: [DetectorSegment]
  var orientation = 10.0 * Double.pi / 180
  /// Detector frame, rad, at (row, column).
  var deflection: (Int, Int) -> (x: Double, y: Double)

  init(
    rows: Int = 16, columns: Int = 24,
    deflection: @escaping (Int, Int) -> (x: Double, y: Double) = Sample.walls
  ) {
    self.rows = rows
    self.columns = columns
    self.deflection = deflection
    segments =
      [(0.0, 24.0, 90.0), (24, 48, 0), (0, 24, 0), (0, 24, 270)].map(Self.quadrant)
      + [(24.0, 48.0, 180.0), (24, 48, 270), (0, 24, 180), (24, 48, 90)].map(Self.quadrant)
    items = [
      "/entry/title": .text("by hand"),
      Self.voltage: .scalar(200, "kV"),
      "/entry/instrument/optics/semi_convergence_angle": .scalar(24, "mrad"),
      Self.rotation: .scalar(25, "deg"),
      Self.pixelSizeX: .scalar(4, "nm"),
      Self.pixelSizeY: .scalar(50, "angstrom"),
      "/entry/instrument/scan/electrons_per_pixel": .scalar(Self.electrons, nil),
      "/entry/sample/material": .text("PbTiO3"),
      "/entry/sample/view": .text("top"),
      Self.thickness: .scalar(50, "nm"),
      "/entry/sample/wall_inclination": .scalar(0, "deg"),
      "/entry/sample/wall_normal_azimuth": .scalar(0, "deg"),
      "/entry/sample/field_direction": .text("perp"),
    ]
    setGeometry()
    setFrames()
  }

  private static func quadrant(
    _ inner: Double, _ outer: Double, _ start: Double
  ) -> DetectorSegment {
    DetectorSegment(
      inner: inner * 1e-3, outer: outer * 1e-3, start: start * Double.pi / 180,
      stop: (start + 90) * Double.pi / 180)
  }

  /// Two walls across the rows: 3 V and -2 V along y, at columns 7 and 16, of 3 columns' width. The
  /// scan is turned by 25°, as the file states.
  static func walls(row: Int, column: Int) -> (x: Double, y: Double) {
    func peak(_ center: Double) -> Double {
      let u = (Double(column) - center) / 1.7
      return 1 / (cosh(u) * cosh(u))
    }
    let deflection = -(3 * peak(7) - 2 * peak(16)) / 343_741.13
    let angle = 25 * Double.pi / 180
    return (x: sin(angle) * deflection, y: cos(angle) * deflection)
  }

  /// States the segments and the orientation, in mrad and degrees.
  mutating func setGeometry() {
    func list(_ path: KeyPath<DetectorSegment, Double>, _ scale: Double, _ unit: String) -> Item {
      .list(segments.map { $0[keyPath: path] * scale }, unit)
    }
    let degrees = 180 / Double.pi
    items["\(Self.detector)/segment_inner"] = list(\.inner, 1e3, "mrad")
    items["\(Self.detector)/segment_outer"] = list(\.outer, 1e3, "mrad")
    items["\(Self.detector)/segment_start"] = list(\.start, degrees, "deg")
    items["\(Self.detector)/segment_stop"] = list(\.stop, degrees, "deg")
    items["\(Self.detector)/orientation"] = .scalar(orientation * degrees, "deg")
  }

  /// The expected electrons in each segment, without noise.
  mutating func setFrames() {
    let disc = BrightFieldDisc(radius: 24e-3)
    var values: [Double] = []
    values.reserveCapacity(segments.count * rows * columns)
    for segment in segments {
      for row in 0..<rows {
        for column in 0..<columns {
          let shift = deflection(row, column)
          values.append(
            Self.electrons
              * disc.fraction(
                on: segment, orientation: orientation, displacedBy: shift.x, shift.y))
        }
      }
    }
    items[Self.frames] = .numbers(
      values, shape: [segments.count, rows, columns], units: "electrons")
  }

  /// Changes the numbers of the frames: segment, row, column, value before.
  mutating func changeFrames(_ change: (Int, Int, Int, Double) -> Double) {
    guard case .numbers(var values, let shape, let units)? = items[Self.frames] else { return }
    for index in values.indices {
      let pixel = index % (rows * columns)
      values[index] = change(
        index / (rows * columns), pixel / columns, pixel % columns, values[index])
    }
    items[Self.frames] = .numbers(values, shape: shape, units: units)
  }

  func write(to path: String) throws {
    try HDF5File.create(path) { root in
      for (name, item) in items.sorted(by: { $0.key < $1.key }) {
        try Self.createGroups(above: name, in: root)
        switch item {
        case .text(let text): try root.write(name, text)
        case .numbers(let values, let shape, let units):
          let dataset = try root.write(name, values, shape: shape)
          if let units { try dataset.setAttribute("units", to: units) }
          for (object, attribute, text) in attributes where object == name {
            try dataset.setAttribute(attribute, to: text)
          }
        }
      }
    }
  }

  private static func createGroups(above path: String, in root: borrowing HDF5Group) throws {
    var group = ""
    for name in path.split(separator: "/").dropLast() {
      group += "/" + name
      if try !root.contains(group) { _ = try root.createGroup(group) }
    }
  }
}

extension Sample {
  /// The same numbers over and over, on a scan of another size; quick to make.
  mutating func enlarge(rows: Int, columns: Int) {
    guard case .numbers(let values, _, let units)? = items[Self.frames] else { return }
    let plane = self.rows * self.columns
    var larger: [Double] = []
    larger.reserveCapacity(segments.count * rows * columns)
    for segment in segments.indices {
      for row in 0..<rows {
        for column in 0..<columns {
          larger.append(
            values[segment * plane + row % self.rows * self.columns + column % self.columns])
        }
      }
    }
    items[Self.frames] = .numbers(larger, shape: [segments.count, rows, columns], units: units)
  }

  /// A stack of frames: frame, value of the single frame to value.
  mutating func stack(_ count: Int, _ change: (Int, Double) -> Double) {
    guard case .numbers(let values, let shape, let units)? = items[Self.frames] else { return }
    items[Self.frames] = .numbers(
      (0..<count).flatMap { frame in values.map { change(frame, $0) } }, shape: [count] + shape,
      units: units)
  }
}
