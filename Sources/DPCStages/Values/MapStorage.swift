// Maps as arrays and back.
internal import STEMCore
internal import STEMData

extension VectorMap {
  /// The arrays of the map, each name with `prefix` before it.
  func arrays(prefix: String = "") -> [String: ArrayArchive.Entry] {
    let side = [shape.rows, shape.columns]
    var entries: [String: ArrayArchive.Entry] = [
      prefix + "x": .init(shape: side, values: .float64(field.x)),
      prefix + "y": .init(shape: side, values: .float64(field.y)),
      prefix + "mask": .init(shape: side, values: .uint8(mask.bytes)),
    ]
    if let covariance {
      entries[prefix + "xx"] = .init(shape: side, values: .float64(covariance.xx))
      entries[prefix + "yy"] = .init(shape: side, values: .float64(covariance.yy))
      entries[prefix + "xy"] = .init(shape: side, values: .float64(covariance.xy))
    }
    return entries
  }

  init(archive: ArrayArchive, prefix: String = "", pixelSize: PixelSize?) throws {
    let shape = try Self.shape(of: prefix + "x", in: archive)
    let field = VectorField(
      shape: shape, x: try archive.requiredDoubles(prefix + "x"),
      y: try archive.requiredDoubles(prefix + "y"))
    var covariance: VectorCovariance?
    if archive.entries[prefix + "xx"] != nil {
      covariance = VectorCovariance(
        shape: shape, xx: try archive.requiredDoubles(prefix + "xx"),
        yy: try archive.requiredDoubles(prefix + "yy"),
        xy: try archive.requiredDoubles(prefix + "xy"))
    }
    let mask = PixelMask(shape: shape, bytes: try archive.requiredBytes(prefix + "mask"))
    self.init(field: field, covariance: covariance, mask: mask, pixelSize: pixelSize)
  }

  fileprivate static func shape(of name: String, in archive: ArrayArchive) throws -> GridShape {
    guard let shape = archive.entries[name]?.shape, shape.count == 2 else {
      throw MissingArray(name: name)
    }
    return GridShape(rows: shape[0], columns: shape[1])
  }
}

extension ScalarMap {
  /// - Parameter turned: What an error of the scan rotation adds to the map.
  func arrays(with turned: ScalarField?) -> [String: ArrayArchive.Entry] {
    let side = [shape.rows, shape.columns]
    var entries: [String: ArrayArchive.Entry] = [
      "value": .init(shape: side, values: .float64(field.values)),
      "mask": .init(shape: side, values: .uint8(mask.bytes)),
    ]
    if let variance {
      entries["variance"] = .init(shape: side, values: .float64(variance))
    }
    if let turned {
      entries["turned"] = .init(shape: side, values: .float64(turned.values))
    }
    return entries
  }

  init(archive: ArrayArchive, pixelSize: PixelSize?) throws {
    let shape = try VectorMap.shape(of: "value", in: archive)
    self.init(
      field: ScalarField(shape: shape, values: try archive.requiredDoubles("value")),
      variance: archive.doubles("variance"),
      mask: PixelMask(shape: shape, bytes: try archive.requiredBytes("mask")),
      pixelSize: pixelSize)
  }
}

extension ArrayArchive {
  /// What an error of the scan rotation adds to a map of this shape; nil where there is none.
  func turned(_ shape: GridShape) -> ScalarField? {
    doubles("turned").map { ScalarField(shape: shape, values: $0) }
  }
}

extension VectorMap {
  /// Every vector turned by 90° from x towards y: what a small rotation adds, for each radian.
  var turned: VectorMap {
    VectorMap(
      field: VectorField(shape: shape, x: field.y.map { -$0 }, y: field.x), covariance: nil,
      mask: mask, pixelSize: pixelSize)
  }
}
