// The azimuths of found walls, fitted anew once it is known which walls there are.

internal import Glibc
internal import STEMCore

extension FoundWallFitting {
  /// Walls turned so that all of them fit together: lines of the search took in neighbors that were not known yet,
  /// and its steps end where a high dose still shows a difference.
  func fittedTogether(_ walls: [FoundWall], checkpoint: () throws -> Void) rethrows -> [FoundWall] {
    var joint = JointLineFit(
      walls.map(line), in: WallPixels(map), geometry: geometry)
    try joint.fit(checkpoint: checkpoint)
    return zip(walls, joint.lines).map { turned($0, into: $1) }
  }

  /// A wall turned about its own middle into the azimuth of a line.
  private func turned(_ wall: FoundWall, into line: WallLine) -> FoundWall {
    guard wall.showsAzimuth, let error = line.azimuthError else { return wall }
    let own = self.line(of: wall)
    let new = own.moved(turn: line.azimuth - own.azimuth, shift: 0, widthFactor: 1)
    var wall = wall
    let (before, after) = (own.middle * (wall.normalAzimuth.error ?? 0), new.middle * error)
    let change = after * after - before * before
    wall.fitted.wall.position.value = new.position
    wall.fitted.wall.position.error = wall.fitted.wall.position.error.map {
      max(0, $0 * $0 + change).squareRoot()
    }
    wall.fitted.covariance[8] += change
    wall.normalAzimuth = Measurement(new.azimuth, error: error)
    wall.shift = new.shift
    (wall.start, wall.end) = (new.wallPoint(at: new.start), new.wallPoint(at: new.end))
    return wall
  }

  /// The mean azimuth of a family's walls, each weighted by what it gains in χ².
  func meanAzimuth(of walls: [FoundWall], family: Int) -> Double {
    let members = walls.filter { $0.family == family }
    guard let first = members.first?.normalAzimuth.value else { return families[family] }
    let weights = members.map { $0.significance * $0.significance }
    let turn = zip(members, weights).reduce(0) {
      $0 + $1.1 * lineAngle($1.0.normalAzimuth.value, first)
    }
    return first + turn / max(weights.reduce(0, +), .leastNormalMagnitude)
  }
}
