// Which values can be given to a program, and how what it gives back becomes a value again.
internal import DPCReconstruction
internal import Pipeline
internal import STEMCore

/// A value with a map that programs can read.
struct ExchangeableValue {
  let value: any StageValue
  let kind: ExchangeKind
  let map: ExchangedMap
  let context: MapContext

  /// nil for values that no program is given.
  init?(_ value: any StageValue) {
    self.value = value
    let port: PortKind
    switch value {
    case let value as DeflectionValue:
      (port, map, context) = (
        value.frame == .scan ? .deflection : .detectorDeflection, .vector(value.map), value.context
      )
    case let value as ProjectedFieldValue:
      (port, map, context) = (.projectedField, .vector(value.map), value.context)
    case let value as IntrinsicFieldValue:
      (port, map, context) = (.intrinsicField, .vector(value.map), value.context)
    case let value as PotentialValue:
      (port, map, context) = (.projectedPotential, .scalar(value.map), value.context)
    case let value as ChargeDensityValue:
      (port, map, context) = (.chargeDensity, .scalar(value.map), value.context)
    default: return nil
    }
    guard let kind = ExchangeKind.named(port.name) else { return nil }
    self.kind = kind
  }

  /// The value that a program made of this one; what it does not tell is inherited.
  ///
  /// Errors that all pixels share belong to a quantity: another quantity has none until it states some.
  ///
  /// - Throws: ``ExchangeRefusal`` for a potential of something that has none.
  func replaced(
    by map: ExchangedMap, _ kind: ExchangeKind, attributes: [String: String]
  ) throws(ExchangeRefusal) -> any StageValue {
    var context = context.adding(attributes)
    if kind != self.kind { context.commonErrors = CommonErrors() }
    switch map {
    case .vector(let map): return vector(map, kind, context)
    case .scalar(let map) where kind.kind == .chargeDensity:
      return ChargeDensityValue(map: map, context: context)
    case .scalar(let map):
      guard let uniform = uniformField else {
        throw ExchangeRefusal(
          message: "a projected-potential is made of a projected-field, not of a \(self.kind.kind)",
          remedy: "connect the field to the port input")
      }
      return PotentialValue(
        map: map, uniformField: uniform,
        center: (value as? PotentialValue)?.center ?? map.shape.center, context: context)
    }
  }

  private func vector(
    _ map: VectorMap, _ kind: ExchangeKind, _ context: MapContext
  ) -> any StageValue {
    switch kind.kind {
    case .projectedField:
      let thickness =
        (value as? ProjectedFieldValue).map(\.thickness) ?? context.metadata.specimen.thickness
      return ProjectedFieldValue(map: map, thickness: thickness, context: context)
    case .intrinsicField: return IntrinsicFieldValue(map: map, context: context)
    default:
      if kind == self.kind, var same = value as? DeflectionValue {
        same.map = map
        same.context = context
        return same
      }
      return DeflectionValue(
        map: map, frame: kind.kind == .deflection ? .scan : .detector, vacuum: .none,
        context: context, removed: nil)
    }
  }

  /// The mean of the field that a potential was made of, V.
  private var uniformField: Vector2? {
    if let potential = value as? PotentialValue { return potential.uniformField }
    guard let field = value as? ProjectedFieldValue else { return nil }
    let map = field.map
    let usable = (0..<map.shape.count).filter(map.mask.isUsable)
    func mean(_ values: [Double]) -> Double {
      usable.reduce(0) { $0 + values[$1] } / Double(max(1, usable.count))
    }
    return Vector2(x: mean(map.field.x), y: mean(map.field.y))
  }
}
