// Points, rectangles and images on a canvas: x to the right, y downwards, unit 1/72 inch.

struct Point: Equatable {
  var x: Double
  var y: Double
}

struct Rect: Equatable {
  var x: Double
  var y: Double
  var width: Double
  var height: Double

  var maxX: Double { x + width }
  var maxY: Double { y + height }
  var midX: Double { x + width / 2 }
  var midY: Double { y + height / 2 }
}

/// An image of opaque pixels 0x00RRGGBB, row after row from the top.
struct PixelImage: Equatable {
  let width: Int
  let height: Int
  var pixels: [UInt32]

  init(width: Int, height: Int, pixels: [UInt32]) {
    precondition(pixels.count == width * height, "an image has one number per pixel")
    self.width = width
    self.height = height
    self.pixels = pixels
  }

  subscript(row: Int, column: Int) -> UInt32 { pixels[row * width + column] }
}
