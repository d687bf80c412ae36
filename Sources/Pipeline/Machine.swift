// What machine this is; told in logs, part of no key.
internal import Glibc

/// The machine that the process runs on.
enum Machine {
  /// As the network knows it; empty where the system does not tell.
  static let hostName: String = withUnsafeTemporaryAllocation(of: CChar.self, capacity: 256) {
    guard let base = $0.baseAddress, gethostname(base, $0.count - 1) == 0 else { return "" }
    $0[$0.count - 1] = 0
    return String(cString: base)
  }

  /// How many processors it has, at least 1.
  static let processorCount = max(1, Int(sysconf(Int32(_SC_NPROCESSORS_ONLN))))
}
