// What the simulation knows and the reconstruction has to find.
public import STEMCore

/// The truth behind a simulated acquisition: SI units, vectors in the scan frame where not said.
public struct SimulationTruth: Sendable, Equatable {
  /// Deflection caused by the specimen, scan frame, rad: -E_proj / (pv/e).
  public var deflection: VectorField
  /// Projected field ∫E dz, scan frame, V.
  public var projectedField: VectorField
  /// E_proj / thickness, scan frame, V/m; nil without a thickness.
  public var field: VectorField?
  /// ∫V dz with mean zero, V m; nil where a layer has a curl.
  public var projectedPotential: ScalarField?
  /// Phase shift σ ∫V dz with mean zero, rad.
  public var phase: ScalarField?
  /// m; nil where not stated.
  public var thickness: Double?
  /// From the detector frame to the scan frame, rad.
  public var scanRotation: Double
  public var segmentGain: [Double]?
  /// Signal without beam, in `signalUnit`.
  public var dark: [Double]?
  /// The unit of the frames.
  public var signalUnit: SignalUnit
  /// Deflection by the scan itself, DETECTOR frame, rad; nil where there is none.
  public var descanDeflection: VectorField?
  /// Per frame the bad pixels: `missing` and `hot`.
  public var badPixels: [PixelMask]
  /// Every array of walls in the specimen.
  public var walls: [WallArray]

  /// A named array of the truth.
  public typealias Dataset = (name: String, unit: String, shape: [Int], values: [Double])

  /// The truth as named arrays, ready to be stored under `/truth`.
  ///
  /// Vectors are [2, rows, columns] in the order x, y; scalars have an empty shape. Units are SI,
  /// but for `scan_rotation`, `wall_inclination` and `wall_normal_azimuth`, which are in deg.
  /// `wall_E0` is signed, `wall_w` is that of sech²(u/w), `wall_positions` count from the center
  /// of the scan along the wall normal. A second array of walls has the suffix `_2`, and so on.
  /// `bad_pixels` is 0 (good), 1 (missing) or 2 (spike), [frames, rows, columns] for a stack.
  public var datasets: [Dataset] {
    var list: [Dataset] = [vector("deflection", "rad", deflection)]
    list.append(vector("E_proj", "V", projectedField))
    if let field { list.append(vector("E", "V/m", field)) }
    if let projectedPotential { list.append(plane("potential_proj", "V m", projectedPotential)) }
    if let phase { list.append(plane("phase", "rad", phase)) }
    if let thickness { list.append(("thickness", "m", [], [thickness])) }
    list.append(("scan_rotation", "deg", [], [degrees(scanRotation)]))
    if let segmentGain { list.append(("gain", "1", [segmentGain.count], segmentGain)) }
    if let dark { list.append(("dark", signalUnit.rawValue, [dark.count], dark)) }
    if let descanDeflection {
      list.append(vector("descan_deflection", "rad", descanDeflection))
    }
    if badPixels.contains(where: { $0.unusableCount > 0 }) { list.append(badPixelMap) }
    for (index, wall) in walls.enumerated() {
      list += wallDatasets(wall, suffix: index == 0 ? "" : "_\(index + 1)")
    }
    return list
  }

  /// Named texts of the truth: `field_kind` of each array of walls.
  public var labels: [(name: String, value: String)] {
    walls.enumerated().map { index, wall in
      (index == 0 ? "field_kind" : "field_kind_\(index + 1)", wall.direction.rawValue)
    }
  }

  private func degrees(_ angle: Double) -> Double { angle * 180 / Double.pi }

  private func vector(_ name: String, _ unit: String, _ field: VectorField) -> Dataset {
    (name, unit, [2, field.shape.rows, field.shape.columns], field.x + field.y)
  }

  private func plane(_ name: String, _ unit: String, _ field: ScalarField) -> Dataset {
    (name, unit, [field.shape.rows, field.shape.columns], field.values)
  }

  private var badPixelMap: Dataset {
    let shape = deflection.shape
    let values = badPixels.flatMap { mask in
      mask.bytes.map { byte in
        let flags = PixelFlags(rawValue: byte)
        return flags.contains(.missing) ? 1.0 : flags.contains(.hot) ? 2 : 0
      }
    }
    let plane = [shape.rows, shape.columns]
    return ("bad_pixels", "1", badPixels.count > 1 ? [badPixels.count] + plane : plane, values)
  }

  private func wallDatasets(_ wall: WallArray, suffix: String) -> [Dataset] {
    let count = wall.positions.count
    let list: [Dataset] = [
      ("wall_E0", "V/m", [], [wall.amplitude]), ("wall_w", "m", [], [wall.widthParameter]),
      ("wall_fwhm", "m", [], [wall.fullWidthHalfMaximum]),
      ("wall_inclination", "deg", [], [degrees(wall.inclination)]),
      ("wall_positions", "m", [count], wall.positions), ("wall_signs", "1", [count], wall.signs),
      ("wall_normal_azimuth", "deg", [], [degrees(wall.normalAzimuth)]),
    ]
    return list.map { ($0.name + suffix, $0.unit, $0.shape, $0.values) }
  }
}
