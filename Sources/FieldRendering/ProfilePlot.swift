// A plot of a profile: axes with round ticks, error band, fit, markers.
internal import STEMCore

/// An axis between two ends, in the displayed unit, and where it lies on the canvas.
struct PlotAxis {
  let unit: DisplayUnit
  let lower: Double
  let upper: Double
  /// The canvas coordinates of `lower` and `upper`.
  var start = 0.0
  var end = 1.0

  /// The axis that shows all finite values, with a margin as a part of their range.
  init(_ values: [Double], unit: (Double) -> DisplayUnit, margin: Double) {
    let finite = values.filter(isDrawable)
    let low = finite.min() ?? 0
    let high = finite.max() ?? 0
    self.unit = unit(max(abs(low), abs(high)))
    let (first, last) = (self.unit.number(low), self.unit.number(high))
    // A constant gets a range of its own size, a zero one of 1.
    let range = last > first ? last - first : (last == 0 ? 1 : abs(last))
    let extra = last > first ? margin * range : range / 2
    lower = first - extra
    upper = last + extra
  }

  /// The canvas coordinate of a value in the SI unit.
  func position(_ value: Double) -> Double { position(displayed: unit.number(value)) }

  func position(displayed number: Double) -> Double {
    start + (number - lower) / (upper - lower) * (end - start)
  }

  func ticks(spacing: Double) -> [(value: Double, label: String)] {
    RoundNumbers.ticks(from: lower, to: upper, atMost: max(2, Int(abs(end - start) / spacing)))
  }
}

struct ProfilePlot {
  let figure: ProfileFigure
  let height: Double
  private let title: TextBlock
  private let footer: TextBlock
  private let frame: Rect
  private let x: PlotAxis
  private let y: PlotAxis
  private let labels: [Label]

  /// A marker's line and the middle of its label, `row` rows above the plot.
  struct Label {
    var x: Double
    var middle: Double
    var row: Int
    var text: String
  }

  static let width = 560.0
  /// Pixels per point of a raster.
  static let scale = 2.5
  private static let plotHeight = 270.0
  private static let margin = MapLayout.margin
  private static let data = Color(pixel: 0x1F4E79)
  private static let band = Color(pixel: 0xC4DAED)
  private static let fit = Color(pixel: 0xD1600B)
  private static let wall = Color.gray(0.35)
  private static let labelLeading = 12.0
  /// A fit is smooth between the places of the profile; points.
  private static let fitStep = 2.0

  init(figure: ProfileFigure, meter: TextMeter) {
    self.figure = figure
    let textWidth = Self.width - 2 * Self.margin
    title = TextBlock(meter.wrapped(figure.title, .title, width: textWidth), .title, leading: 16)
    footer = TextBlock(
      figure.footer.flatMap { meter.wrapped($0, .footer, width: textWidth) }, .footer,
      leading: 11.5)
    var x = PlotAxis(
      figure.profile.distance, unit: { DisplayUnit.length($0) }, margin: 0)
    var y = PlotAxis(
      Self.shownValues(figure), unit: { DisplayUnit(unit: figure.unit, magnitude: $0) },
      margin: 0.06)
    y.start = Self.plotHeight
    y.end = 0
    let tickWidth = y.ticks(spacing: 30).map { meter.width($0.label, .tick) }.max() ?? 0
    let left = Self.margin + 16 + tickWidth + 8
    x.start = left
    x.end = Self.width - Self.margin - 6
    labels = Self.labelRows(figure.markers, x: x, meter: meter)
    let labelHeight = Double((labels.map(\.row).max() ?? -1) + 1) * Self.labelLeading
    let top =
      Self.margin + title.height + (title.lines.isEmpty ? 0 : 8) + 18 + labelHeight
      + (labels.isEmpty ? 0 : 4)
    frame = Rect(x: left, y: top, width: x.end - x.start, height: Self.plotHeight)
    y.start += top
    y.end += top
    self.x = x
    self.y = y
    height =
      (top + Self.plotHeight + 40 + (footer.lines.isEmpty ? 0 : 8) + footer.height + Self.margin)
      .rounded(.up)
  }

  /// Everything that has to fit on the vertical axis.
  private static func shownValues(_ figure: ProfileFigure) -> [Double] {
    let profile = figure.profile
    var values = profile.value + (figure.fit?.value ?? [])
    if let error = profile.error {
      for (value, error) in zip(profile.value, error) { values += [value - error, value + error] }
    }
    return values
  }

  /// Labels above the plot, in as many rows as keep them apart; markers off the axis are left out.
  static func labelRows(
    _ markers: [ProfileMarker], x: PlotAxis, meter: TextMeter
  ) -> [Label] {
    var ends: [Double] = []
    let shown = markers.map { (x: x.position($0.position), label: $0.label) }
      .filter { $0.x >= x.start - 0.5 && $0.x <= x.end + 0.5 }
      .sorted { ($0.x, $0.label) < ($1.x, $1.label) }
    return shown.map { marker in
      let half = meter.width(marker.label, .tick) / 2
      // A label near an end moves inwards rather than off the page.
      let middle = max(min(marker.x, Self.width - Self.margin - half), Self.margin + half)
      let row = ends.firstIndex { $0 + 8 <= middle - half } ?? ends.count
      if row == ends.count { ends.append(0) }
      ends[row] = middle + half
      return Label(x: marker.x, middle: middle, row: row, text: marker.label)
    }
  }

  func draw(on canvas: Canvas) {
    title.draw(on: canvas, x: Self.margin, top: Self.margin)
    footer.draw(on: canvas, x: Self.margin, top: height - Self.margin - footer.height)
    // The band is opaque and below the grid: transparency is not shown by every reader of SVG.
    canvas.clipped(to: frame) { drawBand(on: canvas) }
    drawAxes(on: canvas)
    canvas.clipped(to: frame) {
      for marker in labels {
        canvas.line(
          [Point(x: marker.x, y: frame.y), Point(x: marker.x, y: frame.maxY)], Self.wall,
          lineWidth: 0.8, dashes: [4, 3])
      }
      drawValues(on: canvas)
      if let fit = figure.fit {
        for piece in pieces(fit.distance, fit.value) {
          canvas.line(rounded(piece, step: Self.fitStep), Self.fit, lineWidth: 1.5)
        }
      }
    }
    canvas.frame(frame, .gray(0.25), lineWidth: 0.7)
    for marker in labels {
      let baseline = frame.y - 5 - Double(marker.row) * Self.labelLeading
      canvas.text(marker.text, at: Point(x: marker.middle, y: baseline), .tick, anchor: .middle)
    }
    drawKey(on: canvas)
  }

  private func drawAxes(on canvas: Canvas) {
    for tick in x.ticks(spacing: 52) {
      let position = x.position(displayed: tick.value)
      let ends = [Point(x: position, y: frame.y), Point(x: position, y: frame.maxY)]
      canvas.line(ends, .gray(0.86), lineWidth: 0.6)
      canvas.line(
        [Point(x: position, y: frame.maxY), Point(x: position, y: frame.maxY + 4)], .gray(0.25),
        lineWidth: 0.7)
      canvas.text(
        tick.label, at: Point(x: position, y: frame.maxY + 15), .tick, anchor: .middle)
    }
    for tick in y.ticks(spacing: 30) {
      let position = y.position(displayed: tick.value)
      let ends = [Point(x: frame.x, y: position), Point(x: frame.maxX, y: position)]
      canvas.line(
        ends, .gray(tick.value == 0 ? 0.55 : 0.86), lineWidth: tick.value == 0 ? 0.8 : 0.6)
      canvas.line(
        [Point(x: frame.x - 4, y: position), Point(x: frame.x, y: position)], .gray(0.25),
        lineWidth: 0.7)
      canvas.text(
        tick.label, at: Point(x: frame.x - 7, y: position + 3.2), .tick, anchor: .end)
    }
    canvas.text(
      x.unit.label(figure.distanceLabel),
      at: Point(x: frame.midX, y: frame.maxY + 33), .label,
      anchor: .middle)
    canvas.text(
      y.unit.label(figure.quantityLabel), at: Point(x: Self.margin + 9, y: frame.midY), .label,
      anchor: .middle, isUpright: true)
  }

  /// The curve on the canvas, broken where a number is missing.
  private func pieces(_ distance: [Double], _ value: [Double]) -> [[Point]] {
    var pieces: [[Point]] = [[]]
    for (distance, value) in zip(distance, value) {
      if isDrawable(distance) && isDrawable(value) {
        pieces[pieces.count - 1].append(Point(x: x.position(distance), y: y.position(value)))
      } else {
        pieces.append([])
      }
    }
    return pieces.filter { !$0.isEmpty }
  }

  private func drawBand(on canvas: Canvas) {
    guard let error = figure.profile.error else { return }
    let profile = figure.profile
    let upper = pieces(profile.distance, zip(profile.value, error).map { $0 + $1 })
    let lower = pieces(profile.distance, zip(profile.value, error).map { $0 - $1 })
    for (above, below) in zip(upper, lower) {
      canvas.polygon(above + below.reversed(), Self.band)
    }
  }

  private func drawValues(on canvas: Canvas) {
    let curves = pieces(figure.profile.distance, figure.profile.value)
    let showsPoints = curves.reduce(0) { $0 + $1.count } <= 90
    for curve in curves {
      canvas.line(curve, Self.data, lineWidth: showsPoints ? 0.9 : 1.2)
      guard showsPoints || curve.count == 1 else { continue }
      for point in curve { canvas.circle(center: point, radius: 1.9, Self.data) }
    }
  }

  /// The key in the line above the plot, at its left end.
  private func drawKey(on canvas: Canvas) {
    let hasError = figure.profile.error != nil
    let y = Self.margin + title.height + (title.lines.isEmpty ? 0 : 8) + 6
    if hasError {
      canvas.polygon(
        [
          Point(x: frame.x, y: y - 5), Point(x: frame.x + 20, y: y - 5),
          Point(x: frame.x + 20, y: y + 5), Point(x: frame.x, y: y + 5),
        ], Self.band)
    }
    let sample = [Point(x: frame.x, y: y), Point(x: frame.x + 20, y: y)]
    canvas.line(sample, Self.data, lineWidth: 1.2)
    canvas.text(
      hasError ? "mean ± standard error" : "mean", at: Point(x: frame.x + 26, y: y + 3.2), .tick)
    guard figure.fit != nil else { return }
    let left = frame.x + 170
    canvas.line([Point(x: left, y: y), Point(x: left + 20, y: y)], Self.fit, lineWidth: 1.5)
    canvas.text("fit", at: Point(x: left + 26, y: y + 3.2), .tick)
  }
}
