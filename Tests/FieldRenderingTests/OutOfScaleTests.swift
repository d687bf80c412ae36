// What a color scale does not show: values beyond its end, and rounding blown up to full color.
@testable import FieldRendering
import STEMCore
import Testing

struct OutOfScaleTests {
  @Test("Pixels beyond the scale are counted among the measured ones, and told below the map")
  func share() {
    let values: [Double] = [1, 5, .nan, -7, 2, .nan]
    func beyond(_ lower: Double, _ upper: Double) -> OutOfScale {
      OutOfScale(count: values.count, scale: (lower, upper)) { values[$0] }
    }
    let told = "beyond the color scale: 50\u{A0}% of the pixels, drawn as its end; they reach"
    let unit = DisplayUnit(unit: "C/m²", magnitude: 4e-3)
    #expect(beyond(-4, 4).share == 0.5)
    #expect(
      beyond(-4, 4).footer(unit: "C/m²", scale: unit)
        == [told + "\u{A0}−7000\u{A0}mC/m² and 5000\u{A0}mC/m²"])
    #expect(beyond(-7, 5).footer(unit: "C/m²", scale: unit).isEmpty)
    // Far beyond the scale, in a unit of its own.
    let small = DisplayUnit(unit: "C/m²", magnitude: 4e-6)
    #expect(beyond(-7, 1).footer(unit: "C/m²", scale: small) == [told + "\u{A0}5\u{A0}C/m²"])
    #expect(OutOfScale(count: 3, scale: (0, 1)) { _ in .nan }.footer(unit: "", scale: unit).isEmpty)
  }

  @Test("What is longer than full color of a vector map is told by its magnitude, with a prefix")
  func vectors() {
    let shape = GridShape(rows: 1, columns: 4)
    let figure = VectorFigure(
      title: "t",
      map: VectorMap(
        field: VectorField(shape: shape, x: [3e8, 1e6, 0, 0], y: [4e8, 0, 1e6, 0]),
        covariance: nil, mask: PixelMask(shape: shape), pixelSize: nil),
      quantityLabel: "q", unit: "V/m", magnitudeLimit: 2e6)
    #expect(
      figure.outOfScale.footer(unit: "V/m", scale: DisplayUnit(unit: "V/m", magnitude: 2e6)).map {
        $0.hasSuffix(" reach\u{A0}500\u{A0}MV/m")
      }
        == [true])
  }

  @Test("A signed scale does not end below one standard deviation of a pixel")
  func rounding() {
    let shape = GridShape(rows: 4, columns: 5)
    let rounding = (0..<20).map { 1e-16 * Double($0 - 10) }
    var figure = ScalarFigure(
      title: "t",
      map: ScalarMap(
        field: ScalarField(shape: shape, values: rounding), variance: nil,
        mask: PixelMask(shape: shape), pixelSize: nil),
      quantityLabel: "q", unit: "C/m²")
    #expect(figure.limit == 1e-15)
    figure.smallestLimit = 0.0139
    #expect(figure.limit == 0.014)
    // What is asked for holds whatever the data are.
    figure.valueLimit = 0.002
    #expect(figure.limit == 0.002)
  }
}
