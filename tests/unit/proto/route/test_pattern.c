/* The pattern language, item by item; what is malformed and where; bounded work. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "proto/base/buf.h"
#include "proto/base/clock.h"
#include "proto/route/pattern.h"

#include <stdio.h>

static bool matches(struct slice text, unsigned flags, struct slice subject)
{
    struct arena a;
    struct error e;
    const struct pattern *p = NULL;
    arena_init(&a, 0);
    if (pattern_compile(&p, text, 0, flags, &a, &e) != 0)
        fail_msg("%.*s: %s", SLICE_ARG(text), e.text);
    bool result = pattern_matches(p, subject);
    arena_fini(&a);
    return result;
}

struct row {
    const char *pattern;
    const char *text;
    bool matches;
};

static void run(const struct row *rows, size_t count, unsigned flags)
{
    for (size_t i = 0; i < count; i++)
        if (matches(slice_str(rows[i].pattern), flags, slice_str(rows[i].text)) != rows[i].matches)
            fail_msg("'%s' %s '%s'", rows[i].pattern,
                     rows[i].matches ? "does not match" : "matches", rows[i].text);
}
#define RUN(rows, flags) run(rows, sizeof(rows) / sizeof(rows)[0], flags)

static void test_single_items_and_classes(void **state)
{
    (void)state;
    static const struct row rows[] = {
        {"", "", true},        {"", "x", true},         {"$", "", true},
        {"$", "x", false},     {"a", "abc", true},      {"a", "ba", false},
        {"abc$", "abc", true}, {"abc$", "abcd", false}, {".", "/", true},
        {".", "", false},      {"\\a$", "Q", true},     {"\\a", "1", false},
        {"\\A", "1", true},    {"\\A", "q", false},     {"\\c", "\x1f", true},
        {"\\c", "\x7f", true}, {"\\c", " ", false},     {"\\d", "7", true},
        {"\\D", "7", false},   {"\\l", "z", true},      {"\\l", "Z", false},
        {"\\p", "~", true},    {"\\p", "@", true},      {"\\p", "_", true},
        {"\\p", "a", false},   {"\\p", " ", false},     {"\\s", "\v", true},
        {"\\s", "\r", true},   {"\\s", "\x1c", false},  {"\\S", " ", false},
        {"\\u", "A", true},    {"\\U", "A", false},     {"\\w", "9", true},
        {"\\w", "_", false},   {"\\x\\x$", "fA", true}, {"\\x", "g", false},
        {"\\z", "a", false},   {"\\Z", "a", true},      {"\\.", ".", true},
        {"\\.", "x", false},   {"\\\\", "\\", true},    {"\\E\\B\\F", "EBF", true},
        {"\\1", "1", true},    {"^a", "^a", true},      {"^a", "a", false},
        {"%d", "5", false},    {"%d", "%d", true},      {"a$b", "a$b", true},
        {"(a$)", "a$", true},  {"(a$)", "a", false},    {"(a)$$", "a$", true},
        {"a$?b", "ab", true},  {"(.)(.)$", "xy", true}, {"\\(\\)", "()", true},
        {"(((", "", true},     {"a)b", "ab", true},
    };
    RUN(rows, 0);
}

static void test_bytes_from_0x80_are_in_no_class(void **state)
{
    (void)state;
    static const struct row rows[] = {
        {"\xc3\xa9$", "\xc3\xa9", true},
        {"\\a", "\xe9", false},
        {"\\p", "\xa1", false},
        {"\\s", "\xa0", false},
        {"\\A", "\xe9", true},
        {".$", "\xff", true},
        {"[\x80-\xff]+$", "\x80\xff", true},
        {"[^a]", "\x80", true},
        {"[\x80-\xff]", "a", false},
    };
    RUN(rows, 0);
}

static void test_sets(void **state)
{
    (void)state;
    static const struct row rows[] = {
        {"[abc]", "b", true},     {"[abc]", "d", false},     {"[^abc]", "d", true},
        {"[^abc]", "a", false},   {"[a-c]", "b", true},      {"[a-c]", "-", false},
        {"[a-]", "-", true},      {"[-a]", "-", true},       {"[a-c-e]", "-", true},
        {"[a-c-e]", "d", false},  {"[]a]", "]", true},       {"[]a]", "a", true},
        {"[^]a]", "b", true},     {"[^]a]", "]", false},     {"[\\]]", "]", true},
        {"[\\d_]", "_", true},    {"[\\d_]", "5", true},     {"[\\D]", "5", false},
        {"[^\\D]", "5", true},    {"[.]", "x", false},       {"[.]", ".", true},
        {"[a-\\]]c", "]c", true}, {"[a-\\]]c", "bc", false}, {"[z-a]", "m", false},
        {"[%a]", "%", true},      {"[a^]", "^", true},       {"[^^]", "^", false},
        {"[()]", "(", true},      {"[$]", "$", true},        {"[a-z][0-9]$", "k7", true},
        {"[\\b]", "b", true},     {"[\\f]", "f", true},
    };
    RUN(rows, 0);
}

static void test_repetition(void **state)
{
    (void)state;
    static const struct row rows[] = {
        {"a*$", "", true},
        {"a*$", "aaa", true},
        {"a*$", "aab", false},
        {"a+$", "", false},
        {"a+$", "a", true},
        {"a+$", "aaaa", true},
        {"a-$", "", true},
        {"a-$", "aaa", true},
        {"a?$", "", true},
        {"a?$", "a", true},
        {"a?$", "aa", false},
        {"ab?c$", "ac", true},
        {"ab?c$", "abc", true},
        {"ab?c$", "abbc", false},
        {".*.jpg$", "a.jpg", true},
        {".*.jpg$", "xjpg", true},
        {".*.jpg$", "jpg", false},
        {".-x$", "aax", true},
        {"a*a$", "aaa", true},
        {"a-a*a+a?$", "a", true},
        {"[ab]*b$", "abab", true},
        {"[ab]*b$", "aba", false},
        {"\\d+/\\a+$", "12/ab", true},
        {"\\d+/\\a+$", "/ab", false},
        {"(ab)*$", "ab*", true},
        {"(ab)*$", "abab", false},
        {"(a*)*$", "aa*", true},
        {"(a*)**$", "aa***", true},
        {"*a", "*a", true},
        {"?a", "?a", true},
        {"-+$", "---", true},
        {"\\*+$", "***", true},
        {"\\-*$", "--", true},
        {".*", "", true},
        {".+$", "", false},
        {".*a.*b.*$", "xxaxxbxx", true},
        {".*a.*b.*$", "xxbxxaxx", false},
    };
    RUN(rows, 0);
}

static void test_balance(void **state)
{
    (void)state;
    static const struct row rows[] = {
        {"\\b()$", "()", true},
        {"\\b()$", "(a(b)c)", true},
        {"\\b()$", "(a(b)c", false},
        {"\\b()$", "(a)(b)", false},
        {"\\b()d$", "(a(b)c)d", true},
        {"\\b()", "", false},
        {"\\b()", "a()", false},
        {".*\\b()$", "((x(y))", true},
        {".*\\b()x$", "(()x", true},
        {".*\\b()x$", "(()y)x", true},
        {"a\\b{}b$", "a{{}{}}b", true},
        {"\\b||$", "|a|", true},
        {"\\b||$", "|a|b|", false},
        {"\\b||b\\b||$", "|a|b|c|", true},
        {".*\\b||$", "|a|b|", true},
        {"\\b()*$", "(a)*", true},
        {"\\b()*$", "(a)(b)", false},
        {"\\b\\)$", "\\a)", true},
        {".*\\b()\\b[]$", "(([](a)[[]]", true},
        {"\\b()", ")(", false},
        {".-\\b()-$", ")()-", true},
    };
    RUN(rows, 0);
}

static void test_frontier(void **state)
{
    (void)state;
    static const struct row rows[] = {
        {"\\f[\\d]\\d+$", "12", true},  {"\\f[\\d]\\d+$", "a12", false},
        {".*\\f[\\d]12$", "a12", true}, {".*\\f[\\d]2$", "a12", false},
        {"a\\f[\\z]", "a", true},       {"a\\f[\\z]", "ab", false},
        {"a\\f[^\\w]", "a", true},      {"a\\f[^\\w]-", "a-", true},
        {"\\f[\\z]", "", false},        {".*\\f[/]/x", "a//x", false},
        {".*\\f[/]//x", "a//x", true},  {"\\f[^a]b", "b", false},
    };
    RUN(rows, 0);
}

static void test_nul_bytes(void **state)
{
    (void)state;
    struct slice text = slice_of("a\0b", 3);
    assert_true(matches(SLICE("a\\zb$"), 0, text));
    assert_true(matches(SLICE("a.b$"), 0, text));
    assert_true(matches(SLICE("a[\\z]b$"), 0, text));
    assert_true(matches(slice_of("a\0b$", 4), 0, text));
    assert_false(matches(SLICE("a$"), 0, text));
    assert_true(matches(SLICE("a\\c"), 0, text));
}

static void test_flags(void **state)
{
    (void)state;
    static const struct row whole[] = {
        {"(a+)", "aaa", true}, {"(a+)", "aab", false}, {"(.+)", "", false},   {"", "", true},
        {"", "x", false},      {"(a)$", "a", true},    {"(.+)", "x.y", true},
    };
    RUN(whole, PATTERN_WHOLE);
    static const struct row lower[] = {
        {"ABC", "abc", true}, {"[A-C]+$", "abc", true}, {"[^A]", "a", false},
        {"[^A]", "b", true},  {"\\u", "a", true},       {"\\U", "a", true},
        {"\\Q", "q", true},   {"\\bXY", "x1y", true},   {"\\f[A]a", "a", true},
        {"[\\u]", "q", true}, {"[^\\u]", "q", false},   {"\\d", "a", false},
    };
    RUN(lower, PATTERN_LOWER);
}

/* Lengths around the words of the set of positions. */
static void test_long_texts(void **state)
{
    (void)state;
    for (size_t len = 60; len <= 260; len++) {
        char text[264];
        memset(text, 'a', len);
        text[len] = 'b';
        assert_true(matches(SLICE("a*b$"), 0, slice_of(text, len + 1)));
        assert_true(matches(SLICE("a-b$"), 0, slice_of(text, len + 1)));
        assert_true(matches(SLICE(".*ab$"), 0, slice_of(text, len + 1)));
        assert_true(matches(SLICE(".+.?.?b$"), 0, slice_of(text, len + 1)));
        assert_true(matches(SLICE("a*"), 0, slice_of(text, len)));
        assert_true(matches(SLICE("a*$"), 0, slice_of(text, len)));
        assert_false(matches(SLICE("a*$"), 0, slice_of(text, len + 1)));
        assert_false(matches(SLICE(".*aa$"), 0, slice_of(text, len + 1)));
        text[0] = '(', text[len - 1] = ')';
        assert_true(matches(SLICE("\\b()b$"), 0, slice_of(text, len + 1)));
        assert_true(matches(SLICE("\\b()\\f[\\z]"), 0, slice_of(text, len)));
        memset(text, '(', len / 2);
        memset(text + len / 2, ')', len / 2);
        assert_true(matches(SLICE("\\b()$"), 0, slice_of(text, len / 2 * 2)));
        assert_true(matches(SLICE("(.*)\\b()\\)$"), 0, slice_of(text, len / 2 * 2)));
        assert_false(matches(SLICE("\\b()$"), 0, slice_of(text, len / 2 * 2 - 1)));
    }
}

static void test_longest_text(void **state)
{
    (void)state;
    static char text[PATTERN_TEXT_MAX + 1];
    memset(text, 'a', sizeof text);
    assert_true(matches(SLICE("a*$"), 0, slice_of(text, PATTERN_TEXT_MAX)));
    assert_true(matches(SLICE(".*a.$"), 0, slice_of(text, PATTERN_TEXT_MAX)));
    assert_false(matches(SLICE("a*$"), 0, slice_of(text, PATTERN_TEXT_MAX + 1)));
}

/* What makes a backtracking matcher take longer than the universe. */
static void test_work_is_bounded(void **state)
{
    (void)state;
    struct buf evil = BUF_INIT;
    for (int i = 0; i < 30; i++)
        buf_append_str(&evil, "a*.*\\b().-");
    buf_append_str(&evil, "b$");
    static char text[4096];
    memset(text, 'a', sizeof text);
    uint64_t start = clock_monotonic_ms();
    assert_false(matches(buf_slice(&evil), 0, slice_of(text, sizeof text)));
    memset(text, '(', sizeof text);
    assert_false(matches(buf_slice(&evil), 0, slice_of(text, sizeof text)));
    assert_true(clock_monotonic_ms() - start < 5000); /* takes milliseconds */
    buf_fini(&evil);
}

static void test_malformed(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        size_t from;
        const char *where;
    } rows[] = {
        {"/x(\\", 2, "column 4"},    {"/x([a)", 2, "column 4"},   {"/x(a[]", 2, "column 5"},
        {"/x([^]", 2, "column 4"},   {"/x([a\\]", 2, "column 4"}, {"/x(\\b", 2, "column 4"},
        {"/x(\\bx", 2, "column 4"},  {"/x(a\\f", 2, "column 5"},  {"/x(\\fa[b]", 2, "column 4"},
        {"/x(\\f[b", 2, "column 6"}, {"[", 0, "column 1"},        {"[\\", 0, "column 1"},
        {"[^", 0, "column 1"},       {"(a-\\", 0, "column 4"},
    };
    struct arena a;
    arena_init(&a, 0);
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct error e;
        const struct pattern *p;
        struct slice text = slice_str(rows[i].text);
        assert_int_equal(pattern_check(text, rows[i].from, &e), -1);
        assert_int_equal(pattern_compile(&p, text, rows[i].from, 0, &a, &e), -1);
        assert_int_equal(e.code, ERROR_INVALID);
        assert_string_equal(e.object, rows[i].text);
        if (strstr(e.text, rows[i].where) == NULL)
            fail_msg("'%s': %s", rows[i].text, e.text);
    }
    assert_int_equal(pattern_check(SLICE("/x(a\\b()[]]\\f[\\d]"), 2, NULL), 0);
    assert_int_equal(pattern_check(SLICE("[a"), 0, NULL), -1);
    static char huge[PATTERN_TEXT_MAX + 1];
    memset(huge, 'a', sizeof huge);
    assert_int_equal(pattern_check(slice_of(huge, sizeof huge), 0, NULL), -1);
    arena_fini(&a);
}

/* A second, plain implementation to compare with: recursive, for short texts only. */
static bool set_holds(const char *p, const char *end, unsigned char c);

static const char *item_end(const char *p)
{
    if (*p == '\\')
        return p + 2;
    if (*p != '[')
        return p + 1;
    p += p[1] == '^' ? 2 : 1;
    do
        p += *p == '\\' ? 2 : 1;
    while (*p != ']');
    return p + 1;
}

static bool class_holds(char letter, unsigned char c)
{
    bool upper = c >= 'A' && c <= 'Z', lower = c >= 'a' && c <= 'z', digit = c >= '0' && c <= '9';
    switch (letter) {
    case 'a': return upper || lower;
    case 'A': return !(upper || lower);
    case 'd': return digit;
    case 'D': return !digit;
    case 'z': return c == 0;
    case 'Z': return c != 0;
    default: return c == (unsigned char)letter;
    }
}

static bool set_holds(const char *p, const char *end, unsigned char c)
{
    bool yes = p[1] != '^';
    for (p += yes ? 1 : 2; p < end; p++) {
        if (*p == '\\') {
            if (class_holds(*++p, c))
                return yes;
        } else if (p[1] == '-' && p + 2 < end) {
            if ((unsigned char)*p <= c && c <= (unsigned char)p[2])
                return yes;
            p += 2;
        } else if ((unsigned char)*p == c) {
            return yes;
        }
    }
    return !yes;
}

static bool one(const char *p, char c)
{
    if (*p == '.')
        return true;
    if (*p == '\\')
        return class_holds(p[1], (unsigned char)c);
    return *p == '[' ? set_holds(p, item_end(p) - 1, (unsigned char)c) : *p == c;
}

static bool slow(const char *p, const char *start, const char *s)
{
    while (*p == '(' || *p == ')')
        p++;
    if (*p == '\0')
        return true;
    if (*p == '$' && p[1] == '\0')
        return *s == '\0';
    if (p[0] == '\\' && p[1] == 'b') {
        int depth = 1;
        if (*s != p[2] || *s == '\0')
            return false;
        while (*++s != '\0')
            if (*s == p[3] && --depth == 0)
                return slow(p + 4, start, s + 1);
            else if (*s == p[2] && p[2] != p[3])
                depth++;
        return false;
    }
    if (p[0] == '\\' && p[1] == 'f') {
        const char *end = item_end(p + 2);
        return !set_holds(p + 2, end - 1, s > start ? (unsigned char)s[-1] : 0) &&
               set_holds(p + 2, end - 1, (unsigned char)*s) && slow(end, start, s);
    }
    const char *end = item_end(p);
    bool hit = *s != '\0' && one(p, *s);
    switch (*end) {
    case '?': return (hit && slow(end + 1, start, s + 1)) || slow(end + 1, start, s);
    case '*':
    case '-': return slow(end + 1, start, s) || (hit && slow(p, start, s + 1));
    case '+':
        for (; *s != '\0' && one(p, *s); s++)
            if (slow(end + 1, start, s + 1))
                return true;
        return false;
    default: return hit && slow(end, start, s + 1);
    }
}

static void test_agrees_with_backtracking(void **state)
{
    (void)state;
    static const char *const pieces[] = {"a",    "b",     ".",        "[ab]", "[^a]",   "\\a",
                                         "\\d",  "*",     "+",        "-",    "?",      "(",
                                         ")",    "\\b()", "\\b((",    "$",    "\\f[a]", "\\f[^a]",
                                         "[a-]", "\\D",   "\\f[\\z]", "1",    "\\bab",  "[]\\d]"};
    uint32_t seed = 12345;
    for (int round = 0; round < 60000; round++) {
        char pattern[128] = "", text[16];
        for (unsigned n = (seed = seed * 1664525 + 1013904223) >> 29; n-- > 0;) {
            seed = seed * 1664525 + 1013904223;
            strcat(pattern, pieces[(seed >> 16) % (sizeof pieces / sizeof pieces[0])]);
        }
        size_t len = (seed >> 8) % 9;
        for (size_t i = 0; i < len; i++) {
            seed = seed * 1664525 + 1013904223;
            text[i] = "ab1()$"[(seed >> 20) % 6];
        }
        text[len] = '\0';
        if (matches(slice_str(pattern), 0, slice_of(text, len)) != slow(pattern, text, text))
            fail_msg("'%s' on '%s'", pattern, text);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_single_items_and_classes),
        cmocka_unit_test(test_bytes_from_0x80_are_in_no_class),
        cmocka_unit_test(test_sets),
        cmocka_unit_test(test_repetition),
        cmocka_unit_test(test_balance),
        cmocka_unit_test(test_frontier),
        cmocka_unit_test(test_nul_bytes),
        cmocka_unit_test(test_flags),
        cmocka_unit_test(test_long_texts),
        cmocka_unit_test(test_longest_text),
        cmocka_unit_test(test_work_is_bounded),
        cmocka_unit_test(test_malformed),
        cmocka_unit_test(test_agrees_with_backtracking),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
