/// What AMX's kernels do with AVX512-FP16 and VBMI, in a file of its own: every processor with AMX
/// has both, but the tests run amx.cpp on others too.
#include "kernels/amx_halves.h"
#include "kernels/amx_tiles.h"
#include "kernels/dispatch.h"

namespace squeezebert {
namespace {

struct Float16 {
    using Vector = __m512h;
    static constexpr int kCount = 32;

    static void put(std::byte* to, Float values) {
        const __m256i halves =
            _mm512_cvtps_ph(values, _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC);
        std::memcpy(to, &halves, sizeof halves);
    }
    static Vector load(const std::byte* from) { return _mm512_loadu_ph(from); }
    static void store(std::byte* to, Vector a) { _mm512_storeu_ph(to, a); }
    static Vector broadcast(float x) { return _mm512_set1_ph(static_cast<_Float16>(x)); }
    static float first(Vector a) { return static_cast<float>(_mm512_cvtsh_h(a)); }
    static Vector min(Vector a, Vector b) { return _mm512_min_ph(a, b); }
    static Vector max(Vector a, Vector b) { return _mm512_max_ph(a, b); }
    static Vector absolute(Vector a) { return _mm512_abs_ph(a); }
    static Vector multiply(Vector a, Vector b) { return _mm512_mul_ph(a, b); }
    static Vector multiply_add(Vector a, Vector b, Vector c) { return _mm512_fmadd_ph(a, b, c); }
    static float largest(Vector a) { return static_cast<float>(_mm512_reduce_max_ph(a)); }
    static void put_bytes(std::byte* to, Vector a, Vector b) {
        const __m512i order = _mm512_setr_epi64(0, 2, 4, 6, 1, 3, 5, 7);
        const __m512i bytes = _mm512_packs_epi16(_mm512_cvtph_epi16(a), _mm512_cvtph_epi16(b));
        _mm512_storeu_si512(to, _mm512_permutexvar_epi64(order, bytes));
    }
};

/// 2^(i / 128) - 1 as the 7 bits of a bfloat16's mantissa.
struct Mantissas {
    alignas(64) std::uint8_t bits[128] = {};

    constexpr Mantissas() {
        double power = 1;
        for (int i = 0; i < 128; ++i) {
            bits[i] = static_cast<std::uint8_t>((power - 1) * 128 + 0.5);
            power *= 1.0054299011128028213;  // 2^(1 / 128)
        }
    }
};
constexpr Mantissas kMantissas;

/// A bfloat16 is its exponent and 7 bits after it, so 2^x is 128 (x + 127) as a whole number, but
/// for its lower 7 bits, which a table has.
struct TableExponentials {
    static constexpr int kSize = 2;
    static constexpr bool kPackedOrder = true;

    static void put(const float* scores, Float shift, std::byte* to, Float& total) {
        const auto steps = [&](int at) {
            // Far below 0 this is the smallest integer.
            const Float x =
                multiply_add(load(scores + at) - shift, broadcast(128.0f), 127 * 128.0f);
            return _mm512_cvtps_epi32(x);
        };
        const __m512i whole =
            _mm512_max_epi16(_mm512_packs_epi32(steps(0), steps(kLanes)), _mm512_setzero_si512());
        const __m512i mantissas = _mm512_permutex2var_epi8(
            _mm512_load_si512(kMantissas.bits), whole, _mm512_load_si512(kMantissas.bits + 64));
        constexpr int kSelect = 0xca;  // the first's bits say where the second's are taken
        const __m512i p = _mm512_ternarylogic_epi32(_mm512_set1_epi16(static_cast<short>(0xff80)),
                                                    whole, mantissas, kSelect);
        _mm512_storeu_si512(to, p);
        total = _mm512_dpbf16_ps(total, reinterpret_cast<__m512bh>(p),
                                 reinterpret_cast<__m512bh>(_mm512_set1_epi16(0x3f80)));
    }
};

}  // namespace

void add_amx_fp16(Kernels& kernels) noexcept {
    kernels.project_packed =
        project_packed_by_halves<AmxInt8Dot<AmxTiles>, AmxBf16Dot<AmxTiles>, Float16>;
    kernels.store_keys_values = store_keys_values<TableExponentials::kPackedOrder>;
    kernels.attend = attend<AmxBf16Dot<AmxTiles>, TableExponentials>;
}

}  // namespace squeezebert
