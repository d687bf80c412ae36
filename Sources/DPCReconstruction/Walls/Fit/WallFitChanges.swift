// Changes to a set of fitted walls: one left out, or two in the place of one.

internal import STEMCore
internal import WorkSharing

extension WallSearch {
  /// Removes and splits walls while the criterion falls.
  func improved(_ fit: WallModelFit) -> WallModelFit {
    var best = fit
    for _ in 0..<8 {
      let current = best
      // Each wall left out, then split in either way, in the walls' order.
      let trials = concurrentMap(3 * best.walls.count) { trial -> WallModelFit? in
        let (k, change) = trial.quotientAndRemainder(dividingBy: 3)
        if change == 0 { return self.trial(without: k, of: current, with: []) }
        guard options.splitsWalls, current.walls.count < options.largestCount else {
          return nil
        }
        let wall = current.walls[k]
        let pair = change == 1 ? halves(wall) : boxes(wall)
        return pair.isEmpty ? nil : self.trial(without: k, of: current, with: pair)
      }
      let next = trials.compactMap { $0 }.reduce(best, better)
      if next.walls == best.walls { break }
      best = settled(next)
    }
    return best
  }

  /// With more walls than this a change is first fitted beside its neighbors alone.
  private static var manyWalls: Int { 6 }
  /// How many walls on either side are its neighbors.
  private static var neighbors: Int { 2 }

  /// The fit with some walls in the place of one; nil where that cannot lower the criterion.
  ///
  /// Walls farther away share little but the baseline with those that change. They are held at first; only
  /// where the criterion then comes near that of the fit as it is, all are fitted anew.
  private func trial(
    without index: Int, of fit: WallModelFit, with added: [WallParameters]
  ) -> WallModelFit? {
    var walls = fit.walls
    let removed = walls.remove(at: index)
    guard walls.count > Self.manyWalls else {
      return model.fit(from: walls + added, baseline: fit.baseline)
    }
    let order = walls.indices.sorted { walls[$0].position < walls[$1].position }
    let place = order.firstIndex { walls[$0].position > removed.position } ?? order.count
    let near =
      order[max(0, place - Self.neighbors)..<min(order.count, place + Self.neighbors)]
    let far = walls.indices.filter { !near.contains($0) }.map { walls[$0] }
    let local = model.without(far).fit(
      from: near.map { walls[$0] } + added, baseline: fit.baseline)
    let slack = 0.25 * penalty
    guard
      criterion(local.chiSquare, walls: walls.count + added.count)
        < criterion(fit.chiSquare, walls: fit.walls.count) + slack
    else { return nil }
    return model.fit(from: far + local.walls, baseline: local.baseline)
  }

  /// Two walls of equal sign in the place of one.
  private func halves(_ wall: WallParameters) -> [WallParameters] {
    let shift = 0.3 * model.geometry.projectedWidth(sechWidth: wall.sechWidth)
    return [-shift, shift].map { offset in
      WallParameters(
        amplitude: 0.7 * wall.amplitude, sechWidth: 0.6 * wall.sechWidth,
        position: wall.position + offset)
    }
  }

  /// Two walls side by side that are as wide together, where the path through a wall is what makes it wide: a plateau of
  /// twice the box is two narrow walls rather than a wide one. None elsewhere.
  func boxes(_ wall: WallParameters) -> [WallParameters] {
    let geometry = model.geometry
    let sechWidth = geometry.thickness * geometry.sine / 3
    let width = geometry.projectedWidth(sechWidth: wall.sechWidth)
    guard sechWidth > 0, wall.sechWidth > sechWidth else { return [] }
    let height = wall.amplitude * geometry.projectedHeight(sechWidth: wall.sechWidth)
    return [-0.25, 0.25].map { part in
      WallParameters(
        amplitude: height / geometry.projectedHeight(sechWidth: sechWidth), sechWidth: sechWidth,
        position: wall.position + part * width)
    }
  }
}
