// What flows between the stages of a simulation: a specimen's layers, and the two files made from it.
internal import DPCSimulation
internal import Foundation
public import Pipeline
internal import STEMData

extension PortKind {
  /// A specimen with a known field.
  public static let phantom: PortKind = "phantom"
  /// An acquisition file made from a phantom, with its truth.
  public static let simulatedAcquisition: PortKind = "simulated-acquisition"
}

/// Layers of known field; their projections add up.
struct PhantomValue: StoredValue, Equatable {
  var layers: [PhantomLayer]

  var header: [PhantomLayer] { layers }
  var arrays: [String: ArrayArchive.Entry] { [:] }

  init(layers: [PhantomLayer]) { self.layers = layers }

  init(header: [PhantomLayer], archive: ArrayArchive, files: InputFiles) throws {
    layers = header
  }
}

/// A simulated acquisition as files: what a microscope would have left, and what is true.
public struct SimulatedAcquisitionValue: StageValue, StoredValue, Equatable {
  /// The acquisition, an HDF5 file byte for byte.
  public var acquisition: [UInt8]
  /// The group `/truth` in an HDF5 file of its own, byte for byte.
  public var truth: [UInt8]

  struct Header: Codable {}

  var header: Header { Header() }

  var arrays: [String: ArrayArchive.Entry] {
    [
      "acquisition": .init(shape: [acquisition.count], values: .uint8(acquisition)),
      "truth": .init(shape: [truth.count], values: .uint8(truth)),
    ]
  }

  init(header: Header, archive: ArrayArchive, files: InputFiles) throws {
    acquisition = try archive.requiredBytes("acquisition")
    truth = try archive.requiredBytes("truth")
  }
}

extension SimulatedAcquisitionValue {
  /// Forms both files; the HDF5 library writes to a path, so they pass through the temporary folder.
  init(_ simulated: SimulatedAcquisition, writer: AcquisitionWriter) throws {
    let folder = FileManager.default.temporaryDirectory
    let path = folder.appending(path: "dpc-simulate-\(UUID().uuidString).h5").path
    defer { try? FileManager.default.removeItem(atPath: path) }
    do {
      try writer.write(simulated.metadata, frames: simulated.frames, to: path)
      acquisition = try Self.bytes(of: path)
      try TruthWriter.write(simulated.truth.items, to: path)
      truth = try Self.bytes(of: path)
    } catch let error as AcquisitionError {
      throw StageFailure(error)
    }
  }

  private static func bytes(of path: String) throws -> [UInt8] {
    do {
      return [UInt8](try Data(contentsOf: URL(filePath: path)))
    } catch {
      throw StageFailure(
        .machine, "\(path): cannot be read back: \(error.localizedDescription)",
        remedy: "check the space and the permissions of the folder for temporary files (TMPDIR)")
    }
  }
}

extension SimulationTruth {
  /// As they stand in a file.
  fileprivate var items: [TruthItem] {
    datasets.map { TruthItem($0.name, .array($0.values, shape: $0.shape), unit: $0.unit) }
      + labels.map { TruthItem($0.name, .text($0.value), unit: nil) }
  }
}
