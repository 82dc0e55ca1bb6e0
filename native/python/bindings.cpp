/// The Python module squeezebert.engine._native: models over NumPy arrays. What is checked in
/// Python (types, shapes, names of precisions) is not checked again here; what the memory depends
/// on is.
#include <nanobind/nanobind.h>
#include <nanobind/ndarray.h>
#include <nanobind/stl/optional.h>
#include <nanobind/stl/pair.h>
#include <nanobind/stl/string.h>
#include <nanobind/stl/vector.h>

#include <cstring>

#include "engine/cores.h"
#include "engine/error.h"
#include "engine/machine_peak.h"
#include "engine/model.h"
#include "engine/outliers.h"
#include "python/text_bindings.h"

namespace nb = nanobind;

namespace squeezebert {
namespace {

template <class Number>
using Vector = nb::ndarray<const Number, nb::ndim<1>, nb::c_contig, nb::device::cpu>;
using Int32s = Vector<std::int32_t>;
using Int64s = Vector<std::int64_t>;

/// A new NumPy array that owns its memory.
template <class Number>
struct Array {
    explicit Array(std::initializer_list<std::size_t> sizes) : shape(sizes) {
        std::size_t count = 1;
        for (const std::size_t size : shape) count *= size;
        data = new Number[count];
    }
    nb::object give() {
        nb::capsule owner(data, [](void* p) noexcept { delete[] static_cast<Number*>(p); });
        return nb::ndarray<nb::numpy, Number>(data, shape.size(), shape.data(), owner).cast();
    }
    std::vector<std::size_t> shape;
    Number* data;
};

/// The three arrays of a batch, held while it is worked on.
struct Arrays {
    Int32s input_ids, cu_seqlens;
    std::optional<Int32s> token_type_ids;

    /// Checks that no array is read past its end; the model checks the rest.
    Batch batch() const {
        const std::size_t ends = cu_seqlens.shape(0);
        if (ends == 0) {
            throw Error(ErrorKind::invalid_input, "cu_seqlens is empty, expected at least [0]");
        }
        if (cu_seqlens.data()[0] != 0) {
            throw Error(ErrorKind::invalid_input, "cu_seqlens begins with " +
                                                      std::to_string(cu_seqlens.data()[0]) +
                                                      ", expected 0");
        }
        const auto tokens = static_cast<std::int64_t>(input_ids.shape(0));
        if (cu_seqlens.data()[ends - 1] != tokens) {
            throw Error(ErrorKind::invalid_input,
                        "cu_seqlens ends with " + std::to_string(cu_seqlens.data()[ends - 1]) +
                            ", but there are " + std::to_string(tokens) + " input_ids");
        }
        if (token_type_ids && token_type_ids->shape(0) != input_ids.shape(0)) {
            throw Error(ErrorKind::invalid_input,
                        "there are " + std::to_string(token_type_ids->shape(0)) +
                            " token_type_ids, but " + std::to_string(tokens) + " input_ids");
        }
        return {input_ids.data(), token_type_ids ? token_type_ids->data() : nullptr,
                cu_seqlens.data(), static_cast<int>(ends - 1)};
    }
};

Precision precision_named(const std::string& name) {
    if (name == "int8") return Precision::int8;
    if (name == "bf16") return Precision::bf16;
    if (name == "float32") return Precision::float32;
    throw Error(ErrorKind::invalid_input, "no precision is called '" + name + "'",
                "precisions: int8, bf16, float32");
}

/// In the order of the fields of Precisions.
Precisions precisions_named(const std::vector<std::string>& names) {
    if (names.size() != 8) {
        throw Error(ErrorKind::invalid_input,
                    "there are " + std::to_string(names.size()) + " precisions, expected 8");
    }
    return {precision_named(names[0]), precision_named(names[1]), precision_named(names[2]),
            precision_named(names[3]), precision_named(names[4]), precision_named(names[5]),
            precision_named(names[6]), precision_named(names[7])};
}

std::string name_of(Precision precision) {
    return precision == Precision::int8   ? "int8"
           : precision == Precision::bf16 ? "bf16"
                                          : "float32";
}

/// In the order of the fields of Precisions.
std::vector<std::string> default_names(const std::string& directory) {
    const Precisions p = default_precisions(Checkpoint::open(directory));
    return {name_of(p.query),          name_of(p.key),          name_of(p.value),
            name_of(p.post_attention), name_of(p.intermediate), name_of(p.output),
            name_of(p.bottleneck),     name_of(p.vocabulary)};
}

nb::object encode(const Model& model, Int32s ids, Int32s ends, std::optional<Int32s> types) {
    const Arrays arrays{ids, ends, types};
    const Batch batch = arrays.batch();
    Array<float> out{ids.shape(0), static_cast<std::size_t>(model.config().hidden_size)};
    nb::object result = out.give();
    nb::gil_scoped_release release;
    model.encode(batch, out.data);
    return result;
}

nb::object profile(const Model& model, Int32s ids, Int32s ends, std::optional<Int32s> types) {
    const Arrays arrays{ids, ends, types};
    const Batch batch = arrays.batch();
    std::vector<float> out(ids.shape(0) * model.config().hidden_size);
    StageSeconds seconds;
    {
        nb::gil_scoped_release release;
        seconds = model.profile(batch, out.data());
    }
    nb::dict result;
    for (int stage = 0; stage < kStages; ++stage) result[kStageNames[stage]] = seconds[stage];
    return result;
}

nb::object mean_pooled(const Model& model, Int32s ids, Int32s ends, std::optional<Int32s> types) {
    const Arrays arrays{ids, ends, types};
    const Batch batch = arrays.batch();
    Array<float> out{ends.shape(0) - 1, static_cast<std::size_t>(model.config().hidden_size)};
    nb::object result = out.give();
    nb::gil_scoped_release release;
    model.mean_pooled(batch, out.data);
    return result;
}

nb::object logits(const Model& model, Int32s ids, Int32s ends, std::optional<Int32s> types,
                  std::optional<Int64s> positions) {
    const Arrays arrays{ids, ends, types};
    const Batch batch = arrays.batch();
    const bool masked = model.head() == HeadKind::masked_lm;
    const bool by_token = model.head() == HeadKind::token_classification ||
                          model.head() == HeadKind::question_answering;
    std::vector<std::int64_t> all;
    if (masked && !positions) {
        all.resize(ids.shape(0));
        for (std::size_t row = 0; row < all.size(); ++row) all[row] = static_cast<std::int64_t>(row);
    }
    const std::int64_t* wanted = positions ? positions->data() : all.data();
    const std::size_t count = positions ? positions->shape(0) : all.size();
    const std::size_t rows = masked ? count : by_token ? ids.shape(0) : ends.shape(0) - 1;
    const int columns = masked ? model.config().vocab_size : model.labels();
    Array<float> out{rows, static_cast<std::size_t>(columns)};
    nb::object result = out.give();
    nb::gil_scoped_release release;
    model.logits(batch, wanted, static_cast<std::int64_t>(count), out.data);
    return result;
}

nb::object top_k(const Model& model, Int32s ids, Int32s ends, std::optional<Int32s> types,
                 Int64s positions, int k) {
    const Arrays arrays{ids, ends, types};
    const Batch batch = arrays.batch();
    if (k < 1 || k > model.config().vocab_size) k = 0;  // the model refuses it
    const std::size_t count = positions.shape(0);
    Array<std::int32_t> best{count, static_cast<std::size_t>(k)};
    nb::object best_array = best.give();
    Array<float> values{count, static_cast<std::size_t>(k)};
    nb::object values_array = values.give();
    Array<float> normalisers{count};
    nb::object normalisers_array = normalisers.give();
    {
        nb::gil_scoped_release release;
        model.top_k(batch, positions.data(), static_cast<std::int64_t>(count), k, best.data,
                    values.data, normalisers.data);
    }
    return nb::make_tuple(best_array, values_array, normalisers_array);
}

double peak(const std::string& isa, const std::string& precision, int threads, double seconds) {
    const std::optional<Isa> found = isa_named(isa);
    if (!found) {
        throw Error(ErrorKind::invalid_input, "no instruction set is called '" + isa + "'");
    }
    const Precision product = precision_named(precision);
    nb::gil_scoped_release release;
    return peak_giga_operations_per_second(*found, product, threads, seconds);
}

nb::list roofs(int threads, double seconds) {
    std::vector<ReadBandwidth> found;
    {
        nb::gil_scoped_release release;
        found = read_roofs(threads, seconds);
    }
    nb::list result;
    for (const ReadBandwidth& roof : found) {
        result.append(nb::make_tuple(roof.level, roof.bytes, roof.gigabytes_per_second));
    }
    return result;
}

/// Errors of ours as those of squeezebert.errors.
void translate(const std::exception_ptr& pointer, void*) {
    try {
        std::rethrow_exception(pointer);
    } catch (const Error& error) {
        const char* name = error.kind() == ErrorKind::checkpoint ? "CheckpointError"
                           : error.kind() == ErrorKind::config   ? "ConfigError"
                                                                 : "InvalidInputError";
        nb::object type = nb::module_::import_("squeezebert.errors").attr(name);
        nb::object hint = error.hint().empty() ? nb::none() : nb::object(nb::cast(error.hint()));
        nb::object value = type(error.what(), nb::arg("hint") = hint);
        PyErr_SetObject(type.ptr(), value.ptr());
    }
}

}  // namespace
}  // namespace squeezebert

NB_MODULE(_native, m) {
    using namespace squeezebert;
    m.doc() = "The native engine of squeezebert; use squeezebert.engine.";
    m.attr("__version__") = SQUEEZEBERT_VERSION;
    nb::register_exception_translator(translate);
    m.def(
        "available_isas",
        [] {
            std::vector<std::string> names;
            for (const Isa isa : available_isas()) names.emplace_back(name(isa));
            return names;
        },
        "The instruction sets that run here, best first.");
    m.def("usable_cores", usable_cores, "How many threads this process can keep busy.");
    m.def("peak", peak, nb::arg("isa"), nb::arg("precision"), nb::arg("threads"),
          nb::arg("seconds"), "10^9 operations a second, in registers.");
    m.def("read_roofs", roofs, nb::arg("threads"), nb::arg("seconds"),
          "(level, bytes a thread, 10^9 bytes a second) of each cache, and of memory as level 0.");
    m.def("default_precisions", default_names, nb::arg("directory"),
          "What Model takes as precisions, the fastest choice that is safe.");
    m.def(
        "expected_peak",
        [](const std::string& directory) { return expected_peak(Checkpoint::open(directory)); },
        nb::arg("directory"),
        "How far single features stick out of what LayerNorms give the blocks' products.");
    bind_text(m);
    nb::class_<Model>(m, "Model", "A loaded model: weights, kernels and threads.")
        .def(
            "__init__",
            [](Model* self, const std::string& directory, const std::vector<std::string>& precisions,
               int threads) {
                const Precisions chosen = precisions_named(precisions);
                nb::gil_scoped_release release;
                new (self) Model(directory, chosen, threads);
            },
            nb::arg("directory"), nb::arg("precisions"), nb::arg("threads"))
        .def_prop_ro("isa", [](const Model& model) { return name(model.isa()); })
        .def_prop_ro("threads", &Model::threads)
        .def_prop_ro("head", [](const Model& model) { return head_name(model.head()); })
        .def_prop_ro("labels", &Model::labels)
        .def("encode", encode, nb::arg("input_ids"), nb::arg("cu_seqlens"),
             nb::arg("token_type_ids").none())
        .def("profile", profile, nb::arg("input_ids"), nb::arg("cu_seqlens"),
             nb::arg("token_type_ids").none())
        .def("mean_pooled", mean_pooled, nb::arg("input_ids"), nb::arg("cu_seqlens"),
             nb::arg("token_type_ids").none())
        .def("logits", logits, nb::arg("input_ids"), nb::arg("cu_seqlens"),
             nb::arg("token_type_ids").none(), nb::arg("positions").none())
        .def("top_k", top_k, nb::arg("input_ids"), nb::arg("cu_seqlens"),
             nb::arg("token_type_ids").none(), nb::arg("positions"), nb::arg("k"));
}
