// The table of many runs: units in the header, errors beside values, what a run does not say left empty.
import Pipeline
import Testing

@testable import DPCStages

struct SummaryTableTests {
  private static func instance(
    _ key: String, facts: [Fact], failure: StageFailure? = nil
  ) -> InstanceReport {
    let node = StageNode(name: "field", type: ElectricFieldStage())
    var field = StageReport(node, outcome: failure.map { .failed($0) } ?? .ran)
    field.facts = facts
    var other = StageReport(StageNode(name: "unlisted", type: ElectricFieldStage()), outcome: .ran)
    other.facts = [Fact("count", text: "7", value: 7)]
    let run = RunReport(
      runID: "r", pipeline: "p", toolVersion: "1", started: "", ended: "", duration: 0,
      stages: [other, field], inputs: [], results: ["field"])
    return InstanceReport(key: key, run: run, outputs: [], trouble: nil)
  }

  private static let table = SummaryTable(
    title: "many",
    instances: [
      instance(
        "a",
        facts: [
          Fact("rms", text: "", value: 1.5e6, error: 2e4, unit: "V/m"),
          Fact("verdict", text: "seen, \"clearly\"", value: 7.25, unit: ""),
          Fact("word", text: "no number"),
        ]),
      instance("b", facts: [Fact("rms", text: "", value: 2, unit: "V")]),
      instance("c", facts: [], failure: StageFailure(.failed, "so it is")),
      InstanceReport(skipped: "d"),
    ], settings: ["a": [("field.thickness_nm", "40")], "b": [("field.thickness_nm", "50")]])

  @Test("A row for each run, a column for each fact and unit, errors and verdicts in their own")
  func csv() {
    #expect(
      Self.table.csv == """
        key,outcome,reason,field.thickness_nm,field.rms (V/m),field.rms_error (V/m),field.verdict,\
        field.significance (sigma),field.rms (V)
        a,done,,40,1500000.0,20000.0,"seen, ""clearly""\",7.25,
        b,done,,50,,,,,2.0
        c,failed,so it is,,,,,,
        d,skipped,,,,,,,

        """)
  }
}
