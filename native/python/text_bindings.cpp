/// Text in the module squeezebert.engine._native: the tokenizer.
#include "python/text_bindings.h"

#include <nanobind/ndarray.h>
#include <nanobind/stl/optional.h>
#include <nanobind/stl/string.h>
#include <nanobind/stl/vector.h>

#include <memory>
#include <string_view>

#include "engine/error.h"
#include "text/tokenizer.h"
#include "text/tokenizer_files.h"

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
}

}  // namespace squeezebert
