// The minimum of a function of one number, by golden section (J. Kiefer, Proc. Am. Math. Soc. 4 (1953) 502).

/// The state of least cost within a bracket, which is taken to hold one minimum only.
///
/// - Parameters:
///   - bracket: Lower and upper end.
///   - tolerance: How far the ends are apart at last, in the unit of the bracket.
///   - state: At a number within the bracket; asked once for each.
///   - cost: Of a state.
func goldenMinimum<State>(
  _ bracket: (Double, Double), tolerance: Double, _ state: (Double) -> State,
  of cost: (State) -> Double
) -> State {
  let ratio = (5.0.squareRoot() - 1) / 2
  var (low, high) = bracket
  var (a, b) = (high - ratio * (high - low), low + ratio * (high - low))
  var (left, right) = (state(a), state(b))
  while high - low > tolerance {
    if cost(left) <= cost(right) {
      (high, b, right) = (b, a, left)
      a = high - ratio * (high - low)
      left = state(a)
    } else {
      (low, a, left) = (a, b, right)
      b = low + ratio * (high - low)
      right = state(b)
    }
  }
  return cost(left) <= cost(right) ? left : right
}
