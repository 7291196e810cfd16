// Layers of 4x4 kernels, stride 2 and padding 1, between pictures of few channels and half as large ones of many: what
// a kernel sees is laid out row by row, as there is little of it, and multiplied at once. In bfloat16.

#pragma once

#include <type_traits>

#include "matrices.h"

// Large pictures [B, L, 2 h, 2 w], small ones [B, h, w, S], weights [S, L, 4, 4]; w and S are whole vectors. An
// activation multiplies small pictures with `slope` below 0, 1 where there is none.
struct Few {
    int B, L, S, h, w;
    float slope;

    int taps() const { return 16 * L; }
    int pitch() const { return 2 * w + 2 * LANES; }
    ptrdiff_t row(int b, int c, int row) const { return (((ptrdiff_t)b * L + c) * 2 * h + row) * 2 * w; }
};

// Rows of a large picture that row y of the small one sees [L, 4, pitch], with zeros around it.
struct Seen {
    const Few& its;
    bfloat16* rows;

    Seen(const Few& its) : its(its), rows(aligned<bfloat16>(its.L * 4 * its.pitch())) {
        memset(rows, 0, its.L * 4 * its.pitch() * sizeof *rows);
    }
    ~Seen() { free(rows); }

    void take(const bfloat16* large, int b, int y) {
        for (int c = 0; c < its.L; c++)
            for (int i = 0; i < 4; i++) {
                const int row = 2 * y + i - 1;
                bfloat16* to = rows + (c * 4 + i) * its.pitch() + 1;
                if (row < 0 || row >= 2 * its.h)
                    memset(to, 0, 2 * its.w * sizeof *to);
                else
                    memcpy(to, large + its.row(b, c, row), 2 * its.w * sizeof *to);
            }
    }

    // Of sixteen places from x two taps each: of row i of a channel the first two of its four, or the last two.
    Words two(int c, int i, int x, bool last) const {
        Words found;
        memcpy(&found, (const uint32_t*)(rows + (c * 4 + i) * its.pitch()) + x + last, sizeof found);
        return found;
    }
};

// Rows of gradients by small pictures, as they are before the activation: what it made, if it did, tells.
inline const bfloat16* before(const Few& its, const bfloat16* by, const bfloat16* made, int rows, bfloat16* room) {
    if (!made) return by;
    for (int i = 0; i < rows * its.w * its.S; i += LANES) {
        const Floats x = load(by + i);
        store(room + i, load(made + i) > 0 ? x : its.slope * x);
    }
    return room;
}

// f(s, V) of every V vectors of `many` numbers.
template <class F>
inline void in_vectors(int many, F f) {
    for (int s = 0; s < many; s += WIDE)
        s + WIDE <= many ? f(s, std::integral_constant<int, VECTORS>{}) : f(s, std::integral_constant<int, 1>{});
}

// The small pictures: conv2d(large, weight), activated.
inline void few_small(const Few& its, const bfloat16* large, const bfloat16* weight, bfloat16* small) {
    const int summed = its.taps() / 2;
#pragma omp parallel
    {
        Seen seen(its);
        uint32_t *strip = aligned<uint32_t>(summed * LANES), *columns = aligned<uint32_t>(summed * (its.S + WIDE));
        for (int s = 0; s < its.S; s += LANES) {
            uint32_t* to = columns + s / WIDE * WIDE * summed + s % WIDE;
            along((const uint32_t*)weight + s * summed, summed, summed, to, WIDE);
        }
#pragma omp for collapse(2)
        for (int b = 0; b < its.B; b++)
            for (int y = 0; y < its.h; y++) {
                seen.take(large, b, y);
                for (int x = 0; x < its.w; x += LANES) {
                    for (int i = 0; i < summed; i++) {
                        const Words two = seen.two(i / 8, i / 2 % 4, x, i % 2);
                        memcpy(strip + i * LANES, &two, sizeof two);
                    }
                    bfloat16* to = small + (((ptrdiff_t)b * its.h + y) * its.w + x) * its.S;
                    in_vectors(its.S, [&](int s, auto many) {
                        for (int first = 0; first < LANES; first += HIGH)
                            tile<HIGH, many, bfloat16>(
                                strip + first, LANES, 1, columns + s * summed, summed,
                                [=, &its](int r, int v, Floats sum) {
                                    const Floats y = sum > 0 ? sum : its.slope * sum;
                                    store(to + (first + r) * its.S + s + v * LANES, y);
                                });
                    });
                }
            }
        free(strip);
        free(columns);
    }
}

// The large pictures: conv_transpose2d(small, weight), with small ones as they are before the activation that made
// others. Of a row every second number is kept for itself.
inline void few_large(
    const Few& its, const bfloat16* small, const bfloat16* made, const bfloat16* weight, bfloat16* large) {
    const int summed = its.S / 2, pitch = its.w + 2 * LANES, rows = 2 * its.h + 2;
#pragma omp parallel
    {
        uint32_t *strips = aligned<uint32_t>(its.taps() * summed), *columns = aligned<uint32_t>(summed * WIDE);
        bfloat16* room = aligned<bfloat16>(its.w * its.S);
        float* sums = aligned<float>((size_t)its.L * rows * 2 * pitch);
        for (int c = 0; c < its.L; c++)
            across<1>(weight + c * LANES, its.taps(), its.S, strips + c * LANES * summed, 0, LANES);
#pragma omp for
        for (int b = 0; b < its.B; b++) {
            memset(sums, 0, (size_t)its.L * rows * 2 * pitch * sizeof *sums);
            for (int y = 0; y < its.h; y++) {
                const ptrdiff_t row = ((ptrdiff_t)b * its.h + y) * its.w * its.S;
                const auto* from = (const uint32_t*)before(its, small + row, made ? made + row : made, 1, room);
                in_vectors(its.w, [&](int x, auto many) {
                    for (int v = 0; v < many; v++)
                        along(from + (x + v * LANES) * summed, summed, summed, columns + v * LANES, WIDE);
                    for (int t = 0; t < its.taps(); t += HIGH) {
                        const uint32_t* strip = strips + t / LANES * LANES * summed + t % LANES;
                        float* to = sums + ((t / LANES) * rows + 2 * y) * 2 * pitch + x;
                        tile<HIGH, many, bfloat16>(strip, LANES, 1, columns, summed, [=](int r, int v, Floats sum) {
                            const int tap = t % LANES + r, i = tap / 4, j = tap % 4;
                            float* at = to + (2 * i + j % 2) * pitch + j / 2 + v * LANES;
                            store(at, load(at) + sum);
                        });
                    }
                });
            }
            for (int c = 0; c < its.L; c++)
                for (int row = 0; row < 2 * its.h; row++) {
                    const float* odd = sums + (c * rows + row + 1) * 2 * pitch;  // taps 0 and 2, one place before
                    bfloat16* to = large + its.row(b, c, row);
                    for (int x = 0; x < its.w; x += LANES) {
                        const Words pair = paired(half(load(odd + pitch + x)), half(load(odd + x + 1)));
                        memcpy(to + 2 * x, &pair, sizeof pair);
                    }
                }
        }
        free(strips);
        free(columns);
        free(room);
        free(sums);
    }
}

// The weight's gradient [L, 4, 4, S], float32, which begins with zeros, of the same small pictures.
inline void few_weight(
    const Few& its, const bfloat16* small, const bfloat16* made, const bfloat16* large, float* weight) {
    constexpr int ROWS = 4;  // that are summed at a time
    const int each = its.w / 2, groups = (its.h + ROWS - 1) / ROWS;
#pragma omp parallel
    {
        Seen seen(its);
        bfloat16* taps = aligned<bfloat16>(LANES * its.w);
        uint32_t* strips = aligned<uint32_t>(its.taps() * each * ROWS);
        uint32_t* columns = aligned<uint32_t>(each * ROWS * WIDE);
        bfloat16* room = aligned<bfloat16>(ROWS * its.w * its.S);
        float* sums = aligned<float>(its.taps() * its.S);
        memset(sums, 0, its.taps() * its.S * sizeof *sums);
#pragma omp for collapse(2)
        for (int b = 0; b < its.B; b++)
            for (int group = 0; group < groups; group++) {
                const int first = group * ROWS, many = first + ROWS < its.h ? ROWS : its.h - first;
                const ptrdiff_t row = ((ptrdiff_t)b * its.h + first) * its.w * its.S;
                const bfloat16* from = before(its, small + row, made ? made + row : made, many, room);
                for (int y = 0; y < many; y++) {
                    seen.take(large, b, first + y);
                    for (int c = 0; c < its.L; c++) {
                        for (int i = 0; i < 4; i++)
                            for (int x = 0; x < its.w; x += LANES)
                                for (int last = 0; last < 2; last++) {
                                    const Words two = seen.two(c, i, x, last);
                                    const Halves one = __builtin_convertvector(two, Halves);
                                    const Halves other = __builtin_convertvector(two >> 16, Halves);
                                    memcpy(taps + (4 * i + 2 * last) * its.w + x, &one, sizeof one);
                                    memcpy(taps + (4 * i + 2 * last + 1) * its.w + x, &other, sizeof other);
                                }
                        along((uint32_t*)taps, each, each, strips + (c * ROWS + y) * each * LANES, LANES);
                    }
                }
                in_vectors(its.S, [&](int s, auto vectors) {
                    across<vectors>(from + s, its.S, many * its.w, columns, LANES, WIDE);
                    for (int t = 0; t < its.taps(); t += HIGH) {
                        const uint32_t* strip = strips + t / LANES * ROWS * each * LANES + t % LANES;
                        float* to = sums + t * its.S + s;
                        tile<HIGH, vectors, bfloat16>(
                            strip, LANES, 1, columns, many * each, [=](int r, int v, Floats sum) {
                                float* at = to + r * its.S + v * LANES;
                                store(at, load(at) + sum);
                            });
                    }
                });
            }
#pragma omp critical
        for (int i = 0; i < its.taps() * its.S; i += LANES) store(weight + i, load(weight + i) + load(sums + i));
        free(room);
        free(taps);
        free(strips);
        free(columns);
        free(sums);
    }
}
