/* Preconditions: RFC 9110 section 13, and the table of reference section 9.5 as it should be (D10,
 * D11, D12). The file has mtime Tue, 14 Nov 2023 22:13:20 GMT and 11 bytes. */

#include "proto/http/validator.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#define MTIME   INT64_C(1700000000)
#define NOW     INT64_C(1750000000)
#define SAME    "Tue, 14 Nov 2023 22:13:20 GMT"
#define EARLIER "Tue, 14 Nov 2023 22:13:19 GMT"
#define LATER   "Tue, 14 Nov 2023 22:13:21 GMT"
#define FUTURE  "Tue, 14 Nov 2034 22:13:21 GMT"
#define RFC850  "Tuesday, 14-Nov-23 22:13:20 GMT"
#define TAG     "\"6553f100-b\""

static void parse_fields(struct field_list *l, struct http_field *fields, const char *text)
{
    enum parse_fault fault;
    const char *at = text;
    field_list_init(l, fields, 8);
    assert_int_equal(field_lines_parse(l, &at, text + strlen(text), 8, &fault), PARSE_DONE);
}

struct row {
    const char *fields;
    int get, put; /* status by method: 200, 304, 412 */
};

static const struct row rows[] = {
    {"", 200, 200},
    /* If-None-Match */
    {"If-None-Match: " TAG "\r\n", 304, 412},
    {"If-None-Match: W/" TAG "\r\n", 304, 412},
    {"If-None-Match: 6553f100-b\r\n", 304, 412},
    {"If-None-Match: *\r\n", 304, 412},
    {"If-None-Match: \"a\", " TAG "\r\n", 304, 412},
    {"If-None-Match: \"a,b\",W/" TAG ",\r\n", 304, 412},
    {"If-None-Match: a, 6553f100-b\r\n", 304, 412},
    {"If-None-Match: \"a\"\r\nIf-None-Match: " TAG "\r\n", 304, 412},
    {"If-None-Match: \"\\\", " TAG "\r\n", 304, 412},
    {"If-None-Match: zzz\r\n", 200, 200},
    {"If-None-Match: \"zzz\"\r\n", 200, 200},
    {"If-None-Match: \"6553f100-b\r\n", 200, 200},
    {"If-None-Match: w/" TAG "\r\n", 200, 200},
    {"If-None-Match: \"6553f100-B\"\r\n", 200, 200},
    {"If-None-Match:\r\n", 200, 200},
    {"If-None-Match: ,\r\n", 200, 200},
    {"If-None-Match: W\r\n", 200, 200},
    /* If-Match */
    {"If-Match: " TAG "\r\n", 200, 200},
    {"If-Match: 6553f100-b\r\n", 200, 200},
    {"If-Match: *\r\n", 200, 200},
    {"If-Match: \"a\", " TAG "\r\n", 200, 200},
    {"If-Match: W/" TAG "\r\n", 412, 412},
    {"If-Match: 1-1\r\n", 412, 412},
    {"If-Match: zzz\r\n", 412, 412},
    {"If-Match: f-f\r\n", 412, 412},
    {"If-Match:\r\n", 412, 412},
    {"If-Match: 1-1\r\nIf-None-Match: *\r\n", 412, 412},
    {"If-Match: " TAG "\r\nIf-None-Match: " TAG "\r\n", 304, 412},
    {"If-Match: " TAG "\r\nIf-Unmodified-Since: " EARLIER "\r\n", 200, 200},
    /* If-Unmodified-Since */
    {"If-Unmodified-Since: " SAME "\r\n", 200, 200},
    {"If-Unmodified-Since: " LATER "\r\n", 200, 200},
    {"If-Unmodified-Since: " EARLIER "\r\n", 412, 412},
    {"If-Unmodified-Since: junk\r\n", 200, 200},
    {"If-Unmodified-Since: " EARLIER "\r\nIf-Unmodified-Since: " EARLIER "\r\n", 200, 200},
    {"If-Unmodified-Since: " LATER "\r\nIf-None-Match: zzz\r\n", 200, 200},
    {"If-Unmodified-Since: " LATER "\r\nIf-None-Match: *\r\n", 304, 412},
    {"If-Unmodified-Since: " LATER "\r\nIf-Modified-Since: " LATER "\r\n", 304, 200},
    /* If-Modified-Since */
    {"If-Modified-Since: " SAME "\r\n", 304, 200},
    {"If-Modified-Since: " RFC850 "\r\n", 304, 200},
    {"If-Modified-Since: Tue Nov 14 22:13:20 2023\r\n", 304, 200},
    {"If-Modified-Since: " LATER "\r\n", 304, 200},
    {"If-Modified-Since: " EARLIER "\r\n", 200, 200},
    {"If-Modified-Since: " FUTURE "\r\n", 200, 200},
    {"If-Modified-Since: junk\r\n", 200, 200},
    {"If-None-Match: zzz\r\nIf-Modified-Since: " LATER "\r\n", 200, 200}, /* D12 */
    {"If-None-Match: " TAG "\r\nIf-Modified-Since: " EARLIER "\r\n", 304, 412},
};

static int status_of(enum validator_verdict v)
{
    return v == VALIDATOR_NOT_MODIFIED ? 304 : v == VALIDATOR_FAILED ? 412 : 200;
}

static void test_rows(void **state)
{
    (void)state;
    const struct validators v = {SLICE(TAG), MTIME};
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        char text[512];
        snprintf(text, sizeof text, "%s\r\n", rows[i].fields);
        struct http_field fields[8];
        struct field_list l;
        parse_fields(&l, fields, text);
        int get = status_of(validator_check(&l, METHOD_GET, &v, NOW));
        int head = status_of(validator_check(&l, METHOD_HEAD, &v, NOW));
        int put = status_of(validator_check(&l, METHOD_PUT, &v, NOW));
        if (get != rows[i].get || head != get || put != rows[i].put)
            fail_msg("%s: GET %d HEAD %d PUT %d", rows[i].fields, get, head, put);
    }
}

/* Without a tag only "*" can match; without a time dates say nothing. */
static void test_nothing_known(void **state)
{
    (void)state;
    const struct validators v = {SLICE_EMPTY, -1};
    static const struct row none[] = {
        {"If-None-Match: \"\"\r\n", 200, 200},
        {"If-None-Match: *\r\n", 304, 412},
        {"If-Match: \"\"\r\n", 412, 412},
        {"If-Modified-Since: " LATER "\r\n", 200, 200},
        {"If-Unmodified-Since: " EARLIER "\r\n", 200, 200},
    };
    for (size_t i = 0; i < sizeof none / sizeof *none; i++) {
        char text[512];
        snprintf(text, sizeof text, "%s\r\n", none[i].fields);
        struct http_field fields[8];
        struct field_list l;
        parse_fields(&l, fields, text);
        assert_int_equal(status_of(validator_check(&l, METHOD_GET, &v, NOW)), none[i].get);
        assert_int_equal(status_of(validator_check(&l, METHOD_PUT, &v, NOW)), none[i].put);
    }
}

/* RFC 9110 section 13.1.5. */
static void test_if_range(void **state)
{
    (void)state;
    static const struct {
        const char *fields;
        bool serve;
    } ranges[] = {
        {"", true},
        {"If-Range: " TAG "\r\n", true},
        {"If-Range: 6553f100-b\r\n", true},
        {"If-Range: W/" TAG "\r\n", false},
        {"If-Range: \"x\"\r\n", false},
        {"If-Range: *\r\n", false},
        {"If-Range: \"x\", " TAG "\r\n", false},
        {"If-Range: " SAME "\r\n", true},
        {"If-Range: " RFC850 "\r\n", true},
        {"If-Range: " LATER "\r\n", false},
        {"If-Range: " EARLIER "\r\n", false},
        {"If-Range: " TAG "\r\nIf-Range: " TAG "\r\n", false},
        {"If-Range:\r\n", false},
    };
    const struct validators v = {SLICE(TAG), MTIME};
    for (size_t i = 0; i < sizeof ranges / sizeof *ranges; i++) {
        char text[256];
        snprintf(text, sizeof text, "%s\r\n", ranges[i].fields);
        struct http_field fields[8];
        struct field_list l;
        parse_fields(&l, fields, text);
        if (validator_if_range(&l, &v, NOW) != ranges[i].serve)
            fail_msg("%s", ranges[i].fields);
    }
    /* a date is no strong validator in the second of the change */
    struct http_field fields[8];
    struct field_list l;
    parse_fields(&l, fields, "If-Range: " SAME "\r\n\r\n");
    assert_false(validator_if_range(&l, &v, MTIME));
    assert_true(validator_if_range(&l, &v, MTIME + 1));
}

static void test_etag(void **state)
{
    (void)state;
    static const struct {
        int64_t mtime_s;
        long mtime_ns;
        uint64_t size;
        const char *suffix, *tag;
    } tags[] = {
        {MTIME, 0, 11, "", "\"6553f100-b\""},
        {MTIME, 255, 11, "", "\"6553f100-b-ff\""},
        {MTIME, 0, 11, "gz", "\"6553f100-b-gz\""},
        {MTIME, 1, UINT64_MAX, "br", "\"6553f100-ffffffffffffffff-1-br\""},
        {0, 0, 0, "", "\"0-0\""},
        {-1, 999999999, UINT64_MAX, "longsuffix",
         "\"ffffffffffffffff-ffffffffffffffff-3b9ac9ff-longsuff\""},
    };
    for (size_t i = 0; i < sizeof tags / sizeof *tags; i++) {
        char out[VALIDATOR_ETAG_MAX];
        size_t len = validator_etag(tags[i].mtime_s, tags[i].mtime_ns, tags[i].size,
                                    slice_str(tags[i].suffix), out);
        assert_true(slice_eq(slice_of(out, len), slice_str(tags[i].tag)));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_rows),
        cmocka_unit_test(test_nothing_known),
        cmocka_unit_test(test_if_range),
        cmocka_unit_test(test_etag),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
