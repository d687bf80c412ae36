// Parameters that cannot be followed whatever the data are: a plan tells them by their line, a run by its stage.
internal import Pipeline

extension ParameterProblem {
  /// What checks object to in parameters that need nothing else to be judged.
  ///
  /// - Parameters:
  ///   - parameters: All of a stage.
  ///   - checks: Each throws the first problem that it finds.
  static func found(
    in parameters: [String: ParameterValue], _ checks: ((StageContext) throws -> Void)...
  ) -> [ParameterProblem] {
    let context = StageContext(stageName: "", parameters: parameters, inputs: [:])
    return checks.compactMap { check in
      do { try check(context) } catch { return error as? ParameterProblem }
      return nil
    }
  }
}

extension StageContext {
  /// Forms what parameters ask for; a problem of theirs, which a plan tells already, is the stage's failure.
  func reading<Value>(_ body: () throws -> Value) throws -> Value {
    do { return try body() } catch let problem as ParameterProblem {
      throw StageFailure(
        .failed, "stage \(stageName): \(problem.message)", remedy: problem.suggestion)
    }
  }
}
