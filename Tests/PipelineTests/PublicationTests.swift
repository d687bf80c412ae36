// Files that take their places together: all of them or none, in order, and nothing left behind.
import Digest
import Foundation
import Testing

@testable import Pipeline

struct PublicationTests {
  let scratch: Scratch

  init() throws { scratch = try Scratch() }

  private func names() throws -> [String] { try FileSystem.names(in: scratch.path) }
  private func text(_ name: String) throws -> String {
    try String(contentsOfFile: scratch.path + "/" + name, encoding: .utf8)
  }

  @Test("nothing is in its place before the end, everything after it", arguments: [true, false])
  func together(isDurable: Bool) throws {
    let (old, new) = (scratch.path + "/old", scratch.path + "/new")
    _ = try scratch.write("before", to: "old")
    _ = try scratch.write("gone", to: "leftover")
    var publication = Publication(isDurable: isDurable)
    let first = try publication.add(Array("after".utf8), at: old)
    let second = try publication.make(new) { temporary, observer in
      try Data("made".utf8).write(to: URL(filePath: temporary))
      for piece in ["ma", "de"] { Array(piece.utf8).withUnsafeBytes { observer($0) } }
    }
    publication.remove(scratch.path + "/leftover")
    #expect(try text("old") == "before")
    #expect(try !names().contains("new"))
    #expect(try names().contains("leftover"))
    // Where the files lie meanwhile they are what they will be.
    let meanwhile = publication.location(of: old)
    #expect(try String(contentsOfFile: meanwhile, encoding: .utf8) == "after")
    let other = publication.location(of: scratch.path + "/other")
    #expect(other == scratch.path + "/other")
    try publication.finish()
    #expect(try names() == ["new", "old"])
    #expect(try text("old") == "after")
    #expect(try text("new") == "made")
    #expect(first.digest == SHA256Digest(of: Array("after".utf8)).hex)
    #expect(second.digest == SHA256Digest(of: Array("made".utf8)).hex)
    #expect(second.byteCount == 4)
  }

  @Test("what is given up leaves everything as it was")
  func givenUp() throws {
    _ = try scratch.write("before", to: "old")
    do {
      var publication = Publication()
      try publication.add([1], at: scratch.path + "/old")
      try publication.add([2], at: scratch.path + "/new")
      publication.remove(scratch.path + "/old")
      #expect(try names().count == 3)
    }
    #expect(try names() == ["old"])
    #expect(try text("old") == "before")
  }

  @Test("a file that cannot be written stops all of them, and is named")
  func failure() throws {
    _ = try scratch.write("before", to: "old")
    let impossible = scratch.path + "/no-folder/new"
    let error = #expect(throws: StageFailure.self) {
      var publication = Publication()
      try publication.add([1], at: scratch.path + "/old")
      try publication.add([2], at: impossible)
      try publication.finish()
    }
    #expect(error?.category == .machine)
    #expect(error?.message.contains(impossible) == true)
    #expect(try names() == ["old"])
    #expect(try text("old") == "before")
  }

  @Test("bytes that are there already are no change")
  func unchanged() throws {
    let path = try scratch.write("same", to: "file")
    var publication = Publication()
    let file = try publication.add(Array("same".utf8), at: path)
    let isUntouched = publication.isEmpty
    #expect(isUntouched)
    #expect(file.byteCount == 4)
    try publication.add(Array("other".utf8), at: path)
    let isEmpty = publication.isEmpty
    #expect(!isEmpty)
    try publication.finish()
    #expect(try text("file") == "other")
  }
}
