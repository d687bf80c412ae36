// The beam's constants against published values.
import STEMCore
import Testing

struct ElectronBeamTests {
  // Reference values carry seven digits; the bound is half a unit of the last one.
  @Test(
    "Wavelength and interaction parameter at the usual voltages",
    arguments: [
      (100e3, 3.70144e-12, 9.24396e6), (200e3, 2.507934e-12, 7.288401e6),
      (300e3, 1.96875e-12, 6.52616e6),
    ])
  func relativisticConstants(voltage: Double, wavelength: Double, interaction: Double) {
    let beam = ElectronBeam(voltage: voltage)
    #expect(abs(beam.wavelength / wavelength - 1) < 2e-6)
    #expect(abs(beam.interactionParameter / interaction - 1) < 1e-6)
  }

  @Test("At 200 kV, pv/e is 343 741.13 V and equals 2π/(λσ)")
  func momentumVelocityPerCharge() {
    let beam = ElectronBeam(voltage: 200e3)
    #expect(abs(beam.momentumVelocityPerCharge - 343_741.13) < 0.01)
    let product = beam.wavelength * beam.interactionParameter
    #expect(abs(beam.momentumVelocityPerCharge * product / (2 * Double.pi) - 1) < 1e-9)
    #expect(abs(beam.lorentzFactor - 1.391390) < 1e-6)
  }
}
