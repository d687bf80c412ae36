// The maps of a contact sheet: one of each result, the same quantity of all.
internal import Digest
internal import FieldRendering
internal import Pipeline
internal import STEMCore

/// A result's vector map, small; the quantity that it shows is decided by all maps of a sheet.
public struct ContactMap: Sendable {
  /// V, V/m or rad.
  let map: VectorMap
  let label: String
  let unit: String
  /// m; only of a projected field, and where it is known.
  let thickness: Double?

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
