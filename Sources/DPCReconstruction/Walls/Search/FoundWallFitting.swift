// From the lines of a search to walls fitted through the thickness, in families.

internal import Glibc
internal import STEMCore

/// Fits each found line on the pixels along its own length.
struct FoundWallFitting {
  let map: VectorMap
  let geometry: InclinationGeometry
  let options: WallFindingOptions
  private(set) var lines: [WallLine]
  private(set) var familyOf: [Int] = []
  private(set) var families: [Double] = []

  /// A plane has been taken off the whole map, and a strip shows little of another.
  private static let onLevel: WallFitOptions = {
    var options = WallFitOptions()
    options.baseline = .constant
    return options
  }()

  init(
    map: VectorMap, geometry: InclinationGeometry, options: WallFindingOptions, lines: [WallLine]
  ) {
    self.map = map
    self.geometry = geometry
    self.options = options
    self.lines = lines
    gather()
  }

  /// Families by falling signal; every line turned into the sense of its family.
  private mutating func gather() {
    lines.sort { $0.gain > $1.gain }
    var members: [[Int]] = []
    for index in lines.indices {
      let family = members.firstIndex {
        isParallel(lines[index], lines[$0[0]])
      }
      if let family { members[family].append(index) } else { members.append([index]) }
    }
    members.sort { a, b in
      a.reduce(0) { $0 + lines[$1].gain } > b.reduce(0) { $0 + lines[$1].gain }
    }
    familyOf = [Int](repeating: 0, count: lines.count)
    for (family, indices) in members.enumerated() {
      let first = lines[indices[0]].azimuth
      let total = indices.reduce(0.0) { $0 + lines[$1].gain }
      let offset =
        indices.reduce(0.0) {
          $0 + lines[$1].gain * lineAngle(lines[$1].azimuth, first)
        } / max(total, .leastNormalMagnitude)
      let mean = oriented(first + offset)
      families.append(mean)
      for index in indices {
        familyOf[index] = family
        let halfTurns = ((mean - lines[index].azimuth) / Double.pi).rounded()
        lines[index] = lines[index].turned(by: Int(halfTurns))
      }
    }
  }

  /// Whether two azimuths differ by less than the tolerance or than their errors make likely.
  private func isParallel(_ a: WallLine, _ b: WallLine) -> Bool {
    let error = hypot(a.azimuthError ?? 0, b.azimuthError ?? 0)
    return abs(lineAngle(a.azimuth, b.azimuth)) < max(WallFindingOptions.familyTolerance, 4 * error)
  }

  /// The azimuth or its opposite, in the preferred sense where there is one.
  private func oriented(_ azimuth: Double) -> Double {
    if let preferred = options.preferredAzimuth, abs(lineAngle(azimuth, preferred)) < 0.2 {
      return preferred + lineAngle(azimuth, preferred)
    }
    return normalAzimuth(along: azimuth)
  }

  mutating func complete(_ findings: inout WallFindings, checkpoint: () throws -> Void) throws {
    var found: [FoundWall] = []
    var beside: [FoundWall] = []
    for index in lines.indices {
      try checkpoint()
      let (result, others) = fitted(index)
      beside += others
      switch result {
      case .wall(let own):
        if !found.contains(where: { isSame($0, own) }) { found.append(own) }
      case .nearRim(let wall): findings.nearRim.append(wall)
      case .unconfirmed:
        findings.rejections.append(.unconfirmed)
        findings.strongestRefused.consider(lines[index].gain.squareRoot(), .unconfirmed)
      }
    }
    // Where one profile holds all walls, its joint fit also decides which there are.
    if isWhole {
      for wall in beside where !found.contains(where: { isSame($0, wall) }) { found.append(wall) }
    }
    let refused = try refuseNeedless(&found, &findings, checkpoint: checkpoint)
    found = try fittedTogether(found, checkpoint: checkpoint)
    families = families.indices.map { meanAzimuth(of: found, family: $0) }
    let between = refused.filter { wall in found.contains { $0.family == wall.family } }
    findings.alternation = alternation(found, refused: between)
    // A family none of whose lines was confirmed is none.
    let alive = families.indices.filter { family in found.contains { $0.family == family } }
    for index in found.indices {
      found[index].family = alive.firstIndex(of: found[index].family) ?? 0
    }
    findings.families = alive.map { families[$0] }
    findings.walls = found.sorted {
      ($0.family, $0.fitted.wall.position.value) < ($1.family, $1.fitted.wall.position.value)
    }
    findings.bentGroups = bentGroups(findings.walls)
    guard let first = findings.families.first,
      let profile = try? wallProfile(
        of: map, direction: geometry.direction, normalAzimuth: first)
    else { return }
    findings.profile = profile
    findings.curve = curve(findings.walls, azimuth: first, like: profile)
  }

  /// The profile of the found walls alone, by the same sampling.
  private func curve(
    _ walls: [FoundWall], azimuth: Double, like profile: LineProfile
  ) -> [Double] {
    var pixels = WallPixels(map)
    for i in 0..<pixels.count { (pixels.valueX[i], pixels.valueY[i]) = (0, 0) }
    for wall in walls { pixels.subtract(line(of: wall), geometry, factor: -1) }
    var model = map
    var next = 0
    for i in 0..<map.shape.count
    where map.mask.isUsable(i) && (map.covariance?.xx[i] ?? 0) > 0
      && (map.covariance?.yy[i] ?? 0) > 0
    {
      (model.field.x[i], model.field.y[i]) = (pixels.valueX[next], pixels.valueY[next])
      next += 1
    }
    let curve = try? wallProfile(
      of: model, direction: geometry.direction, normalAzimuth: azimuth)
    guard let curve, curve.value.count == profile.value.count else { return [] }
    let differences = zip(profile.value, curve.value).map { $0 - $1 }
    let level = median(differences) ?? 0
    return curve.value.map { $0 + level }
  }

  func line(of wall: FoundWall) -> WallLine {
    let n = unitVector(azimuth: wall.normalAzimuth.value)
    return WallLine(
      azimuth: wall.normalAzimuth.value, position: wall.fitted.wall.position.value,
      start: -wall.start.x * n.y + wall.start.y * n.x,
      end: -wall.end.x * n.y + wall.end.y * n.x, sechWidth: wall.fitted.sechWidth.value,
      amplitude: wall.fitted.wall.field.value, shift: wall.shift, bend: wall.bend)
  }

  /// What the fit through the thickness makes of a line.
  private enum FittedLine {
    case wall(FoundWall)
    case nearRim(RimWall)
    case unconfirmed
  }

  /// Of a line's length a sample must see this part: beside the corners of the frame, of which a few pixels tell, a
  /// step or a wave passes for a wall.
  private static let leastPart = 1.0 / 3

  /// The wall of a line, and the others of the profile across it.
  private func fitted(_ index: Int) -> (own: FittedLine, others: [FoundWall]) {
    let line = lines[index]
    let width = geometry.projectedWidth(sechWidth: line.sechWidth)
    var others: [FoundWall] = []
    var isNearRim = false
    // The corners of the frame enter a profile only where it is as short as the line there.
    for isShort in [false, true] {
      guard
        let profile = try? wallProfile(
          of: strip(index, width: width, isShort: isShort), direction: geometry.direction,
          normalAzimuth: line.azimuth, alongShift: line.shift,
          leastPart: Self.leastPart),
        let fit = try? fitWalls(profile: profile, geometry: geometry, options: Self.onLevel)
      else { continue }
      if let own = nearest(to: line, among: fit.reported, width: width) {
        let rest = isShort ? [] : fit.reported.filter { $0 != own }
        return (.wall(wall(at: own, along: line, index)), rest.map { wall(beside: index, $0) })
      }
      if !isShort { others = fit.reported.map { wall(beside: index, $0) } }
      isNearRim = isCut(line, by: profile, fit, width: width)
      if !isNearRim { return (.unconfirmed, others) }
    }
    guard isNearRim else { return (.unconfirmed, others) }
    return (
      .nearRim(
        RimWall(
          normalAzimuth: line.azimuth, position: line.position,
          significance: line.gain.squareRoot())), others
    )
  }

  /// Another wall of the profile across a line.
  ///
  /// It runs as far as the profile holds: where a line slants, its own ends lie elsewhere along its neighbors.
  private func wall(beside index: Int, _ fitted: FittedWall) -> FoundWall {
    let pixels = WallPixels(frameOf: map)
    var line = lines[index]
    let stretch = stretch(of: line, width: geometry.projectedWidth(sechWidth: line.sechWidth))
    line.position = fitted.wall.position.value
    (line.start, line.end) = stretch
    return wall(at: fitted, along: line.clipped(to: pixels), index)
  }

  private func wall(at fitted: FittedWall, along line: WallLine, _ index: Int) -> FoundWall {
    var fitted = fitted
    // A turn about the scan's center moves a wall that lies aside.
    let lever = line.middle * (line.azimuthError ?? 0)
    fitted.wall.position.error = fitted.wall.position.error.map { hypot($0, lever) }
    fitted.covariance[8] += lever * lever
    var own = line
    own.position = fitted.wall.position.value
    var wall = FoundWall(
      fitted: fitted, normalAzimuth: Measurement(line.azimuth, error: line.azimuthError),
      start: own.wallPoint(at: line.start), end: own.wallPoint(at: line.end),
      significance: fitted.significance, family: familyOf[index], bend: line.bend,
      shift: line.shift)
    if !wall.showsAzimuth { wall.normalAzimuth.error = FoundWall.unknownAzimuth }
    return wall
  }

  /// Two pieces of a search that the fit took for one wall.
  private func isSame(_ a: FoundWall, _ b: FoundWall) -> Bool {
    let (first, second) = (line(of: a), line(of: b))
    return a.family == b.family && first.overlap(with: second) > 0.3
      && abs(first.distance(from: second))
        < 0.5 * min(a.fitted.imageWidth, b.fitted.imageWidth)
  }
}
