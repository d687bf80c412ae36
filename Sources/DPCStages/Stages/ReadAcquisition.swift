// read-acquisition: what a file states, checked; its frames stay in the file.
internal import Pipeline
internal import STEMCore
internal import STEMData

struct ReadAcquisition: StageType {
  let name = "read-acquisition"
  let summary = "reads what an acquisition file states and checks that it can be true"
  let algorithmVersion = 5
  let mayBeginEarly = true
  let inputs: [InputPort] = []
  let outputs = [
    OutputPort("acquisition", kind: .fixed(.acquisition), summary: "the acquisition, frames unread")
  ]
  let parameters = [
    ParameterSpecification(
      "file", .file, isRequired: true, summary: "an acquisition, as $name of the inputs")
  ]

  func run(_ context: StageContext) throws -> StageProduct {
    guard let file = context.file("file") else {
      throw StageFailure(.failed, "stage \(context.stageName): no file given")
    }
    let stated: AcquisitionFile
    do { stated = try AcquisitionFile(path: file.path) } catch { throw StageFailure(error) }
    let metadata = stated.metadata
    return StageProduct(
      outputs: ["acquisition": AcquisitionValue(metadata: metadata, file: file)],
      facts: facts(metadata),
      notes: notes(metadata)
        + (stated.contradictions + stated.unread).map { Note(.warning, $0) })
  }

  private func facts(_ metadata: AcquisitionMetadata) -> [Fact] {
    var text = "\(metadata.segmentCount) segments, \(metadata.shape) pixels"
    if metadata.frameCount > 1 { text += ", \(metadata.frameCount) frames" }
    if let size = metadata.pixelSize {
      let x = Format.quantity(size.x * Double(metadata.shape.columns), unit: "m")
      let y = Format.quantity(size.y * Double(metadata.shape.rows), unit: "m")
      text += ", \(x) × \(y)"
    }
    let kilovolts = Format.significant(metadata.beam.voltage / 1000, digits: 4)
    let semiAngle = Format.significant(metadata.probeSemiAngle * 1000, digits: 4)
    text += ", \(kilovolts) kV, \(semiAngle) mrad"
    return [Fact("acquisition", text: text)]
  }

  private func notes(_ metadata: AcquisitionMetadata) -> [Note] {
    var notes: [Note] = []
    if metadata.pixelSize == nil {
      notes.append(
        Note(.warning, "no pixel size in the file: no potential, no charge density, no widths"))
    }
    return notes
  }
}
