// Every command that the documentation shows is run, in the order of its document.
import Foundation
import Testing

struct DocumentationTests {
  private static let repository = URL(fileURLWithPath: #filePath)
    .deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent()

  /// README, CONTRIBUTING and the articles of all modules.
  private static let documents: [String] = {
    let names =
      FileManager.default.enumerator(atPath: repository.path + "/Sources")?
      .compactMap { $0 as? String } ?? []
    let articles = names.filter { $0.contains(".docc/") && $0.hasSuffix(".md") }
    return ["README.md", "CONTRIBUTING.md"] + articles.sorted().map { "Sources/" + $0 }
  }()

  /// The lines of fenced `sh` blocks that begin with `dpc` or `make`, continued lines joined.
  private static func commands(in document: String) throws -> [String] {
    let text = try String(
      contentsOf: repository.appendingPathComponent(document), encoding: .utf8)
    var isShell = false
    var found: [String] = []
    let joined = text.replacingOccurrences(of: "\\\n", with: " ")
    for line in joined.split(separator: "\n", omittingEmptySubsequences: false) {
      if line.hasPrefix("```") {
        isShell = line == "```sh"
      } else if isShell, line.hasPrefix("dpc ") || line.hasPrefix("make ") {
        found.append(String(line))
      }
    }
    return found
  }

  /// A folder in which `ExampleData` and `Pipelines` stand as in the repository, and no result does.
  private static func makeWorkFolder() throws -> URL {
    let folder = FileManager.default.temporaryDirectory.appendingPathComponent(
      "dpc-documents-\(UUID().uuidString)")
    try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
    for name in ["ExampleData", "Pipelines"] {
      try FileManager.default.createSymbolicLink(
        at: folder.appendingPathComponent(name),
        withDestinationURL: repository.appendingPathComponent(name))
    }
    return folder
  }

  /// The folder of the built programs: that of the test bundle.
  private static let products: String = {
    let tests = (try? FileManager.default.destinationOfSymbolicLink(atPath: "/proc/self/exe")) ?? ""
    let candidates = [tests, CommandLine.arguments[0]].map {
      ($0 as NSString).deletingLastPathComponent
    }
    return candidates.first { FileManager.default.isExecutableFile(atPath: $0 + "/dpc") } ?? "."
  }()

  /// Exit status and everything that a shell line printed; the cache lies in the folder too.
  private static func run(_ line: String, in folder: URL) throws -> (status: Int32, text: String) {
    let process = Process()
    process.executableURL = URL(fileURLWithPath: "/bin/sh")
    process.arguments = ["-c", line]
    process.currentDirectoryURL = folder
    var environment = ProcessInfo.processInfo.environment
    environment["PATH"] = products + ":" + (environment["PATH"] ?? "/usr/bin:/bin")
    environment["XDG_CACHE_HOME"] = folder.path + "/cache"
    process.environment = environment
    let pipe = Pipe()
    process.standardOutput = pipe
    process.standardError = pipe
    process.standardInput = FileHandle.nullDevice
    try process.run()
    let output = pipe.fileHandleForReading.readDataToEndOfFile()
    process.waitUntilExit()
    return (process.terminationStatus, String(decoding: output, as: UTF8.self))
  }

  @Test("Every command that a document shows does what it is shown for", arguments: documents)
  func commands(document: String) throws {
    let commands = try Self.commands(in: document)
    let folder = try Self.makeWorkFolder()
    // What cannot be removed is left to the system.
    defer { try? FileManager.default.removeItem(at: folder) }
    for command in commands {
      if command.hasPrefix("make ") {
        // What make would do is enough: its targets are run elsewhere.
        let (status, text) = try Self.run(
          "make --dry-run \(command.dropFirst(5))", in: Self.repository)
        #expect(status == 0, "\(document): \(command)\n\(text)")
      } else {
        let (status, text) = try Self.run(command, in: folder)
        // A reader's own scan is not there: the line is understood, and the file refused.
        let expected: Int32 = command.contains("scan.h5") ? 4 : 0
        #expect(status == expected, "\(document): \(command)\n\(text)")
      }
    }
  }

  @Test("The documents that lead a new user show commands")
  func documentsShowCommands() throws {
    #expect(try Self.commands(in: "README.md").count > 5)
    #expect(try Self.commands(in: "CONTRIBUTING.md") == ["make test", "make check"])
  }
}
