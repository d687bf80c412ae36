// Troubles of the machine for which no file is to blame.
internal import Glibc

/// An error of the system that says nothing of a file's content.
struct MachineTrouble {
  let code: Int32
  let kind: HDF5Error.Kind
  let remedy: String

  private static let all = [
    MachineTrouble(
      code: EACCES, kind: .noPermission,
      remedy: "get the permission to read it (ls -l tells who has it)"),
    MachineTrouble(
      code: EMFILE, kind: .machine, remedy: "allow more open files (ulimit -n) and run again"),
    MachineTrouble(
      code: ENFILE, kind: .machine,
      remedy: "the machine has too many files open: end other programs and run again"),
    MachineTrouble(code: ENOMEM, kind: .machine, remedy: "free some memory and run again"),
    failingDisk(EIO),
  ]

  private static func failingDisk(_ code: Int32) -> MachineTrouble {
    MachineTrouble(
      code: code, kind: .machine,
      remedy: "the disk or its connection fails: see to it, or copy the file elsewhere")
  }

  static func of(_ code: Int32) -> MachineTrouble? { all.first { $0.code == code } }

  /// The trouble with a file that was opened and then cannot be read: whatever the code, its content is not to blame.
  static func ofReading(_ code: Int32) -> MachineTrouble { of(code) ?? failingDisk(code) }

  /// The trouble that the library quotes among its own words.
  static func quoted(in stack: String) -> MachineTrouble? {
    all.first { stack.contains("error message = '\($0.words)'") }
  }

  /// The system's own, in the middle of a sentence.
  var reason: String { words.prefix(1).lowercased() + words.dropFirst() }

  private var words: String { String(cString: strerror(code)) }

  func error(_ operation: String, _ place: Place) -> HDF5Error {
    var error = place.error(kind, operation, reason)
    error.remedy = remedy
    return error
  }
}
