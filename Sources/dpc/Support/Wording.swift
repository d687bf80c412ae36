// Words for numbers, JSON for programs, and failures of the engine as failures of the command.
import Foundation
import Pipeline

/// Prints a value as JSON, keys sorted.
func printJSON(_ value: some Encodable) throws {
  // Whoever reads it gets every character; those that steer a terminal are escaped.
  Swift.print(String(decoding: try RecordJSON.bytes(of: value), as: UTF8.self))
}

/// Runs what fails as a stage does and fails as a command does.
func commandFailure<Value>(
  _ body: () throws(StageFailure) -> Value
) throws(CommandFailure) -> Value {
  do { return try body() } catch { throw CommandFailure(error) }
}

/// "12 kB", "3.4 GB".
func bytes(_ count: Int) -> String {
  var value = Double(count)
  for unit in ["B", "kB", "MB", "GB", "TB"] {
    if value < 1000 || unit == "TB" {
      let tenths = Int((value * 10).rounded())
      let text = unit == "B" || tenths >= 100 ? "\(tenths / 10)" : "\(tenths / 10).\(tenths % 10)"
      return "\(text) \(unit)"
    }
    value /= 1000
  }
  return "\(count) B"
}

/// "0.12 s", "3 min 20 s".
func seconds(_ duration: Double) -> String {
  if duration >= 60 {
    return "\(Int(duration) / 60) min \(Int(duration) % 60) s"
  }
  let hundredths = Int((duration * 100).rounded())
  return "\(hundredths / 100).\(hundredths % 100 < 10 ? "0" : "")\(hundredths % 100) s"
}
