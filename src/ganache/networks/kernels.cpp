// Maps between pictures and what is multiplied in fewer products (`kernels.py` says what each is), for the processors
// of `kernels.py`, with a picture's channels last in memory. Each core takes tiles of its own; sixteen channels at a
// time go through both dimensions of a tile within the registers and the first cache. Sums are float32.

#include <cstdint>
#include <cstdlib>
#include <cstring>

#include <omp.h>

#ifdef __AVX512BF16__
#include <immintrin.h>
#endif

namespace {

constexpr int LANES = 16;
constexpr size_t CACHED = 1 << 17;  // bytes that a core may keep at hand
typedef float Floats __attribute__((vector_size(4 * LANES)));
typedef uint32_t Words __attribute__((vector_size(4 * LANES)));
typedef uint16_t Halves __attribute__((vector_size(2 * LANES)));
typedef uint16_t bfloat16;

template <class T>
constexpr int LINE = 64 / sizeof(T);  // numbers in a line of the cache

inline Floats load(const float* at) {
    Floats x;
    memcpy(&x, at, sizeof x);
    return x;
}

inline Floats load(const bfloat16* at) {
    Halves high;
    memcpy(&high, at, sizeof high);
    return (Floats)(__builtin_convertvector(high, Words) << 16);
}

inline void store(float* at, Floats x) { memcpy(at, &x, sizeof x); }

inline void store(bfloat16* at, Floats x) {  // to the nearest, of two as near to the even one; no number stays none
#ifdef __AVX512BF16__
    const auto high = _mm512_cvtneps_pbh((__m512)x);
#else
    const Words bits = (Words)x, rounded = bits + 0x7fff + ((bits >> 16) & 1);
    const Halves high = __builtin_convertvector((x == x ? rounded : bits | 0x400000) >> 16, Halves);
#endif
    memcpy(at, &high, sizeof high);
}

template <class T>
inline void copy(T* to, const T* from, int numbers) {
    if (numbers == LINE<T>)
        memcpy(to, from, 64);
    else
        memcpy(to, from, LANES * sizeof(T));
}

// A matrix of values at points: its rows are those of a point and of its negative, whose every second number is the
// negative too, and of infinity, whose every second number is zero. So half of the multiplications do.
template <int P, int N>
using Matrix = float[P][N];

template <int P, int N>
inline void there(const Matrix<P, N>& m, const Floats* x, int step, Floats* y, int next) {
    for (int p = 0; p < P - 1; p += 2) {
        Floats even = m[p][0] * x[0], odd = m[p][1] * x[step];
#pragma GCC unroll 8
        for (int j = 2; j < N; j++) (j % 2 ? odd : even) += m[p][j] * x[j * step];
        y[p * next] = even + odd;
        y[(p + 1) * next] = even - odd;
    }
    Floats last = m[P - 1][N - 1] * x[(N - 1) * step];
#pragma GCC unroll 8
    for (int j = N - 3; j >= 0; j -= 2) last += m[P - 1][j] * x[j * step];
    y[(P - 1) * next] = last;
}

template <int P, int N>
inline void back(const Matrix<P, N>& m, const Floats* y, int next, Floats* x, int step) {
    Floats sums[P / 2], differences[P / 2];
    for (int p = 0; p < P / 2; p++) {
        sums[p] = y[2 * p * next] + y[(2 * p + 1) * next];
        differences[p] = y[2 * p * next] - y[(2 * p + 1) * next];
    }
#pragma GCC unroll 8
    for (int j = 0; j < N; j++) {
        const Floats* of = j % 2 ? differences : sums;
        Floats sum = m[0][j] * of[0];
#pragma GCC unroll 8
        for (int p = 1; p < P / 2; p++) sum += m[2 * p][j] * of[p];
        if ((N - 1 - j) % 2 == 0) sum += m[P - 1][j] * y[(P - 1) * next];
        x[j * step] = sum;
    }
}

// Pictures [B, H, W, C] and their tiles, U down and V across. A tile sees N by N places, of every `stride`-th row and
// column, once for each of the stride * stride ways to begin; the next tile is `step` places on.
struct Shape {
    int B, H, W, C, U, V, step, stride, padding;
};

template <class T, int P, int N>
void seen(const Shape& its, const Matrix<P, N>& m, const T* x, T* parts) {
    const auto [B, H, W, C, U, V, step, stride, padding] = its;
    const size_t each = (size_t)B * U * V * stride * stride * C;
#pragma omp parallel for collapse(2)
    for (int b = 0; b < its.B; b++)
        for (int u = 0; u < its.U; u++)
            for (int v = 0; v < V; v++)
                for (int way = 0; way < stride * stride; way++) {
                    const int top = stride * step * u + way / stride - padding;
                    const int left = stride * step * v + way % stride - padding;
                    T* to = parts + (((size_t)(b * U + u) * V + v) * stride * stride + way) * C;
                    for (int c = 0; c < C; c += LINE<T>) {
                        const int lanes = c + LINE<T> <= C ? LINE<T> : C - c;
                        alignas(64) T lines[P * P][LINE<T>];
                        for (int k = 0; k < lanes; k += LANES) {
                            Floats places[N][N], down[P][N], products[P][P];
                            for (int i = 0; i < N; i++)
                                for (int j = 0; j < N; j++) {
                                    const int row = top + stride * i, column = left + stride * j;
                                    const bool inside = row >= 0 && row < H && column >= 0 && column < W;
                                    const T* at = x + ((size_t)(b * H + row) * W + column) * C + c + k;
                                    places[i][j] = inside ? load(at) : Floats{};
                                }
                            for (int j = 0; j < N; j++) there<P, N>(m, &places[0][j], N, &down[0][j], N);
                            for (int p = 0; p < P; p++) there<P, N>(m, down[p], 1, products[p], 1);
                            for (int p = 0; p < P * P; p++) store(lines[p] + k, products[p / P][p % P]);
                        }
                        for (int p = 0; p < P * P; p++) copy(to + p * each + c, lines[p], lanes);
                    }
                }
}

// The adjoint of `seen`: where tiles overlap, the sum.
template <class T, int P, int N>
void unseen(const Shape& its, const Matrix<P, N>& m, const T* parts, T* x) {
    const auto [B, H, W, C, U, V, step, stride, padding] = its;
    const size_t each = (size_t)B * U * V * stride * stride * C;
    const int overlap = stride * (N - step), rows = stride * step, wide = stride * (step * V + N - step);
    // Rows that the tiles in work make, of as many channels as stay in the cache.
    const size_t places = (size_t)(rows + overlap) * wide, kept = (size_t)overlap * wide;
    const int lines = B < omp_get_max_threads() ? 1 : 1 + CACHED / (places * LINE<T> * sizeof(float));
    const int together = lines * LINE<T> < C ? lines * LINE<T> : C;
#pragma omp parallel
    {
        float* band = (float*)aligned_alloc(64, places * together * sizeof(float));
#pragma omp for collapse(2)
        for (int b = 0; b < its.B; b++)
            for (int first = 0; first < its.C; first += together) {
                const int many = first + together < C ? together : C - first;
                memset(band, 0, places * together * sizeof(float));
                for (int u = 0; u < U; u++) {
                    for (int v = 0; v < V; v++)
                        for (int way = 0; way < stride * stride; way++) {
                            const T* from = parts + (((size_t)(b * U + u) * V + v) * stride * stride + way) * C + first;
                            const int corner = (way / stride) * wide + stride * step * v + way % stride;
                            for (int c = 0; c < many; c += LINE<T>) {
                                const int lanes = c + LINE<T> <= many ? LINE<T> : many - c;
                                alignas(64) T lines[P * P][LINE<T>];
                                for (int p = 0; p < P * P; p++) copy(lines[p], from + p * each + c, lanes);
                                for (int k = 0; k < lanes; k += LANES) {
                                    Floats products[P][P], down[N][P], made[N][N];
                                    for (int p = 0; p < P * P; p++) products[p / P][p % P] = load(lines[p] + k);
                                    for (int q = 0; q < P; q++) back<P, N>(m, &products[0][q], P, &down[0][q], P);
                                    for (int i = 0; i < N; i++) back<P, N>(m, down[i], 1, made[i], 1);
                                    for (int i = 0; i < N; i++)
                                        for (int j = 0; j < N; j++) {
                                            const size_t at = corner + stride * (i * wide + j);
                                            float* sum = band + at * together + c + k;
                                            store(sum, load(sum) + made[i][j]);
                                        }
                                }
                            }
                        }
                    const bool last = u + 1 == U;
                    for (int i = 0; i < rows + last * overlap; i++) {  // to which no other tile adds
                        const int row = rows * u + i - padding;
                        if (row < 0 || row >= H) continue;
                        for (int column = 0; column < W; column++) {
                            const int at = column + padding;
                            const float* sums = band + ((size_t)i * wide + at) * together;
                            T* to = x + ((size_t)(b * H + row) * W + column) * C + first;
                            for (int c = 0; c < many; c += LANES) store(to + c, at < wide ? load(sums + c) : Floats{});
                        }
                    }
                    if (last) break;
                    memmove(band, band + (places - kept) * together, kept * together * sizeof(float));
                    memset(band + kept * together, 0, (places - kept) * together * sizeof(float));
                }
                for (int row = rows * U + overlap - padding; row < H; row++)  // that no tile sees
                    for (int column = 0; column < W; column++)
                        memset(x + ((size_t)(b * H + row) * W + column) * C + first, 0, many * sizeof(T));
            }
        free(band);
    }
}

template <class T, int P, int N>
void either(bool back, const Shape& its, const float* matrix, const T* from, T* to) {
    Matrix<P, N> m;
    memcpy(m, matrix, sizeof m);
    back ? unseen<T, P, N>(its, m, from, to) : seen<T, P, N>(its, m, from, to);
}

template <class T>
int chosen(int P, int N, bool back, const Shape& its, const float* matrix, const void* from, void* to) {
    const auto x = (const T*)from;
    const auto y = (T*)to;
    switch (10 * P + N) {
        case 32: either<T, 3, 2>(back, its, matrix, x, y); return 0;
        case 33: either<T, 3, 3>(back, its, matrix, x, y); return 0;
        case 52: either<T, 5, 2>(back, its, matrix, x, y); return 0;
        case 54: either<T, 5, 4>(back, its, matrix, x, y); return 0;
        case 55: either<T, 5, 5>(back, its, matrix, x, y); return 0;
    }
    return 1;
}

}  // namespace

extern "C" int tiles(int half, int P, int N, int back, const Shape* its, const float* matrix, const void* from, void* to) {
    return half ? chosen<bfloat16>(P, N, back, *its, matrix, from, to) : chosen<float>(P, N, back, *its, matrix, from, to);
}
