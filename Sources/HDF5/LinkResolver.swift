// Follows a path link by link, so that nothing is opened before it is known to lie in the file.
internal import CHDF5

/// Turns a path into one that passes through hard links only.
///
/// The library would follow a link into any file that the user can read, before it could be asked
/// where the object came from.
struct LinkResolver {
  /// More soft links than this in one path are a loop.
  private static let maximumSoftLinks = 16

  enum Link {
    case hard
    case soft(target: String)
    case external(file: String, object: String)
    case other
  }

  let group: hid_t
  let place: Place

  /// The path without soft links, or nil where a part of it does not exist.
  func resolve(_ path: String) throws(HDF5Error) -> String? {
    let here = place.appending(path)
    var pending = Self.components(of: path)
    var isAbsolute = path.hasPrefix("/")
    var resolved: [String] = []
    var softLinks = 0
    while let name = pending.first {
      pending.removeFirst()
      let candidate = (isAbsolute ? "/" : "") + (resolved + [name]).joined(separator: "/")
      let exists = try Library.checked("open", here) {
        H5Lexists(group, candidate, CHDF5_default_properties())
      }
      if exists == 0 { return nil }
      switch try link(at: candidate) {
      case .hard:
        resolved.append(name)
        // Only a group has a next link; asking anything else is an error of the library.
        if !pending.isEmpty, !isGroup(candidate) { return nil }
      case .soft(let target):
        softLinks += 1
        if softLinks > Self.maximumSoftLinks {
          throw here.error(.damaged, "open", "its soft links lead in a circle")
        }
        if target.hasPrefix("/") { (isAbsolute, resolved) = (true, []) }
        pending = Self.components(of: target) + pending
      case .external(let file, let object):
        throw here.error(
          .leavesFile, "open",
          "\(candidate) is an external link to \(object) in \(file); only what lies in the file "
            + "itself is read: copy it in")
      case .other:
        throw here.error(.leavesFile, "open", "\(candidate) is a link of an unknown kind")
      }
    }
    return (isAbsolute ? "/" : "") + (resolved.isEmpty ? "." : resolved.joined(separator: "/"))
  }

  private static func components(of path: String) -> [String] {
    path.split(separator: "/").map(String.init).filter { $0 != "." }
  }

  private func isGroup(_ path: String) -> Bool {
    let object = try? Handle("open", place) {
      H5Oopen(group, path, CHDF5_default_properties())
    }
    // What cannot be opened is reported when it is wanted itself.
    guard let object else { return false }
    let id = object.id
    return Library.locked { H5Iget_type(id) } == H5I_GROUP
  }

  /// The link at the end of a path whose other parts are hard links.
  func link(at path: String) throws(HDF5Error) -> Link {
    let here = place.appending(path)
    var size = 0
    let kind = try Library.checked("open", here) {
      CHDF5_link_kind(group, path, &size)
    }
    if kind == Int32(CHDF5_link_hard) { return .hard }
    if kind == Int32(CHDF5_link_other) { return .other }
    guard size > 0, size <= 1 << 20 else {
      throw here.error(.damaged, "open", "its link has a target of \(size) bytes")
    }
    var value = [CChar](repeating: 0, count: size + 1)
    try Library.checked("open", here) {
      H5Lget_val(group, path, &value, size, CHDF5_default_properties())
    }
    if kind == Int32(CHDF5_link_soft) { return .soft(target: text(value)) }
    // An external link holds flags, the file's name and the object's path, each ended by zero.
    let parts = value.dropFirst().split(separator: 0, omittingEmptySubsequences: false)
    return .external(
      file: parts.first.map { text(Array($0)) } ?? "?",
      object: parts.dropFirst().first.map { text(Array($0)) } ?? "?")
  }

  private func text(_ characters: [CChar]) -> String {
    StringDecoding.text(characters.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) })
  }
}
