// What is known to be true of a simulated acquisition.
internal import HDF5
internal import STEMCore

/// A wall as it is in the specimen.
struct TrueWall {
  /// m along the wall normal, from the origin that the truth file uses; nil where it does not say.
  var position: Double?
  /// V/m; a magnitude where `hasSign` is false.
  var field: Double
  var hasSign: Bool
  /// Full width at half maximum, m.
  var width: Double
}

/// The truth file of a case, in SI units, vectors in the axes of the scan.
struct Truth {
  var deflection: VectorField
  var projectedField: VectorField
  /// ∫E dz over the thickness, V/m.
  var meanField: VectorField?
  var projectedPotential: ScalarField?
  /// rad.
  var scanRotation: Double?
  /// m.
  var latticePeriod: Double?
  /// Pixels that the simulation spoilt, of any frame.
  var badPixelCount: Int
  var walls: [TrueWall]
  var hasSeveralArrays: Bool

  init(path: String) throws {
    let file = try HDF5File(opening: path)
    let group = try file.root.group("truth")
    guard let deflection = try group.vectors("deflection"),
      let projectedField = try group.vectors("E_proj")
    else { throw ValidationError("\(path): no true deflection and E_proj") }
    self.deflection = deflection
    self.projectedField = projectedField
    meanField = try group.vectors("E")
    projectedPotential = try group.plane("potential_proj")
    scanRotation = try group.number("scan_rotation")
    latticePeriod = try group.number("lattice_a")
    let count = deflection.shape.count
    var isBad = [Bool](repeating: false, count: count)
    for (index, value) in try (group.numbers("bad_pixels") ?? []).enumerated() where value != 0 {
      isBad[index % count] = true
    }
    badPixelCount = isBad.filter { $0 }.count
    walls = try Self.walls(of: group)
    hasSeveralArrays = try group.contains("wall_E0_2")
  }

  /// The truth seen by a microscope whose scan is turned by 180°: every vector and the potential change
  /// sign.
  var turnedByHalf: Truth {
    func opposite(_ field: VectorField) -> VectorField {
      VectorField(shape: field.shape, x: field.x.map(-), y: field.y.map(-))
    }
    var turned = self
    turned.deflection = opposite(deflection)
    turned.projectedField = opposite(projectedField)
    turned.meanField = meanField.map(opposite)
    turned.projectedPotential = projectedPotential.map {
      ScalarField(shape: $0.shape, values: $0.values.map(-))
    }
    for index in turned.walls.indices where turned.walls[index].hasSign {
      turned.walls[index].field.negate()
    }
    return turned
  }

  /// `wall_E0` and `wall_fwhm` hold for all walls of an array; their signs may alternate.
  private static func walls(of group: borrowing HDF5Group) throws -> [TrueWall] {
    guard let field = try group.number("wall_E0"), let width = try group.number("wall_fwhm")
    else { return [] }
    guard let positions = try group.numbers("wall_positions") else {
      return [TrueWall(position: nil, field: abs(field), hasSign: false, width: width)]
    }
    let signs = try group.numbers("wall_signs")
    return positions.enumerated().map { index, position in
      let sign = signs.flatMap { index < $0.count ? $0[index] : nil }
      let hasSign = sign != nil || positions.count == 1
      return TrueWall(
        position: position, field: hasSign ? field * (sign ?? 1) : abs(field), hasSign: hasSign,
        width: width)
    }
  }
}
