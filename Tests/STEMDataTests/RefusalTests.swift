// Every reason for which a file is refused, each made from the fixture by one change.
import HDF5
import STEMData
import Testing

struct RefusalTests {
  /// Changes one item and returns why the file is refused.
  private func refusal(
    _ path: String, _ item: Item?, attributes: [(String, String, String)] = []
  ) throws -> AcquisitionError {
    let fixture = try Fixture()
    fixture.items[path] = item
    fixture.attributes = attributes
    return try #require(throws: AcquisitionError.self) { try fixture.read() }
  }

  private static let detector = "/entry/instrument/detector"

  @Test(
    "What nothing can be reconstructed without is asked for by its path",
    arguments: [
      "source/voltage", "optics/semi_convergence_angle", "detector/segment_inner",
      "detector/segment_outer", "detector/segment_start", "detector/segment_stop",
      "detector/orientation",
    ])
  func missing(item: String) throws {
    let error = try refusal("/entry/instrument/\(item)", nil)
    #expect(error.kind == .missing)
    #expect(error.object == "/entry/instrument/\(item)")
    #expect(error.reason == "it is missing")
  }

  @Test(
    "What is missing is found under nearly its name, or in a group of nearly its group's name",
    arguments: [
      ("/entry/instrument/source/voltage", "/entry/instrument/source/voltge"),
      ("/entry/instrument/source/voltage", "/entry/instrument/optics/voltage"),
      ("/entry/data/frames", "/entry/data/Frames"),
    ])
  func nearMiss(item: String, found: String) throws {
    let fixture = try Fixture()
    fixture.items[found] = fixture.items.removeValue(forKey: item)
    let error = try #require(throws: AcquisitionError.self) { try fixture.read() }
    let told = "nothing reads \(found): its place would be \(item)"
    #expect(error.description.contains(told), "\(error)")
  }

  @Test("So is what may be left out, beside the refusal of something else")
  func nearMissBesideRefusal() throws {
    let fixture = try Fixture()
    fixture.items["/entry/sample/thicknes"] = fixture.items.removeValue(
      forKey: "/entry/sample/thickness")
    fixture.items["/entry/instrument/source/voltage"] = nil
    let error = try #require(throws: AcquisitionError.self) { try fixture.read() }
    let thickness = try #require(error.notStated.first { $0.path == "/entry/sample/thickness" })
    #expect(thickness.consequence.contains("nothing reads /entry/sample/thicknes: "))
  }

  @Test(
    "Packed numbers are refused; a factor of one and an offset of zero pack nothing",
    arguments: ["/entry/data/frames", "/entry/reference/dark", "/entry/sample/thickness"])
  func packed(path: String) throws {
    for (name, value, isRefused) in [
      ("scale_factor", 0.01, true), ("add_offset", 32768, true), ("scale_factor", .nan, true),
      ("scale_factor", 1, false), ("add_offset", 0, false),
    ] {
      let fixture = try Fixture()
      fixture.numbers = [(path, name, value)]
      if !isRefused {
        _ = try fixture.read()
        continue
      }
      let error = try #require(throws: AcquisitionError.self) { try fixture.read() }
      #expect(error.kind == .unsupported)
      #expect(error.object == path)
      #expect(error.reason.contains(name), "\(error)")
    }
  }

  @Test("HDF5 without frames is no acquisition, and the message says what was looked for")
  func noFrames() throws {
    let error = try refusal("/entry/data/frames", nil)
    #expect(error.kind == .notAnAcquisition)
    #expect(error.description.contains("/entry/data/frames"))
    #expect(!error.description.contains("\n"))
  }

  @Test(
    "The files of other programs are recognized",
    arguments: [
      (["Experiments", "x"], "HyperSpy"), (["Data", "Version"], "Velox"),
      (["4DSTEM_experiment", "x"], "py4DSTEM"), (["Measurement_000", "x"], "USID"),
    ])
  func foreign(groups: [String], name: String) throws {
    let fixture = try Fixture()
    try HDF5File.create(fixture.path("b.h5")) { root in
      for group in groups + ["data"] { _ = try root.createGroup(group) }
    }
    let error = try #require(throws: AcquisitionError.self) {
      try AcquisitionFile(path: fixture.path("b.h5"))
    }
    #expect(error.kind == .notAnAcquisition)
    #expect(error.reason.contains(name))
    #expect(!error.description.contains("nothing reads /data"))
  }

  @Test("Files that are none are refused with the system's reason")
  func noFile() throws {
    let fixture = try Fixture()
    func reason(_ path: String) throws -> String {
      try #require(throws: AcquisitionError.self) { try AcquisitionFile(path: path) }.reason
    }
    #expect(try reason(fixture.path("absent.h5")) == "cannot open: no such file")
    #expect(try reason("/") == "cannot open: it is a directory")
    #expect(try reason(fixture.write([], to: "e.h5")) == "cannot open: the file is empty")
    #expect(
      try reason(fixture.write([1, 2, 3], to: "t.h5"))
        == "cannot open: it is not an HDF5 file (no HDF5 signature)")
  }

  @Test("Frames of another rank, of no size or of no number type are refused")
  func frames() throws {
    let path = "/entry/data/frames"
    let flat = try refusal(path, .numbers([1, 2], shape: [2], units: "counts"))
    #expect(flat.kind == .wrongShape)
    #expect(flat.reason == "it has 1 axes: [2]")
    #expect(try refusal(path, .numbers([], shape: [4, 0, 3], units: "counts")).kind == .wrongShape)
    let many = try refusal(
      path, .integers([UInt16](repeating: 0, count: 2000), shape: [2000, 1, 1], units: "counts"))
    #expect(many.kind == .wrongShape)
    let text = try refusal(path, .texts(["a"], units: "counts"))
    #expect(text.kind == .wrongShape)
    let ten = try refusal(
      path, .numbers([Double](repeating: 1, count: 60), shape: [10, 2, 3], units: "counts"))
    #expect(ten.kind == .wrongShape)
    #expect(ten.object == "\(Self.detector)/segment_inner")
    #expect(ten.reason == "its shape is [4], but the frames have 10 segments")
  }

  @Test("Signals need one of their units, references the same")
  func signalUnits() throws {
    let path = "/entry/data/frames"
    let frames = (0..<24).map { Double($0) }
    let missing = try refusal(path, .numbers(frames, shape: [4, 2, 3], units: nil))
    #expect(missing.kind == .wrongUnit)
    #expect(missing.remedy == "give the attribute units as electrons, counts or fraction")
    let volts = try refusal(path, .numbers(frames, shape: [4, 2, 3], units: "V"))
    #expect(volts.reason == "\"V\" is no unit of a signal")
    let dark = try refusal("/entry/reference/dark", .list([1, 2, 3, 4], "electrons"))
    #expect(dark.kind == .wrongUnit)
    #expect(dark.reason == "it is in electrons, the frames are in counts")
  }

  @Test("A quantity without a unit, or with that of another quantity, is refused by name")
  func units() throws {
    let missing = try refusal("/entry/sample/thickness", .scalar(60, nil))
    #expect(missing.kind == .wrongUnit)
    #expect(missing.object == "/entry/sample/thickness")
    #expect(missing.reason == "its unit is missing")
    #expect(missing.remedy == "give the attribute units as m, um, nm, angstrom or pm")
    let other = try refusal("/entry/sample/thickness", .scalar(60, "deg"))
    #expect(other.reason == "\"deg\" is no unit of a length")
    let gain = try refusal("\(Self.detector)/gain", .list([1, 1, 1, 1], "nm"))
    #expect(gain.kind == .wrongUnit)
  }

  @Test(
    "Numbers that no microscope has are refused",
    arguments: [
      ("/entry/instrument/scan/pixel_size_x", 0.0005, "nm"),
      ("/entry/instrument/scan/pixel_size_y", 0.02, "mm"),
      ("/entry/instrument/scan/pixel_size_x", -1, "nm"),
      ("/entry/instrument/source/voltage", 200, "V"),
      ("/entry/instrument/source/voltage", 200_000, "kV"),
      ("/entry/instrument/optics/semi_convergence_angle", 24, "rad"),
      ("/entry/instrument/optics/semi_convergence_angle", 0.024, "mrad"),
      ("/entry/sample/thickness", 60, "m"), ("/entry/sample/thickness", 0, "nm"),
      ("/entry/sample/thickness", .nan, "nm"), ("/entry/sample/wall_inclination", 100, "deg"),
      ("/entry/instrument/scan/scan_rotation", 1000, "deg"),
      ("/entry/instrument/scan/electrons_per_pixel", 0, ""),
      ("/entry/instrument/scan/electrons_per_pixel", .nan, ""),
      ("/entry/instrument/scan/electrons_per_pixel", .infinity, ""),
      ("/entry/instrument/detector/orientation", .nan, "deg"),
    ])
  func implausible(path: String, value: Double, units: String) throws {
    let error = try refusal(path, .scalar(value, units))
    #expect(error.kind == .implausible)
    #expect(error.object == path)
  }

  @Test("The range is shown beside a value outside of it")
  func range() throws {
    let error = try refusal("/entry/instrument/source/voltage", .scalar(200, "V"))
    #expect(error.reason == "0.2 kV is outside 1 kV to 3000 kV")
  }

  @Test("Segments that are no detector are refused with the fault of their geometry")
  func geometry() throws {
    let gap = try refusal(
      "\(Self.detector)/segment_stop", .list([180, 270, 350, 90], "deg"))
    #expect(gap.kind == .badGeometry)
    #expect(gap.reason == "no segment covers the azimuths from 350.0° to 360.0°")
    let overlap = try refusal(
      "\(Self.detector)/segment_stop", .list([180, 270, 370, 90], "deg"))
    #expect(overlap.kind == .badGeometry)
    let wide = try refusal("\(Self.detector)/segment_outer", .list([3, 3, 3, 3], "rad"))
    #expect(wide.kind == .implausible)
    let notFinite = try refusal("\(Self.detector)/segment_start", .list([90, .nan, 1, 2], "deg"))
    #expect(notFinite.reason == "the number of segment 1 is NaN")
  }

  @Test("Gains, flats, references and calibrations must be usable numbers of the right count")
  func references() throws {
    #expect(try refusal("\(Self.detector)/gain", .list([1, 0, 1, 1], nil)).kind == .implausible)
    // 2 nm beside 1000 times as much and more.
    let thin = try refusal("/entry/instrument/scan/pixel_size_y", .scalar(3000, "nm"))
    #expect(thin.kind == .implausible && thin.reason.contains("3000 nm along y"), "\(thin)")
    #expect(try refusal("\(Self.detector)/gain", .list([1, 1], nil)).kind == .wrongShape)
    let flat = try refusal("/entry/reference/flat", .list([1, -1, 1, 1], "counts"))
    #expect(flat.reason == "segment 1 has -1, which is not positive")
    let dark = try refusal("/entry/reference/dark", .list([1, 2, 3], "counts"))
    #expect(dark.reason == "its shape is [3], but the frames have 4 segments")
    let vacuum = try refusal(
      "/entry/reference/vacuum", .numbers([1, 2, 3, 4], shape: [4, 1, 1], units: "counts"))
    #expect(vacuum.kind == .wrongShape)
    let singular = try refusal(
      "\(Self.detector)/deflection_calibration",
      .numbers([1, 2, 2, 4], shape: [2, 2], units: nil))
    #expect(singular.kind == .implausible)
    let long = try refusal("\(Self.detector)/deflection_calibration", .list([1, 2, 3], nil))
    #expect(long.kind == .wrongShape)
  }

  @Test("Words outside their set are refused with the set")
  func words() throws {
    let view = try refusal("/entry/sample/view", .text("sideways"))
    #expect(view.kind == .unknownWord)
    #expect(view.remedy == "write top or cross-section")
    let direction = try refusal("/entry/sample/field_direction", .text("up"))
    #expect(direction.remedy == "write perp or parallel or normal")
    let path = "/entry/instrument/scan/scan_rotation"
    let status = try refusal(
      path, .scalar(1, "deg"), attributes: [(path, "status", "perhaps")])
    #expect(status.kind == .unknownWord)
  }

  @Test("A number where a text belongs, a text where a number belongs, half a pixel size")
  func types() throws {
    #expect(try refusal("/entry/sample/thickness", .text("60 nm")).kind == .unsupported)
    #expect(try refusal("/entry/sample/view", .scalar(1, nil)).kind == .unsupported)
    let half = try refusal("/entry/instrument/scan/pixel_size_y", nil)
    #expect(half.kind == .missing)
    #expect(half.object == "/entry/instrument/scan/pixel_size_y")
  }

  @Test("The description is one line: file, dataset, reason, remedy")
  func description() throws {
    let error = try refusal("/entry/sample/thickness", .scalar(60, nil))
    #expect(
      error.description
        == "\(error.file): /entry/sample/thickness: its unit is missing; "
        + "give the attribute units as m, um, nm, angstrom or pm")
  }
}
