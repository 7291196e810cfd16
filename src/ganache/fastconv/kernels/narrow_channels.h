// Layers with 4x4 kernels, stride 2 and padding 1, between an image of at most four channels and a half as large image of
// many, in bfloat16. The patches under the kernel are small, so they are packed row by row and multiplied at once.

#pragma once

#include <type_traits>

#include "matrices.h"

// Large images [B, L, 2 h, 2 w], small images [B, h, w, S], weight [S, L, 4, 4]; w and S are multiples of 16. `slope` is
// that of the leaky ReLU after the small image; 1 stands for no activation.
struct NarrowLayer {
    int B, L, S, h, w;
    float slope;

    int taps() const { return 16 * L; }
    int pitch() const { return 2 * w + 2 * VECTOR; }
    ptrdiff_t row(int b, int c, int row) const { return (((ptrdiff_t)b * L + c) * 2 * h + row) * 2 * w; }
};

// The rows of a large image under the kernel for row y of the small one, [L, 4, pitch], with zeros around them.
struct ImageRows {
    const NarrowLayer& layer;
    bfloat16* rows;

    ImageRows(const NarrowLayer& layer) : layer(layer), rows(allocate<bfloat16>(layer.L * 4 * layer.pitch())) {
        memset(rows, 0, layer.L * 4 * layer.pitch() * sizeof *rows);
    }
    ~ImageRows() { free(rows); }

    void take(const bfloat16* large, int b, int y) {
        for (int c = 0; c < layer.L; c++)
            for (int i = 0; i < 4; i++) {
                const int row = 2 * y + i - 1;
                bfloat16* to = rows + (c * 4 + i) * layer.pitch() + 1;
                if (row < 0 || row >= 2 * layer.h)
                    memset(to, 0, 2 * layer.w * sizeof *to);
                else
                    memcpy(to, large + layer.row(b, c, row), 2 * layer.w * sizeof *to);
            }
    }

    // For sixteen pixels from x on, two taps of row i of a channel: the first two of its four, or the last two.
    Words two(int c, int i, int x, bool last) const {
        Words found;
        memcpy(&found, (const uint32_t*)(rows + (c * 4 + i) * layer.pitch()) + x + last, sizeof found);
        return found;
    }
};

// Returns the gradient before the activation. The sign of the activation's output, if given, tells its derivative.
inline const bfloat16* undo_activation(const NarrowLayer& layer, const bfloat16* by, const bfloat16* activated, int rows, bfloat16* scratch) {
    if (!activated) return by;
    for (int i = 0; i < rows * layer.w * layer.S; i += VECTOR) {
        const Floats x = load(by + i);
        store(scratch + i, load(activated + i) > 0 ? x : layer.slope * x);
    }
    return scratch;
}

// Calls f(first, V) for every V vectors of `count` numbers.
template <class F>
inline void for_vectors(int count, F f) {
    for (int s = 0; s < count; s += TILE_COLUMNS)
        s + TILE_COLUMNS <= count ? f(s, std::integral_constant<int, TILE_VECTORS>{}) : f(s, std::integral_constant<int, 1>{});
}

// The small image: leaky_relu(conv2d(large, weight)).
inline void narrow_conv2d_rows(const NarrowLayer& layer, const bfloat16* large, const bfloat16* weight, bfloat16* small) {
    const int depth = layer.taps() / 2;
#pragma omp parallel
    {
        ImageRows image(layer);
        uint32_t *strip = allocate<uint32_t>(depth * VECTOR), *columns = allocate<uint32_t>(depth * (layer.S + TILE_COLUMNS));
        for (int s = 0; s < layer.S; s += VECTOR) {
            uint32_t* to = columns + s / TILE_COLUMNS * TILE_COLUMNS * depth + s % TILE_COLUMNS;
            pack_rows((const uint32_t*)weight + s * depth, depth, depth, to, TILE_COLUMNS);
        }
#pragma omp for collapse(2)
        for (int b = 0; b < layer.B; b++)
            for (int y = 0; y < layer.h; y++) {
                image.take(large, b, y);
                for (int x = 0; x < layer.w; x += VECTOR) {
                    for (int i = 0; i < depth; i++) {
                        const Words two = image.two(i / 8, i / 2 % 4, x, i % 2);
                        memcpy(strip + i * VECTOR, &two, sizeof two);
                    }
                    bfloat16* to = small + (((ptrdiff_t)b * layer.h + y) * layer.w + x) * layer.S;
                    for_vectors(layer.S, [&](int s, auto count) {
                        for (int first = 0; first < VECTOR; first += TILE_ROWS)
                            tile_product<TILE_ROWS, count, bfloat16>(
                                strip + first, VECTOR, 1, columns + s * depth, depth,
                                [=, &layer](int r, int v, Floats sum) {
                                    const Floats y = sum > 0 ? sum : layer.slope * sum;
                                    store(to + (first + r) * layer.S + s + v * VECTOR, y);
                                });
                    });
                }
            }
        free(strip);
        free(columns);
    }
}

// The large image: conv_transpose2d(small, weight). If the activation's output `activated` is given, `small` is the
// gradient by it. Even and odd columns are summed separately.
inline void narrow_conv_transpose2d_rows(
    const NarrowLayer& layer, const bfloat16* small, const bfloat16* activated, const bfloat16* weight, bfloat16* large) {
    const int depth = layer.S / 2, pitch = layer.w + 2 * VECTOR, rows = 2 * layer.h + 2;
#pragma omp parallel
    {
        uint32_t *strips = allocate<uint32_t>(layer.taps() * depth), *columns = allocate<uint32_t>(depth * TILE_COLUMNS);
        bfloat16* scratch = allocate<bfloat16>(layer.w * layer.S);
        float* sums = allocate<float>((size_t)layer.L * rows * 2 * pitch);
        for (int c = 0; c < layer.L; c++)
            pack_columns<1>(weight + c * VECTOR, layer.taps(), layer.S, strips + c * VECTOR * depth, 0, VECTOR);
#pragma omp for
        for (int b = 0; b < layer.B; b++) {
            memset(sums, 0, (size_t)layer.L * rows * 2 * pitch * sizeof *sums);
            for (int y = 0; y < layer.h; y++) {
                const ptrdiff_t row = ((ptrdiff_t)b * layer.h + y) * layer.w * layer.S;
                const auto* from = (const uint32_t*)undo_activation(layer, small + row, activated ? activated + row : activated, 1, scratch);
                for_vectors(layer.w, [&](int x, auto count) {
                    for (int v = 0; v < count; v++)
                        pack_rows(from + (x + v * VECTOR) * depth, depth, depth, columns + v * VECTOR, TILE_COLUMNS);
                    for (int t = 0; t < layer.taps(); t += TILE_ROWS) {
                        const uint32_t* strip = strips + t / VECTOR * VECTOR * depth + t % VECTOR;
                        float* to = sums + ((t / VECTOR) * rows + 2 * y) * 2 * pitch + x;
                        tile_product<TILE_ROWS, count, bfloat16>(strip, VECTOR, 1, columns, depth, [=](int r, int v, Floats sum) {
                            const int tap = t % VECTOR + r, i = tap / 4, j = tap % 4;
                            float* at = to + (2 * i + j % 2) * pitch + j / 2 + v * VECTOR;
                            store(at, load(at) + sum);
                        });
                    }
                });
            }
            for (int c = 0; c < layer.L; c++)
                for (int row = 0; row < 2 * layer.h; row++) {
                    const float* odd = sums + (c * rows + row + 1) * 2 * pitch;  // taps 0 and 2, one pixel to the left
                    bfloat16* to = large + layer.row(b, c, row);
                    for (int x = 0; x < layer.w; x += VECTOR) {
                        const Words pair = interleave(to_bfloat16(load(odd + pitch + x)), to_bfloat16(load(odd + x + 1)));
                        memcpy(to + 2 * x, &pair, sizeof pair);
                    }
                }
        }
        free(strips);
        free(columns);
        free(scratch);
        free(sums);
    }
}

// The weight's gradient [L, 4, 4, S], float32, from the same small image. The caller fills it with zeros.
inline void narrow_weight_gradient_rows(
    const NarrowLayer& layer, const bfloat16* small, const bfloat16* activated, const bfloat16* large, float* weight) {
    constexpr int ROWS = 4;  // rows of the image that are summed at a time
    const int each = layer.w / 2, groups = (layer.h + ROWS - 1) / ROWS;
#pragma omp parallel
    {
        ImageRows image(layer);
        bfloat16* taps = allocate<bfloat16>(VECTOR * layer.w);
        uint32_t* strips = allocate<uint32_t>(layer.taps() * each * ROWS);
        uint32_t* columns = allocate<uint32_t>(each * ROWS * TILE_COLUMNS);
        bfloat16* scratch = allocate<bfloat16>(ROWS * layer.w * layer.S);
        float* sums = allocate<float>(layer.taps() * layer.S);
        memset(sums, 0, layer.taps() * layer.S * sizeof *sums);
#pragma omp for collapse(2)
        for (int b = 0; b < layer.B; b++)
            for (int group = 0; group < groups; group++) {
                const int first = group * ROWS, count = first + ROWS < layer.h ? ROWS : layer.h - first;
                const ptrdiff_t row = ((ptrdiff_t)b * layer.h + first) * layer.w * layer.S;
                const bfloat16* from = undo_activation(layer, small + row, activated ? activated + row : activated, count, scratch);
                for (int y = 0; y < count; y++) {
                    image.take(large, b, first + y);
                    for (int c = 0; c < layer.L; c++) {
                        for (int i = 0; i < 4; i++)
                            for (int x = 0; x < layer.w; x += VECTOR)
                                for (int last = 0; last < 2; last++) {
                                    const Words two = image.two(c, i, x, last);
                                    const Bfloats one = __builtin_convertvector(two, Bfloats);
                                    const Bfloats other = __builtin_convertvector(two >> 16, Bfloats);
                                    memcpy(taps + (4 * i + 2 * last) * layer.w + x, &one, sizeof one);
                                    memcpy(taps + (4 * i + 2 * last + 1) * layer.w + x, &other, sizeof other);
                                }
                        pack_rows((uint32_t*)taps, each, each, strips + (c * ROWS + y) * each * VECTOR, VECTOR);
                    }
                }
                for_vectors(layer.S, [&](int s, auto vectors) {
                    pack_columns<vectors>(from + s, layer.S, count * layer.w, columns, VECTOR, TILE_COLUMNS);
                    for (int t = 0; t < layer.taps(); t += TILE_ROWS) {
                        const uint32_t* strip = strips + t / VECTOR * ROWS * each * VECTOR + t % VECTOR;
                        float* to = sums + t * layer.S + s;
                        tile_product<TILE_ROWS, vectors, bfloat16>(
                            strip, VECTOR, 1, columns, count * each, [=](int r, int v, Floats sum) {
                                float* at = to + r * layer.S + v * VECTOR;
                                store(at, load(at) + sum);
                            });
                    }
                });
            }
#pragma omp critical
        for (int i = 0; i < layer.taps() * layer.S; i += VECTOR) store(weight + i, load(weight + i) + load(sums + i));
        free(scratch);
        free(taps);
        free(strips);
        free(columns);
        free(sums);
    }
}
