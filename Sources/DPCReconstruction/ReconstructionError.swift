// What a reconstruction step cannot do with the data it was given.

/// Why a step has no result.
public enum ReconstructionError: Error, Sendable, Equatable {
  /// Every pixel of the map is masked, so nothing is left to start from.
  case noUsablePixels
}

extension ReconstructionError: CustomStringConvertible {
  public var description: String {
    switch self {
    case .noUsablePixels: "the map has not a single usable pixel"
    }
  }
}
