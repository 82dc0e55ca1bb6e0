#include "engine/batch.h"

#include <atomic>
#include <cstdint>
#include <thread>
#include <vector>

#include "engine/error.h"
#include "include/squeezebert.h"
#include "tests/check.h"
#include "tests/model_files.h"

using namespace squeezebert;
using namespace squeezebert::tests;

TEST("batch: a copy stays what it was") {
    std::vector<std::int32_t> ids{1, 2, 3}, types{0, 1, 0}, ends{0, 1, 3};
    const BatchCopy copy(ids.data(), types.data(), 3, ends.data(), 2);
    const BatchCopy untyped(ids.data(), nullptr, 3, ends.data(), 2);
    for (std::vector<std::int32_t>* array : {&ids, &types, &ends}) array->assign(3, INT32_MAX);
    const Batch batch = copy.batch();
    CHECK_EQUAL(batch.sequences, 2);
    CHECK_EQUAL(batch.tokens(), 3);
    CHECK(std::vector<std::int32_t>(batch.input_ids, batch.input_ids + 3) ==
          std::vector<std::int32_t>({1, 2, 3}));
    CHECK_EQUAL(batch.token_type_ids[1], 1);
    CHECK_EQUAL(batch.cu_seqlens[1], 1);
    CHECK(untyped.batch().token_type_ids == nullptr);
    const std::int32_t none = 0;
    CHECK_EQUAL(BatchCopy(nullptr, nullptr, 0, &none, 0).batch().tokens(), 0);
}

TEST("batch: lengths that do not fit the arrays are refused") {
    const std::int32_t ids[] = {1, 2, 3};
    const auto copy = [&](std::vector<std::int32_t> ends) {
        return BatchCopy(ids, nullptr, 3, ends.data(), static_cast<int>(ends.size()) - 1);
    };
    CHECK_THROWS(copy({1, 3}), "cu_seqlens begins with 1, expected 0");
    CHECK_THROWS(copy({0, 4}), "cu_seqlens ends with 4, but there are 3 input_ids");
    CHECK_THROWS(copy({0, -1}), "cu_seqlens ends with -1");
    CHECK_THROWS(copy({0}), "cu_seqlens ends with 0");
}

TEST("batch: arrays that another thread writes to during calls of the C API") {
    const TemporaryFolder folder;
    const std::string directory = tiny_model("bert", "ForMaskedLM").write(folder);
    squeezebert_model* model = nullptr;
    CHECK_EQUAL(squeezebert_open(directory.c_str(), nullptr, &model), SQUEEZEBERT_OK);
    // Volatile, so that the compiler leaves the writes where they are.
    std::vector<std::int32_t> ids(600, 3), ends;
    for (std::int32_t end = 0; end <= 600; end += 6) ends.push_back(end);
    std::vector<std::int64_t> positions(50, 17);
    volatile std::int32_t* id = &ids[400];
    volatile std::int32_t* end = &ends[50];
    volatile std::int64_t* position = &positions[20];
    std::atomic<bool> enough{false};
    std::thread writer([&] {
        while (!enough.load()) {
            *id = INT32_MAX;
            *end = INT32_MIN;
            *position = INT64_MAX;
            *id = 3;
            *end = 300;
            *position = 17;
        }
    });
    const squeezebert_batch batch{ids.data(), nullptr, ends.data(), 100, 600};
    std::vector<float> out(50 * 11);
    int told = 0;
    for (int call = 0; call < 500; ++call) {
        const squeezebert_status status = squeezebert_logits(
            model, &batch, positions.data(), positions.size(), out.data(), out.size());
        told += status == SQUEEZEBERT_OK || status == SQUEEZEBERT_ERROR_INVALID_INPUT;
    }
    enough.store(true);
    writer.join();
    squeezebert_close(model);
    CHECK_EQUAL(told, 500);
}
