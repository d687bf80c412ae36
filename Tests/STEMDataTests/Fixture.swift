// A small acquisition written by hand through the HDF5 module, to be spoiled item by item.
import Foundation
import HDF5
import STEMData

/// What stands at a path of the fixture.
enum Item {
  case numbers([Double], shape: [Int], units: String?)
  case integers([UInt16], shape: [Int], units: String?)
  case text(String)
  case texts([String], units: String?)

  static func scalar(_ value: Double, _ units: String?) -> Item {
    .numbers([value], shape: [], units: units)
  }
  static func list(_ values: [Double], _ units: String?) -> Item {
    .numbers(values, shape: [values.count], units: units)
  }
}

/// Four quadrants of one ring, 2 × 3 pixels; every number differs from every other.
final class Fixture {
  var items: [String: Item] = [
    "/entry/title": .text("by hand"),
    "/entry/data/frames": .integers((0..<24).map { 100 + $0 }, shape: [4, 2, 3], units: "counts"),
    "/entry/instrument/source/voltage": .scalar(200, "kV"),
    "/entry/instrument/optics/semi_convergence_angle": .scalar(24, "mrad"),
    "/entry/instrument/optics/defocus": .scalar(-5, "nm"),
    "/entry/instrument/detector/segment_inner": .list([0, 0, 0, 0], "mrad"),
    "/entry/instrument/detector/segment_outer": .list([30, 30, 30, 30], "mrad"),
    "/entry/instrument/detector/segment_start": .list([90, 180, 270, 0], "deg"),
    "/entry/instrument/detector/segment_stop": .list([180, 270, 360, 90], "deg"),
    "/entry/instrument/detector/orientation": .scalar(30, "degrees"),
    "/entry/instrument/detector/gain": .list([1, 1.1, 1.2, 1.3], nil),
    "/entry/instrument/detector/deflection_calibration":
      .numbers([1.1, 0.1, 0.2, 1.2], shape: [2, 2], units: nil),
    "/entry/instrument/scan/pixel_size_x": .scalar(1.5, "nm"),
    "/entry/instrument/scan/pixel_size_y": .scalar(20, "angstrom"),
    "/entry/instrument/scan/scan_rotation": .scalar(45, "deg"),
    "/entry/instrument/scan/electrons_per_pixel": .scalar(1e5, nil),
    "/entry/sample/material": .text("PbTiO3"),
    "/entry/sample/zone_axis": .text("[001]"),
    "/entry/sample/view": .text("cross-section"),
    "/entry/sample/thickness": .scalar(60, "nm"),
    "/entry/sample/wall_inclination": .scalar(45, "deg"),
    "/entry/sample/wall_normal_azimuth": .scalar(90, "deg"),
    "/entry/sample/field_direction": .text("parallel"),
    "/entry/reference/dark": .list([1, 2, 3, 4], "counts"),
    "/entry/reference/flat": .list([10, 11, 12, 13], "counts"),
    "/entry/reference/vacuum": .list([20, 21, 22, 23], "counts"),
    "/entry/something_else/unknown": .scalar(1, nil),
  ]
  /// Attributes beside the units, of groups too: path, name, text.
  var attributes: [(String, String, String)] = []

  /// Attributes that are numbers: path, name, value.
  var numbers: [(String, String, Double)] = []

  private let folder: URL

  init() throws {
    folder = FileManager.default.temporaryDirectory.appending(path: "data-\(UUID().uuidString)")
    try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
  }

  deinit { try? FileManager.default.removeItem(at: folder) }

  func path(_ name: String = "a.h5") -> String { folder.appending(path: name).path }

  func bytes(_ name: String) throws -> [UInt8] {
    [UInt8](try Data(contentsOf: folder.appending(path: name)))
  }

  func write(_ bytes: [UInt8], to name: String) throws -> String {
    try Data(bytes).write(to: folder.appending(path: name))
    return path(name)
  }

  /// Writes the items and returns the path of the file.
  func write() throws -> String {
    try HDF5File.create(path()) { root in
      for (path, item) in items.sorted(by: { $0.key < $1.key }) {
        try createGroups(above: path, in: root)
        let dataset: HDF5Dataset
        let units: String?
        switch item {
        case .numbers(let values, let shape, let unit):
          dataset = try root.write(path, values, shape: shape)
          units = unit
        case .integers(let values, let shape, let unit):
          dataset = try root.write(path, values, shape: shape)
          units = unit
        case .text(let text):
          dataset = try root.write(path, text)
          units = nil
        case .texts(let texts, let unit):
          dataset = try root.write(path, texts)
          units = unit
        }
        if let units { try dataset.setAttribute("units", to: units) }
        for (object, name, text) in attributes where object == path {
          try dataset.setAttribute(name, to: text)
        }
        for (object, name, number) in numbers where object == path {
          try dataset.setAttribute(name, to: number)
        }
      }
    }
    return path()
  }

  /// Writes the items and reads them as an acquisition.
  func read() throws -> AcquisitionFile {
    // The folder goes with the fixture, which must outlive the reading.
    try withExtendedLifetime(self) { try AcquisitionFile(path: try write()) }
  }

  private func createGroups(above path: String, in root: borrowing HDF5Group) throws {
    var group = ""
    for name in path.split(separator: "/").dropLast() {
      group += "/" + name
      if try root.contains(group) { continue }
      let created = try root.createGroup(group)
      for (object, name, text) in attributes where object == group {
        try created.setAttribute(name, to: text)
      }
    }
  }
}
