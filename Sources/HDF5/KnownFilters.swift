// Compression filters by number: their names, and where a missing one comes from.

/// A filter of the registry kept by The HDF Group.
struct KnownFilter {
  let name: String
  /// The Debian package that brings the plugin, where there is one.
  let package: String?

  private static let registry: [Int: KnownFilter] = [
    1: KnownFilter(name: "deflate (gzip)", package: nil),
    2: KnownFilter(name: "shuffle", package: nil),
    3: KnownFilter(name: "fletcher32", package: nil),
    4: KnownFilter(name: "szip", package: nil),
    5: KnownFilter(name: "nbit", package: nil),
    6: KnownFilter(name: "scaleoffset", package: nil),
    305: KnownFilter(name: "LZO", package: nil),
    307: KnownFilter(name: "bzip2", package: "hdf5-filter-plugin"),
    32000: KnownFilter(name: "LZF", package: "hdf5-plugin-lzf"),
    32001: KnownFilter(name: "Blosc", package: "hdf5-filter-plugin-blosc-serial"),
    32004: KnownFilter(name: "LZ4", package: "hdf5-filter-plugin"),
    32008: KnownFilter(name: "bitshuffle", package: "hdf5-filter-plugin"),
    32013: KnownFilter(name: "ZFP", package: "hdf5-filter-plugin-zfp-serial"),
    32015: KnownFilter(name: "Zstandard", package: nil),
    32017: KnownFilter(name: "SZ", package: nil),
    32018: KnownFilter(name: "FCIDECOMP", package: nil),
    32024: KnownFilter(name: "SZ3", package: nil),
    32026: KnownFilter(name: "Blosc2", package: nil),
    32028: KnownFilter(name: "SPERR", package: nil),
  ]

  static func name(of id: Int) -> String? { registry[id]?.name }

  /// What to say of a filter that the library lacks.
  static func advice(for filter: HDF5Filter) -> String {
    let subject = "compressed by the filter \(filter.name) (\(filter.id)), which is not installed"
    if let package = registry[filter.id]?.package {
      return "\(subject); on Debian the package \(package) brings it"
    }
    return
      "\(subject); rewrite the dataset with gzip, or put a plugin where HDF5_PLUGIN_PATH points"
  }
}
