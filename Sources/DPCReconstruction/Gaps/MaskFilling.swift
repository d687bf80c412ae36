// Numbers for pixels without a measurement, so that transforms can run over the whole frame.
public import STEMCore

/// The map with every unusable pixel filled in from its surroundings.
///
/// Both components solve Laplace's equation inside the masked regions, with the usable pixels
/// around them as boundary values and no flux through the rim of the frame: the smoothest
/// surface through the neighbors, without a new maximum or minimum. Where the pixel size is known
/// the surface is smooth in space, otherwise in pixels. The equations are solved to 1e-11 in the
/// energy norm, in a number of steps that hardly depends on the size of the regions.
///
/// Filled pixels keep their reason and carry `PixelFlags.filledIn` besides: they remain unusable
/// as measurements. Usable pixels and the covariance stay as they are; a filled pixel has no error
/// of its own.
/// - Returns: The same map where nothing is masked.
/// - Throws: ``ReconstructionError/noUsablePixels`` where there is nothing to fill from.
/// - Complexity: O(pixels), with some dozens of passes over the masked ones.
public func filled(_ map: VectorMap) throws(ReconstructionError) -> VectorMap {
  let gaps = try gapFilling(of: map)
  if gaps.isEmpty { return map }
  var result = map
  for (pixel, value) in zip(gaps.pixels, gaps.values) {
    result.field.x[Int(pixel)] = value.x
    result.field.y[Int(pixel)] = value.y
  }
  gaps.mark(&result.mask)
  return result
}

/// What ``filled(_:)`` puts in the place of the unusable pixels, without a copy of the map.
///
/// - Throws: ``ReconstructionError/noUsablePixels`` where there is nothing to fill from.
public func gapFilling(of map: VectorMap) throws(ReconstructionError) -> GapFilling {
  let unusable = map.mask.unusableCount
  if unusable == 0 { return .none }
  if unusable == map.shape.count { throw .noUsablePixels }

  var region = MaskedRegion(mask: map.mask, pixelSize: map.pixelSize)
  let source = region.boundaryTerms(of: map.field)
  return GapFilling(pixels: region.pixels, values: region.solved(for: source))
}

/// Laplace's equation on the masked pixels of a frame.
struct MaskedRegion {
  /// Index of each unknown's pixel, ascending.
  let pixels: [Int32]
  private let shape: GridShape
  let mask: PixelMask
  /// Of the links to neighbors in the row and in the column.
  let weightX: Double
  let weightY: Double
  private var solver: LaplaceSolver

  /// - Parameter pixelSize: nil: smooth in pixels.
  init(mask: PixelMask, pixelSize: PixelSize?) {
    precondition(mask.shape.count < Int(Int32.max), "a frame has fewer than 2^31 pixels")
    let ratio = pixelSize.map { $0.x / $0.y } ?? 1
    self.mask = mask
    (weightX, weightY) = (1, ratio * ratio)
    shape = mask.shape
    pixels = (0..<mask.shape.count).compactMap { mask.isUsable($0) ? nil : Int32($0) }
    solver = LaplaceSolver(
      pixels: pixels, shape: mask.shape, weightX: weightX, weightY: weightY)
  }

  /// What the usable neighbors contribute to each unknown's equation.
  func boundaryTerms(of field: VectorField) -> [SIMD2<Double>] {
    let columns = shape.columns
    return pixels.map { pixel in
      let index = Int(pixel)
      let (row, column) = (index / columns, index % columns)
      var sum = SIMD2<Double>(0, 0)
      func add(_ neighbor: Int, _ weight: Double) {
        if mask.isUsable(neighbor) {
          sum += weight * SIMD2(field.x[neighbor], field.y[neighbor])
        }
      }
      if column > 0 { add(index - 1, weightX) }
      if column + 1 < columns { add(index + 1, weightX) }
      if row > 0 { add(index - columns, weightY) }
      if row + 1 < shape.rows { add(index + columns, weightY) }
      return sum
    }
  }

  mutating func solved(for source: [SIMD2<Double>]) -> [SIMD2<Double>] {
    solver.solved(for: source)
  }
}
