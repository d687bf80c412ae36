// How a value is kept in the cache: a header of plain facts and the arrays beside it.
internal import Foundation
internal import Pipeline
internal import STEMData

/// A value that can be taken apart into a header and arrays, and put together again.
protocol StoredValue: StageValue {
  associatedtype Header: Codable
  var header: Header { get throws }
  var arrays: [String: ArrayArchive.Entry] { get throws }
  init(header: Header, archive: ArrayArchive, files: InputFiles) throws
}

/// Keeps values of one kind as array archives; equal values give equal bytes.
struct ArchiveCodec<Value: StoredValue>: ValueCodec {
  let kind: PortKind

  func encode(_ value: any StageValue, to file: ObjectFile) throws {
    guard let value = value as? Value else {
      throw StageFailure(.failed, "a \(type(of: value)) is no \(kind)")
    }
    let header = String(
      decoding: try RecordJSON.bytes(of: value.header, isLine: true), as: UTF8.self)
    try ArrayArchive(header: header, entries: value.arrays).write {
      try file.write($0)
    }
  }

  func decode(from path: String, files: InputFiles) throws -> any StageValue {
    let archive = try ArrayArchive(contentsOf: path)
    do {
      let header = try RecordJSON.value(Value.Header.self, from: Array(archive.header.utf8))
      return try Value(header: header, archive: archive, files: files)
    } catch is DecodingError {
      throw StageFailure(.failed, "\(path): its header is not that of a value of kind '\(kind)'")
    }
  }
}

/// An array that a stored value should hold and does not.
struct MissingArray: Error, CustomStringConvertible {
  let name: String
  var description: String { "the stored value has no array '\(name)'" }
}

extension ArrayArchive {
  func requiredDoubles(_ name: String) throws -> [Double] {
    guard let values = doubles(name) else { throw MissingArray(name: name) }
    return values
  }

  func requiredBytes(_ name: String) throws -> [UInt8] {
    guard let values = bytes(name) else { throw MissingArray(name: name) }
    return values
  }
}
