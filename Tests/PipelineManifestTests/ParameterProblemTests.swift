// Mistakes in values, in the manifest and on the command line.

import PipelineManifest
import Testing

struct ParameterProblemTests {
  @Test(
    "A value that does not fit is told with what fits and what to do",
    arguments: [
      (
        "length_nm: 0", 24,
        "'length_nm' takes a number in nm greater than 0, or from-file, not '0'", nil
      ),
      (
        "length_nm: \"50\"", 24,
        "'length_nm' takes a number in nm greater than 0, or from-file, not '50'",
        "remove the quotation marks, which make it a text"
      ),
      (
        "length_nm: 50 nm", 24,
        "'length_nm' takes a number in nm greater than 0, or from-file, not '50 nm'",
        "the unit is part of the key: write 50"
      ),
      (
        "length_nm: 0.05um", 24,
        "'length_nm' takes a number in nm greater than 0, or from-file, not '0.05um'",
        "give the value in nm: 1 um = 1000 nm"
      ),
      (
        "length_nm: .nan", 24,
        "'length_nm' takes a number in nm greater than 0, or from-file, not '.nan'", nil
      ),
      (
        "length_nm: .inf", 24,
        "'length_nm' takes a number in nm greater than 0, or from-file, not '.inf'", nil
      ),
      (
        "length_nm: inf", 24,
        "'length_nm' takes a number in nm greater than 0, or from-file, not 'inf'", nil
      ),
      (
        "length_nm: 0x10", 24,
        "'length_nm' takes a number in nm greater than 0, or from-file, not '0x10'", nil
      ),
      (
        "length_nm: 1e999", 24,
        "'length_nm' takes a number in nm greater than 0, or from-file, not '1e999'", nil
      ),
      (
        "length_nm: 1_000", 24,
        "'length_nm' takes a number in nm greater than 0, or from-file, not '1_000'", "write 1000"
      ),
      (
        "length_nm: '2,5'", 24,
        "'length_nm' takes a number in nm greater than 0, or from-file, not '2,5'", "write 2.5"
      ),
      (
        "length_nm: from_file", 24,
        "'length_nm' takes a number in nm greater than 0, or from-file, not 'from_file'",
        "did you mean 'from-file'?"
      ),
      (
        "length_nm: [50]", 24,
        "'length_nm' takes a number in nm greater than 0, or from-file, not a list", nil
      ),
      ("length_nm: ~", 13, "'length_nm' has no value", "write one, or leave the key out"),
      (
        "length: 50", 13, "the unit is missing: stretch takes 'length_nm', in nm, not 'length'",
        "write length_nm, its value in nm"
      ),
      (
        "rotation_rad: 0.1", 13,
        "wrong unit: stretch takes 'rotation_deg', in deg, not 'rotation_rad'",
        "write rotation_deg and convert the value: 1 rad = 57.295779513 deg"
      ),
      (
        "rotation_nm: 1", 13, "wrong unit: stretch takes 'rotation_deg', in deg, not 'rotation_nm'",
        "write rotation_deg, its value in deg"
      ),
      (
        "rotation_deg: 200", 27, "'rotation_deg' takes a number in deg from -180 to 180, not '200'",
        nil
      ),
      ("passes: 1.5", 21, "'passes' takes a whole number from 1 to 8, not '1.5'", nil),
      ("passes: 2.0", 21, "'passes' takes a whole number from 1 to 8, not '2.0'", "write 2"),
      ("passes: 03", 21, "'passes' takes a whole number from 1 to 8, not '03'", "write 3"),
      ("passes: 9", 21, "'passes' takes a whole number from 1 to 8, not '9'", nil),
      (
        "passes: 99999999999999999999", 21,
        "'passes' takes a whole number from 1 to 8, not '99999999999999999999'", nil
      ),
      ("keep_ends: yes", 24, "'keep_ends' takes true or false, not 'yes'", "write true"),
      ("keep_ends: 'false'", 24, "'keep_ends' takes true or false, not 'false'", "write false"),
      ("metod: cubic", 13, "stretch has no parameter 'metod'", "did you mean 'method'?"),
      (
        "colour: red", 13, "stretch has no parameter 'colour'",
        "its parameters are length_nm, rotation_deg, passes, method, keep_ends"
      ),
    ] as [(String, Int, String, String?)])
  func value(_ entry: String, _ column: Int, _ message: String, _ suggestion: String?) {
    let text = changed("length_nm: 50, method: cubic", to: entry)
    #expect(throws: ManifestError.self) { try load(text) }
    do {
      _ = try load(text)
    } catch {
      #expect(error.problems.map(\.message) == [message])
      #expect(error.problems.first?.suggestion == suggestion)
      #expect(error.problems.first?.line == 10)
      #expect(error.problems.first?.column == column)
    }
  }

  @Test("A word that is not among the choices, with line and caret")
  func choice() {
    #expect(
      complaint(changed("method: cubic", to: "method: qubic")) == """
        demo.yaml:10:36: error: 'method' takes one of linear, cubic, not 'qubic'
              with: { length_nm: 50, method: qubic }
                                             ^~~~~
          help: did you mean 'cubic'?

        1 error in demo.yaml

        """)
  }

  @Test("Each wrong or repeated word of a list has its own place")
  func choices() {
    #expect(
      complaint(changed("from: long }", to: "from: long, with: { format: [png, pgn, png] } }"))
        == """
        demo.yaml:11:59: error: 'format' takes a list of png, svg, pdf, not 'pgn'
            figure: { uses: draw, from: long, with: { format: [png, pgn, png] } }
                                                                    ^~~
          help: did you mean 'png'?

        demo.yaml:11:64: error: 'format' lists 'png' twice
            figure: { uses: draw, from: long, with: { format: [png, pgn, png] } }
                                                                         ^~~

        2 errors in demo.yaml

        """)
  }

  @Test("A required parameter that nobody gives is told with an example")
  func required() {
    #expect(
      complaint(
        changed(
          "figure: {", to: "glued: { uses: glue, from: { left: long, right: long } }\n  figure: {"))
          == """
          demo.yaml:11:3: error: the stage 'glued' (glue) needs the parameter 'overlap': Overlap as a fraction.
              glued: { uses: glue, from: { left: long, right: long } }
              ^~~~~
            help: add with: { overlap: 0.5 }

          1 error in demo.yaml

          """)
  }

  @Test(
    "A file is named through the inputs",
    arguments: [
      (
        "file: tape", 43, "'file' takes one of the pipeline's inputs, such as $name, not 'tape'",
        "write $tape"
      ),
      (
        "file: tape.txt", 43,
        "'file' takes one of the pipeline's inputs, such as $name, not 'tape.txt'",
        "name the file under inputs: and write $ and that name here"
      ),
      ("file: $tap", 43, "there is no input 'tap'", "did you mean 'tape'?"),
    ])
  func file(_ entry: String, _ column: Int, _ message: String, _ suggestion: String) {
    do {
      _ = try load(changed("file: $tape", to: entry))
      Issue.record("not refused")
    } catch {
      #expect(error.problems.map(\.message) == [message])
      #expect(error.problems.first?.column == column)
      #expect(error.problems.first?.suggestion == suggestion)
    }
  }

  @Test("Mistakes of the command line are shown as typed, in order")
  func commandLine() {
    let arguments = [
      "long.metod=x", "lnog.method=x", "long.method=qubic", "long.length_um=5", "long",
      "long.passes=",
      "long.keep_ends=true", "long.keep_ends=true",
    ]
    #expect(
      complaint(goodManifest, set: arguments, inputs: ["tap": "x", "tape": ""]) == """
        --input tap=x: error: the manifest has no input 'tap'
          help: did you mean 'tape'?

        --input tape=: error: the path is empty

        --set long.metod=x: error: stretch has no parameter 'metod'
          help: did you mean 'method'?

        --set lnog.method=x: error: the manifest has no stage 'lnog'
          help: did you mean 'long'?

        --set long.method=qubic: error: 'method' takes one of linear, cubic, not 'qubic'
          help: did you mean 'cubic'?

        --set long.length_um=5: error: wrong unit: stretch takes 'length_nm', in nm, not 'length_um'
          help: write length_nm and convert the value: 1 um = 1000 nm

        --set long: error: not of the form STAGE.PARAMETER=VALUE

        --set long.passes=: error: 'passes' has no value
          help: write one, or leave the key out

        --set long.keep_ends=true: error: 'long.keep_ends' is set twice

        9 errors in demo.yaml

        """)
  }

  @Test(
    "A setting without its stage is told the stage, and the unit that it lacks",
    arguments: [
      ("passes=2", "did you mean 'long.passes=2'?"),
      ("length=60", "did you mean 'long.length_nm=60'?"),
    ])
  func settingWithoutStage(setting: String, advice: String) {
    #expect(
      complaint(goodManifest, set: [setting]).hasPrefix(
        "--set \(setting): error: not of the form STAGE.PARAMETER=VALUE\n  help: \(advice)\n"))
  }

  @Test("Where several stages take it, they are listed")
  func settingOfSeveral() {
    let two = goodManifest.replacing(
      "  figure:", with: "  again: { uses: stretch, from: long }\n  figure:")
    #expect(
      complaint(two, set: ["length=60"]).contains(
        "\n  help: say of which stage: long.length_nm, again.length_nm\n"))
  }
}
