/* Bytes to tokens, one row per rule. */

#include "m2sh/lang/lexer.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>

#include <cmocka.h>

struct expected {
    enum token_kind kind;
    const char *text;
};

#define TEXT(literal) literal, sizeof(literal) - 1

static const struct {
    const char *input;
    size_t len;
    struct expected tokens[8]; /* ends with TOKEN_END or a bad one */
} cases[] = {
    {TEXT(""), {{TOKEN_END, ""}}},
    {TEXT(" \t\r\n\v\f"), {{TOKEN_END, ""}}},
    {TEXT("# to the end"), {{TOKEN_END, ""}}},
    {TEXT("# a\n#b\n"), {{TOKEN_END, ""}}},
    {TEXT("a#b\nc"), {{TOKEN_NAME, "a"}, {TOKEN_NAME, "c"}, {TOKEN_END, ""}}},
    {TEXT("x=1y=2"),
     {{TOKEN_NAME, "x"},
      {TOKEN_EQUALS, "="},
      {TOKEN_NUMBER, "1"},
      {TOKEN_NAME, "y"},
      {TOKEN_EQUALS, "="},
      {TOKEN_NUMBER, "2"},
      {TOKEN_END, ""}}},
    {TEXT("{}[](),:"),
     {{TOKEN_BRACE_OPEN, "{"},
      {TOKEN_BRACE_CLOSE, "}"},
      {TOKEN_BRACKET_OPEN, "["},
      {TOKEN_BRACKET_CLOSE, "]"},
      {TOKEN_PAREN_OPEN, "("},
      {TOKEN_PAREN_CLOSE, ")"},
      {TOKEN_COMMA, ","},
      {TOKEN_COLON, ":"}}},
    {TEXT("Server FOO True"),
     {{TOKEN_CLASS, "Server"}, {TOKEN_CLASS, "FOO"}, {TOKEN_CLASS, "True"}, {TOKEN_END, ""}}},
    {TEXT("Foo1 FOO_BAR F _x foo fOO"),
     {{TOKEN_NAME, "Foo1"},
      {TOKEN_NAME, "FOO_BAR"},
      {TOKEN_NAME, "F"},
      {TOKEN_NAME, "_x"},
      {TOKEN_NAME, "foo"},
      {TOKEN_NAME, "fOO"},
      {TOKEN_END, ""}}},
    {TEXT("007 1a"),
     {{TOKEN_NUMBER, "007"}, {TOKEN_NUMBER, "1"}, {TOKEN_NAME, "a"}, {TOKEN_END, ""}}},
    {TEXT("\"a'b\" 'c\"d'"), {{TOKEN_STRING, "a'b"}, {TOKEN_STRING, "c\"d"}, {TOKEN_END, ""}}},
    {TEXT("'' \"\""), {{TOKEN_STRING, ""}, {TOKEN_STRING, ""}, {TOKEN_END, ""}}},
    {TEXT("'a\\'b' \"\\n\" '\\\\'"),
     {{TOKEN_STRING, "a\\'b"}, {TOKEN_STRING, "\\n"}, {TOKEN_STRING, "\\\\"}, {TOKEN_END, ""}}},
    {TEXT("'a\nb # c'"), {{TOKEN_STRING, "a\nb # c"}, {TOKEN_END, ""}}},
    {TEXT("\"x"), {{TOKEN_BAD_STRING, "\"x"}}},
    {TEXT("'x\\"), {{TOKEN_BAD_STRING, "'x\\"}}},
    {TEXT("'x\\'"), {{TOKEN_BAD_STRING, "'x\\'"}}},
    {TEXT("-1"), {{TOKEN_BAD_BYTE, "-"}}},
    {TEXT("1.5"), {{TOKEN_NUMBER, "1"}, {TOKEN_BAD_BYTE, "."}}},
    {TEXT("a;"), {{TOKEN_NAME, "a"}, {TOKEN_BAD_BYTE, ";"}}},
    {TEXT("\303\251t"), {{TOKEN_BAD_BYTE, "\303\251"}}},
    {TEXT("\357\273\277a"), {{TOKEN_NAME, "a"}, {TOKEN_END, ""}}},
};

static void test_tokens(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct lexer l;
        lexer_init(&l, slice_of(cases[i].input, cases[i].len));
        for (size_t k = 0; k < 8 && cases[i].tokens[k].text != NULL; k++) {
            struct token t = lexer_next(&l);
            if (t.kind != cases[i].tokens[k].kind ||
                !slice_eq(t.text, slice_str(cases[i].tokens[k].text)))
                fail_msg("case %zu token %zu: kind %d text <%.*s>", i, k, (int)t.kind,
                         SLICE_ARG(t.text));
        }
    }
}

static void test_nul(void **state)
{
    (void)state;
    static const struct {
        const char *input;
        size_t len, at;
        enum token_kind kind;
    } nuls[] = {
        {TEXT("a\0"), 1, TOKEN_BAD_BYTE},
        {TEXT("  'ab\0c'"), 5, TOKEN_BAD_STRING},
        {TEXT("'a\\\0'"), 3, TOKEN_BAD_STRING},
    };
    for (size_t i = 0; i < sizeof nuls / sizeof nuls[0]; i++) {
        struct lexer l;
        struct token t;
        lexer_init(&l, slice_of(nuls[i].input, nuls[i].len));
        do
            t = lexer_next(&l);
        while (t.kind == TOKEN_NAME);
        assert_int_equal(t.kind, nuls[i].kind);
        assert_int_equal(t.at, nuls[i].at);
        assert_int_equal(lexer_next(&l).kind, t.kind == TOKEN_BAD_STRING ? TOKEN_BAD_BYTE : t.kind);
    }
}

static void test_describe(void **state)
{
    (void)state;
    static const struct {
        const char *input, *words;
    } rows[] = {
        {"", "the end of the file"},
        {"name", "the name \"name\""},
        {"Dir", "the class name \"Dir\""},
        {"42", "the number \"42\""},
        {"'x'", "the string \"x\""},
        {"'one\ntwo'", "the string \"one...\""},
        {"'0123456789012345678901234567890123456789'",
         "the string \"01234567890123456789012345678901...\""},
        {"'0123456789012345678901234567890\303\251'",
         "the string \"0123456789012345678901234567890...\""},
        {",", "\",\""},
        {"\303\251", "\"\303\251\""},
        {"\377", "the byte 0xff"},
        {"\001", "the byte 0x01"},
        {"'x", "a string without an end"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct lexer l;
        struct buf out = BUF_INIT;
        lexer_init(&l, slice_str(rows[i].input));
        lexer_describe(lexer_next(&l), &out);
        assert_string_equal(buf_str(&out), rows[i].words);
        buf_fini(&out);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_tokens),
        cmocka_unit_test(test_nul),
        cmocka_unit_test(test_describe),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
