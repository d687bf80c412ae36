// dpc simulate: a stand-in until the stages of the simulation are there.
import ArgumentParser

struct Simulate: ParsableCommand {
  static let configuration = CommandConfiguration(abstract: "Simulate an acquisition.")
}
