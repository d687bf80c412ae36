// A small PNG reader, independent of libpng: what the figures' bytes really hold.

struct DecodedPNG {
  var width = 0
  var height = 0
  /// Size of a pixel, in pixels per meter; 0 where not stated.
  var pixelsPerMeter = 0
  /// 0x00RRGGBB, row after row.
  var pixels: [UInt32] = []

  subscript(row: Int, column: Int) -> UInt32 { pixels[row * width + column] }

  /// Reads 8-bit RGB images without interlacing; nil for anything else.
  init?(_ bytes: [UInt8]) {
    guard bytes.starts(with: [0x89, 0x50, 0x4E, 0x47, 0x0D, 0x0A, 0x1A, 0x0A]) else { return nil }
    func number(_ at: Int) -> Int { bytes[at..<at + 4].reduce(0) { $0 << 8 | Int($1) } }
    var data: [UInt8] = []
    var position = 8
    var isEnded = false
    while !isEnded, position + 12 <= bytes.count {
      let length = number(position)
      guard position + 12 + length <= bytes.count else { return nil }
      let body = position + 8
      switch String(decoding: bytes[position + 4..<body], as: UTF8.self) {
      case "IHDR":
        (width, height) = (number(body), number(body + 4))
        guard bytes[body + 8..<body + 13].elementsEqual([8, 2, 0, 0, 0]) else { return nil }
      case "pHYs": pixelsPerMeter = number(body)
      case "IDAT": data += bytes[body..<body + length]
      case "IEND": isEnded = true
      default: break
      }
      position = body + length + 4
    }
    // Two bytes of zlib header, then the deflate stream.
    guard isEnded, data.count > 2, let rows = inflate(Array(data.dropFirst(2))) else { return nil }
    guard rows.count == height * (3 * width + 1), unfilter(rows) else { return nil }
  }

  /// Undoes the filters none, left and up; false for others.
  private mutating func unfilter(_ rows: [UInt8]) -> Bool {
    var line = [UInt8](repeating: 0, count: 3 * width)
    pixels.reserveCapacity(width * height)
    for row in 0..<height {
      let start = row * (3 * width + 1)
      let filter = rows[start]
      guard filter <= 2 else { return false }
      for i in 0..<3 * width {
        let left = filter == 1 && i >= 3 ? line[i - 3] : 0
        line[i] = rows[start + 1 + i] &+ left &+ (filter == 2 ? line[i] : 0)
      }
      for i in 0..<width {
        pixels.append(
          UInt32(line[3 * i]) << 16 | UInt32(line[3 * i + 1]) << 8 | UInt32(line[3 * i + 2]))
      }
    }
    return true
  }
}

/// Decompresses a deflate stream, RFC 1951; nil where it is broken.
private func inflate(_ input: [UInt8]) -> [UInt8]? {
  var bits = BitReader(bytes: input)
  var output: [UInt8] = []
  var isLast = false
  while !isLast {
    isLast = bits.take(1) == 1
    switch bits.take(2) {
    case 0:
      bits.skipToByte()
      let count = bits.take(16)
      guard count ^ bits.take(16) == 0xFFFF else { return nil }
      for _ in 0..<count { output.append(UInt8(bits.take(8))) }
    case 1:
      let lengths = (0..<288).map { $0 < 144 ? 8 : $0 < 256 ? 9 : $0 < 280 ? 7 : 8 }
      let distances = [Int](repeating: 5, count: 30)
      guard bits.block(Huffman(lengths), Huffman(distances), into: &output) else { return nil }
    case 2:
      guard let (literals, distances) = bits.dynamicCodes(),
        bits.block(literals, distances, into: &output)
      else { return nil }
    default: return nil
    }
    if bits.isExhausted { return nil }
  }
  return output
}

/// A canonical prefix code: how many codes of each length, and their symbols in order.
private struct Huffman {
  var counts = [Int](repeating: 0, count: 16)
  var symbols: [Int] = []

  init(_ lengths: [Int]) {
    for length in 1...15 {
      for symbol in lengths.indices where lengths[symbol] == length {
        counts[length] += 1
        symbols.append(symbol)
      }
    }
  }
}

private struct BitReader {
  let bytes: [UInt8]
  var position = 0
  var isExhausted: Bool { position > 8 * bytes.count }

  mutating func take(_ count: Int) -> Int {
    var value = 0
    for bit in 0..<count {
      if position < 8 * bytes.count {
        value |= Int(bytes[position >> 3] >> UInt8(position & 7) & 1) << bit
      }
      position += 1
    }
    return value
  }

  mutating func skipToByte() { position = (position + 7) & ~7 }

  mutating func symbol(_ code: Huffman) -> Int? {
    // The first code of the length and the number of symbols before it.
    var (value, first, before) = (0, 0, 0)
    for length in 1...15 {
      value |= take(1)
      let count = code.counts[length]
      if value < first + count { return code.symbols[before + value - first] }
      before += count
      first = (first + count) << 1
      value <<= 1
    }
    return nil
  }

  mutating func dynamicCodes() -> (Huffman, Huffman)? {
    let (literals, distances, codes) = (take(5) + 257, take(5) + 1, take(4) + 4)
    let order = [16, 17, 18, 0, 8, 7, 9, 6, 10, 5, 11, 4, 12, 3, 13, 2, 14, 1, 15]
    var codeLengths = [Int](repeating: 0, count: 19)
    for index in 0..<codes { codeLengths[order[index]] = take(3) }
    let code = Huffman(codeLengths)
    var lengths: [Int] = []
    while lengths.count < literals + distances {
      switch symbol(code) {
      case .some(let length) where length < 16: lengths.append(length)
      case 16:
        guard let last = lengths.last else { return nil }
        lengths += [Int](repeating: last, count: 3 + take(2))
      case 17: lengths += [Int](repeating: 0, count: 3 + take(3))
      case 18: lengths += [Int](repeating: 0, count: 11 + take(7))
      default: return nil
      }
    }
    return (Huffman(Array(lengths[..<literals])), Huffman(Array(lengths[literals...])))
  }

  /// Decodes until the end of the block.
  mutating func block(_ literals: Huffman, _ distances: Huffman, into output: inout [UInt8]) -> Bool
  {
    while !isExhausted, let symbol = symbol(literals) {
      if symbol < 256 {
        output.append(UInt8(symbol))
        continue
      }
      if symbol == 256 { return true }
      let length = range(symbol - 257, first: 3, perStep: 4, last: (28, 258))
      guard let code = self.symbol(distances) else { return false }
      let distance = range(code, first: 1, perStep: 2, last: nil)
      guard distance <= output.count else { return false }
      for _ in 0..<length { output.append(output[output.count - distance]) }
    }
    return false
  }

  /// A length or distance: codes in steps that double, each with extra bits.
  private mutating func range(
    _ code: Int, first: Int, perStep: Int, last: (code: Int, value: Int)?
  ) -> Int {
    if let last, code == last.code { return last.value }
    if code < 2 * perStep { return first + code }
    let extra = code / perStep - 1
    return first + (perStep + code % perStep) << extra + take(extra)
  }
}
