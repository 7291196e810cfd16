// Maps between pictures and what is multiplied in fewer products (`kernels.py` says what each is), for the processors
// of `kernels.py`, with a picture's channels last in memory. Each core takes tiles of its own; sixteen channels at a
// time go through both dimensions of a tile within the registers and the first cache. Sums are float32.

#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <cstring>

#include <immintrin.h>
#include <omp.h>

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

// Fewer than sixteen, at the end of a row.
template <class T>
inline Floats upto(const T* at, int numbers) {
    if (numbers >= LANES) return load(at);
    T few[LANES] = {};
    memcpy(few, at, numbers * sizeof(T));
    return load(few);
}

template <class T>
inline void store_upto(T* at, Floats x, int numbers) {
    if (numbers >= LANES) return store(at, x);
    T few[LANES];
    store(few, x);
    memcpy(at, few, numbers * sizeof(T));
}

// A line of the cache, or its first half.
template <class T>
inline void copy(T* to, const T* from, int numbers) {
    if (numbers == LINE<T>)
        memcpy(to, from, 64);
    else
        memcpy(to, from, LANES * sizeof(T));
}

// A whole line that lies on one, past the cache: it is read when all others have been written.
template <class T>
inline void copy_past(T* to, const T* from) {
#ifdef __AVX512F__
    _mm512_stream_si512((__m512i*)to, _mm512_loadu_si512(from));
#else
    _mm256_stream_si256((__m256i*)to, _mm256_loadu_si256((const __m256i*)from));
    _mm256_stream_si256((__m256i*)to + 1, _mm256_loadu_si256((const __m256i*)from + 1));
#endif
}

// ---- maps: of the places that a tile sees to what is multiplied, and their adjoints; of sixteen channels each ----

// What is multiplied, a line of the cache for each: written and read as if it were float32.
template <class T>
struct Products {
    T* at;

    void put(int p, Floats x) const { store(at + p * LINE<T>, x); }
    Floats take(int p) const { return load(at + p * LINE<T>); }
};

// A matrix from both sides, of values at points: its rows are those of a point and of its negative, whose every second
// number is the negative too, and of infinity, whose every second number is zero. So half of the multiplications do.
template <int P, int N>
struct Squares {
    float m[P][N];

    int products() const { return P * P; }
    int scratch() const { return P * (N > P ? N : P); }

    template <class T>
    void there(const Floats* places, Floats* rows, Products<T> made) const {
        for (int j = 0; j < N; j++) valued(places + j, N, rows + j, N);
        for (int p = 0; p < P; p++) {
            Floats values[P];
            valued(rows + p * N, 1, values, 1);
            for (int q = 0; q < P; q++) made.put(p * P + q, values[q]);
        }
    }

    template <class T>
    void back(Products<T> made, Floats* rows, Floats* places) const {
        for (int q = 0; q < P; q++) {
            Floats values[P];
            for (int p = 0; p < P; p++) values[p] = made.take(p * P + q);
            summed(values, rows + q, P);
        }
        for (int i = 0; i < N; i++) summed(rows + i * P, places + i * N, 1);
    }

    void valued(const Floats* x, int step, Floats* y, int next) const {
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

    void summed(const Floats* y, Floats* x, int step) const {
        Floats sums[P / 2], differences[P / 2];
        for (int p = 0; p < P / 2; p++) {
            sums[p] = y[2 * p] + y[2 * p + 1];
            differences[p] = y[2 * p] - y[2 * p + 1];
        }
#pragma GCC unroll 8
        for (int j = 0; j < N; j++) {
            const Floats* of = j % 2 ? differences : sums;
            Floats sum = m[0][j] * of[0];
#pragma GCC unroll 8
            for (int p = 1; p < P / 2; p++) sum += m[2 * p][j] * of[p];
            if ((N - 1 - j) % 2 == 0) sum += m[P - 1][j] * y[P - 1];
            x[j * step] = sum;
        }
    }
};

// Vectors in rows: where the first is, and the steps down and across.
template <class V>
struct View {
    V* at;
    int down, across;

    V& operator()(int i, int j) const { return at[i * down + j * across]; }
    View from(int i, int j) const { return {at + i * down + j * across, down, across}; }
    View turned() const { return {at, across, down}; }
};

template <int R, int K>
inline void block(View<const float> m, int inner, View<Floats> x, View<Floats> y) {
    Floats sums[R][K] = {};
    for (int i = 0; i < inner; i++)
        for (int r = 0; r < R; r++)
            for (int k = 0; k < K; k++) sums[r][k] += m(r, i) * x(i, k);
#pragma GCC unroll 4
    for (int r = 0; r < R; r++)
#pragma GCC unroll 4
        for (int k = 0; k < K; k++) y(r, k) = sums[r][k];
}

#ifdef __AVX512F__
constexpr int SIDE = 4;  // as many sums at a time as there are registers
#else
constexpr int SIDE = 2;
#endif

template <int R, int K = SIDE>
inline void blocks(int k, View<const float> m, int inner, View<Floats> x, View<Floats> y) {
    if constexpr (K > 0) k == K ? block<R, K>(m, inner, x, y) : blocks<R, K - 1>(k, m, inner, x, y);
}

template <int R = SIDE>
inline void blocks(int r, int k, View<const float> m, int inner, View<Floats> x, View<Floats> y) {
    if constexpr (R > 0) r == R ? blocks<R>(k, m, inner, x, y) : blocks<R - 1>(r, k, m, inner, x, y);
}

// How many of the rest at a time, all in about equal parts.
inline int together(int rest) { return (rest + (rest - 1) / SIDE) / ((rest - 1) / SIDE + 1); }

// y [rows, columns] = m [rows, inner] x [inner, columns]
inline void product(View<const float> m, int rows, int inner, int columns, View<Floats> x, View<Floats> y) {
    for (int i = 0, r; i < rows; i += r) {
        r = together(rows - i);
        for (int j = 0, k; j < columns; j += k) {
            k = together(columns - j);
            blocks(r, k, m.from(i, 0), inner, x.from(0, j), y.from(i, j));
        }
    }
}

// The frequencies of n real numbers: cosines, first of the `alone` that have no mirror image, then sines of the others.
// A cosine takes the sum of two numbers on either side of the circle's first, and a sine takes their difference: `folds`
// are the numbers and their fellows, or -1 where there is none; first those of which there is a sine.
struct Frequencies {
    int n, alone, pairs, evens, odds;
    const float *cosines, *sines;  // [alone + pairs, evens], [pairs, odds]
    const int* folds;              // [evens, 2]

    int count() const { return alone + 2 * pairs; }

    // x [n, columns] -> y [count, columns]
    void there(View<Floats> x, int columns, View<Floats> y, Floats* scratch) const {
        const View<Floats> even{scratch, columns, 1}, odd{scratch + evens * columns, columns, 1};
        for (int i = 0; i < evens; i++)
            for (int k = 0; k < columns; k++) {
                const Floats one = x(folds[2 * i], k), other = folds[2 * i + 1] < 0 ? Floats{} : x(folds[2 * i + 1], k);
                even(i, k) = one + other;
                if (i < odds) odd(i, k) = one - other;
            }
        product({cosines, evens, 1}, alone + pairs, evens, columns, even, y);
        product({sines, odds, 1}, pairs, odds, columns, odd, y.from(alone + pairs, 0));
    }

    // The adjoint.
    void back(View<Floats> y, int columns, View<Floats> x, Floats* scratch) const {
        const View<Floats> even{scratch, columns, 1}, odd{scratch + evens * columns, columns, 1};
        product(View<const float>{cosines, evens, 1}.turned(), evens, alone + pairs, columns, y, even);
        product(View<const float>{sines, odds, 1}.turned(), odds, pairs, columns, y.from(alone + pairs, 0), odd);
        for (int i = 0; i < evens; i++)
            for (int k = 0; k < columns; k++) {
                const Floats one = even(i, k), other = i < odds ? odd(i, k) : Floats{};
                x(folds[2 * i], k) = one + other;
                if (folds[2 * i + 1] >= 0) x(folds[2 * i + 1], k) = one - other;
            }
    }
};

// What three products take of a complex number's two parts: of places, of taps and of results, as in `fourier`.
enum Three { PLACES, TAPS, RESULTS };

// `fourier.Waves`: of a column's complex frequencies both parts are rows of their own. A row of complex numbers has all
// frequencies, and two that are each other's mirror image come of the four real sums of either's parts.
template <Three three>
struct Waves {
    Frequencies down, across;
    float share;  // what one of two that mirror each other has of both

    int products() const {
        const int in_rows = across.alone + 3 * across.pairs, in_complex = 3 * (across.alone + 2 * across.pairs);
        return down.alone * in_rows + down.pairs * in_complex;
    }
    int scratch() const {
        const int rows = down.count(), folded = rows > across.n ? rows : across.n;
        return rows * (across.n + across.count()) + folded * 2 * (down.evens > across.evens ? down.evens : across.evens);
    }

    template <class T>
    void there(const Floats* places, Floats* scratch, Products<T> made) const {
        const View<Floats> rows{scratch, across.n, 1}, parts{scratch + down.count() * across.n, across.count(), 1};
        Floats* rest = parts.at + down.count() * across.count();
        down.there({(Floats*)places, across.n, 1}, across.n, rows, rest);
        across.there(rows.turned(), down.count(), parts.turned(), rest);
        int p = 0;
        for (int r = 0; r < down.alone; r++) {
            for (int k = 0; k < across.alone; k++) made.put(p++, parts(r, k));
            for (int k = across.alone; k < across.alone + across.pairs; k++)
                multiplied(parts(r, k), parts(r, k + across.pairs), p, made);
        }
        for (int r = down.alone; r < down.alone + down.pairs; r++) {
            const Floats *a = &parts(r, 0), *b = &parts(r + down.pairs, 0);
            for (int k = 0; k < across.alone; k++) multiplied(a[k], b[k], p, made);
            for (int k = across.alone; k < across.alone + across.pairs; k++) {
                const int sine = k + across.pairs;
                multiplied(share * (a[k] - b[sine]), share * (a[sine] + b[k]), p, made);
                multiplied(share * (a[k] + b[sine]), share * (b[k] - a[sine]), p, made);
            }
        }
    }

    template <class T>
    void back(Products<T> made, Floats* scratch, Floats* places) const {
        const View<Floats> rows{scratch, across.n, 1}, parts{scratch + down.count() * across.n, across.count(), 1};
        Floats* rest = parts.at + down.count() * across.count();
        int p = 0;
        for (int r = 0; r < down.alone; r++) {
            for (int k = 0; k < across.alone; k++) parts(r, k) = made.take(p++);
            for (int k = across.alone; k < across.alone + across.pairs; k++)
                summed(made, p, parts(r, k), parts(r, k + across.pairs));
        }
        for (int r = down.alone; r < down.alone + down.pairs; r++) {
            Floats *a = &parts(r, 0), *b = &parts(r + down.pairs, 0);
            for (int k = 0; k < across.alone; k++) summed(made, p, a[k], b[k]);
            for (int k = across.alone; k < across.alone + across.pairs; k++) {
                const int sine = k + across.pairs;
                Floats real, imaginary, mirrored_real, mirrored_imaginary;
                summed(made, p, real, imaginary);
                summed(made, p, mirrored_real, mirrored_imaginary);
                a[k] = share * (real + mirrored_real);
                a[sine] = share * (imaginary - mirrored_imaginary);
                b[k] = share * (imaginary + mirrored_imaginary);
                b[sine] = share * (mirrored_real - real);
            }
        }
        across.back(parts.turned(), down.count(), rows.turned(), rest);
        down.back(rows, across.n, {places, across.n, 1}, rest);
    }

    template <class T>
    static void multiplied(Floats real, Floats imaginary, int& p, Products<T> made) {
        const Floats both = real + imaginary;
        made.put(p++, three == TAPS ? real : both);
        made.put(p++, three == PLACES ? real : three == TAPS ? imaginary - real : imaginary);
        made.put(p++, three == PLACES ? imaginary : three == TAPS ? both : -real);
    }

    template <class T>
    static void summed(Products<T> made, int& p, Floats& real, Floats& imaginary) {
        const Floats first = made.take(p++), second = made.take(p++), third = made.take(p++);
        real = three == PLACES ? first + second : three == TAPS ? first - second + third : first - third;
        imaginary = three == PLACES ? first + third : three == TAPS ? second + third : first + second;
    }
};

// ---- tiles ---------------------------------------------------------------------------------------------------------

// Pictures [B, H, W, C] and their tiles, U down and V across (`tiles.Tiles`). A tile sees n by m places, of every
// `stride`-th row and column, once for each of the stride * stride ways to begin; the next one is `down` or `across`
// places on; `top` and `left` are the padding.
struct Shape {
    int B, H, W, C, U, V, n, m, down, across, top, left, stride;

    int ways() const { return stride * stride; }
    int row(int u, int way) const { return stride * down * u + way / stride - top; }
    int column(int v, int way) const { return stride * across * v + way % stride - left; }
    ptrdiff_t at(int b, int row, int column) const { return ((ptrdiff_t)(b * H + row) * W + column) * C; }
    size_t part(int b, int u, int v, int way) const { return (((size_t)(b * U + u) * V + v) * ways() + way) * C; }
    size_t parts() const { return (size_t)B * U * V * ways() * C; }
};

template <class T>
T* aligned(size_t numbers) {
    return (T*)aligned_alloc(64, (numbers * sizeof(T) + 63) / 64 * 64);
}

// What a core works with: of one tile and a line of the cache's channels.
template <class T, class Map>
struct Bench {
    T* lines;
    Floats *places, *scratch;

    Bench(const Map& map, int seen)
        : lines(aligned<T>((size_t)map.products() * LINE<T>)),
          places(aligned<Floats>(seen + map.scratch())),
          scratch(places + seen) {}
    ~Bench() {
        free(lines);
        free(places);
    }
};

template <class T, class Map>
void seen(const Shape& its, const Map& map, const T* x, T* parts) {
    const int C = its.C;
    const size_t each = its.parts();
    const bool whole = C % LINE<T> == 0 && (size_t)parts % 64 == 0;
#pragma omp parallel
    {
        Bench<T, Map> bench(map, its.n * its.m);
#pragma omp for collapse(2)
        for (int b = 0; b < its.B; b++)
            for (int u = 0; u < its.U; u++)
                for (int v = 0; v < its.V; v++)
                    for (int way = 0; way < its.ways(); way++)
                        for (int c = 0; c < C; c += LINE<T>) {
                            const int lanes = c + LINE<T> <= C ? LINE<T> : C - c;
                            const int left = its.column(v, way);
                            const int first = left < 0 ? (its.stride - 1 - left) / its.stride : 0;
                            const int last = (its.W - left + its.stride - 1) / its.stride;
                            for (int k = 0; k < lanes; k += LANES) {
                                Floats* to = bench.places;
                                for (int i = 0; i < its.n; i++) {
                                    const int row = its.row(u, way) + its.stride * i;
                                    const T* from = x + its.at(b, row, left) + c + k;
                                    const bool inside = row >= 0 && row < its.H;
                                    for (int j = 0; j < its.m; j++, from += its.stride * C)
                                        *to++ = inside && j >= first && j < last ? load(from) : Floats{};
                                }
                                map.there(bench.places, bench.scratch, Products<T>{bench.lines + k});
                            }
                            T* to = parts + its.part(b, u, v, way) + c;
                            for (int p = 0; p < map.products(); p++) {
                                const T* line = bench.lines + p * LINE<T>;
                                whole ? copy_past(to + p * each, line) : copy(to + p * each, line, lanes);
                            }
                        }
        _mm_sfence();
    }
}

// Of a line of channels: what tiles make of their products, given to `take` place by place.
template <class T, class Map, class Take>
inline void made(const Shape& its, const Map& map, Bench<T, Map>& bench, const T* from, int lanes, int soon, Take take) {
    const size_t each = its.parts();
    for (int p = 0; p < map.products(); p++) {
        copy(bench.lines + p * LINE<T>, from + p * each, lanes);
        __builtin_prefetch(from + p * each + soon);
    }
    for (int k = 0; k < lanes; k += LANES) {
        map.back(Products<T>{bench.lines + k}, bench.scratch, bench.places);
        const Floats* place = bench.places;
        for (int i = 0; i < its.n; i++)
            for (int j = 0; j < its.m; j++) take(i, j, k, *place++);
    }
}

// The adjoint of `seen`, where tiles do not overlap. What no tile sees is left as it is.
template <class T, class Map>
void placed(const Shape& its, const Map& map, const T* parts, T* x) {
    const int C = its.C;
#pragma omp parallel
    {
        Bench<T, Map> bench(map, its.n * its.m);
#pragma omp for collapse(2)
        for (int b = 0; b < its.B; b++)
            for (int u = 0; u < its.U; u++)
                for (int v = 0; v < its.V; v++)
                    for (int way = 0; way < its.ways(); way++)
                        for (int c = 0; c < C; c += LINE<T>) {
                            const int lanes = c + LINE<T> <= C ? LINE<T> : C - c;
                            const T* from = parts + its.part(b, u, v, way) + c;
                            made(its, map, bench, from, lanes, LINE<T>, [&](int i, int j, int k, Floats place) {
                                const int row = its.row(u, way) + its.stride * i;
                                const int column = its.column(v, way) + its.stride * j;
                                const bool inside = row >= 0 && row < its.H && column >= 0 && column < its.W;
                                if (inside) store(x + its.at(b, row, column) + c + k, place);
                            });
                        }
    }
}

// The same where they do: the sum.
template <class T, class Map>
void summed(const Shape& its, const Map& map, const T* parts, T* x) {
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
        Bench<T, Map> bench(map, its.n * its.m);
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
                                made(its, map, bench, from, lanes, c + LINE<T> < many ? LINE<T> : its.ways() * C - c, [&](int i, int j, int k, Floats place) {
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
                            T* to = x + its.at(b, row, column - its.left) + first;
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

template <class T, class Map>
void either(bool back, const Shape& its, const Map& map, const T* from, T* to) {
    if (!back)
        seen(its, map, from, to);
    else if (its.n > its.down || its.m > its.across)
        summed(its, map, from, to);
    else
        placed(its, map, from, to);
}

template <class Map>
void mapped(bool half, bool back, const Shape& its, const Map& map, const void* from, void* to) {
    half ? either(back, its, map, (const bfloat16*)from, (bfloat16*)to) : either(back, its, map, (const float*)from, (float*)to);
}

template <int P, int N>
void by_squares(bool half, bool back, const Shape& its, const float* matrix, const void* from, void* to) {
    Squares<P, N> map;
    memcpy(map.m, matrix, sizeof map.m);
    mapped(half, back, its, map, from, to);
}

// ---- sums of a kernel's taps ---------------------------------------------------------------------------------------

// What each tap makes of all places, [N, h, w, H, W], and what they come to [N, H, W], moved to each tap's place.
struct Taps {
    int N, h, w, H, W;
};

template <class T>
void folded(const Taps& its, const T* parts, T* y) {
    const int up = its.h / 2, left = its.w / 2, W = its.W;
#pragma omp parallel
    {
        float* sums = aligned<float>(W + its.w + LANES);
#pragma omp for collapse(2)
        for (int n = 0; n < its.N; n++)
            for (int row = 0; row < its.H; row++) {
                memset(sums, 0, (W + its.w + LANES) * sizeof(float));
                for (int i = 0; i < its.h; i++) {
                    const int of = row + up - i;
                    if (of < 0 || of >= its.H) continue;
                    for (int j = 0; j < its.w; j++) {
                        const T* from = parts + (((size_t)(n * its.h + i) * its.w + j) * its.H + of) * W;
                        for (int k = 0; k < W; k += LANES) store(sums + j + k, load(sums + j + k) + upto(from + k, W - k));
                    }
                }
                T* to = y + ((size_t)n * its.H + row) * W;
                for (int k = 0; k < W; k += LANES) store_upto(to + k, load(sums + left + k), W - k);
            }
        free(sums);
    }
}

// The adjoint: what each tap sees.
template <class T>
void unfolded(const Taps& its, const T* y, T* parts) {
    const int up = its.h / 2, left = its.w / 2, W = its.W;
#pragma omp parallel for collapse(2)
    for (int n = 0; n < its.N; n++)
        for (int i = 0; i < its.h; i++)
            for (int j = 0; j < its.w; j++)
                for (int row = 0; row < its.H; row++) {
                    const int of = row - up + i, move = j - left;
                    const int first = move < 0 ? -move : 0, last = move > 0 ? W - move : W;
                    T* to = parts + (((size_t)(n * its.h + i) * its.w + j) * its.H + row) * W;
                    memset(to, 0, W * sizeof(T));
                    if (of < 0 || of >= its.H || first >= last) continue;
                    memcpy(to + first, y + ((size_t)n * its.H + of) * W + first + move, (last - first) * sizeof(T));
                }
}

template <class T>
void either(bool back, const Taps& its, const T* from, T* to) {
    back ? unfolded(its, from, to) : folded(its, from, to);
}

}  // namespace

// What both take: pictures and tiles, whether they are of bfloat16 and not of float32, and whether it goes back, from
// products to pictures.

extern "C" int squares(const Shape* its, int half, int back, int P, const float* matrix, const void* from, void* to) {
    switch (10 * P + its->n) {
        case 32: by_squares<3, 2>(half, back, *its, matrix, from, to); return 0;
        case 33: by_squares<3, 3>(half, back, *its, matrix, from, to); return 0;
        case 52: by_squares<5, 2>(half, back, *its, matrix, from, to); return 0;
        case 54: by_squares<5, 4>(half, back, *its, matrix, from, to); return 0;
        case 55: by_squares<5, 5>(half, back, *its, matrix, from, to); return 0;
    }
    return 1;
}

extern "C" void waves(
    const Shape* its, int half, int back, int three, const Frequencies* down, const Frequencies* across, float share,
    const void* from, void* to) {
    switch (three) {
        case PLACES: return mapped(half, back, *its, Waves<PLACES>{*down, *across, share}, from, to);
        case TAPS: return mapped(half, back, *its, Waves<TAPS>{*down, *across, share}, from, to);
        case RESULTS: return mapped(half, back, *its, Waves<RESULTS>{*down, *across, share}, from, to);
    }
}

extern "C" void taps(const Taps* its, int half, int back, const void* from, void* to) {
    half ? either(back, *its, (const bfloat16*)from, (bfloat16*)to) : either(back, *its, (const float*)from, (float*)to);
}
