// Fields of deflections, and what turns in them, as tests ask for them.
import DPCReconstruction
import STEMCore

/// ∫E dz of a deflection, V, as the stage makes it of a map that it owns.
func projectedField(of deflection: VectorMap, beam: ElectronBeam) -> VectorMap {
  var field = deflection
  field.deflectionToProjectedField(beam)
  return field
}

/// ∂Ey/∂x - ∂Ex/∂y, in the field's unit per meter: the divergence of (Ey, -Ex), by the differences that make charges.
func curl(of field: VectorField, pixelSize: PixelSize) -> ScalarField {
  let turned = VectorField(shape: field.shape, x: field.y, y: field.x.map { -$0 })
  var curl = projectedChargeDensity(of: turned, pixelSize: pixelSize)
  curl.values = curl.values.map { $0 / PhysicalConstant.vacuumPermittivity }
  return curl
}
