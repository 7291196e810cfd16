// Vectors of sixteen channels: float32 in registers, float32 or bfloat16 in memory.

#pragma once

#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <cstring>

#include <immintrin.h>

constexpr int VECTOR = 16;
constexpr size_t CACHE_BYTES = 1 << 17;  // bytes of the cache that a core may fill
typedef float Floats __attribute__((vector_size(4 * VECTOR)));
typedef uint32_t Words __attribute__((vector_size(4 * VECTOR)));
typedef uint16_t Bfloats __attribute__((vector_size(2 * VECTOR)));
typedef uint16_t bfloat16;

template <class T>
constexpr int CACHE_LINE = 64 / sizeof(T);  // numbers in a line of the cache

inline Floats load(const float* at) {
    Floats x;
    memcpy(&x, at, sizeof x);
    return x;
}

inline Floats load(const bfloat16* at) {
    Bfloats high;
    memcpy(&high, at, sizeof high);
    return (Floats)(__builtin_convertvector(high, Words) << 16);
}

inline void store(float* at, Floats x) { memcpy(at, &x, sizeof x); }

inline Bfloats to_bfloat16(Floats x) {  // rounds to nearest, ties to even; NaN stays NaN
#ifdef __AVX512BF16__
    const auto found = _mm512_cvtneps_pbh((__m512)x);
    Bfloats high;
    memcpy(&high, &found, sizeof high);
    return high;
#else
    const Words bits = (Words)x, rounded = bits + 0x7fff + ((bits >> 16) & 1);
    return __builtin_convertvector((x == x ? rounded : bits | 0x400000) >> 16, Bfloats);
#endif
}

inline void store(bfloat16* at, Floats x) {
    const Bfloats high = to_bfloat16(x);
    memcpy(at, &high, sizeof high);
}

// Two bfloat16 numbers per word; `low` is the lower half.
inline Words interleave(Bfloats low, Bfloats high) {
    return __builtin_convertvector(low, Words) | __builtin_convertvector(high, Words) << 16;
}

// Loads and stores fewer than sixteen numbers, at the end of a row.
template <class T>
inline Floats load_partial(const T* at, int numbers) {
    if (numbers >= VECTOR) return load(at);
    T few[VECTOR] = {};
    memcpy(few, at, numbers * sizeof(T));
    return load(few);
}

template <class T>
inline void store_partial(T* at, Floats x, int numbers) {
    if (numbers >= VECTOR) return store(at, x);
    T few[VECTOR];
    store(few, x);
    memcpy(at, few, numbers * sizeof(T));
}

// Copies a line of the cache, or its first half.
template <class T>
inline void copy_line(T* to, const T* from, int numbers) {
    if (numbers == CACHE_LINE<T>)
        memcpy(to, from, 64);
    else
        memcpy(to, from, VECTOR * sizeof(T));
}

// Copies an aligned line of the cache without storing it in the cache: it is read only after all others are written.
template <class T>
inline void stream(T* to, const T* from) {
#ifdef __AVX512F__
    _mm512_stream_si512((__m512i*)to, _mm512_loadu_si512(from));
#else
    _mm256_stream_si256((__m256i*)to, _mm256_loadu_si256((const __m256i*)from));
    _mm256_stream_si256((__m256i*)to + 1, _mm256_loadu_si256((const __m256i*)from + 1));
#endif
}

template <class T>
T* allocate(size_t numbers) {
    return (T*)aligned_alloc(64, (numbers * sizeof(T) + 63) / 64 * 64);
}

// The transformed numbers of a tile, `step` apart in memory, written and read as float32.
template <class T>
struct Parts {
    T* at;
    ptrdiff_t step;

    void put(int p, Floats x) const { store(at + p * step, x); }
    Floats take(int p) const { return load(at + p * step); }
};
