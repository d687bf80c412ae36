// Mistakes in keys, stages, connections and results, as a user reads them.

import PipelineManifest
import Testing

struct ManifestProblemTests {
  @Test("Several mistakes are told at once, in order of place, with the command line's last")
  func severalAtOnce() {
    let text = """
      schema: dpc-pipeline/1
      name: demo
      name: again
      inputs: { tape: tape.txt }
      stages:
        figure: { uses: draw, from: long, with: { format: [png, pgn] } }
        long:
          uses: stretch
          from: raed
          with: { length_um: 50, metod: cubic, passes: 9 }
        read: { uses: read-strip, with: { file: $tape } }
      results: [long, figrue]
      extra: 1
      """
    #expect(
      complaint(text, set: ["long.keep_ends=maybe"]) == """
        demo.yaml:3:1: error: the key 'name' stands already on line 2
          name: again
          ^~~~
          help: remove one of the two

        demo.yaml:6:59: error: 'format' takes a list of png, svg, pdf, not 'pgn'
            figure: { uses: draw, from: long, with: { format: [png, pgn] } }
                                                                    ^~~
          help: did you mean 'png'?

        demo.yaml:9:11: error: there is no stage 'raed'
              from: raed
                    ^~~~
          help: did you mean 'read'?

        demo.yaml:10:13: error: wrong unit: stretch takes 'length_nm', in nm, not 'length_um'
              with: { length_um: 50, metod: cubic, passes: 9 }
                      ^~~~~~~~~
          help: write length_nm and convert the value: 1 um = 1000 nm

        demo.yaml:10:28: error: stretch has no parameter 'metod'
              with: { length_um: 50, metod: cubic, passes: 9 }
                                     ^~~~~
          help: did you mean 'method'?

        demo.yaml:10:50: error: 'passes' takes a whole number from 1 to 8, not '9'
              with: { length_um: 50, metod: cubic, passes: 9 }
                                                           ^

        demo.yaml:12:17: error: results: there is no stage 'figrue'
          results: [long, figrue]
                          ^~~~~~
          help: did you mean 'figure'?

        demo.yaml:13:1: error: a manifest has no key 'extra'
          extra: 1
          ^~~~~
          help: its keys are schema, name, description, inputs, foreach, matrix, stages, results

        --set long.keep_ends=maybe: error: 'keep_ends' takes true or false, not 'maybe'

        9 errors in demo.yaml

        """)
  }

  @Test("Every repeated key is found, also several in one mapping, with columns as written")
  func repeatedKeys() throws {
    let text = changed(
      "method: cubic", to: "passes: 1, passes: 2, passes: 3, \"method\": cubic, method: qubic"
    ).replacing("results:", with: "name: other\nresults:")
    #expect(throws: ManifestError.self) { try load(text) }
    do {
      _ = try load(text)
    } catch {
      #expect(error.problems.map(\.line) == [10, 10, 10, 12])
      #expect(error.problems.map(\.column) == [39, 50, 78, 1])
      #expect(
        error.problems.map(\.message) == [
          "the key 'passes' stands already on line 10",
          "the key 'passes' stands already on line 10",
          "the key 'method' stands already on line 10", "the key 'name' stands already on line 2",
        ])
    }
  }

  @Test(
    "A mistake is told once, at its place",
    arguments: [
      (
        "schema: dpc-pipeline/1", "schema: dpc-pipeline/2", 1, 9,
        "the schema is 'dpc-pipeline/2', but only 'dpc-pipeline/1' can be read"
      ),
      ("name: demo", "nmae: demo", 2, 1, "a manifest has no key 'nmae'"),
      ("name: demo\n", "", 1, 1, "the manifest has no 'name'"),
      ("name: demo", "name: [demo]", 2, 7, "'name' takes a text"),
      ("tape: data/tape.txt", "tape:", 4, 3, "the input 'tape' has no path"),
      ("tape: data/tape.txt", "tape: [x]", 4, 9, "the input 'tape' takes a path"),
      ("uses: stretch", "uses: strech", 8, 11, "there is no stage type 'strech'"),
      ("uses: stretch", "use: stretch", 8, 5, "a stage has no key 'use'"),
      ("    uses: stretch\n", "", 7, 3, "the stage 'long' does not say which type it uses"),
      ("from: read\n", "form: read\n", 9, 5, "a stage has no key 'form'"),
      (", with: { file", ", wiht: { file", 6, 29, "a stage has no key 'wiht'"),
      (
        "from: read\n", "from: read.stripes\n", 9, 11,
        "stage 'read' (read-strip) has no output 'stripes'"
      ),
      (
        "from: long", "from: read.rejects", 11, 31,
        "draw takes a strip or a roll at 'subject', but read.rejects is a reject list"
      ),
      (
        "from: read\n", "from: figure\n", 9, 11,
        "the stage 'figure' (draw) leaves nothing to connect to"
      ),
      ("from: read\n", "from: { stirp: read }\n", 9, 13, "stretch has no input 'stirp'"),
      (
        "from: read\n", "from: [read]\n", 9, 11,
        "'from' takes STAGE, STAGE.PORT or { INPUT: STAGE, ... }, not a list"
      ),
      (
        "from: read\n", "from: $tape\n", 9, 11,
        "'from' takes STAGE, STAGE.PORT or { INPUT: STAGE, ... }, not '$tape'"
      ),
      (
        "from: read\n", "from: long\n", 7, 3,
        "the stages feed each other in a circle: long <- long"
      ),
      (
        "from: read\n", "from:\n", 9, 5,
        "'from' takes STAGE, STAGE.PORT or { INPUT: STAGE, ... }, not nothing"
      ),
      (
        "    from: read\n", "", 7, 3,
        "stage 'long' (stretch) needs its input 'strip': What is stretched."
      ),
      ("uses: read-strip", "from: long, uses: read-strip", 6, 17, "read-strip takes no input"),
      ("[long, figure]", "long", 12, 10, "'results' takes a list of stages"),
      ("[long, figure]", "[]", 12, 10, "'results' takes a list of stages"),
      ("[long, figure]", "[long, long]", 12, 17, "'results' lists 'long' twice"),
      ("results: [long, figure]\n", "", 1, 1, "the manifest has no 'results'"),
      ("figure: {", "? [a]\n  : b\n  figure: {", 11, 5, "a key has to be a word"),
    ] as [(String, String, Int, Int, String)])
  func once(_ piece: String, _ other: String, _ line: Int, _ column: Int, _ message: String) {
    let text = changed(piece, to: other)
    #expect(throws: ManifestError.self) { try load(text) }
    do {
      _ = try load(text)
    } catch {
      #expect(error.problems.map(\.message) == [message])
      #expect(error.problems.first?.line == line)
      #expect(error.problems.first?.column == column)
    }
  }

  @Test("A stage that could not be read is not held against those that it feeds")
  func brokenFeeder() {
    #expect(
      complaint(changed("uses: read-strip", to: "uses: read-stirp")) == """
        demo.yaml:6:17: error: there is no stage type 'read-stirp'
            read: { uses: read-stirp, with: { file: $tape } }
                          ^~~~~~~~~~
          help: did you mean 'read-strip'?

        1 error in demo.yaml

        """)
  }

  @Test("A circle is told with its stages")
  func circle() {
    let text = changed("from: read\n", to: "from: more\n")
      .replacing("  figure:", with: "  more: { uses: stretch, from: long }\n  figure:")
    #expect(
      complaint(text) == """
        demo.yaml:7:3: error: the stages feed each other in a circle: long <- more <- long
            long:
            ^~~~

        1 error in demo.yaml

        """)
  }

  @Test("Names are words, and one message tells which")
  func names() {
    #expect(
      complaint(changed("figure: {", to: "fig ure: {").replacing(", figure]", with: "]")) == """
        demo.yaml:11:3: error: a stage's name cannot be 'fig ure'
            fig ure: { uses: draw, from: long }
            ^~~~~~~
          help: use letters, digits, '-' and '_', a letter first, 64 at most

        1 error in demo.yaml

        """)
  }
}
