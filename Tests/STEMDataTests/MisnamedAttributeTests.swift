// Attributes that nothing reads for their names are pointed out, and strangers are not.
import STEMData
import Testing

struct MisnamedAttributeTests {
  private func unread(_ change: (Fixture) throws -> Void) throws -> [String] {
    let fixture = try Fixture()
    try change(fixture)
    return try fixture.read().unread
  }

  @Test(
    "An attribute named almost as one that its item lacks",
    arguments: [
      ("/entry/instrument/detector/gain", "unit", "units"),
      ("/entry/instrument/scan/scan_rotation", "Status", "status"),
      ("/entry/reference/flat", "exposure", "exposures"),
      ("/entry/data/frames", "scale_facter", "scale_factor"),
    ])
  func ofItems(path: String, name: String, meant: String) throws {
    #expect(
      try unread { $0.attributes = [(path, name, "1")] }
        == [
          "nothing reads the attribute \(name) of \(path): its place would be the attribute \(meant)"
        ])
  }

  @Test(
    "An item as an attribute of its group, or of another",
    arguments: [
      ("/entry/sample", "thicknes"), ("/entry/sample", "thickness"), ("/entry", "thickness"),
    ])
  func ofGroups(group: String, name: String) throws {
    let told = try unread {
      $0.items["/entry/sample/thickness"] = nil
      $0.attributes = [(group, name, "60")]
    }
    #expect(
      told == [
        "nothing reads the attribute \(name) of \(group): its place would be the dataset"
          + " /entry/sample/thickness"
      ])
  }

  @Test(
    "A refusal for want of a unit or an item tells the attribute that may have been meant for it")
  func refusals() throws {
    for path in ["/entry/sample/thickness", "/entry/data/frames"] {
      let fixture = try Fixture()
      fixture.items[path] =
        path == "/entry/sample/thickness"
        ? .scalar(60, nil) : .integers((0..<24).map { 100 + $0 }, shape: [4, 2, 3], units: nil)
      fixture.attributes = [(path, "unit", "nm")]
      let error = try #require(throws: AcquisitionError.self) { try fixture.read() }
      #expect(error.reason == "its unit is missing")
      #expect(
        error.remedy?.hasSuffix(
          "; nothing reads the attribute unit of \(path): its place would be the attribute units")
          == true)
    }
    let fixture = try Fixture()
    fixture.items["/entry/instrument/source/voltage"] = nil
    fixture.items["/entry/instrument/source/probe"] = .text("electron")
    fixture.attributes = [("/entry/instrument/source", "voltage", "200")]
    let error = try #require(throws: AcquisitionError.self) { try fixture.read() }
    #expect(error.description.contains("the attribute voltage of /entry/instrument/source"))
  }

  @Test(
    "An attribute beside the one that it resembles, and one that resembles none, are nobody's business"
  )
  func strangers() throws {
    let told = try unread {
      $0.items["/entry/instrument/detector/gain"] = .list([1, 1.1, 1.2, 1.3], "")
      $0.attributes = [
        ("/entry/instrument/detector/gain", "unit", ""), ("/entry/sample", "thicknes", "60"),
        ("/entry/sample", "NX_class", "NXsample"), ("/entry/data", "axes", "x"),
        ("/entry/data", "signal", "frames"), ("/entry/data/frames", "long_name", "signals"),
        ("/entry/data/frames", "offset", "none"), ("/entry/sample/material", "unit", ""),
        ("/entry/instrument/scan/scan_rotation", "start_time", "noon"),
      ]
    }
    #expect(told.isEmpty)
  }
}
