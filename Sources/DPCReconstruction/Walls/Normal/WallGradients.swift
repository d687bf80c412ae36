// Gradients of a map for the direction of its walls: on pixels, or on means over ever larger cells of them.

internal import STEMCore
internal import WorkSharing

/// A map, or its means over square cells of pixels: what its gradients are formed of.
struct WallGradientLevel: Sendable {
  let shape: GridShape
  /// Of one position, m.
  let pixel: PixelSize
  let x: [Double]
  let y: [Double]
  /// Of x and of y, independent positions; nil where nothing is known of the noise.
  let variance: (x: [Double], y: [Double])?
  let mask: PixelMask
  /// The power of the noise of slow waves over that of independent positions.
  let noiseFactor: Double
  /// Standard deviation of the Gaussian that has made the noise smooth, positions.
  private let smoothness: (x: Double, y: Double)

  /// - Parameters:
  ///   - map: On pixels.
  ///   - pixel: Its pixels, m.
  ///   - correlation: Over how many pixels along x and y errors go together.
  init(map: VectorMap, pixel: PixelSize, correlation: (x: Double, y: Double)) {
    // A Gaussian makes noise go together over 2√π times its standard deviation; one pixel without any.
    func deviation(_ length: Double) -> Double {
      (max(0, length * length - 1) / (4 * Double.pi)).squareRoot()
    }
    shape = map.shape
    self.pixel = pixel
    x = map.field.x
    y = map.field.y
    variance = map.covariance.map { ($0.xx, $0.yy) }
    mask = map.mask
    noiseFactor = max(1, correlation.x) * max(1, correlation.y)
    smoothness = (deviation(correlation.x), deviation(correlation.y))
  }

  /// The means over 2 × 2 positions of the usable ones among them.
  ///
  /// Cells with fewer than two are unusable; what does not fill a cell is left out.
  init(halving level: WallGradientLevel) {
    let cells = GridShape(rows: level.shape.rows / 2, columns: level.shape.columns / 2)
    let width = level.shape.columns
    @Sendable func members(_ row: Int, _ column: Int) -> [4 of Int] {
      let first = 2 * row * width + 2 * column
      return [first, first + 1, first + width, first + width + 1]
    }
    var mask = PixelMask(shape: cells)
    // One over the number of usable positions, and zero for an unusable cell.
    var shares = [Double](repeating: 0, count: cells.count)
    for row in 0..<cells.rows {
      for column in 0..<cells.columns {
        let positions = members(row, column)
        var usable = 0
        for k in 0..<4 where level.mask.isUsable(positions[k]) { usable += 1 }
        let cell = row * cells.columns + column
        if usable >= 2 {
          shares[cell] = 1 / Double(usable)
        } else {
          mask.bytes[cell] = PixelFlags.missing.rawValue
        }
      }
    }
    let share = shares
    func means(_ plane: [Double], power: Int) -> [Double] {
      var result = [Double](uninitializedCount: cells.count)
      forEachLine(of: &result, cells) { row, start, band in
        for column in 0..<cells.columns {
          let positions = members(row, column)
          var sum = 0.0
          for k in 0..<4 where level.mask.isUsable(positions[k]) { sum += plane[positions[k]] }
          let part = share[row * cells.columns + column]
          band[start + column] = sum * (power == 1 ? part : part * part)
        }
      }
      return result
    }
    shape = cells
    pixel = PixelSize(x: 2 * level.pixel.x, y: 2 * level.pixel.y)
    x = means(level.x, power: 1)
    y = means(level.y, power: 1)
    variance = level.variance.map { (means($0.x, power: 2), means($0.y, power: 2)) }
    self.mask = mask
    noiseFactor = level.noiseFactor
    smoothness = (level.smoothness.x / 2, level.smoothness.y / 2)
  }

  /// The structure tensors of the cells of a 3 × 3 division of the frame, without its rim.
  ///
  /// - Parameters:
  ///   - sigma: Standard deviation of the Gaussian before the gradients, positions.
  ///   - removesBackground: Whether a linear function of the place is taken off all gradients.
  func tensors(sigma: Double, removesBackground: Bool) -> StructureTensors {
    let filter = GradientFilter(sigma: sigma, pixel: pixel)
    let noise = filter.noise(noiseFactor, smoothness)
    let radius = filter.radius
    let inside = (
      rows: radius..<max(radius, shape.rows - radius),
      columns: radius..<max(radius, shape.columns - radius)
    )
    let unusable = (0..<shape.count).filter { !mask.isUsable($0) }
    let fillings = (
      x: filter.fillings(x, mask, unusable), y: filter.fillings(y, mask, unusable)
    )
    let height = GradientTile.rowCount
    let bands = concurrentMap((inside.rows.count + height - 1) / height) { band in
      let first = inside.rows.lowerBound + band * height
      let rows = first..<min(inside.rows.upperBound, first + height)
      var parts = [StructureTensor](repeating: StructureTensor(), count: 9)
      var tile = filter.tile
      // The band and what is around it, filled in a copy that stays in the cache.
      let around =
        (rows.lowerBound - radius) * shape.columns..<(rows.upperBound + radius) * shape.columns
      let lines = (
        x: Self.filled(x[around], fillings.x), y: Self.filled(y[around], fillings.y)
      )
      let own = radius..<radius + rows.count
      for places in TilePlaces.all(rows: rows, columns: inside.columns, width: shape.columns) {
        tile.form(of: lines.x, width: shape.columns, rows: own, columns: places.columns)
        add(tile, places, \.x, variance?.x, noise, inside, to: &parts)
        tile.form(of: lines.y, width: shape.columns, rows: own, columns: places.columns)
        add(tile, places, \.y, variance?.y, noise, inside, to: &parts)
      }
      return parts
    }
    let parts = bands.reduce(into: [StructureTensor](repeating: StructureTensor(), count: 9)) {
      for part in 0..<9 { $0[part] = $0[part] + $1[part] }
    }
    return StructureTensors(
      parts, area: filter.area(smoothness), removesBackground: removesBackground)
  }

  /// A part of a plane with the fillings that lie in it.
  private static func filled(
    _ part: ArraySlice<Double>, _ fillings: [(index: Int, value: Double)]
  ) -> [Double] {
    var result = Array(part)
    for filling in fillings where part.indices.contains(filling.index) {
      result[filling.index - part.startIndex] = filling.value
    }
    return result
  }

  /// Adds the products of a piece's gradients to the tensors of the cells.
  private func add(
    _ tile: GradientTile, _ places: TilePlaces,
    _ component: WritableKeyPath<StructureTensor, StructureTensor.Gradients>,
    _ variance: [Double]?, _ noise: (x: Double, y: Double),
    _ inside: (rows: Range<Int>, columns: Range<Int>), to parts: inout [StructureTensor]
  ) {
    var index = 0
    for row in places.rows {
      let partRow = 3 * (row - inside.rows.lowerBound) / inside.rows.count
      let v = Self.fraction(row, of: inside.rows)
      var column = places.columns.lowerBound
      // As many columns as belong to one cell at a time.
      while column < places.columns.upperBound {
        let part = 3 * (column - inside.columns.lowerBound) / inside.columns.count
        var sum = StructureTensor()
        var gradients = StructureTensor.Gradients()
        while column < places.columns.upperBound,
          3 * (column - inside.columns.lowerBound) < (part + 1) * inside.columns.count
        {
          let place = row * places.width + column
          if mask.isUsable(place) {
            let (gx, gy) = (tile.x[index], tile.y[index])
            let u = Self.fraction(column, of: inside.columns)
            let noiseHere = variance.map { $0[place] } ?? 0
            sum.xx += gx * gx - noise.x * noiseHere
            sum.yy += gy * gy - noise.y * noiseHere
            sum.xy += gx * gy
            sum.noise += (noise.x + noise.y) * noiseHere
            sum.count += 1
            sum.places.u += u
            sum.places.uu += u * u
            gradients.sum += SIMD2(gx, gy)
            gradients.alongX += u * SIMD2(gx, gy)
          }
          column += 1
          index += 1
        }
        sum.places.v = v * Double(sum.count)
        sum.places.vv = v * v * Double(sum.count)
        sum.places.uv = v * sum.places.u
        gradients.alongY = v * gradients.sum
        sum[keyPath: component] = gradients
        parts[3 * partRow + part] = parts[3 * partRow + part] + sum
      }
    }
  }

  /// Where a row or column lies within a range of them, -1...1.
  @inline(__always)
  private static func fraction(_ index: Int, of range: Range<Int>) -> Double {
    Double(2 * (index - range.lowerBound) - range.count + 1) / Double(range.count)
  }
}
