// What average-unit-cell says of the lattice in the signals, beside the cell that it was told.
internal import DPCReconstruction
internal import Glibc
internal import Pipeline
internal import STEMCore

/// A cell in the words of the parameters: two edges, the azimuth of the first and the angle between them.
struct StatedCell {
  /// m.
  let first: Double
  let second: Double
  /// rad, from x toward y.
  let azimuth: Double
  let angle: Double

  init(_ context: StageContext) throws {
    first = try context.meters("period_x_nm")
    second = try context.meters("period_y_nm")
    azimuth = try context.value("azimuth_deg", as: Double.self) * .pi / 180
    angle = try context.value("angle_deg", as: Double.self) * .pi / 180
  }

  init(_ cell: UnitCell, pixelSize: PixelSize) {
    let a = (x: cell.a.x * pixelSize.x, y: cell.a.y * pixelSize.y)
    let b = (x: cell.b.x * pixelSize.x, y: cell.b.y * pixelSize.y)
    first = hypot(a.x, a.y)
    second = hypot(b.x, b.y)
    azimuth = atan2(a.y, a.x)
    angle = atan2(a.x * b.y - a.y * b.x, a.x * b.x + a.y * b.y)
  }

  func cell(in pixelSize: PixelSize) -> UnitCell {
    func edge(_ length: Double, _ azimuth: Double) -> LatticeVector {
      LatticeVector(length * cos(azimuth) / pixelSize.x, length * sin(azimuth) / pixelSize.y)
    }
    return UnitCell(a: edge(first, azimuth), b: edge(second, azimuth + angle))
  }

  /// As a manifest would state it.
  var parameters: String {
    let degrees = 180 / Double.pi
    return
      "period_x_nm: \(Format.fixed(first * 1e9, 4)), period_y_nm: \(Format.fixed(second * 1e9, 4)),"
      + " azimuth_deg: \(Format.fixed(azimuth * degrees, 2)), angle_deg: \(Format.fixed(angle * degrees, 2))"
  }
}

/// The waves of the lattice, and what is left of them.
struct LatticeReport {
  let waves: LatticeWaves
  /// Over which was averaged.
  let cell: UnitCell
  let pixelSize: PixelSize
  /// rad.
  let probeSemiAngle: Double

  /// Less than this part of the noise does not show, even in means over many cells.
  private static let visible = 0.3
  /// Below a deflection of so much nothing of a lattice matters to a wall, rad.
  private static let harmless = 0.1e-6

  private var left: (noises: Double, ofSum: Double) { waves.contrast(after: cell) }

  /// The deflection of a disc that changes the difference by as much. That of n sectors, weighed by the cosines of their
  /// middles, is n sin(π/n) / π of the sum a semi-angle: 0.9 for quadrants.
  private var deflection: Double { left.ofSum * probeSemiAngle / 0.9 }

  private var shownDeflection: String {
    if deflection < 1e-9 { return "less than 1 nrad" }
    let (nanoradians, isFine) = (deflection * 1e9, deflection < 1e-6)
    return "about "
      + (isFine
        ? "\(Format.significant(nanoradians, digits: 2)) nrad"
        : "\(Format.significant(nanoradians / 1e3, digits: 2)) µrad")
  }

  var facts: [Fact] {
    if !waves.areFound { return [] }
    return [
      Fact(
        "lattice_contrast_left",
        text: "lattice contrast left: \(shownDeflection) of deflection",
        value: deflection, unit: "rad")
    ]
  }

  var notes: [Note] {
    guard waves.areFound else {
      return [
        Note(
          .assumption,
          "the cell is as stated: no lattice of \(LatticeWaves.leastLineCount) lines or more to a side stands out"
            + " of the noise"
        )
      ]
    }
    let isLeft = left.noises > Self.visible && deflection > Self.harmless
    if !isLeft {
      guard let cell = waves.cell else { return [] }
      let measured = StatedCell(cell, pixelSize: pixelSize)
      return [Note(.information, "the signals show a lattice of \(measured.parameters)")]
    }
    return [
      Note(
        .warning,
        "contrast of the lattice is left, \(Format.significant(left.noises, digits: 2)) times the counting noise of"
          + " the mean over a cell and \(shownDeflection) of deflection: it can pass"
          + " for walls; \(remedy)")
    ]
  }

  private var remedy: String {
    guard let cell = waves.cell, waves.contrast(after: cell).noises < left.noises / 2 else {
      return
        "the signals show waves that are not of one cell: give one that holds several, or smooth the map"
    }
    return "the signals show a lattice of \(StatedCell(cell, pixelSize: pixelSize).parameters):"
      + " state that cell"
  }
}
