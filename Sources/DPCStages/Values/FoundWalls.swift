// What a table of walls carries beyond a fit's when the walls were found one by one.
internal import DPCReconstruction
internal import Pipeline
internal import STEMCore
internal import STEMData

/// One entry per row of the table.
struct FoundWallsColumns: Codable, Sendable, Equatable {
  /// Azimuth of each wall's own normal, rad.
  var normalAzimuth: [STEMCore.Measurement]
  var start: [ScanPoint]
  var end: [ScanPoint]
  /// Standard deviations above noise over the wall's whole length.
  var significance: [Double]
  /// 0 is the family with the most signal, to whose normal the profile belongs.
  var family: [Int]
  /// Mean azimuth of the normals of each family, rad.
  var families: [Double]
}

extension WallTable {
  /// - Parameter errorScale: What the errors of the map had been divided by for the search.
  init(findings: WallFindings, errorScale: Double) {
    self = .empty
    let all = findings.walls.map { WallRow($0.fitted, errorScale: errorScale) }
    rows = zip(all, findings.walls).filter(\.0.isMeasured).enumerated().map { index, wall in
      var row = wall.0
      row.bent = wall.1.bend.map {
        BentWall(
          bend: $0.scalingErrors(by: errorScale), widening: 1, group: index..<index + 1)
      }
      return row
    }
    unmeasured = all.filter { !$0.isMeasured }
    nearRim = findings.nearRim.map { wall in
      RimWall(
        normalAzimuth: wall.normalAzimuth, position: wall.position,
        significance: wall.significance / errorScale)
    }
    curveDistance = findings.profile?.distance ?? []
    curve = findings.curve
    if let profile = findings.profile, curve.count == profile.value.count, !curve.isEmpty {
      let squares = zip(profile.value, curve).map { ($0 - $1) * ($0 - $1) }
      residual = (squares.reduce(0, +) / Double(curve.count)).squareRoot()
    }
  }
}

extension WallsValue {
  /// The walls to which the profile belongs.
  var tableOfProfile: WallTable {
    guard let found else { return table }
    var copy = table
    copy.rows = zip(table.rows, found.family).filter { $0.1 == 0 }.map(\.0)
    return copy
  }

  /// Columns and attributes that only found walls have.
  var foundDatasets: [ResultDataset] {
    guard let found else { return [] }
    let count = [table.rows.count]
    func column(_ name: String, _ values: [Double], _ unit: String) -> ResultDataset {
      ResultDataset(name, shape: count, values: .float64(values), unit: unit)
    }
    var datasets = [
      column("wall_normal_azimuth", found.normalAzimuth.map(\.value), "rad"),
      column("wall_start_x", found.start.map(\.x), "m"),
      column("wall_start_y", found.start.map(\.y), "m"),
      column("wall_end_x", found.end.map(\.x), "m"),
      column("wall_end_y", found.end.map(\.y), "m"),
      column("wall_significance", found.significance, ""),
      column("wall_family", found.family.map(Double.init), ""),
    ]
    let errors = found.normalAzimuth.compactMap(\.error)
    if errors.count == table.rows.count && !errors.isEmpty {
      datasets.append(column("wall_normal_azimuth_errors", errors, "rad"))
    }
    return datasets
  }
}
