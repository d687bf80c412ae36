// What went wrong in a file, in one line, with the library's own account of it.

/// A failed operation on an HDF5 file or on an object in it.
public struct HDF5Error: Error, Sendable {
  /// What kind of failure it is, for callers that act on it.
  public enum Kind: Sendable, Equatable {
    /// No such file.
    case noSuchFile
    /// A folder, a device or a pipe where a file is wanted.
    case notAFile
    /// The system does not let this user read or write it.
    case noPermission
    /// The machine cannot open or read it, whatever it holds: too many open files, no memory, a failing disk.
    case machine
    /// The file or its folder is on a full device.
    case diskFull
    /// Not an HDF5 file: no signature, or empty.
    case notHDF5
    /// Cut short or otherwise broken.
    case damaged
    /// Still open in a writer, or left so by one that died.
    case openForWriting
    /// Of a version of the format that the library does not know.
    case newerFormat
    /// No object or attribute of that name.
    case noSuchObject
    /// Leads out of the file: external link, external storage, virtual dataset.
    case leavesFile
    /// Compressed by a filter that is not installed.
    case missingFilter
    /// Claims to be larger than the file can hold.
    case implausibleSize
    /// Another type, rank or shape than was asked for.
    case mismatch
    /// Anything else; the library's stack tells.
    case library
  }

  public var kind: Kind
  /// What was attempted, as a verb: "open", "read".
  public var operation: String
  public var file: String
  /// Path of the group, dataset or attribute inside the file.
  public var object: String?
  /// Why it failed.
  public var reason: String
  /// What to do, where the machine is at fault.
  public var remedy: String?
  /// The library's own error stack, the innermost function first; empty where it was not asked.
  public var stack: [String] = []

  public init(
    kind: Kind, operation: String, file: String, object: String?, reason: String
  ) {
    self.kind = kind
    self.operation = operation
    self.file = file
    self.object = object
    self.reason = reason
  }
}

extension HDF5Error: CustomStringConvertible {
  /// One line: file, object, what was attempted, why it failed.
  public var description: String {
    let place = object.map { "\(file): \($0)" } ?? file
    return "\(place): cannot \(operation): \(reason)"
  }
}
