// Why a pixel is not to be trusted. The bits are those of the result file.

/// Reasons for which the value at a scan position is unusable, or not a measurement.
public struct PixelFlags: OptionSet, Sendable, Hashable {
  public let rawValue: UInt8
  @inlinable
  public init(rawValue: UInt8) { self.rawValue = rawValue }

  /// A segment's signal is NaN or absent.
  public static let missing = PixelFlags(rawValue: 1 << 0)
  /// The summed signal is not positive, or so far below that of the others that the beam was off.
  public static let noCounts = PixelFlags(rawValue: 1 << 1)
  /// A segment reached the largest number its type can hold.
  public static let saturated = PixelFlags(rawValue: 1 << 2)
  /// A segment stands out of its neighborhood far beyond counting noise.
  public static let hot = PixelFlags(rawValue: 1 << 3)
  /// The signal lies outside what the model can produce.
  public static let outsideModel = PixelFlags(rawValue: 1 << 4)
  /// The value was filled in from its neighbors: a number, but not a measurement.
  public static let filledIn = PixelFlags(rawValue: 1 << 5)

  /// Every reason for which there is no usable measurement.
  @inlinable
  public static var unusable: PixelFlags { PixelFlags(rawValue: 0b11111) }

  /// Each single reason with the name by which it is reported.
  public static let names: [(flag: PixelFlags, name: String)] = [
    (.missing, "missing"), (.noCounts, "no counts"), (.saturated, "saturated"), (.hot, "hot"),
    (.outsideModel, "outside the model's range"), (.filledIn, "filled in"),
  ]
}

/// The flags of every scan position, row after row; a clear byte is a good pixel.
public struct PixelMask: Sendable, Equatable {
  public let shape: GridShape
  public var bytes: [UInt8]

  public init(shape: GridShape, bytes: [UInt8]) {
    precondition(bytes.count == shape.count, "a mask has one byte per scan position")
    self.shape = shape
    self.bytes = bytes
  }

  public init(shape: GridShape) {
    self.init(shape: shape, bytes: [UInt8](repeating: 0, count: shape.count))
  }

  /// ``PixelFlags/unusable`` as a literal, for loops over all pixels.
  @inlinable static var unusableBits: UInt8 { 0b1_1111 }

  /// Whether the pixel holds a measurement.
  @inlinable
  public func isUsable(_ index: Int) -> Bool { bytes[index] & Self.unusableBits == 0 }

  /// The number of pixels without a usable measurement.
  public var unusableCount: Int { count(of: .unusable) }

  /// The number of pixels that carry one of some reasons at least.
  public func count(of flags: PixelFlags) -> Int {
    Self.sum(occurrences(), flags)
  }

  /// How many pixels carry each reason; reasons that do not occur are left out.
  public var counts: [(name: String, count: Int)] {
    let occurrences = occurrences()
    return PixelFlags.names.compactMap { flag, name in
      let count = Self.sum(occurrences, flag)
      return count == 0 ? nil : (name, count)
    }
  }

  private static func sum(_ occurrences: [Int], _ flags: PixelFlags) -> Int {
    occurrences.indices.reduce(0) {
      UInt8($1) & flags.rawValue == 0 ? $0 : $0 + occurrences[$1]
    }
  }

  /// How often each byte occurs. Most pixels are good ones: where a block has no others, it is passed over as a whole.
  private func occurrences() -> [Int] {
    let (block, all) = (256, bytes.span)
    var occurrences = [Int](repeating: 0, count: 256)
    for start in stride(from: 0, to: all.count, by: block) {
      let part = all.extracting(start..<min(start + block, all.count))
      var any: UInt8 = 0
      for index in 0..<part.count { any |= part[index] }
      if any == 0 {
        occurrences[0] += part.count
      } else {
        for index in 0..<part.count { occurrences[Int(part[index])] += 1 }
      }
    }
    return occurrences
  }
}
