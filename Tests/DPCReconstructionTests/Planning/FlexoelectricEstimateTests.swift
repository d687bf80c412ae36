// Polarization, field and deflection of a strain gradient against figures worked out by hand.
import DPCReconstruction
import STEMCore
import Testing

struct FlexoelectricEstimateTests {
  private let material = FlexoelectricMaterial(coefficient: -6.6e-8, relativePermittivity: 5000)
  private let foil = FoilExperiment(
    beam: ElectronBeam(voltage: 200_000), thickness: 50e-9, semiAngle: 24e-3)

  @Test("µ times gradient is 6.6 µC/cm²; its field points against it, -P/(ε0 εr) = 1.49 MV/m")
  func calculated() {
    let estimate = material.estimate(strainGradient: 1e6)
    #expect(abs(estimate.polarization + 0.066) < 1e-15)
    // 0.066/(8.8541878128e-12 * 5000) = 1.490820e6.
    #expect(abs(estimate.field - 1.490820e6) < 10)
    #expect(abs(estimate.rigidField - 7.454100e9) < 5e4)
    #expect(abs(material.flexocouplingVoltage + 1.490820) < 1e-5)
    #expect(material.estimate(strainGradient: -1e6).field == -estimate.field)
  }

  @Test("A stated 13 µC/cm² needs 1.97e6 /m and deflects by 0.427 µrad in 50 nm; 4.9e10 electrons")
  func stated() {
    let estimate = material.estimate(polarization: -0.13)
    #expect(abs(estimate.strainGradient - 1.969697e6) < 1)
    #expect(abs(estimate.field - 2.936463e6) < 20)
    // A field along +x pushes the electron along -x: -2.936463e6 * 50e-9 / 343741.13.
    #expect(abs(foil.deflection(of: estimate.field) + 0.427133e-6) < 1e-11)
    // (5 * π * 24e-3/4 / 0.427133e-6)².
    let electrons = foil.electrons(forDetecting: estimate.field, sigmas: 5)
    #expect(abs(electrons / 4.8688e10 - 1) < 1e-3)
    #expect(abs(foil.deflection(of: estimate.rigidField) + 2.13566e-3) < 1e-7)
  }

  @Test(
    "The error of one electron: π α/4 for four sectors, α/√2 for many", arguments: [3, 4, 8, 16])
  func sectors(count: Int) {
    let one = FoilExperiment(
      beam: foil.beam, thickness: 1e-9, semiAngle: 24e-3, sectors: count
    ).deflectionErrorOfOneElectron
    // By least squares: shares of variance 1/n, directions of Σ m mᵀ = n/2, gain 2 sin h/(π α).
    let exact: [Int: Double] = [3: 20.52e-3, 4: 18.8496e-3, 8: 17.414e-3, 16: 17.080e-3]
    #expect(abs(one - (exact[count] ?? 0)) < 0.01e-3)
  }

  @Test("A depolarization factor and a projection factor multiply, once")
  func factors() {
    let flat = FlexoelectricMaterial(
      coefficient: -6.6e-8, relativePermittivity: 5000, depolarizationFactor: 0.25)
    let full = material.estimate(strainGradient: 1e6)
    let part = flat.estimate(strainGradient: 1e6)
    #expect(part.polarization == full.polarization)
    #expect(abs(part.field / full.field - 0.25) < 1e-14)
    #expect(abs(part.rigidField / full.rigidField - 0.25) < 1e-14)
    let inclined = FoilExperiment(
      beam: foil.beam, thickness: 50e-9, projectionFactor: 0.5, semiAngle: 24e-3)
    #expect(inclined.deflection(of: 2e6) == foil.deflection(of: 1e6))
    #expect(foil.electrons(forDetecting: 0, sigmas: 3) == .infinity)
  }

  @Test("The gradient of a twin wall: peak ε/w, half of it at half the width, integral 2 ε")
  func twinWall() {
    let (strain, width) = (-0.02, 20e-9)
    let peak = twinWallStrainGradient(strain: strain, width: width, at: 0)
    #expect(abs(peak / (-0.02 * 1.7627471740 / 20e-9) - 1) < 1e-9)
    for side in [-0.5, 0.5] {
      let half = twinWallStrainGradient(strain: strain, width: width, at: side * width)
      #expect(abs(half / peak - 0.5) < 1e-12)
    }
    let sum = (-2000...2000).reduce(0.0) {
      $0 + twinWallStrainGradient(strain: strain, width: width, at: Double($1) * 0.1e-9) * 0.1e-9
    }
    #expect(abs(sum - 2 * strain) < 1e-6)
  }

  @Test("Comparisons need three standard deviations")
  func comparisons() {
    #expect(comparison(of: Measurement(1e8, error: 1e7), with: 1.5e6) == .stronger)
    #expect(comparison(of: Measurement(-1e8, error: 1e7), with: 1.2e8) == .agrees)
    #expect(comparison(of: Measurement(1e8, error: 1e7), with: -1.4e8) == .weaker)
    #expect(comparison(of: Measurement(2e7, error: 1e7), with: 1.5e6) == .undecided)
    #expect(comparison(of: Measurement(1e8), with: 1.2e8) == .agrees)
    #expect(comparison(of: Measurement(1e8), with: 3e8) == .weaker)
  }

  @Test("Magnitudes average by their errors; an error of the scale does not average out")
  func magnitudes() throws {
    let mean = try #require(
      meanMagnitude(of: [Measurement(1e8, error: 1e7), Measurement(-2e8, error: 2e7)]))
    // Weights 4 : 1.
    #expect(abs(mean.value - 1.2e8) < 1)
    #expect(abs((mean.error ?? 0) - 1e7 * 0.8.squareRoot()) < 1)
    let shared = [1e8, -1e8, 1e8, -1e8].map {
      Measurement($0, error: (1e6 * 1e6 + 1e14).squareRoot())
    }
    let common = try #require(meanMagnitude(of: shared, sharedRelativeError: 0.1))
    #expect(abs((common.error ?? 0) - (0.25e12 + 1e14).squareRoot()) < 1e3)
    #expect(meanMagnitude(of: []) == nil)
    #expect(meanMagnitude(of: [Measurement(3), Measurement(-1)]) == Measurement(2))
  }
}
