// remove-descan: subtracts what a vacuum reference shows, or a surface that the manifest asks for.
internal import DPCReconstruction
internal import Pipeline
internal import STEMCore

struct RemoveDescan: StageType {
  let name = "remove-descan"
  let summary = "subtracts the deflection that the empty beam has; never fitted to data unasked"
  let algorithmVersion = 9
  let inputs = [
    InputPort(
      "deflection", kinds: [.detectorDeflection], summary: "deflection in the detector's axes")
  ]
  let outputs = [
    OutputPort(
      "deflection", kind: .fixed(.detectorDeflection), summary: "the same without descan")
  ]
  let parameters = [
    ParameterSpecification(
      "method", .choice(["from-file", "vacuum", "fit-plane", "fit-quadratic", "none"]),
      default: .text("from-file"),
      summary:
        "from-file: the vacuum reference if there is one; fit-plane and fit-quadratic: fitted to the"
        + " map itself, which also removes a uniform, a linear (and a quadratic) field"),
    ParameterSpecification(
      "vacuum_surface", .choice(["auto", "plane", "quadratic"]), default: .text("auto"),
      summary: "of a vacuum scan: auto is a plane, or a quadratic where an F test demands it"),
    ParameterSpecification(
      "regions_nm", .numbers(unit: "nm", range: NumberRange(0...1e9)), keywords: ["all"],
      default: .text("all"),
      summary:
        "for fits, field-free rectangles: left, top, right, bottom of each, from the first pixel"),
    ParameterSpecification(
      "excluded_nm", .numbers(unit: "nm", range: NumberRange(0...1e9)), keywords: ["none"],
      default: .text("none"),
      summary: "for fits, rectangles to leave out, such as walls: left, top, right, bottom of each"),
    ParameterSpecification(
      "weights", .choice(["robust", "equal"]), default: .text("robust"),
      summary: "for fits, robust: pixels that do not lie on the surface lose their weight"),
  ]

  /// A surface is subtracted in less time than the map is read back; fitting one takes longer.
  func keepsOutputs(with parameters: [String: ParameterValue]) -> Bool {
    guard case .text(let method)? = parameters["method"] else { return true }
    return method.hasPrefix("fit-")
  }

  func problems(
    with parameters: [String: ParameterValue], connected ports: Set<String>
  ) -> [ParameterProblem] {
    ["regions_nm", "excluded_nm"].compactMap { key in
      guard let numbers = parameters[key]?.numbers else { return nil }
      let rectangles = DescanRegions.rectangles(numbers)
      let isSound = rectangles.allSatisfy { $0.count == 4 && $0[0] < $0[2] && $0[1] < $0[3] }
      return isSound
        ? nil
        : ParameterProblem(
          key, "\(key) is no list of rectangles",
          suggestion: "list left, top, right and bottom of each, such as [0, 0, 20, 100]")
    }
  }

  func run(_ context: StageContext) throws -> StageProduct {
    var value = try context.take("deflection", as: DeflectionValue.self)
    let method: String = try context.value("method")
    let removed = try removed(from: value, method, context)
    // Subtracting a plane changes no curvature.
    let curved = mayBeCurved(removed, method) ? CurvatureUnderStructure(value.map) : nil
    var remarks: RemovedDescan.Remarks
    if let removed {
      remarks = removed.removeDescan(from: &value)
    } else {
      remarks = unchanged(&value, asked: method == "none", context)
    }
    if let curved { remarks.notes.append(Self.note(of: curved)) }
    return StageProduct(
      outputs: ["deflection": value], facts: remarks.facts, notes: remarks.notes)
  }

  /// Unless nothing was to be removed, or a curved surface was looked for.
  private func mayBeCurved(_ removed: RemovedDescan?, _ method: String) -> Bool {
    guard let removed else { return method != "none" }
    return removed.surface.degree != .quadratic && removed.surfaceTest == nil
  }

  private static func note(of curved: CurvatureUnderStructure) -> Note {
    Note(
      .warning,
      "most of the map lies on a surface that is curved by \(Format.quantity(curved.curvature, unit: "rad"))"
        + " root mean square: if that is descan, it makes walls where none are, and falsifies those there are;"
        + " method=fit-quadratic removes it, and a field as wide as the frame with it; a vacuum scan tells the two apart"
    )
  }

  /// What to subtract; nil for nothing.
  private func removed(
    from input: DeflectionValue, _ method: String, _ context: StageContext
  ) throws -> RemovedDescan? {
    switch (method, input.vacuum) {
    case ("none", _), ("from-file", .none): return nil
    case ("vacuum", .none):
      throw StageFailure(
        .missingPrerequisite,
        "stage \(context.stageName): the acquisition has no vacuum reference (/entry/reference/vacuum)",
        remedy: "record one, or choose method fit-plane or none")
    case ("fit-plane", _):
      return try fitted(input, .plane, context)
    case ("fit-quadratic", _):
      return try fitted(input, .quadratic, context)
    case (_, .single(let vector, let noise)):
      let (stated, single) = noise?.isStated == false ? (nil, noise) : (noise, nil)
      return RemovedDescan(
        surface: DescanSurface(
          constant: vector, variance: stated?.variance, shape: input.map.shape),
        source: "single vacuum reference (constant)", isFromData: false,
        unstatedError: single?.variance.squareRoot())
    case (_, .scan(let map)):
      return try vacuumScan(map, context)
    default:
      throw StageFailure(.failed, "stage \(context.stageName): unknown method \(method)")
    }
  }

  private func unchanged(
    _ value: inout DeflectionValue, asked: Bool, _ context: StageContext
  ) -> RemovedDescan.Remarks {
    value.context = value.context.adding([
      "removed_descan": "nothing" + (asked ? " (asked for)" : " (no vacuum reference)")
    ])
    let text =
      "no descan removed: a uniform field cannot be told from a descan offset, only field differences are"
      + " measured"
    guard !asked else { return ([], [Note(.assumption, text)]) }
    // Kept with the result, for stages of any name.
    let remedy =
      "method=fit-plane removes it, and a uniform and a linear field with it; what is curved takes fit-quadratic"
    guard let found = PlaneUnderStructure(value.map), found.plane > Self.dominance * found.rest
    else { return ([], [Note(.assumption, "\(text); \(remedy)")]) }
    let (plane, rest) = (
      Format.quantity(found.plane, unit: "rad"), Format.quantity(found.rest, unit: "rad")
    )
    return (
      [],
      [
        Note(
          .warning,
          "\(text), and beneath \(rest) lies a plane of \(plane) root mean square: if that is descan,"
            + " \(remedy); segments of unequal gain make one too, and wrong fields with it")
      ]
    )
  }

  /// A plane so many times as strong as all that lies upon it hides it in every map.
  private static let dominance = 3.0

  // MARK: Vacuum scan

  /// Probability below which a better fit by a quadratic is taken for real.
  private static let chanceLimit = 1e-4

  private func vacuumScan(_ map: VectorMap, _ context: StageContext) throws -> RemovedDescan {
    let wanted: String = try context.value("vacuum_surface")
    let plane: DescanFit
    do {
      plane = try fitDescan(to: map, degree: wanted == "quadratic" ? .quadratic : .plane)
    } catch {
      throw StageFailure(
        .inputRefused, "stage \(context.stageName): the vacuum scan cannot be used: \(error)",
        remedy: "record it again, or choose method fit-plane or none")
    }
    var removed = RemovedDescan(
      surface: plane.surface,
      source: "\(wanted == "quadratic" ? "quadratic" : "plane") fitted to the vacuum scan",
      isFromData: false, fit: plane)
    // Too few pixels for a quadratic are enough for a plane: then there is nothing to decide.
    if wanted == "auto", let quadratic = try? fitDescan(to: map, degree: .quadratic) {
      let chance = chanceOfQuadratic(plane: plane, quadratic: quadratic)
      let text = "F test, chance \(Format.significant(chance, digits: 2))"
      if chance < Self.chanceLimit {
        removed = RemovedDescan(
          surface: quadratic.surface, source: "quadratic fitted to the vacuum scan (\(text))",
          isFromData: false, fit: quadratic)
      }
      removed.surfaceTest = text + (chance < Self.chanceLimit ? ": quadratic" : ": plane suffices")
    }
    return removed
  }

  // MARK: Fits to the data

  private func fitted(
    _ input: DeflectionValue, _ degree: DescanSurface.Degree, _ context: StageContext
  ) throws -> RemovedDescan {
    let regions = DescanRegions(context: context, map: input.map)
    let selection = try regions.selection()
    let isRobust = try context.value("weights") != "equal"
    let fit: DescanFit
    do {
      fit = try fitDescan(
        to: input.map, degree: degree, selection: selection,
        weights: isRobust ? .robust : .equal)
    } catch {
      throw StageFailure(
        .failed, "stage \(context.stageName): descan cannot be fitted: \(error)",
        remedy: "name larger regions (regions_nm), or choose method none")
    }
    var surface = fit.surface
    let correlation = input.context.correlationLength
    surface.covariance = surface.covariance.map { $0.map { $0 * correlation.x * correlation.y } }
    return RemovedDescan(
      surface: surface,
      source: "\(degree == .plane ? "plane" : "quadratic") fitted to the map itself"
        + (selection == nil ? "" : ", in the regions named") + (isRobust ? ", robust" : ""),
      isFromData: true, fit: fit)
  }
}

/// Rectangles of the scan that a manifest names.
private struct DescanRegions {
  let context: StageContext
  let map: VectorMap

  /// One flag per position; nil where nothing is named.
  func selection() throws -> [Bool]? {
    let regions = context.numbers("regions_nm").map(Self.rectangles)
    let excluded = context.numbers("excluded_nm").map(Self.rectangles)
    if regions == nil && excluded == nil { return nil }
    guard let pixel = map.pixelSize else {
      throw StageFailure(
        .missingPrerequisite,
        "stage \(context.stageName): regions are named in nm, and the acquisition states no pixel size",
        remedy: "write /entry/instrument/scan/pixel_size_x and _y, or fit without regions")
    }
    return (0..<map.shape.count).map { position in
      let x = Double(position % map.shape.columns) * pixel.x * 1e9
      let y = Double(position / map.shape.columns) * pixel.y * 1e9
      func isIn(_ list: [[Double]]) -> Bool {
        list.contains { $0[0] <= x && x <= $0[2] && $0[1] <= y && y <= $0[3] }
      }
      return (regions.map(isIn) ?? true) && !(excluded.map(isIn) ?? false)
    }
  }

  /// The numbers in fours; the last may lack some.
  static func rectangles(_ numbers: [Double]) -> [[Double]] {
    stride(from: 0, to: numbers.count, by: 4).map {
      Array(numbers[$0..<min($0 + 4, numbers.count)])
    }
  }
}
