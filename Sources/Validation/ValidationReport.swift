// The table of all cases, as text and as Markdown.

struct ValidationReport {
  var judgements: [Judgement]

  var isOK: Bool { !judgements.isEmpty && judgements.allSatisfy(\.isOK) }

  var text: String {
    var parts = [maps.text]
    if !walls.rows.isEmpty { parts.append(walls.text) }
    if !remarks.isEmpty { parts.append(remarks.joined(separator: "\n")) }
    return (parts + [summary]).joined(separator: "\n\n") + "\n"
  }

  var markdown: String {
    var parts = ["## Validation against known truth", maps.markdown]
    if !walls.rows.isEmpty { parts += ["### Walls", walls.markdown] }
    if !remarks.isEmpty { parts.append(remarks.map { "- \($0)" }.joined(separator: "\n")) }
    return (parts + [Self.legend, summary]).joined(separator: "\n\n") + "\n"
  }

  static let legend =
    "Errors are relative: rms(result - truth) / rms(truth) over unmasked pixels, unsmoothed."
    + " `ref` is what an independent double-precision implementation attains, `noise` the counting"
    + " limit of the estimator, `within 1σ` the part of the deflections that lies within its stated"
    + " standard deviation of the truth."

  var summary: String {
    let bad = judgements.filter { !$0.isOK }.count
    return bad == 0
      ? "\(judgements.count) of \(judgements.count) cases ok"
      : "\(bad) of \(judgements.count) cases FAIL"
  }

  private var remarks: [String] {
    judgements.flatMap { item in
      item.failures.map { "\(item.name): FAIL: \($0)" } + item.notes.map { "\(item.name): \($0)" }
    }
  }

  private var maps: Table {
    var table = Table(header: [
      "case", "method", "deflection", "limit", "ref", "noise", "field", "V/m", "potential",
      "limit", "ref", "div-free", "within 1σ", "masked", "slope (ref)", "residual", "s", "verdict",
    ])
    for item in judgements {
      func value(_ quantity: Quantity) -> String { Layout.percent(item.checks[quantity]?.value) }
      func limit(_ quantity: Quantity) -> String {
        Layout.percent(item.checks[quantity]?.allowed?.upperBound)
      }
      func reference(_ quantity: Quantity) -> String {
        Layout.percent(item.checks[quantity]?.reference)
      }
      let slope = item.checks[.slope].map {
        "\(Layout.number($0.value)) (\(Layout.number($0.reference)))"
      }
      table.rows.append([
        item.name, item.method ?? "-",
        item.checks[.deviation].map { "σ × \(Layout.number($0.value))" } ?? value(.deflection),
        limit(.deflection), reference(.deflection), Layout.percent(item.noiseLimit),
        value(.field), value(.meanField), value(.potential), limit(.potential),
        reference(.potential), value(.transverse), value(.coverage), value(.masked), slope ?? "-",
        value(.residual), Layout.number(item.seconds), item.isOK ? "ok" : "FAIL",
      ])
    }
    return table
  }

  private var walls: Table {
    var table = Table(header: [
      "case", "wall at", "E0 error", "w error", "E0*w error", "E0 / σ", "w / σ", "E0*w / σ",
      "ref E0 / w / E0*w", "verdict",
    ])
    for item in judgements {
      for wall in item.walls {
        let reference = item.wallReference.map {
          [$0.field, $0.width, $0.product].map(Layout.signedPercent).joined(separator: " / ")
        }
        table.rows.append([
          item.name, Layout.nanometers(wall.position), Layout.signedPercent(wall.field),
          Layout.signedPercent(wall.width), Layout.signedPercent(wall.product),
          Layout.number(wall.fieldDeviations), Layout.number(wall.widthDeviations),
          Layout.number(wall.productDeviations), reference ?? "-", item.isOK ? "ok" : "FAIL",
        ])
      }
    }
    return table
  }
}
