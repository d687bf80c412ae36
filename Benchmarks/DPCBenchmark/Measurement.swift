// How a time is taken and how a table of times is written.

/// Wall-clock times, as medians of repeated runs.
enum Stopwatch {
  /// Kernels run until this long has passed, but at least three times.
  private static let patience = Duration.milliseconds(600)
  private static let fewest = 3
  private static let most = 15

  /// The median time of `body`, s; `prepare` makes its input anew each time and is not counted.
  static func median<Input: ~Copyable>(
    prepare: () throws -> Input, _ body: (inout Input) throws -> Void
  ) rethrows -> Double {
    let clock = ContinuousClock()
    let start = clock.now
    var times: [Double] = []
    while times.count < fewest || (clock.now - start < patience && times.count < most) {
      var input = try prepare()
      times.append(try seconds { try body(&input) })
    }
    times.sort()
    return times[times.count / 2]
  }

  static func median(_ body: () throws -> Void) rethrows -> Double {
    try median(prepare: {}, { _ in try body() })
  }

  static func seconds(_ body: () throws -> Void) rethrows -> Double {
    let time = try ContinuousClock().measure(body)
    return Double(time.components.seconds) + Double(time.components.attoseconds) * 1e-18
  }
}

/// One line of a table.
struct Row {
  var name: String
  /// s.
  var time: Double
  /// What has to be read and written at least; nil where the line is not about bytes.
  var bytes: Int?
  /// The fastest that the machine allows for the same, s, and what it is.
  var floor: (time: Double, name: String)?
}

/// Lines under a title, as Markdown.
struct Table {
  var title: String
  var rows: [Row] = []

  var markdown: String {
    var lines = [
      "## \(title)", "", "| what | ms | GB/s | times its floor | floor |",
      "|---|---:|---:|---:|---|",
    ]
    for row in rows {
      let rate = row.bytes.map { Self.fixed(Double($0) / row.time / 1e9, digits: 2) } ?? ""
      let ratio = row.floor.map { Self.fixed(row.time / $0.time, digits: 1) } ?? ""
      let milliseconds = Self.fixed(row.time * 1000, digits: 1)
      lines.append(
        "| \(row.name) | \(milliseconds) | \(rate) | \(ratio) | \(row.floor?.name ?? "") |")
    }
    return lines.joined(separator: "\n") + "\n"
  }

  static func fixed(_ value: Double, digits: Int) -> String {
    var scale = 1.0
    for _ in 0..<digits { scale *= 10 }
    return "\((value * scale).rounded() / scale)"
  }
}
