// What the sectors say of a phase once the slopes that are known are taken off.
internal import Glibc
internal import STEMCore

/// i_j of every sector without the response to slopes that are known, rad/m.
///
/// - Parameters:
///   - smooth: Of the smooth part, which `first` holds as well.
///   - known: Of the smooth part and the descan.
func sectorSignals(
  _ signals: SegmentSignals, _ first: VectorMap, _ geometry: TransferGeometry,
  smooth: VectorField, known: VectorField
) -> [[Double]] {
  let count = signals.shape.count
  let fractions = geometry.fractions
  let scale = geometry.wavelength / (2 * Double.pi)
  return geometry.sectors.indices.map { sector in
    let (start, stop) = geometry.sectors[sector]
    let middle = (start + stop) / 2
    // A disc shifted by θ gains α θ·m 2 sin h at its rim within the sector, of its area π α².
    let gain = 2 * sin((stop - start) / 2) / (Double.pi * geometry.probeSemiAngle)
    func response(_ x: Double, _ y: Double) -> Double {
      let shift = geometry.response(x, y)
      return gain * (cos(middle) * shift.x + sin(middle) * shift.y)
    }
    return (0..<count).map { position in
      var (part, total) = (0.0, 0.0)
      if signals.mask.isUsable(position) {
        for segment in 0..<signals.segmentCount {
          total += signals.values[segment * count + position]
        }
        for segment in geometry.members[sector] {
          part += signals.values[segment * count + position]
        }
      }
      guard total > 0 else {
        // What the deflection of a filled pixel would have made of it.
        return response(
          first.field.x[position] - scale * smooth.x[position],
          first.field.y[position] - scale * smooth.y[position])
      }
      return part / total - fractions[sector]
        - response(scale * known.x[position], scale * known.y[position])
    }
  }
}
