// Some damaged files crash the C library itself. Then the process ends, but with a line and an exit code.
internal import Glibc

/// Ends the process in an orderly way when the C library crashes on a file.
///
/// libhdf5 1.10 follows some corrupted addresses blindly. Nothing can be rescued after that, but nothing
/// needs to be: whatever is published was written whole before. Crashes outside of the library's calls
/// keep their usual course, those of other threads meanwhile too.
public enum HDF5CrashNotice {
  /// Room for a path in the notice, bytes; longer ones are cut.
  private static let capacity = 4096

  // SAFETY: written only under the library's lock, by the thread that is about to enter it; read by the
  // signal handler on that same thread while it is inside.
  nonisolated(unsafe) private static let path = UnsafeMutablePointer<CChar>.allocate(
    capacity: capacity)
  /// The thread that is inside, zero for none. Other threads may read it: it is not theirs, whichever value they see.
  nonisolated(unsafe) private static let inside = UnsafeMutablePointer<pthread_t>.allocate(
    capacity: 1)
  nonisolated(unsafe) private static let exitCode = UnsafeMutablePointer<Int32>.allocate(
    capacity: 1)

  /// From now on a crash inside the library prints one line to standard error and exits with this code.
  public static func install(exitCode: Int32) {
    path.initialize(repeating: 0, count: capacity)
    inside.initialize(to: 0)
    self.exitCode.initialize(to: exitCode)
    isInstalled.pointee = true
    // SIGABRT: the system's memory functions find out that the library wrote where it must not.
    for number in [SIGSEGV, SIGBUS, SIGFPE, SIGABRT] {
      var action = sigaction()
      action.__sigaction_handler.sa_handler = { HDF5CrashNotice.handle($0) }
      action.sa_flags = Int32(bitPattern: UInt32(SA_RESETHAND))
      sigaction(number, &action, nil)
    }
  }

  // SAFETY: set once, before any file is opened.
  nonisolated(unsafe) private static let isInstalled: UnsafeMutablePointer<Bool> = {
    let flag = UnsafeMutablePointer<Bool>.allocate(capacity: 1)
    flag.initialize(to: false)
    return flag
  }()

  /// Called under the library's lock, right before it is entered.
  static func enter(_ file: String) {
    if !isInstalled.pointee { return }
    file.withCString { _ = strncpy(path, $0, capacity - 1) }
    inside.pointee = pthread_self()
  }

  /// Called under the library's lock, right after it was left.
  static func leave() {
    if isInstalled.pointee { inside.pointee = 0 }
  }

  /// Uses nothing but what a signal handler may: write, _exit, raise and the thread's own number.
  private static func handle(_ number: Int32) {
    if inside.pointee != pthread_self() {
      // Not the library's: the default action, which SA_RESETHAND has put back, takes its course.
      raise(number)
      return
    }
    put("error: ")
    put(UnsafePointer(path), strlen(path))
    put(": the file is damaged: the HDF5 library crashed on it\n")
    _exit(exitCode.pointee)
  }

  private static func put(_ text: StaticString) {
    text.withUTF8Buffer { _ = write(STDERR_FILENO, $0.baseAddress, $0.count) }
  }

  private static func put(_ bytes: UnsafePointer<CChar>, _ count: Int) {
    _ = write(STDERR_FILENO, bytes, count)
  }
}
