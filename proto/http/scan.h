/* Where a run of allowed bytes ends: the inner loops of the parsers. Each comes in a portable form
 * and, where the compiler targets SSE2 (every x86-64), in a vectorised one that takes 16 bytes at a
 * time; both answer the same for every input (tests/unit/proto/http/test_scan.c). Nothing is read
 * outside [p, end). */
#ifndef PROTO_HTTP_SCAN_H
#define PROTO_HTTP_SCAN_H

#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#if defined(__SSE2__)
#define SCAN_VECTORS 1
#include <emmintrin.h>
#else
#define SCAN_VECTORS 0
#endif

enum byte_class {
    BYTE_TOKEN = 1,   /* tchar, RFC 9110 section 5.6.2 */
    BYTE_TARGET = 2,  /* pchar and "/", RFC 3986 section 3.3, without "%" */
    BYTE_RELAXED = 4, /* { } ^ */
    BYTE_HOST = 8,    /* reg-name, RFC 3986 section 3.2.2, without "%" */
    BYTE_HEX = 16,    /* HEXDIG */
    BYTE_VALUE = 32,  /* field-vchar, SP, HTAB, obs-text: RFC 9110 section 5.5 */
    BYTE_DIGIT = 64,
    BYTE_ETAG = 128, /* etagc: RFC 9110 section 8.8.3 */
};
extern const uint8_t scan_class[256];

static inline bool scan_is(char c, unsigned classes)
{
    return (scan_class[(uint8_t)c] & classes) != 0;
}

static inline const char *scan_while(const char *p, const char *end, unsigned classes)
{
    while (p < end && scan_is(*p, classes))
        p++;
    return p;
}

/* -- vectorised -------------------------------------------------------------------------------- */

#if SCAN_VECTORS
/* Bytes of x in first … last (unsigned, last - first < 128): 0xff, else 0. */
static inline __m128i scan_range(__m128i x, int first, int last)
{
    __m128i moved = _mm_add_epi8(x, _mm_set1_epi8((char)(0x80 - first)));
    return _mm_cmplt_epi8(moved, _mm_set1_epi8((char)(-128 + last - first + 1)));
}

static inline __m128i scan_equal(__m128i x, char c)
{
    return _mm_cmpeq_epi8(x, _mm_set1_epi8(c));
}

static inline __m128i scan_letters(__m128i x)
{
    return scan_range(_mm_or_si128(x, _mm_set1_epi8(0x20)), 'a', 'z');
}

/* Letters, digits and "-": nearly every field name is made of these. */
static inline unsigned scan_name_stops(__m128i x)
{
    __m128i ok = _mm_or_si128(_mm_or_si128(scan_letters(x), scan_range(x, '0', '9')),
                              scan_equal(x, '-'));
    return (unsigned)_mm_movemask_epi8(ok) ^ 0xffffu;
}

/* Control bytes without HTAB. */
static inline unsigned scan_value_stops(__m128i x)
{
    __m128i low = _mm_cmpeq_epi8(_mm_min_epu8(x, _mm_set1_epi8(0x1f)), x);
    __m128i bad = _mm_or_si128(_mm_andnot_si128(scan_equal(x, '\t'), low), scan_equal(x, 0x7f));
    return (unsigned)_mm_movemask_epi8(bad);
}

/* & ' ( ) * + , - . / 0-9 : ; and letters, "_", "=": nearly every target is made of these. */
static inline unsigned scan_target_stops(__m128i x)
{
    __m128i ok = _mm_or_si128(_mm_or_si128(scan_letters(x), scan_range(x, '&', ';')),
                              _mm_or_si128(scan_equal(x, '_'), scan_equal(x, '=')));
    return (unsigned)_mm_movemask_epi8(ok) ^ 0xffffu;
}

/* One loop for all: `stops` is inlined. Of the last bytes 8 are taken at once (the upper half of
 * the register is ignored); the caller deals with what is left. Sets *found when a stop was met. */
static inline __attribute__((always_inline)) const char *scan_blocks(const char *p, const char *end,
                                                                     unsigned (*stops)(__m128i),
                                                                     bool *found)
{
    for (; end - p >= 16; p += 16) {
        unsigned mask = stops(_mm_loadu_si128((const __m128i *)(const void *)p));
        if (mask != 0) {
            *found = true;
            return p + __builtin_ctz(mask);
        }
    }
    if (end - p >= 8) {
        unsigned mask = stops(_mm_loadl_epi64((const __m128i *)(const void *)p)) & 0xffu;
        if (mask != 0) {
            *found = true;
            return p + __builtin_ctz(mask);
        }
        p += 8;
    }
    return p;
}

static inline const char *scan_token_vector(const char *p, const char *end)
{
    bool found = false;
    p = scan_blocks(p, end, scan_name_stops, &found);
    if (found && *p == ':')
        return p;
    return scan_while(p, end, BYTE_TOKEN);
}

static inline const char *scan_value_vector(const char *p, const char *end)
{
    bool found = false;
    p = scan_blocks(p, end, scan_value_stops, &found);
    return found ? p : scan_while(p, end, BYTE_VALUE);
}

static inline const char *scan_target_vector(const char *p, const char *end, unsigned classes)
{
    for (;;) {
        bool found = false;
        p = scan_blocks(p, end, scan_target_stops, &found);
        if (!found || !scan_is(*p, classes))
            break;
        p++; /* one of the rare ones: ! $ @ ~ */
    }
    return scan_while(p, end, classes);
}
#endif

/* -- portable ---------------------------------------------------------------------------------- */

static inline uint64_t scan_word(const char *p)
{
    uint64_t w;
    memcpy(&w, p, sizeof w);
    return w;
}

/* Non-zero when a byte of w is below 0x20 or equal to 0x7f. */
static inline uint64_t scan_word_controls(uint64_t w)
{
    const uint64_t ones = UINT64_C(0x0101010101010101), tops = ones * 0x80;
    uint64_t del = w ^ (ones * 0x7f);
    return ((w - ones * 0x20) & ~w & tops) | ((del - ones) & ~del & tops);
}

static inline const char *scan_value_portable(const char *p, const char *end)
{
    for (; end - p >= 8; p += 8) {
        if (scan_word_controls(scan_word(p)) != 0) {
            const char *stop = scan_while(p, p + 8, BYTE_VALUE);
            if (stop != p + 8)
                return stop;
        }
    }
    return scan_while(p, end, BYTE_VALUE);
}

/* -- what the parsers use ---------------------------------------------------------------------- */

#if SCAN_VECTORS && !defined(SCAN_PORTABLE)
#define SCAN_WITH(vector, portable) (vector)
#else
#define SCAN_WITH(vector, portable) (portable)
#endif

/* The first byte that is not a tchar, or end. */
static inline const char *scan_token(const char *p, const char *end)
{
    return SCAN_WITH(scan_token_vector(p, end), scan_while(p, end, BYTE_TOKEN));
}

/* The first byte that may not be in a field value (CR, LF, NUL …), or end. */
static inline const char *scan_value(const char *p, const char *end)
{
    return SCAN_WITH(scan_value_vector(p, end), scan_value_portable(p, end));
}

/* The first byte that is neither a pchar nor "/" (so "%", "?", "#", " " …), or end; with `classes`
 * BYTE_TARGET | BYTE_RELAXED also over { } ^. */
static inline const char *scan_target(const char *p, const char *end, unsigned classes)
{
    return SCAN_WITH(scan_target_vector(p, end, classes), scan_while(p, end, classes));
}

#endif
