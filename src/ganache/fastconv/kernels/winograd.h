// `winograd.TiledWinograd`: from the pixels of a tile to the numbers that are multiplied, and the adjoint.

#pragma once

#include "vectors.h"

// A matrix applied to the rows and the columns of a tile. Its rows evaluate a polynomial at points. They come in pairs
// for a point and its negative, whose odd coefficients have opposite signs; then, if P is even, a row for zero; and last
// a row for infinity, in which every second number is zero. So half of the multiplications suffice.
template <int P, int N>
struct WinogradTransform {
    static constexpr int PAIRS = (P - 1) / 2;
    float m[P][N];

    int products() const { return P * P; }
    int scratch() const { return P * (N > P ? N : P); }

    template <class T>
    void forward(const Floats* pixels, Floats* rows, Parts<T> parts) const {
        for (int j = 0; j < N; j++) evaluate(pixels + j, N, rows + j, N);
        for (int p = 0; p < P; p++) {
            Floats values[P];
            evaluate(rows + p * N, 1, values, 1);
            for (int q = 0; q < P; q++) parts.put(p * P + q, values[q]);
        }
    }

    template <class T>
    void adjoint(Parts<T> parts, Floats* rows, Floats* pixels) const {
        for (int q = 0; q < P; q++) {
            Floats values[P];
            for (int p = 0; p < P; p++) values[p] = parts.take(p * P + q);
            evaluate_adjoint(values, rows + q, P);
        }
        for (int i = 0; i < N; i++) evaluate_adjoint(rows + i * P, pixels + i * N, 1);
    }

    void evaluate(const Floats* x, int step, Floats* y, int next) const {
        for (int p = 0; p < 2 * PAIRS; p += 2) {
            Floats even = m[p][0] * x[0], odd = m[p][1] * x[step];
#pragma GCC unroll 8
            for (int j = 2; j < N; j++) (j % 2 ? odd : even) += m[p][j] * x[j * step];
            y[p * next] = even + odd;
            y[(p + 1) * next] = even - odd;
        }
        if (P % 2 == 0) {
            Floats zero = m[P - 2][0] * x[0];
#pragma GCC unroll 8
            for (int j = 2; j < N; j += 2) zero += m[P - 2][j] * x[j * step];
            y[(P - 2) * next] = zero;
        }
        Floats last = m[P - 1][N - 1] * x[(N - 1) * step];
#pragma GCC unroll 8
        for (int j = N - 3; j >= 0; j -= 2) last += m[P - 1][j] * x[j * step];
        y[(P - 1) * next] = last;
    }

    void evaluate_adjoint(const Floats* y, Floats* x, int step) const {
        Floats sums[PAIRS], differences[PAIRS];
        for (int p = 0; p < PAIRS; p++) {
            sums[p] = y[2 * p] + y[2 * p + 1];
            differences[p] = y[2 * p] - y[2 * p + 1];
        }
#pragma GCC unroll 8
        for (int j = 0; j < N; j++) {
            const Floats* of = j % 2 ? differences : sums;
            Floats sum = m[0][j] * of[0];
#pragma GCC unroll 8
            for (int p = 1; p < PAIRS; p++) sum += m[2 * p][j] * of[p];
            if (P % 2 == 0 && j % 2 == 0) sum += m[P - 2][j] * y[P - 2];
            if ((N - 1 - j) % 2 == 0) sum += m[P - 1][j] * y[P - 1];
            x[j * step] = sum;
        }
    }
};
