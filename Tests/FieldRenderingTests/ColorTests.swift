// Colors: direction is hue, magnitude is lightness, and the scales are even to the eye.
import Testing

@testable import FieldRendering

struct ColorTests {
  /// OKLab of a displayable color, inverted from the published forward matrices.
  private func lab(_ color: Color) -> (lightness: Double, a: Double, b: Double) {
    func linear(_ level: Double) -> Double {
      level <= 0.04045 ? level / 12.92 : power((level + 0.055) / 1.055)
    }
    func power(_ base: Double) -> Double {
      // base^2.4 = base² · (base²)^(1/5) by Newton's method.
      let square = base * base
      var root = 0.8
      for _ in 0..<60 {
        root -= (root * root * root * root * root - square) / (5 * root * root * root * root)
      }
      return square * root
    }
    func cubeRoot(_ value: Double) -> Double {
      var root = 0.5
      for _ in 0..<80 { root -= (root * root * root - value) / (3 * root * root) }
      return root
    }
    let (r, g, b) = (linear(color.red), linear(color.green), linear(color.blue))
    let l = cubeRoot(0.412_221_470_8 * r + 0.536_332_536_3 * g + 0.051_445_992_9 * b)
    let m = cubeRoot(0.211_903_498_2 * r + 0.680_699_545_1 * g + 0.107_396_956_6 * b)
    let s = cubeRoot(0.088_302_461_9 * r + 0.281_718_837_6 * g + 0.629_978_700_5 * b)
    return (
      0.210_454_255_3 * l + 0.793_617_785 * m - 0.004_072_046_8 * s,
      1.977_998_495_1 * l - 2.428_592_205 * m + 0.450_593_709_9 * s,
      0.025_904_037_1 * l + 0.782_771_766_2 * m - 0.808_675_766 * s
    )
  }

  @Test("sRGB primaries have the lightness that defines OKLab")
  func definition() {
    // White is lightness 1 without hue; red (1, 0, 0) is (0.62796, 0.22486, 0.12585).
    let white = OKLab(lightness: 1, a: 0, b: 0).color
    #expect(white.pixel == 0xFFFFFF)
    #expect(OKLab(lightness: 0.627_96, a: 0.224_86, b: 0.125_85).color.pixel == 0xFF0000)
    #expect(OKLab(lightness: 0, a: 0, b: 0).color.pixel == 0)
  }

  @Test("Every direction of full magnitude is displayable")
  func displayableCircle() {
    for degree in 0..<360 {
      let color = OKLab(
        lightness: DirectionColor.fullLightness, chroma: DirectionColor.fullChroma,
        hue: Double(degree) * .pi / 180)
      #expect(color.isDisplayable, "hue \(degree)")
    }
  }

  @Test("Lightness follows the magnitude alone", arguments: [0.25, 0.5, 1.0])
  func lightness(strength: Double) {
    let colors = DirectionColor(limit: 2)
    for (x, y) in [(1.0, 0.0), (0, 1), (-1, 0), (0, -1), (0.6, 0.8), (-0.8, 0.6)] {
      let color = colors.color(x: 2 * strength * x, y: 2 * strength * y)
      // The matrices are published to ten digits: the round trip holds to 1e-6.
      #expect(abs(lab(color).lightness - DirectionColor.fullLightness * strength) < 1e-5)
    }
  }

  @Test("Zero is black and magnitudes beyond the limit have the color of the limit")
  func ends() {
    let colors = DirectionColor(limit: 3)
    #expect(colors.color(x: 0, y: 0).pixel == 0)
    #expect(colors.color(x: 0, y: 30).pixel == colors.color(x: 0, y: 3).pixel)
    #expect(DirectionColor(limit: 0).color(x: 1, y: 1).pixel == 0)
  }

  @Test("Right is red, down yellow-green, left cyan, up violet")
  func hues() {
    let colors = DirectionColor(limit: 1)
    let right = colors.color(x: 1, y: 0)
    let down = colors.color(x: 0, y: 1)
    let left = colors.color(x: -1, y: 0)
    let up = colors.color(x: 0, y: -1)
    #expect(right.red > right.green && right.red > right.blue)
    #expect(down.red > down.blue && down.green > down.blue)
    #expect(left.green > left.red && left.blue > left.red)
    #expect(up.blue > up.red && up.blue > up.green)
  }

  @Test("The wheel shows each direction where it points")
  func wheel() {
    let wheel = DirectionColor.wheel(diameter: 101)
    let colors = DirectionColor(limit: 1)
    // The middle of the outermost pixel lies at 100/101 of the radius.
    let rim = 100.0 / 101
    #expect(wheel[50, 100] == colors.color(x: rim, y: 0).pixel)
    #expect(wheel[100, 50] == colors.color(x: 0, y: rim).pixel)
    #expect(wheel[50, 0] == colors.color(x: -rim, y: 0).pixel)
    #expect(wheel[0, 50] == colors.color(x: 0, y: -rim).pixel)
    #expect(wheel[50, 50] == 0)
    #expect(difference(wheel[0, 50], wheel[100, 50]) > 60)
    #expect(difference(wheel[50, 0], wheel[50, 100]) > 60)
  }

  @Test("The diverging scale is white at zero, blue below, red above, equally dark")
  func diverging() {
    let scale = ScalarColors.diverging
    for distance in [0.1, 0.25, 0.5] {
      let below = Color(pixel: scale.pixel(at: 0.5 - distance))
      let above = Color(pixel: scale.pixel(at: 0.5 + distance))
      #expect(below.blue > below.red)
      #expect(above.red > above.blue)
      #expect(abs(lab(below).lightness - lab(above).lightness) < 0.01)
    }
    #expect(difference(scale.pixel(at: 0.5), 0xF7F7F7) <= 3)
    #expect(scale.pixel(at: -4) == scale.pixel(at: 0))
    #expect(scale.pixel(at: 9) == scale.pixel(at: 1))
  }

  @Test("A pixel looked up is the one calculated, at every step of the signal and between")
  func signalSteps() {
    let steps = SignalSteps.shared
    func plain(_ light: Double) -> UInt32 { UInt32((gammaEncoded(light) * 255).rounded()) }
    for index in -1000...101_000 {
      let light = Double(index) / 100_000
      #expect(steps.byte(light) == plain(light), "\(light)")
    }
    // The light at which a byte begins, by the inverse of the signal, and its neighbors.
    for byte in 1...255 {
      let level = (Double(byte) - 0.5) / 255
      var (below, above) = (0.0, 1.0)
      for _ in 0..<80 {
        let middle = (below + above) / 2
        if gammaEncoded(middle) < level { below = middle } else { above = middle }
      }
      for light in [below.nextDown, below, above, above.nextUp] {
        #expect(steps.byte(light) == plain(light), "byte \(byte)")
      }
    }
    let colors = DirectionColor(limit: 1)
    for index in 0..<500 {
      let (x, y) = (Double(index * 37 % 201) / 100 - 1, Double(index * 91 % 199) / 99 - 1)
      #expect(colors.pixel(x: x, y: y) == colors.color(x: x, y: y).pixel)
    }
  }
}
