// Pictures cut into tiles, each tile's map, and back (`tiles.Tiles`). Each core takes tiles of its own, a line of the
// cache's channels at a time.

#pragma once

#include <omp.h>

#include "vectors.h"

// Pictures [B, H, W, C] and their tiles, U down and V across (`tiles.Tiles`). A tile sees n by m places, of every
// `stride`-th row and column, once for each of the stride * stride ways to begin; the next one is `down` or `across`
// places on; `top` and `left` are the padding. In what is multiplied, `next` is how far on the next product is.
struct Shape {
    int B, H, W, C, U, V, n, m, down, across, top, left, stride;
    ptrdiff_t next;

    int ways() const { return stride * stride; }
    int row(int u, int way) const { return stride * down * u + way / stride - top; }
    int column(int v, int way) const { return stride * across * v + way % stride - left; }
    ptrdiff_t at(int b, int row, int column) const { return ((ptrdiff_t)(b * H + row) * W + column) * C; }
    size_t part(int b, int u, int v, int way) const { return (((size_t)(b * U + u) * V + v) * ways() + way) * C; }
};

// A line of the cache's channels of a tile in its row, seen in one of the ways to begin.
template <class T>
struct Line {
    int v, way, c;

    Line after(const Shape& its) const {
        if (c + LINE<T> < its.C) return {v, way, c + LINE<T>};
        return way + 1 < its.ways() ? Line{v, way + 1, 0} : Line{v + 1, 0, 0};
    }
    int lanes(const Shape& its) const { return c + LINE<T> <= its.C ? LINE<T> : its.C - c; }
};

// What a core works with: of one tile, a vector of channels.
template <class Map>
struct Bench {
    Floats *places, *scratch;

    Bench(const Map& map, int seen) : places(aligned<Floats>(seen + map.scratch())), scratch(places + seen) {}
    ~Bench() { free(places); }
};

template <class X, class T, class Map>
void seen(const Shape& its, const Map& map, const X* x, T* parts) {
    const int step = its.stride * its.C;
    const bool past = its.C % LINE<T> == 0 && its.next % LINE<T> == 0 && (size_t)parts % 64 == 0;
#pragma omp parallel
    {
        Bench<Map> bench(map, its.n * its.m);
        T* lines = aligned<T>((size_t)map.products() * LINE<T>);  // of the cache, written when they are whole
#pragma omp for collapse(2)
        for (int b = 0; b < its.B; b++)
            for (int u = 0; u < its.U; u++)
                for (Line<T> line{}, next; line.v < its.V; line = next) {
                    next = line.after(its);
                    const int left = its.column(line.v, line.way);
                    const int first = left < 0 ? (its.stride - 1 - left) / its.stride : 0;
                    const int last = (its.W - left + its.stride - 1) / its.stride;
                    for (int k = 0; k < line.lanes(its); k += LANES) {
                        Floats* to = bench.places;
                        for (int i = 0; i < its.n; i++) {
                            const int row = its.row(u, line.way) + its.stride * i;
                            const int row_soon = its.row(u, next.way) + its.stride * i;
                            const bool inside = row >= 0 && row < its.H;
                            const X* from = x + its.at(b, row, left) + line.c + k;
                            const X* soon = x + its.at(b, row_soon, its.column(next.v, next.way)) + next.c;
                            for (int j = 0; j < its.m; j++, from += step, soon += step) {
                                *to++ = inside && j >= first && j < last ? load(from) : Floats{};
                                if (k == 0) __builtin_prefetch(soon);
                            }
                        }
                        map.there(bench.places, bench.scratch, Products<T>{lines + k, LINE<T>});
                    }
                    T* to = parts + its.part(b, u, line.v, line.way) + line.c;
                    for (int p = 0; p < map.products(); p++, to += its.next) {
                        const T* made = lines + p * LINE<T>;
                        past ? copy_past(to, made) : copy(to, made, line.lanes(its));
                    }
                }
        _mm_sfence();
        free(lines);
    }
}

// What a tile makes of its products, of a line of channels, place by place; `soon` is how far on the next line is.
template <class T, class Map, class Take>
inline void made(
    const Shape& its, const Map& map, Bench<Map>& bench, const T* from, int lanes, int soon, Take take) {
    for (int p = 0; p < map.products(); p++) __builtin_prefetch(from + p * its.next + soon);
    for (int k = 0; k < lanes; k += LANES) {
        map.back(Products<const T>{from + k, its.next}, bench.scratch, bench.places);
        const Floats* place = bench.places;
        for (int i = 0; i < its.n; i++)
            for (int j = 0; j < its.m; j++) take(i, j, k, *place++);
    }
}

// The adjoint of `seen`, where tiles do not overlap. What no tile sees is left as it is.
template <class X, class T, class Map>
void placed(const Shape& its, const Map& map, const T* parts, X* x) {
#pragma omp parallel
    {
        Bench<Map> bench(map, its.n * its.m);
#pragma omp for collapse(2)
        for (int b = 0; b < its.B; b++)
            for (int u = 0; u < its.U; u++)
                for (Line<T> line{}; line.v < its.V; line = line.after(its)) {
                    const T* from = parts + its.part(b, u, line.v, line.way) + line.c;
                    made(its, map, bench, from, line.lanes(its), LINE<T>, [&](int i, int j, int k, Floats place) {
                        const int row = its.row(u, line.way) + its.stride * i;
                        const int column = its.column(line.v, line.way) + its.stride * j;
                        const bool inside = row >= 0 && row < its.H && column >= 0 && column < its.W;
                        if (inside) store(x + its.at(b, row, column) + line.c + k, place);
                    });
                }
    }
}

// The same where they do: the sum.
template <class X, class T, class Map>
void summed(const Shape& its, const Map& map, const T* parts, X* x) {
    const int C = its.C, stride = its.stride;
    const int rows = stride * its.down, overlap = stride * (its.n - its.down);
    const int wide = stride * (its.across * its.V + its.m - its.across);
    // Rows that the tiles in work make, of as many channels as stay in the cache.
    const size_t places = (size_t)(rows + overlap) * wide, kept = (size_t)overlap * wide;
    const int lines = its.B < omp_get_max_threads() ? 1 : 1 + CACHED / (places * LINE<T> * sizeof(float));
    const int together = lines * LINE<T> < C ? lines * LINE<T> : C;
    const int last = its.W + its.left < wide ? its.W + its.left : wide;
#pragma omp parallel
    {
        Bench<Map> bench(map, its.n * its.m);
        float* band = aligned<float>(places * together);
#pragma omp for collapse(2)
        for (int b = 0; b < its.B; b++)
            for (int first = 0; first < its.C; first += together) {
                const int many = first + together < C ? together : C - first;
                memset(band, 0, places * together * sizeof(float));
                for (int u = 0; u < its.U; u++) {
                    for (int v = 0; v < its.V; v++)
                        for (int way = 0; way < its.ways(); way++) {
                            const int corner = (way / stride) * wide + stride * its.across * v + way % stride;
                            for (int c = 0; c < many; c += LINE<T>) {
                                const int lanes = c + LINE<T> <= many ? LINE<T> : many - c;
                                const T* from = parts + its.part(b, u, v, way) + first + c;
                                const int soon = c + LINE<T> < many ? LINE<T> : C - c;
                                made(its, map, bench, from, lanes, soon, [&](int i, int j, int k, Floats place) {
                                    const size_t at = corner + stride * (i * wide + j);
                                    float* sum = band + at * together + c + k;
                                    store(sum, load(sum) + place);
                                });
                            }
                        }
                    const int done = u + 1 < its.U ? rows : rows + overlap;  // to which no other tile adds
                    for (int i = 0; i < done; i++) {
                        const int row = rows * u + i - its.top;
                        if (row < 0 || row >= its.H) continue;
                        for (int column = its.left; column < last; column++) {
                            const float* sums = band + ((size_t)i * wide + column) * together;
                            X* to = x + its.at(b, row, column - its.left) + first;
                            for (int c = 0; c < many; c += LANES) store(to + c, load(sums + c));
                        }
                    }
                    if (u + 1 == its.U) break;
                    memmove(band, band + (places - kept) * together, kept * together * sizeof(float));
                    memset(band + kept * together, 0, (places - kept) * together * sizeof(float));
                }
            }
        free(band);
    }
}

// Of pictures of X and what is multiplied of T, or back.
template <class X, class T, class Map>
void either(bool back, const Shape& its, const Map& map, const void* from, void* to) {
    if (!back)
        seen(its, map, (const X*)from, (T*)to);
    else if (its.n > its.down || its.m > its.across)
        summed(its, map, (const T*)from, (X*)to);
    else
        placed(its, map, (const T*)from, (X*)to);
}
