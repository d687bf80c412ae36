// Names of files that are being written: they tell whose they are, so that the dead are swept up after.
internal import Digest
internal import Glibc

/// Names of temporary files: `PLACE-PROCESS-RANDOM`, hexadecimal, of 8, 1 to 8 and 16 digits.
///
/// PLACE stands for the machine and its table of processes. A file is left over when it was made at
/// this place by a process that is gone, or anywhere more than a day ago.
enum TemporaryName {
  /// Nanoseconds after which a file is left over, whoever made it.
  private static let day = 86_400 * 1_000_000_000

  /// The machine's name and the table of processes that numbers mean something in; containers of one
  /// name have each their own.
  private static let place: String = {
    var name = CanonicalEncoder()
    name.text(Machine.hostName)
    withUnsafeTemporaryAllocation(of: UInt8.self, capacity: 256) { buffer in
      let count = buffer.withMemoryRebound(to: CChar.self) {
        $0.baseAddress.map { readlink("/proc/self/ns/pid", $0, 256) } ?? -1
      }
      if count > 0 { name.text(String(decoding: buffer[..<count], as: UTF8.self)) }
    }
    return String(SHA256Digest(of: name.bytes).hex.prefix(8))
  }()

  static func make() -> String {
    "\(place)-\(String(getpid(), radix: 16))-\(Clock.randomName())"
  }

  /// Whether the name is one that ``make()`` gave, here or elsewhere.
  static func isTemporary(_ name: some StringProtocol) -> Bool { parts(of: name) != nil }

  /// Whether nobody is writing the file any more.
  static func isLeftOver(_ name: some StringProtocol, _ stamp: FileStamp) -> Bool {
    // An object gets its old time before it is moved to its place: what tells its age is when it got that.
    let touched = stamp.modified == ObjectStore.modified ? stamp.changed : stamp.modified
    return Clock.now() - touched > day || isOfDeadProcess(name)
  }

  /// Whether it was made on this machine, where the same numbers mean the same processes.
  static func isOfThisPlace(_ name: some StringProtocol) -> Bool {
    parts(of: name)?.place == place
  }

  /// Whether it was made at this place by a process that is gone.
  static func isOfDeadProcess(_ name: some StringProtocol) -> Bool {
    guard let (place, process) = parts(of: name), place == Self.place else { return false }
    return kill(process, 0) != 0 && errno == ESRCH
  }

  private static func parts(of name: some StringProtocol) -> (place: String, process: Int32)? {
    let parts = name.split(separator: "-", omittingEmptySubsequences: false)
    guard parts.count == 3, parts[0].count == 8, parts[2].count == 16,
      UInt32(parts[0], radix: 16) != nil, UInt64(parts[2], radix: 16) != nil,
      let process = Int32(parts[1], radix: 16), process > 0
    else { return nil }
    return (String(parts[0]), process)
  }
}
