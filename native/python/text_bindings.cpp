/// Text in the module squeezebert.engine._native: the tokenizer, and answers of a model to texts.
#include "python/text_bindings.h"

#include <nanobind/ndarray.h>
#include <nanobind/stl/optional.h>
#include <nanobind/stl/string.h>
#include <nanobind/stl/vector.h>

#include <algorithm>
#include <memory>
#include <optional>
#include <string_view>

#include "engine/error.h"
#include "text/text_model.h"
#include "text/tokenizer_files.h"
#include "text/windows.h"
#include "text/words.h"

namespace nb = nanobind;

namespace squeezebert {
namespace {

/// A string's UTF-8, valid as long as the string.
std::string_view utf8(nb::handle text) {
    Py_ssize_t size = 0;
    const char* data = PyUnicode_AsUTF8AndSize(text.ptr(), &size);
    if (data == nullptr) throw nb::python_error();
    return {data, static_cast<std::size_t>(size)};
}

/// A vector's content as an array of NumPy that owns it.
template <class Number, class Element>
nb::object array(std::vector<Element> values, std::initializer_list<std::size_t> shape) {
    auto kept = std::make_unique<std::vector<Element>>(std::move(values));
    Number* data = reinterpret_cast<Number*>(kept->data());
    nb::capsule owner(kept.get(),
                      [](void* p) noexcept { delete static_cast<std::vector<Element>*>(p); });
    kept.release();
    return nb::ndarray<nb::numpy, Number>(data, shape, owner).cast();
}

nb::tuple encode(const Tokenizer& tokenizer, nb::list texts) {
    std::vector<std::string_view> views;
    for (nb::handle text : texts) {
        if (!PyUnicode_Check(text.ptr())) {
            throw Error(ErrorKind::invalid_input,
                        "text " + std::to_string(views.size()) + " is of type " +
                            Py_TYPE(text.ptr())->tp_name + ", expected a string");
        }
        views.push_back(utf8(text));
    }
    Tokens all;
    std::vector<std::int64_t> ends{0};
    {
        nb::gil_scoped_release release;
        Tokens tokens;
        for (const std::string_view text : views) {
            tokens.clear();
            tokenizer.encode(text, tokens);
            convert_spans(text, TextUnit::code_points, tokens.spans);
            all.ids.insert(all.ids.end(), tokens.ids.begin(), tokens.ids.end());
            all.spans.insert(all.spans.end(), tokens.spans.begin(), tokens.spans.end());
            ends.push_back(static_cast<std::int64_t>(all.ids.size()));
        }
    }
    const std::size_t count = all.ids.size(), rows = ends.size();
    return nb::make_tuple(array<std::int32_t>(std::move(all.ids), {count}),
                          array<std::int32_t>(std::move(all.spans), {count, 2}),
                          array<std::int64_t>(std::move(ends), {rows}));
}

std::string normalize(const Tokenizer& tokenizer, nb::str text) {
    std::string result;
    for (const NormalizedCharacter& character : tokenizer.normalizer().normalize(utf8(text), 0)) {
        char bytes[4];
        result.append(bytes, static_cast<std::size_t>(write_utf8(character.value, bytes)));
    }
    return result;
}

nb::object words(nb::str text, bool ideographs_apart) {
    const std::string_view content = utf8(text);
    std::vector<Span> spans = split_words(content, ideographs_apart);
    convert_spans(content, TextUnit::code_points, spans);
    const std::size_t count = spans.size();
    return array<std::int32_t>(std::move(spans), {count, 2});
}

nb::list windows(const std::vector<std::int32_t>& word_ids, int size, int overlap) {
    nb::list result;
    for (const Window& window : cut_windows(word_ids, size, overlap)) {
        result.append(nb::make_tuple(window.begin, window.end, window.words));
    }
    return result;
}

std::vector<std::int32_t> decode_tags(const Transitions& transitions, int labels,
                                      const std::vector<float>& scores) {
    return TagDecoder(transitions, labels).decode(scores);
}

/// A model and its text side together.
struct OpenedTextModel {
    OpenedTextModel(const std::string& path, int threads)
        : files(ModelFiles::open(path)), model(files, {}, threads), text(model, files) {}

    ModelFiles files;
    Model model;
    TextModel text;
};

std::vector<double> classify(const OpenedTextModel& opened, nb::str text,
                             std::optional<nb::str> pair) {
    const std::string_view first = utf8(text);
    const std::string_view second = pair ? utf8(*pair) : std::string_view();
    nb::gil_scoped_release release;
    return opened.text.classify(first, pair ? &second : nullptr);
}

/// The spans of answers, in code points.
template <class Answer>
std::vector<Span> spans_of(const std::vector<Answer>& answers, std::string_view text) {
    std::vector<Span> spans;
    for (const Answer& answer : answers) spans.push_back(answer.span);
    convert_spans(text, TextUnit::code_points, spans);
    return spans;
}

nb::list tag(const OpenedTextModel& opened, nb::str text) {
    const std::string_view content = utf8(text);
    std::vector<Entity> entities;
    std::vector<Span> spans;
    {
        nb::gil_scoped_release release;
        entities = opened.text.tag(content);
        spans = spans_of(entities, content);
    }
    nb::list result;
    for (std::size_t i = 0; i < entities.size(); ++i) {
        result.append(
            nb::make_tuple(entities[i].type, spans[i].begin, spans[i].end, entities[i].score));
    }
    return result;
}

nb::list fill(const OpenedTextModel& opened, nb::str text, int top_k) {
    const std::string_view content = utf8(text);
    std::vector<Gap> gaps;
    std::vector<Span> spans;
    {
        nb::gil_scoped_release release;
        gaps = opened.text.fill(content, top_k);
        spans = spans_of(gaps, content);
    }
    nb::list result;
    for (std::size_t i = 0; i < gaps.size(); ++i) {
        nb::list candidates;
        for (const Candidate& candidate : gaps[i].candidates) {
            candidates.append(nb::make_tuple(candidate.token, candidate.score,
                                             filled(content, gaps[i].span, candidate.token)));
        }
        result.append(nb::make_tuple(spans[i].begin, spans[i].end, candidates));
    }
    return result;
}

nb::list fill_all(const OpenedTextModel& opened, nb::str text, int top_k, bool words) {
    const std::string_view content = utf8(text);
    Fillings found;
    {
        nb::gil_scoped_release release;
        found = opened.text.fill_all(content, top_k, words);
    }
    nb::list result;
    for (const Filling& one : found.best) {
        std::vector<std::string_view> tokens;
        nb::list shown;
        for (const std::int32_t id : one.ids) {
            tokens.push_back(opened.text.tokenizer().vocabulary().token(id));
            shown.append(nb::str(tokens.back().data(), tokens.back().size()));
        }
        result.append(nb::make_tuple(shown, one.score, filled(content, found.gaps, tokens)));
    }
    return result;
}

nb::tuple suggest(const OpenedTextModel& opened, nb::str text, std::size_t cursor, int top_k) {
    const std::string_view content = utf8(text);
    std::vector<Suggestion> found;
    std::vector<Span> spans;
    {
        nb::gil_scoped_release release;
        const std::size_t at = byte_at(content, TextUnit::code_points, cursor);
        const WordPlace place = word_at(content, std::min(at, content.size()));
        found = opened.text.suggest(content, place, top_k);
        spans = {{static_cast<std::uint32_t>(place.begin), static_cast<std::uint32_t>(place.end)}};
        convert_spans(content, TextUnit::code_points, spans);
    }
    constexpr const char* kinds[] = {"next", "typed", "completion", "correction"};
    nb::list words;
    for (const Suggestion& one : found) {
        words.append(
            nb::make_tuple(one.word, kinds[static_cast<std::size_t>(one.kind)], one.score));
    }
    return nb::make_tuple(spans[0].begin, spans[0].end, words);
}

}  // namespace

void bind_text(nb::module_& m) {
    nb::class_<Tokenizer>(m, "Tokenizer", "BERT's WordPiece.")
        .def(
            "__init__",
            [](Tokenizer* self, const std::string& directory) {
                new (self) Tokenizer(read_tokenizer(ModelFiles::in_directory(directory)));
            },
            nb::arg("directory"))
        .def("encode", encode, nb::arg("texts"))
        .def("normalize", normalize, nb::arg("text"));
    m.def("split_words", words, nb::arg("text"), nb::arg("ideographs_apart"));
    m.def("cut_windows", windows, nb::arg("word_ids"), nb::arg("size"), nb::arg("overlap"));
    m.def("decode_tags", decode_tags, nb::arg("transitions"), nb::arg("labels"), nb::arg("scores"));
    nb::class_<OpenedTextModel>(m, "TextModel", "A model that takes texts.")
        .def(nb::init<const std::string&, int>(), nb::arg("path"), nb::arg("threads"))
        .def("classify", classify, nb::arg("text"), nb::arg("pair").none())
        .def("tag", tag, nb::arg("text"))
        .def("fill", fill, nb::arg("text"), nb::arg("top_k"))
        .def("fill_all", fill_all, nb::arg("text"), nb::arg("top_k"), nb::arg("words"))
        .def("suggest", suggest, nb::arg("text"), nb::arg("cursor"), nb::arg("top_k"));
}

}  // namespace squeezebert
