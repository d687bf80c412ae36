// Who may import whom: every import line in Sources is held against this table.
import Foundation
import Testing

struct ImportTests {
  /// Module to all of ours that it may import; system modules are listed apart.
  private static let allowed: [String: Set<String>] = [
    "ShownText": [], "WorkSharing": [], "FFTW": ["CFFTW", "WorkSharing"], "Digest": ["CCrypto"],
    "HDF5": ["CHDF5", "CUnistd", "CZlib", "WorkSharing"], "STEMCore": [],
    "DPCReconstruction": ["CKernels", "FFTW", "STEMCore", "WorkSharing"],
    "DPCSimulation": ["FFTW", "STEMCore"],
    "STEMData": ["HDF5", "STEMCore", "ShownText"],
    "FieldRendering": ["CCairo", "CPNG", "STEMCore", "WorkSharing"],
    "Pipeline": ["CUnistd", "Digest", "WorkSharing"],
    "PipelineManifest": ["Pipeline", "ShownText", "Yams"],
    "Provenance": ["Digest", "Pipeline"],
    "DPCStages": [
      "DPCReconstruction", "DPCSimulation", "FFTW", "FieldRendering", "HDF5", "Pipeline",
      "STEMCore", "STEMData", "WorkSharing",
    ],
    "dpc": [
      "ArgumentParser", "CMalloc", "DPCSimulation", "DPCStages", "Pipeline", "PipelineManifest",
      "Provenance", "STEMCore", "STEMData", "ShownText", "WorkSharing",
    ],
    "Validation": ["ArgumentParser", "FFTW", "FieldRendering", "HDF5", "STEMCore"],
  ]

  private static let numeric: Set<String> = [
    "WorkSharing", "FFTW", "STEMCore", "DPCReconstruction", "DPCSimulation",
  ]
  private static let system: Set<String> = [
    "Foundation", "FoundationEssentials", "Glibc", "Dispatch", "Synchronization",
  ]

  private static let sources = URL(fileURLWithPath: #filePath)
    .deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent()
    .appendingPathComponent("Sources")

  /// Every import of a module: the file and the imported module.
  private static func imports(of module: String) throws -> [(file: String, module: String)] {
    let folder = sources.appendingPathComponent(module)
    let names = FileManager.default.enumerator(atPath: folder.path)?.compactMap { $0 as? String }
    var found: [(String, String)] = []
    for name in names ?? [] where name.hasSuffix(".swift") {
      let text = try String(contentsOf: folder.appendingPathComponent(name), encoding: .utf8)
      for line in text.split(separator: "\n") {
        let words = line.split(separator: " ").map(String.init)
        guard let index = words.firstIndex(of: "import"), index < 3, words.count > index + 1,
          words[..<index].allSatisfy({
            ["public", "internal", "private", "@_exported", "@preconcurrency"].contains($0)
          })
        else { continue }
        found.append(("\(module)/\(name)", words[index + 1]))
      }
    }
    return found
  }

  @Test("Each module imports only what stands left of it", arguments: allowed.keys.sorted())
  func imports(module: String) throws {
    let permitted = Self.allowed[module] ?? []
    let imports = try Self.imports(of: module)
    #expect(!imports.isEmpty || ["ShownText", "STEMCore"].contains(module))
    for (file, imported) in imports where !permitted.contains(imported) {
      #expect(Self.system.contains(imported), "\(file) imports \(imported)")
      if Self.numeric.contains(module) {
        #expect(imported != "Foundation", "\(file): kernels and values do without Foundation")
      }
    }
  }

  @Test("Every folder of Sources is in the table, those of C apart")
  func everyModuleIsListed() throws {
    let folders = try FileManager.default.contentsOfDirectory(atPath: Self.sources.path)
    let libraries = [
      "CFFTW", "CHDF5", "CCairo", "CKernels", "CPNG", "CCrypto", "CZlib", "CMalloc", "CUnistd",
    ]
    let modules = folders.filter { !libraries.contains($0) }
    #expect(modules.sorted() == Self.allowed.keys.sorted())
  }

  @Test("Kernels and values never print", arguments: numeric.sorted())
  func noPrinting(module: String) throws {
    let folder = Self.sources.appendingPathComponent(module)
    let names = FileManager.default.enumerator(atPath: folder.path)?.compactMap { $0 as? String }
    for name in names ?? [] where name.hasSuffix(".swift") {
      let text = try String(contentsOf: folder.appendingPathComponent(name), encoding: .utf8)
      #expect(!text.contains("print("), "\(module)/\(name)")
    }
  }
}
