// What stages read of their parameters is what they declare: a wrong key or a missing default shows here, whatever
// branch of a stage it stands in.
import DPCStages
import Foundation
import Pipeline
import Testing

struct ParameterReadingTests {
  /// One place in the sources that reads a parameter.
  private struct Reading: CustomStringConvertible {
    let file: String
    let accessor: String
    let key: String
    /// Of the stages that the file declares, else of every stage: one that several share declares none.
    let types: [any StageType]

    var description: String { "\(file): \(accessor)(\"\(key)\")" }
    var declarations: [ParameterSpecification] {
      types.flatMap(\.parameters).filter { $0.key == key }
    }
  }

  private static let folder = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
    .deletingLastPathComponent().deletingLastPathComponent()
    .appendingPathComponent("Sources/DPCStages")

  /// Those of ``StageContext``, and what hands a key on to them.
  private static let accessors: Set = [
    "value", "choice", "meters", "radians", "metersIfGiven", "radiansIfGiven", "number", "numbers",
    "word", "words", "file", "given",
  ]

  private static func readings() throws -> [Reading] {
    let paths = try #require(FileManager.default.enumerator(atPath: folder.path))
      .compactMap { $0 as? String }.filter { $0.hasSuffix(".swift") }.sorted()
    return try paths.flatMap { path in
      let text = try String(contentsOf: folder.appendingPathComponent(path), encoding: .utf8)
      let own = StageCatalog.dpc.types.filter {
        text.contains("let name = \"\($0.name)\"") || text.contains("let typeName = \"\($0.name)\"")
      }
      let pieces = text.split(separator: "(", omittingEmptySubsequences: false)
      return zip(pieces, pieces.dropFirst()).compactMap { call, arguments -> Reading? in
        let accessor = String(call.reversed().prefix(while: \.isLetter).reversed())
        let argument = arguments.drop(while: \.isWhitespace)
        let key = String(argument.dropFirst().prefix { $0 != "\"" })
        guard accessors.contains(accessor), argument.first == "\"",
          key.allSatisfy({ $0.isLetter || $0.isNumber || $0 == "_" })
        else { return nil }
        return Reading(
          file: path, accessor: accessor, key: key,
          types: own.isEmpty ? StageCatalog.dpc.types : own)
      }
    }
  }

  private static func alwaysHasValue(_ declared: ParameterSpecification, as accessor: String)
    -> Bool
  {
    if declared.defaultValue == nil && !declared.isRequired || !declared.keywords.isEmpty {
      return false
    }
    return switch (accessor, declared.kind) {
    case ("choice", .choice), ("meters", .number), ("radians", .number), ("value", _): true
    default: false
    }
  }

  @Test(
    "Each parameter that is read is declared, with a value in any case where none is said to lack")
  func declared() throws {
    let readings = try Self.readings()
    // Fewer: the accessors have other names.
    #expect(readings.count > 120)
    for reading in readings {
      #expect(!reading.declarations.isEmpty, "\(reading) is declared nowhere")
      if ["value", "choice", "meters", "radians"].contains(reading.accessor) {
        #expect(
          reading.declarations.contains { Self.alwaysHasValue($0, as: reading.accessor) },
          "\(reading) needs a default, or to be required, and no keyword")
      }
    }
  }

  @Test("Each parameter that is declared is read")
  func read() throws {
    // Those of the crystal are read by their declarations.
    let listed = Set(try Self.readings().map(\.key)).union([
      "beam_direction", "wall_plane", "field_axis", "image_x_direction", "lattice_nm",
      "lattice_angles_deg",
    ])
    for type in StageCatalog.dpc.types {
      let unread = type.parameters.map(\.key).filter { !listed.contains($0) }
      #expect(unread.isEmpty, "\(type.name)")
    }
  }
}
