// The walls of many runs as one table, a row for each wall of each run.
internal import DPCReconstruction
internal import Digest
internal import Foundation
internal import Pipeline
internal import STEMCore
internal import Synchronization

/// A wall of one run as it stands in the table of all.
public struct ListedWall: Sendable, Equatable {
  let stage: String
  /// Of the group in result.h5: `walls` for a wall's own numbers, `wall_profile` for those in the image.
  let quantity: String
  /// From 1, as in the summary and on figures.
  let number: Int
  /// Of the wall's normal, from +x towards +y, degrees.
  let normalAzimuth: STEMCore.Measurement
  /// Along the normal, from the center of the scan, m.
  let position: STEMCore.Measurement
  /// From the wall before, along the normal that both have in common, m.
  var separation: STEMCore.Measurement?
  let field: STEMCore.Measurement
  /// Of the field: `V/m`, `V` or `rad`.
  let fieldUnit: String
  /// Full width at half maximum, m.
  let width: STEMCore.Measurement
  /// E0·w, V; only of a wall's own numbers.
  let product: STEMCore.Measurement?
  /// Standard deviations; nil beyond a million, where no noise is left.
  let significance: Double?
}

extension WallTable {
  /// The table's rows for the table of all runs, without separations.
  fileprivate func listed(
    _ stage: String, quantity: String, fieldUnit: String,
    normalAzimuth: (Int) -> STEMCore.Measurement
  ) -> [ListedWall] {
    let degrees = 180 / Double.pi
    return rows.enumerated().map { index, row in
      let normal = normalAzimuth(index)
      return ListedWall(
        stage: stage, quantity: quantity, number: index + 1,
        normalAzimuth: STEMCore.Measurement(
          normal.value * degrees, error: normal.error.map { $0 * degrees }),
        position: row.wall.position, field: row.wall.field, fieldUnit: fieldUnit,
        width: row.wall.width, product: quantity == "walls" ? row.product : nil,
        significance: row.significance < 1e6 ? row.significance : nil)
    }
  }

  /// The rows of walls with one normal, each with its distance from the one before.
  ///
  /// What a shared quantity does to both is no error of their distance; the noise of each is its own.
  fileprivate func listed(
    _ stage: String, quantity: String, fieldUnit: String, _ orientation: WallOrientation
  ) -> [ListedWall] {
    let error = orientation.azimuthError > 0 ? orientation.azimuthError : nil
    var walls = listed(stage, quantity: quantity, fieldUnit: fieldUnit) { _ in
      STEMCore.Measurement(orientation.normalAzimuth, error: error)
    }
    for index in rows.indices.dropFirst() {
      walls[index].separation = rows[index].distance(from: rows[index - 1])
    }
    return walls
  }
}

extension WallRow {
  /// m, with an error where both positions have one.
  func distance(from other: WallRow) -> STEMCore.Measurement {
    let distance = wall.position.value - other.wall.position.value
    guard let error = wall.position.error, let otherError = other.wall.position.error else {
      return STEMCore.Measurement(distance)
    }
    var variance = error * error + otherError * otherError
    for cause in Set((changes ?? [:]).keys).union((other.changes ?? [:]).keys).sorted() {
      let both = [self, other].map { $0.changes?[cause]?.position ?? 0 }
      // The squares of both are in the errors: of (a - b)² they lack the product.
      variance -= 2 * both[0] * both[1]
    }
    return STEMCore.Measurement(distance, error: max(0, variance).squareRoot())
  }
}

extension ResultAssembly {
  private var wallStages: [String] {
    runner.graph.results.filter { stage in
      kind(stage).map { $0 == .walls || $0 == .wallProfile } ?? false
    }
  }

  /// Decides whether the walls still are what they were; nil where the pipeline lists no table of walls.
  public var wallIdentity: String? {
    if wallStages.isEmpty { return nil }
    return wallStages.map { stage in
      "\(stage)=" + (report[stage]?.outputs.values.map(\.digest.hex).sorted().joined() ?? "")
    }.joined(separator: " ")
  }

  /// The walls of all listed tables; none of a stage that failed.
  ///
  /// - Throws: `StageFailure` where an object of the cache is damaged.
  public func walls() throws -> [ListedWall] {
    try wallStages.filter { report[$0]?.succeeded == true }.flatMap { stage -> [ListedWall] in
      guard let output = output(stage) else { return [] }
      switch try runner.value(of: output, in: report) {
      case let value as WallsValue:
        guard let found = value.found else {
          return value.table.listed(
            stage, quantity: "walls", fieldUnit: "V/m", value.orientation)
        }
        return value.table.listed(stage, quantity: "walls", fieldUnit: "V/m") {
          found.normalAzimuth[$0]
        }
      case let value as WallProfileValue:
        return value.table?.listed(
          stage, quantity: "wall_profile", fieldUnit: value.unit, value.orientation) ?? []
      default: return []
      }
    }
  }
}

/// The walls of many runs, gathered while their values are in memory.
public final class CollectedWalls: Sendable {
  private let walls = Mutex<[Int: [ListedWall]]>([:])

  public init() {}

  /// Those of a run by its place; nil where they were not gathered.
  public subscript(index: Int) -> [ListedWall]? {
    get { walls.withLock { $0[index] } }
    set { walls.withLock { $0[index] = newValue } }
  }
}

extension SummaryTable {
  /// The walls of many runs, one row for each wall.
  ///
  /// - Parameters:
  ///   - title: What the runs have in common.
  ///   - runs: Their keys and walls in order.
  ///   - settings: What sets each run apart, by its key: names in order, with values as written.
  public static func walls(
    title: String, runs: [(key: String, walls: [ListedWall])],
    settings: [String: [(name: String, value: String)]]
  ) -> SummaryTable {
    let keys = runs.flatMap { run in run.walls.map { _ in run.key } }
    let walls = runs.flatMap(\.walls)
    let names = [
      Column(name: "stage", values: .texts(walls.map(\.stage))),
      Column(name: "quantity", values: .texts(walls.map(\.quantity))),
      Column(name: "wall", values: .counts(walls.map(\.number))),
    ]
    let fields = ["V/m", "V", "rad"].flatMap { unit in
      measured("field", unit, walls.map { $0.fieldUnit == unit ? $0.field : nil })
    }
    return SummaryTable(
      title: title, name: "walls",
      columns: [Column(name: "key", values: .texts(keys))] + Self.settings(of: keys, settings)
        + names + measured("normal_azimuth", "deg", walls.map(\.normalAzimuth))
        + measured("position", "m", walls.map(\.position))
        + measured("separation", "m", walls.map(\.separation)) + fields
        + measured("width", "m", walls.map(\.width))
        + measured("field_times_sech_width", "V", walls.map(\.product))
        + [
          Column(
            name: "significance", unit: "sigma", values: .numbers(walls.map(\.significance)))
        ])
  }

  /// Value, and error where any wall has one; nothing where no wall has a value.
  private static func measured(
    _ name: String, _ unit: String, _ values: [STEMCore.Measurement?]
  ) -> [Column] {
    if values.allSatisfy({ $0 == nil }) { return [] }
    let errors = values.map { $0?.error }
    let column = Column(name: name, unit: unit, values: .numbers(values.map { $0?.value }))
    if errors.allSatisfy({ $0 == nil }) { return [column] }
    return [column, Column(name: "\(name)_error", unit: unit, values: .numbers(errors))]
  }
}
