// Follows a path link by link, so that nothing is opened before it is known to lie in the file.
internal import CHDF5
internal import Synchronization

/// An object that is known to lie in the file: by its name in a group.
struct LinkTarget: ~Copyable {
  /// Keeps the group open, unless the search began there.
  private let parent: OpenGroup?
  private let location: hid_t
  private let name: String

  fileprivate init(parent: OpenGroup?, location: hid_t, name: String) {
    self.parent = parent
    self.location = location
    self.name = name
  }

  func open(place: Place) throws(HDF5Error) -> Handle {
    try Handle("open", place) { [location, name] in
      H5Oopen(location, name, CHDF5_default_properties())
    }
  }

  /// Opens a dataset in a way that a list of properties tells.
  func openDataset(access: hid_t, place: Place) throws(HDF5Error) -> Handle {
    try Handle("open", place) { [location, name] in H5Dopen2(location, name, access) }
  }
}

/// A group that is kept open for the sake of what is in it.
final class OpenGroup: Sendable {
  private let handle: Handle

  var id: hid_t { handle.id }

  init(_ handle: consuming Handle) { self.handle = handle }
}

/// The group that was searched last: what is looked up next mostly stands in it too.
///
/// Only one that was reached through hard links is kept, so that its path leads nowhere else.
final class LastGroup: Sendable {
  private let known = Mutex<(path: [String], group: OpenGroup)?>(nil)

  func group(at path: ArraySlice<String>) -> OpenGroup? {
    known.withLock { known in
      guard let known, path.elementsEqual(known.path) else { return nil }
      return known.group
    }
  }

  func note(_ group: OpenGroup, at path: ArraySlice<String>) {
    known.withLock { $0 = (Array(path), group) }
  }
}

/// Follows a path group by group, through hard links and soft ones within the file.
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

  /// A soft link on the way along a path.
  private struct FollowedLink {
    let path: String
    let target: String
    /// A name that is followed by fewer names than these is no part of the target.
    let rest: Int
  }

  let group: hid_t
  let place: Place
  /// nil where none is worth keeping.
  var last: LastGroup?

  /// What the path leads to, or nil where a part of it does not exist.
  ///
  /// - Parameter refusesDeadEnds: Whether a soft link to nothing is an error, which names it.
  func find(_ path: String, refusesDeadEnds: Bool = false) throws(HDF5Error) -> LinkTarget? {
    let here = place.appending(path)
    var pending = Self.components(of: path)
    let groups = pending.dropLast()
    // Names are looked up in the group that was reached last, paths only at the root.
    var parent: OpenGroup?
    var location = group
    var prefix = path.hasPrefix("/") ? "/" : ""
    // How the name that is looked at was reached.
    var walked = place
    var links: [FollowedLink] = []
    let known = groups.isEmpty ? nil : last?.group(at: groups)
    if let known {
      (parent, location, prefix) = (known, known.id, "")
      walked = place.appending(groups.joined(separator: "/"))
      pending.removeFirst(groups.count)
    }
    while let name = pending.first {
      pending.removeFirst()
      if pending.isEmpty, links.isEmpty, known == nil, let parent { last?.note(parent, at: groups) }
      let candidate = prefix + name
      let exists = try Library.checked("open", here) { [location] in
        H5Lexists(location, candidate, CHDF5_default_properties())
      }
      if exists == 0 {
        if refusesDeadEnds { try Self.refuseDeadEnd(links, rest: pending.count, here) }
        return nil
      }
      switch try link(at: candidate, in: location) {
      case .hard:
        if pending.isEmpty {
          return LinkTarget(parent: parent, location: location, name: candidate)
        }
        // Only a group has a next link; asking anything else is an error of the library.
        guard let next = openGroup(candidate, in: location) else { return nil }
        (parent, location, prefix) = (next, next.id, "")
        walked = walked.appending(candidate)
      case .soft(let target):
        links.append(
          FollowedLink(
            path: walked.appending(candidate).object ?? candidate, target: target,
            rest: pending.count))
        if links.count > Self.maximumSoftLinks {
          throw here.error(.damaged, "open", "its soft links lead in a circle")
        }
        if target.hasPrefix("/") {
          (location, prefix) = (group, "/")
          parent = nil
          walked = place
        }
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
    return LinkTarget(parent: parent, location: location, name: prefix + ".")
  }

  /// - Parameter rest: How many names follow the one that does not exist.
  /// - Throws: What is wrong with the last soft link, where the name is part of its target.
  private static func refuseDeadEnd(
    _ links: [FollowedLink], rest: Int, _ here: Place
  ) throws(HDF5Error) {
    guard let link = links.last(where: { $0.rest <= rest }) else { return }
    throw here.error(
      .noSuchObject, "open",
      "\(link.path) is a soft link to \(link.target), where there is nothing")
  }

  private static func components(of path: String) -> [String] {
    path.split(separator: "/").map(String.init).filter { $0 != "." }
  }

  /// nil for what is no group, or cannot be opened: that is reported when it is wanted itself.
  private func openGroup(_ path: String, in location: hid_t) -> OpenGroup? {
    let object = try? Handle("open", place) {
      H5Oopen(location, path, CHDF5_default_properties())
    }
    guard let object else { return nil }
    let id = object.id
    if Library.locked(place.file, { H5Iget_type(id) }) != H5I_GROUP { return nil }
    return OpenGroup(object)
  }

  /// The link at the end of a path whose other parts are hard links.
  func link(at path: String) throws(HDF5Error) -> Link { try link(at: path, in: group) }

  private func link(at path: String, in group: hid_t) throws(HDF5Error) -> Link {
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
