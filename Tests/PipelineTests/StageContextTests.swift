// What a stage reads of its parameters: always a value, or nil where there may be none.
import Pipeline
import Testing

struct StageContextTests {
  private enum Side: String { case left, right }

  private let context = StageContext(
    stageName: "stage",
    parameters: [
      "length_nm": .number(2.5), "count": .integer(3), "isDrawn": .boolean(true),
      "side": .text("right"), "list": .list([.number(1), .number(-2)]), "angle": .text("from-file"),
    ], inputs: [:])

  @Test("A parameter that always has a value is read as what it was declared to be")
  func values() throws {
    #expect(try context.value("length_nm", as: Double.self) == 2.5)
    #expect(try context.value("count", as: Int.self) == 3)
    #expect(try context.value("count", as: Double.self) == 3)
    #expect(try context.value("isDrawn", as: Bool.self))
    #expect(try context.value("side", as: String.self) == "right")
    #expect(try context.value("list", as: [Double].self) == [1, -2])
    #expect(try context.choice("side", as: Side.self) == .right)
  }

  @Test("What may be a keyword, or be left out, is nil then")
  func keywords() {
    #expect(context.number("angle") == nil && context.word("angle") == "from-file")
    #expect(context.number("length_nm") == 2.5 && context.word("length_nm") == nil)
    #expect(context.numbers("list") == [1, -2] && context.numbers("angle") == nil)
    #expect(context.words("angle") == ["from-file"] && context.words("absent").isEmpty)
  }

  @Test("A value that is not declared is a defect that names its parameter")
  func defects() throws {
    let absent = #expect(throws: UndeclaredParameter.self) {
      try context.value("lenght_nm", as: Double.self)
    }
    #expect(
      absent?.description
        == "it reads parameter 'lenght_nm' as Double, which its declaration does not ensure")
    #expect(throws: UndeclaredParameter.self) { try context.value("angle", as: Double.self) }
    #expect(throws: UndeclaredParameter.self) { try context.value("length_nm", as: Int.self) }
    #expect(throws: UndeclaredParameter.self) { try context.choice("angle", as: Side.self) }
  }
}
