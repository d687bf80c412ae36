// Whence the walls' normal and the field's component are known.

/// How the azimuth of the walls' normal became known.
enum NormalOrigin: Codable, Sendable, Equatable {
  case given
  /// To the profile that the walls are fitted beside.
  case givenToProfile
  case file
  case crystal
  /// 0...1: how much the map varies along one direction only.
  case measured(coherence: Double)
  /// Standard deviations of the walls that a search has found.
  case found(significance: Double)
  /// By find-walls, of the walls themselves.
  case foundWalls
  case unknown

  /// As a reader should see it.
  var text: String {
    switch self {
    case .given: "given"
    case .givenToProfile: "given to the profile"
    case .file: "from the file"
    case .crystal: "from the crystal's directions"
    case .measured(let coherence):
      "measured, coherence \(Format.significant(coherence, digits: 2))"
    case .found(let significance): "found by a search, \(Format.sigmas(significance))"
    case .foundWalls: "found"
    case .unknown: "no direction found"
    }
  }
}

/// How the component became known in which the walls have their field.
enum DirectionOrigin: Codable, Sendable, Equatable {
  case given
  case file
  /// The field's axis in the crystal, such as `[-101]`.
  case crystal(axis: String)
  /// The part of the profiles' power that the component holds.
  case power(Double)
  /// The part of the found walls' signal that is in the component.
  case signal(Double)
  /// Neither component stands out of the noise.
  case assumed
  /// Neither component shows walls to a search.
  case noWalls

  /// Whether somebody has stated it, rather than the map shown it.
  var isStated: Bool {
    switch self {
    case .given, .file, .crystal: true
    case .power, .signal, .assumed, .noWalls: false
    }
  }

  /// Whether the map has shown it.
  var isMeasured: Bool {
    switch self {
    case .power, .signal: true
    case .given, .file, .crystal, .assumed, .noWalls: false
    }
  }

  /// As a reader should see it.
  var text: String {
    switch self {
    case .given: "given"
    case .file: "from the file"
    case .crystal(let axis): "field along \(axis)"
    case .power(let part): "the component with \(Format.percent(part)) of the power"
    case .signal(let part): "the component with \(Format.percent(part)) of the signal"
    case .assumed: "assumed: no component stands out of the noise"
    case .noWalls: "assumed: no walls in either component"
    }
  }
}
