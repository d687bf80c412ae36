// The maps of a contact sheet: one of each result, the same quantity of all.
internal import DPCReconstruction
internal import FieldRendering
internal import Pipeline
internal import STEMCore

/// A result's vector map, small; the quantity that it shows is decided by all maps of a sheet.
public struct ContactMap: Sendable {
  /// V, V/m or rad.
  fileprivate let map: VectorMap
  fileprivate let label: String
  fileprivate let unit: String
  /// m; only of a projected field, and where it is known.
  fileprivate let thickness: Double?

  /// nil for a value that is no vector map.
  init?(_ value: any StageValue) {
    switch value {
    case let value as ProjectedFieldValue:
      (map, label, unit) = (ContactSheet.reduced(value.map), "Projected electric field", "V")
      thickness = value.thickness
    case let value as IntrinsicFieldValue:
      (map, label, unit) = (ContactSheet.reduced(value.map), "Intrinsic electric field", "V/m")
      thickness = nil
    case let value as DeflectionValue:
      (map, label, unit) = (ContactSheet.reduced(value.map), "Deflection", "rad")
      thickness = nil
    default: return nil
    }
  }
}

extension ResultAssembly {
  /// Whose map a sheet shows: the first listed projected field, else the first listed vector map.
  private var contactStage: String? {
    let listed = runner.graph.results
    func first(_ kinds: [PortKind]) -> String? {
      listed.first { kind($0).map(kinds.contains) ?? false }
    }
    return first([.projectedField]) ?? first([.intrinsicField])
      ?? first([.deflection, .detectorDeflection])
  }

  /// Decides whether the map still is what it was; nil where there is none.
  public var contactIdentity: String? {
    contactStage.flatMap { report[$0]?.outputs.values.map(\.digest.hex).sorted().joined() }
  }

  /// The map for a sheet of many; nil where the pipeline lists none, or its stage failed.
  ///
  /// - Throws: `StageFailure` where an object of the cache is damaged.
  public func contactMap() throws -> ContactMap? {
    guard let stage = contactStage, report[stage]?.succeeded == true, let output = output(stage)
    else { return nil }
    return ContactMap(try runner.value(of: output, in: report))
  }
}

/// Draws a sheet.
public enum ContactSheetDrawing {
  /// The sheet as PNG; nil where none of the results has a vector map.
  ///
  /// Fields are shown in V/m if the thickness of every specimen is known, else all in V.
  /// - Parameters:
  ///   - title: Stands above.
  ///   - entries: Key, map, and what is to be said of each.
  /// - Throws: `StageFailure` where the sheet cannot be drawn.
  public static func png(
    title: String, _ entries: [(key: String, map: ContactMap?, remark: String)]
  ) throws -> [UInt8]? {
    let maps = entries.compactMap(\.map)
    guard let first = maps.first else { return nil }
    let isMean = first.unit == "V" && maps.allSatisfy { $0.thickness != nil }
    let sheet = ContactSheet(
      title: title,
      entries: entries.map { key, map, remark in
        let shown = map.map { contact in
          isMean
            ? contact.thickness.map { meanField(of: contact.map, thickness: $0) } ?? contact.map
            : contact.map
        }
        return ContactSheet.Entry(label: key, map: shown, remark: remark)
      },
      quantityLabel: isMean ? "Electric field" : first.label, unit: isMean ? "V/m" : first.unit)
    do {
      return try sheet.render(.png)
    } catch {
      throw StageFailure(.failed, "contact sheet: \(error)")
    }
  }
}
