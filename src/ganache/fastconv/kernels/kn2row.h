// Sums of a kernel's taps, where many channels become few.

#pragma once

#include "vectors.h"

// What each tap makes of all places, [N, h, w, H, W], and what they come to, [N, rows, columns]: tap i, j of place y, x
// lies at stride * y + i - up, stride * x + j - left.
struct Taps {
    int N, h, w, H, W, rows, columns, stride, up, left;

    size_t at(int n, int i, int j, int y) const { return ((((size_t)n * h + i) * w + j) * H + y) * W; }
};

template <class T>
void folded(const Taps& its, const T* parts, T* y) {
    const int stride = its.stride, wide = its.W + its.w + LANES;
#pragma omp parallel
    {
        // Of each way to begin the places that lie a stride apart, and the row that they make together.
        float *sums = aligned<float>(wide * stride), *whole = aligned<float>(its.columns + LANES);
#pragma omp for collapse(2)
        for (int n = 0; n < its.N; n++)
            for (int row = 0; row < its.rows; row++) {
                memset(sums, 0, wide * stride * sizeof(float));
                for (int i = 0; i < its.h; i++) {
                    const int of = row + its.up - i;
                    if (of < 0 || of % stride || of / stride >= its.H) continue;
                    for (int j = 0; j < its.w; j++) {
                        const T* from = parts + its.at(n, i, j, of / stride);
                        float* to = sums + j % stride * wide + j / stride;
                        for (int k = 0; k < its.W; k += LANES) store(to + k, load(to + k) + upto(from + k, its.W - k));
                    }
                }
                for (int column = 0; column < its.columns; column++) {
                    const int of = column + its.left;
                    whole[column] = of / stride < wide ? sums[of % stride * wide + of / stride] : 0;
                }
                T* to = y + ((size_t)n * its.rows + row) * its.columns;
                for (int k = 0; k < its.columns; k += LANES) store_upto(to + k, load(whole + k), its.columns - k);
            }
        free(whole);
        free(sums);
    }
}

// Of numbers every second one, or every `stride`th.
template <int STRIDE, class T>
inline void every(const T* from, int many, T* to, int stride) {
    for (int k = 0; k < many; k++) to[k] = from[k * (STRIDE ? STRIDE : stride)];
}

// The adjoint: what each tap sees.
template <class T>
void unfolded(const Taps& its, const T* y, T* parts) {
    const int stride = its.stride, wide = its.W + its.w;
#pragma omp parallel
    {
        // A row's places that lie a stride apart, as many as the taps see; beyond it are zeros.
        T* apart = aligned<T>(wide * stride);
#pragma omp for collapse(3)
        for (int n = 0; n < its.N; n++)
            for (int i = 0; i < its.h; i++)
                for (int place = 0; place < its.H; place++) {
                    const int row = stride * place + i - its.up;
                    const T* from = y + ((ptrdiff_t)n * its.rows + row) * its.columns;
                    memset(apart, 0, wide * stride * sizeof(T));
                    if (row >= 0 && row < its.rows)
                        for (int way = 0; way < stride; way++) {
                            const int before = its.left > way ? (its.left - way + stride - 1) / stride : 0;
                            const int left = stride * before + way - its.left;
                            const int rest = (its.columns - left + stride - 1) / stride;
                            const int many = rest < wide - before ? rest : wide - before;
                            T* to = apart + way * wide + before;
                            (stride == 2 ? every<2, T> : every<0, T>)(from + left, many, to, stride);
                        }
                    for (int j = 0; j < its.w; j++) {
                        const T* seen = apart + j % stride * wide + j / stride;
                        T* to = parts + its.at(n, i, j, place);
                        int k = 0;
                        for (; k + LANES <= its.W; k += LANES) memcpy(to + k, seen + k, LANES * sizeof(T));
                        memcpy(to + k, seen + k, (its.W - k) * sizeof(T));
                    }
                }
        free(apart);
    }
}
