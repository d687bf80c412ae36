// What the standard streams are, and how to write on them.
import Foundation

enum Terminal {
  /// Whether progress can be drawn in place.
  static var isInteractive: Bool {
    isatty(STDERR_FILENO) == 1 && ProcessInfo.processInfo.environment["TERM"] != "dumb"
  }

  /// Whether colors are welcome; see no-color.org.
  static var usesColor: Bool {
    isInteractive && (ProcessInfo.processInfo.environment["NO_COLOR"] ?? "").isEmpty
  }

  /// Rows of the terminal, 24 where it does not say.
  static var rows: Int { size.rows }
  static var columns: Int { size.columns }

  private static var size: (rows: Int, columns: Int) {
    var window = winsize()
    guard ioctl(STDERR_FILENO, UInt(TIOCGWINSZ), &window) == 0, window.ws_row > 0 else {
      return (24, 80)
    }
    return (Int(window.ws_row), Int(window.ws_col))
  }

  /// Whether standard error takes text at this moment, without waiting for a reader.
  static var takesText: Bool {
    var state = pollfd(fd: STDERR_FILENO, events: Int16(POLLOUT), revents: 0)
    return poll(&state, 1, 0) == 1 && state.revents & Int16(POLLOUT) != 0
  }

  static func printError(_ line: String) { write(line + "\n") }

  /// Writes on standard error. Whoever reads it may be gone: the work is worth more than the telling.
  static func write(_ text: String) {
    var rest = Array(text.utf8)[...]
    while !rest.isEmpty {
      let count = rest.withUnsafeBytes { Foundation.write(STDERR_FILENO, $0.baseAddress, $0.count) }
      if count < 0 && errno == EINTR { continue }
      if count <= 0 { return }
      rest = rest.dropFirst(count)
    }
  }

  enum Style: String {
    case green = "32"
    case red = "31"
    case yellow = "33"
    case cyan = "36"
    case dim = "2"
  }

  static func styled(_ text: String, _ style: Style) -> String {
    usesColor ? "\u{1B}[\(style.rawValue)m\(text)\u{1B}[0m" : text
  }
}
