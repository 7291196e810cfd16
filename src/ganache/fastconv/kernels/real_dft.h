// `real_dft.RealDft`: from the pixels of a tile to the numbers that are multiplied, and the adjoint.

#pragma once

#include "vectors.h"

// ---- small products ----------------------------------------------------------------------------------------------

// A matrix of vectors: its first element, and the steps down and across.
template <class V>
struct View {
    V* at;
    int down, across;

    V& operator()(int i, int j) const { return at[i * down + j * across]; }
    View from(int i, int j) const { return {at + i * down + j * across, down, across}; }
    View transposed() const { return {at, across, down}; }
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
constexpr int BLOCK_SIDE = 4;  // rows and columns summed at a time, as the registers allow
#else
constexpr int BLOCK_SIDE = 2;
#endif

template <int R, int K = BLOCK_SIDE>
inline void blocks(int k, View<const float> m, int inner, View<Floats> x, View<Floats> y) {
    if constexpr (K > 0) k == K ? block<R, K>(m, inner, x, y) : blocks<R, K - 1>(k, m, inner, x, y);
}

template <int R = BLOCK_SIDE>
inline void blocks(int r, int k, View<const float> m, int inner, View<Floats> x, View<Floats> y) {
    if constexpr (R > 0) r == R ? blocks<R>(k, m, inner, x, y) : blocks<R - 1>(r, k, m, inner, x, y);
}

// Splits what is left into blocks of about equal size, and returns the size of the next one.
inline int balanced_size(int rest) { return (rest + (rest - 1) / BLOCK_SIDE) / ((rest - 1) / BLOCK_SIDE + 1); }

// y [rows, columns] = m [rows, inner] x [inner, columns]
inline void product(View<const float> m, int rows, int inner, int columns, View<Floats> x, View<Floats> y) {
    for (int i = 0, r; i < rows; i += r) {
        r = balanced_size(rows - i);
        for (int j = 0, k; j < columns; j += k) {
            k = balanced_size(columns - j);
            blocks(r, k, m.from(i, 0), inner, x.from(0, j), y.from(i, j));
        }
    }
}

// ---- the DFT of one axis -------------------------------------------------------------------------------------------------

// The DFT of n real numbers: cosines, of which the first `real_count` belong to real frequencies, then the sines of the
// complex ones. A cosine is equal at two mirrored positions, and a sine is opposite, so a cosine takes the sum of two
// numbers and a sine their difference. `mirrors` are pairs of positions, with -1 for a position without a partner; first
// those that have a sine.
struct RealDftAxis {
    int n, real_count, pairs, evens, odds;
    const float *cosines, *sines;  // [real_count + pairs, evens], [pairs, odds]
    const int* mirrors;            // [evens, 2]

    int count() const { return real_count + 2 * pairs; }

    // x [n, columns] -> y [count, columns]
    void forward(View<Floats> x, int columns, View<Floats> y, Floats* scratch) const {
        const View<Floats> even{scratch, columns, 1}, odd{scratch + evens * columns, columns, 1};
        for (int i = 0; i < evens; i++)
            for (int k = 0; k < columns; k++) {
                const Floats one = x(mirrors[2 * i], k);
                const Floats other = mirrors[2 * i + 1] < 0 ? Floats{} : x(mirrors[2 * i + 1], k);
                even(i, k) = one + other;
                if (i < odds) odd(i, k) = one - other;
            }
        product({cosines, evens, 1}, real_count + pairs, evens, columns, even, y);
        product({sines, odds, 1}, pairs, odds, columns, odd, y.from(real_count + pairs, 0));
    }

    // The adjoint of `forward`.
    void adjoint(View<Floats> y, int columns, View<Floats> x, Floats* scratch) const {
        const View<Floats> even{scratch, columns, 1}, odd{scratch + evens * columns, columns, 1};
        product(View<const float>{cosines, evens, 1}.transposed(), evens, real_count + pairs, columns, y, even);
        product(View<const float>{sines, odds, 1}.transposed(), odds, pairs, columns, y.from(real_count + pairs, 0), odd);
        for (int i = 0; i < evens; i++)
            for (int k = 0; k < columns; k++) {
                const Floats one = even(i, k), other = i < odds ? odd(i, k) : Floats{};
                x(mirrors[2 * i], k) = one + other;
                if (mirrors[2 * i + 1] >= 0) x(mirrors[2 * i + 1], k) = one - other;
            }
    }
};

// The three factors of Gauss's product, for the image, for the kernel and for the output, as in `real_dft.py`.
enum Factors { IMAGE, KERNEL, OUTPUT };

// The DFT of columns and then of rows. Real and imaginary part of a column's complex frequency are rows of their own. A
// row of complex numbers has all frequencies; two that mirror each other are sums of the same four real numbers.
template <Factors factors>
struct RealDft {
    RealDftAxis down, across;
    float share;  // weight of one of two frequencies that mirror each other

    int products() const {
        const int in_rows = across.real_count + 3 * across.pairs, in_complex = 3 * (across.real_count + 2 * across.pairs);
        return down.real_count * in_rows + down.pairs * in_complex;
    }
    int scratch() const {
        const int rows = down.count(), columns = rows > across.n ? rows : across.n;
        const int evens = down.evens > across.evens ? down.evens : across.evens;
        return rows * (across.n + across.count()) + 2 * evens * columns;
    }

    template <class T>
    void forward(const Floats* pixels, Floats* scratch, Parts<T> numbers) const {
        const View<Floats> rows{scratch, across.n, 1}, parts{scratch + down.count() * across.n, across.count(), 1};
        Floats* rest = parts.at + down.count() * across.count();
        down.forward({(Floats*)pixels, across.n, 1}, across.n, rows, rest);
        across.forward(rows.transposed(), down.count(), parts.transposed(), rest);
        int p = 0;
        for (int r = 0; r < down.real_count; r++) {
            for (int k = 0; k < across.real_count; k++) numbers.put(p++, parts(r, k));
            for (int k = across.real_count; k < across.real_count + across.pairs; k++)
                put_factors(parts(r, k), parts(r, k + across.pairs), p, numbers);
        }
        for (int r = down.real_count; r < down.real_count + down.pairs; r++) {
            const Floats *a = &parts(r, 0), *b = &parts(r + down.pairs, 0);
            for (int k = 0; k < across.real_count; k++) put_factors(a[k], b[k], p, numbers);
            for (int k = across.real_count; k < across.real_count + across.pairs; k++) {
                const int sine = k + across.pairs;
                put_factors(share * (a[k] - b[sine]), share * (a[sine] + b[k]), p, numbers);
                put_factors(share * (a[k] + b[sine]), share * (b[k] - a[sine]), p, numbers);
            }
        }
    }

    template <class T>
    void adjoint(Parts<T> numbers, Floats* scratch, Floats* pixels) const {
        const View<Floats> rows{scratch, across.n, 1}, parts{scratch + down.count() * across.n, across.count(), 1};
        Floats* rest = parts.at + down.count() * across.count();
        int p = 0;
        for (int r = 0; r < down.real_count; r++) {
            for (int k = 0; k < across.real_count; k++) parts(r, k) = numbers.take(p++);
            for (int k = across.real_count; k < across.real_count + across.pairs; k++)
                take_factors(numbers, p, parts(r, k), parts(r, k + across.pairs));
        }
        for (int r = down.real_count; r < down.real_count + down.pairs; r++) {
            Floats *a = &parts(r, 0), *b = &parts(r + down.pairs, 0);
            for (int k = 0; k < across.real_count; k++) take_factors(numbers, p, a[k], b[k]);
            for (int k = across.real_count; k < across.real_count + across.pairs; k++) {
                const int sine = k + across.pairs;
                Floats real, imaginary, mirrored_real, mirrored_imaginary;
                take_factors(numbers, p, real, imaginary);
                take_factors(numbers, p, mirrored_real, mirrored_imaginary);
                a[k] = share * (real + mirrored_real);
                a[sine] = share * (imaginary - mirrored_imaginary);
                b[k] = share * (imaginary + mirrored_imaginary);
                b[sine] = share * (mirrored_real - real);
            }
        }
        across.adjoint(parts.transposed(), down.count(), rows.transposed(), rest);
        down.adjoint(rows, across.n, {pixels, across.n, 1}, rest);
    }

    template <class T>
    static void put_factors(Floats real, Floats imaginary, int& p, Parts<T> numbers) {
        const Floats both = real + imaginary;
        numbers.put(p++, factors == KERNEL ? real : both);
        numbers.put(p++, factors == IMAGE ? real : factors == KERNEL ? imaginary - real : imaginary);
        numbers.put(p++, factors == IMAGE ? imaginary : factors == KERNEL ? both : -real);
    }

    template <class T>
    static void take_factors(Parts<T> numbers, int& p, Floats& real, Floats& imaginary) {
        const Floats first = numbers.take(p++), second = numbers.take(p++), third = numbers.take(p++);
        real = factors == IMAGE ? first + second : factors == KERNEL ? first - second + third : first - third;
        imaginary = factors == IMAGE ? first + third : factors == KERNEL ? second + third : first + second;
    }
};
