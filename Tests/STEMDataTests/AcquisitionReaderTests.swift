// The reader against a file written by hand, in absolute SI values.
import HDF5
import STEMCore
import STEMData
import Testing

struct AcquisitionReaderTests {
  @Test("Every item of a file arrives in SI units")
  func metadata() throws {
    let data = try Fixture().read().metadata
    #expect(data.title == "by hand")
    #expect(data.frameCount == 1)
    #expect(data.shape == GridShape(rows: 2, columns: 3))
    #expect(data.pixelSize == PixelSize(x: 1.5e-9, y: 2e-9))
    #expect(data.beam.voltage == 200_000)
    #expect(data.probeSemiAngle == 0.024)
    #expect(data.defocus == -5e-9)
    #expect(data.segmentGain == [1, 1.1, 1.2, 1.3])
    #expect(data.deflectionCalibration == Matrix2(xx: 1.1, xy: 0.1, yx: 0.2, yy: 1.2))
    #expect(data.electronsPerPixel == 1e5)
    #expect(data.signalUnit == .counts)
    #expect(data.saturationLevel == 65535)
    #expect(data.specimen.material == "PbTiO3")
    #expect(data.specimen.zoneAxis == "[001]")
    #expect(data.specimen.view == .crossSection)
    #expect(data.specimen.thickness == 60e-9)
    #expect(data.specimen.fieldDirection == .parallel)
    #expect(data.references.dark == [1, 2, 3, 4])
    #expect(data.references.flat == [10, 11, 12, 13])
    #expect(data.references.vacuum == .single([20, 21, 22, 23]))
  }

  @Test("Angles arrive in radians, to the last bit but one")
  func angles() throws {
    let data = try Fixture().read().metadata
    let detector = data.detector
    #expect(detector.segments.map(\.inner) == [0, 0, 0, 0])
    #expect(detector.segments.map(\.outer) == [0.03, 0.03, 0.03, 0.03])
    // A product and a quotient round at most twice.
    let tolerance = 1e-15
    #expect(abs(detector.segments[0].start - Double.pi / 2) < tolerance)
    #expect(abs(detector.segments[0].stop - Double.pi) < tolerance)
    #expect(abs(detector.segments[1].stop - 1.5 * Double.pi) < tolerance)
    #expect(abs(detector.orientation - Double.pi / 6) < tolerance)
    #expect(abs((data.scanRotation ?? 0) - Double.pi / 4) < tolerance)
    #expect(abs((data.specimen.wallInclination ?? 0) - Double.pi / 4) < tolerance)
    #expect(abs((data.specimen.wallNormalAzimuth ?? 0) - Double.pi / 2) < tolerance)
  }

  @Test(
    "A length is the same in every spelling of its unit",
    arguments: [
      ("m", 60e-9), ("nm", 60), ("um", 0.06), ("\u{B5}m", 0.06), ("\u{3BC}m", 0.06),
      ("micron", 0.06), ("angstrom", 600), ("\u{C5}", 600), ("\u{212B}", 600), ("A", 600),
      ("pm", 60_000), ("nanometers", 60), (" nm ", 60),
    ])
  func lengths(unit: String, number: Double) throws {
    let fixture = try Fixture()
    fixture.items["/entry/sample/thickness"] = .scalar(number, unit)
    let thickness = try fixture.read().metadata.specimen.thickness
    // 0.06 and 60e-9 are themselves rounded.
    #expect(abs((thickness ?? 0) / 60e-9 - 1) < 1e-15)
  }

  @Test(
    "Voltages and angles obey their units",
    arguments: [("V", 200_000, "rad", 0.024), ("kV", 200, "mrad", 24), ("keV", 200, "urad", 24e3)])
  func others(volts: String, voltage: Double, angle: String, semiAngle: Double) throws {
    let fixture = try Fixture()
    fixture.items["/entry/instrument/source/voltage"] = .scalar(voltage, volts)
    fixture.items["/entry/instrument/optics/semi_convergence_angle"] = .scalar(semiAngle, angle)
    let data = try fixture.read().metadata
    #expect(data.beam.voltage == 200_000)
    #expect(data.probeSemiAngle == 0.024)
  }

  @Test("What is optional and not there is nil")
  func optional() throws {
    let fixture = try Fixture()
    for path in fixture.items.keys
    where path.hasPrefix("/entry/sample") || path.hasPrefix("/entry/reference")
      || path.hasPrefix("/entry/instrument/scan")
      || ["title", "gain", "deflection_calibration", "defocus"].contains(where: path.hasSuffix)
    {
      fixture.items[path] = nil
    }
    let data = try fixture.read().metadata
    #expect(data.specimen == Specimen())
    #expect(data.references == References())
    #expect(data.pixelSize == nil)
    #expect(data.scanRotation == nil)
    #expect(data.electronsPerPixel == nil)
    #expect(data.segmentGain == nil)
    #expect(data.deflectionCalibration == nil)
    #expect(data.defocus == nil)
    #expect(data.title == nil)
  }

  @Test("A rotation is unknown by its status or by NaN")
  func unknownRotation() throws {
    let fixture = try Fixture()
    let path = "/entry/instrument/scan/scan_rotation"
    fixture.items[path] = .scalar(.nan, "deg")
    #expect(try fixture.read().metadata.scanRotation == nil)
    fixture.items[path] = .scalar(12, "deg")
    fixture.attributes = [(path, "status", "unknown")]
    #expect(try fixture.read().metadata.scanRotation == nil)
    fixture.attributes = [(path, "status", "known")]
    let angle = try fixture.read().metadata.scanRotation
    #expect(abs((angle ?? 0) - Double.pi / 15) < 1e-15)
  }

  @Test("The axes give the pixel size only where it is not stated, and only if uniform")
  func axes() throws {
    let fixture = try Fixture()
    fixture.items["/entry/data/x"] = .list([5, 8, 11], "nm")
    fixture.items["/entry/data/y"] = .list([0, 0.004], "um")
    let stated = try fixture.read().metadata.pixelSize
    #expect(stated == PixelSize(x: 1.5e-9, y: 2e-9))
    fixture.items["/entry/instrument/scan/pixel_size_x"] = nil
    fixture.items["/entry/instrument/scan/pixel_size_y"] = nil
    let derived = try fixture.read().metadata.pixelSize
    #expect(derived == PixelSize(x: 3e-9, y: 4e-9))
    fixture.items["/entry/data/y"] = nil
    fixture.items["/entry/data/x"] = .list([5, 8, 12], "nm")
    #expect(try fixture.read().metadata.pixelSize == nil)
  }

  @Test("A calibration may be one number, a vacuum reference a scan")
  func otherShapes() throws {
    let fixture = try Fixture()
    fixture.items["/entry/instrument/detector/deflection_calibration"] = .scalar(1.25, nil)
    fixture.items["/entry/reference/vacuum"] = .numbers(
      (0..<24).map { Double($0) }, shape: [4, 2, 3], units: "counts")
    let data = try fixture.read().metadata
    #expect(data.deflectionCalibration == Matrix2(xx: 1.25, xy: 0, yx: 0, yy: 1.25))
    let planes = (0..<4).map { segment in
      ScalarField(
        shape: GridShape(rows: 2, columns: 3), values: (0..<6).map { Double(6 * segment + $0) })
    }
    #expect(data.references.vacuum == .scan(planes))
  }

  @Test("Rows come as segment, row, column, of the frame that was asked for")
  func rows() throws {
    let fixture = try Fixture()
    fixture.items["/entry/data/frames"] = .numbers(
      (0..<48).map { $0 == 47 ? .nan : Double($0) }, shape: [2, 4, 2, 3], units: "fraction")
    for name in ["dark", "flat", "vacuum"] { fixture.items["/entry/reference/\(name)"] = nil }
    let file = try fixture.read()
    #expect(file.metadata.frameCount == 2)
    #expect(file.metadata.saturationLevel == nil)
    #expect(file.metadata.signalUnit == .fraction)
    let reader = try AcquisitionReader(path: fixture.path())
    var values: [Double] = []
    try reader.readRows(1..<2, ofFrame: 1, into: &values)
    #expect(values.prefix(11) == [27, 28, 29, 33, 34, 35, 39, 40, 41, 45, 46])
    #expect(values[11].isNaN)
    try reader.readRows(0..<2, ofFrame: 0, into: &values)
    #expect(values == (0..<24).map { Double($0) })
  }

  @Test("Frames of a file that was read before open without its statements, unless changed")
  func known() throws {
    let fixture = try Fixture()
    let path = try fixture.write()
    let whole = try AcquisitionReader(path: path)
    var metadata = whole.metadata
    metadata.title = "as it was"
    let known = try AcquisitionReader(path: path, stating: metadata)
    #expect(known.metadata == metadata)
    var (first, second) = ([Double](), [Double]())
    try whole.readRows(0..<2, ofFrame: 0, into: &first)
    try known.readRows(0..<2, ofFrame: 0, into: &second)
    #expect(first == second && !first.isEmpty)
    metadata.shape.rows += 1
    let error = #expect(throws: AcquisitionError.self) {
      _ = try AcquisitionReader(path: path, stating: metadata)
    }
    #expect(error?.object == "/entry/data/frames")
  }

  @Test("Raw rows of several frames come as frame, segment, row, column, in the type of the file")
  func rawRows() throws {
    let fixture = try Fixture()
    fixture.items["/entry/data/frames"] = .integers(
      (0..<72).map { $0 }, shape: [3, 4, 2, 3], units: "counts")
    for name in ["dark", "flat", "vacuum"] { fixture.items["/entry/reference/\(name)"] = nil }
    let reader = try AcquisitionReader(path: try fixture.write())
    let (kind, sides) = (reader.rawKind, reader.chunkSides)
    #expect(kind == .uint16 && sides == nil)
    var raw = RawSignals.float([])
    try reader.readRaw(1..<2, ofFrames: 1..<3, into: &raw, onAllThreads: false)
    var expected: [UInt16] = []
    for plane in 4..<12 { expected += (6 * plane + 3..<6 * plane + 6).map { UInt16($0) } }
    #expect(raw == .uint16(expected))
    try reader.readRaw(0..<2, ofFrames: 0..<1, into: &raw, onAllThreads: true)
    #expect(raw == .uint16(Array(0..<24)))
    let part = raw.part(
      ofPlanes: GridShape(rows: 2, columns: 3), rows: 1..<2, columns: 1..<3)
    #expect(part == .uint16([4, 5, 10, 11, 16, 17, 22, 23]))
  }

  @Test("Readers on many threads, among failures, each get their own rows")
  func parallel() async throws {
    let fixture = try Fixture()
    let path = try fixture.write()
    try await withThrowingTaskGroup(of: Bool.self) { group in
      for task in 0..<16 {
        group.addTask {
          let row = task % 2
          let reader = try AcquisitionReader(path: path)
          var isRight = true
          for _ in 0..<20 {
            var values: [Double] = []
            try reader.readRows(row..<(row + 1), ofFrame: 0, into: &values)
            isRight =
              isRight && Array(values.prefix(3)) == [100, 101, 102].map { Double($0 + 3 * row) }
            let absent = #expect(throws: AcquisitionError.self) {
              try AcquisitionFile(path: path + ".absent")
            }
            isRight = isRight && absent?.kind == .cannotOpen
          }
          return isRight
        }
      }
      for try await isRight in group { #expect(isRight) }
    }
    withExtendedLifetime(fixture) {}
  }
}
