// dpc-bench: times kernels and whole runs beside what the machine can do at best; judges nothing.
internal import ArgumentParser
internal import FFTW
internal import Foundation

@main
struct BenchCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "dpc-bench",
    abstract: "Times kernels and whole runs of dpc beside floors of the same machine.",
    discussion: """
      Each time is the median of several runs. Ratios to the floor measured in the same minute are \
      what to compare; milliseconds are this machine's, and other work on it shows in them.
      """,
    subcommands: [
      FloorCommand.self, AcquisitionCommand.self, AcquisitionsCommand.self, StackCommand.self,
      ReadStackCommand.self,
    ])

  @Option(help: ArgumentHelp("The program to run.", valueName: "program"))
  var dpc = ".build/release/dpc"
  @Option(help: ArgumentHelp("Folder of the pipelines.", valueName: "folder"))
  var pipelines = "Pipelines"
  @Option(help: ArgumentHelp("Sides of the acquisitions for whole runs, px.", valueName: "sides"))
  var sides = "512,1024,2048"
  @Option(help: "How often each whole run is timed.")
  var rounds = 5
  @Option(
    help: ArgumentHelp(
      "Also average a stack of so many frames of 1024×1024, of half and of a quarter as many.",
      valueName: "frames"))
  var stack: Int?
  @Option(
    help: ArgumentHelp(
      "Also run so many acquisitions of 64×64, cold and cached (1000 take minutes).",
      valueName: "count"))
  var many: Int?
  @Flag(help: "Kernels only.")
  var kernels = false
  @Flag(help: "Also write the tables to Benchmarks/runs, named by date and number of cores.")
  var save = false

  func run() throws {
    let machine = Machine()
    var text = machine.markdown
    func add(_ table: Table) {
      print(table.markdown)
      text += "\n" + table.markdown
    }
    print(machine.markdown)
    // First, while this process is small: see `cost(of:_:errorsIn:)`.
    if !kernels {
      try wholeRuns {
        print($0)
        // What is measured already is to be seen, also in a file and where the rest takes long.
        fflush(nil)
        text += "\n" + $0
      }
    }
    add(copies())
    add(try SegmentPass(side: 1024).table(threads: machine.cores))
    add(try KernelTimes(side: 1024).table())
    if save {
      let path = "Benchmarks/runs/\(machine.date)-\(machine.cores)cores.md"
      try Data(text.utf8).write(to: URL(fileURLWithPath: path))
      print("written to \(path)")
    }
  }

  private func copies() -> Table {
    var table = Table(title: "Floors: memory")
    for threads in [1, 2] {
      let bytes = 64 << 20
      table.rows.append(
        Row(
          name: "copy of 64 MiB, \(threads) \(threads == 1 ? "thread" : "threads"), read + written",
          time: Floors.copy(bytes: bytes, threads: threads), bytes: 2 * bytes))
    }
    return table
  }

  private func wholeRuns(_ add: (String) -> Void) throws {
    let scratch = FileManager.default.temporaryDirectory
      .appendingPathComponent("dpc-bench-\(UUID().uuidString)")
    try FileManager.default.createDirectory(at: scratch, withIntermediateDirectories: true)
    // A scratch folder that cannot be removed is the system's to sweep.
    defer { try? FileManager.default.removeItem(at: scratch) }
    let runs = WholeRuns(program: dpc, pipelines: pipelines, scratch: scratch)
    add("dpc --version: \(Table.fixed(try runs.start() * 1000, digits: 1)) ms\n")
    try runs.tables(
      sides: sides.split(separator: ",").compactMap { Int($0) }, rounds: rounds, add)
    add(try runs.many(count: 100, side: 256, rounds: min(rounds, 3)))
    if let many { add(try runs.many(count: many, side: 64, rounds: 1)) }
    if let stack { add(try runs.stacks(frames: stack, rounds: min(rounds, 2))) }
  }
}
