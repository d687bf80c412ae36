// Texts that are not YAML, not a manifest, or meant to harm.

import PipelineManifest
import Testing

struct SyntaxProblemTests {
  @Test(
    "Broken YAML is told with its place",
    arguments: [
      (
        "name: demo", "name: a: b", 2, 8,
        "not valid YAML: mapping values are not allowed in this context"
      ),
      ("    from: read", "\tfrom: read", 9, 1, "a tab cannot indent a line of YAML"),
      (
        "from: long }", "from: long", 12, 8,
        "not valid YAML: while parsing a flow mapping, did not find expected ',' or '}'"
      ),
      (
        "[long, figure]", "[long, figure", 12, 10,
        "not valid YAML: while parsing a flow sequence, did not find expected ',' or ']'"
      ),
      ("name: demo", "name: *x", 2, 7, "not valid YAML: found undefined alias"),
      (
        "name: demo", "name: d\u{E9}mo \u{1}", 2, 12,
        "not a text file: control characters are not allowed"
      ),
      (
        "name: demo", "name: demo\n---\na: b", 3, 1,
        "not valid YAML: expected a single document in the stream, but found another document"
      ),
    ])
  func syntax(_ piece: String, _ other: String, _ line: Int, _ column: Int, _ message: String) {
    do {
      _ = try load(changed(piece, to: other))
      Issue.record("not refused")
    } catch {
      #expect(error.problems.map(\.message) == [message])
      #expect(error.problems.first?.line == line)
      #expect(error.problems.first?.column == column)
    }
  }

  @Test(
    "A text that is no manifest is told so",
    arguments: [
      ("", "the manifest is empty"), ("# only a comment\n", "the manifest is empty"),
      ("- a\n- b\n", "a manifest is a mapping of keys to values, not a list"),
      ("42", "a manifest is a mapping of keys to values, not '42'"),
    ])
  func noManifest(_ text: String, _ message: String) {
    do {
      _ = try load(text)
      Issue.record("not refused")
    } catch {
      #expect(error.problems.map(\.message) == [message])
      #expect(error.problems.first?.suggestion == "start it with schema: dpc-pipeline/1")
    }
  }

  @Test(
    "A merged mapping is told as what it is, once, and not by the keys that it would have brought")
  func merging() {
    #expect(
      complaint(
        changed("    uses: stretch", to: "    <<: &base { uses: stretch }"))
          == """
          demo.yaml:8:5: error: YAML's merge key '<<' is not supported
                <<: &base { uses: stretch }
                ^~
            help: repeat the keys here

          1 error in demo.yaml

          """)
  }

  @Test("Nested aliases are stopped before they grow, by number and by size")
  func aliases() {
    var bomb = "a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n"
    for level in 1...3 {
      let aliases = [String](repeating: "*a\(level - 1)", count: 10).joined(separator: ", ")
      bomb += "a\(level): &a\(level) [\(aliases)]\n"
    }
    #expect(
      complaint(bomb + "b: [*a3]\n").contains("error: too many aliases"))
    let wide = "a: &a [" + String(repeating: "x, ", count: 2000) + "]\n"
    let many = "b: [" + String(repeating: "*a, ", count: 20) + "]\n"
    #expect(complaint(wide + many).contains("error: more than 20000 values"))
  }

  @Test("A text beyond 1 MiB is refused unread, and deep nesting is an error like any other")
  func size() {
    let long = "# " + String(repeating: "x", count: 1 << 20) + "\n" + goodManifest
    #expect(complaint(long).contains("error: a manifest has at most 1 MiB"))
    let deep = "a: " + String(repeating: "[", count: 200_000)
    #expect(complaint(deep).hasSuffix("1 error in demo.yaml\n"))
  }

  @Test("A caret stands below its word behind tabs, accents and on long lines")
  func carets() {
    #expect(
      complaint(
        changed("{ length_nm: 50, method: cubic }", to: "{ \"length_nm\":\t50,\tmetod: \"é\" }"))
          == """
          demo.yaml:10:30: error: stretch has no parameter 'metod'
                with: { "length_nm":\t50,\tmetod: "é" }
                                    \t   \t^~~~~
            help: did you mean 'method'?

          1 error in demo.yaml

          """)
    let padding = String(repeating: " ", count: 300)
    #expect(
      complaint(
        changed("{ length_nm: 50, method: cubic }", to: "{ length_nm: 50,\(padding)metod: cubic }"))
          == """
          demo.yaml:10:327: error: stretch has no parameter 'metod'
            …\(String(repeating: " ", count: 59))metod: cubic }
             \(String(repeating: " ", count: 59))^~~~~
            help: did you mean 'method'?

          1 error in demo.yaml

          """)
  }

  @Test("Characters that would steer a terminal are not passed on")
  func controlCharacters() {
    let text = complaint(changed("uses: stretch", to: "uses: \"\\e[31mred\""))
    #expect(text.contains("there is no stage type '\u{FFFD}[31mred'"))
    #expect(!text.contains("\u{1B}"))
  }

  @Test("Whatever is cut off or damaged, every complaint has a place within the text")
  func damage() {
    let scalars = Array(goodManifest.unicodeScalars)
    let lineCount = goodManifest.split(separator: "\n", omittingEmptySubsequences: false).count
    var refused = 0
    for index in scalars.indices {
      for damage in ["", "\"", "[", ":", "\t", "&a ", "*a", "- ", "!", "\u{0}", "\n"] {
        var view = String.UnicodeScalarView()
        view.append(contentsOf: scalars[..<index])
        view.append(contentsOf: damage.unicodeScalars)
        view.append(contentsOf: scalars[(index + 1)...])
        do {
          _ = try load(String(view))
        } catch {
          refused += 1
          #expect(!error.problems.isEmpty)
          #expect(error.problems.allSatisfy { (1...lineCount + 1).contains($0.line ?? 0) })
          #expect(error.problems.allSatisfy { ($0.column ?? 0) >= 1 && !$0.message.isEmpty })
        }
      }
    }
    // Most characters of a manifest matter; only spaces, names used once and values may change freely.
    #expect(refused > scalars.count * 11 / 2)
  }
}
