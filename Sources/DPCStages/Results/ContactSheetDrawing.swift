// The contact sheet of many runs, begun while they go on: most of its work is its colors and its compression.
internal import FieldRendering
internal import Pipeline
internal import Synchronization

/// Draws a sheet of the maps of many runs, row by row as they come.
///
/// The scale of the colors is that of all maps. Once half of them are there, rows are drawn with the scale that these
/// have; where it turns out to be another in the end, the sheet is drawn again. Its bytes do not tell when it was drawn.
public final class ContactSheetDrawing: Sendable {
  /// One place of the sheet.
  public struct Entry: Sendable {
    public var key: String
    /// nil where there is none.
    public var map: ContactMap?
    /// What is to be said of it.
    public var remark: String

    public init(key: String, map: ContactMap?, remark: String) {
      self.key = key
      self.map = map
      self.remark = remark
    }
  }

  /// What is drawn already.
  private struct Progress {
    var page: ContactPage?
    /// Whether the maps have turned out to be of several kinds: then every guess is as good as lost.
    var isGivenUp = false
  }

  private let title: String
  private let entries: Mutex<[Entry?]>
  private let progress = Mutex(Progress())

  /// - Parameters:
  ///   - title: Stands above.
  ///   - count: How many places there are.
  public init(title: String, count: Int) {
    self.title = title
    entries = Mutex([Entry?](repeating: nil, count: count))
  }

  /// The entry of this place, if there is one already.
  public subscript(index: Int) -> Entry? { entries.withLock { $0[index] } }

  /// Adds an entry, which stays as it is.
  ///
  /// - Parameters:
  ///   - entry: Of a run that has ended.
  ///   - index: Its place.
  public func add(_ entry: Entry, at index: Int) { entries.withLock { $0[index] = entry } }

  /// How many entries are drawn already.
  var drawnCount: Int {
    progress.withLock { $0.page.map { $0.nextEntries?.lowerBound ?? $0.sheet.entryCount } ?? 0 }
  }

  /// Draws the next row if all of its entries are there, on the caller's thread.
  public func advance() {
    let present = entries.withLock { $0 }
    if 2 * present.count(where: { $0 != nil }) < present.count { return }
    // Where another thread draws, this one has work of its own.
    _ = progress.withLockIfAvailable { progress in
      if progress.isGivenUp { return }
      do throws(RenderingError) { try Self.draw(title, present, &progress) } catch {
        // Whoever wants the file in the end meets the error again.
        progress = Progress(page: nil, isGivenUp: true)
      }
    }
  }

  private static func draw(
    _ title: String, _ present: [Entry?], _ progress: inout Progress
  ) throws(RenderingError) {
    let first = 0..<min(ContactSheet.columnCount(for: present.count), present.count)
    let places = progress.page.map(\.nextEntries) ?? first
    // What is looked at often is cheap: a scale looks at many pixels.
    guard let entries = row(places, of: present), let style = Style(title, present) else { return }
    let page: ContactPage
    if let begun = progress.page {
      if !style.sheet.resembles(begun.sheet) {
        progress = Progress(page: nil, isGivenUp: true)
        return
      }
      page = begun
    } else {
      page = try ContactPage(style.sheet)
      progress.page = page
    }
    try page.draw(entries.map(style.shown))
  }

  /// The entries of a row; nil where there is no such row, or one of them is not there yet.
  private static func row(_ places: Range<Int>?, of present: [Entry?]) -> [Entry]? {
    guard let places else { return nil }
    let entries = present[places].compactMap { $0 }
    return entries.count == places.count ? entries : nil
  }

  /// The sheet as PNG; nil where none of the results has a vector map.
  ///
  /// Fields are shown in V/m if the thickness of every specimen is known, else all in V.
  ///
  /// - Parameter entries: All of them; those that were added, as they were added.
  /// - Throws: `StageFailure` where the sheet cannot be drawn.
  public func png(_ entries: [Entry]) throws -> [UInt8]? {
    guard let style = Style(title, entries) else { return nil }
    do {
      return try progress.withLock { progress throws(RenderingError) in
        let page: ContactPage
        if let begun = progress.page, begun.sheet == style.sheet {
          page = begun
        } else {
          page = try ContactPage(style.sheet)
        }
        progress = Progress()
        while let places = page.nextEntries { try page.draw(entries[places].map(style.shown)) }
        return try page.finish()
      }
    } catch {
      throw StageFailure(.failed, "contact sheet: \(error)")
    }
  }
}

/// What the maps of a sheet have in common.
private struct Style {
  let sheet: ContactSheet
  /// Whether projected fields are divided by the thickness.
  private let isMean: Bool

  /// - Parameter entries: As far as they are there; nil where none of them has a map.
  init?(_ title: String, _ entries: [ContactSheetDrawing.Entry?]) {
    let maps = entries.compactMap { $0?.map }
    guard let first = maps.first else { return nil }
    isMean = first.unit == "V" && maps.allSatisfy { $0.thickness != nil }
    let isMean = isMean
    sheet = ContactSheet(
      title: title, entryCount: entries.count,
      quantityLabel: isMean ? "Electric field" : first.label, unit: isMean ? "V/m" : first.unit,
      scaledBy: entries.compactMap { $0 }.map { Self.shown($0, isMean) })
  }

  func shown(_ entry: ContactSheetDrawing.Entry) -> ContactSheet.Entry {
    Self.shown(entry, isMean)
  }

  private static func shown(
    _ entry: ContactSheetDrawing.Entry, _ isMean: Bool
  ) -> ContactSheet.Entry {
    // Divided by the thickness as the field is: by its inverse.
    let scale = isMean ? entry.map?.thickness.map { 1 / $0 } ?? 1 : 1
    return ContactSheet.Entry(
      label: entry.key, map: entry.map?.map, scale: scale, remark: entry.remark)
  }
}
