/// The Python module squeezebert.engine._native.
#include <nanobind/nanobind.h>

NB_MODULE(_native, m) {
    m.doc() = "The native engine of squeezebert.";
    m.attr("__version__") = SQUEEZEBERT_VERSION;
}
