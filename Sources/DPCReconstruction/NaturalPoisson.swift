// Poisson's equation with a natural boundary, DᵀD V = b, by cosine transforms.
internal import FFTW
internal import Glibc
internal import STEMCore

/// The inverse of DᵀD, D the difference quotients between neighboring pixels; the constant is left out.
struct NaturalPoisson: ~Copyable {
  private let shape: GridShape
  private let pixelSize: PixelSize
  private let filter: TrigonometricFilter

  /// - Parameter pixelSize: m.
  init(_ shape: GridShape, _ pixelSize: PixelSize) {
    self.shape = shape
    self.pixelSize = pixelSize
    filter = TrigonometricFilter(
      rows: shape.rows, columns: shape.columns, alongX: .cosine2, alongY: .cosine2)
  }

  /// Replaces b, V/m, by the potential, V m, its waves damped as by ``highPassShare(_:_:)``.
  func solve(_ plane: inout [Double], highPassPeriod period: Double? = nil) {
    let (rows, columns) = (shape.rows, shape.columns)
    let stiffnessX = differenceEigenvalues(columns, spacing: pixelSize.x)
    let stiffnessY = differenceEigenvalues(rows, spacing: pixelSize.y)
    let kx = (0..<columns).map { Double($0) / (2 * Double(columns) * pixelSize.x) }
    let ky = (0..<rows).map { Double($0) / (2 * Double(rows) * pixelSize.y) }
    let scale = 1 / filter.roundTripFactor
    filter.apply(to: &plane) { modes, column in
      for row in modes.indices {
        let stiffness = stiffnessX[column] + stiffnessY[row]
        let k2 = kx[column] * kx[column] + ky[row] * ky[row]
        let factor = stiffness > 0 ? scale / stiffness * highPassShare(k2, period) : 0
        modes[row] *= factor
      }
    }
  }
}

/// Eigenvalues (2 - 2 cos(π m/n)) / h² of DᵀD in the cosine basis, without cancellation.
private func differenceEigenvalues(_ count: Int, spacing: Double) -> [Double] {
  (0..<count).map { mode in
    let root = 2 * sin(Double.pi * Double(mode) / Double(2 * count)) / spacing
    return root * root
  }
}
