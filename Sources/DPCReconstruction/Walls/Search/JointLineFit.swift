// The lines of a search made exact together: each by least squares beside the others, with the error of its azimuth.

internal import Glibc
internal import STEMCore

/// Fits the lines of a search to the pixels beside them, one after the other, until none moves.
///
/// Each line is fitted on what the others leave, by Gauss and Newton: turn about its own middle, shift, width and
/// height, on a constant and slopes across and along it. Unlike a search by steps, whose last one a high dose shows,
/// this ends where the data want it, and its normal equations state the errors: beside all that is fitted with the turn.
struct JointLineFit {
  private let geometry: InclinationGeometry
  /// What all lines leave.
  private var rest: WallPixels
  private(set) var lines: [WallLine]
  /// Where a line's pixels lie along it: a wall from rim to rim has its flanks in the corners too.
  private let extents: [(start: Double, end: Double)]

  private static let rounds = 12

  /// - Parameters:
  ///   - lines: All that were found.
  ///   - pixels: Of the map.
  init(_ lines: [WallLine], in pixels: WallPixels, geometry: InclinationGeometry) {
    self.geometry = geometry
    self.lines = lines
    rest = pixels
    extents = lines.map { line in
      var whole = line
      (whole.start, whole.end) = (-.infinity, .infinity)
      whole = whole.clipped(to: pixels)
      let width = geometry.projectedWidth(sechWidth: line.sechWidth)
      return (
        line.start - whole.start > width ? line.start : -.infinity,
        whole.end - line.end > width ? line.end : .infinity
      )
    }
    for index in lines.indices { rest.subtract(extended(index), geometry) }
  }

  private func extended(_ index: Int) -> WallLine {
    var line = lines[index]
    (line.start, line.end) = extents[index]
    return line
  }

  mutating func fit(checkpoint: () throws -> Void) rethrows {
    let starts = lines
    let windows = lines.indices.map { window(extended($0)) }
    for round in 0..<Self.rounds {
      try checkpoint()
      var largest = 0.0
      for index in lines.indices {
        guard let step = step(index, windows[index]) else { continue }
        replace(index, by: step.line)
        // A bound at which a step is no more than a part of the error.
        largest = max(largest, abs(step.turn) / (step.line.azimuthError ?? .infinity))
      }
      if round > 0 && largest < 0.05 { break }
    }
    for index in lines.indices where !isNear(lines[index], starts[index]) {
      replace(index, by: starts[index])
    }
  }

  private mutating func replace(_ index: Int, by line: WallLine) {
    rest.subtract(extended(index), geometry, factor: -1)
    lines[index] = line
    rest.subtract(extended(index), geometry)
  }

  private func width(_ line: WallLine) -> Double {
    geometry.projectedWidth(sechWidth: line.sechWidth)
  }

  /// Whether a line is still the one that was found: its ends within a width of it.
  private func isNear(_ line: WallLine, _ start: WallLine) -> Bool {
    let reach = width(start)
    let turn = lineAngle(line.azimuth, start.azimuth)
    let turned = start.moved(turn: turn, shift: 0, widthFactor: 1)
    return abs(turn) * start.length / 2 + abs(line.position - turned.position) < reach
      && line.amplitude * start.amplitude > 0
  }

  /// The pixels beside a line, which stay the same: χ² compares.
  private func window(_ line: WallLine) -> [Int] {
    let reach = WallRefinement.window * width(line)
    let n = line.normal
    return (0..<rest.count).filter { i in
      let (u, v) = line.place(rest.x[i], rest.y[i], n)
      return abs(u) < reach && v > line.start && v < line.end
    }
  }

  /// The next lines beside one on either side that reach into its window: what they leave open it leaves open too.
  private func neighbors(of index: Int) -> [Int] {
    let line = lines[index]
    let near = lines.indices.compactMap { other -> (index: Int, distance: Double)? in
      let turn = lineAngle(lines[other].azimuth, line.azimuth)
      guard other != index, abs(turn) < WallFindingOptions.familyTolerance else { return nil }
      let turned = lines[other].turned(
        by: Int(((line.azimuth - lines[other].azimuth) / Double.pi).rounded()))
      let distance = turned.position - line.position
      let reach = WallRefinement.window * width(line) + width(turned) / 2
      return abs(distance) < reach && turned.overlap(with: line) > 0.3 ? (other, distance) : nil
    }
    let before = near.filter { $0.distance < 0 }.max { $0.distance < $1.distance }
    let after = near.filter { $0.distance >= 0 }.min { $0.distance < $1.distance }
    return [before, after].compactMap { $0?.index }
  }

  /// The derivatives of one line's field at a pixel, all of one unit: a turn by the shift of the ends, a width and a
  /// height by their logarithms.
  private func derivatives(
    _ line: WallLine, _ shape: ProjectedWall, _ normal: (x: Double, y: Double), _ i: Int
  ) -> SIMD4<Double> {
    let (u, v) = line.place(rest.x[i], rest.y[i], normal)
    let wall = shape.sample(at: u, amplitude: line.amplitude)
    let shift = wall.byPosition * width(line)
    return SIMD4(
      -shift * (v - line.middle) / lever(line), shift, wall.byWidth * line.sechWidth, wall.value)
  }

  /// Half of a line's length, but no less than its width.
  private func lever(_ line: WallLine) -> Double { max(line.length / 2, width(line)) }

  /// The line one step on, with the error of its azimuth; nil where its pixels do not determine it.
  private func step(_ index: Int, _ window: [Int]) -> (line: WallLine, turn: Double)? {
    let line = lines[index]
    let fitted = [line] + neighbors(of: index).map { lines[$0] }
    let size = 4 * fitted.count + 3
    guard window.count > 2 * size else { return nil }
    let (reach, half) = (width(line), lever(line))
    let (matrix, right, power) = normalEquations(fitted, size: size, window)
    let inverse = LeastSquares.inverse(of: matrix, size: size)
    let change = (0..<size).map { a in
      (0..<size).reduce(0) { $0 + inverse[size * a + $1] * right[$1] }
    }
    let variance = inverse[0] * reach * reach / (half * half)
    guard variance > 0, change.allSatisfy(\.isFinite) else { return nil }
    let explained = zip(change, right).reduce(0) { $0 + $1.0 * $1.1 }
    let misfit = max(1, (power - explained) / Double(window.count - size))
    func limited(_ value: Double) -> Double { min(0.3, max(-0.3, value)) }
    let turn = limited(change[0]) * reach / half
    var next = line.moved(
      turn: turn, shift: limited(change[1]) * reach, widthFactor: exp(limited(change[2])))
    next.amplitude *= exp(limited(change[3]))
    next.azimuthError = (variance * misfit).squareRoot()
    return (next, turn)
  }

  /// Of four changes of each line and of a plane under all of them, over the pixels of a window.
  ///
  /// - Parameters:
  ///   - fitted: The line whose scales and component all take, and its neighbors.
  ///   - size: Four for each line, and three.
  /// - Returns: The matrix, row-major; the right side; the weighted power of what is to be explained.
  private func normalEquations(
    _ fitted: [WallLine], size: Int, _ window: [Int]
  ) -> (matrix: [Double], right: [Double], power: Double) {
    let line = fitted[0]
    let shapes = fitted.map { ProjectedWall(geometry: geometry, sechWidth: $0.sechWidth) }
    let normals = fitted.map(\.normal)
    let (n, reach, half) = (line.normal, width(line), lever(line))
    let component = fieldComponent(geometry.direction, n)
    var matrix = [Double](repeating: 0, count: size * size)
    var right = [Double](repeating: 0, count: size)
    var power = 0.0
    var row = [Double](repeating: 0, count: size)
    for i in window {
      for k in fitted.indices {
        let slopes = derivatives(fitted[k], shapes[k], normals[k], i)
        for a in 0..<4 { row[4 * k + a] = slopes[a] }
      }
      let (u, v) = line.place(rest.x[i], rest.y[i], n)
      row[size - 3] = line.amplitude
      row[size - 2] = line.amplitude * u / reach
      row[size - 1] = line.amplitude * (v - line.middle) / half
      let (value, weight) = rest.component(i, component)
      power += weight * value * value
      for a in 0..<size {
        let weighted = weight * row[a]
        right[a] += weighted * value
        for b in 0...a { matrix[size * a + b] += weighted * row[b] }
      }
    }
    for a in 0..<size { for b in 0..<a { matrix[size * b + a] = matrix[size * a + b] } }
    return (matrix, right, power)
  }
}
