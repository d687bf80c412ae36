// What a sweep sets: the values of an acquisition, or one of an axis.
internal import Pipeline

/// What a column of a table or an axis of a matrix sets.
enum SweepTarget: Hashable {
  case input(String)
  case parameter(stage: String, key: String)

  var name: String {
    switch self {
    case .input(let name): name
    case .parameter(let stage, let key): "\(stage).\(key)"
    }
  }
}

/// One value for a target.
struct SweepSetting {
  enum Value {
    case path(String)
    case parameter(ParameterValue)
    /// The name of one of the pipeline's inputs.
    case file(String)
  }
  var target: SweepTarget
  var value: Value
  /// As the user wrote it.
  var text: String
  var origin: ParameterOrigin
}

/// An acquisition, or a value of an axis: a part of an instance's key, and what it sets.
struct SweepPoint {
  var key: String
  var settings: [SweepSetting]
}
