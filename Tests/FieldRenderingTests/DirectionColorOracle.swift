// The color of a vector before it is a pixel, as tests ask for it.
@testable import FieldRendering

extension DirectionColor {
  /// The color of the vector (x to the right, y downwards).
  func color(x: Double, y: Double) -> Color { perceived(x: x, y: y)?.color ?? .black }
}
