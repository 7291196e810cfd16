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
constexpr int BLOCK = 8;  // a side of what is turned at a time
typedef uint32_t Turned __attribute__((vector_size(4 * BLOCK)));

// A word is what a lane multiplies at a time: a number, or two of bfloat16 that are summed one after the other.
template <class T>
constexpr int NUMBERS = sizeof(uint32_t) / sizeof(T);

inline Floats plus(Floats sum, Words a, Words b, float) { return sum + (Floats)a * (Floats)b; }
#ifdef __AVX512BF16__
inline Floats plus(Floats sum, Words a, Words b, bfloat16) {
    return (Floats)_mm512_dpbf16_ps((__m512)sum, (__m512bh)a, (__m512bh)b);
}
#endif

// Words of numbers that lie across rows; beyond the last row there is nothing.
inline Words words(const float* at, ptrdiff_t, bool) { return (Words)load(at); }
inline Words words(const bfloat16* at, ptrdiff_t row, bool last) {
    Halves first, second = {};
    memcpy(&first, at, sizeof first);
    if (!last) memcpy(&second, at + row, sizeof second);
    return __builtin_convertvector(first, Words) | __builtin_convertvector(second, Words) << 16;
}

template <class T>
inline void across(const T* from, ptrdiff_t row, int summed, uint32_t* to, int step) {
    for (int i = 0; i < summed; i += NUMBERS<T>, from += NUMBERS<T> * row, to += step) {
        const Words each = words(from, row, i + 1 == summed);
        memcpy(to, &each, sizeof each);
    }
}

// Rows of words become columns: lanes change places with those of the row as far away.
inline void turned(const uint32_t* from, ptrdiff_t row, uint32_t* to, int step) {
    Turned x[BLOCK];
    for (int i = 0; i < BLOCK; i++) memcpy(x + i, from + i * row, sizeof *x);
    const auto swapped = [&x](int away, Turned low, Turned high) {
#pragma GCC unroll 8
        for (int i = 0; i < BLOCK; i++)
            if (!(i & away)) {
                const Turned one = x[i], other = x[i + away];
                x[i] = __builtin_shuffle(one, other, low);
                x[i + away] = __builtin_shuffle(one, other, high);
            }
    };
    swapped(4, Turned{0, 1, 2, 3, 8, 9, 10, 11}, Turned{4, 5, 6, 7, 12, 13, 14, 15});
    swapped(2, Turned{0, 1, 8, 9, 4, 5, 12, 13}, Turned{2, 3, 10, 11, 6, 7, 14, 15});
    swapped(1, Turned{0, 8, 2, 10, 4, 12, 6, 14}, Turned{1, 9, 3, 11, 5, 13, 7, 15});
    for (int i = 0; i < BLOCK; i++) memcpy(to + i * step, x + i, sizeof *x);
}

// R rows and V vectors of results; words of the first factor are `step` and `row` apart.
template <int R, int V, class T>
inline void tile(const uint32_t* a, ptrdiff_t step, ptrdiff_t row, const uint32_t* b, int summed, T* c, ptrdiff_t n) {
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
        for (int v = 0; v < V; v++) store(c + r * n + v * LANES, sums[r][v]);
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
        for (int i = 0; i < its.m; i += LANES) across(a + i, its.m, its.k, rows + (size_t)i * summed, LANES);
    }

    void take_columns(const T* b, int many) {
        for (int j = 0; j < many; j += its.b_across ? LANES : BLOCK) {
            if (its.b_across)
                across(b + j, its.n, its.k, columns + j, WIDE);
            else
                for (int i = 0; i < summed; i += BLOCK)
                    turned((const uint32_t*)(b + (ptrdiff_t)j * its.k) + i, summed, columns + i * WIDE + j, WIDE);
        }
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
            T* to = c + (ptrdiff_t)i * its.n;
            if (its.a_across)
                tile<R, V>(row, LANES, 1, columns, summed, to, its.n);
            else
                tile<R, V>(row, 1, summed, columns, summed, to, its.n);
        }
        if constexpr (R > 1) multiply<V, R / 2>(a, c, soon, then, i);
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
                at_hand.take_columns(second + j * column, j + WIDE <= its.n ? WIDE : LANES);
                if (j + WIDE <= its.n)
                    at_hand.template multiply<VECTORS>(first, to, soon, then);
                else
                    at_hand.template multiply<1>(first, to, soon, then);
            }
    }
}
