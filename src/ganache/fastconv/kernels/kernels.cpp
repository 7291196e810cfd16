// What Python calls (`maps.py`, `matrices.py`, `norms.py` and `few.py` say what each is), with a picture's channels last
// in memory. All sums are float32.

#include <cpuid.h>

#include "matrices.h"
#include "batch_norm.h"
#include "winograd.h"
#include "kn2row.h"
#include "tiles.h"
#include "real_dft.h"

namespace {

// Which numbers are bfloat16 and not float32: none, what is multiplied, or pictures too.
enum Half { NONE, PRODUCTS, ALL };

template <class Map>
void mapped(int half, bool back, const Shape& its, const Map& map, const void* from, void* to) {
    switch (half) {
        case NONE: return either<float, float>(back, its, map, from, to);
        case PRODUCTS: return either<float, bfloat16>(back, its, map, from, to);
        case ALL: return either<bfloat16, bfloat16>(back, its, map, from, to);
    }
}

template <int P, int N>
void by_squares(int half, bool back, const Shape& its, const float* matrix, const void* from, void* to) {
    Squares<P, N> map;
    memcpy(map.m, matrix, sizeof map.m);
    mapped(half, back, its, map, from, to);
}

template <class T>
void either(bool back, const Taps& its, const T* from, T* to) {
    back ? unfolded(its, from, to) : folded(its, from, to);
}

}  // namespace

// What all take: the shapes, which numbers are bfloat16, and whether it goes back.
#define EXPORTED extern "C" __attribute__((visibility("default")))

EXPORTED int squares(const Shape* its, int half, int back, int P, const float* matrix, const void* from, void* to) {
    switch (10 * P + its->n) {
        case 32: by_squares<3, 2>(half, back, *its, matrix, from, to); return 0;
        case 33: by_squares<3, 3>(half, back, *its, matrix, from, to); return 0;
        case 52: by_squares<5, 2>(half, back, *its, matrix, from, to); return 0;
        case 54: by_squares<5, 4>(half, back, *its, matrix, from, to); return 0;
        case 55: by_squares<5, 5>(half, back, *its, matrix, from, to); return 0;
        case 63: by_squares<6, 3>(half, back, *its, matrix, from, to); return 0;
        case 64: by_squares<6, 4>(half, back, *its, matrix, from, to); return 0;
        case 66: by_squares<6, 6>(half, back, *its, matrix, from, to); return 0;
    }
    return 1;
}

EXPORTED void waves(
    const Shape* its, int half, int back, int three, const Frequencies* down, const Frequencies* across, float share,
    const void* from, void* to) {
    switch (three) {
        case PLACES: return mapped(half, back, *its, Waves<PLACES>{*down, *across, share}, from, to);
        case TAPS: return mapped(half, back, *its, Waves<TAPS>{*down, *across, share}, from, to);
        case RESULTS: return mapped(half, back, *its, Waves<RESULTS>{*down, *across, share}, from, to);
    }
}

EXPORTED void taps(const Taps* its, int half, int back, const void* from, void* to) {
    if (half)
        either(back, *its, (const bfloat16*)from, (bfloat16*)to);
    else
        either(back, *its, (const float*)from, (float*)to);
}

EXPORTED void norm(
    const Norm* its, int half, const void* x, const float* weight, const float* bias, void* y, float* means,
    float* variances, float* kept_mean, float* kept_variance) {
    const auto there = [&](auto number) {
        typedef decltype(number) T;
        normed(*its, (const T*)x, weight, bias, (T*)y, means, variances, kept_mean, kept_variance);
    };
    half ? there(bfloat16{}) : there(float{});
}

EXPORTED void norm_back(
    const Norm* its, int half, const void* x, const float* weight, const float* bias, const float* means,
    const float* variances, const void* by_y, void* by_x, float* by_weight, float* by_bias) {
    const auto back = [&](auto number) {
        typedef decltype(number) T;
        normed_back(
            *its, (const T*)x, weight, bias, means, variances, (const T*)by_y, (T*)by_x, by_weight, by_bias);
    };
    half ? back(bfloat16{}) : back(float{});
}

// Whether there are products of such numbers. MKL is at its best on Intel's processors: there it has those of float32.
EXPORTED int has_products(int half) {
#if defined __AVX512BF16__
    if (half) return 1;
#endif
#if defined __AVX512F__
    unsigned highest, first, second, third;
    return !half && __get_cpuid(0, &highest, &first, &third, &second) && first != signature_INTEL_ebx;
#else
    return 0;
#endif
}

EXPORTED void products(const Matrices* its, int half, const void* a, const void* b, void* c) {
#if defined __AVX512BF16__
    if (half) multiplied(*its, (const bfloat16*)a, (const bfloat16*)b, (bfloat16*)c);
#endif
#if defined __AVX512F__
    if (!half) multiplied(*its, (const float*)a, (const float*)b, (float*)c);
#endif
}

#if defined __AVX512BF16__
#include "narrow_channels.h"

EXPORTED void small_of_few(const Few* its, const bfloat16* large, const bfloat16* weight, bfloat16* small) {
    few_small(*its, large, weight, small);
}

EXPORTED void large_of_few(
    const Few* its, const bfloat16* small, const bfloat16* made, const bfloat16* weight, bfloat16* large) {
    few_large(*its, small, made, weight, large);
}

EXPORTED void weight_of_few(
    const Few* its, const bfloat16* small, const bfloat16* made, const bfloat16* large, float* weight) {
    few_weight(*its, small, made, large, weight);
}
#endif
