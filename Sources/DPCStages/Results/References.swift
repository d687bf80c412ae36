// The literature behind the formulas, for the methods paragraph: what Methods.md cites, no more.

/// A published source of a formula.
struct Reference: Sendable, Equatable {
  /// BibTeX key.
  var key: String
  /// BibTeX entry type.
  var kind: String
  /// As a list of references has it.
  var text: String
  /// BibTeX fields in order.
  var fields: [(String, String)]

  static func == (first: Reference, second: Reference) -> Bool { first.key == second.key }

  var bibTeX: String {
    let lines = fields.map { "  \($0.0) = {\($0.1)}" }
    return "@\(kind){\(key),\n\(lines.joined(separator: ",\n"))\n}\n"
  }
}

extension Reference {
  /// Differential phase contrast with a divided detector.
  static let dekkers = Reference(
    key: "Dekkers1974", kind: "article",
    text: "N. H. Dekkers and H. de Lang, Optik 41 (1974) 452.",
    fields: [
      ("author", "Dekkers, N. H. and de Lang, H."),
      ("title", "Differential phase contrast in a {STEM}"), ("journal", "Optik"), ("volume", "41"),
      ("pages", "452"), ("year", "1974"),
    ])
  /// Wavelength, and momentum times velocity.
  static let reimer = Reference(
    key: "ReimerKohl", kind: "book",
    text: "L. Reimer and H. Kohl, Transmission Electron Microscopy, chapter 2, Springer.",
    fields: [
      ("author", "Reimer, Ludwig and Kohl, Helmut"), ("title", "Transmission Electron Microscopy"),
      ("publisher", "Springer"), ("chapter", "2"),
    ])
  /// Integrated differential phase contrast.
  static let lazic = Reference(
    key: "Lazic2016", kind: "article",
    text: "I. Lazić, E. G. T. Bosch and S. Lazar, Ultramicroscopy 160 (2016) 265.",
    fields: [
      ("author", "Lazi{\\'c}, Ivan and Bosch, Eric G. T. and Lazar, Sorin"),
      (
        "title",
        "Phase contrast {STEM} for thin samples: Integrated differential phase contrast"
      ), ("journal", "Ultramicroscopy"), ("volume", "160"), ("pages", "265"), ("year", "2016"),
    ])
  /// Integration by Fourier transform.
  static let frankot = Reference(
    key: "Frankot1988", kind: "article",
    text: "R. T. Frankot and R. Chellappa, IEEE Trans. PAMI 10 (1988) 439.",
    fields: [
      ("author", "Frankot, Robert T. and Chellappa, Rama"),
      ("title", "A method for enforcing integrability in shape from shading algorithms"),
      ("journal", "IEEE Transactions on Pattern Analysis and Machine Intelligence"),
      ("volume", "10"), ("pages", "439"), ("year", "1988"),
    ])
  /// Orthogonal parts of a vector field within a rim.
  static let schwarz = Reference(
    key: "Schwarz1995", kind: "book", text: "G. Schwarz, Hodge Decomposition, Springer 1995.",
    fields: [
      ("author", "Schwarz, G{\\\"u}nter"),
      ("title", "Hodge Decomposition: A Method for Solving Boundary Value Problems"),
      ("publisher", "Springer"), ("year", "1995"),
    ])
  /// Smoothing that gives masked pixels no weight.
  static let knutsson = Reference(
    key: "Knutsson1993", kind: "inproceedings",
    text: "H. Knutsson and C.-F. Westin, CVPR 1993, 515.",
    fields: [
      ("author", "Knutsson, Hans and Westin, Carl-Fredrik"),
      ("title", "Normalized and differential convolution"), ("booktitle", "CVPR"),
      ("pages", "515"), ("year", "1993"),
    ])
  /// The direction of walls.
  static let bigun = Reference(
    key: "Bigun1987", kind: "inproceedings",
    text: "J. Bigün and G. H. Granlund, Proc. 1st ICCV (1987) 433.",
    fields: [
      ("author", "Big{\\\"u}n, Josef and Granlund, G{\\\"o}sta H."),
      ("title", "Optimal orientation detection of linear symmetry"),
      ("booktitle", "Proceedings of the First International Conference on Computer Vision"),
      ("pages", "433"), ("year", "1987"),
    ])
}
