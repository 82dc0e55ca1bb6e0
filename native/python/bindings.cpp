/// The Python module squeezebert.engine._native: models over NumPy arrays. What is checked in
/// Python (types, shapes, names of precisions) is not checked again here; what the memory depends
/// on is.
#include <nanobind/nanobind.h>
#include <nanobind/ndarray.h>
#include <nanobind/stl/optional.h>
#include <nanobind/stl/pair.h>
#include <nanobind/stl/string.h>
#include <nanobind/stl/vector.h>

#include <chrono>
#include <cstring>
#include <exception>
#include <limits>
#include <thread>

#include "engine/batch.h"
#include "engine/cores.h"
#include "engine/error.h"
#include "engine/machine_peak.h"
#include "engine/model.h"
#include "engine/outliers.h"
#include "engine/precision_choice.h"
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

/// The three arrays of a batch, copied while the GIL is held.
BatchCopy copy_of(const Int32s& ids, const Int32s& ends, const std::optional<Int32s>& types) {
    if (ends.shape(0) == 0) {
        throw Error(ErrorKind::invalid_input, "cu_seqlens is empty, expected at least [0]");
    }
    if (types && types->shape(0) != ids.shape(0)) {
        throw Error(ErrorKind::invalid_input, "there are " + std::to_string(types->shape(0)) +
                                                  " token_type_ids, but " +
                                                  std::to_string(ids.shape(0)) + " input_ids");
    }
    if (ends.shape(0) > std::numeric_limits<int>::max()) {
        throw Error(ErrorKind::invalid_input,
                    "cu_seqlens has " + std::to_string(ends.shape(0)) + " entries");
    }
    return BatchCopy(ids.data(), types ? types->data() : nullptr, ids.shape(0), ends.data(),
                     static_cast<int>(ends.shape(0)) - 1);
}

/// Takes the GIL back. Where the interpreter is shutting down, Python before 3.14 ends a thread
/// that asks for the GIL by pthread_exit, which unwinds its stack: through frames that must not be
/// unwound, so that the process would abort. Such a thread sleeps here instead, until the process
/// ends a moment later (what Python does itself from 3.14 on).
void take_gil(PyThreadState* state) {
    try {
        PyEval_RestoreThread(state);
    } catch (...) {
        for (;;) std::this_thread::sleep_for(std::chrono::hours(1));
    }
}

/// Runs the body without the GIL. No guard object: a destructor must not be where a thread ends.
template <class Body>
void without_gil(const Body& body) {
    PyThreadState* const state = PyEval_SaveThread();
    std::exception_ptr error;
    try {
        body();
    } catch (...) {
        error = std::current_exception();
    }
    take_gil(state);
    if (error != nullptr) std::rethrow_exception(error);
}

Precision checked_precision(const std::string& name) {
    if (const auto precision = precision_named(name)) return *precision;
    throw Error(ErrorKind::invalid_input, "no precision is called '" + shown(name) + "'",
                "precisions: int8, bf16, float32");
}

/// By kind, in the order of precision_kinds; "auto" leaves it to the model.
PrecisionWishes wishes_named(const std::vector<std::string>& names) {
    PrecisionWishes wishes;
    if (names.size() != wishes.by_kind.size()) {
        throw Error(ErrorKind::invalid_input, "there are " + std::to_string(names.size()) +
                                                  " precisions, expected " +
                                                  std::to_string(wishes.by_kind.size()));
    }
    for (std::size_t i = 0; i < names.size(); ++i) {
        if (names[i] != "auto") wishes.by_kind[i] = checked_precision(names[i]);
    }
    return wishes;
}

/// By kind.
nb::dict names_of(const Precisions& precisions) {
    nb::dict names;
    for (const PrecisionKind& kind : precision_kinds) {
        names[kind.name] = precision_name(precisions.*kind.field);
    }
    return names;
}

/// A path's bytes: they need not be UTF-8.
std::string path_of(const nb::bytes& path) { return {path.c_str(), path.size()}; }

nb::object encode(const Model& model, Int32s ids, Int32s ends, std::optional<Int32s> types) {
    const BatchCopy batch = copy_of(ids, ends, types);
    Array<float> out{ids.shape(0), static_cast<std::size_t>(model.config().hidden_size)};
    nb::object result = out.give();
    without_gil([&] { model.encode(batch.batch(), out.data); });
    return result;
}

nb::object profile(const Model& model, Int32s ids, Int32s ends, std::optional<Int32s> types) {
    const BatchCopy batch = copy_of(ids, ends, types);
    std::vector<float> out(ids.shape(0) * model.config().hidden_size);
    StageSeconds seconds;
    without_gil([&] { seconds = model.profile(batch.batch(), out.data()); });
    nb::dict result;
    for (int stage = 0; stage < kStages; ++stage) result[kStageNames[stage]] = seconds[stage];
    return result;
}

nb::object mean_pooled(const Model& model, Int32s ids, Int32s ends, std::optional<Int32s> types) {
    const BatchCopy batch = copy_of(ids, ends, types);
    Array<float> out{ends.shape(0) - 1, static_cast<std::size_t>(model.config().hidden_size)};
    nb::object result = out.give();
    without_gil([&] { model.mean_pooled(batch.batch(), out.data); });
    return result;
}

nb::object logits(const Model& model, Int32s ids, Int32s ends, std::optional<Int32s> types,
                  std::optional<Int64s> positions) {
    const BatchCopy batch = copy_of(ids, ends, types);
    const bool masked = model.head() == HeadKind::masked_lm;
    const bool by_token = model.head() == HeadKind::token_classification ||
                          model.head() == HeadKind::question_answering;
    std::vector<std::int64_t> all;
    if (masked && !positions) {
        all.resize(ids.shape(0));
        for (std::size_t row = 0; row < all.size(); ++row)
            all[row] = static_cast<std::int64_t>(row);
    }
    const std::int64_t* wanted = positions ? positions->data() : all.data();
    const std::size_t count = positions ? positions->shape(0) : all.size();
    const std::size_t rows = masked ? count : by_token ? ids.shape(0) : ends.shape(0) - 1;
    const int columns = masked ? model.config().vocab_size : model.labels();
    Array<float> out{rows, static_cast<std::size_t>(columns)};
    nb::object result = out.give();
    without_gil(
        [&] { model.logits(batch.batch(), wanted, static_cast<std::int64_t>(count), out.data); });
    return result;
}

nb::object top_k(const Model& model, Int32s ids, Int32s ends, std::optional<Int32s> types,
                 Int64s positions, int k) {
    const BatchCopy batch = copy_of(ids, ends, types);
    if (k < 1 || k > model.config().vocab_size) k = 0;  // the model refuses it
    const std::size_t count = positions.shape(0);
    Array<std::int32_t> best{count, static_cast<std::size_t>(k)};
    nb::object best_array = best.give();
    Array<float> values{count, static_cast<std::size_t>(k)};
    nb::object values_array = values.give();
    Array<float> normalisers{count};
    nb::object normalisers_array = normalisers.give();
    without_gil([&] {
        model.top_k(batch.batch(), positions.data(), static_cast<std::int64_t>(count), k, best.data,
                    values.data, normalisers.data);
    });
    return nb::make_tuple(best_array, values_array, normalisers_array);
}

double peak(const std::string& isa, const std::string& precision, int threads, double seconds) {
    const std::optional<Isa> found = isa_named(isa);
    if (!found) {
        throw Error(ErrorKind::invalid_input, "no instruction set is called '" + shown(isa) + "'");
    }
    const Precision product = checked_precision(precision);
    double rate = 0.0;
    without_gil([&] { rate = peak_giga_operations_per_second(*found, product, threads, seconds); });
    return rate;
}

nb::list roofs(int threads, double seconds) {
    std::vector<ReadBandwidth> found;
    without_gil([&] { found = read_roofs(threads, seconds); });
    nb::list result;
    for (const ReadBandwidth& roof : found) {
        result.append(nb::make_tuple(roof.level, roof.bytes, roof.gigabytes_per_second));
    }
    return result;
}

/// Errors of ours as those of squeezebert.errors, made without running Python code: a daemon thread
/// might end in it (see take_gil). What SqueezeBertError.__init__ does is done here.
void translate(const std::exception_ptr& pointer, void*) {
    try {
        std::rethrow_exception(pointer);
    } catch (const Error& error) {
        const char* name = error.kind() == ErrorKind::checkpoint ? "CheckpointError"
                           : error.kind() == ErrorKind::config   ? "ConfigError"
                                                                 : "InvalidInputError";
        const nb::object type = nb::module_::import_("squeezebert.errors").attr(name);
        const std::string message = error.what();
        const bool hinted = !error.hint().empty();
        const nb::tuple arguments =
            nb::make_tuple(hinted ? message + "\nhint: " + error.hint() : message);
        auto* const make = reinterpret_cast<newfunc>(
            PyType_GetSlot(reinterpret_cast<PyTypeObject*>(type.ptr()), Py_tp_new));
        const nb::object value =
            nb::steal(make(reinterpret_cast<PyTypeObject*>(type.ptr()), arguments.ptr(), nullptr));
        if (!value.is_valid()) return;
        value.attr("message") = message;
        value.attr("hint") = hinted ? nb::cast(error.hint()) : nb::none();
        PyErr_SetObject(type.ptr(), value.ptr());
    }
}

}  // namespace
}  // namespace squeezebert

NB_MODULE(_native, m) {
    using namespace squeezebert;
    m.doc() = "The native engine of squeezebert; use squeezebert.engine.";
    m.attr("__version__") = SQUEEZEBERT_VERSION;
    // A model that a daemon thread uses while the interpreter ends is no leak to tell of.
    nb::set_leak_warnings(false);
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
    m.def(
        "resolve_precisions",
        [](const nb::bytes& directory, const std::vector<std::string>& names) {
            return names_of(
                choose_precisions(Checkpoint::open(path_of(directory)), wishes_named(names)));
        },
        nb::arg("directory"), nb::arg("precisions"),
        "By kind, what Model would take for the same arguments.");
    m.def(
        "recorded_precisions",
        [](const nb::bytes& directory) -> nb::object {
            const auto recorded = recorded_precisions(Checkpoint::open(path_of(directory)));
            return recorded ? nb::object(names_of(*recorded)) : nb::none();
        },
        nb::arg("directory"), "By kind, what the weights record; None where they record nothing.");
    m.def(
        "default_precisions",
        [](const nb::bytes& directory) {
            return names_of(default_precisions(Checkpoint::open(path_of(directory))));
        },
        nb::arg("directory"), "By kind, the fastest choice that is safe.");
    m.def(
        "expected_peak",
        [](const nb::bytes& directory) {
            return expected_peak(Checkpoint::open(path_of(directory)));
        },
        nb::arg("directory"),
        "How far single features stick out of what LayerNorms give the blocks' products.");
    bind_text(m);
    nb::class_<Model>(m, "Model", "A loaded model: weights, kernels and threads.")
        .def(
            "__init__",
            [](Model* self, const nb::bytes& directory, const std::vector<std::string>& precisions,
               int threads) {
                const std::string path = path_of(directory);
                const PrecisionWishes wishes = wishes_named(precisions);
                without_gil([&] { new (self) Model(path, wishes, threads); });
            },
            nb::arg("directory"), nb::arg("precisions"), nb::arg("threads"))
        .def_prop_ro("precisions", [](const Model& model) { return names_of(model.precisions()); })
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
