/// Which precision each kind of product takes: what the caller names, else what the model's file
/// records, else what is safe (outliers.h).
#pragma once

#include <array>
#include <optional>
#include <string>
#include <string_view>

#include "engine/checkpoint.h"
#include "engine/precisions.h"

namespace squeezebert {

/// The fields of Precisions by name, in their order.
struct PrecisionKind {
    const char* name;
    Precision Precisions::* field;
};

constexpr std::array<PrecisionKind, 8> precision_kinds = {{
    {"query", &Precisions::query},
    {"key", &Precisions::key},
    {"value", &Precisions::value},
    {"post_attention", &Precisions::post_attention},
    {"intermediate", &Precisions::intermediate},
    {"output", &Precisions::output},
    {"bottleneck", &Precisions::bottleneck},
    {"vocabulary", &Precisions::vocabulary},
}};

/// What a caller asks for, by kind; nothing where the model is to say.
struct PrecisionWishes {
    PrecisionWishes() = default;
    PrecisionWishes(const Precisions& precisions);  // NOLINT: all of them named
    std::array<std::optional<Precision>, precision_kinds.size()> by_kind;
};

/// "int8", "bf16" or "float32".
const char* precision_name(Precision precision);
std::optional<Precision> precision_named(std::string_view name);

/// What the model's file records, as `squeezebert quantize` measured it; nothing where it records
/// nothing. Throws Error(checkpoint) for a record that cannot be.
std::optional<Precisions> recorded_precisions(const Checkpoint& checkpoint);

/// Throws as recorded_precisions where the record is asked.
Precisions choose_precisions(const Checkpoint& checkpoint, const PrecisionWishes& wishes);

}  // namespace squeezebert
