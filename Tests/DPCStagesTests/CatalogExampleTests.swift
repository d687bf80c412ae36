// The examples of `dpc stages TYPE`: values of the field, and stages in their usual order.
import DPCStages
import Pipeline
import PipelineManifest
import Testing

struct CatalogExampleTests {
  @Test(
    "The example of every stage is part of a manifest that loads", arguments: StageCatalog.dpc.names
  )
  func loads(_ name: String) throws {
    let manifest = try #require(StageHelp.exampleManifest(for: name, in: .dpc))
    let graph = try ManifestReader.load(text: manifest, path: "e.yaml", catalog: .dpc).graph
    #expect(graph[name]?.type.name == name)
  }

  @Test("A length, a field or a count that has to be given shows what it usually is")
  func values() {
    for type in StageCatalog.dpc.types {
      for parameter in type.parameters where parameter.isRequired && parameter.defaultValue == nil {
        switch parameter.kind {
        case .number, .numbers, .integer:
          #expect(parameter.example != nil, "\(type.name).\(parameter.key)")
        default: break
        }
      }
    }
  }

  @Test(
    "Stages are fed as in the shipped pipelines",
    arguments: [
      ("deflection", "average-frames"), ("estimate-rotation", "remove-descan"),
      ("rotate-to-scan", "remove-descan"), ("wall-profile", "electric-field"),
      ("vector-map", "electric-field"), ("flexoelectric-estimate", "correct-inclination"),
      (
        "combine-views",
        "{ top: electric-field, top_walls: correct-inclination, cross: electric-field,"
          + " cross_walls: correct-inclination }"
      ),
    ])
  func sources(_ name: String, source: String) throws {
    let help = try #require(StageHelp.text(for: name, in: .dpc))
    #expect(help.contains("    from: \(source)\n"), "\(help)")
  }

  @Test("The walls that others take come from the model that makes a table")
  func model() throws {
    let help = try #require(StageHelp.text(for: "correct-inclination", in: .dpc))
    #expect(help.contains("      model: finite-wall\n"))
    let scan = try #require(StageHelp.text(for: "simulate-acquisition", in: .dpc))
    #expect(scan.contains("      columns_px: 160\n      rows_px: 120\n      pixel_size_nm: 2\n"))
  }
}
