// Stages that cannot run because others did not, told together.

/// Stages by those that stand in their way, in the order in which they were added.
struct BlockedStages {
  private(set) var groups: [(blockers: [String], stages: [String])] = []

  mutating func add(_ stage: String, by blockers: [String]) {
    if let place = groups.firstIndex(where: { $0.blockers == blockers }) {
      groups[place].stages.append(stage)
    } else {
      groups.append((blockers, [stage]))
    }
  }
}
