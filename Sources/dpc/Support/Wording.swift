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
  for unit in ["B", "kB", "MB", "GB"] {
    let text = short(value, isWhole: unit == "B")
    // As it is shown: a thousand of a unit is one of the next.
    if text != "1000", value < 1000 { return "\(text) \(unit)" }
    value /= 1000
  }
  return "\(short(value, isWhole: false)) TB"
}

/// Without decimals from ten on, below with one.
private func short(_ value: Double, isWhole: Bool) -> String {
  let tenths = Int((value * 10).rounded())
  if isWhole || tenths >= 100 { return "\(Int(value.rounded()))" }
  return "\(tenths / 10).\(tenths % 10)"
}

/// "0.12 s", "3 min 20 s".
func seconds(_ duration: Double) -> String {
  let hundredths = Int((duration * 100).rounded())
  // As it is shown: what rounds to a minute is one.
  if hundredths >= 6000 {
    return "\(hundredths / 6000) min \(hundredths / 100 % 60) s"
  }
  return "\(hundredths / 100).\(hundredths % 100 < 10 ? "0" : "")\(hundredths % 100) s"
}
