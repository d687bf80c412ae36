// The search for walls: the strongest line, held against what is no wall, taken off, and again.

internal import Glibc
internal import STEMCore

/// Finds lines one after the other, each on what the ones before it leave.
struct WallHunt {
  let geometry: InclinationGeometry
  let options: WallFindingOptions
  /// What a line must gain in χ² so that noise alone shows one in so many maps.
  let requiredGain: Double
  private let map: WallPixels
  private let coarseMap: WallPixels
  private var fine: WallPixels
  private var coarse: WallPixels
  private var scan: WallScan
  private var refused: [WallLine] = []
  private var steps: [WallLine] = []
  private(set) var lines: [WallLine] = []
  private(set) var rejections: [WallRejection] = []
  /// Walls of the other component that were taken off the map before.
  let crossing: [WallLine]
  /// Of the first search, made before the hunt.
  private var first: WallLine??
  /// Misfits of walls aside.
  private(set) var strongestRefused: RefusedLine?

  /// Lines that are no walls may take part so often before the search ends.
  private static let mostRejections = 16
  private static let coarseSide = 192
  /// Less than this part of what a wall of the other component gains is what the model of it may leave.
  private static let leastGain = 0.01

  /// - Parameters:
  ///   - map: Without the walls of the other component.
  ///   - crossing: What was taken off for them.
  init(
    map: VectorMap, geometry: InclinationGeometry, options: WallFindingOptions,
    crossing: [WallLine] = []
  ) {
    self.crossing = crossing
    self.geometry = geometry
    self.options = options
    self.map = WallPixels(map)
    let (rows, columns) = (map.shape.rows, map.shape.columns)
    // A short side keeps a quarter of so many blocks.
    let side = min(max(rows, columns), 4 * min(rows, columns))
    coarseMap = WallPixels(map, block: max(1, side / Self.coarseSide))
    (fine, coarse) = (self.map, coarseMap)
    let levels = WallScanLevel.levels(for: coarse, geometry: geometry)
    let places = levels.reduce(0.0) { $0 + $1.places }
    requiredGain = max(25, 2 * log(max(1, places) / options.falseWallsPerMap))
    // The scan's steps miss a part of what refined lines gain.
    scan = WallScan(levels, over: coarse, geometry: geometry, leastGain: 0.8 * requiredGain)
  }

  /// Widths that are tried, the narrowest first.
  var levels: [WallScanLevel] { scan.levels }

  /// The clearest line of what is left; nil where none can reach the threshold.
  ///
  /// Across a long frame a line as wide as several walls together can grow ever wider as it is refined, until
  /// nothing is left of it: then the clearest of another width is taken.
  private mutating func clearest(checkpoint: () throws -> Void) rethrows -> WallLine? {
    let refinement = WallRefinement(pixels: fine, geometry: geometry)
    var first: WallLine?
    var open = Set(levels.indices)
    while let (level, line) = try scan.clearest(in: coarse, of: open, checkpoint: checkpoint) {
      try checkpoint()
      let refined = refinement.refined(line)
      if refined.gain > requiredGain || !isWiderThanFrame(refined) { return refined }
      first = first ?? refined
      open.remove(level)
    }
    return first
  }

  /// Half as wide again as the frame is narrow, which only frames longer than four of their short sides allow.
  private func isWiderThanFrame(_ line: WallLine) -> Bool {
    geometry.projectedWidth(sechWidth: line.sechWidth) > 3 * min(fine.halfWidth, fine.halfHeight)
  }

  /// The clearest line, for which ``run(checkpoint:)`` does not search again.
  mutating func begin(checkpoint: () throws -> Void) rethrows -> WallLine? {
    let line = try clearest(checkpoint: checkpoint)
    first = line
    return line
  }

  /// What a line takes off χ² of the map. Without noise all gains are alike: misfit limits them.
  func power(of line: WallLine) -> Double {
    WallRefinement(pixels: map, geometry: geometry).power(of: line)
  }

  /// Walls and what was refused: all that the search has taken off.
  var taken: [WallLine] { lines + refused }

  /// As many walls or refused lines as a search takes.
  var isFull: Bool {
    lines.count >= options.maximumWalls || rejections.count >= Self.mostRejections
  }

  /// - Parameter checkpoint: Called between lines; what it throws ends the search.
  mutating func run(checkpoint: () throws -> Void) throws {
    while !isFull {
      guard let refined = try first ?? clearest(checkpoint: checkpoint),
        refined.gain > requiredGain, isHighEnough(refined)
      else { break }
      first = nil
      if let (index, line) = bentWall(explaining: refined) {
        rejections.append(.misfit)
        lines[index] = line
      } else if let rejection = rejection(refined) {
        rejections.append(rejection)
        if rejection != .misfit {
          strongestRefused.consider(refined.gain.squareRoot(), rejection)
        }
        refused.append(refined)
        if rejection == .step { steps.append(refined) }
      } else {
        lines.append(refined)
        polish(lines.indices.filter { touches(lines[$0], refined) })
      }
      leaveRest()
    }
    for _ in 0..<2 {
      try checkpoint()
      polish(Array(lines.indices))
    }
    try followBends(checkpoint: checkpoint)
  }

  /// Whether one line is seen in the window of the other: two widths from a wall's middle 0.4 % are left of its
  /// height.
  private func touches(_ line: WallLine, _ other: WallLine) -> Bool {
    let widths = [line, other].map { geometry.projectedWidth(sechWidth: $0.sechWidth) }
    return line.distance(to: other) < WallRefinement.window * (widths[0] + widths[1])
  }

  /// Refines walls beside the others, which crossed or overlapped them when they were found.
  ///
  /// What was refused is no part of this: it may be a misfit of the very wall.
  private mutating func polish(_ indices: [Int]) {
    guard lines.count > 1 else { return }
    for index in indices {
      let width = geometry.projectedWidth(sechWidth: lines[index].sechWidth)
      // Most stay near: of a large map a small part is looked at.
      let refined =
        polished(index, within: 4 * WallRefinement.window * width)
        ?? polished(index, within: .infinity)
      if let refined, refined.gain > requiredGain { lines[index] = refined }
    }
  }

  /// Has the lines of walls that bend run along these, each beside the others as they were found to bend.
  private mutating func followBends(checkpoint: () throws -> Void) rethrows {
    for _ in 0..<2 {
      for index in lines.indices {
        try checkpoint()
        if let bent = bentLine(index) { lines[index] = bent }
      }
      if lines.count < 2 || lines.allSatisfy({ $0.shift == nil }) { break }
    }
  }

  /// A wall refined on the pixels that are no further from it; nil where its window then reaches beyond these.
  private func polished(_ index: Int, within reach: Double) -> WallLine? {
    let line = lines[index]
    if line.shift != nil { return line }
    let alone = pixels(ofLine: index, within: reach)
    let refined = WallRefinement(pixels: alone, geometry: geometry).refined(line)
    let n = line.normal
    let ends = [refined.start, refined.end].map(refined.point).map {
      abs(line.place($0.x, $0.y, n).u)
    }
    let window = WallRefinement.window * geometry.projectedWidth(sechWidth: refined.sechWidth)
    return max(ends[0], ends[1]) + window <= reach ? refined : nil
  }

  /// What the other walls leave for one of the pixels that are no further from its line.
  func pixels(ofLine index: Int, within reach: Double) -> WallPixels {
    let (line, n) = (lines[index], lines[index].normal)
    var alone =
      reach.isFinite ? map.where { abs($0 * n.x + $1 * n.y - line.position) <= reach } : map
    for other in lines.indices where other != index { alone.subtract(lines[other], geometry) }
    return alone
  }

  /// What all lines leave, for the search that follows.
  private mutating func leaveRest() {
    fine = map
    coarse = coarseMap
    for line in lines + refused {
      fine.subtract(line, geometry)
      coarse.subtract(line, geometry)
    }
    scan.outdate()
  }

  private func height(_ line: WallLine, _ geometry: InclinationGeometry) -> Double {
    abs(line.amplitude) * geometry.projectedHeight(sechWidth: line.sechWidth)
  }

  /// Less than this part of the highest wall is what the model of that wall may leave.
  private func isHighEnough(_ line: WallLine) -> Bool {
    let other = geometry.ofOtherComponent
    let heights = lines.map { height($0, geometry) } + crossing.map { height($0, other) }
    return height(line, geometry) > options.minimumFraction * (heights.max() ?? 0)
      && line.gain > Self.leastGain * (crossing.map(\.gain).max() ?? 0)
  }

  private func rejection(_ line: WallLine) -> WallRejection? {
    let width = geometry.projectedWidth(sechWidth: line.sechWidth)
    if lines.contains(where: { isShadow(line, of: $0) }) { return .misfit }
    if steps.contains(where: { isBeside(line, step: $0) }) { return .misfit }
    // A frame shorter than that shows walls from rim to rim.
    let side = 2 * min(fine.halfWidth, fine.halfHeight)
    if line.length < min(options.shortestLength * width, 0.9 * side) { return .tooShort }
    let check = WallLineCheck(pixels: fine, geometry: geometry, line: line)
    if check.modulation > WallFindingOptions.largestModulation { return .uneven }
    return check.isStep ? .step : nil
  }

  /// A step is seen beside its place; taken off as a wall, it leaves more of them around it.
  private func isBeside(_ line: WallLine, step: WallLine) -> Bool {
    let width = max(
      geometry.projectedWidth(sechWidth: line.sechWidth),
      geometry.projectedWidth(sechWidth: step.sechWidth))
    guard abs(lineAngle(line.azimuth, step.azimuth)) < 4 * WallFindingOptions.familyTolerance else {
      return false
    }
    let turned = line.turned(
      by: Int(((step.azimuth - line.azimuth) / Double.pi).rounded()))
    return abs(turned.position - step.position) < 2 * WallRefinement.window * width
  }

  /// Within the core of another wall the residual shows that wall's misfit.
  private func isShadow(_ line: WallLine, of wall: WallLine) -> Bool {
    let widths = [line, wall].map { geometry.projectedWidth(sechWidth: $0.sechWidth) }
    guard abs(lineAngle(line.azimuth, wall.azimuth)) < WallFindingOptions.familyTolerance else {
      return false
    }
    let turned = line.turned(
      by: Int(((wall.azimuth - line.azimuth) / Double.pi).rounded()))
    return turned.overlap(with: wall) > 0.3
      && abs(turned.position - wall.position) < 0.6 * max(widths[1], min(widths[0], widths[1]))
  }
}
