// Writes acquisitions in the units of a microscopist; equal content gives equal bytes.
internal import HDF5
public import STEMCore

/// How the numbers of frames are stored.
public enum FrameType: String, Sendable, CaseIterable {
  case float64, float32, uint16, uint32
}

/// The units in which an acquisition file states its quantities.
public enum FileUnits: String, Sendable, CaseIterable {
  /// nm, mrad, deg and kV.
  case microscopy
  /// m, rad and V.
  case si = "SI"
}

/// Writes acquisition files.
public struct AcquisitionWriter: Sendable {
  /// The stored type of the frames. Integers are rounded to nearest and clipped to their range, as
  /// a detector does.
  public var frameType: FrameType
  /// Packs each segment's plane, of frames and of a vacuum scan, by gzip and byte shuffling.
  public var isCompressed: Bool
  public var units: FileUnits

  public init(
    frameType: FrameType = .float64, isCompressed: Bool = false, units: FileUnits = .microscopy
  ) {
    self.frameType = frameType
    self.isCompressed = isCompressed
    self.units = units
  }

  /// Writes an acquisition, replacing a file of that name.
  ///
  /// - Parameters:
  ///   - frames: `[frame][segment]` planes of the scan's shape in `metadata.signalUnit`,
  ///     NaN where a number is missing.
  ///   - metadata: What the file is to state.
  ///   - path: A new file, or one to replace.
  /// - Throws: ``AcquisitionError`` where the system does not let it be written, or where a NaN is
  ///   to become an integer.
  /// - Precondition: `frames` has the counts and shapes that `metadata` states.
  public func write(
    _ metadata: AcquisitionMetadata, frames: [[ScalarField]], to path: String
  ) throws(AcquisitionError) {
    precondition(frames.count == metadata.frameCount, "as many frames as stated")
    precondition(
      frames.allSatisfy { planes in
        planes.count == metadata.segmentCount
          && planes.allSatisfy { $0.shape == metadata.shape }
      }, "a plane of the scan's shape for each segment")
    if isInteger, frames.contains(where: { $0.contains(where: Self.hasMissingNumber) }) {
      throw AcquisitionError(
        kind: .cannotWrite, file: path, object: AcquisitionPath.frames,
        reason: "a missing number (NaN) has no place in \(frameType.rawValue)",
        remedy: "write float32 or float64")
    }
    do { try writeFile(metadata, frames, path) } catch {
      throw AcquisitionError(writing: error)
    }
  }

  private func writeFile(
    _ metadata: AcquisitionMetadata, _ frames: [[ScalarField]], _ path: String
  ) throws(HDF5Error) {
    let file = try HDF5File(creating: path)
    try MetadataWriting(units: units, isCompressed: isCompressed).write(metadata, in: file.root)
    switch frameType {
    case .float64: try writeFrames(frames, metadata, as: Double.self, in: file.root)
    case .float32: try writeFrames(frames, metadata, as: Float.self, in: file.root)
    case .uint16: try writeFrames(frames, metadata, as: UInt16.self, in: file.root)
    case .uint32: try writeFrames(frames, metadata, as: UInt32.self, in: file.root)
    }
    try file.close()
  }

  private var isInteger: Bool { frameType == .uint16 || frameType == .uint32 }

  private static func hasMissingNumber(_ field: ScalarField) -> Bool {
    for value in field.values where value.isNaN { return true }
    return false
  }

  private func writeFrames<Number: HDF5Number>(
    _ frames: [[ScalarField]], _ metadata: AcquisitionMetadata, as type: Number.Type,
    in root: borrowing HDF5Group
  ) throws(HDF5Error) {
    let plane = [1, metadata.shape.rows, metadata.shape.columns]
    let hasFrameAxis = metadata.frameCount > 1
    let axis = hasFrameAxis ? [1] : []
    let shape =
      (hasFrameAxis ? [metadata.frameCount] : []) + [metadata.segmentCount] + plane.dropFirst()
    let dataset = try root.createDataset(
      AcquisitionPath.frames, of: type, shape: shape,
      layout: isCompressed ? .compressed(chunk: axis + plane, level: 4) : .contiguous)
    try dataset.setAttribute("units", to: metadata.signalUnit.rawValue)
    for (frame, planes) in frames.enumerated() {
      for (segment, field) in planes.enumerated() {
        let offset = (hasFrameAxis ? [frame] : []) + [segment, 0, 0]
        // The library converts to the stored type and clips to its range, but cuts fractions off.
        try dataset.write(
          isInteger ? Self.rounded(field.values) : field.values,
          to: HDF5Region(offset: offset, count: axis + plane))
      }
    }
  }

  private static func rounded(_ values: [Double]) -> [Double] {
    var values = values
    for index in values.indices { values[index].round(.toNearestOrEven) }
    return values
  }
}
