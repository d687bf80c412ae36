// The perceptual color space in which every color of the maps is chosen.
internal import Glibc

/// An opaque sRGB color, components 0...1.
struct Color: Equatable {
  var red: Double
  var green: Double
  var blue: Double

  static func gray(_ level: Double) -> Color { Color(red: level, green: level, blue: level) }
  static let black = Color.gray(0)
  static let white = Color.gray(1)

  /// The pixel 0x00RRGGBB nearest to the color.
  var pixel: UInt32 {
    func byte(_ level: Double) -> UInt32 { UInt32((min(max(level, 0), 1) * 255).rounded()) }
    return byte(red) << 16 | byte(green) << 8 | byte(blue)
  }

  init(red: Double, green: Double, blue: Double) {
    self.red = red
    self.green = green
    self.blue = blue
  }

  init(pixel: UInt32) {
    func level(_ shift: UInt32) -> Double { Double(pixel >> shift & 255) / 255 }
    self.init(red: level(16), green: level(8), blue: level(0))
  }
}

/// A color by perceived lightness and two opponent axes (a: green to red, b: blue to yellow).
///
/// Björn Ottosson, "A perceptual color space for image processing" (2020), which defines the
/// constants.
struct OKLab: Equatable {
  /// Perceived lightness, 0 black to 1 white.
  var lightness: Double
  var a: Double
  var b: Double

  init(lightness: Double, a: Double, b: Double) {
    self.lightness = lightness
    self.a = a
    self.b = b
  }

  /// - Parameter hue: rad, from +a towards +b.
  init(lightness: Double, chroma: Double, hue: Double) {
    self.init(lightness: lightness, a: chroma * cos(hue), b: chroma * sin(hue))
  }

  /// Linear-light sRGB; outside 0...1 where a screen cannot show the color.
  var linear: (red: Double, green: Double, blue: Double) {
    let long = cube(lightness + 0.396_337_777_4 * a + 0.215_803_757_3 * b)
    let medium = cube(lightness - 0.105_561_345_8 * a - 0.063_854_172_8 * b)
    let short = cube(lightness - 0.089_484_177_5 * a - 1.291_485_548_0 * b)
    return (
      4.076_741_662_1 * long - 3.307_711_591_3 * medium + 0.230_969_929_2 * short,
      -1.268_438_004_6 * long + 2.609_757_401_1 * medium - 0.341_319_396_5 * short,
      -0.004_196_086_3 * long - 0.703_418_614_7 * medium + 1.707_614_701_0 * short
    )
  }

  /// Whether a screen can show the color; a millionth outside is rounding.
  var isDisplayable: Bool {
    let (red, green, blue) = linear
    return min(red, green, blue) >= -1e-6 && max(red, green, blue) <= 1 + 1e-6
  }

  var color: Color {
    let (red, green, blue) = linear
    return Color(red: gammaEncoded(red), green: gammaEncoded(green), blue: gammaEncoded(blue))
  }

  /// The pixel 0x00RRGGBB nearest to the color, that of ``color``.
  var pixel: UInt32 {
    let (red, green, blue) = linear
    let steps = SignalSteps.shared
    return steps.byte(red) << 16 | steps.byte(green) << 8 | steps.byte(blue)
  }

  /// The same lightness and hue with the largest displayable part of the chroma.
  var withinScreen: OKLab {
    if isDisplayable { return self }
    var inside = 0.0
    var outside = 1.0
    // 24 halvings: finer than a step of an 8-bit color.
    for _ in 0..<24 {
      let middle = (inside + outside) / 2
      let candidate = OKLab(lightness: lightness, a: a * middle, b: b * middle)
      if candidate.isDisplayable { inside = middle } else { outside = middle }
    }
    return OKLab(lightness: lightness, a: a * inside, b: b * inside)
  }

  private func cube(_ value: Double) -> Double { value * value * value }
}

/// The 256 steps of the sRGB signal, so that a pixel of a map needs no power of a number.
struct SignalSteps {
  static let shared = SignalSteps()

  /// The least light that has each byte, found by halving between doubles with ``gammaEncoded(_:)`` itself, and
  /// infinity behind.
  private let leastLight: [Double]
  /// The byte at the beginning of each of equal parts of 0...1, the last one that of 1.
  private let first: [UInt32]
  private static let parts = 4096

  private init() {
    let light = (1...255).map { byte in
      var (below, above) = (0.0, 1.0)
      while (below + above) / 2 > below, (below + above) / 2 < above {
        let middle = (below + above) / 2
        if (gammaEncoded(middle) * 255).rounded() < Double(byte) {
          below = middle
        } else {
          above = middle
        }
      }
      return above
    }
    leastLight = [-.infinity] + light + [.infinity]
    first = (0...Self.parts).map { part in
      let start = Double(part) / Double(Self.parts)
      return UInt32(light.prefix { $0 <= start }.count)
    }
  }

  /// What ``gammaEncoded(_:)`` makes of linear light, in steps of 1/255; clamped to 0...255.
  func byte(_ linear: Double) -> UInt32 {
    let light = min(max(linear, 0), 1)
    var byte = first[Int(light * Double(Self.parts))]
    while light >= leastLight[Int(byte) + 1] { byte += 1 }
    return byte
  }
}

/// Linear light to the sRGB signal, IEC 61966-2-1; clamped to 0...1.
func gammaEncoded(_ linear: Double) -> Double {
  let light = min(max(linear, 0), 1)
  return light <= 0.003_130_8 ? 12.92 * light : 1.055 * pow(light, 1 / 2.4) - 0.055
}
