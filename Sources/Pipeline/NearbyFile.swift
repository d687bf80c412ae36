// "Did you mean" for files: what lies beside a path at which there is nothing.
internal import ShownText

/// Suggestions for mistyped paths.
public enum NearbyFile {
  /// What to do about a path at which there is nothing: the file that may have been meant, or the first folder on the way
  /// that does not exist; a name that is not in UTF-8 is to be changed. nil where something is there, and where nothing alike lies beside it.
  public static func suggestion(for path: String) -> String? {
    guard !path.isEmpty, !exists(path) else { return nil }
    // Bytes that are no UTF-8 arrive as this sign, which then is in the name of no file.
    if path.unicodeScalars.contains("\u{FFFD}") {
      return "the name is not in UTF-8, and a file is found by such names only: rename it"
    }
    let parent = FileSystem.parent(of: path)
    guard exists(parent) else {
      return suggestion(for: parent).map { "there is no folder '\(parent)': \($0)" }
        ?? "there is no folder '\(parent)'"
    }
    let name = path.hasSuffix("/") ? "" : String(path.split(separator: "/").last ?? "")
    let names = ((try? FileSystem.names(in: parent)) ?? []).filter { !$0.hasPrefix(".") }
    guard let near = nearest(to: name, among: names) else { return nil }
    return "did you mean '\(path.dropLast(name.count))\(near)'?"
  }

  private static func exists(_ path: String) -> Bool {
    do { _ = try FileSystem.stamp(of: path) } catch { return !error.isMissingFile }
    return true
  }

  /// The name that is most alike; of those with the same ending what stands before it counts, so that all files of one
  /// kind are not alike for their ending.
  static func nearest(to name: String, among names: [String]) -> String? {
    let (stem, ending) = parts(name)
    let alike = names.filter { parts($0).ending == ending }
    if let near = Spelling.closest(to: stem, among: alike.map { parts($0).stem }) {
      return near + ending
    }
    return names.first { parts($0).stem == stem }
      ?? Spelling.closest(to: name, among: names)
      .flatMap { parts($0).ending == ending ? nil : $0 }
  }

  /// A name and its ending, the point with the latter.
  private static func parts(_ name: String) -> (stem: String, ending: String) {
    guard let point = name.lastIndex(of: "."), point > name.startIndex else { return (name, "") }
    return (String(name[..<point]), String(name[point...]))
  }
}
