// Batch norm and the activation after it, in two passes over memory: sums first. Each core has rows of its own.

#pragma once

#include <omp.h>

#include "vectors.h"

// Of each of the batches, one after the other, `rows` of C channels; below 0 the activation multiplies with `slope`: 1
// where there is none, 0 is ReLU. `share` is a batch's of what is kept of all.
struct Norm {
    int groups, rows, C;
    float epsilon, slope, share;

    Floats activated(Floats z, Floats x) const { return z > 0 ? x : slope * x; }
};

constexpr int FEW = 512;

inline void add(const float* two, int C, float* sums) {
    for (int c = 0; c < 2 * C; c += LANES) store(sums + c, load(sums + c) + load(two + c));
}

// A core's rows, all channels of which it sums or changes, four rows at a time.
struct Rows {
    ptrdiff_t first, last;
    int C;

    Rows(const Norm& its, int batch) : C(its.C) {
        const int core = omp_get_thread_num(), cores = omp_get_num_threads();
        first = (ptrdiff_t)batch * its.rows + (ptrdiff_t)its.rows * core / cores;
        last = (ptrdiff_t)batch * its.rows + (ptrdiff_t)its.rows * (core + 1) / cores;
    }

    // Two sums of each channel; `each` says what a place adds. Sums of few are summed, as long ones are rounded off.
    template <class Each>
    void sum(float* sums, float* of_few, Each each) const {
        memset(sums, 0, 2 * C * sizeof(float));
        for (ptrdiff_t row = first; row < last;) {
            memset(of_few, 0, 2 * C * sizeof(float));
            const ptrdiff_t end = row + FEW < last ? row + FEW : last;
            for (; row + 4 <= end; row += 4) some<4>(row, of_few, each);
            for (; row < end; row++) some<1>(row, of_few, each);
            add(of_few, C, sums);
        }
    }

    template <int R, class Each>
    void some(ptrdiff_t row, float* sums, Each each) const {
        for (int c = 0; c < C; c += LANES) {
            Floats one = {}, other = {};
#pragma GCC unroll 4
            for (int r = 0; r < R; r++) each((row + r) * C + c, c, one, other);
            store(sums + c, load(sums + c) + one);
            store(sums + C + c, load(sums + C + c) + other);
        }
    }

    template <class Each>
    void change(Each each) const {
        for (ptrdiff_t row = first; row < last; row++)
            for (int c = 0; c < C; c += LANES) each(row * C + c, c);
    }
};

// What all cores have summed.
inline void all(const float* sums, int C, float* whole) {
    memset(whole, 0, 2 * C * sizeof(float));
    for (int core = 0; core < omp_get_num_threads(); core++) add(sums + core * 2 * C, C, whole);
}

inline Floats root(Floats x) {
    for (int i = 0; i < LANES; i++) x[i] = _mm_cvtss_f32(_mm_sqrt_ss(_mm_set_ss(x[i])));
    return x;
}

// x, y [groups * rows, C]; means and variances [groups, C]; kept means and variances [C], to which each batch adds.
template <class T>
void normed(
    const Norm& its, const T* x, const float* weight, const float* bias, T* y, float* means, float* variances,
    float* kept_mean, float* kept_variance) {
    const int C = its.C;
    const float many = its.rows;
    float* sums = aligned<float>((size_t)omp_get_max_threads() * 2 * C);
#pragma omp parallel
    {
        float *whole = aligned<float>(3 * C), *scale = whole + 2 * C;
        for (int b = 0; b < its.groups; b++) {
            const Rows rows(its, b);
            const T* pivot = x + (ptrdiff_t)b * its.rows * C;  // so that squares are small
            float* of_core = sums + omp_get_thread_num() * 2 * C;
            rows.sum(of_core, whole, [=](ptrdiff_t at, int c, Floats& sum, Floats& squares) {
                const Floats away = load(x + at) - load(pivot + c);
                sum += away;
                squares += away * away;
            });
#pragma omp barrier
            all(sums, C, whole);
            for (int c = 0; c < C; c += LANES) {
                const Floats away = load(whole + c) / many, mean = load(pivot + c) + away;
                const Floats found = load(whole + C + c) / many - away * away;
                const Floats variance = found < 0 ? Floats{} : found;
                store(scale + c, load(weight + c) / root(variance + its.epsilon));
                store(means + b * C + c, mean);  // all cores, the same
                store(variances + b * C + c, variance);
#pragma omp master
                {
                    const Floats before = load(kept_mean + c), spread = load(kept_variance + c);
                    store(kept_mean + c, before + its.share * (mean - before));
                    store(kept_variance + c, spread + its.share * (variance * (many / (many - 1)) - spread));
                }
            }
            const float* mean = means + b * C;
            rows.change([=, &its](ptrdiff_t at, int c) {
                const Floats z = (load(x + at) - load(mean + c)) * load(scale + c) + load(bias + c);
                store(y + at, its.activated(z, z));
            });
#pragma omp barrier
        }
        free(whole);
    }
    free(sums);
}

// The derivatives by x and, summed over all batches, by weight and bias, which begin with zeros.
template <class T>
void normed_back(
    const Norm& its, const T* x, const float* weight, const float* bias, const float* means, const float* variances,
    const T* by_y, T* by_x, float* by_weight, float* by_bias) {
    const int C = its.C;
    const float many = its.rows;
    float* sums = aligned<float>((size_t)omp_get_max_threads() * 2 * C);
#pragma omp parallel
    {
        float *whole = aligned<float>(6 * C), *deviation = whole + 2 * C, *scale = whole + 3 * C;
        float *by_spread = whole + 4 * C, *by_mean = whole + 5 * C;
        for (int b = 0; b < its.groups; b++) {
            const Rows rows(its, b);
            const float* mean = means + b * C;
            for (int c = 0; c < C; c += LANES) {
                store(deviation + c, root(load(variances + b * C + c) + its.epsilon));
                store(scale + c, load(weight + c) / load(deviation + c));
            }
            const auto by_z = [=, &its](ptrdiff_t at, int c, Floats away) {
                return its.activated(away * load(scale + c) + load(bias + c), load(by_y + at));
            };
            float* of_core = sums + omp_get_thread_num() * 2 * C;
            rows.sum(of_core, whole, [=](ptrdiff_t at, int c, Floats& sum, Floats& with_x) {
                const Floats away = load(x + at) - load(mean + c), by = by_z(at, c, away);
                sum += by;
                with_x += by * away;
            });
#pragma omp barrier
            all(sums, C, whole);
            for (int c = 0; c < C; c += LANES) {
                const Floats by_scale = load(whole + C + c) / load(deviation + c);
                store(by_spread + c, by_scale / (many * load(deviation + c)));
                store(by_mean + c, load(whole + c) / many);
#pragma omp master
                {
                    store(by_weight + c, load(by_weight + c) + by_scale);
                    store(by_bias + c, load(by_bias + c) + load(whole + c));
                }
            }
            rows.change([=](ptrdiff_t at, int c) {
                const Floats away = load(x + at) - load(mean + c), by = by_z(at, c, away);
                store(by_x + at, load(scale + c) * (by - load(by_mean + c) - load(by_spread + c) * away));
            });
#pragma omp barrier
        }
        free(whole);
    }
    free(sums);
}
