// Whether the profile across a line needs a wall: walls, steps and smooth backgrounds on equal footing.

internal import Glibc
internal import STEMCore

/// The cheapest explanation of the profile across a line with its wall, and the cheapest without.
///
/// An explanation is a polynomial with any of the neighboring walls and, on a slope only, a step. Each of
/// its parameters costs the same. χ² is divided by what the best explanation leaves of it, the more where
/// neighboring bins agree in what is left: structure is then no sign of a wall, however far above noise.
struct WallVerdict {
  /// On either side of the line, in its widths in the image: a wall leaves its surroundings flat there, a
  /// wave does not.
  static let reach = 4.0
  /// About ln n for n = 60 bins (Schwarz, Ann. Stat. 6 (1978) 461), and what the choice of the best trial
  /// gains.
  private static let parameterCost = 5.0
  /// 2 ln 20: without its wall the profile must be 20 times as likely.
  private static let margin = 6.0
  /// Beside a wall; what bends as often as the wall itself would take its place, or lend it one.
  private static let degreeBesideWall = 2
  /// A plane may have been taken off the map: no explanation has its slope for nothing.
  private static let lowestDegree = 1
  private static let degreeAlone = 6
  private static let degreeBesideStep = 1
  private static let fewestBins = 8
  private static let mostNeighbors = 3

  private struct Explanation {
    let fit: SectionFit
    let parameters: Int
    let holdsWall: Bool
    /// What it blames where it holds no wall.
    let reason: WallRejection

    /// χ² per degree of freedom, times the bins that count as one as neighbors agree (Bayley & Hammersley,
    /// J. R. Stat. Soc. Suppl. 8 (1946) 184); at least one.
    var scale: Double {
      let freed = max(1, Double(fit.residual.count - parameters))
      let misfit = max(1, fit.chiSquare / freed)
      guard misfit > 1 else { return 1 }
      let correlation = min(0.95, fit.neighborCorrelation)
      return misfit * (1 + correlation) / (1 - correlation)
    }

    func cost(scale: Double) -> Double {
      fit.chiSquare / scale + WallVerdict.parameterCost * Double(parameters)
    }
  }

  /// Why the profile needs no wall; nil where it does, or where there are too few bins to tell.
  let rejection: WallRejection?

  /// - Parameters:
  ///   - pixels: Walls of other azimuths taken off.
  ///   - wall: The line in question.
  ///   - neighbors: Walls of its family, in the same sense.
  init(
    pixels: WallPixels, geometry: InclinationGeometry, wall: WallLine, neighbors: [WallLine]
  ) {
    let width = geometry.projectedWidth(sechWidth: wall.sechWidth)
    let reach = Self.reach * width
    let section = CrossSection(
      WallStrip(pixels, wall, reach: reach, direction: geometry.direction), reach: reach,
      bin: max(0.8 * pixels.step(along: wall.normal), reach / 30))
    guard section.count >= Self.fewestBins else {
      rejection = nil
      return
    }
    func column(_ sechWidth: Double, _ place: Double) -> [Double] {
      let shape = ProjectedWall(geometry: geometry, sechWidth: sechWidth)
      return section.column { shape.unitHeight(at: $0 - place) }
    }
    let own = [-0.1, 0, 0.1].flatMap { (shift: Double) -> [[Double]] in
      [0.8, 1, 1.25].map { column($0 * wall.sechWidth, shift * width) }
    }
    let beside: [[Double]] =
      neighbors.map { (line: $0, distance: $0.distance(from: wall)) }
      .filter { abs($0.distance) < reach && $0.line.overlap(with: wall) > 0 }
      .sorted { abs($0.distance) < abs($1.distance) }
      .prefix(Self.mostNeighbors)
      .map { column($0.line.sechWidth, $0.distance) }
    rejection = Self.rejection(
      Self.explanations(
        section, own: own, neighbors: beside, steps: SectionSteps(section, width: width)))
  }

  private static func explanations(
    _ section: CrossSection, own: [[Double]], neighbors: [[Double]], steps: SectionSteps
  ) -> [Explanation] {
    var all: [Explanation] = []
    let polynomials = section.polynomials(upTo: degreeAlone)
    // Every set of neighbors: one of them may be no wall either.
    for chosen in 0..<(1 << neighbors.count) {
      let set = neighbors.indices.filter { chosen >> $0 & 1 == 1 }
      for degree in lowestDegree...degreeAlone {
        var bare = polynomials[degree]
        for k in set { bare.add(neighbors[k]) }
        let parameters = degree + 1 + 3 * set.count
        func append(_ fit: SectionFit?, shapes: Int, holdsWall: Bool, _ reason: WallRejection) {
          guard let fit else { return }
          all.append(
            Explanation(
              fit: fit, parameters: parameters + 3 * shapes, holdsWall: holdsWall, reason: reason))
        }
        let isFlat = degree == lowestDegree && !set.isEmpty
        append(bare, shapes: 0, holdsWall: false, isFlat ? .misfit : .background)
        let walled = degree <= degreeBesideWall ? bare.adding(bestOf: own) : nil
        append(walled, shapes: 1, holdsWall: true, .step)
        guard degree <= degreeBesideStep else { continue }
        append(steps.best(beside: bare), shapes: 1, holdsWall: false, .step)
        append(walled.flatMap(steps.best), shapes: 2, holdsWall: true, .step)
      }
    }
    return all
  }

  private static func rejection(_ all: [Explanation]) -> WallRejection? {
    let scale = all.map(\.scale).min() ?? 1
    func cheapest(holdingWall: Bool) -> (explanation: Explanation, cost: Double)? {
      all.filter { $0.holdsWall == holdingWall }
        .map { ($0, $0.cost(scale: scale)) }.min { $0.1 < $1.1 }
    }
    guard let with = cheapest(holdingWall: true), let without = cheapest(holdingWall: false) else {
      return nil
    }
    return without.cost + margin < with.cost ? without.explanation.reason : nil
  }
}

/// Error functions from -1 to 1 of any place and blur, as a section sees them.
private struct SectionSteps {
  private let section: CrossSection
  private let coarse: [(place: Double, blur: Double)]
  private let columns: [[Double]]
  /// Of the places that are tried first, m.
  private let spacing: Double

  /// - Parameter width: Of the wall in question in the image, m: no step is blurred by more.
  init(_ section: CrossSection, width: Double) {
    self.section = section
    let spacing = section.reach / 20
    coarse = [0.05, 0.1, 0.25, 0.5, 1].flatMap { part in
      (-19...19).map { (place: Double($0) * spacing, blur: part * width) }
    }
    columns = coarse.map { Self.column(section, $0.place, $0.blur) }
    self.spacing = spacing
  }

  private static func column(_ section: CrossSection, _ place: Double, _ blur: Double) -> [Double] {
    section.column { erf(($0 - place) / blur) }
  }

  /// The fit with the step that gains most; nil where none gains.
  ///
  /// Place and blur count as parameters: they are those of the best step, to a thirtieth of the spacing and a tenth
  /// of the blur, and not those of the nearest that was tried first.
  func best(beside fit: SectionFit) -> SectionFit? {
    guard let first = fit.best(of: columns) else { return nil }
    var (place, blur) = coarse[first.index]
    var column = columns[first.index]
    for part in [1.0 / 4, 1.0 / 16] {
      let trials = (-4...4).flatMap { k in
        (-2...2).map { m in
          (place: place + Double(k) * part * spacing, blur: blur * exp(Double(m) * 1.4 * part))
        }
      }
      let finer = trials.map { Self.column(section, $0.place, $0.blur) }
      guard let best = fit.best(of: finer) else { break }
      (place, blur, column) = (trials[best.index].place, trials[best.index].blur, finer[best.index])
    }
    return fit.adding(bestOf: [column])
  }
}
