// Compression filters by number: their names, and where a missing one comes from.

/// A filter of the registry kept by The HDF Group.
struct KnownFilter {
  let name: String
  /// Whether the Python package hdf5plugin brings a plugin, which serves every program.
  let hasPlugin: Bool

  private static let registry: [Int: KnownFilter] = [
    1: KnownFilter(name: "deflate (gzip)", hasPlugin: false),
    2: KnownFilter(name: "shuffle", hasPlugin: false),
    3: KnownFilter(name: "fletcher32", hasPlugin: false),
    4: KnownFilter(name: "szip", hasPlugin: false),
    5: KnownFilter(name: "nbit", hasPlugin: false),
    6: KnownFilter(name: "scaleoffset", hasPlugin: false),
    305: KnownFilter(name: "LZO", hasPlugin: false),
    307: KnownFilter(name: "bzip2", hasPlugin: true),
    LZF.filter: KnownFilter(name: "LZF", hasPlugin: false),
    32001: KnownFilter(name: "Blosc", hasPlugin: true),
    32004: KnownFilter(name: "LZ4", hasPlugin: true),
    32008: KnownFilter(name: "bitshuffle", hasPlugin: true),
    32013: KnownFilter(name: "ZFP", hasPlugin: true),
    32015: KnownFilter(name: "Zstandard", hasPlugin: true),
    32017: KnownFilter(name: "SZ", hasPlugin: true),
    32018: KnownFilter(name: "FCIDECOMP", hasPlugin: true),
    32024: KnownFilter(name: "SZ3", hasPlugin: true),
    32026: KnownFilter(name: "Blosc2", hasPlugin: true),
    32028: KnownFilter(name: "SPERR", hasPlugin: true),
  ]

  static func name(of id: Int) -> String? { registry[id]?.name }

  /// What to say of a filter that the library lacks.
  static func advice(for filter: HDF5Filter) -> String {
    let subject = "compressed by the filter \(filter.name) (\(filter.id)), which is not installed"
    if registry[filter.id]?.hasPlugin == true {
      return "\(subject): rewrite the dataset with gzip, or pip install hdf5plugin and put"
        + " HDF5_PLUGIN_PATH=$(python3 -c 'import hdf5plugin; print(hdf5plugin.PLUGIN_PATH)') before dpc"
    }
    return
      "\(subject): rewrite the dataset with gzip, or put a plugin where HDF5_PLUGIN_PATH points"
  }
}
