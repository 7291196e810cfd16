// The functions that Python calls. `tile_transforms.py`, `matrices.py`, `batch_norm.py` and `narrow_channels.py` say what
// each one computes. The channels of an image are last in memory. All sums are float32.

#include <cpuid.h>

#include "matrices.h"
#include "batch_norm.h"
#include "winograd.h"
#include "kn2row.h"
#include "tiles.h"
#include "real_dft.h"

namespace {

// Which numbers are bfloat16 instead of float32: none, the transformed parts, or the images too.
enum Bfloat16 { NONE, PARTS, ALL };

template <class Transform>
void dispatch(int bfloat16s, bool adjoint, const Tiling& tiling, const Transform& transform, const void* from, void* to) {
    switch (bfloat16s) {
        case NONE: return run_transform<float, float>(adjoint, tiling, transform, from, to);
        case PARTS: return run_transform<float, bfloat16>(adjoint, tiling, transform, from, to);
        case ALL: return run_transform<bfloat16, bfloat16>(adjoint, tiling, transform, from, to);
    }
}

template <int P, int N>
void run_winograd(int bfloat16s, bool adjoint, const Tiling& tiling, const float* matrix, const void* from, void* to) {
    WinogradTransform<P, N> transform;
    memcpy(&transform.m, matrix, sizeof transform.m);
    dispatch(bfloat16s, adjoint, tiling, transform, from, to);
}

template <class T>
void run_fold(bool adjoint, const Fold& fold, const T* from, T* to) {
    adjoint ? unfold_taps(fold, from, to) : fold_taps(fold, from, to);
}

}  // namespace

#define EXPORTED extern "C" __attribute__((visibility("default")))

// Returns 1 where there is no kernel for a matrix of this size. `P` is the matrix's rows, `tiling->n` its columns.
EXPORTED int winograd_transform(
    const Tiling* tiling, int bfloat16s, int adjoint, int P, const float* matrix, const void* from, void* to) {
    switch (10 * P + tiling->n) {
        case 32: run_winograd<3, 2>(bfloat16s, adjoint, *tiling, matrix, from, to); return 0;
        case 33: run_winograd<3, 3>(bfloat16s, adjoint, *tiling, matrix, from, to); return 0;
        case 52: run_winograd<5, 2>(bfloat16s, adjoint, *tiling, matrix, from, to); return 0;
        case 54: run_winograd<5, 4>(bfloat16s, adjoint, *tiling, matrix, from, to); return 0;
        case 55: run_winograd<5, 5>(bfloat16s, adjoint, *tiling, matrix, from, to); return 0;
        case 63: run_winograd<6, 3>(bfloat16s, adjoint, *tiling, matrix, from, to); return 0;
        case 64: run_winograd<6, 4>(bfloat16s, adjoint, *tiling, matrix, from, to); return 0;
        case 66: run_winograd<6, 6>(bfloat16s, adjoint, *tiling, matrix, from, to); return 0;
    }
    return 1;
}

EXPORTED void real_dft_transform(
    const Tiling* tiling, int bfloat16s, int adjoint, int factors, const RealDftAxis* down, const RealDftAxis* across,
    float share, const void* from, void* to) {
    switch (factors) {
        case IMAGE: return dispatch(bfloat16s, adjoint, *tiling, RealDft<IMAGE>{*down, *across, share}, from, to);
        case KERNEL: return dispatch(bfloat16s, adjoint, *tiling, RealDft<KERNEL>{*down, *across, share}, from, to);
        case OUTPUT: return dispatch(bfloat16s, adjoint, *tiling, RealDft<OUTPUT>{*down, *across, share}, from, to);
    }
}

EXPORTED void fold_taps(const Fold* fold, int is_bfloat16, int adjoint, const void* from, void* to) {
    if (is_bfloat16)
        run_fold(adjoint, *fold, (const bfloat16*)from, (bfloat16*)to);
    else
        run_fold(adjoint, *fold, (const float*)from, (float*)to);
}

EXPORTED void batch_norm(
    const BatchNorm* norm, int is_bfloat16, const void* x, const float* weight, const float* bias, void* y,
    float* means, float* variances, float* running_mean, float* running_variance) {
    const auto run = [&](auto number) {
        typedef decltype(number) T;
        batch_norm_forward(
            *norm, (const T*)x, weight, bias, (T*)y, means, variances, running_mean, running_variance);
    };
    is_bfloat16 ? run(bfloat16{}) : run(float{});
}

EXPORTED void batch_norm_backward(
    const BatchNorm* norm, int is_bfloat16, const void* x, const float* weight, const float* bias, const float* means,
    const float* variances, const void* y_gradient, void* x_gradient, float* weight_gradient, float* bias_gradient) {
    const auto run = [&](auto number) {
        typedef decltype(number) T;
        batch_norm_backward(
            *norm, (const T*)x, weight, bias, means, variances, (const T*)y_gradient, (T*)x_gradient, weight_gradient,
            bias_gradient);
    };
    is_bfloat16 ? run(bfloat16{}) : run(float{});
}

// Whether there is a matrix product in this number format. On Intel's processors MKL is faster in float32.
EXPORTED int has_matmul(int is_bfloat16) {
#if defined __AVX512BF16__
    if (is_bfloat16) return 1;
#endif
#if defined __AVX512F__
    unsigned highest, first, second, third;
    return !is_bfloat16 && __get_cpuid(0, &highest, &first, &third, &second) && first != signature_INTEL_ebx;
#else
    return 0;
#endif
}

EXPORTED void batched_matmul(const Matrices* sizes, int is_bfloat16, const void* a, const void* b, void* c) {
#if defined __AVX512BF16__
    if (is_bfloat16) matmul(*sizes, (const bfloat16*)a, (const bfloat16*)b, (bfloat16*)c);
#endif
#if defined __AVX512F__
    if (!is_bfloat16) matmul(*sizes, (const float*)a, (const float*)b, (float*)c);
#endif
}

#if defined __AVX512BF16__
#include "narrow_channels.h"

EXPORTED void narrow_conv2d(
    const NarrowLayer* layer, const bfloat16* large, const bfloat16* weight, bfloat16* small) {
    narrow_conv2d_rows(*layer, large, weight, small);
}

EXPORTED void narrow_conv_transpose2d(
    const NarrowLayer* layer, const bfloat16* small, const bfloat16* activated, const bfloat16* weight,
    bfloat16* large) {
    narrow_conv_transpose2d_rows(*layer, small, activated, weight, large);
}

EXPORTED void narrow_weight_gradient(
    const NarrowLayer* layer, const bfloat16* small, const bfloat16* activated, const bfloat16* large, float* weight) {
    narrow_weight_gradient_rows(*layer, small, activated, large, weight);
}
#endif
