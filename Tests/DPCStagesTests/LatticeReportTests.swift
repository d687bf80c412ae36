// What average-unit-cell says of a lattice: nothing where the cell is right, the right one where it is wrong.
import DPCReconstruction
import DPCSimulation
import Foundation
import Pipeline
import STEMCore
import STEMData
import Testing

@testable import DPCStages

struct LatticeReportTests {
  private static let pixel = 0.04e-9

  /// A scan of 180 × 180 positions over a lattice of 0.38 nm, turned by 20°, without noise but for its rounding to counts.
  private func file(_ laboratory: Laboratory) throws -> String {
    let detector = SegmentedDetector.annular(
      rings: [(0, 0.024, 4), (0.024, 0.048, 4)], orientation: 0)
    let shape = GridShape(rows: 180, columns: 180)
    let metadata = AcquisitionMetadata(
      title: nil, frameCount: 1, shape: shape, pixelSize: PixelSize(x: Self.pixel, y: Self.pixel),
      beam: ElectronBeam(voltage: 200_000), probeSemiAngle: 0.024, defocus: nil,
      detector: detector, segmentGain: nil, deflectionCalibration: nil, scanRotation: 0,
      electronsPerPixel: 1e5, signalUnit: .electrons, saturationLevel: nil, specimen: Specimen(),
      references: References(), beamTilts: nil)
    let planes = (0..<8).map { segment in
      let values = (0..<shape.count).map { position -> Double in
        if segment >= 4 { return 100 }
        let (x, y) = (Double(position % 180) * Self.pixel, Double(position / 180) * Self.pixel)
        let phase = 2 * Double.pi / 0.38e-9
        let (c, s) = (cos(Self.turn), sin(Self.turn))
        let wave = sin(phase * (c * x + s * y)) * c - sin(phase * (c * y - s * x)) * s
        let azimuth = detector.segments[segment].middle
        return (25_000 * (1 + 0.03 * cos(azimuth) * wave)).rounded()
      }
      return ScalarField(shape: shape, values: values)
    }
    let path = laboratory.folder + "/lattice.h5"
    try AcquisitionWriter().write(metadata, frames: [planes], to: path)
    return path
  }

  private static let turn = 20 * Double.pi / 180

  private func report(_ cell: String) async throws -> StageReport? {
    let laboratory = try Laboratory()
    let path = try file(laboratory)
    let outcome = try await laboratory.run(
      """
      schema: dpc-pipeline/1
      name: lattice
      inputs: { acquisition: \(path) }
      stages:
        read: { uses: read-acquisition, with: { file: $acquisition } }
        clean: { uses: normalize-segments, from: read, with: { spike_sigma: none } }
        cell: { uses: average-unit-cell, from: clean, with: { \(cell) } }
        tilt: { uses: deflection, from: cell }
      results: [tilt]
      """)
    return outcome.report["cell"]
  }

  private func notes(_ cell: String) async throws -> [(kind: String, text: String)] {
    (try await report(cell)?.notes ?? []).map { ($0.kind.rawValue, $0.text) }
  }

  /// Quadrants that differ by 3 % of their quarter show 24 mrad · 0.03 · 25 000 · 2 / 100 400 / 0.9 = 0.398 mrad along x;
  /// of both waves, whose squares add up to one, a box along the axes leaves sinc(cos 20°) sinc(sin 20°) = 0.0522. Half of
  /// that product is the root mean square of one component. Whole pixels change the box by a few percent.
  @Test("What a cell along the axes leaves of a lattice turned by 20° is 10.4 µrad")
  func contrast() async throws {
    let facts = try await report("period_x_nm: 0.38, period_y_nm: 0.38")?.facts ?? []
    let left = try #require(facts.first { $0.key == "lattice_contrast_left" })
    #expect(left.unit == "rad")
    let value = try #require(left.value)
    #expect(abs(value / 10.4e-6 - 1) < 0.05, "\(value)")
  }

  private static let measured =
    "period_x_nm: 0.3800, period_y_nm: 0.3800, azimuth_deg: 20.00, angle_deg: 90.00"

  @Test("Of a cell that is not the lattice's, what is left is told, and the cell to state")
  func wrong() async throws {
    let warnings = try await notes("period_x_nm: 0.38, period_y_nm: 0.38")
      .filter { $0.kind == "warning" }.map(\.text)
    #expect(warnings.count == 1)
    #expect(
      warnings.contains {
        $0.contains("contrast of the lattice is left")
          && $0.contains("the signals show a lattice of \(Self.measured): state that cell")
      }, "\(warnings)")
  }

  @Test("Stated so, nothing is left to warn of")
  func right() async throws {
    let notes = try await notes(Self.measured)
    #expect(!notes.contains { $0.kind == "warning" }, "\(notes)")
    #expect(
      notes.contains { $0.text == "the signals show a lattice of \(Self.measured)" }, "\(notes)")
  }
}
