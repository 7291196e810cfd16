// Batch norm and the leaky ReLU after it, in two passes over memory: the first sums, the second normalises. Each core
// takes its own share of the rows.

#pragma once

#include <omp.h>

#include "vectors.h"

// `groups` batches, one after the other, with `rows` pixels of C channels each. `slope` is that of the leaky ReLU below
// zero: 1 for no activation, 0 for ReLU. `momentum` is the weight of a batch in the running statistics.
struct BatchNorm {
    int groups, rows, C;
    float epsilon, slope, momentum;

    Floats leaky(Floats z, Floats x) const { return z > 0 ? x : slope * x; }
};

constexpr int ROWS_PER_SUM = 512;

inline void add(const float* two, int C, float* sums) {
    for (int c = 0; c < 2 * C; c += VECTOR) store(sums + c, load(sums + c) + load(two + c));
}

// The rows of one core, with all their channels, four rows at a time.
struct Rows {
    ptrdiff_t first, last;
    int C;

    Rows(const BatchNorm& norm, int batch) : C(norm.C) {
        const int core = omp_get_thread_num(), cores = omp_get_num_threads();
        first = (ptrdiff_t)batch * norm.rows + (ptrdiff_t)norm.rows * core / cores;
        last = (ptrdiff_t)batch * norm.rows + (ptrdiff_t)norm.rows * (core + 1) / cores;
    }

    // Two sums per channel, to which `each` adds a pixel. Sums of 512 rows are summed again, because a single long sum
    // would lose precision.
    template <class Each>
    void sum(float* sums, float* short_sums, Each each) const {
        memset(sums, 0, 2 * C * sizeof(float));
        for (ptrdiff_t row = first; row < last;) {
            memset(short_sums, 0, 2 * C * sizeof(float));
            const ptrdiff_t end = row + ROWS_PER_SUM < last ? row + ROWS_PER_SUM : last;
            for (; row + 4 <= end; row += 4) accumulate<4>(row, short_sums, each);
            for (; row < end; row++) accumulate<1>(row, short_sums, each);
            add(short_sums, C, sums);
        }
    }

    template <int R, class Each>
    void accumulate(ptrdiff_t row, float* sums, Each each) const {
        for (int c = 0; c < C; c += VECTOR) {
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
            for (int c = 0; c < C; c += VECTOR) each(row * C + c, c);
    }
};

// Adds up the sums of all cores.
inline void reduce_cores(const float* sums, int C, float* totals) {
    memset(totals, 0, 2 * C * sizeof(float));
    for (int core = 0; core < omp_get_num_threads(); core++) add(sums + core * 2 * C, C, totals);
}

inline Floats square_root(Floats x) {
    for (int i = 0; i < VECTOR; i++) x[i] = _mm_cvtss_f32(_mm_sqrt_ss(_mm_set_ss(x[i])));
    return x;
}

// x, y [groups * rows, C]; means and variances [groups, C]; the running ones [C] are updated by each batch.
template <class T>
void batch_norm_forward(
    const BatchNorm& norm, const T* x, const float* weight, const float* bias, T* y, float* means, float* variances,
    float* running_mean, float* running_variance) {
    const int C = norm.C;
    const float count = norm.rows;
    float* sums = allocate<float>((size_t)omp_get_max_threads() * 2 * C);
#pragma omp parallel
    {
        float *totals = allocate<float>(3 * C), *scale = totals + 2 * C;
        for (int b = 0; b < norm.groups; b++) {
            const Rows rows(norm, b);
            const T* pivot = x + (ptrdiff_t)b * norm.rows * C;  // subtracted first, so that the squares stay small
            float* core_sums = sums + omp_get_thread_num() * 2 * C;
            rows.sum(core_sums, totals, [=](ptrdiff_t at, int c, Floats& sum, Floats& squares) {
                const Floats centred = load(x + at) - load(pivot + c);
                sum += centred;
                squares += centred * centred;
            });
#pragma omp barrier
            reduce_cores(sums, C, totals);
            for (int c = 0; c < C; c += VECTOR) {
                const Floats centred = load(totals + c) / count, mean = load(pivot + c) + centred;
                const Floats found = load(totals + C + c) / count - centred * centred;
                const Floats variance = found < 0 ? Floats{} : found;
                store(scale + c, load(weight + c) / square_root(variance + norm.epsilon));
                store(means + b * C + c, mean);  // every core writes the same numbers
                store(variances + b * C + c, variance);
#pragma omp master
                {
                    const Floats before = load(running_mean + c), spread = load(running_variance + c);
                    store(running_mean + c, before + norm.momentum * (mean - before));
                    store(running_variance + c, spread + norm.momentum * (variance * (count / (count - 1)) - spread));
                }
            }
            const float* mean = means + b * C;
            rows.change([=, &norm](ptrdiff_t at, int c) {
                const Floats z = (load(x + at) - load(mean + c)) * load(scale + c) + load(bias + c);
                store(y + at, norm.leaky(z, z));
            });
#pragma omp barrier
        }
        free(totals);
    }
    free(sums);
}

// The gradients by x and, summed over all batches, by weight and bias. The caller fills the latter two with zeros.
template <class T>
void batch_norm_backward(
    const BatchNorm& norm, const T* x, const float* weight, const float* bias, const float* means, const float* variances,
    const T* y_gradient, T* x_gradient, float* weight_gradient, float* bias_gradient) {
    const int C = norm.C;
    const float count = norm.rows;
    float* sums = allocate<float>((size_t)omp_get_max_threads() * 2 * C);
#pragma omp parallel
    {
        float *totals = allocate<float>(6 * C), *deviation = totals + 2 * C, *scale = totals + 3 * C;
        float *variance_term = totals + 4 * C, *mean_term = totals + 5 * C;
        for (int b = 0; b < norm.groups; b++) {
            const Rows rows(norm, b);
            const float* mean = means + b * C;
            for (int c = 0; c < C; c += VECTOR) {
                store(deviation + c, square_root(load(variances + b * C + c) + norm.epsilon));
                store(scale + c, load(weight + c) / load(deviation + c));
            }
            const auto z_gradient = [=, &norm](ptrdiff_t at, int c, Floats centred) {
                return norm.leaky(centred * load(scale + c) + load(bias + c), load(y_gradient + at));
            };
            float* core_sums = sums + omp_get_thread_num() * 2 * C;
            rows.sum(core_sums, totals, [=](ptrdiff_t at, int c, Floats& sum, Floats& with_x) {
                const Floats centred = load(x + at) - load(mean + c), by = z_gradient(at, c, centred);
                sum += by;
                with_x += by * centred;
            });
#pragma omp barrier
            reduce_cores(sums, C, totals);
            for (int c = 0; c < C; c += VECTOR) {
                const Floats scale_gradient = load(totals + C + c) / load(deviation + c);
                store(variance_term + c, scale_gradient / (count * load(deviation + c)));
                store(mean_term + c, load(totals + c) / count);
#pragma omp master
                {
                    store(weight_gradient + c, load(weight_gradient + c) + scale_gradient);
                    store(bias_gradient + c, load(bias_gradient + c) + load(totals + c));
                }
            }
            rows.change([=](ptrdiff_t at, int c) {
                const Floats centred = load(x + at) - load(mean + c), by = z_gradient(at, c, centred);
                store(x_gradient + at, load(scale + c) * (by - load(mean_term + c) - load(variance_term + c) * centred));
            });
#pragma omp barrier
        }
        free(totals);
    }
    free(sums);
}
