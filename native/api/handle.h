/// What the files of the C API share: the model behind the handle, and how calls fail.
#pragma once

#include <memory>
#include <mutex>
#include <string>

#include "engine/model.h"
#include "engine/model_files.h"
#include "include/squeezebert.h"
#include "text/text_model.h"

struct squeezebert_model {
    squeezebert_model(squeezebert::ModelFiles opened, const squeezebert::PrecisionWishes& wishes,
                      int threads)
        : files(std::move(opened)), model(files, wishes, threads) {}

    /// The model with its tokenizer and task, read when it is first asked for: who brings ids needs
    /// none. Throws Error each time where its files cannot be read.
    const squeezebert::TextModel& text() const {
        const std::lock_guard<std::mutex> lock(mutex);
        if (!text_model) text_model = std::make_unique<squeezebert::TextModel>(model, files);
        return *text_model;
    }

    const squeezebert::ModelFiles files;
    const squeezebert::Model model;

private:
    mutable std::mutex mutex;
    mutable std::unique_ptr<const squeezebert::TextModel> text_model;
};

namespace squeezebert::api {

/// The code of the exception in flight; its text becomes squeezebert_last_error().
squeezebert_status remember_exception() noexcept;

/// Runs the body; no exception leaves it.
template <class Body>
squeezebert_status guarded(const Body& body) noexcept {
    try {
        body();
        return SQUEEZEBERT_OK;
    } catch (...) {
        return remember_exception();
    }
}

/// Throw Error(invalid_input).
[[noreturn]] void refuse(const std::string& message, const std::string& hint = "");
void require(const void* pointer, const char* what);

}  // namespace squeezebert::api
