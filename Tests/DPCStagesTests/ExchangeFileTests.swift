// The files between dpc and programs: what is written comes back to the bit.
@testable import DPCStages
import Foundation
import HDF5
import STEMCore
import Testing

struct ExchangeFileTests {
  private let shape = GridShape(rows: 2, columns: 3)

  private func path() throws -> String {
    let folder = FileManager.default.temporaryDirectory.appending(path: UUID().uuidString)
    try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
    return folder.appending(path: "map.h5").path
  }

  @Test("A map comes back as it was, in double precision; the errors as their squares' roots")
  func roundTrip() throws {
    var mask = PixelMask(shape: shape)
    mask.bytes[1] = PixelFlags.missing.rawValue
    let values = (1...6).map { number -> Double in number == 2 ? 0 : Double(number) / 3 }
    // Squares of what double precision holds exactly, so that their roots are.
    let variance = (1...6).map { n -> Double in n == 2 ? 0 : Double(n * n) / 1024 }
    let zeros = [Double](repeating: 0, count: 6)
    let vectors = ExchangedMap.vector(
      VectorMap(
        field: VectorField(shape: shape, x: values, y: values.map { 1e-9 - $0 * 1e-9 }),
        covariance: VectorCovariance(shape: shape, xx: variance, yy: variance, xy: zeros),
        mask: mask, pixelSize: PixelSize(x: 1e-9, y: 2e-9)))
    let scalars = ExchangedMap.scalar(
      ScalarMap(
        field: ScalarField(shape: shape, values: values), variance: variance, mask: mask,
        pixelSize: nil))
    for (map, name) in [(vectors, "deflection"), (scalars, "projected-potential")] {
      let path = try path()
      defer {
        try? FileManager.default.removeItem(atPath: (path as NSString).deletingLastPathComponent)
      }
      let kind = try #require(ExchangeKind.named(name))
      try ExchangeFile.write(map, kind, to: path)
      var expected = map
      if case .vector(var vector) = map {
        // What is not measured holds zero.
        vector.field.y[1] = 0
        expected = .vector(vector)
      }
      #expect(try ExchangeFile.read(path, kind, on: map) == expected, "\(name)")
    }
  }
}
