// Why a file is refused as an acquisition, or could not be written.
internal import HDF5
internal import ShownText

/// A refused file or a failed write: what, where, why and what to do about it.
public struct AcquisitionError: Error, Sendable {
  /// What kind of failure it is, for callers that act on it.
  public enum Kind: Sendable, Equatable {
    /// There is no such file.
    case cannotOpen
    /// The machine cannot open or read it, whatever it holds: no permission, too many open files, a failing disk.
    case machine
    /// Not HDF5, broken, of an unknown version or still being written.
    case damaged
    /// HDF5, but laid out as something else.
    case notAnAcquisition
    /// Something without which nothing can be reconstructed is not there.
    case missing
    /// Rank, shape or number of segments do not fit each other.
    case wrongShape
    /// A unit is unknown, missing or of another quantity.
    case wrongUnit
    /// A number that no microscope has.
    case implausible
    /// A word that is not one of those allowed.
    case unknownWord
    /// The segments do not make a detector.
    case badGeometry
    /// Stored in a way that is not read: element type, filter, external storage.
    case unsupported
    /// The system refused to write, or the device is full.
    case cannotWrite
  }

  public var kind: Kind
  public var file: String
  /// Path of the dataset or group in the file.
  public var object: String?
  /// What is wrong.
  public var reason: String
  /// What would make it right.
  public var remedy: String?
  /// The HDF5 library's own account, innermost first; empty where the library did not fail.
  public var stack: [String]
  /// What else is wrong with the file.
  public var others: [AcquisitionError] = []
  /// What the file leaves out and may leave out, and what that blocks.
  public var notStated: [MissingItem] = []

  public init(
    kind: Kind, file: String, object: String? = nil, reason: String, remedy: String? = nil,
    stack: [String] = []
  ) {
    self.kind = kind
    self.file = file
    self.object = object
    self.reason = reason
    self.remedy = remedy
    self.stack = stack
  }
}

extension AcquisitionError: CustomStringConvertible {
  /// One line: file, dataset, what is wrong; what to do.
  public var description: String {
    let place = object.map { "\(file): \($0)" } ?? file
    return "\(place): \(reason)" + (remedy.map { "; \($0)" } ?? "")
  }
}

extension AcquisitionError {
  /// A failure of the file itself.
  init(_ error: HDF5Error) {
    let kind: Kind =
      switch error.kind {
      case .noSuchFile, .notAFile: .cannotOpen
      case .noPermission, .machine: .machine
      case .notHDF5, .damaged, .openForWriting, .newerFormat, .implausibleSize, .library: .damaged
      case .noSuchObject: .missing
      case .leavesFile, .missingFilter, .mismatch: .unsupported
      case .diskFull: .cannotWrite
      }
    self.init(
      kind: kind, file: error.file, object: error.object,
      reason: Shown.clipped("cannot \(error.operation): \(error.reason)", to: 1000),
      remedy: error.remedy ?? (error.kind == .damaged ? Self.afterDamage : nil), stack: error.stack)
  }

  /// A copy that broke off and a writer that died leave the same traces.
  private static let afterDamage =
    "copy the file again from where it was recorded; if it is like this there, its writer died or is"
    + " still at work: wait for it, or record again"

  /// A failure while writing: the machine's, not the input's.
  init(writing error: HDF5Error) {
    self.init(error)
    kind = .cannotWrite
  }
}

/// Runs calls of the HDF5 module, whose failures become failures of the acquisition.
func reading<Result: ~Copyable>(
  _ body: () throws(HDF5Error) -> Result
) throws(AcquisitionError) -> Result {
  do { return try body() } catch { throw AcquisitionError(error) }
}
