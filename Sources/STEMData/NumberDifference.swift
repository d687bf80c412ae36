// How far two arrays of equal shape are apart: in their unit, and in steps of their number format.

/// The difference of two arrays that are not equal.
public struct NumberDifference: Sendable, Equatable, Encodable {
  /// How the numbers are stored, which decides what an ulp is.
  public enum Precision: String, Sendable, Equatable, Encodable {
    case float32, float64, integer
  }

  public var precision: Precision
  /// Elements in all.
  public var count: Int
  /// Elements that differ, those that are NaN on one side included.
  public var differing: Int
  /// Elements that are NaN on one side only: no distance can be told.
  public var missingOnOneSide: Int
  /// Largest absolute difference, in the dataset's unit, of elements that are no NaN.
  public var largest: Double
  /// The largest magnitude in either array, in the dataset's unit, of finite elements: what `largest` is small beside.
  public var largestMagnitude: Double
  /// The largest number of representable steps between two elements; nil for integers.
  public var largestUlp: UInt64?
  /// Where the largest difference is, [row, column] in maps; empty for a scalar.
  public var place: [Int]

  /// nil for equal arrays: NaN equals NaN, and zero minus zero.
  ///
  /// - Parameters:
  ///   - first: The numbers of one file.
  ///   - second: Those of the other.
  ///   - shape: Of both arrays, the last axis fastest.
  ///   - precision: Of the stored type.
  public init?(_ first: [Double], _ second: [Double], shape: [Int], precision: Precision) {
    precondition(first.count == second.count, "arrays of equal shape are compared")
    self.precision = precision
    count = first.count
    (differing, missingOnOneSide, largest, largestMagnitude) = (0, 0, 0, 0)
    largestUlp = precision == .integer ? nil : 0
    var index = 0
    for (position, (a, b)) in zip(first, second).enumerated() {
      for value in [a, b] where value.isFinite {
        largestMagnitude = max(largestMagnitude, abs(value))
      }
      if a == b || (a.isNaN && b.isNaN) { continue }
      differing += 1
      if a.isNaN || b.isNaN {
        missingOnOneSide += 1
        continue
      }
      let distance = abs(a - b)
      if distance > largest { (largest, index) = (distance, position) }
      if let ulp = largestUlp { largestUlp = max(ulp, Self.steps(a, b, precision)) }
    }
    if differing == 0 { return nil }
    place = []
    for length in shape.reversed() {
      place.insert(index % max(1, length), at: 0)
      index /= max(1, length)
    }
  }

  /// How far rounding is taken to reach, in steps of the stored type: two results that were formed in another order
  /// of sums, rounded once each.
  private static let roundingSteps: UInt64 = 4

  /// Whether every element differs by no more than rounding leaves in its last digit; false for integers.
  public var isRounding: Bool {
    missingOnOneSide == 0 && largestUlp.map { $0 <= Self.roundingSteps } ?? false
  }

  /// Representable numbers passed on the way from a to b; both zeros are one.
  static func steps(_ a: Double, _ b: Double, _ precision: Precision) -> UInt64 {
    func ordered(_ value: Double) -> Int64 {
      if precision == .float32 {
        let bits = Int64(Float(abs(value)).bitPattern)
        return value < 0 ? -bits : bits
      }
      let bits = Int64(bitPattern: abs(value).bitPattern)
      return value < 0 ? -bits : bits
    }
    let (one, other) = (ordered(a), ordered(b))
    // Both lie within ±2^63 of zero with room for the sign: the wrapped difference is the distance.
    return UInt64(bitPattern: one > other ? one &- other : other &- one)
  }
}
