// The table of all cases, as text and as Markdown.

struct ValidationReport {
  var judgments: [Judgment]

  var isOK: Bool { !judgments.isEmpty && judgments.allSatisfy(\.isOK) }

  var text: String {
    var parts = [maps.text]
    if !walls.rows.isEmpty { parts.append(walls.text) }
    if !remarks.isEmpty { parts.append(remarks.joined(separator: "\n")) }
    return (parts + [summary]).joined(separator: "\n\n") + "\n"
  }

  var markdown: String { "## Validation against known truth\n\n" + tables + "\n" }

  /// The tables in Markdown, without a heading of the whole.
  var tables: String {
    var parts = ["### Maps", Self.legend, maps.markdown]
    if !walls.rows.isEmpty { parts += ["### Walls", Self.wallLegend, walls.markdown] }
    if !remarks.isEmpty {
      parts += ["### Remarks", remarks.map { "- \($0)" }.joined(separator: "\n")]
    }
    return (parts + [summary]).joined(separator: "\n\n")
  }

  static let wallLegend =
    "Errors of field, width and product, and beside them in stated standard deviations: those should"
    + " rarely exceed 2."

  static let legend =
    "Errors are relative: rms(result - truth) / rms(truth) over unmasked pixels, unsmoothed, nothing"
    + " scaled. `ref` is what an independent double-precision implementation attains with the same"
    + " method (its segment centroids are not calibrated), `noise` the counting limit of disc-shift,"
    + " `within 1σ` the part of deflections, fields and potentials that lies within its stated standard"
    + " deviation of the truth (68.3 % if errors are right; a potential's errors go together, so"
    + " that a single map scatters widely; without noise it is 100 %). `slope` is that of a crystal's"
    + " mean deflection, the shape residual behind it."

  var summary: String {
    let bad = judgments.filter { !$0.isOK }.count
    let cases = Set(judgments.map(\.name)).count
    return bad == 0
      ? "\(cases) of \(cases) cases ok, \(judgments.count) results"
      : "\(bad) of \(judgments.count) results FAIL"
  }

  private var remarks: [String] {
    judgments.flatMap { item in
      let name = item.method == .standard ? item.name : "\(item.name), \(item.method.rawValue)"
      return item.failures.map { "\(name): FAIL: \($0)" } + item.notes.map { "\(name): \($0)" }
    }
  }

  private var maps: Table {
    var table = Table(header: [
      "case", "method", "deflection", "limit", "ref", "noise", "V/m", "potential", "limit", "ref",
      "div-free", "within 1σ", "masked", "slope (ref), residual", "rotation", "verdict",
    ])
    for item in judgments {
      func value(_ quantity: Quantity) -> String { Layout.percent(item.checks[quantity]?.value) }
      func limit(_ quantity: Quantity) -> String {
        Layout.percent(item.checks[quantity]?.allowed?.upperBound)
      }
      func reference(_ quantity: Quantity) -> String {
        Layout.percent(item.checks[quantity]?.reference)
      }
      let slope = item.checks[.slope].map {
        "\(Layout.number($0.value)) (\(Layout.number($0.reference))), \(value(.residual))"
      }
      let rotation = item.checks[.rotation].map {
        "\(Layout.number($0.value))° (\(Layout.number(item.rotationDeviations)) σ)"
      }
      let coverages = [Quantity.coverage, .fieldCoverage, .potentialCoverage].map(value)
      table.rows.append([
        item.name, item.method.rawValue,
        item.checks[.deviation].map { "σ × \(Layout.number($0.value))" } ?? value(.deflection),
        limit(.deflection), reference(.deflection), Layout.percent(item.noiseLimit),
        value(.meanField), value(.potential), limit(.potential), reference(.potential),
        value(.transverse), coverages.joined(separator: ", "), value(.masked), slope ?? "-",
        rotation ?? "-", item.isOK ? "ok" : "FAIL",
      ])
    }
    return table
  }

  private var walls: Table {
    var table = Table(header: [
      "case", "wall at", "E0 error", "w error", "E0*w error", "E0 / σ", "w / σ", "E0*w / σ",
      "ref E0 / w / E0*w", "verdict",
    ])
    for item in judgments where item.method == .standard {
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
