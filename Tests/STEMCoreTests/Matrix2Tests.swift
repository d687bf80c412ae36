// By how much a matrix makes vectors longer.
import Foundation
import STEMCore
import Testing

struct Matrix2Tests {
  @Test("Singular values are the factors along two directions, whatever the turns and the mirror")
  func singularValues() {
    // R(a) diag(3, 0.5) R(b), then with y reversed.
    let (a, b) = (0.7, -1.9)
    let turned = Matrix2.rotation(cosine: cos(a), sine: sin(a))
      .after(Matrix2(xx: 3, xy: 0, yx: 0, yy: 0.5))
      .after(Matrix2.rotation(cosine: cos(b), sine: sin(b)))
    for matrix in [turned, turned.after(Matrix2(xx: 1, xy: 0, yx: 0, yy: -1))] {
      let (least, most) = matrix.singularValues
      #expect(abs(least - 0.5) < 1e-14 && abs(most - 3) < 1e-14)
    }
    #expect(Matrix2(xx: -2, xy: 0, yx: 0, yy: -2).singularValues == (2, 2))
  }
}
