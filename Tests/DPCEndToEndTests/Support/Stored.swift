// What a result.h5 holds, read item by item.
import HDF5
import Testing

/// A file by its path; every call opens it anew.
struct Stored {
  let path: String

  init(_ path: String) { self.path = path }

  func contains(_ item: String) throws -> Bool {
    let file = try HDF5File(opening: path)
    return try file.root.contains(item)
  }

  func names(in group: String) throws -> Set<String> {
    let file = try HDF5File(opening: path)
    return Set(try file.root.group(group).children().map(\.name))
  }

  func values(_ item: String) throws -> [Double] {
    let file = try HDF5File(opening: path)
    return try file.root.dataset(item).values(as: Double.self)
  }

  func scalar(_ item: String) throws -> Double { try #require(try values(item).first) }

  func description(_ item: String) throws -> (shape: [Int], element: String, units: String?) {
    let file = try HDF5File(opening: path)
    let dataset = try file.root.dataset(item)
    return (
      dataset.shape, dataset.description.element.description,
      try dataset.attributeString("units")
    )
  }

  func text(_ item: String) throws -> String {
    let file = try HDF5File(opening: path)
    return try file.root.dataset(item).string()
  }

  /// Texts of a group's attribute; nil where it has none.
  func attribute(_ name: String, of group: String) throws -> [String]? {
    let file = try HDF5File(opening: path)
    if group == "/" { return try file.root.attributeStrings(name) }
    return try file.root.group(group).attributeStrings(name)
  }

  func number(_ name: String, of group: String) throws -> Double? {
    let file = try HDF5File(opening: path)
    return try file.root.group(group).attributeValue(name, as: Double.self)
  }
}
