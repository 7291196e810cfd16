// Sums over the taps of a kernel: `fold` and its adjoint `unfold`.

#pragma once

#include "vectors.h"

// The images of the taps [N, kh, kw, H, W] and their sum [N, rows, columns]. Pixel (y, x) of tap (i, j) moves to row
// stride * y + i - up and column stride * x + j - left.
struct Fold {
    int N, h, w, H, W, rows, columns, stride, up, left;

    size_t at(int n, int i, int j, int y) const { return ((((size_t)n * h + i) * w + j) * H + y) * W; }
};

template <class T>
void fold_taps(const Fold& fold, const T* images, T* y) {
    const int stride = fold.stride, wide = fold.W + fold.w + VECTOR;
#pragma omp parallel
    {
        // The sums of the pixels of each phase (offset modulo the stride), and the row of all phases.
        float *sums = allocate<float>(wide * stride), *whole = allocate<float>(fold.columns + VECTOR);
#pragma omp for collapse(2)
        for (int n = 0; n < fold.N; n++)
            for (int row = 0; row < fold.rows; row++) {
                memset(sums, 0, wide * stride * sizeof(float));
                for (int i = 0; i < fold.h; i++) {
                    const int of = row + fold.up - i;
                    if (of < 0 || of % stride || of / stride >= fold.H) continue;
                    for (int j = 0; j < fold.w; j++) {
                        const T* from = images + fold.at(n, i, j, of / stride);
                        float* to = sums + j % stride * wide + j / stride;
                        for (int k = 0; k < fold.W; k += VECTOR) store(to + k, load(to + k) + load_partial(from + k, fold.W - k));
                    }
                }
                for (int column = 0; column < fold.columns; column++) {
                    const int of = column + fold.left;
                    whole[column] = of / stride < wide ? sums[of % stride * wide + of / stride] : 0;
                }
                T* to = y + ((size_t)n * fold.rows + row) * fold.columns;
                for (int k = 0; k < fold.columns; k += VECTOR) store_partial(to + k, load(whole + k), fold.columns - k);
            }
        free(whole);
        free(sums);
    }
}

// Copies every `stride`th number; STRIDE is a stride known to the compiler, or 0.
template <int STRIDE, class T>
inline void copy_every(const T* from, int many, T* to, int stride) {
    for (int k = 0; k < many; k++) to[k] = from[k * (STRIDE ? STRIDE : stride)];
}

// The adjoint of `fold_taps`: the pixels that each tap reads.
template <class T>
void unfold_taps(const Fold& fold, const T* y, T* images) {
    const int stride = fold.stride, wide = fold.W + fold.w;
#pragma omp parallel
    {
        // The pixels of a row by phase, with zeros around them.
        T* apart = allocate<T>(wide * stride);
#pragma omp for collapse(3)
        for (int n = 0; n < fold.N; n++)
            for (int i = 0; i < fold.h; i++)
                for (int place = 0; place < fold.H; place++) {
                    const int row = stride * place + i - fold.up;
                    const T* from = y + ((ptrdiff_t)n * fold.rows + row) * fold.columns;
                    memset(apart, 0, wide * stride * sizeof(T));
                    if (row >= 0 && row < fold.rows)
                        for (int phase = 0; phase < stride; phase++) {
                            const int before = fold.left > phase ? (fold.left - phase + stride - 1) / stride : 0;
                            const int left = stride * before + phase - fold.left;
                            const int rest = (fold.columns - left + stride - 1) / stride;
                            const int many = rest < wide - before ? rest : wide - before;
                            T* to = apart + phase * wide + before;
                            (stride == 2 ? copy_every<2, T> : copy_every<0, T>)(from + left, many, to, stride);
                        }
                    for (int j = 0; j < fold.w; j++) {
                        const T* seen = apart + j % stride * wide + j / stride;
                        T* to = images + fold.at(n, i, j, place);
                        int k = 0;
                        for (; k + VECTOR <= fold.W; k += VECTOR) memcpy(to + k, seen + k, VECTOR * sizeof(T));
                        memcpy(to + k, seen + k, (fold.W - k) * sizeof(T));
                    }
                }
        free(apart);
    }
}
