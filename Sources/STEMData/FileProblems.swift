// Everything that is wrong with a file, so that its owner can mend it at one go.

/// Gathers refusals while a file is read.
struct FileProblems {
  private(set) var errors: [AcquisitionError] = []
  /// What is not in the file at all and may be left out, and what that blocks.
  private(set) var notStated: [MissingItem] = []

  /// What reading gives; nil where it is refused, which is noted, or where there is nothing.
  mutating func read<Value>(_ body: @autoclosure () throws(AcquisitionError) -> Value?) -> Value? {
    do { return try body() } catch {
      add(error)
      return nil
    }
  }

  mutating func add(_ error: AcquisitionError) { errors.append(error) }

  /// Whether something at this path was refused.
  func concern(_ path: String) -> Bool { errors.contains { $0.object == path } }

  /// Takes what a file leaves out, or has in a place where nothing reads it; what is there and refused is not left out.
  mutating func note(missing items: [MissingItem], misnamed: [MisnamedItem]) {
    notStated = items.filter { !concern($0.path) }.map { item in
      guard let found = misnamed.first(where: { $0.isMeant(by: item.path) }) else { return item }
      return MissingItem(path: item.path, consequence: "\(item.consequence); \(found.words)")
    }
  }

  /// The first refusal, which holds the others.
  var joined: AcquisitionError? {
    guard var first = errors.first else { return nil }
    first.others = Array(errors.dropFirst())
    first.notStated = notStated
    return first
  }
}
