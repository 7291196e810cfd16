// Sixteen channels at a time: vectors of float32, and how they lie in memory, as float32 or bfloat16.

#pragma once

#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <cstring>

#include <immintrin.h>

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

inline Halves half(Floats x) {  // to the nearest, of two as near to the even one; no number stays none
#ifdef __AVX512BF16__
    const auto found = _mm512_cvtneps_pbh((__m512)x);
    Halves high;
    memcpy(&high, &found, sizeof high);
    return high;
#else
    const Words bits = (Words)x, rounded = bits + 0x7fff + ((bits >> 16) & 1);
    return __builtin_convertvector((x == x ? rounded : bits | 0x400000) >> 16, Halves);
#endif
}

inline void store(bfloat16* at, Floats x) {
    const Halves high = half(x);
    memcpy(at, &high, sizeof high);
}

// Two numbers to a word, of which one has the lower half.
inline Words paired(Halves low, Halves high) {
    return __builtin_convertvector(low, Words) | __builtin_convertvector(high, Words) << 16;
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

template <class T>
T* aligned(size_t numbers) {
    return (T*)aligned_alloc(64, (numbers * sizeof(T) + 63) / 64 * 64);
}

// What is multiplied, `step` after one another: written and read as if it were float32.
template <class T>
struct Products {
    T* at;
    ptrdiff_t step;

    void put(int p, Floats x) const { store(at + p * step, x); }
    Floats take(int p) const { return load(at + p * step); }
};
