// The files of a crate: the record, the inputs by their content, the outputs.
internal import Digest
internal import Foundation
internal import Pipeline

extension RunCrate {
  var recordFiles: [LinkedEntity] {
    [
      LinkedEntity(
        RunArchive.resolvedFile, "File",
        properties: [
          "name": .text("The manifest with every parameter and who decided it"),
          "encodingFormat": .text("application/yaml"),
        ]),
      LinkedEntity(
        RunArchive.runFile, "File",
        properties: [
          "name": .text("Record of the run: outcomes, reasons, times, host, versions"),
          "encodingFormat": .text("application/json"),
        ]),
      LinkedEntity(
        RunArchive.eventsFile, "File",
        properties: [
          "name": .text("The events of the run in their order, from which its record was formed"),
          "encodingFormat": .text("application/jsonl"),
        ]),
      LinkedEntity(
        RunArchive.readmeFile, "File",
        properties: [
          "name": .text("What lies in this folder"), "about": .reference("./"),
          "encodingFormat": .text("text/markdown"),
        ]),
    ]
  }

  var inputFiles: [LinkedEntity] {
    var seen: Set<String> = []
    return index.inputs.flatMap { input -> [LinkedEntity] in
      let parameter = LinkedEntity(
        "#input-\(input.name)", "FormalParameter",
        properties: [
          "name": .text(input.name), "additionalType": .text("File"),
          "conformsTo": .reference(Self.formalParameter), "valueRequired": .boolean(true),
        ])
      // Two inputs may be the same file.
      guard seen.insert(input.digest).inserted else { return [parameter] }
      let roles = index.inputs(ofDigest: input.digest).map { "#input-\($0)" }
      return [
        parameter,
        LinkedEntity(
          Self.contentURI(input.digest), "File",
          properties: [
            "name": .text(String(input.path.split(separator: "/").last ?? "input")),
            "description": .text("Read from \(input.path)"),
            "encodingFormat": .text(Self.format(of: input.path)), "sha256": .text(input.digest),
            "contentSize": input.size.map { .text("\($0)") },
            "exampleOfWork": .references(roles),
          ]),
      ]
    }
  }

  func outputID(_ file: PublishedFile) -> String { outputPrefix + file.path }

  var outputFiles: [LinkedEntity] {
    archive.outputs.flatMap { file in
      [
        LinkedEntity(
          "#output-\(file.path)", "FormalParameter",
          properties: [
            "name": .text(file.path), "additionalType": .text("File"),
            "conformsTo": .reference(Self.formalParameter),
          ]),
        LinkedEntity(
          outputID(file), "File",
          properties: [
            "name": .text(file.path), "encodingFormat": .text(Self.format(of: file.path)),
            "sha256": .text(file.digest), "contentSize": .text("\(file.byteCount)"),
            "exampleOfWork": .reference("#output-\(file.path)"),
          ]),
      ]
    }
  }

  private static func format(of path: String) -> String {
    switch path.split(separator: ".").last {
    case "h5", "hdf5", "he5", "nxs", "emd", "hspy": "application/x-hdf5"
    case "py": "text/x-python"
    case "log": "text/plain"
    case "png": "image/png"
    case "svg": "image/svg+xml"
    case "pdf": "application/pdf"
    case "csv": "text/csv"
    default: "application/octet-stream"
    }
  }

  /// `ni:///sha-256;...` of a SHA-256 in hexadecimal.
  static func contentURI(_ hex: String) -> String {
    var bytes: [UInt8] = []
    var rest = Substring(hex)
    while rest.count >= 2 {
      bytes.append(UInt8(rest.prefix(2), radix: 16) ?? 0)
      rest = rest.dropFirst(2)
    }
    // The alphabet for addresses, without padding.
    return "ni:///sha-256;"
      + Data(bytes).base64EncodedString().compactMap { character -> Character? in
        switch character {
        case "+": "-"
        case "/": "_"
        case "=": nil
        default: character
        }
      }
  }
}
