#pragma once

#include <nanobind/nanobind.h>

namespace squeezebert {

/// Adds what native/text has to the module.
void bind_text(nanobind::module_& m);

}  // namespace squeezebert
