// The names, units, types and attributes of result.h5: what other programs rely on.
import Foundation
import Testing

struct ResultInterfaceTests {
  /// A run of a shipped pipeline on the sample; the workspace must outlive the reading.
  private func result(
    _ pipeline: String = "top-view", status: Int32 = 0, _ change: (inout Sample) -> Void = { _ in }
  ) async throws -> (workspace: Workspace, file: Stored, finished: Finished) {
    let workspace = try Workspace()
    var sample = Sample()
    change(&sample)
    try workspace.write(sample)
    let finished = try await workspace.run(Program.pipeline(pipeline))
    #expect(finished.status == status, "\(finished.errors)")
    return (workspace, Stored(workspace["out/result.h5"]), finished)
  }

  /// Group to quantity, signal and datasets with their units; each but scalars with `_errors`
  /// where they are counted.
  private static let groups: [(group: String, quantity: String, signal: String)] = [
    ("field", "electric_field", "electric_field_magnitude"),
    ("aligned", "deflection", "deflection_x"), ("tilt", "deflection", "deflection_x"),
    ("potential", "projected_potential", "projected_potential"),
    ("charge", "projected_charge_density", "projected_charge_density"),
    ("parts", "helmholtz_parts", "curl_free_x"),
  ]
  private static let maps: [(path: String, units: String, hasErrors: Bool)] = [
    ("field/projected_field_x", "V", true), ("field/projected_field_y", "V", true),
    ("field/electric_field_x", "V/m", true), ("field/electric_field_y", "V/m", true),
    ("field/electric_field_magnitude", "V/m", false),
    ("field/electric_field_direction", "rad", false), ("aligned/deflection_x", "rad", true),
    ("aligned/deflection_y", "rad", true), ("tilt/deflection_x", "rad", true),
    ("tilt/deflection_y", "rad", true), ("potential/projected_potential", "V m", false),
    ("charge/projected_charge_density", "C/m^2", true), ("parts/curl_free_x", "V", false),
    ("parts/curl_free_y", "V", false), ("parts/divergence_free_x", "V", false),
    ("parts/divergence_free_y", "V", false),
  ]

  @Test("Every quantity stands under its name with its unit, type, axes and signal")
  func names() async throws {
    let (workspace, file, _) = try await result()
    defer { withExtendedLifetime(workspace) {} }
    #expect(try file.attribute("NX_class", of: "/") == ["NXroot"])
    #expect(try file.attribute("default", of: "/") == ["entry"])
    #expect(try file.attribute("NX_class", of: "/entry") == ["NXentry"])
    #expect(try file.attribute("default", of: "/entry") == ["field"])
    for (group, quantity, signal) in Self.groups {
      let path = "/entry/\(group)"
      #expect(try file.attribute("NX_class", of: path) == ["NXdata"])
      #expect(try file.attribute("quantity", of: path) == [quantity], "\(group)")
      let found = try #require(try file.attribute("signal", of: path)?.first)
      #expect(found == signal || group == "parts", "\(group)")
      #expect(try file.contains("\(path)/\(found)"))
      #expect(try file.attribute("axes", of: path) == ["y", "x"])
      let mask = try file.description("\(path)/mask")
      #expect(mask.shape == [16, 24] && mask.element == "uint8")
      // 24 columns of 4 nm, 16 rows of 5 nm.
      let axes = try (x: file.values("\(path)/x"), y: file.values("\(path)/y"))
      #expect(axes.x.count == 24 && abs(axes.x[23] - 92) < 1e-9)
      #expect(axes.y.count == 16 && abs(axes.y[15] - 75) < 1e-9)
      #expect(try file.description("\(path)/x").units == "nm")
      #expect(try file.description("\(path)/y").units == "nm")
    }
    for (path, units, hasErrors) in Self.maps {
      let map = try file.description("/entry/\(path)")
      #expect(map.shape == [16, 24] && map.element == "float32" && map.units == units, "\(path)")
      if !hasErrors { continue }
      let errors = try file.description("/entry/\(path)_errors")
      #expect(errors.shape == [16, 24] && errors.element == "float32" && errors.units == units)
    }
    for (group, frame) in [
      ("tilt", "detector"), ("aligned", "scan"), ("field", "scan"), ("parts", "scan"),
    ] {
      #expect(try file.attribute("frame", of: "/entry/\(group)") == [frame])
    }
    for (name, units) in [("wall_position", "m"), ("wall_field", "V/m"), ("wall_width", "m")] {
      for suffix in ["", "_errors"] {
        let column = try file.description("/entry/walls/\(name)\(suffix)")
        #expect(column.shape == [2] && column.units == units, "\(name)\(suffix)")
      }
    }
    #expect(try file.number("offset_V_per_m", of: "/entry/walls") != nil)
    #expect(try file.description("/entry/profile/distance").units == "nm")
    #expect(try file.contains("/entry/profile/profile"))
  }

  @Test("Counting noise of 10^8 electrons is 1.885 µrad, and stands in the file as such")
  func errors() async throws {
    let (workspace, file, _) = try await result()
    defer { withExtendedLifetime(workspace) {} }
    // π α / (4 √N) of the ring-summed quadrants, to the first order of the shift.
    let expected = Double.pi * 24e-3 / 4 / 1e8.squareRoot()
    for axis in ["x", "y"] {
      for value in try file.values("/entry/aligned/deflection_\(axis)_errors") {
        #expect(abs(value / expected - 1) < 0.01, "\(value)")
      }
      for value in try file.values("/entry/field/electric_field_\(axis)_errors") {
        #expect(abs(value / (expected * 343_741.13 / 50e-9) - 1) < 0.01, "\(value)")
      }
    }
  }

  @Test("Without a number of electrons there are no errors, rather than errors of zero")
  func noCountingStatistics() async throws {
    let (workspace, file, finished) = try await result { sample in
      guard case .numbers(let values, let shape, _)? = sample.items[Sample.frames] else { return }
      sample.items[Sample.frames] = .numbers(values, shape: shape, units: "counts")
      sample.items["/entry/instrument/scan/electrons_per_pixel"] = nil
    }
    defer { withExtendedLifetime(workspace) {} }
    for (group, _, _) in Self.groups {
      let names = try file.names(in: "/entry/\(group)")
      #expect(names.filter { $0.hasSuffix("_errors") }.isEmpty, "\(group): \(names)")
    }
    #expect(finished.output.contains("electrons_per_pixel"))
  }

  @Test("Masked pixels are NaN with a reason, and numbers where they were filled in")
  func masks() async throws {
    let (workspace, file, _) = try await result { sample in
      sample.changeFrames { segment, row, column, value in
        if row == 2 && column == 3 && segment == 1 { return .nan }
        if row == 9 && column == 20 { return 0 }
        return row == 12 && column == 5 && segment == 2 ? value * 10 : value
      }
    }
    defer { withExtendedLifetime(workspace) {} }
    // Missing; nothing counted, which the rule for spikes may call a drop-out first; hot.
    let bad: [Int: UInt8] = [2 * 24 + 3: 1, 9 * 24 + 20: 2 | 8, 12 * 24 + 5: 8]
    let filledIn: UInt8 = 32
    for (path, _, _) in Self.maps {
      let mask = try file.values("/entry/\(path.split(separator: "/")[0])/mask").map(UInt8.init)
      let values = try file.values("/entry/\(path)")
      for (pixel, reason) in bad {
        #expect(mask[pixel] & reason != 0, "\(path): \(mask[pixel])")
        #expect(values[pixel].isNaN == (mask[pixel] & filledIn == 0), "\(path)")
      }
      for pixel in values.indices where mask[pixel] == 0 {
        #expect(values[pixel].isFinite, "\(path): pixel \(pixel)")
      }
    }
    #expect(try file.values("/entry/aligned/mask").filter { $0 != 0 }.count == 3)
    #expect(try file.values("/entry/potential/projected_potential").allSatisfy(\.isFinite))
  }

  @Test("Without a thickness there are volts and no volts per meter")
  func noThickness() async throws {
    let workspace = try Workspace()
    var sample = Sample()
    sample.items[Sample.thickness] = nil
    try workspace.write(sample)
    let finished = try await workspace.run()
    #expect(finished.status == 0, "\(finished.errors)")
    let file = Stored(workspace["out/result.h5"])
    #expect(try file.attribute("quantity", of: "/entry/field") == ["projected_field"])
    #expect(try file.attribute("signal", of: "/entry/field") == ["projected_field_x"])
    let names = try file.names(in: "/entry/field")
    #expect(names.isSuperset(of: ["projected_field_x", "projected_field_y"]))
    #expect(names.filter { $0.hasPrefix("electric_field") }.isEmpty)
    #expect(try file.contains("/entry/potential/projected_potential"))
    #expect(finished.output.contains("thickness unknown"))

    // Walls through the thickness cannot be had without it: the rest is there, and 3 says so.
    let partial = try await workspace.run(Program.pipeline("top-view"), output: "walls")
    #expect(partial.status == 3, "\(partial.errors)")
    #expect(partial.told.contains("thickness"), "\(partial.errors)")
    let rest = try Stored(workspace["walls/result.h5"]).names(in: "/entry")
    #expect(rest.isSuperset(of: ["field", "aligned", "tilt", "potential", "charge", "parts"]))
    #expect(!rest.contains("walls"))
  }

  @Test("With an unknown rotation the deflection in the detector's axes is there, and the remedy")
  func unknownRotation() async throws {
    let (workspace, file, finished) = try await result(status: 3) { sample in
      sample.items[Sample.rotation] = .scalar(.nan, "deg")
      sample.attributes = [(Sample.rotation, "status", "unknown")]
    }
    #expect(finished.complaints.count == 1, "\(finished.errors)")
    #expect(finished.told.contains("scan rotation"))
    #expect(finished.told.contains("--set aligned.rotation_deg="))
    #expect(try file.contains("/entry/tilt/deflection_x"))
    #expect(try !file.contains("/entry/field"))
    let arguments = try workspace.runArguments(Program.pipeline("top-view"))
    let mended = try await workspace.dpc(arguments + ["--set", "aligned.rotation_deg=25"])
    #expect(mended.status == 0, "\(mended.errors)")
    #expect(try file.contains("/entry/field/electric_field_x"))
  }

  @Test("The chain of steps stands in the file, without date, host or path")
  func chain() async throws {
    let (workspace, file, _) = try await result()
    defer { withExtendedLifetime(workspace) {} }
    let steps = try file.names(in: "/entry").filter { $0.hasPrefix("process_") }.sorted()
    #expect(
      steps.prefix(7).map { $0.dropFirst(11) }.elementsEqual(
        ["frames", "clean", "averaged", "tilt", "descan", "rotation", "aligned"]))
    for (index, step) in steps.enumerated() {
      #expect(try file.attribute("NX_class", of: "/entry/\(step)") == ["NXprocess"])
      #expect(try file.text("/entry/\(step)/program") == "dpc")
      #expect(try Int(file.scalar("/entry/\(step)/sequence_index")) == index + 1)
    }
    // Only what can be read: a short host name is found in the bytes of any numbers.
    let text = try workspace.bytes("out/result.h5").split { $0 < 0x20 || $0 > 0x7e }
      .filter { $0.count >= 8 }.map { String(decoding: $0, as: UTF8.self) }
      .joined(separator: "\n")
    for word in [workspace.path, "scan.h5", ProcessInfo.processInfo.hostName] {
      #expect(!text.contains(word), "\(word)")
    }
    let printed = try await workspace.dpc(["provenance", "out/result.h5"])
    #expect(printed.status == 0)
    for words in [
      "1. frames: read-acquisition", "file acquisition: SHA-256 ", "thickness_nm: from-file",
    ] {
      #expect(printed.output.contains(words), "\(printed.output)")
    }
    let none = try await workspace.dpc(["provenance", "scan.h5"])
    #expect(none.status == 4)
    #expect(none.complaints.first?.contains("scan.h5: no chain") == true, "\(none.errors)")
  }
}
