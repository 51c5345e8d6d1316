#include "proto/wire/handler_message.h"
#include "proto/wire/handler_request.h"
#include "proto/wire/netstring.h"
#include "tests/support/golden.h"

#define CASES(table) (sizeof(table) / sizeof(table)[0])

static const char *const key_words[HANDLER_KEY_COUNT] = {
    [HANDLER_KEY_PATH] = "PATH",
    [HANDLER_KEY_METHOD] = "METHOD",
    [HANDLER_KEY_VERSION] = "VERSION",
    [HANDLER_KEY_URI] = "URI",
    [HANDLER_KEY_QUERY] = "QUERY",
    [HANDLER_KEY_FRAGMENT] = "FRAGMENT",
    [HANDLER_KEY_PATTERN] = "PATTERN",
    [HANDLER_KEY_URL_SCHEME] = "URL_SCHEME",
    [HANDLER_KEY_REMOTE_ADDR] = "REMOTE_ADDR",
};

static struct handler_field *field_list(struct golden_case *c, const char *key, size_t *count)
{
    const struct tns_value *list = tns_get_list(&c->fields, key);
    assert_non_null(list);
    *count = list->item_count;
    struct handler_field *fields = arena_alloc(&c->arena, *count * sizeof *fields);
    for (size_t i = 0; i < *count; i++) {
        assert_int_equal(list->items[i].item_count, 2);
        fields[i].name = list->items[i].items[0].string;
        fields[i].value = list->items[i].items[1].string;
    }
    return fields;
}

static struct handler_request request_of(struct golden_case *c)
{
    struct handler_request r = {
        .sender = golden_string(c, "sender"),
        .conn_id = (uint32_t)golden_int(c, "conn_id"),
        .path = golden_string(c, "path"),
        .body = golden_string(c, "body"),
    };
    const struct tns_value *keys = tns_get_dict(&c->fields, "keys");
    size_t seen = 0;
    for (int k = 0; k < HANDLER_KEY_COUNT; k++)
        seen += tns_get_string(keys, key_words[k], &r.keys[k]);
    assert_int_equal(seen, keys->pair_count);
    r.fields = field_list(c, "fields", &r.field_count);
    r.extras = field_list(c, "extras", &r.extra_count);
    return r;
}

static void check_encode(struct golden_case *c, enum handler_format format)
{
    struct handler_request r = request_of(c);
    struct buf out = BUF_INIT;
    buf_append_str(&out, "before");
    handler_request_encode(&out, &r, format);
    assert_false(out.failed);
    golden_compare(c, slice_of(out.data + 6, out.len - 6), c->frames[0]);
    assert_int_equal(out.data[out.len], '\0');

    buf_clear(&out);
    handler_request_encode_head(&out, &r, format, r.body.len);
    buf_append_slice(&out, r.body);
    buf_append_char(&out, ',');
    golden_compare(c, buf_slice(&out), c->frames[0]);
    buf_fini(&out);
}

static void check_headers(struct golden_case *c, const struct handler_message *m)
{
    struct handler_field *fields, *expected;
    size_t count, expected_count;
    struct error e = {0};
    uint64_t credits;
    if (handler_message_headers(m, &c->arena, &fields, &count, &e) != 0)
        fail_msg("%s: %s", c->name, e.text);
    expected = field_list(c, "headers", &expected_count);
    assert_int_equal(count, expected_count);
    for (size_t i = 0; i < count; i++) {
        golden_compare(c, fields[i].name, expected[i].name);
        golden_compare(c, fields[i].value, expected[i].value);
    }
    assert_int_equal(handler_message_notice(m, fields, count, &credits), HANDLER_NOTICE_NONE);
}

static void check_request(struct golden_case *c)
{
    struct handler_message m;
    struct handler_field *fields;
    size_t count;
    struct error e = {0};
    int rc = handler_message_parse(c->frames[0], &m, &e);
    if (c->refused) {
        if (rc == 0)
            rc = handler_message_headers(&m, &c->arena, &fields, &count, &e);
        assert_int_equal(rc, -1);
        assert_int_equal(e.code, ERROR_INVALID);
        return;
    }
    if (rc != 0)
        fail_msg("%s: %s", c->name, e.text);
    golden_compare(c, m.sender, golden_string(c, "sender"));
    assert_int_equal(m.conn_id, golden_int(c, "conn_id"));
    golden_compare(c, m.path, golden_string(c, "path"));
    golden_compare(c, m.body, golden_string(c, "body"));
    enum handler_format format = handler_format_from_name(golden_string(c, "format"));
    assert_int_equal(m.format, format);
    check_headers(c, &m);
    if (!c->decode_only)
        check_encode(c, format);
}

static void test_golden_requests(void **state)
{
    (void)state;
    golden_each("handler_request.txt", check_request);
}

static void check_notice(struct golden_case *c)
{
    struct slice sender = golden_string(c, "sender");
    uint32_t id = (uint32_t)golden_int(c, "conn_id");
    enum handler_format format = handler_format_from_name(golden_string(c, "format"));
    bool is_credits = slice_eq(golden_string(c, "type"), SLICE("credits"));
    struct buf out = BUF_INIT;
    if (is_credits)
        handler_request_credits(&out, sender, id, format, (uint64_t)golden_int(c, "credits"));
    else
        handler_request_disconnect(&out, sender, id, format);
    golden_compare(c, buf_slice(&out), c->frames[0]);

    struct handler_message m;
    struct handler_field *fields;
    size_t count;
    struct error e;
    uint64_t credits = 0;
    assert_int_equal(handler_message_parse(buf_slice(&out), &m, &e), 0);
    assert_int_equal(handler_message_headers(&m, &c->arena, &fields, &count, &e), 0);
    assert_int_equal(handler_message_notice(&m, fields, count, &credits),
                     is_credits ? HANDLER_NOTICE_CREDITS : HANDLER_NOTICE_DISCONNECT);
    assert_true(!is_credits || (int64_t)credits == golden_int(c, "credits"));
    buf_fini(&out);
}

static void test_golden_notices(void **state)
{
    (void)state;
    golden_each("handler_notice.txt", check_notice);
}

static void test_notices_cannot_be_forged(void **state)
{
    (void)state;
    static const struct {
        const char *start, *headers, *body;
    } cases[] = {
        /* a client on a route that such a path would reach */
        {"u 1 @* ", "{\"PATH\":\"@*\",\"METHOD\":\"JSON\",\"PATTERN\":\"@*\"}",
         "{\"type\":\"disconnect\"}"},
        {"u 1 @x ", "{\"METHOD\":\"JSON\"}", "{\"type\":\"disconnect\"}"},
        {"u 1 @* ", "{\"METHOD\":\"XML\"}", "{\"type\":\"disconnect\"}"},
        {"u 1 @* ", "{\"METHOD\":\"JSON\"}", "{\"type\":\"other\"}"},
        {"u 1 @* ", "{}", "{\"type\":\"disconnect\"}"},
    };
    for (size_t i = 0; i < CASES(cases); i++) {
        struct arena a;
        struct handler_message m;
        struct handler_field *fields;
        size_t count;
        struct error e = {0};
        uint64_t credits;
        struct buf text = BUF_INIT;
        arena_init(&a, 0);
        buf_append_str(&text, cases[i].start);
        netstring_put(&text, slice_str(cases[i].headers));
        netstring_put(&text, slice_str(cases[i].body));
        assert_int_equal(handler_message_parse(buf_slice(&text), &m, &e), 0);
        assert_int_equal(handler_message_headers(&m, &a, &fields, &count, &e), 0);
        assert_int_equal(handler_message_notice(&m, fields, count, &credits), HANDLER_NOTICE_NONE);
        buf_fini(&text);
        arena_fini(&a);
    }
}

/* Thousands of fields, half of them of one name; names that differ in case and in the last byte. */
static void test_many_fields(void **state)
{
    (void)state;
    enum { COUNT = HANDLER_FIELDS_MAX + 100 };
    static struct handler_field fields[COUNT];
    static char names[COUNT][32];
    for (int i = 0; i < COUNT; i++) {
        snprintf(names[i], sizeof names[i], i % 2 ? "X-Field-Number-%d" : "%c-Same",
                 i % 2 ? i : "Xx"[i / 2 % 2]);
        fields[i] = (struct handler_field){slice_str(names[i]), slice_str(names[i])};
    }
    fields[3].name.ptr = NULL; /* left out */
    struct handler_request r = {.sender = SLICE("u"), .path = SLICE("/")};
    r.fields = fields;
    r.field_count = COUNT;
    for (int format = HANDLER_JSON; format <= HANDLER_TNETSTRING; format++) {
        struct buf out = BUF_INIT;
        struct arena a;
        struct handler_message m;
        struct handler_field *list;
        size_t count;
        struct error e;
        arena_init(&a, 0);
        handler_request_encode(&out, &r, (enum handler_format)format);
        assert_int_equal(handler_message_parse(buf_slice(&out), &m, &e), 0);
        assert_int_equal(handler_message_headers(&m, &a, &list, &count, &e), 0);
        assert_int_equal(count, HANDLER_VALUES_MAX + HANDLER_FIELDS_MAX / 2 - 1);
        assert_true(slice_eq(list[0].name, SLICE("x-same")));
        assert_true(slice_eq(list[1].value, SLICE("x-Same")));
        assert_true(slice_eq(list[5].name, SLICE("x-field-number-1")));
        assert_true(slice_eq(list[6].name, SLICE("x-field-number-5")));
        buf_fini(&out);
        arena_fini(&a);
    }
}

/* Every byte as a header name and as a value of every length up to two words: the fast path and
 * the general one must agree, and both forms must be read back. */
static void test_every_byte(void **state)
{
    (void)state;
    char text[17];
    for (unsigned c = 0; c < 256; c++)
        for (size_t len = 1; len <= sizeof text; len++) {
            memset(text, 'K', len);
            text[len - 1] = (char)c;
            struct handler_field field = {slice_of(text, len), slice_of(text, len)};
            struct handler_request r = {.sender = SLICE("u"), .path = SLICE("/")};
            r.fields = &field;
            r.field_count = 1;
            struct buf out = BUF_INIT, name = BUF_INIT, json = BUF_INIT;
            handler_request_encode(&out, &r, HANDLER_JSON);
            json_put_string(&name, field.name);
            for (size_t i = 0; i < name.len; i++)
                if (name.data[i] >= 'A' && name.data[i] <= 'Z')
                    name.data[i] |= 0x20;
            json_put_string(&json, field.value);
            struct buf expected = BUF_INIT;
            buf_printf(&expected, "u 0 / %zu:{", name.len + json.len + 3);
            buf_append_slice(&expected, buf_slice(&name));
            buf_append_char(&expected, ':');
            buf_append_slice(&expected, buf_slice(&json));
            buf_append_str(&expected, "},0:,");
            assert_true(slice_eq(buf_slice(&out), buf_slice(&expected)));
            buf_fini(&out);
            buf_fini(&name);
            buf_fini(&json);
            buf_fini(&expected);
        }
}

static void test_output_over_its_bound(void **state)
{
    (void)state;
    struct handler_request r = {.sender = SLICE("u"), .path = SLICE("/"), .body = SLICE("body")};
    struct buf out = BUF_INIT;
    out.max = 8;
    handler_request_encode(&out, &r, HANDLER_JSON);
    assert_true(out.failed);
    buf_fini(&out);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_golden_requests),
        cmocka_unit_test(test_golden_notices),
        cmocka_unit_test(test_notices_cannot_be_forged),
        cmocka_unit_test(test_many_fields),
        cmocka_unit_test(test_every_byte),
        cmocka_unit_test(test_output_over_its_bound),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
