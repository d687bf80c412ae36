// A toy pipeline language, arithmetic on numbers: all that the engine needs to be tested.
import Foundation
import Pipeline
import Synchronization

struct Number: StageValue, Equatable {
  var value: Double
}

struct NumberCodec: ValueCodec {
  let kind: PortKind
  /// A codec that is sick for this many readings.
  var failures: Tally?

  init(_ kind: PortKind = "number", failures: Tally? = nil) {
    self.kind = kind
    self.failures = failures
  }

  func encode(_ value: any StageValue, to file: ObjectFile) throws {
    guard let number = value as? Number else { throw StageFailure(.failed, "no number") }
    try file.write(Array("\(kind) \(number.value)\n".utf8))
  }

  func decode(from path: String, files: InputFiles) throws -> any StageValue {
    if let failures, failures.take("decode") { throw StageFailure(.failed, "sick codec") }
    let text = try String(contentsOfFile: path, encoding: .utf8)
    guard let word = text.split(whereSeparator: \.isWhitespace).last, let value = Double(word)
    else { throw StageFailure(.failed, "no number in \(path)") }
    return Number(value: value)
  }
}

extension ObjectFile {
  func write(_ bytes: [UInt8]) throws { try bytes.withUnsafeBytes { try write($0) } }
}

/// Counts by name; shared between threads.
final class Tally: Sendable {
  private let counts = Mutex<[String: Int]>([:])
  func count(_ name: String) { counts.withLock { $0[name, default: 0] += 1 } }
  /// Counts down; true while there was something to take.
  func take(_ name: String) -> Bool {
    counts.withLock { counts in
      guard let left = counts[name], left > 0 else { return false }
      counts[name] = left - 1
      return true
    }
  }
  subscript(name: String) -> Int { counts.withLock { $0[name] ?? 0 } }
  var total: Int { counts.withLock { $0.values.reduce(0, +) } }
}

/// A stage type from a closure.
struct Operation: StageType {
  var name: String
  var summary = ""
  var algorithmVersion = 1
  var parameters: [ParameterSpecification] = []
  var inputs: [InputPort]
  var outputs: [OutputPort]
  var tally: Tally?
  var mayBeginEarly = false
  var work: @Sendable (StageContext) throws -> [String: Double]

  init(
    _ name: String, inputs: [String], outputs: [String] = ["value"], version: Int = 1,
    optional: Set<String> = [], tally: Tally? = nil,
    work: @escaping @Sendable (StageContext) throws -> [String: Double]
  ) {
    self.name = name
    algorithmVersion = version
    self.inputs = inputs.map {
      InputPort(
        $0, kinds: ["number"], isRequired: !optional.contains($0), summary: "a number")
    }
    self.outputs = outputs.map { OutputPort($0, kind: .fixed("number"), summary: "a number") }
    self.tally = tally
    self.work = work
  }

  func run(_ context: StageContext) throws -> StageProduct {
    tally?.count(context.stageName)
    let values = try work(context)
    return StageProduct(
      outputs: values.mapValues { Number(value: $0) },
      facts: values.sorted { $0.key < $1.key }.map { Fact($0, text: "\($0) = \($1)", value: $1) },
      notes: [Note(.information, "by \(name)")])
  }
}

extension StageContext {
  func value(_ port: String) throws -> Double { try input(port, as: Number.self).value }
}

/// The stage types of arithmetic, all counting in one tally.
struct Arithmetic: Sendable {
  let tally = Tally()
  var addVersion = 1

  var constant: Operation {
    Operation("constant", inputs: [], tally: tally) { ["value": $0.number("value") ?? 0] }
  }
  var read: Operation {
    Operation("read", inputs: [], tally: tally) { context in
      guard let file = context.file("file"),
        let text = try? String(contentsOfFile: file.path, encoding: .utf8),
        let value = Double(text.trimmingCharacters(in: .whitespacesAndNewlines))
      else { throw StageFailure(.inputRefused, "no number in the file") }
      return ["value": value]
    }
  }
  var add: Operation {
    Operation("add", inputs: ["a", "b"], version: addVersion, tally: tally) {
      ["value": try $0.value("a") + $0.value("b")]
    }
  }
  var scale: Operation {
    Operation("scale", inputs: ["a"], tally: tally) {
      ["value": try $0.value("a") * ($0.number("factor") ?? 1)]
    }
  }
  var divide: Operation {
    Operation("divide", inputs: ["a", "b"], tally: tally) { context in
      let divisor = try context.value("b")
      if divisor == 0 { throw StageFailure(.failed, "cannot divide by zero", remedy: "do not") }
      return ["value": try context.value("a") / divisor]
    }
  }
  var sign: Operation {
    Operation("sign", inputs: ["a"], tally: tally) { ["value": try $0.value("a") < 0 ? -1 : 1] }
  }
  var split: Operation {
    Operation("split", inputs: ["a"], outputs: ["whole", "rest"], tally: tally) { context in
      let value = try context.value("a")
      return ["whole": value.rounded(.down), "rest": value - value.rounded(.down)]
    }
  }
}

/// A stage of a toy pipeline; `from` is "port: stage" or "port: stage.output".
func node(
  _ name: String, _ type: any StageType, _ parameters: [String: Double] = [:],
  from: [String: String] = [:], files: [String: String] = [:]
) -> StageNode {
  StageNode(
    name: name, type: type,
    parameters: parameters.mapValues { ResolvedParameter(.number($0), origin: .manifest) },
    fileParameters: files,
    inputs: from.mapValues { source in
      let parts = source.split(separator: ".").map(String.init)
      return OutputReference(stage: parts[0], port: parts.count > 1 ? parts[1] : "value")
    })
}
