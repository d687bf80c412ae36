// The numbers of walls on a map: a short stroke on each wall, and its number beside it.
internal import STEMCore

/// A straight wall in a map, to be named there.
public struct MapWall: Sendable, Equatable {
  /// As in the table: "1".
  public var label: String
  /// Ends, from the center of the scan ((n-1)/2 pixels), x to the right and y down, m. What lies beyond the
  /// frame is cut off.
  public var start: (x: Double, y: Double)
  public var end: (x: Double, y: Double)
  /// Full width at half maximum in the image, m.
  public var width: Double

  /// - Parameters:
  ///   - label: As in the table.
  ///   - start: m.
  ///   - end: m.
  ///   - width: m.
  public init(
    label: String, start: (x: Double, y: Double), end: (x: Double, y: Double), width: Double
  ) {
    self.label = label
    self.start = start
    self.end = end
    self.width = width
  }

  public static func == (first: MapWall, second: MapWall) -> Bool {
    first.label == second.label && first.start == second.start && first.end == second.end
      && first.width == second.width
  }
}

/// Where walls and their numbers stand on the page.
struct WallNumbers {
  /// A number in its box, and the stroke on its wall.
  struct Place: Equatable {
    var label: String
    var box: Rect
    var stroke: [Point]
  }

  private(set) var places: [Place] = []

  /// Points.
  private static let boxHeight = 13.0
  private static let strokeLength = 9.0
  /// Between a box and what it keeps away from.
  private static let gap = 2.5

  /// A wall on the page, as far as it lies in the map.
  private struct Trace {
    var label: String
    var start: Point
    var end: Point
    /// Unit vectors along the wall and across it.
    var along: Point
    var across: Point
    /// Half of the full width at half maximum, points.
    var core: Double
    var length: Double

    func distance(to point: Point) -> Double {
      let (dx, dy) = (point.x - start.x, point.y - start.y)
      let at = min(max(dx * along.x + dy * along.y, 0), length)
      let (x, y) = (dx - at * along.x, dy - at * along.y)
      return (x * x + y * y).squareRoot()
    }
  }

  /// - Parameters:
  ///   - walls: Those that do not meet the frame are left out.
  ///   - shape: Of the scan.
  ///   - pixelSize: Of the scan.
  ///   - map: The frame, points.
  ///   - width: Of a label, points.
  init(
    _ walls: [MapWall], shape: GridShape, pixelSize: PixelSize, in map: Rect,
    width: (String) -> Double
  ) {
    let scale = Point(
      x: map.width / (Double(shape.columns) * pixelSize.x),
      y: map.height / (Double(shape.rows) * pixelSize.y))
    let traces = walls.compactMap { Self.trace($0, scale, map) }
    for trace in traces {
      let box = box(of: trace, width(trace.label) + 7, traces, map)
      places.append(Place(label: trace.label, box: box.rect, stroke: box.stroke))
    }
  }

  private static func trace(_ wall: MapWall, _ scale: Point, _ map: Rect) -> Trace? {
    func onPage(_ point: (x: Double, y: Double)) -> Point {
      Point(x: map.midX + point.x * scale.x, y: map.midY + point.y * scale.y)
    }
    guard let (start, end) = clipped(onPage(wall.start), onPage(wall.end), to: map) else {
      return nil
    }
    let (dx, dy) = (end.x - start.x, end.y - start.y)
    let length = (dx * dx + dy * dy).squareRoot()
    guard length > 0 else { return nil }
    let along = Point(x: dx / length, y: dy / length)
    let across = Point(x: -along.y, y: along.x)
    // The step across the wall by half its width, which pixels that are no squares tilt on the page.
    let step = (x: wall.start.y - wall.end.y, y: wall.end.x - wall.start.x)
    let norm = (step.x * step.x + step.y * step.y).squareRoot()
    let stretch = abs(step.x * scale.x * across.x + step.y * scale.y * across.y) / norm
    return Trace(
      label: wall.label, start: start, end: end, along: along, across: across,
      core: wall.width / 2 * stretch, length: length)
  }

  /// The part of a line within a rectangle; nil where there is none (Liang and Barsky).
  static func clipped(_ a: Point, _ b: Point, to rect: Rect) -> (Point, Point)? {
    var (first, last) = (0.0, 1.0)
    let (dx, dy) = (b.x - a.x, b.y - a.y)
    for (p, q) in [
      (-dx, a.x - rect.x), (dx, rect.maxX - a.x), (-dy, a.y - rect.y), (dy, rect.maxY - a.y),
    ] {
      if p == 0 {
        if q < 0 { return nil }
      } else if p < 0 {
        first = max(first, q / p)
      } else {
        last = min(last, q / p)
      }
    }
    guard first < last else { return nil }
    func point(_ t: Double) -> Point { Point(x: a.x + t * dx, y: a.y + t * dy) }
    return (point(first), point(last))
  }

  /// The first place from either end that keeps off every wall and every number; where there is none, the one
  /// that covers least.
  private func box(
    of trace: Trace, _ width: Double, _ traces: [Trace], _ map: Rect
  ) -> (rect: Rect, stroke: [Point]) {
    let height = Self.boxHeight
    let reach = (abs(trace.across.x) * width + abs(trace.across.y) * height) / 2
    var best: (rect: Rect, stroke: [Point], cost: Double)?
    let last = max(trace.length / 2, Self.strokeLength)
    for distance in stride(from: 0, through: last, by: 3) {
      for (end, sense) in [(trace.start, 1.0), (trace.end, -1.0)] {
        for side in [1.0, -1] {
          let offset = side * (trace.core + Self.gap + reach)
          let foot = Point(
            x: end.x + sense * distance * trace.along.x,
            y: end.y + sense * distance * trace.along.y)
          var rect = Rect(
            x: foot.x + offset * trace.across.x - width / 2,
            y: foot.y + offset * trace.across.y - height / 2, width: width, height: height)
          let moved = Self.moved(&rect, into: map)
          let cost = moved + cost(of: rect, trace, traces)
          if cost >= best?.cost ?? .infinity { continue }
          best = (rect, Self.stroke(trace, at: foot, sense), cost)
          if cost == 0 { return (rect, best?.stroke ?? []) }
        }
      }
    }
    let rect = best?.rect ?? Rect(x: map.x, y: map.y, width: width, height: height)
    return (rect, best?.stroke ?? [])
  }

  /// On the wall, around the foot of its number.
  private static func stroke(_ trace: Trace, at foot: Point, _ sense: Double) -> [Point] {
    let length = min(strokeLength, trace.length)
    let end = sense > 0 ? trace.start : trace.end
    let at = abs((foot.x - end.x) * trace.along.x + (foot.y - end.y) * trace.along.y)
    let first = min(max(at - length / 2, 0), trace.length - length)
    return [first, first + length].map {
      Point(x: end.x + sense * $0 * trace.along.x, y: end.y + sense * $0 * trace.along.y)
    }
  }

  /// How far a box had to be moved to lie within the frame, points.
  private static func moved(_ rect: inout Rect, into map: Rect) -> Double {
    let before = rect
    rect.x = max(map.x + gap, min(rect.x, map.maxX - gap - rect.width))
    rect.y = max(map.y + gap, min(rect.y, map.maxY - gap - rect.height))
    return abs(rect.x - before.x) + abs(rect.y - before.y)
  }

  /// Zero where the box keeps off all walls and numbers, and is nearest to its own wall; else more than any way
  /// of moving it.
  private func cost(of rect: Rect, _ own: Trace, _ traces: [Trace]) -> Double {
    let overlaps = places.count { $0.box.meets(rect, gap: 1) }
    let covered = traces.count { trace in
      let grown = Rect(
        x: rect.x - trace.core, y: rect.y - trace.core, width: rect.width + 2 * trace.core,
        height: rect.height + 2 * trace.core)
      return Self.clipped(trace.start, trace.end, to: grown) != nil
    }
    let middle = Point(x: rect.midX, y: rect.midY)
    let distance = own.distance(to: middle)
    let nearer = traces.count { $0.label != own.label && $0.distance(to: middle) <= distance + 1 }
    return 2000 * Double(overlaps) + 1000 * Double(covered) + 500 * Double(nearer)
  }

  func draw(on canvas: Canvas) {
    for place in places {
      canvas.line(place.stroke, .gray(0.08), lineWidth: 2.6)
      canvas.line(place.stroke, .white, lineWidth: 1.3)
      canvas.fill(place.box, .white)
      canvas.frame(place.box, .gray(0.25), lineWidth: 0.5)
      canvas.text(
        place.label, at: Point(x: place.box.midX, y: place.box.midY + 3.4), .heading,
        anchor: .middle)
    }
  }
}

extension Rect {
  /// Whether the other rectangle is nearer than a gap.
  fileprivate func meets(_ other: Rect, gap: Double) -> Bool {
    x < other.maxX + gap && other.x < maxX + gap && y < other.maxY + gap && other.y < maxY + gap
  }
}
