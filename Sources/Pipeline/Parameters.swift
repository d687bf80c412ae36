// Parameters of stages: what may stand under `with`, and the values once resolved.

/// A parameter's value as it enters the cache key.
public enum ParameterValue: Sendable, Hashable, Codable {
  case number(Double)
  case integer(Int)
  case text(String)
  case boolean(Bool)
  case list([ParameterValue])

  /// Those of a list of numbers, else nil.
  public var numbers: [Double]? {
    guard case .list(let values) = self else { return nil }
    return values.compactMap { if case .number(let value) = $0 { value } else { nil } }
  }
}

extension ParameterValue: CustomStringConvertible {
  /// As it would be written in a manifest.
  public var description: String {
    switch self {
    case .number(let value):
      return value == value.rounded() && abs(value) < 1e15 ? "\(Int(value))" : "\(value)"
    case .integer(let value): return "\(value)"
    case .text(let value): return value
    case .boolean(let value): return value ? "true" : "false"
    case .list(let values):
      let words = values.map { value in
        if case .text(let word) = value { TextList.quoted(word) } else { value.description }
      }
      return "[" + words.joined(separator: ", ") + "]"
    }
  }
}

/// A type of Swift that a parameter's value can be read as.
public protocol ReadableParameter: Sendable {
  /// nil where the value is of another kind.
  init?(parameter value: ParameterValue)
}

extension Double: ReadableParameter {
  public init?(parameter value: ParameterValue) {
    switch value {
    case .number(let number): self = number
    case .integer(let number): self = Double(number)
    default: return nil
    }
  }
}

extension Int: ReadableParameter {
  public init?(parameter value: ParameterValue) {
    guard case .integer(let number) = value else { return nil }
    self = number
  }
}

extension Bool: ReadableParameter {
  public init?(parameter value: ParameterValue) {
    guard case .boolean(let flag) = value else { return nil }
    self = flag
  }
}

extension String: ReadableParameter {
  public init?(parameter value: ParameterValue) {
    guard case .text(let text) = value else { return nil }
    self = text
  }
}

extension [Double]: ReadableParameter {
  public init?(parameter value: ParameterValue) {
    guard let numbers = value.numbers else { return nil }
    self = numbers
  }
}

/// A stage reads a parameter that it does not declare, or as what it was not declared to be.
public struct UndeclaredParameter: Error, CustomStringConvertible {
  let key: String
  let expected: String

  public var description: String {
    "it reads parameter '\(key)' as \(expected), which its declaration does not ensure"
  }
}

/// What kind of value a parameter takes.
public enum ParameterKind: Sendable {
  /// A finite number within a range; the unit is part of the parameter's key and repeated here.
  case number(unit: String?, range: NumberRange)
  /// A list of such numbers; one number alone is a list.
  case numbers(unit: String?, range: NumberRange)
  case integer(ClosedRange<Int>)
  /// One of these words.
  case choice([String])
  /// A list of some of these words, in any order, without repetition; one word alone is a list.
  case choices([String])
  case text
  /// A list of texts in the order given; may be empty.
  case texts
  case boolean
  /// `$name` of one of the manifest's `inputs`.
  case file
}

/// An interval of numbers, open or closed at either end.
public struct NumberRange: Sendable, Hashable {
  public var lower: Double
  public var upper: Double
  public var excludesLower: Bool
  public var excludesUpper: Bool

  public init(
    _ range: ClosedRange<Double> = -Double.infinity...Double.infinity,
    excludesLower: Bool = false, excludesUpper: Bool = false
  ) {
    lower = range.lowerBound
    upper = range.upperBound
    self.excludesLower = excludesLower
    self.excludesUpper = excludesUpper
  }

  /// Every finite number.
  public static let any = NumberRange()
  /// Greater than zero.
  public static let positive = NumberRange(0...Double.infinity, excludesLower: true)

  public func contains(_ value: Double) -> Bool {
    value.isFinite && (excludesLower ? value > lower : value >= lower)
      && (excludesUpper ? value < upper : value <= upper)
  }
}

extension NumberRange: CustomStringConvertible {
  /// For messages: "greater than 0", "from 0 to 90", "any number".
  public var description: String {
    let low = ParameterValue.number(lower).description
    let high = ParameterValue.number(upper).description
    switch (lower.isFinite, upper.isFinite) {
    case (false, false): return "any number"
    case (true, false): return excludesLower ? "greater than \(low)" : "at least \(low)"
    case (false, true): return excludesUpper ? "less than \(high)" : "at most \(high)"
    case (true, true):
      return "from \(low)\(excludesLower ? " (excluded)" : "")"
        + " to \(high)\(excludesUpper ? " (excluded)" : "")"
    }
  }
}

/// One parameter of a stage type; the single source of its help, its check and its schema.
public struct ParameterSpecification: Sendable {
  /// The manifest key, the unit included: `thickness_nm`.
  public let key: String
  public let kind: ParameterKind
  /// Words allowed in place of a value, such as `from-file`.
  public let keywords: [String]
  /// nil: the manifest has to give it, unless `isRequired` is false.
  public let defaultValue: ParameterValue?
  public let isRequired: Bool
  /// A usual value as it would stand in a manifest, shown in examples where there is no default.
  public let example: String?
  /// One line of help.
  public let summary: String

  public init(
    _ key: String, _ kind: ParameterKind, keywords: [String] = [],
    default defaultValue: ParameterValue? = nil, isRequired: Bool = false, example: String? = nil,
    summary: String
  ) {
    self.key = key
    self.kind = kind
    self.keywords = keywords
    self.defaultValue = defaultValue
    self.isRequired = isRequired
    self.example = example
    self.summary = summary
  }
}

/// Who decided a parameter's value.
public enum ParameterOrigin: String, Sendable, Codable {
  /// `foreach`: from a table or a file name; `matrix`: a value of a sweep.
  case `default`, manifest, foreach, matrix
  case commandLine = "command line"
}

/// A value and who decided it; only the value enters the cache key.
public struct ResolvedParameter: Sendable, Hashable, Codable {
  public var value: ParameterValue
  public var origin: ParameterOrigin

  public init(_ value: ParameterValue, origin: ParameterOrigin) {
    self.value = value
    self.origin = origin
  }
}
