// The verdict must turn red for every classic mistake, and must not for a right result.
import STEMCore
import Testing

@testable import dpc_validate

struct JudgmentTests {
  private func judged(_ change: (inout SyntheticCase) -> Void) throws -> Judgment {
    var item = SyntheticCase()
    change(&item)
    return try item.judged()
  }

  @Test("A right result is ok, its errors are those of float32")
  func right() throws {
    let judgment = try judged { _ in }
    #expect(judgment.failures == [])
    let error = try #require(judgment.checks[.deflection]?.value)
    // Rounding to 24 bits leaves at most 2^-24 of each number.
    #expect(error > 0 && error < 6e-8)
    #expect(try #require(judgment.checks[.potential]?.value) < 1e-12)
  }

  @Test("A flipped sign fails with an error of 200 %")
  func signFlip() throws {
    let judgment = try judged { $0.transform = { scaled($0, -1) } }
    #expect(!judgment.isOK)
    #expect(abs(try #require(judgment.checks[.deflection]?.value) - 2) < 1e-6)
    #expect(judgment.checks[.field]?.passes == false)
  }

  @Test("A factor 2 fails with an error of 100 %")
  func factorTwo() throws {
    let judgment = try judged { $0.transform = { scaled($0, 2) } }
    #expect(!judgment.isOK)
    #expect(abs(try #require(judgment.checks[.deflection]?.value) - 1) < 1e-6)
  }

  @Test("A relative error of 2e-6 fails where 1e-6 is the target")
  func smallFactor() throws {
    #expect(try !judged { $0.transform = { scaled($0, 1 + 2e-6) } }.isOK)
    #expect(try judged { $0.transform = { scaled($0, 1 + 0.5e-6) } }.isOK)
  }

  @Test("A lattice that is blurred more than the probe blurs it fails", arguments: [0.85, 0.89])
  func lattice(height: Double) throws {
    let judgment = try judged {
      $0.name = "wave-lattice"
      $0.transform = { scaled($0, height) }
    }
    let check = try #require(judgment.checks[.deflection])
    #expect(check.passes == (height > 0.88), "\(check.value)")
  }

  @Test("Transposed axes fail, on a square scan by the numbers and on others by the shape")
  func transposed() throws {
    func transpose(_ field: VectorField) -> VectorField {
      let shape = GridShape(rows: field.shape.columns, columns: field.shape.rows)
      var result = VectorField(shape: shape)
      for row in 0..<shape.rows {
        for column in 0..<shape.columns {
          let source = column * field.shape.columns + row
          result.x[row * shape.columns + column] = field.x[source]
          result.y[row * shape.columns + column] = field.y[source]
        }
      }
      return result
    }
    let square = try judged { $0.transform = transpose }
    #expect(!square.isOK && square.checks[.deflection]?.passes == false)
    var judgment = try judged { $0.transform = { VectorField(shape: $0.shape, x: $0.y, y: $0.x) } }
    #expect(!judgment.isOK && judgment.checks[.deflection]?.passes == false)
    judgment = try judged {
      $0.shape = GridShape(rows: 12, columns: 20)
      $0.transform = transpose
    }
    #expect(judgment.failures.contains { $0.contains("shape 20×12") })
  }

  @Test("Degrees for radians fail")
  func degrees() throws {
    let judgment = try judged { $0.transform = { scaled($0, 180 / Double.pi) } }
    #expect(!judgment.isOK && judgment.checks[.deflection]?.passes == false)
  }

  @Test("A unit that is not SI is a failure by itself")
  func unit() throws {
    let judgment = try judged { $0.unit = "mrad" }
    #expect(judgment.failures.contains { $0.contains("units mrad instead of rad") })
  }

  @Test("A deflection in the axes of the detector does not count")
  func detectorFrame() throws {
    let judgment = try judged { $0.frame = "detector" }
    #expect(judgment.failures.contains { $0.contains("@frame scan") })
  }

  @Test(
    "A missing quantity fails and is named",
    arguments: ["deflection", "projected_field", "electric_field", "projected_potential"])
  func missing(quantity: String) throws {
    let judgment = try judged { $0.leavesOut = [quantity] }
    #expect(judgment.failures.contains { $0.contains(quantity) })
  }

  @Test("The potential's constant is free, its sign is not")
  func potentialSign() throws {
    let judgment = try judged { $0.potentialSign = -1 }
    #expect(judgment.checks[.potential]?.passes == false && judgment.failures.count == 1)
  }

  @Test("Masking more than the simulation spoilt fails")
  func masked() throws {
    #expect(try judged { $0.maskedCount = 4 }.isOK)
    #expect(try judged { $0.maskedCount = 40 }.checks[.masked]?.passes == false)
  }

  @Test("Counting noise is held to the limit, and error bars to their coverage")
  func noise() throws {
    // 3200 components: their rms scatters by 1.25 %, of which the margin of 3 % is 2.4 deviations.
    func sampled(_ change: (inout SyntheticCase) -> Void) throws -> Judgment {
      try judged {
        $0.isSampled = true
        $0.seed = 7
        $0.shape = GridShape(rows: 40, columns: 40)
        $0.name = "case-waves-d1e6"
        change(&$0)
      }
    }
    let right = try sampled { _ in }
    #expect(right.failures == [])
    let limit = try #require(right.noiseLimit)
    let item = SyntheticCase(shape: GridShape(rows: 40, columns: 40))
    let strength = rootMeanSquare(
      item.deflection, where: [Bool](repeating: true, count: 1600))
    #expect(abs(limit - 2.0.squareRoot() * 18.85e-6 / strength) < 1e-3 * limit)
    // Within two deviations lie 95 % of all components, within half a deviation 38 %.
    #expect(try sampled { $0.errorScale = 2 }.checks[.coverage]?.passes == false)
    #expect(try sampled { $0.errorScale = 0.5 }.checks[.coverage]?.passes == false)
    #expect(try sampled { $0.transform = { scaled($0, 1.3) } }.checks[.deflection]?.passes == false)
  }
}
