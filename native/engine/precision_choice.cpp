#include "engine/precision_choice.h"

#include <algorithm>

#include "engine/error.h"
#include "engine/json.h"
#include "engine/outliers.h"

namespace squeezebert {

namespace {

/// Where the metadata of a weight file records it: a JSON object whose "precision" names one for
/// each kind; what else it holds says how that was found.
constexpr const char* metadata_key = "squeezebert.precision";

[[noreturn]] void refuse_record(const std::string& text) {
    std::string kinds;
    for (const PrecisionKind& kind : precision_kinds) {
        kinds += (kinds.empty() ? "" : ", ") + std::string(kind.name);
    }
    throw Error(ErrorKind::checkpoint,
                "the weights record " + std::string(metadata_key) + " as " + shown(text, 80) +
                    ", expected a precision for each of " + kinds,
                "run squeezebert quantize again, or name a precision");
}

Json parse_record(const std::string& text) {
    try {
        return Json::parse(text, metadata_key);
    } catch (const Error&) {
        refuse_record(text);
    }
}

}  // namespace

PrecisionWishes::PrecisionWishes(const Precisions& precisions) {
    for (std::size_t i = 0; i < by_kind.size(); ++i) {
        by_kind[i] = precisions.*precision_kinds[i].field;
    }
}

const char* precision_name(Precision precision) {
    return precision == Precision::int8   ? "int8"
           : precision == Precision::bf16 ? "bf16"
                                          : "float32";
}

std::optional<Precision> precision_named(std::string_view name) {
    for (const Precision precision : {Precision::int8, Precision::bf16, Precision::float32}) {
        if (name == precision_name(precision)) return precision;
    }
    return std::nullopt;
}

std::optional<Precisions> recorded_precisions(const Checkpoint& checkpoint) {
    const auto recorded = checkpoint.metadata().find(metadata_key);
    if (recorded == checkpoint.metadata().end()) return std::nullopt;
    const Json record = parse_record(recorded->second);
    const Json* chosen = record.find("precision");
    const Json::Object* names = chosen == nullptr ? nullptr : chosen->object();
    if (names == nullptr || names->size() != precision_kinds.size()) {
        refuse_record(recorded->second);
    }
    Precisions precisions{};
    for (const PrecisionKind& kind : precision_kinds) {
        const Json* value = chosen->find(kind.name);
        const std::string* name = value == nullptr ? nullptr : value->string();
        const auto precision = name == nullptr ? std::nullopt : precision_named(*name);
        if (!precision) refuse_record(recorded->second);
        precisions.*kind.field = *precision;
    }
    return precisions;
}

Precisions choose_precisions(const Checkpoint& checkpoint, const PrecisionWishes& wishes) {
    const auto is_named = [](const std::optional<Precision>& wish) { return wish.has_value(); };
    Precisions precisions{};
    if (!std::all_of(wishes.by_kind.begin(), wishes.by_kind.end(), is_named)) {
        const auto recorded = recorded_precisions(checkpoint);
        precisions = recorded ? *recorded : default_precisions(checkpoint);
    }
    for (std::size_t i = 0; i < wishes.by_kind.size(); ++i) {
        if (wishes.by_kind[i]) precisions.*precision_kinds[i].field = *wishes.by_kind[i];
    }
    return precisions;
}

}  // namespace squeezebert
