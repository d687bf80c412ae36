// The group of an estimated scan rotation.
internal import STEMCore
internal import STEMData

extension ScanRotationValue {
  func group(_ stage: String) -> ResultGroup {
    let degrees = 180 / Double.pi
    func scalar(_ name: String, _ value: Double, _ unit: String) -> ResultDataset {
      ResultDataset(name, shape: [], values: .float64([value]), unit: unit)
    }
    var datasets = [scalar("scan_rotation", (angle ?? .nan) * degrees, "deg")]
    if let error { datasets.append(scalar("scan_rotation_errors", error * degrees, "deg")) }
    datasets += [
      scalar("contrast", curl?.contrast ?? .nan, ""),
      scalar("noise_contrast", curl?.noiseContrast ?? .nan, ""),
      ResultDataset(
        "ambiguity_resolved", shape: [], values: .uint8([isSignKnown ? 1 : 0]), unit: ""),
      scalar("curl_free_share_as_recorded", curl?.curlFreeness ?? .nan, ""),
      scalar("curl_free_share_mirrored", curl?.mirroredCurlFreeness ?? .nan, ""),
    ]
    if let angle = handedness.mirroredAngle {
      datasets.append(scalar("scan_rotation_mirrored", angle * degrees, "deg"))
      if let error = handedness.mirroredError {
        datasets.append(scalar("scan_rotation_mirrored_errors", error * degrees, "deg"))
      }
    }
    if let structure {
      datasets.append(scalar("two_dimensional_share", structure.twoDimensionalShare, ""))
    }
    return ResultGroup(
      name: stage, quantity: "scan_rotation", title: "Scan rotation from the curl of the data",
      signal: "scan_rotation", axes: [], datasets: datasets,
      attributes: context.resultAttributes([
        "state": .text(unresolvedBecause.map { "unresolved: \($0)" } ?? "resolved"),
        "sign": .text(signStatement),
        "assumption": .text("a field without curl: charges, not walls, make the structure"),
        "handedness": .text(handedness.favored ?? "cannot be told"),
        "rotation_formula": .text(
          "2a = atan2(-2<CD>, <DD> - <CC>) over sine modes of curl C and divergence D, Wiener weights"
        ),
      ]))
  }
}
