// Who may import whom: every import line is held against the dependencies that Package.swift declares.
import Foundation
import Testing

struct ImportTests {
  /// The kernels, and the values that they take and give.
  private static let kernels: Set<String> = [
    "WorkSharing", "FFTW", "STEMCore", "DPCReconstruction", "DPCSimulation",
  ]
  private static let withSources = PackageTarget.all.filter { $0.kind != .systemLibrary }

  private static func target(_ name: String) throws -> PackageTarget {
    try #require(PackageTarget.all.first { $0.name == name }, "\(name) is a target")
  }

  /// Modules of the system.
  private static func system(_ target: PackageTarget) -> Set<String> {
    let kernel: Set = ["Glibc", "Dispatch", "Synchronization"]
    if kernels.contains(target.name) { return kernel }
    let plain = kernel.union(["Foundation", "FoundationEssentials"])
    return target.kind == .testTarget ? plain.union(["Testing"]) : plain
  }

  @Test(
    "Each target imports what it depends on and nothing else; kernels and values do without Foundation",
    arguments: withSources.map(\.name))
  func imports(name: String) throws {
    let target = try Self.target(name)
    let declared = Set(target.dependencies.map(PackageTarget.module))
    let permitted = declared.union(Self.system(target))
    let imports = try target.imports()
    for (path, module) in imports { #expect(permitted.contains(module), "\(path): \(module)") }
    // Programs and what is loaded into them are run, not imported.
    let run = PackageTarget.all.filter {
      $0.kind == .executableTarget || $0.folder.hasPrefix("Tests/")
    }
    let needless = declared.subtracting(imports.map(\.module)).subtracting(run.map(\.module))
    #expect(needless.isEmpty, "Package.swift: \(name) imports none of \(needless.sorted())")
  }

  @Test("The table of modules for contributors says the same, and names each")
  func table() throws {
    let text = try String(
      contentsOf: PackageTarget.root.appendingPathComponent("CONTRIBUTING.md"), encoding: .utf8)
    let rows = text.split(separator: "\n").compactMap {
      $0.wholeMatch(of: /\| (\w+) \| [^|]* \| ([\w, ]+) \|/)
    }.filter { $0.1 != "Module" }
    let modules = PackageTarget.all.filter {
      $0.folder.hasPrefix("Sources/") && $0.kind != .systemLibrary
    }
    #expect(rows.map { "Sources/\($0.1)" }.sorted() == modules.map(\.folder).sorted())
    for row in rows {
      let listed = row.2 == "nothing" ? [] : row.2.split(separator: ", ").map(String.init)
      let target = modules.first { $0.folder == "Sources/\(row.1)" }
      #expect(listed.sorted() == target?.dependencies.sorted(), "\(row.1)")
    }
  }

  @Test("Each target depends on targets that stand above it")
  func order() {
    var above: Set<String> = []
    let names = Set(PackageTarget.all.map(\.name))
    for target in PackageTarget.all {
      let below = names.intersection(target.dependencies).subtracting(above)
      #expect(below.isEmpty, "\(target.name) stands above \(below.sorted())")
      above.insert(target.name)
    }
  }

  @Test("Every folder of Sources and Tests is that of a target, and every target's folder is there")
  func everyTargetIsRead() throws {
    let folders = try ["Sources", "Tests"].flatMap { root in
      try FileManager.default.contentsOfDirectory(
        atPath: PackageTarget.root.appendingPathComponent(root).path
      ).map { "\(root)/\($0)" }
    }
    let programs = PackageTarget.all.map(\.folder).filter { $0.hasPrefix("Benchmarks/") }
    #expect(PackageTarget.all.map(\.folder).sorted() == (folders + programs).sorted())
    for target in Self.withSources where target.folder != "Sources/CKernels" {
      #expect(try !target.sources().isEmpty || target.name == "FaultInjection", "\(target.folder)")
    }
  }

  @Test("Kernels and values know of nothing but each other and C", arguments: kernels.sorted())
  func kernelsApart(name: String) throws {
    let libraries = PackageTarget.all.filter { $0.name.wholeMatch(of: /C[A-Z]\w+/) != nil }
    let others = try Self.target(name).reach.subtracting(libraries.map(\.name))
    #expect(others.isSubset(of: Self.kernels))
  }

  @Test(
    "The engine knows no microscopy, and what checks the kernels does not know them",
    arguments: [
      ("Pipeline", ["STEMCore", "STEMData", "HDF5", "FFTW"]),
      ("PipelineManifest", ["STEMCore", "STEMData", "HDF5", "FFTW"]),
      ("Provenance", ["STEMCore", "STEMData", "HDF5", "FFTW"]),
      ("DPCSimulation", ["DPCReconstruction"]), ("DPCReconstruction", ["DPCSimulation"]),
      ("dpc-validate", ["DPCReconstruction", "DPCSimulation", "DPCStages"]),
    ])
  func apart(name: String, others: [String]) throws {
    for other in others { _ = try Self.target(other) }
    #expect(try Self.target(name).reach.isDisjoint(with: others))
  }

  @Test("Kernels and values never print", arguments: kernels.sorted())
  func noPrinting(name: String) throws {
    for (path, text) in try Self.target(name).sources() {
      #expect(!text.contains("print("), "\(path)")
    }
  }

  @Test("An import is read whatever stands before it")
  func forms() {
    let text = """
      import A
      public import B
      package import C
      @testable import D
      @_exported public import E
      @_spi(Tests) @preconcurrency fileprivate import F
        internal  import struct G.Part
      #if os(Linux)
      private import H.Sub
      #endif
      import I; import J  // and why
      // import K
      /// public import L
      let important = "M"
      """
    #expect(PackageTarget.imports(in: text) == ["A", "B", "C", "D", "E", "F", "G", "H", "I", "J"])
  }
}
