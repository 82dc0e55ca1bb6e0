/// The C API over engine/model.h: arguments checked, exceptions turned into codes.
#include <cstdint>
#include <exception>
#include <memory>
#include <new>
#include <string>
#include <vector>

#include "api/handle.h"
#include "engine/error.h"
#include "engine/model.h"
#include "include/squeezebert.h"
#include "kernels/dispatch.h"

namespace squeezebert {

using api::guarded;
using api::refuse;
using api::require;

namespace {

/// The text of squeezebert_last_error, a thread's own.
std::string& last_error() {
    thread_local std::string text;
    return text;
}

squeezebert_status remember(squeezebert_status status, const char* message,
                            const std::string& hint = "") noexcept {
    try {
        last_error() = hint.empty() ? message : std::string(message) + "\nhint: " + hint;
    } catch (const std::exception&) {
        last_error().clear();  // no memory for the text: the code must do
    }
    return status;
}

squeezebert_status status_of(ErrorKind kind) {
    switch (kind) {
        case ErrorKind::checkpoint:
            return SQUEEZEBERT_ERROR_CHECKPOINT;
        case ErrorKind::config:
            return SQUEEZEBERT_ERROR_CONFIG;
        case ErrorKind::invalid_input:
            return SQUEEZEBERT_ERROR_INVALID_INPUT;
    }
    return SQUEEZEBERT_ERROR_INTERNAL;
}

PrecisionWishes wishes_of(squeezebert_precision asked) {
    switch (asked) {
        case SQUEEZEBERT_PRECISION_AUTO:
            return {};
        case SQUEEZEBERT_PRECISION_INT8:
            return Precisions::all(Precision::int8);
        case SQUEEZEBERT_PRECISION_BF16:
            return Precisions::all(Precision::bf16);
        case SQUEEZEBERT_PRECISION_FLOAT32:
            return Precisions::all(Precision::float32);
        default:
            refuse("precision is " + std::to_string(asked) +
                   ", expected one of SQUEEZEBERT_PRECISION_*");
    }
}

squeezebert_head head_code(HeadKind head) {
    switch (head) {
        case HeadKind::masked_lm:
            return SQUEEZEBERT_HEAD_MASKED_LM;
        case HeadKind::text_classification:
            return SQUEEZEBERT_HEAD_TEXT_CLASSIFICATION;
        case HeadKind::token_classification:
            return SQUEEZEBERT_HEAD_TOKEN_CLASSIFICATION;
        case HeadKind::question_answering:
            return SQUEEZEBERT_HEAD_QUESTION_ANSWERING;
        case HeadKind::multiple_choice:
            return SQUEEZEBERT_HEAD_MULTIPLE_CHOICE;
        case HeadKind::none:
            break;
    }
    return SQUEEZEBERT_HEAD_NONE;
}

int outputs_of(const Model& model) {
    return model.head() == HeadKind::masked_lm ? model.config().vocab_size : model.labels();
}

/// A call's batch, and how much of it there is. Everything is read from the caller once.
struct CopiedBatch {
    explicit CopiedBatch(const squeezebert_batch* given)
        : sizes(checked(given)),
          arrays(sizes.input_ids, sizes.token_type_ids, static_cast<std::size_t>(sizes.tokens),
                 sizes.cu_seqlens, sizes.sequences),
          batch(arrays.batch()) {}

    std::size_t tokens() const { return static_cast<std::size_t>(sizes.tokens); }
    std::size_t sequences() const { return static_cast<std::size_t>(sizes.sequences); }

    static squeezebert_batch checked(const squeezebert_batch* given) {
        require(given, "batch");
        const squeezebert_batch sizes = *given;
        if (sizes.sequences < 0 || sizes.sequences == INT32_MAX) {
            refuse("sequences is " + std::to_string(sizes.sequences));
        }
        if (sizes.tokens < 0) refuse("tokens is " + std::to_string(sizes.tokens));
        require(sizes.cu_seqlens, "cu_seqlens");
        if (sizes.tokens > 0) require(sizes.input_ids, "input_ids");
        return sizes;
    }

    const squeezebert_batch sizes;
    const BatchCopy arrays;
    const Batch batch;
};

void check_room(std::size_t rows, int columns, const float* out, std::size_t out_count) {
    // Neither factor is as large as 2^31, unless the caller counts wrongly.
    const bool right =
        rows >> 31U == 0 &&
        static_cast<std::uint64_t>(rows) * static_cast<unsigned>(columns) == out_count;
    if (!right) {
        refuse("out has room for " + std::to_string(out_count) + " numbers, expected " +
               std::to_string(rows) + " rows of " + std::to_string(columns));
    }
    if (out_count > 0) require(out, "out");
}

void open(ModelFiles files, const squeezebert_options* options, squeezebert_model** model) {
    const squeezebert_options chosen =
        options == nullptr ? squeezebert_options{SQUEEZEBERT_PRECISION_AUTO, 0} : *options;
    *model = new squeezebert_model(std::move(files), wishes_of(chosen.precision), chosen.threads);
}

}  // namespace

squeezebert_status api::remember_exception() noexcept {
    try {
        throw;
    } catch (const Error& error) {
        return remember(status_of(error.kind()), error.what(), error.hint());
    } catch (const std::bad_alloc&) {
        return remember(SQUEEZEBERT_ERROR_OUT_OF_MEMORY, "there is not enough memory");
    } catch (const std::exception& error) {
        return remember(SQUEEZEBERT_ERROR_INTERNAL, error.what());
    } catch (...) {
        return remember(SQUEEZEBERT_ERROR_INTERNAL, "an unknown exception");
    }
}

void api::refuse(const std::string& message, const std::string& hint) {
    throw Error(ErrorKind::invalid_input, message, hint);
}

void api::require(const void* pointer, const char* what) {
    if (pointer == nullptr) refuse(std::string(what) + " is NULL");
}

}  // namespace squeezebert

using namespace squeezebert;

squeezebert_status squeezebert_open(const char* path, const squeezebert_options* options,
                                    squeezebert_model** model) {
    return guarded([&] {
        require(model, "model");
        *model = nullptr;
        require(path, "path");
        open(ModelFiles::open(path), options, model);
    });
}

squeezebert_status squeezebert_open_memory(const void* data, size_t bytes,
                                           const squeezebert_options* options,
                                           squeezebert_model** model) {
    return guarded([&] {
        require(model, "model");
        *model = nullptr;
        require(data, "data");
        open(ModelFiles::in_memory(data, bytes), options, model);
    });
}

void squeezebert_close(squeezebert_model* model) { delete model; }

squeezebert_status squeezebert_describe(const squeezebert_model* model, squeezebert_info* info) {
    return guarded([&] {
        require(model, "model");
        require(info, "info");
        const EncoderConfig& config = model->model.config();
        *info = {head_code(model->model.head()),
                 outputs_of(model->model),
                 config.hidden_size,
                 config.vocab_size,
                 config.type_vocab_size,
                 config.max_position_embeddings,
                 config.num_hidden_layers,
                 model->model.threads(),
                 name(model->model.isa())};
    });
}

squeezebert_status squeezebert_label(const squeezebert_model* model, int32_t index,
                                     const char** label) {
    return guarded([&] {
        require(model, "model");
        require(label, "label");
        *label = nullptr;
        const auto& names = model->model.label_names();
        if (index < 0 || static_cast<std::size_t>(index) >= names.size()) {
            refuse("there is no label " + std::to_string(index) + ": the model has " +
                   std::to_string(names.size()));
        }
        *label = names[static_cast<std::size_t>(index)].c_str();
    });
}

squeezebert_status squeezebert_encode(const squeezebert_model* model,
                                      const squeezebert_batch* batch, float* out,
                                      size_t out_count) {
    return guarded([&] {
        require(model, "model");
        const CopiedBatch given(batch);
        check_room(given.tokens(), model->model.config().hidden_size, out, out_count);
        model->model.encode(given.batch, out);
    });
}

squeezebert_status squeezebert_mean_pooled(const squeezebert_model* model,
                                           const squeezebert_batch* batch, float* out,
                                           size_t out_count) {
    return guarded([&] {
        require(model, "model");
        const CopiedBatch given(batch);
        check_room(given.sequences(), model->model.config().hidden_size, out, out_count);
        model->model.mean_pooled(given.batch, out);
    });
}

squeezebert_status squeezebert_logits(const squeezebert_model* model,
                                      const squeezebert_batch* batch, const int64_t* positions,
                                      size_t count, float* out, size_t out_count) {
    return guarded([&] {
        require(model, "model");
        const CopiedBatch given(batch);
        const HeadKind head = model->model.head();
        std::size_t rows = given.sequences();
        if (head == HeadKind::masked_lm) {
            if (count > 0) require(positions, "positions");
            rows = count;
        } else if (positions != nullptr || count != 0) {
            refuse(std::string("positions given to a ") + head_name(head) + " head",
                   "pass NULL and 0");
        } else if (head == HeadKind::token_classification || head == HeadKind::question_answering) {
            rows = given.tokens();
        }
        check_room(rows, outputs_of(model->model), out, out_count);
        model->model.logits(given.batch, positions, static_cast<std::int64_t>(count), out);
    });
}

squeezebert_status squeezebert_top_k(const squeezebert_model* model, const squeezebert_batch* batch,
                                     const int64_t* positions, size_t count, int32_t k,
                                     int32_t* ids, float* logits, float* log_normalisers) {
    return guarded([&] {
        require(model, "model");
        const CopiedBatch given(batch);
        if (count >> 31U != 0) refuse("there are " + std::to_string(count) + " positions");
        if (count > 0) {
            require(positions, "positions");
            require(ids, "ids");
            require(logits, "logits");
        }
        std::vector<float> unwanted(log_normalisers == nullptr ? count : 0);
        model->model.top_k(given.batch, positions, static_cast<std::int64_t>(count), k, ids, logits,
                           log_normalisers == nullptr ? unwanted.data() : log_normalisers);
    });
}

const char* squeezebert_last_error(void) { return last_error().c_str(); }

const char* squeezebert_version(void) { return SQUEEZEBERT_VERSION; }
