// Maps as values: each carries what was stated and assumed on the way to it.
internal import DPCReconstruction
internal import Pipeline
internal import STEMCore
internal import STEMData

/// What counting makes of the deflection of a reference.
struct ReferenceNoise: Codable, Sendable, Equatable {
  /// Of each component, rad².
  var variance: Double
  /// Whether the file states how many exposures were averaged; else the variance is that of a single one.
  var isStated: Bool
}

/// The deflection of the empty beam, if it was recorded.
enum VacuumDeflection: Sendable, Equatable {
  case none
  /// The noise is nil where the number of electrons is not known.
  case single(Vector2, ReferenceNoise?)
  case scan(VectorMap)
}

/// A deflection map, rad.
struct DeflectionValue: StoredValue, Equatable {
  var map: VectorMap
  var frame: ReferenceFrame
  var vacuum: VacuumDeflection
  var context: MapContext
  /// What remove-descan took away, in the detector's axes.
  var removed: DescanSurface?
  /// Become attributes of the result that are numbers: `outer_share`, ...
  var numbers: [String: Double] = [:]

  struct Header: Codable {
    var frame: ReferenceFrame
    var context: MapContext
    var numbers: [String: Double]
    var vacuum: Vector2?
    var vacuumNoise: ReferenceNoise?
    var removed: DescanSurface?
  }

  var header: Header {
    var header = Header(frame: frame, context: context, numbers: numbers, removed: removed)
    if case .single(let vector, let noise) = vacuum {
      header.vacuum = vector
      header.vacuumNoise = noise
    }
    return header
  }

  var arrays: [String: ArrayArchive.Entry] {
    var entries = map.arrays()
    if case .scan(let reference) = vacuum {
      entries.merge(reference.arrays(prefix: "vacuum_")) { first, _ in first }
    }
    return entries
  }
}

extension DeflectionValue {
  init(header: Header, archive: ArrayArchive, files: InputFiles) throws {
    let pixelSize = header.context.metadata.pixelSize
    map = try VectorMap(archive: archive, pixelSize: pixelSize)
    frame = header.frame
    context = header.context
    removed = header.removed
    numbers = header.numbers
    if let vector = header.vacuum {
      vacuum = .single(vector, header.vacuumNoise)
    } else if archive.entries["vacuum_x"] != nil {
      vacuum = .scan(try VectorMap(archive: archive, prefix: "vacuum_", pixelSize: pixelSize))
    } else {
      vacuum = .none
    }
  }
}

/// A projected field, V, and the thickness where it is known, m.
struct ProjectedFieldValue: StoredValue, Equatable {
  var map: VectorMap
  var thickness: Double?
  var context: MapContext

  struct Header: Codable {
    var thickness: Double?
    var context: MapContext
  }

  var header: Header { Header(thickness: thickness, context: context) }
  var arrays: [String: ArrayArchive.Entry] { map.arrays() }
}

extension ProjectedFieldValue {
  init(header: Header, archive: ArrayArchive, files: InputFiles) throws {
    map = try VectorMap(archive: archive, pixelSize: header.context.metadata.pixelSize)
    thickness = header.thickness
    context = header.context
  }

  /// What is uncertain about the mean field as a whole: that of the projected field, and the thickness.
  var meanFieldErrors: CommonErrors? {
    thickness.map { thickness in
      var errors = context.commonErrors.scaled(by: 1 / thickness)
      if let error = context.metadata.specimen.thicknessError {
        errors.scale["thickness"] = error / thickness
      }
      return errors
    }
  }

  /// The field averaged over the thickness, V/m; nil without a thickness.
  var meanField: VectorMap? {
    thickness.map { DPCReconstruction.meanField(of: map, thickness: $0) }
  }
}

/// A field in V/m, corrected for the inclination of its walls.
struct IntrinsicFieldValue: StoredValue, Equatable {
  var map: VectorMap
  var context: MapContext

  var header: MapContext { context }
  var arrays: [String: ArrayArchive.Entry] { map.arrays() }
}

extension IntrinsicFieldValue {
  init(header: MapContext, archive: ArrayArchive, files: InputFiles) throws {
    map = try VectorMap(archive: archive, pixelSize: header.metadata.pixelSize)
    context = header
  }
}

/// A projected potential, V m.
struct PotentialValue: StoredValue, Equatable {
  var map: ScalarMap
  /// Mean of the field that was integrated, V.
  var uniformField: Vector2
  /// About which a constant error of the field turns the potential: where that of the scan was, pixels of this map.
  var center: Vector2
  /// What a field turned by a radian would add in first order, V m; nil where the scan rotation has no error.
  var turned: ScalarField?
  var context: MapContext

  struct Header: Codable {
    var uniformField: Vector2
    var center: Vector2
    var context: MapContext
  }

  var header: Header { Header(uniformField: uniformField, center: center, context: context) }
  var arrays: [String: ArrayArchive.Entry] { map.arrays(with: turned) }
}

extension PotentialValue {
  init(header: Header, archive: ArrayArchive, files: InputFiles) throws {
    map = try ScalarMap(archive: archive, pixelSize: header.context.metadata.pixelSize)
    uniformField = header.uniformField
    center = header.center
    turned = archive.turned(map.shape)
    context = header.context
  }
}

/// A projected charge density, C/m².
struct ChargeDensityValue: StoredValue, Equatable {
  var map: ScalarMap
  /// What a field turned by a radian would add in first order, C/m²; nil where the scan rotation has no error.
  var turned: ScalarField?
  var context: MapContext

  var header: MapContext { context }
  var arrays: [String: ArrayArchive.Entry] { map.arrays(with: turned) }
}

extension ChargeDensityValue {
  init(header: MapContext, archive: ArrayArchive, files: InputFiles) throws {
    map = try ScalarMap(archive: archive, pixelSize: header.metadata.pixelSize)
    turned = archive.turned(map.shape)
    context = header
  }
}

/// The Helmholtz parts of a projected field, V.
struct HelmholtzValue: StoredValue, Equatable {
  /// A part, and the counting noise of its components, which is alike at all pixels.
  struct Part: Sendable, Equatable {
    var field: VectorField
    /// V²; nil where the counts are unknown.
    var variance: Vector2?
  }

  var curlFree: Part
  var divergenceFree: Part
  /// Of both parts.
  var mask: PixelMask
  var mean: Vector2
  /// Share of the power without the mean, 0...1.
  var divergenceFreeFraction: Double
  var context: MapContext

  struct Header: Codable {
    var mean: Vector2
    var divergenceFreeFraction: Double
    var curlFreeVariance: Vector2?
    var divergenceFreeVariance: Vector2?
    var context: MapContext
  }

  var header: Header {
    Header(
      mean: mean, divergenceFreeFraction: divergenceFreeFraction,
      curlFreeVariance: curlFree.variance, divergenceFreeVariance: divergenceFree.variance,
      context: context)
  }

  var arrays: [String: ArrayArchive.Entry] {
    map(curlFree).arrays(prefix: "curl_free_")
      .merging(map(divergenceFree).arrays(prefix: "divergence_free_")) { first, _ in first }
  }

  /// A part without its errors.
  func map(_ part: Part) -> VectorMap {
    VectorMap(
      field: part.field, covariance: nil, mask: mask, pixelSize: context.metadata.pixelSize)
  }
}

extension HelmholtzValue {
  init(header: Header, archive: ArrayArchive, files: InputFiles) throws {
    func map(_ prefix: String) throws -> VectorMap {
      try VectorMap(
        archive: archive, prefix: prefix, pixelSize: header.context.metadata.pixelSize)
    }
    let (along, across) = (try map("curl_free_"), try map("divergence_free_"))
    curlFree = Part(field: along.field, variance: header.curlFreeVariance)
    divergenceFree = Part(field: across.field, variance: header.divergenceFreeVariance)
    mask = along.mask
    mean = header.mean
    divergenceFreeFraction = header.divergenceFreeFraction
    context = header.context
  }
}
