// Maps and figures that the tests draw.
import FieldRendering
import STEMCore

/// A vector map of a function of (row, column).
func vectorMap(
  rows: Int, columns: Int, pixelSize: PixelSize? = PixelSize(x: 1e-9, y: 1e-9),
  _ vector: (Int, Int) -> (x: Double, y: Double) = { _, _ in (1, 0) }
) -> VectorMap {
  let shape = GridShape(rows: rows, columns: columns)
  var field = VectorField(shape: shape)
  for index in 0..<shape.count {
    let (x, y) = vector(index / columns, index % columns)
    field.x[index] = x
    field.y[index] = y
  }
  return VectorMap(
    field: field, covariance: nil, mask: PixelMask(shape: shape), pixelSize: pixelSize)
}

/// A scalar map of a function of (row, column).
func scalarMap(
  rows: Int, columns: Int, _ value: (Int, Int) -> Double = { Double($0 + $1) }
) -> ScalarMap {
  let shape = GridShape(rows: rows, columns: columns)
  let values = (0..<shape.count).map { value($0 / columns, $0 % columns) }
  return ScalarMap(
    field: ScalarField(shape: shape, values: values), variance: nil,
    mask: PixelMask(shape: shape), pixelSize: PixelSize(x: 1e-9, y: 1e-9))
}

/// A figure of a field that says all it can.
func vectorFigure(_ map: VectorMap, limit: Double? = 1, showsArrows: Bool = false) -> VectorFigure {
  VectorFigure(
    title: "Field of a wall pair", footer: ["Dose 100 000 electrons per pixel.", "30 nm thick."],
    map: map, quantityLabel: "Electric field", unit: "V/m", magnitudeLimit: limit,
    showsArrows: showsArrows)
}

func scalarFigure(_ map: ScalarMap) -> ScalarFigure {
  ScalarFigure(
    title: "Potential", footer: ["Mean set to zero."], map: map,
    quantityLabel: "Projected potential", unit: "V m")
}

/// A profile of eleven points from -5 to 5 nm.
func profileFigure(error: Double? = 0.1) -> ProfileFigure {
  let distance = (-5...5).map { Double($0) * 1e-9 }
  let value = (-5...5).map { 1 / Double(1 + $0 * $0) }
  let profile = LineProfile(
    distance: distance, value: value, error: error.map { [Double](repeating: $0, count: 11) },
    sampleCount: [Int](repeating: 64, count: 11))
  return ProfileFigure(
    title: "Across the wall", footer: ["Mean of 64 rows."], profile: profile,
    quantityLabel: "Electric field", distanceLabel: "Distance along the wall normal", unit: "V/m",
    fit: ProfileCurve(distance: distance, value: value),
    markers: [ProfileMarker(position: 0, label: "wall")])
}

/// The largest difference of two pixels in one color component, 0...255.
func difference(_ a: UInt32, _ b: UInt32) -> Int {
  [16, 8, 0].map { abs(Int(a >> UInt32($0) & 255) - Int(b >> UInt32($0) & 255)) }.max() ?? 0
}

extension VectorFigure {
  func render(_ format: FigureFormat) throws(RenderingError) -> [UInt8] {
    try drawing().render(format)
  }
}

extension ScalarFigure {
  func render(_ format: FigureFormat) throws(RenderingError) -> [UInt8] {
    try drawing().render(format)
  }
}

extension ProfileFigure {
  func render(_ format: FigureFormat) throws(RenderingError) -> [UInt8] {
    try drawing().render(format)
  }
}
