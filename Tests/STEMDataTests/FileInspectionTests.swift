// What an inspection says of a file.
import HDF5
import STEMCore
import STEMData
import Testing

struct FileInspectionTests {
  private func inspect(_ change: (Fixture) -> Void = { _ in }) throws -> FileInspection {
    let fixture = try Fixture()
    change(fixture)
    return try withExtendedLifetime(fixture) { try FileInspection(path: try fixture.write()) }
  }

  @Test("A complete file lacks nothing")
  func complete() throws {
    let inspection = try inspect()
    #expect(inspection.missing.isEmpty)
    #expect(inspection.lines().last == "Nothing is missing for a quantitative result.")
  }

  @Test(
    "Every missing item is named with what it blocks",
    arguments: [
      ("/entry/sample/thickness", "V/m"), ("/entry/instrument/scan/scan_rotation", "rotation"),
      ("/entry/instrument/scan/electrons_per_pixel", "counting statistics"),
      ("/entry/reference/vacuum", "differences of the field"),
      ("/entry/sample/wall_inclination", "inclined walls"),
    ])
  func missing(path: String, consequence: String) throws {
    let inspection = try inspect { $0.items[path] = nil }
    #expect(inspection.missing.map(\.path) == [path])
    #expect(inspection.missing[0].consequence.contains(consequence))
    #expect(inspection.lines().contains { $0.contains(path) && $0.contains(consequence) })
  }

  @Test("Of inclined walls the direction of the field is asked for, and of all the view")
  func walls() throws {
    let direction = try inspect { $0.items["/entry/sample/field_direction"] = nil }
    #expect(direction.missing.map(\.path) == ["/entry/sample/field_direction"])
    let view = try inspect {
      $0.items["/entry/sample/view"] = nil
      $0.items["/entry/sample/wall_inclination"] = nil
      $0.items["/entry/sample/field_direction"] = nil
    }
    #expect(view.missing.map(\.path) == ["/entry/sample/view"])
    #expect(view.missing[0].consequence.contains("edge-on"))
  }

  @Test("Without flat and gain the outer gains are unknown; without pixel size, lengths")
  func gains() throws {
    let gains = try inspect {
      $0.items["/entry/reference/flat"] = nil
      $0.items["/entry/instrument/detector/gain"] = nil
    }
    #expect(gains.missing.map(\.path) == ["/entry/reference/flat"])
    #expect(gains.missing[0].consequence.contains("outer segments"))
    let sizes = try inspect {
      $0.items["/entry/instrument/scan/pixel_size_x"] = nil
      $0.items["/entry/instrument/scan/pixel_size_y"] = nil
    }
    #expect(sizes.missing.map(\.path) == ["/entry/instrument/scan/pixel_size_x"])
  }

  @Test(
    "What nothing reads for its name is pointed out, where something of nearly that name is missing",
    arguments: [
      ("/entry/sample/thicknes", "/entry/sample/thickness"),
      ("/entry/instrument/scan/thickness", "/entry/sample/thickness"),
      ("/entry/references/flat", "/entry/reference"),
    ])
  func misnamed(path: String, meant: String) throws {
    let inspection = try inspect {
      for (item, value) in $0.items where item == meant || item.hasPrefix(meant + "/") {
        $0.items[item] = nil
        $0.items[path] = value
      }
    }
    let top = path.hasPrefix("/entry/references") ? "/entry/references" : path
    let told = "nothing reads \(top): its place would be \(meant)"
    #expect(inspection.file.unread == [told])
    #expect(inspection.lines().contains("  " + told))
  }

  @Test("A stranger beside an item that is there is nobody's business")
  func strangers() throws {
    let inspection = try inspect {
      $0.items["/entry/sample/thicknes"] = .scalar(60, "nm")
      $0.items["/entry/instrument/source/type"] = .text("Electron Source")
      $0.items["/entry/instrument/scan/dwell_time"] = .scalar(1e-5, "s")
    }
    #expect(inspection.file.unread.isEmpty)
  }

  @Test(
    "Axes of another spacing than the stated pixel size are told; it is used",
    arguments: [7.7, 1.5])
  func contradictoryAxes(spacing: Double) throws {
    let inspection = try inspect {
      $0.items["/entry/data/x"] = .list([0, 1, 2].map { 100 + $0 * spacing }, "nm")
      $0.items["/entry/data/y"] = .list([0, 20], "angstrom")
    }
    #expect(inspection.file.metadata.pixelSize == PixelSize(x: 1.5e-9, y: 2e-9))
    let told =
      "/entry/data/x has a spacing of 7.7 nm; /entry/instrument/scan/pixel_size_x states 1.5 nm, which is"
      + " used"
    #expect(inspection.file.contradictions == (spacing == 1.5 ? [] : [told]))
    #expect(inspection.lines().contains("  " + told) == (spacing != 1.5))
  }

  @Test(
    "An axis that is no length beside a stated pixel size is no contradiction",
    arguments: [
      Item.list([0, 1e9, 2e9], "m"), .list([0, 1, 5], "nm"), .list([0, 1, 2], nil),
      .list([0, 1], "nm"), .text("x"),
    ])
  func otherAxes(axis: Item) throws {
    let inspection = try inspect { $0.items["/entry/data/x"] = axis }
    #expect(inspection.file.metadata.pixelSize == PixelSize(x: 1.5e-9, y: 2e-9))
  }

  @Test("Axes that do not go with the frames are told, turned frames with what they seem to be")
  func otherCounts() throws {
    let turned = try inspect {
      $0.items["/entry/data/x"] = .list([0, 1.5], "nm")
      $0.items["/entry/data/y"] = .list([0, 2, 4], "nm")
    }
    #expect(
      turned.file.contradictions == [
        "/entry/data/x has 2 values for 3 columns: the frames seem to stand as [segment, column, row];"
          + " they are read as [segment, row, column]",
        "/entry/data/y has 3 values for 2 rows: the frames seem to stand as [segment, column, row];"
          + " they are read as [segment, row, column]",
      ])
    let short = try inspect { $0.items["/entry/data/x"] = .list([0, 1.5], "nm") }
    #expect(short.file.contradictions == ["/entry/data/x has 2 values for 3 columns"])
  }

  @Test(
    "Where an axis alone would give the pixel size, it is told why it does not",
    arguments: [
      (Item.list([0, 1, 5], "nm"), "/entry/data/x is not evenly spaced"),
      (.list([0, 1, 2], nil), "/entry/data/x has no unit"),
      (.list([2, 1, 0], "nm"), "/entry/data/x does not rise"),
      (.list([0, 1], "nm"), "/entry/data/x has 2 values for 3 columns"),
      (.list([0, 1, 2], "px"), "/entry/data/x is in 'px', which is no length"),
    ])
  func faultyAxes(axis: Item, complaint: String) throws {
    let paths = ["x", "y"].map { "/entry/instrument/scan/pixel_size_\($0)" }
    let inspection = try inspect {
      for path in paths { $0.items[path] = nil }
      $0.items["/entry/data/x"] = axis
    }
    #expect(inspection.file.metadata.pixelSize == nil)
    #expect(inspection.file.contradictions.first?.hasPrefix(complaint) == true)
    let fixture = try Fixture()
    for path in paths { fixture.items[path] = nil }
    fixture.items["/entry/data/x"] = axis
    fixture.items["/entry/data/y"] = .list([0, 20], "angstrom")
    let error = try #require(throws: AcquisitionError.self) { try fixture.read() }
    for words in [paths[0], complaint, "/entry/data/y states the other one"] {
      #expect("\(error)".contains(words), "\(error)")
    }
  }

  @Test("The first frame's numbers are those of the file")
  func statistics() throws {
    var frames = (0..<48).map { Double($0) }
    frames[3] = .nan
    let inspection = try inspect {
      $0.items["/entry/data/frames"] = .numbers(frames, shape: [2, 4, 2, 3], units: "counts")
    }
    let first = inspection.firstFrame.segments[0]
    #expect(first.minimum == 0)
    #expect(first.maximum == 5)
    #expect(first.mean == 12.0 / 5)
    #expect(first.missingCount == 1)
    #expect(inspection.firstFrame.segments[3].maximum == 23)
    // Sums are 36 + 4 pixel; pixel 3 is missing, the median of pixels 0, 1, 2, 4, 5 is at 2.
    #expect(inspection.firstFrame.medianSum == 44)
  }

  @Test("Pixels at the end of the integers' range are counted as saturated")
  func saturation() throws {
    let inspection = try inspect {
      var frames = [UInt16](repeating: 7, count: 24)
      frames[6] = 65535
      frames[8] = 65535
      $0.items["/entry/data/frames"] = .integers(frames, shape: [4, 2, 3], units: "counts")
    }
    #expect(inspection.firstFrame.segments.map(\.saturatedCount) == [0, 2, 0, 0])
  }

  @Test("The drawing shows each segment's number where it is on the screen")
  func drawing() throws {
    let lines = try inspect {
      $0.items["/entry/instrument/detector/orientation"] = .scalar(0, "deg")
    }.lines()
    let end = try #require(lines.firstIndex { $0.hasPrefix("(+x right, +y down") })
    let drawing = lines[(end - 17)..<end].map(Array.init)
    #expect(drawing.allSatisfy { $0.count <= 33 })
    // By azimuth 3 is from 0° to 90°: right and below, since y points down.
    func place(of digit: Character) throws -> (row: Int, column: Int) {
      let row = try #require(drawing.firstIndex { $0.contains(digit) })
      return (row, try #require(drawing[row].firstIndex(of: digit)))
    }
    let (right, left) = (try place(of: "3"), try place(of: "0"))
    #expect(right.row > 8 && right.column > 16)
    #expect(left.row > 8 && left.column < 16)
    let (upLeft, upRight) = (try place(of: "1"), try place(of: "2"))
    #expect(upLeft.row < 8 && upLeft.column < 16)
    #expect(upRight.row < 8 && upRight.column > 16)
  }

  @Test("The text shows the quantities in the units of a microscopist")
  func text() throws {
    let lines = try inspect().lines()
    for expected in [
      "voltage         200 kV", "semi-angle      24 mrad", "pixel size      1.5 nm × 2 nm",
      "scan rotation   45 deg", "thickness       60 nm", "wall inclination 45 deg",
      "references      dark, flat, vacuum, gain, deflection calibration",
      "specimen        PbTiO3, [001], cross-section", "field direction parallel",
    ] {
      #expect(lines.contains(expected), "\(expected)")
    }
    #expect(!lines.contains { $0.contains("\n") })
  }
}
