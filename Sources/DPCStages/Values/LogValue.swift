// What a program wrote on its standard streams, kept beside its result.
internal import Pipeline
internal import STEMData

/// A text for people; nothing is computed from it.
struct LogValue: StoredValue, Equatable {
  var text: String

  struct Header: Codable { var text: String }

  var header: Header { Header(text: text) }
  var arrays: [String: ArrayArchive.Entry] { [:] }
}

extension LogValue {
  init(header: Header, archive: ArrayArchive, files: InputFiles) throws { text = header.text }
}
