/// What the tests of checkpoints share: rows of matrices, int8 and packed tensors, refusals.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <cstring>
#include <filesystem>
#include <string>
#include <vector>

#include "engine/checkpoint.h"
#include "engine/error.h"
#include "tests/check.h"
#include "tests/model_files.h"

namespace squeezebert::tests {

inline std::vector<float> floats_of(const StoredTensor& tensor) {
    std::vector<float> values(tensor.data.size() / sizeof(float));
    std::memcpy(values.data(), tensor.data.data(), tensor.data.size());
    return values;
}

inline std::vector<float> row_of(const Matrix& matrix, std::int64_t row) {
    std::vector<float> values(static_cast<std::size_t>(matrix.columns));
    matrix.read_row(row, values.data());
    return values;
}

/// Every row of the matrix is that of the tensor as it was stored in float32, within `tolerance`.
inline void check_rows(const Matrix& matrix, const std::vector<float>& expected,
                       double tolerance = 0.0) {
    CHECK_EQUAL(static_cast<std::size_t>(matrix.rows * matrix.columns), expected.size());
    for (std::int64_t r = 0; r < matrix.rows; ++r) {
        const std::vector<float> row = row_of(matrix, r);
        for (std::int64_t c = 0; c < matrix.columns; ++c) {
            const auto at = static_cast<std::size_t>(c);
            CHECK_NEAR(row[at], expected[static_cast<std::size_t>(r * matrix.columns) + at],
                       tolerance);
        }
    }
}

/// A model's matrix as int8 with a scale a row, in panels where `groups` is not 0.
inline void quantise(TinyModel& model, const std::string& name, std::int64_t groups = 0) {
    StoredTensor& tensor = model.at(name);
    const std::vector<float> values = floats_of(tensor);
    const std::int64_t rows = tensor.shape[0];
    const std::int64_t columns = tensor.shape[1];
    const auto index = [&](std::int64_t row, std::int64_t column) {
        return static_cast<std::size_t>(row * columns + column);
    };
    std::vector<float> scales;
    std::vector<std::int8_t> plain;
    for (std::int64_t r = 0; r < rows; ++r) {
        float largest = 0.0F;
        for (std::int64_t c = 0; c < columns; ++c) {
            largest = std::max(largest, std::fabs(values[index(r, c)]));
        }
        scales.push_back(largest / 127.0F);
        for (std::int64_t c = 0; c < columns; ++c) {
            const float value = values[index(r, c)];
            plain.push_back(static_cast<std::int8_t>(std::lrint(value / scales.back())));
        }
    }
    tensor = {"I8", tensor.shape, bytes_of(plain)};
    if (groups != 0) {
        const auto shape = packed_shape(rows, columns, groups);
        const std::int64_t padded = shape[2] * 4;
        std::vector<std::int8_t> panels(static_cast<std::size_t>(groups * shape[1] * padded * 16));
        for (std::int64_t r = 0; r < rows; ++r) {
            const std::int64_t group = r / (rows / groups);
            const std::int64_t output = r % (rows / groups);
            const std::int64_t panel = group * shape[1] + output / 16;
            for (std::int64_t c = 0; c < columns; ++c) {
                const std::int64_t at = ((panel * shape[2] + c / 4) * 16 + output % 16) * 4 + c % 4;
                panels[static_cast<std::size_t>(at)] = plain[index(r, c)];
            }
        }
        tensor = {"I8", shape, bytes_of(panels)};
    }
    model.tensors.push_back({name + ".scale", {"F32", {rows}, bytes_of(scales)}});
}

inline const std::string word = "transformer.embeddings.word_embeddings.weight";
inline const std::string query = "transformer.encoder.layers.1.attention.query.weight";

/// A masked LM with its word table and one projection packed.
inline TinyModel compact_model() {
    TinyModel model = tiny_model("squeezebert", "ForMaskedLM");
    quantise(model, word, 1);
    quantise(model, query, 2);
    // What is aligned stands first.
    std::stable_partition(model.tensors.begin(), model.tensors.end(),
                          [](const auto& entry) { return entry.second.shape.size() == 5; });
    model.metadata = R"({"squeezebert.layout": "panels-16", "squeezebert.shapes":
        "{\")" + word +
                     R"(\": [11, 8], \")" + query + R"(\": [8, 4, 1]}"})";
    return model;
}

/// The message of the error that the model is refused with.
inline std::string refusal(const TinyModel& model) {
    const TemporaryFolder folder;
    try {
        Checkpoint::open(model.write(folder, "model", 64));
    } catch (const Error& error) {
        return error.what();
    }
    return "(none)";
}

/// Fails the test unless the model is refused with that text in the message.
inline bool refused_with(const TinyModel& model, const std::string& text) {
    const std::string message = refusal(model);
    if (message.find(text) != std::string::npos) return true;
    throw Failure("received \"" + message + "\", expected \"" + text + "\" in it");
}

/// A token classifier with its own weights in part.safetensors and the word table in `shared`, a
/// path in JSON's spelling. Returns the directory.
inline std::string write_indexed(const TemporaryFolder& folder, const std::string& name,
                                 const std::string& shared) {
    TinyModel model = tiny_model("squeezebert", "ForTokenClassification");
    model.remove(word);
    model.metadata = R"({"mine": "yes"})";
    const std::string directory = model.write(folder, name);
    std::filesystem::rename(directory + "/model.safetensors", directory + "/part.safetensors");
    std::string map =
        "\"" + word + ".scale\": \"" + shared + "\", \"" + word + "\": \"" + shared + "\"";
    for (const auto& [tensor, stored] : model.tensors) {
        map += ", \"" + tensor + "\": \"part.safetensors\"";
    }
    write_file(directory + "/model.safetensors.index.json", "{\"weight_map\": {" + map + "}}");
    return directory;
}

}  // namespace squeezebert::tests
