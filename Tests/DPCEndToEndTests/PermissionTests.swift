// Folders that permissions close: refused by name before any work, and left alone where there is none to do.
import Foundation
import Testing

@Suite(.enabled(if: Permissions.canBind, "permissions do not bind this user"))
struct PermissionTests {
  @Test("Without permission to write, a run ends with 5 and names the folder")
  func readOnly() async throws {
    let workspace = try Workspace()
    try workspace.write(Sample(rows: 6, columns: 9))
    try workspace.makeFolder("locked")
    let finished = try await Permissions.without(["locked"], in: workspace) {
      try await workspace.bound(workspace.runArguments(output: "locked/out"))
    }
    #expect(finished.status == 5)
    #expect(finished.complaints.first?.contains("locked/out") == true, "\(finished.errors)")
    #expect(!workspace.exists("cache"))
  }

  @Test("A run that cannot begin takes away what it made, and no folder that was there before it")
  func emptyFolder() async throws {
    let workspace = try Workspace()
    try workspace.write(Sample(rows: 6, columns: 9))
    try workspace.makeFolder("mine")
    let finished = try await Permissions.without(["mine"], in: workspace) {
      try await workspace.bound(workspace.runArguments(output: "mine"))
    }
    #expect(finished.status == 5)
    #expect(workspace.exists("mine"))

    // The first folder can be made, and none in it.
    let made = try await workspace.bound(
      workspace.runArguments(output: "made/out"), maskingModes: "0777")
    #expect(made.status == 5)
    #expect(made.complaints.first?.contains("made/out") == true, "\(made.errors)")
    #expect(!workspace.exists("made"))
  }

  @Test("A complete result that may not be written to does for a run that would change nothing")
  func complete() async throws {
    let workspace = try Workspace()
    try workspace.write(Sample(rows: 6, columns: 9))
    #expect(try await workspace.run().status == 0)
    let result = try workspace.bytes("out/result.h5")
    let folders = ["out", "out/figures", "out/provenance"]
    try await Permissions.without(folders, in: workspace) {
      let again = try await workspace.bound(workspace.runArguments())
      #expect(again.status == 0, "\(again.errors)")
      #expect(again.output.contains("everything from the cache"), "\(again.output)")
      #expect(again.complaints.isEmpty, "\(again.errors)")

      let other = try await workspace.bound(
        workspace.runArguments() + ["--set", "field.thickness_nm=40", "--progress", "json"])
      #expect(other.status == 5)
      #expect(other.complaints.first?.contains("out/provenance") == true, "\(other.errors)")
      #expect(!other.output.contains("stage-started"), "before any work: \(other.output)")

      // All is there but one file: it is to be made, and cannot be.
      #expect(chmod(workspace["out/figures"], 0o700) == 0)
      try FileManager.default.removeItem(atPath: workspace["out/figures/map.png"])
      #expect(chmod(workspace["out/figures"], 0o500) == 0)
      let incomplete = try await workspace.bound(workspace.runArguments())
      #expect(incomplete.status == 5)
      #expect(incomplete.complaints.first?.contains("out/") == true, "\(incomplete.errors)")
    }
    #expect(try workspace.bytes("out/result.h5") == result)
  }

  @Test("A result that may not be read is the machine's fault, and one that is none its own")
  func unreadableResult() async throws {
    let workspace = try Workspace()
    try workspace.write(Data("no result".utf8), to: "locked.h5")
    let commands = [
      ["diff", "locked.h5", "locked.h5"], ["methods", "locked.h5"], ["provenance", "locked.h5"],
      ["reproduce", "locked.h5"],
    ]
    for command in commands {
      let refused = try await workspace.bound(command)
      #expect(refused.status == 4, "\(command): \(refused.errors)")
    }
    #expect(chmod(workspace["locked.h5"], 0) == 0)
    for command in commands {
      let finished = try await workspace.bound(command)
      #expect(finished.status == 5, "\(command): \(finished.errors)")
      #expect(finished.complaints.first?.contains("locked.h5") == true, "\(finished.errors)")
      #expect(finished.errors.contains("get the permission to read it"), "\(finished.errors)")
    }
  }

  @Test("Inputs and manifests that may not be read are the machine's fault too")
  func unreadableInput() async throws {
    let workspace = try Workspace()
    try workspace.write(Sample(rows: 6, columns: 9))
    #expect(try await workspace.run().status == 0)
    for (name, command) in [
      ("scan.h5", ["reproduce", "out/result.h5", "--input", "acquisition=scan.h5"]),
      ("scan.h5", ["plan", Quick.manifest, "--input", "acquisition=scan.h5"]),
      (Quick.manifest, ["plan", Quick.manifest, "--input", "acquisition=scan.h5"]),
    ] {
      #expect(chmod(workspace[name], 0) == 0)
      let finished = try await workspace.bound(command)
      #expect(chmod(workspace[name], 0o600) == 0)
      #expect(finished.status == 5, "\(command): \(finished.errors)")
      #expect(finished.errors.contains("get the permission to read it"), "\(finished.errors)")
    }
  }

  @Test("The same for a run over many acquisitions")
  func many() async throws {
    let workspace = try Workspace()
    let words = try workspace.writeMany(["a", "b"])
    #expect(try await workspace.dpc(words).status == 0)
    let folders =
      ["out", "out/provenance"]
      + ["a", "b"].flatMap { key in
        ["", "/figures", "/provenance"].map { "out/\(key)\($0)" }
      }
    try await Permissions.without(folders, in: workspace) {
      let again = try await workspace.bound(words)
      #expect(again.status == 0, "\(again.errors)")
      #expect(again.complaints.isEmpty, "\(again.errors)")
      let other = try await workspace.bound(words + ["--set", "field.thickness_nm=40"])
      #expect(other.status == 5, "\(other.errors)")
    }
  }
}

/// Permissions of folders, for a superuser too.
private enum Permissions {
  /// Takes the superuser's leave to pass over permissions away from a program.
  static let binding = ["setpriv", "--bounding-set=-dac_override,-dac_read_search"]

  static let canBind: Bool = {
    if geteuid() != 0 { return true }
    let trial = Process()
    trial.executableURL = URL(fileURLWithPath: "/usr/bin/env")
    trial.arguments = binding + ["true"]
    do { try trial.run() } catch { return false }
    trial.waitUntilExit()
    return trial.terminationStatus == 0
  }()

  /// Closes folders to writing while `body` works.
  static func without<Result>(
    _ folders: [String], in workspace: Workspace, _ body: () async throws -> Result
  ) async throws -> Result {
    for folder in folders { #expect(chmod(workspace[folder], 0o500) == 0, "\(folder)") }
    // The workspace is to be removed.
    defer { for folder in folders { chmod(workspace[folder], 0o700) } }
    return try await body()
  }
}

extension Workspace {
  /// Runs dpc as a user whom permissions bind.
  ///
  /// - Parameter modes: What new files and folders are not to permit.
  fileprivate func bound(
    _ arguments: [String], maskingModes modes: String = "022"
  ) async throws -> Finished {
    let command = (geteuid() == 0 ? Permissions.binding : []) + [Program.dpc] + arguments
    let script = "umask \(modes); exec /usr/bin/env \"$@\""
    return try await start("/bin/sh", ["-c", script, "sh"] + command).end()
  }
}
