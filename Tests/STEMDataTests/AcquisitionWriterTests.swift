// What the writer leaves is what the reader finds.
import HDF5
import STEMCore
import STEMData
import Testing

struct AcquisitionWriterTests {
  private static let shape = GridShape(rows: 3, columns: 5)

  /// Every item stated; numbers that are exact in the units of the file.
  static func metadata(frameCount: Int = 1) -> AcquisitionMetadata {
    let quarter = Double.pi / 2
    let segments = (0..<8).map { (index: Int) -> DetectorSegment in
      let start = Double(index % 4) * quarter
      let inner = index < 4 ? 0 : 0.024
      return DetectorSegment(
        inner: inner, outer: inner + 0.024, start: start, stop: start + quarter)
    }
    let numbers = (0..<8).map { Double($0) }
    return AcquisitionMetadata(
      title: "walls", frameCount: frameCount, shape: shape,
      pixelSize: PixelSize(x: 1.5e-9, y: 2e-9), beam: ElectronBeam(voltage: 200_000),
      probeSemiAngle: 0.024, defocus: 10e-9,
      detector: SegmentedDetector(segments: segments, orientation: Double.pi / 4),
      segmentGain: numbers.map { 1 + $0 / 8 },
      deflectionCalibration: Matrix2(xx: 1.5, xy: 0.25, yx: -0.25, yy: 2),
      scanRotation: Double.pi / 2, electronsPerPixel: 1e5, signalUnit: .counts,
      specimen: Specimen(
        material: "PbTiO3", zoneAxis: "[001]", view: .crossSection, thickness: 60e-9,
        wallInclination: Double.pi / 4, wallNormalAzimuth: Double.pi, fieldDirection: .normal),
      references: References(
        dark: numbers, flat: numbers.map { 100 + $0 },
        vacuum: .single(numbers.map { 50 + $0 })))
  }

  /// Whole numbers, different everywhere.
  static func frames(count: Int = 1) -> [[ScalarField]] {
    (0..<count).map { (frame: Int) -> [ScalarField] in
      (0..<8).map { (segment: Int) -> ScalarField in
        let first = 1000 * frame + 100 * segment
        return ScalarField(shape: shape, values: (first..<(first + shape.count)).map(Double.init))
      }
    }
  }

  private func read(_ path: String) throws -> [[ScalarField]] {
    let reader = try AcquisitionReader(path: path)
    let (shape, segments) = (reader.metadata.shape, reader.metadata.segmentCount)
    return try (0..<reader.metadata.frameCount).map { frame in
      var values: [Double] = []
      try reader.readRows(0..<shape.rows, ofFrame: frame, into: &values)
      return (0..<segments).map { segment in
        let first = segment * shape.count
        return ScalarField(shape: shape, values: Array(values[first..<(first + shape.count)]))
      }
    }
  }

  @Test("Metadata come back equal", arguments: [1, 3])
  func metadata(frameCount: Int) throws {
    let folder = try Fixture()
    let written = Self.metadata(frameCount: frameCount)
    try AcquisitionWriter().write(
      written, frames: Self.frames(count: frameCount), to: folder.path())
    var expected = try AcquisitionFile(path: folder.path()).metadata
    // Angles pass through degrees and milliradians: equal but for the last bits.
    #expect(abs((expected.scanRotation ?? 0) - Double.pi / 2) < 1e-15)
    #expect(abs(expected.detector.orientation - Double.pi / 4) < 1e-15)
    for (found, wanted) in zip(expected.detector.segments, written.detector.segments) {
      #expect(abs(found.inner - wanted.inner) < 1e-17)
      #expect(abs(found.outer - wanted.outer) < 1e-17)
      #expect(abs(found.start - wanted.start) < 1e-15)
      #expect(abs(found.stop - wanted.stop) < 1e-15)
    }
    #expect(abs((expected.specimen.wallInclination ?? 0) - Double.pi / 4) < 1e-15)
    #expect(abs((expected.specimen.wallNormalAzimuth ?? 0) - Double.pi) < 1e-15)
    expected.scanRotation = written.scanRotation
    expected.detector = written.detector
    expected.specimen.wallInclination = written.specimen.wallInclination
    expected.specimen.wallNormalAzimuth = written.specimen.wallNormalAzimuth
    #expect(abs((expected.specimen.thickness ?? 0) / 60e-9 - 1) < 1e-15)
    expected.specimen.thickness = written.specimen.thickness
    #expect(abs((expected.defocus ?? 0) / 10e-9 - 1) < 1e-15)
    expected.defocus = written.defocus
    expected.pixelSize = written.pixelSize
    #expect(expected == written)
  }

  @Test("The pixel size keeps its axes", arguments: [FrameType.float64])
  func pixelSize(type: FrameType) throws {
    let folder = try Fixture()
    try AcquisitionWriter(frameType: type).write(
      Self.metadata(), frames: Self.frames(), to: folder.path())
    let found = try AcquisitionFile(path: folder.path()).metadata.pixelSize
    #expect(abs((found?.x ?? 0) / 1.5e-9 - 1) < 1e-15)
    #expect(abs((found?.y ?? 0) / 2e-9 - 1) < 1e-15)
  }

  @Test("What is not stated stays unstated")
  func bareMetadata() throws {
    let folder = try Fixture()
    var bare = Self.metadata()
    bare = AcquisitionMetadata(
      frameCount: 1, shape: bare.shape, pixelSize: nil, beam: bare.beam,
      probeSemiAngle: bare.probeSemiAngle, detector: bare.detector, scanRotation: nil,
      signalUnit: .fraction)
    try AcquisitionWriter().write(bare, frames: Self.frames(), to: folder.path())
    var found = try AcquisitionFile(path: folder.path()).metadata
    found.detector = bare.detector
    #expect(found == bare)
  }

  @Test(
    "Frames come back exactly in every type, plain and packed", arguments: FrameType.allCases,
    [false, true])
  func frames(type: FrameType, isCompressed: Bool) throws {
    let folder = try Fixture()
    let writer = AcquisitionWriter(frameType: type, isCompressed: isCompressed)
    for count in [1, 2] {
      try writer.write(
        Self.metadata(frameCount: count), frames: Self.frames(count: count), to: folder.path())
      #expect(try read(folder.path()) == Self.frames(count: count))
      let file = try AcquisitionFile(path: folder.path())
      #expect(file.frameType == type.rawValue)
      let levels: [FrameType: Double] = [.uint16: 65535, .uint32: 4_294_967_295]
      #expect(file.metadata.saturationLevel == levels[type])
    }
  }

  @Test("Integers are rounded to nearest and clipped to their range")
  func clipping() throws {
    let folder = try Fixture()
    var frames = Self.frames()
    frames[0][0].values.replaceSubrange(0..<5, with: [-3, 1.4, 1.6, 70_000, 65_534.9])
    try AcquisitionWriter(frameType: .uint16).write(
      Self.metadata(), frames: frames, to: folder.path())
    #expect(try read(folder.path())[0][0].values.prefix(5) == [0, 1, 2, 65535, 65535])
  }

  @Test("A missing number survives as NaN, and is refused as an integer")
  func missing() throws {
    let folder = try Fixture()
    var frames = Self.frames()
    frames[0][3].values[7] = .nan
    try AcquisitionWriter(frameType: .float32).write(
      Self.metadata(), frames: frames, to: folder.path())
    #expect(try read(folder.path())[0][3].values[7].isNaN)
    let error = #expect(throws: AcquisitionError.self) {
      try AcquisitionWriter(frameType: .uint32).write(
        Self.metadata(), frames: frames, to: folder.path())
    }
    #expect(error?.kind == .cannotWrite)
    #expect(error?.remedy == "write float32 or float64")
  }

  @Test("The same acquisition is the same bytes, plain and packed", arguments: [false, true])
  func determinism(isCompressed: Bool) throws {
    let folder = try Fixture()
    let writer = AcquisitionWriter(frameType: .uint32, isCompressed: isCompressed)
    for name in ["a.h5", "b.h5"] {
      try writer.write(
        Self.metadata(frameCount: 2), frames: Self.frames(count: 2), to: folder.path(name))
    }
    #expect(try folder.bytes("a.h5") == folder.bytes("b.h5"))
  }

  @Test("Truth is stored with its shape and unit")
  func truth() throws {
    let folder = try Fixture()
    try TruthWriter.write(
      [
        TruthItem("E_proj", .array([1, 2, 3, 4], shape: [2, 1, 2]), unit: "V"),
        TruthItem("potential_proj", .array([5, 6], shape: [1, 2]), unit: "V m"),
        TruthItem("thickness", .array([60e-9], shape: []), unit: "m"),
        TruthItem("wall_positions", .array([-1e-9, 1e-9], shape: [2]), unit: "m"),
        TruthItem("field_kind", .text("normal"), unit: nil),
      ], to: folder.path())
    let file = try HDF5File(opening: folder.path())
    let field = try file.root.dataset("/truth/E_proj")
    #expect(field.shape == [2, 1, 2])
    #expect(try field.values(as: Double.self) == [1, 2, 3, 4])
    #expect(try field.attributeString("units") == "V")
    #expect(try file.root.dataset("/truth/potential_proj").shape == [1, 2])
    #expect(try file.root.dataset("/truth/thickness").scalar(as: Double.self) == 60e-9)
    #expect(
      try file.root.dataset("/truth/wall_positions").values(as: Double.self) == [-1e-9, 1e-9])
    #expect(try file.root.dataset("/truth/field_kind").string() == "normal")
  }

  @Test("A folder that is not there is a failure of writing, with its path")
  func noFolder() throws {
    let folder = try Fixture()
    let error = #expect(throws: AcquisitionError.self) {
      try AcquisitionWriter().write(
        Self.metadata(), frames: Self.frames(), to: folder.path("absent/a.h5"))
    }
    #expect(error?.kind == .cannotWrite)
    #expect(error?.reason == "cannot create: no such file or folder")
  }

  @Test("Known tilts and the exposures of references come back, in either units")
  func calibrationSeries() throws {
    let folder = try Fixture()
    for units in FileUnits.allCases {
      var written = Self.metadata(frameCount: 2)
      written.beamTilts = [BeamTilt(x: 1e-3, y: -2e-3), BeamTilt(x: 0, y: 5e-4)]
      written.references.flatExposures = 100
      written.references.vacuumExposures = 25
      try AcquisitionWriter(units: units).write(
        written, frames: Self.frames(count: 2), to: folder.path())
      let read = try AcquisitionFile(path: folder.path()).metadata
      let tilts = try #require(read.beamTilts)
      #expect(abs(tilts[0].x - 1e-3) < 1e-18 && abs(tilts[0].y + 2e-3) < 1e-18)
      #expect(tilts[1].x == 0 && abs(tilts[1].y - 5e-4) < 1e-18)
      #expect(read.references.flatExposures == 100 && read.references.vacuumExposures == 25)
      // Three tilts for two frames.
      written.beamTilts?.append(BeamTilt(x: 0, y: 0))
      try AcquisitionWriter(units: units).write(
        written, frames: Self.frames(count: 2), to: folder.path())
      #expect {
        try AcquisitionFile(path: folder.path())
      } throws: { error in
        (error as? AcquisitionError)?.kind == .wrongShape
      }
    }
  }
}
