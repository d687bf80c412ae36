// What a map carries along: what was stated and assumed on the way to it.
internal import Foundation
internal import STEMCore

/// How far errors of neighboring pixels go together: averages of n pixels are as good as those of
/// n/length independent ones.
struct CorrelationLength: Codable, Sendable, Equatable {
  /// Pixels, at least 1.
  var x = 1.0
  var y = 1.0

  /// Pixels whose noise goes together.
  var noiseFactor: Double { x * y }

  /// Along a direction given by its azimuth, rad; between those along x and along y.
  func along(_ azimuth: Double) -> Double {
    let (c, s) = (abs(cos(azimuth)), abs(sin(azimuth)))
    return (c * x + s * y) / (c + s)
  }
}

/// What a map inherits: the acquisition's statements, and what the stages assumed.
struct MapContext: Codable, Sendable, Equatable {
  /// Without references; the pixel size and shape are those of the map.
  var metadata: AcquisitionMetadata
  /// Become attributes of the result: `method`, `gain_source`, `removed_descan`, ...
  var attributes: [String: String] = [:]
  /// Median number of electrons counted at a pixel; nil where that is unknown.
  var electronsPerPixel: Double?
  /// Over how many pixels along x and y errors go together; 1 for independent pixels.
  var correlationLength = CorrelationLength()
  /// What is uncertain about the map as a whole.
  var commonErrors = CommonErrors()
  /// How the map stood against its noise before it was smoothed; nil for maps that are not.
  var unsmoothed: UnsmoothedVerdict?

  init(metadata: AcquisitionMetadata) {
    self.metadata = metadata
    self.metadata.references = References()
  }

  func adding(_ attributes: [String: String]) -> MapContext {
    var copy = self
    copy.attributes.merge(attributes) { _, new in new }
    return copy
  }
}
