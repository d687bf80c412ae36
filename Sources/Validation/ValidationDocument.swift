// Where the report goes: into an article of the documentation, and as figures of the residuals.
internal import Foundation

/// An article with a place for the tables, between two lines `<!-- table -->`.
struct ValidationDocument {
  let path: String

  private static let mark = "<!-- table -->"

  func write(_ report: ValidationReport) throws {
    guard let text = try? String(contentsOfFile: path, encoding: .utf8) else {
      throw ValidationError("\(path): cannot be read")
    }
    let parts = text.components(separatedBy: Self.mark)
    guard parts.count == 3 else {
      throw ValidationError(
        "\(path): two lines \(Self.mark) are wanted, for the tables between them")
    }
    let new = [parts[0], "\n\n" + report.tables + "\n\n", parts[2]].joined(separator: Self.mark)
    try Data(new.utf8).write(to: URL(fileURLWithPath: path), options: .atomic)
  }
}

extension ValidationReport {
  /// One picture for each case and method: `residual-CASE-METHOD.png`.
  func drawResiduals(in folder: String) throws {
    try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
    for item in judgments {
      guard let png = try item.residual?.png(name: item.name, method: item.method) else { continue }
      let file = "\(folder)/residual-\(item.name)-\(item.method.rawValue).png"
      try Data(png).write(to: URL(fileURLWithPath: file), options: .atomic)
    }
  }
}
