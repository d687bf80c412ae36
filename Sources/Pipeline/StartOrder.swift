// In which order stages begin that could begin at once: no number depends on it, only the time.

extension PipelineGraph {
  /// The stages, those first that most stages follow in a row, then those that most stages take from: a chain
  /// begun last would keep one thread at the end of a run while the others have nothing to do. Of equals
  /// those first that follow most stages, then those that take most values, so that what is begun comes to its end
  /// and its values leave the memory; then those that come first in the graph.
  var startOrder: [StageNode] {
    var depth: [String: Int] = [:]
    for node in stages {
      depth[node.name] = (node.inputs.values.compactMap { depth[$0.stage] }.max() ?? -1) + 1
    }
    var height: [String: Int] = [:]
    var takers: [String: Int] = [:]
    for node in stages.reversed() {
      for feeder in Set(node.inputs.values.map(\.stage)) {
        height[feeder] = max(height[feeder, default: 0], height[node.name, default: 0] + 1)
        takers[feeder, default: 0] += 1
      }
    }
    let ranks = stages.enumerated().map { index, node in
      let name = node.name
      return (
        -height[name, default: 0], -takers[name, default: 0], -depth[name, default: 0],
        -node.inputs.count, index
      )
    }
    return ranks.sorted(by: <).map { stages[$0.4] }
  }
}
