// Times for provenance and for judging the age of files; none of them enters a cache key.
internal import Glibc

/// Wall-clock time, a stopwatch and random names.
enum Clock {
  /// Nanoseconds since 1970, of the clock that stamps files.
  static func now() -> Int { read(CLOCK_REALTIME) }

  /// Seconds on a clock that never jumps.
  static func stopwatch() -> Double { Double(read(CLOCK_MONOTONIC)) * 1e-9 }

  /// The time as ISO 8601 in UTC with milliseconds, such as `2025-03-01T12:00:00.000Z`.
  static func timestamp(_ nanoseconds: Int = Clock.now()) -> String {
    var seconds = time_t(nanoseconds / 1_000_000_000)
    var parts = tm()
    gmtime_r(&seconds, &parts)
    func digits(_ value: Int, _ count: Int) -> String {
      let text = String(value)
      return String(repeating: "0", count: max(0, count - text.count)) + text
    }
    let date = [
      digits(Int(parts.tm_year) + 1900, 4), digits(Int(parts.tm_mon) + 1, 2),
      digits(Int(parts.tm_mday), 2),
    ]
    let time = [Int(parts.tm_hour), Int(parts.tm_min), Int(parts.tm_sec)].map { digits($0, 2) }
    let milliseconds = digits(nanoseconds / 1_000_000 % 1000, 3)
    return date.joined(separator: "-") + "T" + time.joined(separator: ":") + ".\(milliseconds)Z"
  }

  /// The nanoseconds since 1970 of what ``timestamp(_:)`` writes; nil for any other text.
  static func nanoseconds(of text: String) -> Int? {
    let numbers = text.split { !$0.isNumber }.compactMap { Int32($0) }
    let ranges: [ClosedRange<Int32>] = [
      1970...2199, 1...12, 1...31, 0...23, 0...59, 0...59, 0...999,
    ]
    guard numbers.count == 7, zip(ranges, numbers).allSatisfy({ $0.contains($1) }) else {
      return nil
    }
    var parts = tm()
    (parts.tm_year, parts.tm_mon, parts.tm_mday) = (numbers[0] - 1900, numbers[1] - 1, numbers[2])
    (parts.tm_hour, parts.tm_min, parts.tm_sec) = (numbers[3], numbers[4], numbers[5])
    let nanoseconds = timegm(&parts) * 1_000_000_000 + Int(numbers[6]) * 1_000_000
    return timestamp(nanoseconds) == text ? nanoseconds : nil
  }

  /// Sixteen random hexadecimal digits: names runs and temporary files, decides nothing.
  static func randomName() -> String {
    let digits = String(UInt64.random(in: .min ... .max), radix: 16)
    return String(repeating: "0", count: 16 - digits.count) + digits
  }

  /// Names this start of the machine; nil where the system does not tell.
  static let boot: String? = {
    guard let bytes = try? FileSystem.readAll("/proc/sys/kernel/random/boot_id") else { return nil }
    let text = String(decoding: bytes.prefix { $0 != UInt8(ascii: "\n") }, as: UTF8.self)
    return text.isEmpty ? nil : text
  }()

  private static func read(_ clock: clockid_t) -> Int {
    var time = timespec()
    clock_gettime(clock, &time)
    return time.tv_sec * 1_000_000_000 + time.tv_nsec
  }
}
