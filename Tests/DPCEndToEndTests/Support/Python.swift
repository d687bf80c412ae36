// The Python readers that result.h5 is held against.
import Foundation
import Testing

extension Workspace {
  /// Runs one of this target's scripts.
  func python(_ script: String, _ arguments: [String]) async throws -> Finished {
    try #require(
      FileManager.default.isExecutableFile(atPath: Program.python),
      "run Scripts/prepare-python.sh (make test does)")
    let path = "\(Program.repository)/Tests/DPCEndToEndTests/Python/\(script)"
    return try await start(Program.python, [path] + arguments).end()
  }
}
