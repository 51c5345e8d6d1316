#include "proto/wire/control_msg.h"
#include "tests/support/golden.h"

static int64_t expected_seq(const struct golden_case *c)
{
    int64_t seq = CONTROL_NO_SEQ;
    tns_get_int(&c->fields, "seq", &seq);
    return seq;
}

static void compare_values(const struct golden_case *c, const struct tns_value *got,
                           const struct tns_value *want)
{
    struct buf a = BUF_INIT, b = BUF_INIT;
    tns_put_value(&a, got);
    tns_put_value(&b, want);
    golden_compare(c, buf_slice(&a), buf_slice(&b));
    buf_fini(&a);
    buf_fini(&b);
}

static void check_request(struct golden_case *c)
{
    struct control_request r;
    const struct tns_value *args = tns_get_dict(&c->fields, "args");
    assert_int_equal(control_request_parse(c->frames[0], &c->arena, NULL, &r), CONTROL_OK);
    golden_compare(c, r.verb, golden_string(c, "verb"));
    compare_values(c, &r.args, args);
    assert_true(r.seq == expected_seq(c));
    if (c->decode_only)
        return;
    struct buf out = BUF_INIT;
    const char *verb = arena_strndup(&c->arena, r.verb.ptr, r.verb.len);
    struct control_request_mark mark = control_request_begin(&out, verb, r.seq);
    for (size_t i = 0; i < args->pair_count; i++) {
        if (slice_eq(args->pairs[i].key, SLICE("seq")))
            continue;
        tns_put_string(&out, args->pairs[i].key);
        tns_put_value(&out, &args->pairs[i].value);
    }
    control_request_end(&out, mark);
    golden_compare(c, buf_slice(&out), c->frames[0]);
    buf_fini(&out);
}

static void check_bad_request(struct golden_case *c)
{
    struct control_request r;
    struct control_reply reply;
    struct error e;
    struct buf out = BUF_INIT;
    enum control_error error = control_request_parse(c->frames[0], &c->arena, NULL, &r);
    assert_int_not_equal(error, CONTROL_OK);
    control_put_known_error(&out, error);
    assert_int_equal(control_reply_parse(buf_slice(&out), &c->arena, NULL, &reply, &e), 0);
    golden_compare(c, reply.code, golden_string(c, "answer"));
    buf_fini(&out);
}

static void write_table(struct golden_case *c, struct buf *out, const struct tns_value *headers,
                        const struct tns_value *rows)
{
    const char *names[8] = {NULL};
    for (size_t i = 0; i < headers->item_count; i++) {
        assert_true(i < 8);
        struct slice s = headers->items[i].string;
        names[i] = arena_strndup(&c->arena, s.ptr, s.len);
    }
    struct control_table t;
    control_table_begin(&t, out, names[0], names[1], names[2], names[3], names[4], names[5],
                        names[6], names[7], NULL);
    for (size_t r = 0; r < rows->item_count; r++) {
        control_row_begin(&t);
        for (size_t i = 0; i < rows->items[r].item_count; i++)
            tns_put_value(out, &rows->items[r].items[i]);
        control_row_end(&t);
    }
    control_table_end(&t, expected_seq(c));
}

static void check_table(struct golden_case *c)
{
    struct control_reply r;
    struct error e;
    const struct tns_value *headers = tns_get_list(&c->fields, "headers");
    const struct tns_value *rows = tns_get_list(&c->fields, "rows");
    assert_int_equal(control_reply_parse(c->frames[0], &c->arena, NULL, &r, &e), 0);
    assert_int_equal(r.kind, CONTROL_REPLY_TABLE);
    compare_values(c, r.headers, headers);
    compare_values(c, r.rows, rows);
    assert_true(r.seq == expected_seq(c));
    if (c->decode_only)
        return;
    struct buf out = BUF_INIT;
    write_table(c, &out, headers, rows);
    golden_compare(c, buf_slice(&out), c->frames[0]);
    buf_fini(&out);
}

static void check_error(struct golden_case *c)
{
    struct control_reply r;
    struct error e;
    struct slice code = SLICE_EMPTY, text = golden_string(c, "error");
    bool has_code = tns_get_string(&c->fields, "code", &code);
    assert_int_equal(control_reply_parse(c->frames[0], &c->arena, NULL, &r, &e), 0);
    assert_int_equal(r.kind, CONTROL_REPLY_ERROR);
    golden_compare(c, r.code, code);
    golden_compare(c, r.error, text);
    assert_true(r.seq == expected_seq(c));
    struct buf out = BUF_INIT;
    control_put_error(&out, has_code ? arena_strndup(&c->arena, code.ptr, code.len) : NULL,
                      arena_strndup(&c->arena, text.ptr, text.len), r.seq);
    golden_compare(c, buf_slice(&out), c->frames[0]);
    for (int k = 0; k < CONTROL_ERRORS && has_code && r.seq == CONTROL_NO_SEQ; k++) {
        struct control_reply known;
        buf_clear(&out);
        control_put_known_error(&out, (enum control_error)k);
        assert_int_equal(control_reply_parse(buf_slice(&out), &c->arena, NULL, &known, &e), 0);
        if (slice_eq(known.code, code))
            golden_compare(c, buf_slice(&out), c->frames[0]);
    }
    buf_fini(&out);
}

static void check_message(struct golden_case *c)
{
    struct slice kind = golden_string(c, "kind");
    if (slice_eq(kind, SLICE("request")))
        check_request(c);
    else if (slice_eq(kind, SLICE("bad request")))
        check_bad_request(c);
    else if (slice_eq(kind, SLICE("table")))
        check_table(c);
    else
        check_error(c);
}

static void test_golden(void **state)
{
    (void)state;
    golden_each("control_msg.txt", check_message);
}

static void test_known_errors_are_all_different(void **state)
{
    (void)state;
    for (int a = 0; a < CONTROL_ERRORS; a++)
        for (int b = 0; b < a; b++) {
            struct buf x = BUF_INIT, y = BUF_INIT;
            control_put_known_error(&x, (enum control_error)a);
            control_put_known_error(&y, (enum control_error)b);
            assert_false(slice_eq(buf_slice(&x), buf_slice(&y)));
            buf_fini(&x);
            buf_fini(&y);
        }
}

static void test_world_error(void **state)
{
    (void)state;
    struct buf out = BUF_INIT;
    struct error e;
    error_set(&e, ERROR_NOT_FOUND, "There is no pool \"%s\".", "x");
    control_put_world_error(&out, &e, 3);
    assert_string_equal(buf_str(&out),
                        "62:4:code,9:NOT_FOUND,5:error,21:There is no pool \"x\".,3:seq,1:3#}");
    buf_clear(&out);
    error_set_object(&e, ERROR_INVALID, "route /x", "The target is missing.");
    control_put_world_error(&out, &e, CONTROL_NO_SEQ);
    assert_non_null(strstr(buf_str(&out), "5:error,32:route /x: The target is missing.,"));
    buf_fini(&out);
}

static void test_cells(void **state)
{
    (void)state;
    struct arena a;
    struct control_reply r;
    struct error e;
    arena_init(&a, 0);
    struct buf out = BUF_INIT;
    struct control_table t;
    control_table_begin(&t, &out, "id", "name", NULL);
    control_row_begin(&t);
    tns_put_int(&out, 7);
    tns_put_str(&out, "seven");
    control_row_end(&t);
    control_row_begin(&t);
    tns_put_int(&out, 8); /* a row that is too short */
    control_row_end(&t);
    control_table_end(&t, CONTROL_NO_SEQ);
    assert_int_equal(control_reply_parse(buf_slice(&out), &a, NULL, &r, &e), 0);
    assert_true(slice_eq(control_reply_cell(&r, 0, "name")->string, SLICE("seven")));
    assert_true(control_reply_cell(&r, 1, "id")->integer == 8);
    assert_null(control_reply_cell(&r, 1, "name"));
    assert_null(control_reply_cell(&r, 2, "id"));
    assert_null(control_reply_cell(&r, 0, "other"));
    buf_fini(&out);
    arena_fini(&a);
}

static void test_replies_refused(void **state)
{
    (void)state;
    static const struct {
        const char *text, *why;
    } cases[] = {
        {"", "empty"},
        {"4:help,", "type string"},
        {"0:]", "type list"},
        {"24:7:headers,0:]4:rows,1:x,}", "no table"},
        {"23:7:headers,0:}4:rows,0:]}", "no table"},
        {"27:7:headers,4:1:1#]4:rows,0:]}", "no table"},
        {"13:7:headers,0:]}", "no table"},
        {"26:7:headers,0:]4:rows,3:0:~]}", "no table"},
        {"10:4:rows,0:]}", "no table"},
        {"11:4:rows,0:]x}", "malformed"},
    };
    struct arena a;
    arena_init(&a, 0);
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct control_reply r;
        struct error e = {0};
        int rc = control_reply_parse(slice_str(cases[i].text), &a, NULL, &r, &e);
        if (rc == 0 || strstr(e.text, cases[i].why) == NULL)
            fail_msg("%s: %s", cases[i].text, rc == 0 ? "accepted" : e.text);
        assert_int_equal(e.code, ERROR_INVALID);
    }
    struct control_reply r;
    struct error e;
    assert_int_equal(control_reply_parse(SLICE("15:8:progress,1:x,}"), &a, NULL, &r, &e), 0);
    assert_int_equal(r.kind, CONTROL_REPLY_OTHER);
    assert_int_equal(control_reply_column(&r, "x"), -1);
    arena_fini(&a);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_golden),
        cmocka_unit_test(test_known_errors_are_all_different),
        cmocka_unit_test(test_world_error),
        cmocka_unit_test(test_cells),
        cmocka_unit_test(test_replies_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
