// Sums of a kernel's taps, where many channels become few.

#pragma once

#include "vectors.h"

// What each tap makes of all places, [N, h, w, H, W], and what they come to [N, H, W], moved to each tap's place.
struct Taps {
    int N, h, w, H, W;
};

template <class T>
void folded(const Taps& its, const T* parts, T* y) {
    const int up = its.h / 2, left = its.w / 2, W = its.W;
#pragma omp parallel
    {
        float* sums = aligned<float>(W + its.w + LANES);
#pragma omp for collapse(2)
        for (int n = 0; n < its.N; n++)
            for (int row = 0; row < its.H; row++) {
                memset(sums, 0, (W + its.w + LANES) * sizeof(float));
                for (int i = 0; i < its.h; i++) {
                    const int of = row + up - i;
                    if (of < 0 || of >= its.H) continue;
                    for (int j = 0; j < its.w; j++) {
                        const T* from = parts + (((size_t)(n * its.h + i) * its.w + j) * its.H + of) * W;
                        float* to = sums + j;
                        for (int k = 0; k < W; k += LANES) store(to + k, load(to + k) + upto(from + k, W - k));
                    }
                }
                T* to = y + ((size_t)n * its.H + row) * W;
                for (int k = 0; k < W; k += LANES) store_upto(to + k, load(sums + left + k), W - k);
            }
        free(sums);
    }
}

// The adjoint: what each tap sees.
template <class T>
void unfolded(const Taps& its, const T* y, T* parts) {
    const int up = its.h / 2, left = its.w / 2, W = its.W;
#pragma omp parallel for collapse(2)
    for (int n = 0; n < its.N; n++)
        for (int i = 0; i < its.h; i++)
            for (int j = 0; j < its.w; j++)
                for (int row = 0; row < its.H; row++) {
                    const int of = row - up + i, move = j - left;
                    const int first = move < 0 ? -move : 0, last = move > 0 ? W - move : W;
                    T* to = parts + (((size_t)(n * its.h + i) * its.w + j) * its.H + row) * W;
                    memset(to, 0, W * sizeof(T));
                    if (of < 0 || of >= its.H || first >= last) continue;
                    memcpy(to + first, y + ((size_t)n * its.H + of) * W + first + move, (last - first) * sizeof(T));
                }
}
