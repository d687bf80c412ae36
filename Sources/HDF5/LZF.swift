// LZF, by which h5py packs chunks without any plugin, and which the library itself does not know.
internal import CHDF5
internal import Glibc

/// Undoes LZF, as Marc Lehmann's liblzf writes it: runs of bytes as they are, and repetitions of earlier ones.
enum LZF {
  /// Its number in the registry of filters.
  static let filter = 32000
  /// Three bytes stand for at most 264.
  private static let largestExpansion = 88

  /// - Parameters:
  ///   - packed: All of them.
  ///   - target: Room for what they stand for.
  /// - Returns: How many bytes it wrote; nil where the packed bytes are damaged, or stand for more than there is
  ///   room.
  static func unpack(
    _ packed: UnsafeRawBufferPointer, into target: UnsafeMutableRawBufferPointer
  ) -> Int? {
    var (source, count) = (0, 0)
    while source < packed.count {
      let control = Int(packed[source])
      source += 1
      if control < 32 {
        let run = control + 1
        guard run <= packed.count - source, run <= target.count - count else { return nil }
        UnsafeMutableRawBufferPointer(rebasing: target[count..<(count + run)])
          .copyMemory(from: UnsafeRawBufferPointer(rebasing: packed[source..<(source + run)]))
        source += run
        count += run
        continue
      }
      var length = control >> 5 + 2
      if length == 9 {
        guard source < packed.count else { return nil }
        length += Int(packed[source])
        source += 1
      }
      guard source < packed.count else { return nil }
      let first = count - (control & 31) << 8 - Int(packed[source]) - 1
      source += 1
      guard first >= 0, length <= target.count - count else { return nil }
      // One after the other: what is repeated may reach into what it makes.
      for offset in 0..<length { target[count + offset] = target[first + offset] }
      count += length
    }
    return count
  }

  /// Has the library undo it too.
  static func register() -> Bool {
    // The library keeps the name.
    guard let name = strdup("LZF") else { return false }
    var filter = H5Z_class2_t(
      version: H5Z_CLASS_T_VERS, id: H5Z_filter_t(filter), encoder_present: 0, decoder_present: 1,
      name: name, can_apply: nil, set_local: nil
    ) { flags, count, values, packed, room, buffer in
      guard flags & UInt32(H5Z_FLAG_REVERSE) != 0, let buffer, let room else { return 0 }
      // h5py tells the size of a chunk in the third place.
      let stated = count > 2 ? values.map { Int($0[2]) } : nil
      return LZF.replace(buffer, packed, room, stated: stated ?? 0)
    }
    return H5Zregister(&filter) >= 0
  }

  /// Puts unpacked bytes in the place of packed ones, as the library wants it of a filter; 0 where that fails, or where
  /// they are fewer than stated: the library reads as many all the same.
  private static func replace(
    _ buffer: UnsafeMutablePointer<UnsafeMutableRawPointer?>, _ packed: Int,
    _ room: UnsafeMutablePointer<Int>, stated: Int
  ) -> Int {
    let most = packed.multipliedReportingOverflow(by: largestExpansion)
    if most.overflow || packed == 0 { return 0 }
    let size = stated > 0 ? min(stated, most.partialValue) : most.partialValue
    guard let target = malloc(size) else { return 0 }
    let count = unpack(
      UnsafeRawBufferPointer(start: buffer.pointee, count: packed),
      into: UnsafeMutableRawBufferPointer(start: target, count: size))
    guard let count, count >= stated else {
      free(target)
      return 0
    }
    free(buffer.pointee)
    buffer.pointee = target
    room.pointee = size
    return count
  }
}
