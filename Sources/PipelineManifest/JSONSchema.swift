// The JSON Schema of manifests, for editors: from the catalog that also checks them.

public import Pipeline

/// Makes the schema of the manifests that a catalog allows.
public enum JSONSchema {
  /// JSON Schema draft 2020-12; the same catalog gives the same text.
  public static func text(for catalog: StageCatalog) -> String {
    schema(for: catalog).rendered() + "\n"
  }

  private static let namePattern = "^[A-Za-z][A-Za-z0-9_-]{0,63}$"

  private static func schema(for catalog: StageCatalog) -> JSONText {
    var definitions: [String: JSONText] = ["reference": reference]
    for type in catalog.types { definitions["stage-\(type.name)"] = stage(type) }
    return .object([
      "$schema": .text("https://json-schema.org/draft/2020-12/schema"),
      "$defs": .object(definitions),
      "title": .text("dpc pipeline"),
      "type": .text("object"),
      "additionalProperties": .boolean(false),
      "required": words(["schema", "name", "stages", "results"]),
      "properties": .object([
        "schema": .object(["const": .text(ManifestReader.schemaIdentifier)]),
        "name": described("What the pipeline is called.", ["type": .text("string")]),
        "description": described("What it is for.", ["type": .text("string")]),
        "inputs": inputs,
        "foreach": foreach,
        "matrix": matrix,
        "stages": stages(catalog),
        "results": results,
      ]),
    ])
  }

  // MARK: Top level

  private static var inputs: JSONText {
    described(
      "Files by name, relative to this file; null where the command line gives the file.",
      [
        "type": .text("object"),
        "propertyNames": .object(["pattern": .text(namePattern)]),
        "additionalProperties": .object(["type": words(["string", "null"])]),
      ])
  }

  private static var foreach: JSONText {
    func form(_ required: String, _ properties: [String: String]) -> JSONText {
      .object([
        "type": .text("object"), "additionalProperties": .boolean(false),
        "required": words([required]),
        "properties": .object(
          properties.mapValues { described($0, ["type": .text("string")]) }),
      ])
    }
    return described(
      "The acquisitions to run over.",
      [
        "oneOf": .array([
          form(
            "glob", ["glob": "Pattern of the files.", "input": "The input that each file is for."]),
          form("table", ["table": "CSV with the columns key, inputs and STAGE.PARAMETER."]),
        ])
      ])
  }

  private static var matrix: JSONText {
    described(
      "Values to run with, every combination of them, by STAGE.PARAMETER.",
      [
        "type": .text("object"), "minProperties": .integer(1),
        "propertyNames": .object(["pattern": .text("\\.")]),
        "additionalProperties": .object(["type": .text("array"), "minItems": .integer(1)]),
      ])
  }

  private static func stages(_ catalog: StageCatalog) -> JSONText {
    let branches = catalog.types.map { type -> JSONText in
      .object([
        "if": .object([
          "properties": .object(["uses": .object(["const": .text(type.name)])]),
          "required": words(["uses"]),
        ]),
        "then": .object(["$ref": .text("#/$defs/stage-\(type.name)")]),
      ])
    }
    let types = catalog.types.map { type -> JSONText in
      .object(["const": .text(type.name), "description": .text(type.summary)])
    }
    return described(
      "Stages by name, in any order.",
      [
        "type": .text("object"),
        "minProperties": .integer(1),
        "propertyNames": .object(["pattern": .text(namePattern)]),
        "additionalProperties": .object([
          "type": .text("object"),
          "required": words(["uses"]),
          "properties": .object(["uses": .object(["oneOf": .array(types)])]),
          "allOf": .array(branches),
        ]),
      ])
  }

  private static var results: JSONText {
    described(
      "The stages whose outputs go to the result.",
      [
        "type": .text("array"), "minItems": .integer(1), "uniqueItems": .boolean(true),
        "items": .object(["type": .text("string"), "pattern": .text(namePattern)]),
      ])
  }

  private static var reference: JSONText {
    described(
      "STAGE for its main output, or STAGE.PORT.",
      [
        "type": .text("string"),
        "pattern": .text("^[A-Za-z][A-Za-z0-9_-]{0,63}(\\.[A-Za-z][A-Za-z0-9_-]{0,63})?$"),
      ])
  }

  // MARK: Stages

  private static func stage(_ type: any StageType) -> JSONText {
    var properties: [String: JSONText] = ["uses": .object(["const": .text(type.name)])]
    var required = ["uses"]
    if !type.inputs.isEmpty {
      properties["from"] = connections(type)
      if type.inputs.contains(where: \.isRequired) { required.append("from") }
    }
    properties["with"] = parameters(type)
    if type.parameters.contains(where: { $0.isRequired && $0.defaultValue == nil }) {
      required.append("with")
    }
    return described(
      type.summary,
      [
        "type": .text("object"), "additionalProperties": .boolean(false),
        "required": words(required), "properties": .object(properties),
      ])
  }

  /// The short form feeds the main input only, so it is enough only where no other is required.
  private static func connections(_ type: any StageType) -> JSONText {
    var ports: [String: JSONText] = [:]
    for port in type.inputs {
      let kinds = port.kinds.map(\.name).joined(separator: " or ")
      ports[port.name] = .object([
        "$ref": .text("#/$defs/reference"), "description": .text("\(port.summary) (\(kinds))"),
      ])
    }
    let mapping = JSONText.object([
      "type": .text("object"), "additionalProperties": .boolean(false),
      "minProperties": .integer(1), "properties": .object(ports),
      "required": words(type.inputs.filter(\.isRequired).map(\.name)),
    ])
    if type.inputs.dropFirst().contains(where: \.isRequired) { return mapping }
    return .object(["oneOf": .array([.object(["$ref": .text("#/$defs/reference")]), mapping])])
  }

  private static func parameters(_ type: any StageType) -> JSONText {
    var properties: [String: JSONText] = [:]
    for parameter in type.parameters { properties[parameter.key] = self.parameter(parameter) }
    let required = type.parameters.filter { $0.isRequired && $0.defaultValue == nil }.map(\.key)
    return .object([
      "type": words(required.isEmpty ? ["object", "null"] : ["object"]),
      "additionalProperties": .boolean(false),
      "required": words(required), "properties": .object(properties),
    ])
  }

  private static func parameter(_ specification: ParameterSpecification) -> JSONText {
    var members = kind(specification.kind)
    if !specification.keywords.isEmpty {
      members = [
        "anyOf": .array([.object(members), .object(["enum": words(specification.keywords)])])
      ]
    }
    if let value = specification.defaultValue { members["default"] = json(value) }
    let unit = specification.unit.map { " Unit: \($0)." } ?? ""
    return described(specification.summary + unit, members)
  }

  private static func kind(_ kind: ParameterKind) -> [String: JSONText] {
    switch kind {
    case .numbers(let unit, let range):
      let number = JSONText.object(self.kind(.number(unit: unit, range: range)))
      let list = JSONText.object([
        "type": .text("array"), "minItems": .integer(1), "items": number,
      ])
      return ["oneOf": .array([number, list])]
    case .number(_, let range):
      var members: [String: JSONText] = ["type": .text("number")]
      if range.lower.isFinite {
        members[range.excludesLower ? "exclusiveMinimum" : "minimum"] = .number(range.lower)
      }
      if range.upper.isFinite {
        members[range.excludesUpper ? "exclusiveMaximum" : "maximum"] = .number(range.upper)
      }
      return members
    case .integer(let range):
      var members: [String: JSONText] = ["type": .text("integer")]
      if range.lowerBound != .min { members["minimum"] = .integer(range.lowerBound) }
      if range.upperBound != .max { members["maximum"] = .integer(range.upperBound) }
      return members
    case .choice(let choices): return ["enum": words(choices)]
    case .choices(let choices):
      let list = JSONText.object([
        "type": .text("array"), "minItems": .integer(1), "uniqueItems": .boolean(true),
        "items": .object(["enum": words(choices)]),
      ])
      return ["oneOf": .array([.object(["enum": words(choices)]), list])]
    case .text: return ["type": words(["string", "number", "boolean"])]
    case .texts:
      let word = JSONText.object(["type": words(["string", "number", "boolean"])])
      return ["type": .text("array"), "items": word]
    case .boolean: return ["type": .text("boolean")]
    case .file:
      return ["type": .text("string"), "pattern": .text("^\\$[A-Za-z][A-Za-z0-9_-]{0,63}$")]
    }
  }

  // MARK: Pieces

  private static func words(_ words: [String]) -> JSONText { .array(words.map { .text($0) }) }

  private static func described(_ text: String, _ members: [String: JSONText]) -> JSONText {
    .object(members.merging(["description": .text(text)]) { first, _ in first })
  }

  private static func json(_ value: ParameterValue) -> JSONText {
    switch value {
    case .number(let number): return .number(number)
    case .integer(let integer): return .integer(integer)
    case .text(let text): return .text(text)
    case .boolean(let boolean): return .boolean(boolean)
    case .list(let values): return .array(values.map(json))
    }
  }
}
