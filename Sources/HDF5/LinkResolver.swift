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

  enum Link: Equatable {
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

  /// Where a search has come to.
  private struct Walk {
    /// Names that are to be looked up, the next one first.
    var pending: [String]
    /// The group that was reached last, kept open; nil at the beginning.
    var parent: OpenGroup?
    var location: hid_t
    /// Names are looked up in the group that was reached last, paths only at the root.
    var prefix: String
    /// How the name that is looked at was reached.
    var walked: Place
    var links: [FollowedLink] = []

    mutating func enter(_ group: OpenGroup, _ place: Place) {
      (parent, location, prefix, walked) = (group, group.id, "", place)
    }
  }

  /// What the path leads to, or nil where a part of it does not exist.
  ///
  /// - Parameter refusesDeadEnds: Whether a soft link to nothing is an error, which names it.
  func find(_ path: String, refusesDeadEnds: Bool = false) throws(HDF5Error) -> LinkTarget? {
    let here = place.appending(path)
    var walk = Walk(
      pending: Self.components(of: path), location: group, prefix: path.hasPrefix("/") ? "/" : "",
      walked: place)
    let groups = walk.pending.dropLast()
    let known = groups.isEmpty ? nil : last?.group(at: groups)
    if let known {
      walk.enter(known, place.appending(groups.joined(separator: "/")))
      walk.pending.removeFirst(groups.count)
    }
    while let name = walk.pending.first {
      walk.pending.removeFirst()
      let isLast = walk.pending.isEmpty
      if isLast, walk.links.isEmpty, known == nil, let parent = walk.parent {
        last?.note(parent, at: groups)
      }
      let (location, candidate) = (walk.location, walk.prefix + name)
      let exists = try Library.checked("open", here) {
        H5Lexists(location, candidate, CHDF5_default_properties())
      }
      if exists == 0 {
        if refusesDeadEnds { try Self.refuseDeadEnd(walk.links, rest: walk.pending.count, here) }
        return nil
      }
      let link = try link(at: candidate, in: location)
      if link == .hard {
        if isLast { return LinkTarget(parent: walk.parent, location: location, name: candidate) }
        // Only a group has a next link; asking anything else is an error of the library.
        guard let next = openGroup(candidate, in: location) else { return nil }
        walk.enter(next, walk.walked.appending(candidate))
      } else {
        try follow(link, candidate, &walk, here)
      }
    }
    return LinkTarget(parent: walk.parent, location: walk.location, name: walk.prefix + ".")
  }

  /// Goes on where a soft link leads; refuses every other.
  private func follow(
    _ link: Link, _ name: String, _ walk: inout Walk, _ here: Place
  ) throws(HDF5Error) {
    switch link {
    case .hard: break
    case .soft(let target):
      walk.links.append(
        FollowedLink(
          path: walk.walked.appending(name).object ?? name, target: target,
          rest: walk.pending.count))
      if walk.links.count > Self.maximumSoftLinks {
        throw here.error(.damaged, "open", "its soft links lead in a circle")
      }
      if target.hasPrefix("/") {
        (walk.parent, walk.location, walk.prefix, walk.walked) = (nil, group, "/", place)
      }
      walk.pending = Self.components(of: target) + walk.pending
    case .external(let file, let object):
      throw here.error(
        .leavesFile, "open",
        "\(name) is an external link to \(object) in \(file); only what lies in the file "
          + "itself is read: copy it in")
    case .other:
      throw here.error(.leavesFile, "open", "\(name) is a link of an unknown kind")
    }
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
