// SHA-256 against published vectors, and of files against the digest of their bytes.
import Digest
import Glibc
import Testing

struct SHA256DigestTests {
  @Test(
    "agrees with the vectors of FIPS 180-4",
    arguments: [
      ("", "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"),
      ("abc", "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"),
      (
        "abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq",
        "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1"
      ),
    ])
  func vectors(text: String, hex: String) {
    #expect(SHA256Digest(of: Array(text.utf8)).hex == hex)
  }

  @Test("a million times 'a', piece by piece, is the published digest")
  func incremental() {
    var hasher = SHA256Hasher()
    let piece = [UInt8](repeating: UInt8(ascii: "a"), count: 1009)
    for _ in 0..<991 { hasher.update(piece.span.bytes) }
    hasher.update(piece.span.extracting(..<(1_000_000 - 1009 * 991)).bytes)
    #expect(
      hasher.finalize().hex == "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0")
  }

  @Test(
    "a file's digest is that of its bytes, whatever its size beside the block's",
    arguments: [0, 1, (1 << 20) - 1, 1 << 20, (1 << 20) + 1, 2 << 20, 9_000_000])
  func file(size: Int) throws {
    var bytes = [UInt8](repeating: 0x5a, count: size)
    // Marks so spread that blocks in another order, or one left out, give another digest.
    for index in stride(from: 0, to: size, by: 4099) { bytes[index] = UInt8(index / 4099 % 251) }
    let path = "/tmp/dpc-digest-\(getpid())-\(size)"
    let descriptor = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0o644)
    try #require(descriptor >= 0)
    defer { unlink(path) }
    #expect(write(descriptor, bytes, size) == size)
    close(descriptor)
    let found = try SHA256Digest.ofFile(at: path)
    #expect(found.digest == SHA256Digest(of: bytes))
    #expect(found.byteCount == size)
  }

  @Test("a missing file is an error with the path and the system's words")
  func missingFile() throws {
    let error = try #require(throws: FileDigestError.self) {
      try SHA256Digest.ofFile(at: "/nowhere/at/all")
    }
    #expect(error.code == ENOENT)
    #expect(error.description == "cannot open /nowhere/at/all: No such file or directory")
  }

  @Test("a digest says how far it is, and ends with the next block when it shall")
  func cancelled() throws {
    // Nine blocks or so: any file that is there, and as large as this.
    let path = try #require(CommandLine.arguments.first)
    var counts: [Int] = []
    let error = try #require(throws: FileDigestError.self) {
      try SHA256Digest.ofFile(at: path) { count in
        counts.append(count)
        return counts.count < 2
      }
    }
    #expect(counts == [1 << 20, 2 << 20])
    #expect(error.code == ECANCELED)
  }

  @Test("a folder is an error, not the digest of nothing")
  func folder() throws {
    let error = try #require(throws: FileDigestError.self) { try SHA256Digest.ofFile(at: "/tmp") }
    #expect(error.description == "cannot read /tmp: Is a directory")
  }

  @Test(
    "only 64 lower-case hexadecimal digits are a digest",
    arguments: ["", "ba78", String(repeating: "A", count: 64), String(repeating: "g", count: 64)])
  func badHex(text: String) {
    #expect(SHA256Digest(hex: text) == nil)
    #expect(SHA256Digest(hex: String(repeating: "0a", count: 32)) != nil)
  }
}
