// swift-tools-version: 6.2
// The modules of dpc and who may import whom: data flows file -> STEMData -> values -> kernels -> values -> file.
import PackageDescription

/// Strict everywhere: Swift 6, explicit existentials, imports that do not leak, warnings as errors.
let strict: [SwiftSetting] = [
  .enableUpcomingFeature("ExistentialAny"),
  .enableUpcomingFeature("InternalImportsByDefault"),
  .enableUpcomingFeature("MemberImportVisibility"),
  .treatAllWarnings(as: .error),
]

/// Numeric modules are optimized in debug builds too: unoptimized Span loops are a hundred times slower.
let numeric = strict + [.unsafeFlags(["-O"], .when(configuration: .debug))]

/// What only the documentation needs (Scripts/build-docs.sh): an ordinary build fetches no plugin.
let documentation: [Package.Dependency] =
  Context.environment["DPC_DOCS"] == nil
  ? [] : [.package(url: "https://github.com/swiftlang/swift-docc-plugin", from: "1.5.0")]

let package = Package(
  name: "dpc-stem",
  products: [
    .executable(name: "dpc", targets: ["dpc"]),
    .library(name: "FaultInjection", type: .dynamic, targets: ["FaultInjection"]),
  ],
  dependencies: [
    .package(url: "https://github.com/apple/swift-argument-parser", from: "1.8.0"),
    .package(url: "https://github.com/jpsim/Yams", from: "6.0.0"),
  ] + documentation,
  targets: [
    // C libraries: a module map and the few inline shims that Swift cannot import.
    .systemLibrary(name: "CFFTW", pkgConfig: "fftw3", providers: [.apt(["libfftw3-dev"])]),
    .systemLibrary(name: "CHDF5", pkgConfig: "hdf5-serial", providers: [.apt(["libhdf5-dev"])]),
    .systemLibrary(name: "CZlib", pkgConfig: "zlib", providers: [.apt(["zlib1g-dev"])]),
    .systemLibrary(name: "CMalloc"),
    .systemLibrary(name: "CUnistd"),
    .systemLibrary(name: "CCairo", pkgConfig: "cairo", providers: [.apt(["libcairo2-dev"])]),
    .systemLibrary(name: "CPNG", pkgConfig: "libpng", providers: [.apt(["libpng-dev"])]),
    .systemLibrary(name: "CCrypto", pkgConfig: "libcrypto", providers: [.apt(["libssl-dev"])]),

    // Arithmetic that wants wider vectors than every processor has, chosen at run time.
    .target(
      name: "CKernels",
      cSettings: [
        .enableWarning("all"), .treatAllWarnings(as: .error),
        .unsafeFlags(["-O2"], .when(configuration: .debug)),
      ]),

    // Words from outside as they may be printed, and the known word that a mistyped one was meant to be.
    .target(name: "ShownText", swiftSettings: strict),
    // The one place where threads are shared out: pieces of work that the data decide.
    .target(name: "WorkSharing", swiftSettings: numeric),
    // Double-precision transforms: plans with one owner, real/complex and DCT.
    .target(name: "FFTW", dependencies: ["CFFTW", "WorkSharing"], swiftSettings: numeric),
    // SHA-256 over libcrypto.
    .target(name: "Digest", dependencies: ["CCrypto"], swiftSettings: strict),
    // HDF5 files, groups, datasets and attributes, with the library's own error stack.
    .target(
      name: "HDF5", dependencies: ["CHDF5", "CUnistd", "CZlib", "WorkSharing"],
      swiftSettings: numeric),
    // The field's values: units, grids, maps, the electron beam, the segmented detector. No I/O.
    .target(name: "STEMCore", swiftSettings: numeric),
    // The physics: pure functions from values to values, one file per step.
    .target(
      name: "DPCReconstruction", dependencies: ["CKernels", "FFTW", "STEMCore", "WorkSharing"],
      swiftSettings: numeric),
    // Readers and writers between files and STEMCore values.
    .target(
      name: "STEMData", dependencies: ["HDF5", "STEMCore", "ShownText"], swiftSettings: strict),
    // Color wheels, maps, profiles: values -> PNG, SVG, PDF.
    .target(
      name: "FieldRendering", dependencies: ["CCairo", "CPNG", "STEMCore", "WorkSharing"],
      swiftSettings: numeric),
    // The forward model: phantoms to acquisitions with truth; the independent check of the inverse.
    .target(
      name: "DPCSimulation", dependencies: ["FFTW", "STEMCore"], swiftSettings: numeric),
    // The engine: stages, graph, plan, runner, cache. Knows no microscopy.
    .target(
      name: "Pipeline", dependencies: ["CUnistd", "Digest", "ShownText", "WorkSharing"],
      swiftSettings: strict),
    // YAML to a validated graph; every mistake with line, column and caret.
    .target(
      name: "PipelineManifest", dependencies: ["Pipeline", "ShownText", "Yams"],
      swiftSettings: strict),
    // What a run did, as an archive beside the result.
    .target(name: "Provenance", dependencies: ["Digest", "Pipeline"], swiftSettings: strict),
    // The typed stages: parameters, units, kernel call, how a result is stored.
    .target(
      name: "DPCStages",
      dependencies: [
        "DPCReconstruction", "DPCSimulation", "Digest", "FFTW", "FieldRendering", "HDF5",
        "Pipeline",
        "STEMCore", "STEMData", "WorkSharing",
      ], swiftSettings: strict),
    // The command: one file per subcommand; parses, wires and prints.
    .executableTarget(
      name: "dpc",
      dependencies: [
        "CMalloc", "DPCStages", "Digest", "Pipeline", "PipelineManifest", "Provenance", "STEMData",
        "ShownText", "WorkSharing",
        .product(name: "ArgumentParser", package: "swift-argument-parser"),
      ], swiftSettings: strict),
    // Runs dpc on acquisitions whose truth is known and holds the results against it.
    .executableTarget(
      name: "dpc-validate",
      dependencies: [
        "FFTW", "FieldRendering", "HDF5", "STEMCore",
        .product(name: "ArgumentParser", package: "swift-argument-parser"),
      ], path: "Sources/Validation", swiftSettings: strict),
    // Times kernels and whole runs beside a memory copy and raw transforms of the same machine.
    .executableTarget(
      name: "dpc-bench",
      dependencies: [
        "CMalloc", "DPCReconstruction", "DPCSimulation", "Digest", "FFTW", "HDF5", "STEMCore",
        "STEMData", "WorkSharing",
        .product(name: "ArgumentParser", package: "swift-argument-parser"),
      ], path: "Benchmarks/DPCBenchmark", swiftSettings: strict),

    // Preloaded before dpc: kills it at a chosen system call, or refuses that call.
    .target(name: "FaultInjection", path: "Tests/FaultInjection"),
    // Changes to manifests and other texts of tests, refused where there is nothing to change.
    .target(name: "TestText", path: "Tests/TestText", swiftSettings: strict),

    .testTarget(name: "FFTWTests", dependencies: ["FFTW"], swiftSettings: strict),
    .testTarget(name: "DigestTests", dependencies: ["Digest"], swiftSettings: strict),
    .testTarget(name: "HDF5Tests", dependencies: ["CHDF5", "HDF5"], swiftSettings: strict),
    .testTarget(name: "ShownTextTests", dependencies: ["ShownText"], swiftSettings: strict),
    .testTarget(name: "STEMCoreTests", dependencies: ["STEMCore"], swiftSettings: strict),
    .testTarget(
      name: "DPCReconstructionTests",
      dependencies: ["DPCReconstruction", "DPCSimulation", "FFTW", "STEMCore", "WorkSharing"],
      swiftSettings: strict),
    .testTarget(
      name: "STEMDataTests", dependencies: ["HDF5", "STEMCore", "STEMData"],
      swiftSettings: strict),
    .testTarget(
      name: "FieldRenderingTests", dependencies: ["FieldRendering", "STEMCore"],
      swiftSettings: strict),
    .testTarget(
      name: "DPCSimulationTests", dependencies: ["DPCSimulation", "STEMCore"],
      swiftSettings: strict),
    .testTarget(
      name: "PipelineTests", dependencies: ["Digest", "Pipeline", "WorkSharing"],
      swiftSettings: strict),
    .testTarget(
      name: "PipelineManifestTests", dependencies: ["Pipeline", "PipelineManifest"],
      swiftSettings: strict),
    .testTarget(
      name: "ProvenanceTests", dependencies: ["Digest", "Pipeline", "Provenance"],
      swiftSettings: strict),
    .testTarget(
      name: "DPCStagesTests",
      dependencies: [
        "DPCReconstruction", "DPCSimulation", "DPCStages", "FieldRendering", "HDF5", "Pipeline",
        "PipelineManifest", "STEMCore", "STEMData", "TestText", "WorkSharing",
      ], swiftSettings: strict),
    // Who may import whom.
    .testTarget(name: "LayeringTests", swiftSettings: strict),
    .testTarget(
      name: "ValidationTests", dependencies: ["HDF5", "STEMCore", "dpc-validate"],
      swiftSettings: strict),
    // Runs the built binary as a user would.
    .testTarget(
      name: "DPCEndToEndTests",
      dependencies: [
        "DPCSimulation", "FaultInjection", "HDF5", "STEMCore", "TestText", "dpc", "dpc-validate",
      ],
      exclude: ["Python"], swiftSettings: strict),
  ],
  swiftLanguageModes: [.v6]
)
