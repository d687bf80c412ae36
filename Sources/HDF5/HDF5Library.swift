// The one door to the C library: serialized, silent, every failure turned into an error.
internal import CHDF5
internal import Glibc

/// The library this program is linked with.
public enum HDF5Library {
  /// Its version, as "1.10.8".
  public static var version: String {
    var major: UInt32 = 0
    var minor: UInt32 = 0
    var release: UInt32 = 0
    _ = Library.locked(nil) { H5get_libversion(&major, &minor, &release) }
    return "\(major).\(minor).\(release)"
  }

  /// Does what takes many short calls, and gives no other thread a turn in between.
  ///
  /// Two threads that take turns at every call put each other to sleep and wake each other up, which takes longer
  /// than the calls.
  ///
  /// - Parameter body: Must not wait for another thread, which may want a turn.
  public static func together<Result, Failure: Error>(
    _ body: () throws(Failure) -> Result
  ) throws(Failure) -> Result {
    try Library.together(body)
  }
}

/// Where an object stands, for messages.
struct Place: Sendable {
  let file: String
  let object: String?

  func error(_ kind: HDF5Error.Kind, _ operation: String, _ reason: String) -> HDF5Error {
    HDF5Error(kind: kind, operation: operation, file: file, object: object, reason: reason)
  }

  /// The place of `path` seen from this one.
  func appending(_ path: String) -> Place {
    if path.hasPrefix("/") { return Place(file: file, object: path) }
    guard let object, object != "/" else { return Place(file: file, object: "/" + path) }
    return Place(file: file, object: object + "/" + path)
  }

  func attribute(_ name: String) -> Place {
    Place(file: file, object: "\(object ?? "/")@\(name)")
  }
}

enum Library {
  private static let mutex = CallMutex()

  /// Opened once, without the exit handler: handles may still live when the process ends.
  private static let isOpen: Bool = H5dont_atexit() >= 0 && H5open() >= 0 && LZF.register()

  /// Runs calls in one turn; those within may enter again.
  static func together<Result: ~Copyable, Failure: Error>(
    _ body: () throws(Failure) -> Result
  ) throws(Failure) -> Result {
    mutex.lock()
    defer { mutex.unlock() }
    return try body()
  }

  /// Runs one C call alone: not every build of the library may be entered by two threads.
  ///
  /// - Parameter file: On which the library may crash; nil for a call that looks at none.
  static func locked<Result>(_ file: String?, _ body: () -> Result) -> Result {
    mutex.lock()
    defer { mutex.unlock() }
    _ = isOpen
    CHDF5_be_silent()
    guard let file else { return body() }
    HDF5CrashNotice.enter(file)
    defer { HDF5CrashNotice.leave() }
    return body()
  }

  /// Runs one C call; a negative result is thrown with the library's stack.
  @discardableResult
  static func checked<Result: SignedInteger>(
    _ operation: String, _ place: Place, _ body: () -> Result
  ) throws(HDF5Error) -> Result {
    var stack: [String] = []
    let result = locked(place.file) {
      let result = body()
      if result < 0 { stack = takeStack() }
      return result
    }
    if result < 0 { throw error(operation, place, stack) }
    return result
  }

  private static func error(_ operation: String, _ place: Place, _ stack: [String]) -> HDF5Error {
    let text = stack.joined(separator: "\n")
    // A function's name holds no colon: what follows the first one is the message.
    let reason = stack.first.flatMap { $0.split(separator: ":", maxSplits: 1).last }
    var error = place.error(
      .library, operation,
      reason.map { String($0.drop { $0 == " " }) } ?? "the library does not say why")
    error.stack = stack
    if text.contains("No space left on device") {
      error.kind = .diskFull
      error.reason = "no space left on the device"
    } else if let trouble = MachineTrouble.quoted(in: text) {
      error.kind = trouble.kind
      error.reason = trouble.reason
      error.remedy = trouble.remedy
    } else if text.contains("No such file or directory") {
      error.kind = .noSuchFile
      error.reason = "no such file or folder"
    } else if text.contains("Permission denied") || text.contains("Read-only file system") {
      error.kind = .noPermission
      error.reason = "permission denied"
    } else if text.contains("unable to lock file") {
      error.kind = .openForWriting
      error.reason = "another program has it open for writing"
    } else if text.contains("truncated file") || operation != "write" && operation != "create" {
      // What is asked for has been checked before: a failure now is the file's.
      error.kind = .damaged
      error.reason = "the file is damaged or was never finished (HDF5: \(error.reason))"
    }
    return error
  }

  /// Collects the names that an iteration of the library visits.
  static func names(
    _ operation: String, _ place: Place,
    _ iterate: (CHDF5_name_visitor, UnsafeMutableRawPointer) -> herr_t
  ) throws(HDF5Error) -> [String] {
    let list = NameList()
    try checked(operation, place) {
      iterate(
        { name, context in
          guard let name, let context else { return }
          // SAFETY: the context is the list above, which outlives this synchronous iteration.
          Unmanaged<NameList>.fromOpaque(context).takeUnretainedValue().names.append(
            String(cString: name))
        }, Unmanaged.passUnretained(list).toOpaque())
    }
    return list.names
  }

  /// The stack of this thread's last failure, innermost first, and forgets it.
  private static func takeStack() -> [String] {
    var frames: [String] = []
    withUnsafeMutablePointer(to: &frames) { pointer in
      _ = H5Ewalk2(
        CHDF5_default_errors(), H5E_WALK_UPWARD,
        { _, entry, context in
          guard let entry, let context else { return 0 }
          let function = entry.pointee.func_name.map { String(cString: $0) } ?? "?"
          let text = entry.pointee.desc.map { String(cString: $0) } ?? "?"
          // SAFETY: the context is the array above, which outlives this synchronous walk.
          context.assumingMemoryBound(to: [String].self).pointee.append(
            "\(function): \(Library.oneLine(text))")
          return 0
        }, UnsafeMutableRawPointer(pointer))
    }
    H5Eclear2(CHDF5_default_errors())
    return frames
  }

  fileprivate static func oneLine(_ text: String) -> String {
    text.split { $0.isNewline }.joined(separator: " ")
  }
}

/// A mutex that its holder may lock again. Its scope hands no value over, so the guarded call may use local
/// pointers.
private final class CallMutex: @unchecked Sendable {
  // Not a race: only ever passed to the pthread functions, which synchronize.
  private let mutex: UnsafeMutablePointer<pthread_mutex_t>

  init() {
    mutex = .allocate(capacity: 1)
    var attributes = pthread_mutexattr_t()
    pthread_mutexattr_init(&attributes)
    pthread_mutexattr_settype(&attributes, Int32(PTHREAD_MUTEX_RECURSIVE))
    pthread_mutex_init(mutex, &attributes)
    pthread_mutexattr_destroy(&attributes)
  }

  deinit {
    pthread_mutex_destroy(mutex)
    mutex.deallocate()
  }

  func lock() { pthread_mutex_lock(mutex) }
  func unlock() { pthread_mutex_unlock(mutex) }
}

/// What an iteration collects.
private final class NameList {
  var names: [String] = []
}
