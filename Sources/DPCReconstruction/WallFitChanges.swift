// Changes to a set of fitted walls: one left out, or two in the place of one.

internal import STEMCore
internal import WorkSharing

extension WallSearch {
  /// Removes and splits walls while the criterion falls.
  func improved(_ fit: WallModelFit) -> WallModelFit {
    var best = fit
    for _ in 0..<8 {
      let current = best
      // Each wall left out, then split, in the walls' order.
      let trials = concurrentMap(2 * best.walls.count) { trial -> WallModelFit? in
        let k = trial / 2
        if trial % 2 == 0 { return self.trial(without: k, of: current, with: []) }
        guard options.splitsWalls, current.walls.count < options.maximumWalls else { return nil }
        return self.trial(without: k, of: current, with: halves(current.walls[k]))
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
}
