// Specimens with a known field: layers whose projections along the beam add up.
public import STEMCore
internal import Glibc

/// One contribution to the projected field; layers are summed.
///
/// Coordinates are those of the scan, in m from its center ((n-1)/2 pixels along each axis), x to
/// the right and y downwards. Where a projected potential V_proj (V m) exists, the projected field
/// is E_proj = -∇V_proj (V).
public enum PhantomLayer: Sendable, Equatable, Codable {
  /// The same projected field everywhere, V.
  case uniform(x: Double, y: Double)
  /// V_proj = x·gradientX + y·gradientY; gradients in V, so E_proj = -(gradientX, gradientY).
  case planePotential(gradientX: Double, gradientY: Double)
  /// V_proj = amplitude·exp(-r²/2σ²) around (centerX, centerY); V m and m.
  case gaussianPotential(centerX: Double, centerY: Double, sigma: Double, amplitude: Double)
  /// V_proj = amplitude·sin(2πX/period + phase), X along the azimuth; V m, m, rad, rad.
  case sinusoidalPotential(amplitude: Double, period: Double, azimuth: Double, phase: Double)
  /// Domain walls; see ``WallArray``.
  case walls(WallArray)

  /// A uniform field by its mean over the thickness (m), in V/m.
  public static func uniform(meanX: Double, meanY: Double, thickness: Double) -> PhantomLayer {
    .uniform(x: meanX * thickness, y: meanY * thickness)
  }

  /// Projected field ∫E dz at a point of the scan, V.
  public func projectedField(atX x: Double, y: Double) -> (x: Double, y: Double) {
    switch self {
    case .uniform(let fieldX, let fieldY):
      return (fieldX, fieldY)
    case .planePotential(let gradientX, let gradientY):
      return (-gradientX, -gradientY)
    case .gaussianPotential(let centerX, let centerY, let sigma, let amplitude):
      let (dx, dy) = (x - centerX, y - centerY)
      let scale = amplitude * exp(-(dx * dx + dy * dy) / (2 * sigma * sigma)) / (sigma * sigma)
      return (scale * dx, scale * dy)
    case .sinusoidalPotential(let amplitude, let period, let azimuth, let phase):
      let (c, s) = (cos(azimuth), sin(azimuth))
      let wave = 2 * Double.pi / period
      let magnitude = -amplitude * wave * cos(wave * (x * c + y * s) + phase)
      return (magnitude * c, magnitude * s)
    case .walls(let walls):
      return walls.projectedField(x, y)
    }
  }

  /// Projected potential ∫V dz at a point of the scan, V m; nil where the field has a curl.
  public func projectedPotential(atX x: Double, y: Double) -> Double? {
    switch self {
    case .uniform(let fieldX, let fieldY):
      return -(x * fieldX + y * fieldY)
    case .planePotential(let gradientX, let gradientY):
      return x * gradientX + y * gradientY
    case .gaussianPotential(let centerX, let centerY, let sigma, let amplitude):
      let (dx, dy) = (x - centerX, y - centerY)
      return amplitude * exp(-(dx * dx + dy * dy) / (2 * sigma * sigma))
    case .sinusoidalPotential(let amplitude, let period, let azimuth, let phase):
      let along = x * cos(azimuth) + y * sin(azimuth)
      return amplitude * sin(2 * Double.pi * along / period + phase)
    case .walls(let walls):
      return walls.projectedPotential(x, y)
    }
  }
}

/// A specimen as the sum of layers.
public struct Phantom: Sendable, Equatable, Codable {
  public var layers: [PhantomLayer]

  public init(_ layers: [PhantomLayer]) {
    self.layers = layers
  }

  /// Projected field ∫E dz at every scan position, V, in the scan's axes.
  public func projectedField(shape: GridShape, pixelSize: PixelSize) -> VectorField {
    var field = VectorField(shape: shape)
    forEachPosition(shape, pixelSize) { index, x, y in
      for layer in layers {
        let value = layer.projectedField(atX: x, y: y)
        field.x[index] += value.x
        field.y[index] += value.y
      }
    }
    return field
  }

  /// Projected potential at every scan position, V m, with mean zero; nil where a layer has none.
  public func projectedPotential(shape: GridShape, pixelSize: PixelSize) -> ScalarField? {
    if layers.contains(where: { $0.projectedPotential(atX: 0, y: 0) == nil }) { return nil }
    var potential = ScalarField(shape: shape)
    forEachPosition(shape, pixelSize) { index, x, y in
      for layer in layers { potential.values[index] += layer.projectedPotential(atX: x, y: y) ?? 0 }
    }
    let mean = potential.values.reduce(0, +) / Double(max(1, shape.count))
    for index in potential.values.indices { potential.values[index] -= mean }
    return potential
  }
}

/// Visits every scan position with its distance from the center of the scan, m.
func forEachPosition(
  _ shape: GridShape, _ pixelSize: PixelSize,
  _ body: (_ index: Int, _ x: Double, _ y: Double) -> Void
) {
  for row in 0..<shape.rows {
    let y = (Double(row) - Double(shape.rows - 1) / 2) * pixelSize.y
    for column in 0..<shape.columns {
      let x = (Double(column) - Double(shape.columns - 1) / 2) * pixelSize.x
      body(row * shape.columns + column, x, y)
    }
  }
}
