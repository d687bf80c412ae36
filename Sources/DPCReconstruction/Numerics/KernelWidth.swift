// How wide the vectors of the kernels in C are.
internal import CKernels

/// How wide the vectors of the kernels are: the results are the same bits.
enum KernelWidth: Comparable, CaseIterable {
  case least
  case avx2
  case avx512

  /// The widest that this processor has.
  static let widest = allCases.last { $0.inC == kernel_widest() } ?? .least

  /// As the kernels ask for it.
  var inC: kernel_width {
    switch self {
    case .least: kernel_width_least
    case .avx2: kernel_width_avx2
    case .avx512: kernel_width_avx512
    }
  }
}
