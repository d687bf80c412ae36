// The value of a SHA-256 digest, and the hasher that forms it over libcrypto.
internal import CCrypto

/// A SHA-256 digest, FIPS 180-4.
///
/// It digests a plain run of bytes: equal to what `sha256sum` prints for a file with these bytes.
public struct SHA256Digest: Sendable, Hashable {
  /// 64 lower-case hexadecimal digits.
  public let hex: String

  /// nil unless `hex` is 64 lower-case hexadecimal digits.
  public init?(hex: String) {
    let digits = hex.utf8
    guard digits.count == 64, digits.allSatisfy({ Self.isDigit($0) }) else { return nil }
    self.hex = hex
  }

  /// The digest of `bytes`.
  public init(of bytes: [UInt8]) {
    var hasher = SHA256Hasher()
    hasher.update(bytes.span.bytes)
    self = hasher.finalize()
  }

  init(raw: [UInt8]) {
    let digits = Array("0123456789abcdef".utf8)
    var characters: [UInt8] = []
    characters.reserveCapacity(64)
    for byte in raw {
      characters.append(digits[Int(byte >> 4)])
      characters.append(digits[Int(byte & 15)])
    }
    hex = String(decoding: characters, as: UTF8.self)
  }

  private static func isDigit(_ byte: UInt8) -> Bool {
    (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte)
      || (UInt8(ascii: "a")...UInt8(ascii: "f")).contains(byte)
  }
}

extension SHA256Digest: CustomStringConvertible {
  public var description: String { hex }
}

extension SHA256Digest: Codable {
  /// A single string of 64 hexadecimal digits.
  public init(from decoder: any Decoder) throws {
    let container = try decoder.singleValueContainer()
    guard let digest = SHA256Digest(hex: try container.decode(String.self)) else {
      throw DecodingError.dataCorruptedError(in: container, debugDescription: "not a SHA-256")
    }
    self = digest
  }

  public func encode(to encoder: any Encoder) throws {
    var container = encoder.singleValueContainer()
    try container.encode(hex)
  }
}

/// Forms a digest piece by piece: the digest of the pieces' concatenation.
public struct SHA256Hasher: ~Copyable {
  private let context: OpaquePointer

  /// Looked up once: by its name alone libcrypto would look it up for each digest. Before that nothing is read of the
  /// system's configuration, which has no say in what a digest is.
  private nonisolated(unsafe) static let algorithm: OpaquePointer? = {
    OPENSSL_init_crypto(UInt64(OPENSSL_INIT_NO_LOAD_CONFIG), nil)
    return EVP_MD_fetch(nil, "SHA256", nil)
  }()

  public init() {
    // Fails only when memory for a few hundred bytes is gone, or libcrypto has no SHA-256 at all.
    guard let algorithm = Self.algorithm, let context = EVP_MD_CTX_new(),
      EVP_DigestInit_ex(context, algorithm, nil) == 1
    else {
      preconditionFailure("libcrypto gives no SHA-256")
    }
    self.context = context
  }

  deinit { EVP_MD_CTX_free(context) }

  public mutating func update(_ bytes: RawSpan) {
    bytes.withUnsafeBytes { update($0) }
  }

  public mutating func update(_ bytes: UnsafeRawBufferPointer) {
    let status = EVP_DigestUpdate(context, bytes.baseAddress, bytes.count)
    precondition(status == 1, "a SHA-256 takes any bytes until it is finished")
  }

  /// Ends the digest.
  public consuming func finalize() -> SHA256Digest {
    var raw = [UInt8](repeating: 0, count: 32)
    let status = raw.withUnsafeMutableBufferPointer { buffer in
      EVP_DigestFinal_ex(context, buffer.baseAddress, nil)
    }
    precondition(status == 1, "a SHA-256 can be finished once")
    return SHA256Digest(raw: raw)
  }
}
