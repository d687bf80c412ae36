// On what the times were taken: processor, system, versions, commit.
internal import FFTW
internal import Foundation

struct Machine {
  let cores = ProcessInfo.processInfo.activeProcessorCount
  /// Today, as 2026-11-23.
  let date = String(Date().ISO8601Format().prefix(10))

  var markdown: String {
    """
    # \(date), \(cores) cores

    - processor: \(processor)
    - system: \(ProcessInfo.processInfo.operatingSystemVersionString)
    - load before the start: \(Self.contents(of: "/proc/loadavg").split(separator: " ").first ?? "")
    - libraries: \(fftwVersion())
    - commit: \(Self.output(of: ["git", "rev-parse", "--short", "HEAD"]))

    """
  }

  private var processor: String {
    let line = Self.contents(of: "/proc/cpuinfo").split(separator: "\n")
      .first { $0.hasPrefix("model name") }
    return line?.split(separator: ":").last?.trimmingCharacters(in: .whitespaces) ?? "unknown"
  }

  private static func contents(of path: String) -> String {
    FileManager.default.contents(atPath: path).map { String(decoding: $0, as: UTF8.self) } ?? ""
  }

  private static func output(of command: [String]) -> String {
    let process = Process()
    let pipe = Pipe()
    process.executableURL = URL(fileURLWithPath: "/usr/bin/env")
    process.arguments = command
    process.standardOutput = pipe
    process.standardError = FileHandle.nullDevice
    // Without git the tables have no commit, and are as good otherwise.
    guard (try? process.run()) != nil else { return "unknown" }
    let text = String(decoding: pipe.fileHandleForReading.readDataToEndOfFile(), as: UTF8.self)
    process.waitUntilExit()
    return text.trimmingCharacters(in: .whitespacesAndNewlines)
  }
}
