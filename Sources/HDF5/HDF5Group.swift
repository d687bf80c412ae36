// Groups: finding, listing, opening and creating what is in them.
internal import CHDF5

/// What a name in a group leads to.
public enum HDF5NodeKind: Sendable, Equatable {
  case group
  case dataset
  case namedType
  /// A path within the same file.
  case softLink(target: String)
  /// Into another file; never followed.
  case externalLink(file: String, object: String)
  /// A link of a kind that this module does not know, or to something broken.
  case unreadable
}

/// A name in a group and what it leads to.
public struct HDF5Child: Sendable, Equatable {
  public let name: String
  public let kind: HDF5NodeKind
}

/// Names an open object to the library; without meaning once its owner is gone.
public struct HDF5Identity: Sendable {
  let id: hid_t
  let place: Place
}

/// Something that carries attributes: a group or a dataset.
public protocol HDF5Object: ~Copyable {
  var identity: HDF5Identity { get }
}

/// An open group.
public struct HDF5Group: ~Copyable, Sendable, HDF5Object {
  private let handle: Handle
  let place: Place
  /// Where what is to be formed at the end is noted; nil in a file that is read.
  let unfilled: UnfilledDatasets?
  /// Kept where a file is read by paths from its root.
  private let last: LastGroup?

  public var identity: HDF5Identity { HDF5Identity(id: handle.id, place: place) }

  init(
    root file: hid_t, file path: String, unfilled: UnfilledDatasets? = nil
  ) throws(HDF5Error) {
    self.unfilled = unfilled
    last = unfilled == nil ? LastGroup() : nil
    place = Place(file: path, object: "/")
    handle = try Handle("open", place) {
      H5Gopen2(file, "/", CHDF5_default_properties())
    }
  }

  init(handle: consuming Handle, place: Place, unfilled: UnfilledDatasets? = nil) {
    self.handle = handle
    self.place = place
    self.unfilled = unfilled
    last = nil
  }

  private var resolver: LinkResolver { LinkResolver(group: handle.id, place: place, last: last) }

  consuming func release() throws(HDF5Error) {
    let place = self.place
    try handle.close("close", place)
  }

  // MARK: Finding

  /// Whether the path leads to an object of this file.
  ///
  /// - Parameter refusesDeadEnds: Whether a soft link to nothing is an error, which names it.
  /// - Throws: `.leavesFile` where it leads into another file, whether or not that exists.
  public func contains(
    _ path: String, refusesDeadEnds: Bool = false
  ) throws(HDF5Error) -> Bool {
    let resolver = resolver
    return try Library.together { () throws(HDF5Error) in
      return switch try resolver.find(path, refusesDeadEnds: refusesDeadEnds) {
      case .none: false
      case .some: true
      }
    }
  }

  /// What stands at the path, soft links within the file followed; nil where nothing does.
  public func kind(of path: String) throws(HDF5Error) -> HDF5NodeKind? {
    let place = self.place.appending(path)
    guard let target = try resolver.find(path) else { return nil }
    let object = try target.open(place: place)
    return kind(ofOpen: object.id)
  }

  /// The names in this group in alphabetical order; nothing is opened for them.
  public func childNames() throws(HDF5Error) -> [String] {
    try Library.names("list", place) { [id = handle.id] visitor, context in
      CHDF5_for_each_link(id, visitor, context)
    }
  }

  /// What stands in this group, in alphabetical order. Links are named, not followed.
  public func children() throws(HDF5Error) -> [HDF5Child] {
    let names = try childNames()
    let resolver = resolver
    var children: [HDF5Child] = []
    for name in names {
      guard let link = try? resolver.link(at: name) else {
        // A broken entry is listed as such, so that the others remain visible.
        children.append(HDF5Child(name: name, kind: .unreadable))
        continue
      }
      children.append(HDF5Child(name: name, kind: kind(of: link, name: name)))
    }
    return children
  }

  private func kind(of link: LinkResolver.Link, name: String) -> HDF5NodeKind {
    switch link {
    case .soft(let target): return .softLink(target: target)
    case .external(let file, let object): return .externalLink(file: file, object: object)
    case .other: return .unreadable
    case .hard:
      let object = try? Handle("open", place) { [id = handle.id] in
        H5Oopen(id, name, CHDF5_default_properties())
      }
      // A broken object is listed as such, so that the others remain visible.
      guard let object else { return .unreadable }
      return kind(ofOpen: object.id)
    }
  }

  private func kind(ofOpen object: hid_t) -> HDF5NodeKind {
    switch Library.locked(place.file, { H5Iget_type(object) }) {
    case H5I_GROUP: return .group
    case H5I_DATASET: return .dataset
    case H5I_DATATYPE: return .namedType
    default: return .unreadable
    }
  }

  // MARK: Opening

  /// Opens a group of this file.
  public func group(_ path: String) throws(HDF5Error) -> HDF5Group {
    HDF5Group(handle: try open(path, as: .group), place: place.appending(path))
  }

  /// Opens a dataset of this file.
  ///
  /// - Parameter chunkCacheBytes: Room for unpacked chunks, where a region is read in pieces that
  ///   cut through chunks; nil is the library's choice (1 MiB).
  public func dataset(
    _ path: String, chunkCacheBytes: Int? = nil
  ) throws(HDF5Error) -> HDF5Dataset {
    let place = self.place.appending(path)
    guard let chunkCacheBytes else {
      return try HDF5Dataset(handle: try open(path, as: .dataset), place: place)
    }
    // Datasets opened twice share the cache of the first opening, hence closed in between.
    try open(path, as: .dataset).close("open", place)
    let access = try Handle("open", place) { H5Pcreate(CHDF5_dataset_access()) }
    // The library wants a prime number of slots, a hundred times that of the chunks held.
    try Library.checked("open", place) {
      H5Pset_chunk_cache(access.id, 100_003, chunkCacheBytes, CHDF5_default_preemption())
    }
    let target = try target(path)
    let dataset = try target.openDataset(access: access.id, place: place)
    return try HDF5Dataset(handle: dataset, place: place)
  }

  private func target(_ path: String) throws(HDF5Error) -> LinkTarget {
    guard let target = try resolver.find(path) else {
      throw place.appending(path).error(.noSuchObject, "open", "there is no such object")
    }
    return target
  }

  private func open(_ path: String, as wanted: HDF5NodeKind) throws(HDF5Error) -> Handle {
    let place = self.place.appending(path)
    let object = try target(path).open(place: place)
    let kind = kind(ofOpen: object.id)
    guard kind == wanted else {
      throw place.error(.mismatch, "open", "it is a \(kind), not a \(wanted)")
    }
    return object
  }

  // MARK: Creating

  /// Creates a group; the groups above it must be there.
  public func createGroup(_ path: String) throws(HDF5Error) -> HDF5Group {
    let place = self.place.appending(path)
    let creation = WritingLists.group
    let group = try Handle("create", place) { [id = handle.id] in
      H5Gcreate2(id, path, CHDF5_default_properties(), creation, CHDF5_default_properties())
    }
    return HDF5Group(handle: group, place: place, unfilled: unfilled)
  }
}
