// The generator's own sequence, and the moments and probabilities of what is drawn with it.
import Glibc
import Testing

@testable import DPCSimulation

@Test("equal seeds and paths give equal numbers, anything else different ones")
func streams() {
  func first(_ seed: UInt64, _ path: [Int]) -> [UInt64] {
    var generator = SeededGenerator(seed: seed, path: path)
    return (0..<4).map { _ in generator.next() }
  }
  #expect(first(1, [2, 3]) == first(1, [2, 3]))
  let streams = [
    first(1, [2, 3]), first(1, [3, 2]), first(2, [2, 3]), first(1, [2]), first(1, [2, 3, 0]),
    first(1, []), first(0, []), first(1, [0, 2, 3]), first(1, [-2, 3]),
  ]
  #expect(Set(streams.flatMap { $0 }).count == 4 * streams.count)
}

@Test("SplitMix64 seeds xoshiro256**: the published first numbers for seed 0")
func knownSequence() {
  // State e220a8397b1dcdaf 6e789e6aa1b965f4 06c45d188009454f f88bb8a8724c81ec (SplitMix64 of 0);
  // the first output is rotl(5·state[1], 7)·9.
  var generator = SeededGenerator(seed: 0)
  let second: UInt64 = 0x6e78_9e6a_a1b9_65f4
  let product = second &* 5
  let expected = (product << 7 | product >> 57) &* 9
  #expect(generator.next() == expected)
}

@Test("uniform numbers lie inside (0, 1) with mean 1/2 and variance 1/12")
func uniformMoments() {
  var generator = SeededGenerator(seed: 11)
  let count = 200_000
  let values = (0..<count).map { _ in generator.uniform() }
  #expect(values.allSatisfy { $0 > 0 && $0 < 1 })
  let mean = values.reduce(0, +) / Double(count)
  let variance = values.reduce(0) { $0 + ($1 - mean) * ($1 - mean) } / Double(count)
  // Five standard errors: √(1/12/n) = 6.5e-4 and √(1/180/n) = 1.7e-4.
  #expect(abs(mean - 0.5) < 5 * 6.5e-4)
  #expect(abs(variance - 1.0 / 12) < 5 * 1.7e-4)
}

@Test("normal numbers have mean 0, variance 1 and fourth moment 3")
func normalMoments() {
  var generator = SeededGenerator(seed: 12)
  let count = 200_000
  let values = (0..<count).map { _ in generator.normal() }
  func moment(_ power: Double) -> Double {
    values.reduce(0) { $0 + pow($1, power) } / Double(count)
  }
  // Five standard errors: √(1/n), √(2/n), √(96/n).
  #expect(abs(moment(1)) < 5 * 0.00224)
  #expect(abs(moment(2) - 1) < 5 * 0.00317)
  #expect(abs(moment(4) - 3) < 5 * 0.0220)
}

@Test(
  "numbers of events have mean and variance equal to the mean, by either method",
  arguments: [0.02, 0.7, 4, 9.99, 10, 17.3, 200, 2.5e5, 5e6, 1e12])
func poissonMoments(mean: Double) {
  var generator = SeededGenerator(seed: 13, path: [Int(mean * 100)])
  let count = 100_000
  let values = (0..<count).map { _ in generator.poisson(mean: mean) }
  #expect(values.allSatisfy { $0 >= 0 && $0 == $0.rounded() })
  let average = values.reduce(0) { $0 + ($1 - mean) } / Double(count)
  let variance = values.reduce(0) { $0 + ($1 - mean) * ($1 - mean) } / Double(count)
  // Five standard errors: √(μ/n); the fourth central moment is μ + 3μ², so √((μ + 2μ²)/n).
  #expect(abs(average) < 5 * (mean / Double(count)).squareRoot())
  #expect(
    abs(variance - mean) < 5 * ((mean + 2 * mean * mean) / Double(count)).squareRoot())
}

@Test(
  "the frequencies of numbers of events are those of the distribution", arguments: [3.2, 12, 40])
func poissonFrequencies(mean: Double) {
  var generator = SeededGenerator(seed: 14, path: [Int(mean)])
  let count = 200_000
  var histogram = [Double](repeating: 0, count: 200)
  for _ in 0..<count { histogram[min(199, Int(generator.poisson(mean: mean)))] += 1 }
  var probability = exp(-mean)
  var chiSquare = 0.0
  var cells = 0.0
  for k in 0..<200 {
    let expected = probability * Double(count)
    if expected > 20 {
      chiSquare += (histogram[k] - expected) * (histogram[k] - expected) / expected
      cells += 1
    }
    probability *= mean / Double(k + 1)
  }
  // Mean `cells`, standard deviation √(2 cells); five of them.
  #expect(abs(chiSquare - cells) < 5 * (2 * cells).squareRoot())
}

@Test("the logarithm of the probability agrees with its product form")
func logProbability() {
  for (k, mean) in [(0, 10.0), (3, 12), (9, 10), (10, 10), (35, 20), (160, 170), (60, 12)] {
    let sum = (0..<k).reduce(-mean) { $0 + log(mean / Double($1 + 1)) }
    #expect(abs(poissonLogProbability(Double(k), mean) - sum) < 1e-11, "\(k) of \(mean)")
  }
}

@Test("nothing comes of a mean of zero")
func poissonOfZero() {
  var generator = SeededGenerator(seed: 1)
  #expect(generator.poisson(mean: 0) == 0)
}
