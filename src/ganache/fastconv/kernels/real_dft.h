// `fourier.Waves`: of the places that a tile sees to what is multiplied, and its adjoint.

#pragma once

#include "vectors.h"

// ---- small products ----------------------------------------------------------------------------------------------

// Vectors in rows: where the first is, and the steps down and across.
template <class V>
struct View {
    V* at;
    int down, across;

    V& operator()(int i, int j) const { return at[i * down + j * across]; }
    View from(int i, int j) const { return {at + i * down + j * across, down, across}; }
    View turned() const { return {at, across, down}; }
};

template <int R, int K>
inline void block(View<const float> m, int inner, View<Floats> x, View<Floats> y) {
    Floats sums[R][K] = {};
    for (int i = 0; i < inner; i++)
        for (int r = 0; r < R; r++)
            for (int k = 0; k < K; k++) sums[r][k] += m(r, i) * x(i, k);
#pragma GCC unroll 4
    for (int r = 0; r < R; r++)
#pragma GCC unroll 4
        for (int k = 0; k < K; k++) y(r, k) = sums[r][k];
}

#ifdef __AVX512F__
constexpr int SIDE = 4;  // as many sums at a time as there are registers
#else
constexpr int SIDE = 2;
#endif

template <int R, int K = SIDE>
inline void blocks(int k, View<const float> m, int inner, View<Floats> x, View<Floats> y) {
    if constexpr (K > 0) k == K ? block<R, K>(m, inner, x, y) : blocks<R, K - 1>(k, m, inner, x, y);
}

template <int R = SIDE>
inline void blocks(int r, int k, View<const float> m, int inner, View<Floats> x, View<Floats> y) {
    if constexpr (R > 0) r == R ? blocks<R>(k, m, inner, x, y) : blocks<R - 1>(r, k, m, inner, x, y);
}

// How many of the rest at a time, all in about equal parts.
inline int together(int rest) { return (rest + (rest - 1) / SIDE) / ((rest - 1) / SIDE + 1); }

// y [rows, columns] = m [rows, inner] x [inner, columns]
inline void product(View<const float> m, int rows, int inner, int columns, View<Floats> x, View<Floats> y) {
    for (int i = 0, r; i < rows; i += r) {
        r = together(rows - i);
        for (int j = 0, k; j < columns; j += k) {
            k = together(columns - j);
            blocks(r, k, m.from(i, 0), inner, x.from(0, j), y.from(i, j));
        }
    }
}

// ---- frequencies -------------------------------------------------------------------------------------------------

// The frequencies of n real numbers: cosines, first of the `alone` that have no mirror image, then sines of the others.
// A cosine takes the sum of two numbers on either side of the circle's first, and a sine takes their difference: `folds`
// are the numbers and their fellows, or -1 where there is none; first those of which there is a sine.
struct Frequencies {
    int n, alone, pairs, evens, odds;
    const float *cosines, *sines;  // [alone + pairs, evens], [pairs, odds]
    const int* folds;              // [evens, 2]

    int count() const { return alone + 2 * pairs; }

    // x [n, columns] -> y [count, columns]
    void there(View<Floats> x, int columns, View<Floats> y, Floats* scratch) const {
        const View<Floats> even{scratch, columns, 1}, odd{scratch + evens * columns, columns, 1};
        for (int i = 0; i < evens; i++)
            for (int k = 0; k < columns; k++) {
                const Floats one = x(folds[2 * i], k);
                const Floats other = folds[2 * i + 1] < 0 ? Floats{} : x(folds[2 * i + 1], k);
                even(i, k) = one + other;
                if (i < odds) odd(i, k) = one - other;
            }
        product({cosines, evens, 1}, alone + pairs, evens, columns, even, y);
        product({sines, odds, 1}, pairs, odds, columns, odd, y.from(alone + pairs, 0));
    }

    // The adjoint.
    void back(View<Floats> y, int columns, View<Floats> x, Floats* scratch) const {
        const View<Floats> even{scratch, columns, 1}, odd{scratch + evens * columns, columns, 1};
        product(View<const float>{cosines, evens, 1}.turned(), evens, alone + pairs, columns, y, even);
        product(View<const float>{sines, odds, 1}.turned(), odds, pairs, columns, y.from(alone + pairs, 0), odd);
        for (int i = 0; i < evens; i++)
            for (int k = 0; k < columns; k++) {
                const Floats one = even(i, k), other = i < odds ? odd(i, k) : Floats{};
                x(folds[2 * i], k) = one + other;
                if (folds[2 * i + 1] >= 0) x(folds[2 * i + 1], k) = one - other;
            }
    }
};

// What three products take of a complex number's two parts: of places, of taps and of results, as in `fourier`.
enum Three { PLACES, TAPS, RESULTS };

// `fourier.Waves`: of a column's complex frequencies both parts are rows of their own. A row of complex numbers has all
// frequencies, and two that are each other's mirror image come of the four real sums of either's parts.
template <Three three>
struct Waves {
    Frequencies down, across;
    float share;  // what one of two that mirror each other has of both

    int products() const {
        const int in_rows = across.alone + 3 * across.pairs, in_complex = 3 * (across.alone + 2 * across.pairs);
        return down.alone * in_rows + down.pairs * in_complex;
    }
    int scratch() const {
        const int rows = down.count(), columns = rows > across.n ? rows : across.n;
        const int evens = down.evens > across.evens ? down.evens : across.evens;
        return rows * (across.n + across.count()) + 2 * evens * columns;
    }

    template <class T>
    void there(const Floats* places, Floats* scratch, Products<T> made) const {
        const View<Floats> rows{scratch, across.n, 1}, parts{scratch + down.count() * across.n, across.count(), 1};
        Floats* rest = parts.at + down.count() * across.count();
        down.there({(Floats*)places, across.n, 1}, across.n, rows, rest);
        across.there(rows.turned(), down.count(), parts.turned(), rest);
        int p = 0;
        for (int r = 0; r < down.alone; r++) {
            for (int k = 0; k < across.alone; k++) made.put(p++, parts(r, k));
            for (int k = across.alone; k < across.alone + across.pairs; k++)
                multiplied(parts(r, k), parts(r, k + across.pairs), p, made);
        }
        for (int r = down.alone; r < down.alone + down.pairs; r++) {
            const Floats *a = &parts(r, 0), *b = &parts(r + down.pairs, 0);
            for (int k = 0; k < across.alone; k++) multiplied(a[k], b[k], p, made);
            for (int k = across.alone; k < across.alone + across.pairs; k++) {
                const int sine = k + across.pairs;
                multiplied(share * (a[k] - b[sine]), share * (a[sine] + b[k]), p, made);
                multiplied(share * (a[k] + b[sine]), share * (b[k] - a[sine]), p, made);
            }
        }
    }

    template <class T>
    void back(Products<T> made, Floats* scratch, Floats* places) const {
        const View<Floats> rows{scratch, across.n, 1}, parts{scratch + down.count() * across.n, across.count(), 1};
        Floats* rest = parts.at + down.count() * across.count();
        int p = 0;
        for (int r = 0; r < down.alone; r++) {
            for (int k = 0; k < across.alone; k++) parts(r, k) = made.take(p++);
            for (int k = across.alone; k < across.alone + across.pairs; k++)
                summed(made, p, parts(r, k), parts(r, k + across.pairs));
        }
        for (int r = down.alone; r < down.alone + down.pairs; r++) {
            Floats *a = &parts(r, 0), *b = &parts(r + down.pairs, 0);
            for (int k = 0; k < across.alone; k++) summed(made, p, a[k], b[k]);
            for (int k = across.alone; k < across.alone + across.pairs; k++) {
                const int sine = k + across.pairs;
                Floats real, imaginary, mirrored_real, mirrored_imaginary;
                summed(made, p, real, imaginary);
                summed(made, p, mirrored_real, mirrored_imaginary);
                a[k] = share * (real + mirrored_real);
                a[sine] = share * (imaginary - mirrored_imaginary);
                b[k] = share * (imaginary + mirrored_imaginary);
                b[sine] = share * (mirrored_real - real);
            }
        }
        across.back(parts.turned(), down.count(), rows.turned(), rest);
        down.back(rows, across.n, {places, across.n, 1}, rest);
    }

    template <class T>
    static void multiplied(Floats real, Floats imaginary, int& p, Products<T> made) {
        const Floats both = real + imaginary;
        made.put(p++, three == TAPS ? real : both);
        made.put(p++, three == PLACES ? real : three == TAPS ? imaginary - real : imaginary);
        made.put(p++, three == PLACES ? imaginary : three == TAPS ? both : -real);
    }

    template <class T>
    static void summed(Products<T> made, int& p, Floats& real, Floats& imaginary) {
        const Floats first = made.take(p++), second = made.take(p++), third = made.take(p++);
        real = three == PLACES ? first + second : three == TAPS ? first - second + third : first - third;
        imaginary = three == PLACES ? first + third : three == TAPS ? second + third : first + second;
    }
};
