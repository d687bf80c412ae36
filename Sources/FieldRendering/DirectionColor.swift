// The color of a vector: hue is its direction, lightness its magnitude. Map and legend share it.
internal import Glibc

/// Colors vectors by direction (hue) and magnitude (lightness).
///
/// Hue, chroma and lightness are those of OKLab. All directions of one magnitude have the same
/// lightness, so that no direction looks stronger than another; zero is black.
struct DirectionColor {
  /// The magnitude at which the lightness ends, in the vector's unit; 0 paints all black.
  let limit: Double

  /// Lightness and chroma of the full magnitude: the largest chroma at which every hue of this
  /// lightness is displayable (a test walks round the circle).
  static let fullLightness = 0.75
  static let fullChroma = 0.127
  /// Hue of a vector to the right, rad: a red. Vectors turning clockwise go through yellow (down),
  /// green-blue (left) and violet (up).
  static let hueOfRight = 25 * Double.pi / 180

  private static let cosine = cos(hueOfRight)
  private static let sine = sin(hueOfRight)

  /// The pixel 0x00RRGGBB of the vector (x to the right, y downwards).
  func pixel(x: Double, y: Double) -> UInt32 { perceived(x: x, y: y)?.pixel ?? 0 }

  /// The color of the vector; nil for black.
  func perceived(x: Double, y: Double) -> OKLab? {
    let magnitude = (x * x + y * y).squareRoot()
    guard limit > 0, magnitude > 0 else { return nil }
    // Lightness and chroma shrink together: a displayable color stays displayable down to black.
    let strength = min(magnitude / limit, 1)
    let chroma = Self.fullChroma * strength / magnitude
    return OKLab(
      lightness: Self.fullLightness * strength,
      a: chroma * (Self.cosine * x - Self.sine * y),
      b: chroma * (Self.sine * x + Self.cosine * y))
  }

  /// A disc that shows every direction, seen as the map is: right is right, down is down.
  ///
  /// Pixels outside the disc hold the color of the rim, so that a smooth clip leaves no fringe.
  static func wheel(diameter: Int) -> PixelImage {
    let colors = DirectionColor(limit: 1)
    let radius = Double(diameter) / 2
    var pixels = [UInt32](repeating: 0, count: diameter * diameter)
    for row in 0..<diameter {
      let y = (Double(row) + 0.5) / radius - 1
      for column in 0..<diameter {
        let x = (Double(column) + 0.5) / radius - 1
        pixels[row * diameter + column] = colors.pixel(x: x, y: y)
      }
    }
    return PixelImage(width: diameter, height: diameter, pixels: pixels)
  }
}
