// Why a figure is worse than the reference's by more than 5 %, where that is known.

enum Explanations {
  /// A sentence for the report; nil where a worse figure is a fault.
  static func sentence(
    _ name: String, _ quantity: Quantity, facts: AcquisitionFacts
  ) -> String? {
    let base = ReferenceFigures.baseName(name)
    if quantity == .potential, isPeriodic(base) {
      return "integrated as a frame that ends at its rim, which a measured one does; the reference"
        + " takes this specimen for periodic, which it is"
    }
    if facts.isSampled, facts.name != base {
      return "another draw of the noise than the reference's"
    }
    return nil
  }

  /// Whether the frame of a case is known to repeat itself.
  static func isPeriodic(_ name: String) -> Bool {
    periodic.contains(ReferenceFigures.baseName(name))
  }

  private static let periodic: Set<String> = [
    "depol-walls", "wave-depol", "wave-xsec45", "wave-xsec45-h", "wave-xsec45-weak-h", "wave-dots",
    "wave-fine", "wave-atomic", "wave-atomic-weak", "wave-atomic-df3", "wave-lattice",
    "wave-lattice-defocus",
  ]
}
