// Whether a run can do anything at all, asked before anything is made for it.

extension PipelineRunner {
  /// Why nothing of the pipeline can be done: the input files that cannot be read, in the order of their names.
  /// Empty where a stage can run or is in the cache.
  ///
  /// Costs a `stat` for each input where all of them are there, and a plan where one is not.
  public func refusals() -> [StageFailure] {
    let names = Set(graph.stages.flatMap(\.fileParameters.values))
    let areThere = names.allSatisfy { name in
      graph.inputPaths[name].map { (try? FileSystem.stamp(of: $0)) != nil } ?? false
    }
    if areThere { return [] }
    let plan = self.plan()
    return plan.blockedCount == plan.steps.count ? plan.inputs.compactMap(\.failure) : []
  }
}
