import CSqueezeBert
import Foundation

/// A model that cannot be opened, or a call that it has no answer to.
public struct SqueezeBertError: Error, CustomStringConvertible {
    /// A `SQUEEZEBERT_ERROR_…` of squeezebert.h.
    public let status: Int32
    public let description: String

    /// What went wrong in the last call of this thread.
    init(status: squeezebert_status) {
        self.status = status
        description = String(cString: squeezebert_last_error())
    }
}

/// A label and its probability; for a regression, the number.
public struct Score {
    public let label: String
    public let score: Double
}

/// A named stretch of a text.
public struct Entity {
    public let type: String
    public let range: NSRange
    public let score: Double
}

/// A text with all its gaps filled, and the tokens in them.
public struct Filling {
    public let text: String
    public let tokens: [String]
    public let score: Double
}

/// How a word that is offered relates to what stands there. The numbers are those of squeezebert.h.
public enum Kind: Int32 {
    case next = 0, typed, completion, correction
}

/// Words that a keyboard offers for a place.
public struct Suggestions {
    public struct Word {
        public let word: String
        public let kind: Kind
        public let score: Double
    }

    public let range: NSRange
    public let words: [Word]
}

/// A model that takes texts. Any number of threads may use it at once. Places are those of NSString,
/// which counts in UTF-16. A call takes milliseconds: not for the thread that draws.
public final class Model {
    private let model: OpaquePointer

    /// Opens a directory, or a file that `squeezebert bundle` made, such as a resource of the app.
    /// `threads`: 0 are all cores that the process may use.
    public init(path: String, threads: Int32 = 0) throws {
        var options = squeezebert_options()
        options.threads = threads
        var opened: OpaquePointer?
        let status = squeezebert_open(path, &options, &opened)
        guard let opened else { throw SqueezeBertError(status: status) }
        model = opened
    }

    deinit {
        squeezebert_close(model)
    }

    /// Classes of a text or a pair of texts, in the order of the labels.
    public func classify(_ text: String, pair: String? = nil) throws -> [Score] {
        let found: UnsafeMutablePointer<squeezebert_classes> = try answer { result in
            // A pair that is nil is NULL.
            squeezebert_classify(model, text, Model.terminated, pair, Model.terminated, &result)
        }
        defer { squeezebert_free(found) }
        return (0..<found.pointee.count).map { i in
            Score(
                label: String(cString: found.pointee.names[i]!),
                score: found.pointee.scores[i])
        }
    }

    /// Entities, in the order of the text.
    public func tag(_ text: String) throws -> [Entity] {
        let found: UnsafeMutablePointer<squeezebert_entities> = try answer { result in
            squeezebert_tag(model, text, Model.terminated, Model.utf16, &result)
        }
        defer { squeezebert_free(found) }
        return (0..<found.pointee.count).map { i in
            let one = found.pointee.items[i]
            return Entity(
                type: String(cString: one.type), range: Model.range(one.start, one.end),
                score: Double(one.score))
        }
    }

    /// All `[MASK]` of a text filled together, in at most `topK` ways, the likeliest first; whole
    /// words only, or any tokens.
    public func fillAll(_ text: String, topK: Int32 = 5, words: Bool = true) throws -> [Filling] {
        let content = squeezebert_content(words ? SQUEEZEBERT_WORDS : SQUEEZEBERT_TOKENS)
        let found: UnsafeMutablePointer<squeezebert_fillings> = try answer { result in
            squeezebert_fill_all(
                model, text, Model.terminated, topK, content, Model.utf16, &result)
        }
        defer { squeezebert_free(found) }
        return (0..<found.pointee.count).map { i in
            let one = found.pointee.items[i]
            return Filling(
                text: String(cString: one.text),
                tokens: (0..<found.pointee.gaps).map { String(cString: one.tokens[$0]!) },
                score: one.score)
        }
    }

    /// Words for a cursor, as a keyboard offers them, the likeliest first: the next one, or how the
    /// one that the cursor is in or right after may go on or be spelt.
    public func suggest(_ text: String, cursor: Int, topK: Int32 = 3) throws -> Suggestions {
        precondition(cursor >= 0)
        let found: UnsafeMutablePointer<squeezebert_suggestions> = try answer { result in
            squeezebert_suggest(
                model, text, Model.terminated, cursor, topK, Model.utf16, &result)
        }
        defer { squeezebert_free(found) }
        let words = (0..<found.pointee.count).map { i -> Suggestions.Word in
            let one = found.pointee.items[i]
            return Suggestions.Word(
                word: String(cString: one.word), kind: Kind(rawValue: one.kind)!, score: one.score)
        }
        return Suggestions(range: Model.range(found.pointee.start, found.pointee.end), words: words)
    }

    /// Of texts that end with a NUL, as Swift hands strings to C.
    private static let terminated = Int(bitPattern: UInt.max)
    private static let utf16 = squeezebert_unit(SQUEEZEBERT_UTF16)

    private static func range(_ start: Int, _ end: Int) -> NSRange {
        NSRange(location: start, length: end - start)
    }

    /// What a call gives; free it.
    private func answer<Result>(
        _ call: (inout UnsafeMutablePointer<Result>?) -> squeezebert_status
    ) throws -> UnsafeMutablePointer<Result> {
        var result: UnsafeMutablePointer<Result>?
        // The model must not go before the call is over.
        let status = withExtendedLifetime(self) { call(&result) }
        guard let result else { throw SqueezeBertError(status: status) }
        return result
    }
}
