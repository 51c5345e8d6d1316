#include "proto/wire/handler_reply.h"
#include "tests/support/golden.h"

#define TARGETS_MAX  4
#define CASES(table) (sizeof(table) / sizeof(table)[0])

static void check_encode(struct golden_case *c, const struct tns_value *ids, bool extended)
{
    uint32_t list[TARGETS_MAX];
    for (size_t i = 0; i < ids->item_count; i++)
        list[i] = (uint32_t)ids->items[i].integer;
    struct buf out = BUF_INIT;
    handler_reply_encode(&out, golden_string(c, "sender"), list, ids->item_count, extended,
                         golden_string(c, "payload"));
    golden_compare(c, buf_slice(&out), c->frames[0]);
    buf_fini(&out);
}

static void check_reply(struct golden_case *c)
{
    struct handler_reply r;
    enum handler_reply_status status = handler_reply_parse(c->frames[0], TARGETS_MAX, &r);
    if (c->refused != (status != HANDLER_REPLY_OK))
        fail_msg("%s: %s", c->name, handler_reply_status_text(status));
    if (c->refused)
        return;
    const struct tns_value *ids = tns_get_list(&c->fields, "ids");
    bool extended;
    assert_true(tns_get_bool(&c->fields, "extended", &extended));
    golden_compare(c, r.sender, golden_string(c, "sender"));
    golden_compare(c, r.payload, golden_string(c, "payload"));
    assert_int_equal(r.extended, extended);
    assert_int_equal(r.id_count, ids->item_count);
    uint32_t id;
    struct slice rest = r.ids;
    for (size_t i = 0; i < r.id_count; i++) {
        assert_true(handler_reply_next(&rest, &id));
        assert_true(id == ids->items[i].integer);
    }
    assert_false(handler_reply_next(&rest, &id));
    if (!c->decode_only)
        check_encode(c, ids, extended);
}

static void test_golden(void **state)
{
    (void)state;
    golden_each("handler_reply.txt", check_reply);
}

static void test_reasons(void **state)
{
    (void)state;
    static const struct {
        const char *frame;
        enum handler_reply_status status;
    } cases[] = {
        {"a_b 1:2, x", HANDLER_REPLY_BAD_SENDER},
        {"", HANDLER_REPLY_BAD_SENDER},
        {"u 9:2, x", HANDLER_REPLY_BAD_LENGTH},
        {"u 3:x 2, m", HANDLER_REPLY_BAD_TARGETS},
        {"u 10:4294967296, m", HANDLER_REPLY_ID_RANGE},
        {"u 0:, m", HANDLER_REPLY_NO_TARGETS},
        {"u 9:1 2 3 4 5, m", HANDLER_REPLY_TOO_MANY_TARGETS},
        {"u 1:2,m", HANDLER_REPLY_NO_SPACE},
    };
    for (size_t i = 0; i < CASES(cases); i++) {
        struct handler_reply r = {.id_count = 77};
        assert_int_equal(handler_reply_parse(slice_str(cases[i].frame), TARGETS_MAX, &r),
                         cases[i].status);
        assert_int_equal(r.id_count, 77); /* left alone */
    }
    for (int s = HANDLER_REPLY_OK; s <= HANDLER_REPLY_NO_SPACE; s++)
        for (int t = HANDLER_REPLY_OK; t < s; t++)
            assert_string_not_equal(handler_reply_status_text((enum handler_reply_status)s),
                                    handler_reply_status_text((enum handler_reply_status)t));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_golden),
        cmocka_unit_test(test_reasons),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
