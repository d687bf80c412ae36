// What is told where two sources state different values of one quantity.
internal import Pipeline

/// A warning where a value given in place of the file's, or of another source, differs from it.
func contradictionNotes(
  _ name: String, given: Double?, stated: Double?, tolerance: Double,
  source: String = "the file states", text: (Double) -> String
) -> [Note] {
  guard let given, let stated, abs(given - stated) > tolerance else { return [] }
  return [Note(.warning, "\(name) \(text(given)) was given; \(source) \(text(stated))")]
}
