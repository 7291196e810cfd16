// Products of matrices. Each core takes its share of the results' columns, some at a time: what these take of the
// second factor is laid out as it is read, while rows of the first go past.

#pragma once

#include "vectors.h"

// c [P, m, n] = a [P, m, k] b [P, k, n]. The numbers that are summed lie along a factor's rows, a [m, k] and b [n, k],
// or across them, a [k, m] and b [k, n]; `next` is how far on the next matrix is. Sides that lie along rows are whole
// vectors.
struct Matrices {
    int P, m, n, k, a_across, b_across;
    ptrdiff_t a_next, b_next, c_next;
};

constexpr int HIGH = 8, VECTORS = 2;  // results at a time, half as many as AVX-512 has registers
constexpr int WIDE = VECTORS * LANES;
typedef uint16_t Numbers __attribute__((vector_size(4 * LANES)));

// A word is what a lane multiplies at a time: a number, or two of bfloat16 that are summed one after the other.
template <class T>
constexpr int NUMBERS = sizeof(uint32_t) / sizeof(T);

inline Floats plus(Floats sum, Words a, Words b, float) { return sum + (Floats)a * (Floats)b; }
#ifdef __AVX512BF16__
inline Floats plus(Floats sum, Words a, Words b, bfloat16) {
    return (Floats)_mm512_dpbf16_ps((__m512)sum, (__m512bh)a, (__m512bh)b);
}
#endif

// Vectors of words of numbers that lie across rows; beyond the last row there is nothing.
template <int V>
inline void words(const float* at, ptrdiff_t, bool, Words* to) {
    memcpy(to, at, V * sizeof *to);
}

template <int V>
inline void words(const bfloat16* at, ptrdiff_t row, bool last, Words* to) {
    if constexpr (V == 1) {
        Halves first, second = {};
        memcpy(&first, at, sizeof first);
        if (!last) memcpy(&second, at + row, sizeof second);
        *to = paired(first, second);
    } else {
        const Numbers low = {0, 32, 1, 33, 2,  34, 3,  35, 4,  36, 5,  37, 6,  38, 7,  39,
                             8, 40, 9, 41, 10, 42, 11, 43, 12, 44, 13, 45, 14, 46, 15, 47};
        Numbers first, second = {};
        memcpy(&first, at, sizeof first);
        if (!last) memcpy(&second, at + row, sizeof second);
        to[0] = (Words)__builtin_shuffle(first, second, low);
        to[1] = (Words)__builtin_shuffle(first, second, low + LANES);
    }
}

// All of V vectors, which go to places so far `apart`.
template <int V, class T>
inline void across(const T* from, ptrdiff_t row, int summed, uint32_t* to, ptrdiff_t apart, int step) {
    for (int i = 0; i < summed; i += NUMBERS<T>, from += NUMBERS<T> * row, to += step) {
        Words each[V];
        words<V>(from, row, i + 1 == summed, each);
        for (int v = 0; v < V; v++) memcpy(to + v * apart, each + v, sizeof *each);
    }
}

// Sixteen rows of so many words become columns: lanes change places with those of the row as far away.
template <int MANY>
inline void turned(const uint32_t* from, ptrdiff_t row, uint32_t* to, int step) {
    Words x[LANES] = {};
    for (int i = 0; i < LANES; i++) memcpy(x + i, from + i * row, MANY * sizeof *from);
    const auto swapped = [&x](int away, Words low, Words high) {
#pragma GCC unroll 16
        for (int i = 0; i < LANES; i++)
            if (!(i & away)) {
                const Words one = x[i], other = x[i + away];
                x[i] = __builtin_shuffle(one, other, low);
                x[i + away] = __builtin_shuffle(one, other, high);
            }
    };
    swapped(
        8, Words{0, 1, 2, 3, 4, 5, 6, 7, 16, 17, 18, 19, 20, 21, 22, 23},
        Words{8, 9, 10, 11, 12, 13, 14, 15, 24, 25, 26, 27, 28, 29, 30, 31});
    swapped(
        4, Words{0, 1, 2, 3, 16, 17, 18, 19, 8, 9, 10, 11, 24, 25, 26, 27},
        Words{4, 5, 6, 7, 20, 21, 22, 23, 12, 13, 14, 15, 28, 29, 30, 31});
    swapped(
        2, Words{0, 1, 16, 17, 4, 5, 20, 21, 8, 9, 24, 25, 12, 13, 28, 29},
        Words{2, 3, 18, 19, 6, 7, 22, 23, 10, 11, 26, 27, 14, 15, 30, 31});
    swapped(
        1, Words{0, 16, 2, 18, 4, 20, 6, 22, 8, 24, 10, 26, 12, 28, 14, 30},
        Words{1, 17, 3, 19, 5, 21, 7, 23, 9, 25, 11, 27, 13, 29, 15, 31});
    for (int i = 0; i < MANY; i++) memcpy(to + i * step, x + i, sizeof *x);
}

// Sixteen rows of words become columns.
inline void along(const uint32_t* from, ptrdiff_t row, int words, uint32_t* to, int step) {
    for (int i = 0; i < words; i += LANES)  // there are half a vector of words where numbers are two to a word
        (i + LANES <= words ? turned<LANES> : turned<LANES / 2>)(from + i, row, to + i * step, step);
}

// R rows and V vectors of results, of which each is put where `put` says; words of the first factor are `step` and
// `row` apart.
template <int R, int V, class T, class Put>
inline void tile(const uint32_t* a, ptrdiff_t step, ptrdiff_t row, const uint32_t* b, int summed, Put put) {
    Floats sums[R][V] = {};
    for (int i = 0; i < summed; i++, a += step, b += WIDE) {
        if (step == 1 && i % LANES == 0)
#pragma GCC unroll 8
            for (int r = 0; r < R; r++) __builtin_prefetch(a + (R + r) * row);
        Words columns[V];
        memcpy(columns, b, sizeof columns);
#pragma GCC unroll 8
        for (int r = 0; r < R; r++) {
            const Words each = Words{} + a[r * row];
#pragma GCC unroll 2
            for (int v = 0; v < V; v++) sums[r][v] = plus(sums[r][v], each, columns[v], T{});
        }
    }
#pragma GCC unroll 8
    for (int r = 0; r < R; r++)
#pragma GCC unroll 2
        for (int v = 0; v < V; v++) put(r, v, sums[r][v]);
}

// The columns of one product that a core has at hand.
template <class T>
struct Columns {
    const Matrices& its;
    int summed;
    uint32_t *rows, *columns;

    Columns(const Matrices& its)
        : its(its),
          summed((its.k + NUMBERS<T> - 1) / NUMBERS<T>),
          rows(aligned<uint32_t>(its.a_across ? (size_t)summed * its.m : 0)),
          columns(aligned<uint32_t>((size_t)summed * WIDE)) {}
    ~Columns() {
        free(rows);
        free(columns);
    }

    void take_rows(const T* a) {
        const ptrdiff_t apart = (ptrdiff_t)LANES * summed;
        int i = 0;
        for (; i + WIDE <= its.m; i += WIDE) across<VECTORS>(a + i, its.m, its.k, rows + i * summed, apart, LANES);
        if (i < its.m) across<1>(a + i, its.m, its.k, rows + i * summed, apart, LANES);
    }

    template <int V>
    void take_columns(const T* b) {
        if (its.b_across) return across<V>(b, its.n, its.k, columns, LANES, WIDE);
        for (int j = 0; j < V * LANES; j += LANES)
            along((const uint32_t*)(b + (ptrdiff_t)j * its.k), summed, summed, columns + j, WIDE);
    }

    // `soon` is what the next columns take, and `then` the next matrix's rows.
    template <int V, int R = HIGH>
    void multiply(const T* a, T* c, const T* soon, const T* then, int i = 0) const {
        for (; i + R <= its.m; i += R) {
            const ptrdiff_t first = (ptrdiff_t)i * its.k;
            for (ptrdiff_t line = first / its.m; line < (first + R * its.k) / its.m; line++)
                for (int j = 0; j < WIDE; j += LINE<T>)
                    __builtin_prefetch(soon + line * (its.b_across ? its.n : WIDE) + j, 0, 2);
            if (its.a_across)
                for (ptrdiff_t at = first * WIDE / its.n; at < (first + R * its.k) * WIDE / its.n; at += LINE<T>)
                    __builtin_prefetch(then + at, 0, 2);
            const uint32_t* row = its.a_across ? rows + (ptrdiff_t)(i / LANES) * LANES * summed + i % LANES
                                               : (const uint32_t*)(a + first);
            const auto put = [to = c + (ptrdiff_t)i * its.n, n = its.n](int r, int v, Floats sum) {
                store(to + (ptrdiff_t)r * n + v * LANES, sum);
            };
            if (its.a_across)
                tile<R, V, T>(row, LANES, 1, columns, summed, put);
            else
                tile<R, V, T>(row, 1, summed, columns, summed, put);
        }
        if constexpr (R > 1) multiply<V, R / 2>(a, c, soon, then, i);
    }

    template <int V>
    void panel(const T* a, const T* b, T* c, const T* soon, const T* then) {
        take_columns<V>(b);
        multiply<V>(a, c, soon, then);
    }
};

template <class T>
void multiplied(const Matrices& its, const T* a, const T* b, T* c) {
#pragma omp parallel
    {
        Columns<T> at_hand(its);
        int of = -1;
#pragma omp for collapse(2) schedule(static)
        for (int p = 0; p < its.P; p++)
            for (int j = 0; j < its.n; j += WIDE) {
                const ptrdiff_t column = its.b_across ? 1 : its.k;
                const T *first = a + p * its.a_next, *second = b + p * its.b_next;
                const T* soon = j + WIDE < its.n ? second + (j + WIDE) * column : second + its.b_next;
                const T* then = first + its.a_next + (ptrdiff_t)j * its.m / its.n * its.k;
                T* to = c + p * its.c_next + j;
                if (its.a_across && of != p) at_hand.take_rows(first);
                of = p;
                if (j + WIDE <= its.n)
                    at_hand.template panel<VECTORS>(first, second + j * column, to, soon, then);
                else
                    at_hand.template panel<1>(first, second + j * column, to, soon, then);
            }
    }
}
