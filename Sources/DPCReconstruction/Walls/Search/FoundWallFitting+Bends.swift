// Which found walls may be pieces of one that bends.

internal import Glibc
internal import STEMCore

extension FoundWallFitting {
  /// Walls that come nearer to each other than they are wide, and part again by more, at small angles.
  ///
  /// - Returns: By their places in the list, two or more in each group; no wall is in two.
  func bentGroups(_ walls: [FoundWall]) -> [[Int]] {
    let lines = walls.map(line)
    var groups: [[Int]] = []
    for index in walls.indices {
      let near = groups.indices.filter { group in
        groups[group].contains { isBend(lines[$0], lines[index]) }
      }
      let joined = near.flatMap { groups[$0] } + [index]
      groups = groups.indices.filter { !near.contains($0) }.map { groups[$0] } + [joined]
    }
    return groups.filter { $0.count > 1 }.map { $0.sorted() }
  }

  private func isBend(_ a: WallLine, _ b: WallLine) -> Bool {
    let width = [a, b].reduce(0) {
      $0 + geometry.projectedWidth(sechWidth: $1.sechWidth) / 2
    }
    return a.mayBelongTogether(with: b, geometry)
      && abs(lineAngle(a.azimuth, b.azimuth)) * min(a.length, b.length) > width
  }
}
