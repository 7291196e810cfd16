// Batched matrix products. Each core takes its own share of the result's columns, one panel at a time: it packs the
// panel of the second factor, and streams the rows of the first factor past it.

#pragma once

#include "vectors.h"

// c [P, m, n] = a [P, m, k] b [P, k, n]. In memory, the numbers of one sum lie along a factor's rows, a [m, k] and
// b [n, k], or across them (`a_across`, `b_across`), a [k, m] and b [k, n]. `a_next`, `b_next` and `c_next` are the
// distances between matrices. The length of a row is a multiple of 16.
struct Matrices {
    int P, m, n, k, a_across, b_across;
    ptrdiff_t a_next, b_next, c_next;
};

constexpr int TILE_ROWS = 8, TILE_VECTORS = 2;  // results at a time; their sums take half of AVX-512's registers
constexpr int TILE_COLUMNS = TILE_VECTORS * VECTOR;
typedef uint16_t Bfloats32 __attribute__((vector_size(4 * VECTOR)));

// A word is what a lane multiplies at a time: one float32, or two bfloat16 numbers that follow each other in a sum.
template <class T>
constexpr int NUMBERS_PER_WORD = sizeof(uint32_t) / sizeof(T);

inline Floats multiply_add(Floats sum, Words a, Words b, float) { return sum + (Floats)a * (Floats)b; }
#ifdef __AVX512BF16__
inline Floats multiply_add(Floats sum, Words a, Words b, bfloat16) {
    return (Floats)_mm512_dpbf16_ps((__m512)sum, (__m512bh)a, (__m512bh)b);
}
#endif

// Loads vectors of words whose numbers lie across rows. After the last row zeros are read.
template <int V>
inline void load_words(const float* at, ptrdiff_t, bool, Words* to) {
    memcpy(to, at, V * sizeof *to);
}

template <int V>
inline void load_words(const bfloat16* at, ptrdiff_t row, bool last, Words* to) {
    if constexpr (V == 1) {
        Bfloats first, second = {};
        memcpy(&first, at, sizeof first);
        if (!last) memcpy(&second, at + row, sizeof second);
        *to = interleave(first, second);
    } else {
        const Bfloats32 low = {0, 32, 1, 33, 2,  34, 3,  35, 4,  36, 5,  37, 6,  38, 7,  39,
                             8, 40, 9, 41, 10, 42, 11, 43, 12, 44, 13, 45, 14, 46, 15, 47};
        Bfloats32 first, second = {};
        memcpy(&first, at, sizeof first);
        if (!last) memcpy(&second, at + row, sizeof second);
        to[0] = (Words)__builtin_shuffle(first, second, low);
        to[1] = (Words)__builtin_shuffle(first, second, low + VECTOR);
    }
}

// Packs V vectors of every row; the packed vectors are `apart` words from each other.
template <int V, class T>
inline void pack_columns(const T* from, ptrdiff_t row, int depth, uint32_t* to, ptrdiff_t apart, int step) {
    for (int i = 0; i < depth; i += NUMBERS_PER_WORD<T>, from += NUMBERS_PER_WORD<T> * row, to += step) {
        Words each[V];
        load_words<V>(from, row, i + 1 == depth, each);
        for (int v = 0; v < V; v++) memcpy(to + v * apart, each + v, sizeof *each);
    }
}

// Transposes sixteen rows of COUNT words, by exchanging lanes between rows 8, 4, 2 and 1 apart.
template <int COUNT>
inline void transpose_block(const uint32_t* from, ptrdiff_t row, uint32_t* to, int step) {
    Words x[VECTOR] = {};
    for (int i = 0; i < VECTOR; i++) memcpy(x + i, from + i * row, COUNT * sizeof *from);
    const auto swapped = [&x](int away, Words low, Words high) {
#pragma GCC unroll 16
        for (int i = 0; i < VECTOR; i++)
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
    for (int i = 0; i < COUNT; i++) memcpy(to + i * step, x + i, sizeof *x);
}

// Packs sixteen rows of words as columns.
inline void pack_rows(const uint32_t* from, ptrdiff_t row, int words, uint32_t* to, int step) {
    for (int i = 0; i < words; i += VECTOR)  // bfloat16 numbers may leave half a vector of words
        (i + VECTOR <= words ? transpose_block<VECTOR> : transpose_block<VECTOR / 2>)(from + i, row, to + i * step, step);
}

// Computes R rows and V vectors of results and passes each to `put`. Words of the first factor are `step` apart along
// the sum, and `row` apart from row to row.
template <int R, int V, class T, class Put>
inline void tile_product(const uint32_t* a, ptrdiff_t step, ptrdiff_t row, const uint32_t* b, int depth, Put put) {
    Floats sums[R][V] = {};
    for (int i = 0; i < depth; i++, a += step, b += TILE_COLUMNS) {
        if (step == 1 && i % VECTOR == 0)
#pragma GCC unroll 8
            for (int r = 0; r < R; r++) __builtin_prefetch(a + (R + r) * row);
        Words columns[V];
        memcpy(columns, b, sizeof columns);
#pragma GCC unroll 8
        for (int r = 0; r < R; r++) {
            const Words each = Words{} + a[r * row];
#pragma GCC unroll 2
            for (int v = 0; v < V; v++) sums[r][v] = multiply_add(sums[r][v], each, columns[v], T{});
        }
    }
#pragma GCC unroll 8
    for (int r = 0; r < R; r++)
#pragma GCC unroll 2
        for (int v = 0; v < V; v++) put(r, v, sums[r][v]);
}

// The panel of the second factor, and the rows of the first, that a core has packed.
template <class T>
struct Panel {
    const Matrices& sizes;
    int depth;
    uint32_t *rows, *columns;

    Panel(const Matrices& sizes)
        : sizes(sizes),
          depth((sizes.k + NUMBERS_PER_WORD<T> - 1) / NUMBERS_PER_WORD<T>),
          rows(allocate<uint32_t>(sizes.a_across ? (size_t)depth * sizes.m : 0)),
          columns(allocate<uint32_t>((size_t)depth * TILE_COLUMNS)) {}
    ~Panel() {
        free(rows);
        free(columns);
    }

    void pack_a(const T* a) {
        const ptrdiff_t apart = (ptrdiff_t)VECTOR * depth;
        int i = 0;
        for (; i + TILE_COLUMNS <= sizes.m; i += TILE_COLUMNS) pack_columns<TILE_VECTORS>(a + i, sizes.m, sizes.k, rows + i * depth, apart, VECTOR);
        if (i < sizes.m) pack_columns<1>(a + i, sizes.m, sizes.k, rows + i * depth, apart, VECTOR);
    }

    template <int V>
    void pack_b(const T* b) {
        if (sizes.b_across) return pack_columns<V>(b, sizes.n, sizes.k, columns, VECTOR, TILE_COLUMNS);
        for (int j = 0; j < V * VECTOR; j += VECTOR)
            pack_rows((const uint32_t*)(b + (ptrdiff_t)j * sizes.k), depth, depth, columns + j, TILE_COLUMNS);
    }

    // `next_b` and `next_a` are what the next panel reads; they are prefetched.
    template <int V, int R = TILE_ROWS>
    void multiply(const T* a, T* c, const T* next_b, const T* next_a, int i = 0) const {
        for (; i + R <= sizes.m; i += R) {
            const ptrdiff_t first = (ptrdiff_t)i * sizes.k;
            for (ptrdiff_t line = first / sizes.m; line < (first + R * sizes.k) / sizes.m; line++)
                for (int j = 0; j < TILE_COLUMNS; j += CACHE_LINE<T>)
                    __builtin_prefetch(next_b + line * (sizes.b_across ? sizes.n : TILE_COLUMNS) + j, 0, 2);
            if (sizes.a_across)
                for (ptrdiff_t at = first * TILE_COLUMNS / sizes.n; at < (first + R * sizes.k) * TILE_COLUMNS / sizes.n; at += CACHE_LINE<T>)
                    __builtin_prefetch(next_a + at, 0, 2);
            const uint32_t* row = sizes.a_across ? rows + (ptrdiff_t)(i / VECTOR) * VECTOR * depth + i % VECTOR
                                               : (const uint32_t*)(a + first);
            const auto put = [to = c + (ptrdiff_t)i * sizes.n, n = sizes.n](int r, int v, Floats sum) {
                store(to + (ptrdiff_t)r * n + v * VECTOR, sum);
            };
            if (sizes.a_across)
                tile_product<R, V, T>(row, VECTOR, 1, columns, depth, put);
            else
                tile_product<R, V, T>(row, 1, depth, columns, depth, put);
        }
        if constexpr (R > 1) multiply<V, R / 2>(a, c, next_b, next_a, i);
    }

    template <int V>
    void panel(const T* a, const T* b, T* c, const T* next_b, const T* next_a) {
        pack_b<V>(b);
        multiply<V>(a, c, next_b, next_a);
    }
};

template <class T>
void matmul(const Matrices& sizes, const T* a, const T* b, T* c) {
#pragma omp parallel
    {
        Panel<T> panel_of_core(sizes);
        int of = -1;
#pragma omp for collapse(2) schedule(static)
        for (int p = 0; p < sizes.P; p++)
            for (int j = 0; j < sizes.n; j += TILE_COLUMNS) {
                const ptrdiff_t column = sizes.b_across ? 1 : sizes.k;
                const T *first = a + p * sizes.a_next, *second = b + p * sizes.b_next;
                const T* next_b = j + TILE_COLUMNS < sizes.n ? second + (j + TILE_COLUMNS) * column : second + sizes.b_next;
                const T* next_a = first + sizes.a_next + (ptrdiff_t)j * sizes.m / sizes.n * sizes.k;
                T* to = c + p * sizes.c_next + j;
                if (sizes.a_across && of != p) panel_of_core.pack_a(first);
                of = p;
                if (j + TILE_COLUMNS <= sizes.n)
                    panel_of_core.template panel<TILE_VECTORS>(first, second + j * column, to, next_b, next_a);
                else
                    panel_of_core.template panel<1>(first, second + j * column, to, next_b, next_a);
            }
    }
}
