// FFTW's planner: the one part of the library with shared state, behind one lock.
internal import CFFTW
internal import Synchronization

/// Held around making and destroying plans; executing a plan needs no lock.
private let plannerLock = Mutex(())

/// The library's own name and version, for example `fftw-3.3.10-sse2-avx`.
public func fftwVersion() -> String { String(cString: cfftw_version()) }

/// One FFTW plan with one owner.
///
/// Plans are estimated, never measured, and use no wisdom: the same plan, and so the same bytes,
/// in every run on one type of processor. FFTW runs each on the calling thread alone; transforms of planes
/// run several (``LinePlans``).
struct Plan: ~Copyable {
  let pointer: OpaquePointer

  /// - Parameter make: Calls one of FFTW's planning functions.
  init(_ make: () -> OpaquePointer?) {
    guard let plan = plannerLock.withLock({ _ in make() }) else {
      preconditionFailure("FFTW knows no transform of this kind and size")
    }
    pointer = plan
  }

  deinit {
    let plan = pointer
    plannerLock.withLock { _ in fftw_destroy_plan(plan) }
  }
}

/// A number of lines, of which there is at least one.
func checkedLineCount(_ count: Int) -> Int {
  precondition(count > 0, "a transform has at least one line")
  return count
}

/// A side of a transform as FFTW counts it.
func checkedSide(_ side: Int) -> Int32 {
  precondition(side > 0 && side <= Int(Int32.max), "a transform has at least one sample a side")
  return Int32(side)
}
