// How the samples of a profile scatter beside what their errors say, and what correlated pixels do to these errors.
public import STEMCore

extension LineProfile {
  /// As many samples scatter by less than this part of their errors with a chance below 1e-9: their third
  /// differences have some 28 degrees of freedom, and χ² < 2.5 of them.
  private static let smallestRatio = 0.3
  private static let fewestSamples = 64

  /// The scatter of the samples over their errors: the root of the reduced χ² of third differences, which see noise
  /// (Σ of squared coefficients 20) and little of a smooth profile. 1 for independent samples with their errors.
  ///
  /// nil without errors, and with fewer than four samples.
  public var scatterRatio: Double? {
    guard let errors = error, value.count >= 4 else { return nil }
    var sum = 0.0
    for index in 0..<(value.count - 3) {
      let difference: Double =
        value[index + 3] - value[index] - 3 * (value[index + 2] - value[index + 1])
      sum += difference * difference / (20 * errors[index] * errors[index])
    }
    return (sum / Double(value.count - 3)).squareRoot()
  }

  /// ``scatterRatio`` where it is far too small to be that of the noise that the errors state: there is no noise in the
  /// data, or the errors are those of fewer electrons. nil where it may be noise, or samples are too few to tell.
  public var implausibleScatter: Double? {
    guard value.count >= Self.fewestSamples, let ratio = scatterRatio else { return nil }
    return ratio < Self.smallestRatio ? ratio : nil
  }

  /// Enlarges the errors for pixels whose noise goes together along the wall: a sample is then a mean of fewer
  /// independent ones, of one at least.
  ///
  /// - Parameter length: Pixels along the wall that go together; none do where it is 1 or less.
  public mutating func shareErrors(along length: Double) {
    guard let errors = error, length > 1 else { return }
    error = zip(errors, sampleCount).map { error, count in
      error * min(length, Double(count)).squareRoot()
    }
  }
}
