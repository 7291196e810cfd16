// Images cut into tiles, the transform of each tile, and the adjoint (`tiles.Tiles`). Each core takes its own tiles, with
// as many channels at a time as fill a line of the cache.

#pragma once

#include <omp.h>

#include "vectors.h"

// Images [B, H, W, C] and their tiles, U down and V across (`tiles.Tiles`). A tile covers n x m pixels of every
// `stride`-th row and column, once per phase (stride * stride of them). The next tile is `down` or `across` pixels on.
// `top` and `left` are the padding. `next` is the distance from one transformed number of a tile to the next.
struct Tiling {
    int B, H, W, C, U, V, n, m, down, across, top, left, stride;
    ptrdiff_t next;

    int phases() const { return stride * stride; }
    int row(int u, int phase) const { return stride * down * u + phase / stride - top; }
    int column(int v, int phase) const { return stride * across * v + phase % stride - left; }
    ptrdiff_t at(int b, int row, int column) const { return ((ptrdiff_t)(b * H + row) * W + column) * C; }
    size_t part(int b, int u, int v, int phase) const { return (((size_t)(b * U + u) * V + v) * phases() + phase) * C; }
};

// Channels of one tile and phase that fill a line of the cache.
template <class T>
struct ChannelLine {
    int v, phase, c;

    ChannelLine after(const Tiling& tiling) const {
        if (c + CACHE_LINE<T> < tiling.C) return {v, phase, c + CACHE_LINE<T>};
        return phase + 1 < tiling.phases() ? ChannelLine{v, phase + 1, 0} : ChannelLine{v + 1, 0, 0};
    }
    int lanes(const Tiling& tiling) const { return c + CACHE_LINE<T> <= tiling.C ? CACHE_LINE<T> : tiling.C - c; }
};

// The working memory of a core, for one tile and one vector of channels.
template <class Transform>
struct Scratch {
    Floats *pixels, *scratch;

    Scratch(const Transform& transform, int seen) : pixels(allocate<Floats>(seen + transform.scratch())), scratch(pixels + seen) {}
    ~Scratch() { free(pixels); }
};

template <class X, class T, class Transform>
void transform_tiles(const Tiling& tiling, const Transform& transform, const X* x, T* parts) {
    const int step = tiling.stride * tiling.C;
    const bool past = tiling.C % CACHE_LINE<T> == 0 && tiling.next % CACHE_LINE<T> == 0 && (size_t)parts % 64 == 0;
#pragma omp parallel
    {
        Scratch<Transform> scratch(transform, tiling.n * tiling.m);
        T* lines = allocate<T>((size_t)transform.products() * CACHE_LINE<T>);  // written to memory when they are complete
#pragma omp for collapse(2)
        for (int b = 0; b < tiling.B; b++)
            for (int u = 0; u < tiling.U; u++)
                for (ChannelLine<T> line{}, next; line.v < tiling.V; line = next) {
                    next = line.after(tiling);
                    const int left = tiling.column(line.v, line.phase);
                    const int first = left < 0 ? (tiling.stride - 1 - left) / tiling.stride : 0;
                    const int last = (tiling.W - left + tiling.stride - 1) / tiling.stride;
                    for (int k = 0; k < line.lanes(tiling); k += VECTOR) {
                        Floats* to = scratch.pixels;
                        for (int i = 0; i < tiling.n; i++) {
                            const int row = tiling.row(u, line.phase) + tiling.stride * i;
                            const int row_soon = tiling.row(u, next.phase) + tiling.stride * i;
                            const bool inside = row >= 0 && row < tiling.H;
                            const X* from = x + tiling.at(b, row, left) + line.c + k;
                            const X* soon = x + tiling.at(b, row_soon, tiling.column(next.v, next.phase)) + next.c;
                            for (int j = 0; j < tiling.m; j++, from += step, soon += step) {
                                *to++ = inside && j >= first && j < last ? load(from) : Floats{};
                                if (k == 0) __builtin_prefetch(soon);
                            }
                        }
                        transform.forward(scratch.pixels, scratch.scratch, Parts<T>{lines + k, CACHE_LINE<T>});
                    }
                    T* to = parts + tiling.part(b, u, line.v, line.phase) + line.c;
                    for (int p = 0; p < transform.products(); p++, to += tiling.next) {
                        const T* made = lines + p * CACHE_LINE<T>;
                        past ? stream(to, made) : copy_line(to, made, line.lanes(tiling));
                    }
                }
        _mm_sfence();
        free(lines);
    }
}

// The adjoint transform of one tile and line of channels; `take` receives pixel by pixel. `soon` is the distance to the
// next line, which is prefetched.
template <class T, class Transform, class Take>
inline void adjoint_line(
    const Tiling& tiling, const Transform& transform, Scratch<Transform>& scratch, const T* from, int lanes, int soon, Take take) {
    for (int p = 0; p < transform.products(); p++) __builtin_prefetch(from + p * tiling.next + soon);
    for (int k = 0; k < lanes; k += VECTOR) {
        transform.adjoint(Parts<const T>{from + k, tiling.next}, scratch.scratch, scratch.pixels);
        const Floats* place = scratch.pixels;
        for (int i = 0; i < tiling.n; i++)
            for (int j = 0; j < tiling.m; j++) take(i, j, k, *place++);
    }
}

// The adjoint of `transform_tiles` for tiles that do not overlap. Pixels in no tile are left as they are.
template <class X, class T, class Transform>
void adjoint_disjoint(const Tiling& tiling, const Transform& transform, const T* parts, X* x) {
#pragma omp parallel
    {
        Scratch<Transform> scratch(transform, tiling.n * tiling.m);
#pragma omp for collapse(2)
        for (int b = 0; b < tiling.B; b++)
            for (int u = 0; u < tiling.U; u++)
                for (ChannelLine<T> line{}; line.v < tiling.V; line = line.after(tiling)) {
                    const T* from = parts + tiling.part(b, u, line.v, line.phase) + line.c;
                    adjoint_line(tiling, transform, scratch, from, line.lanes(tiling), CACHE_LINE<T>, [&](int i, int j, int k, Floats place) {
                        const int row = tiling.row(u, line.phase) + tiling.stride * i;
                        const int column = tiling.column(line.v, line.phase) + tiling.stride * j;
                        const bool inside = row >= 0 && row < tiling.H && column >= 0 && column < tiling.W;
                        if (inside) store(x + tiling.at(b, row, column) + line.c + k, place);
                    });
                }
    }
}

// The same for tiles that overlap: their sum.
template <class X, class T, class Transform>
void adjoint_overlapping(const Tiling& tiling, const Transform& transform, const T* parts, X* x) {
    const int C = tiling.C, stride = tiling.stride;
    const int rows = stride * tiling.down, overlap = stride * (tiling.n - tiling.down);
    const int wide = stride * (tiling.across * tiling.V + tiling.m - tiling.across);
    // A band of rows, with as many channels as stay in the cache.
    const size_t pixels = (size_t)(rows + overlap) * wide, kept = (size_t)overlap * wide;
    const int lines = tiling.B < omp_get_max_threads() ? 1 : 1 + CACHE_BYTES / (pixels * CACHE_LINE<T> * sizeof(float));
    const int together = lines * CACHE_LINE<T> < C ? lines * CACHE_LINE<T> : C;
    const int last = tiling.W + tiling.left < wide ? tiling.W + tiling.left : wide;
#pragma omp parallel
    {
        Scratch<Transform> scratch(transform, tiling.n * tiling.m);
        float* band = allocate<float>(pixels * together);
#pragma omp for collapse(2)
        for (int b = 0; b < tiling.B; b++)
            for (int first = 0; first < tiling.C; first += together) {
                const int many = first + together < C ? together : C - first;
                memset(band, 0, pixels * together * sizeof(float));
                for (int u = 0; u < tiling.U; u++) {
                    for (int v = 0; v < tiling.V; v++)
                        for (int phase = 0; phase < tiling.phases(); phase++) {
                            const int corner = (phase / stride) * wide + stride * tiling.across * v + phase % stride;
                            for (int c = 0; c < many; c += CACHE_LINE<T>) {
                                const int lanes = c + CACHE_LINE<T> <= many ? CACHE_LINE<T> : many - c;
                                const T* from = parts + tiling.part(b, u, v, phase) + first + c;
                                const int soon = c + CACHE_LINE<T> < many ? CACHE_LINE<T> : C - c;
                                adjoint_line(tiling, transform, scratch, from, lanes, soon, [&](int i, int j, int k, Floats place) {
                                    const size_t at = corner + stride * (i * wide + j);
                                    float* sum = band + at * together + c + k;
                                    store(sum, load(sum) + place);
                                });
                            }
                        }
                    const int done = u + 1 < tiling.U ? rows : rows + overlap;  // rows to which no later tile adds
                    for (int i = 0; i < done; i++) {
                        const int row = rows * u + i - tiling.top;
                        if (row < 0 || row >= tiling.H) continue;
                        for (int column = tiling.left; column < last; column++) {
                            const float* sums = band + ((size_t)i * wide + column) * together;
                            X* to = x + tiling.at(b, row, column - tiling.left) + first;
                            for (int c = 0; c < many; c += VECTOR) store(to + c, load(sums + c));
                        }
                    }
                    if (u + 1 == tiling.U) break;
                    memmove(band, band + (pixels - kept) * together, kept * together * sizeof(float));
                    memset(band + kept * together, 0, (pixels - kept) * together * sizeof(float));
                }
            }
        free(band);
    }
}

// Runs a transform of images of X to parts of T, or its adjoint.
template <class X, class T, class Transform>
void run_transform(bool adjoint, const Tiling& tiling, const Transform& transform, const void* from, void* to) {
    if (!adjoint)
        transform_tiles(tiling, transform, (const X*)from, (T*)to);
    else if (tiling.n > tiling.down || tiling.m > tiling.across)
        adjoint_overlapping(tiling, transform, (const T*)from, (X*)to);
    else
        adjoint_disjoint(tiling, transform, (const T*)from, (X*)to);
}
