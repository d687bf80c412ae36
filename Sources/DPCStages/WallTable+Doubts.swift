// When fitted walls may be something else: an offset or an inclination that is not what the fit takes it for.
internal import Pipeline
internal import STEMCore

extension WallTable {
  /// An offset against walls of one sign is doubtful from this part of their height on.
  private static let doubtfulOffset = 0.5

  /// A warning where what stands under several walls may be walls of the other sign between them.
  var offsetNotes: [Note] {
    let heights = rows.map { $0.imageHeight.magnitude }
    guard rows.count > 1, let highest = heights.max(),
      rows.allSatisfy({ $0.imageHeight * offset.value < 0 }),
      abs(offset.value) > max(Self.doubtfulOffset * highest, 5 * (offset.error ?? 0))
    else { return [] }
    return [
      Note(
        .warning,
        "all walls have one sign, on an offset of \(Format.percent(abs(offset.value) / highest)) of their height"
          + " against it: walls that alternate side by side look like that too, and their fields and widths"
          + " are others; count them in the figure, or record a vacuum reference, so that the offset is known"
      )
    ]
  }

  /// A warning where walls of one sign lie side by side as the parts of one do that has another shape than the model:
  /// a fit with too small an inclination takes a wall for several.
  var overlapNotes: [Note] {
    // Walls that were found one by one each have a normal of their own.
    guard profileAzimuth != nil else { return [] }
    let all = (rows + unmeasured).sorted { $0.wall.position.value < $1.wall.position.value }
    let pairs = zip(all, all.dropFirst()).filter { one, next in
      let distance = next.wall.position.value - one.wall.position.value
      return one.wall.field.value * next.wall.field.value > 0
        && distance < (one.imageWidth + next.imageWidth) / 2
    }
    if pairs.isEmpty { return [] }
    let places = pairs.map { one, next in
      [one, next].map { Format.quantity($0.wall.position.value, unit: "m") }
        .joined(separator: " and ")
    }
    return [
      Note(
        .warning,
        "walls of one sign lie nearer than they are wide in the image (at \(places.joined(separator: "; ")));"
          + " one wall that is more inclined than the fit takes it for, or of another shape, looks like that:"
          + " check the inclination and the thickness, and count the walls of wall-profile")
    ]
  }
}
