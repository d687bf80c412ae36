// Whether the fields of neighboring walls point in turn along their normals and against them.

internal import Glibc
internal import STEMCore

extension FoundWallFitting {
  /// The wall's line turned into the mean azimuth of its family: the error of its own would shift short walls far
  /// from the scan's center along themselves.
  private func along(_ wall: FoundWall, of walls: [FoundWall]) -> WallLine {
    let own = wall.normalAzimuth.value
    let members = walls.filter { $0.family == wall.family }
    let turns = members.map { lineAngle($0.normalAzimuth.value, own) }
    let turn = turns.reduce(0, +) / Double(turns.count)
    return line(of: wall).moved(turn: turn, shift: 0, widthFactor: 1)
  }

  /// Pairs of next neighbors of one family that run side by side, no refused line between them.
  func alternation(_ walls: [FoundWall], refused: [FoundWall]) -> WallAlternation {
    let all = (walls.map { (wall: $0, isRefused: false) } + refused.map { ($0, true) }).sorted {
      ($0.wall.family, $0.wall.fitted.wall.position.value)
        < ($1.wall.family, $1.wall.fitted.wall.position.value)
    }
    var (pairs, equal) = (0, 0)
    for ((a, isRefused), (b, isNextRefused)) in zip(all, all.dropFirst())
    where !isRefused && !isNextRefused && a.family == b.family
      && along(a, of: walls).overlap(with: along(b, of: walls)) > 0.3
    {
      pairs += 1
      if a.fitted.wall.field.value * b.fitted.wall.field.value > 0 { equal += 1 }
    }
    if pairs == 0 { return refused.isEmpty || walls.count < 2 ? .cannotBeTold : .linesBetween }
    return equal == 0
      ? .alternate(pairs: pairs, chance: pow(0.5, Double(pairs)))
      : .doNot(equal: equal, pairs: pairs)
  }
}
