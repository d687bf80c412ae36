// Attributes that nothing reads for their names: mistyped, or on a group in place of a dataset in it.
internal import HDF5
internal import ShownText

extension ItemReader {
  /// Attributes named almost as one that their item is read with and goes without, and attributes of groups named
  /// almost as an item that is missing.
  ///
  /// What cannot be listed has none: this helps, and decides nothing.
  func misnamedAttributes(missing: [String]) -> [MisnamedItem] {
    let items = Set(AcquisitionPath.read)
    let missing = missing.filter(items.contains)
    let ofGroups = ([""] + AcquisitionPath.groups.map(\.0)).flatMap { group in
      attributeNames(ofGroup: group).compactMap { name in
        Self.meant(by: "\(group)/\(name)", among: missing).map {
          MisnamedItem(path: Self.attribute(name, of: group), meant: $0)
        }
      }
    }
    return AcquisitionPath.withOptionalAttributes.flatMap { misnamedAttributes(of: $0) } + ofGroups
  }

  /// Attributes of an item named almost as one that it is read with and does not have.
  func misnamedAttributes(of path: String) -> [MisnamedItem] {
    let expected = AcquisitionPath.attributes(of: path)
    if expected.isEmpty { return [] }
    guard let names = try? file.root.dataset(path).attributeNames() else { return [] }
    let missing = expected.filter { !names.contains($0) }
    return names.filter { !expected.contains($0) }.compactMap { name in
      Spelling.closest(to: name, among: missing).map {
        MisnamedItem(path: Self.attribute(name, of: path), meant: "the attribute \($0)")
      }
    }
  }

  /// What may have been meant as the unit of an item that has none, as the end of a sentence; empty where nothing was.
  func misnamedUnit(of path: String) -> String {
    misnamedAttributes(of: path).first { $0.meant == "the attribute units" }
      .map { "; \($0.words)" } ?? ""
  }

  private func attributeNames(ofGroup path: String) -> [String] {
    let names =
      path.isEmpty
      ? try? file.root.attributeNames() : try? file.root.group(path).attributeNames()
    return names ?? []
  }

  private static func attribute(_ name: String, of path: String) -> String {
    "the attribute \(Shown.clipped(name)) of \(path.isEmpty ? "/" : path)"
  }
}

extension AcquisitionPath {
  /// Items that are read without one of their attributes too; any other is refused without its unit, by name.
  fileprivate static let withOptionalAttributes = [
    frames, gain, deflectionCalibration, deflectionCalibrationErrors, scanRotation,
    electronsPerPixel, flat, vacuum,
  ]

  /// The attributes that an item is read with; none of a text.
  fileprivate static func attributes(of path: String) -> [String] {
    switch path {
    case material, zoneAxis, view, fieldDirection: []
    case scanRotation: ["units", "status"]
    case flat, vacuum: ["units", "exposures"] + packing
    case frames: ["units"] + packing
    default: ["units"]
    }
  }

  /// By which packed numbers are known, and refused.
  private static let packing = ["scale_factor", "add_offset"]
}
