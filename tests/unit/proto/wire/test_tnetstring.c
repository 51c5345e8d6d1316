#include "proto/wire/tnetstring.h"
#include "tests/support/golden.h"

#define CASES(table) (sizeof(table) / sizeof(table)[0])

/* Strips a level: reads the only item of `text`. */
static enum tns_status read_one(const char *text, struct tns_item *item)
{
    struct tns_reader r;
    tns_reader_init(&r, slice_str(text));
    return tns_read(&r, item);
}

static void test_scalars(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        enum tns_type type;
        const char *bytes;
        int64_t integer;
        bool boolean;
    } cases[] = {
        {"5:hello,", TNS_STRING, "hello", 0, false},
        {"0:,", TNS_STRING, "", 0, false},
        {"010:0123456789,", TNS_STRING, "0123456789", 0, false},
        {" 3:abc,", TNS_STRING, "abc", 0, false},
        {"+3:abc,", TNS_STRING, "abc", 0, false},
        {"2:42#", TNS_INT, "42", 42, false},
        {"2:-7#", TNS_INT, "-7", -7, false},
        {"2: 5#", TNS_INT, " 5", 5, false},
        {"2:+5#", TNS_INT, "+5", 5, false},
        {"0:#", TNS_INT, "", 0, false},
        {"19:9223372036854775807#", TNS_INT, "9223372036854775807", INT64_MAX, false},
        {"20:-9223372036854775808#", TNS_INT, "-9223372036854775808", INT64_MIN, false},
        {"4:true!", TNS_BOOL, "true", 0, true},
        {"5:false!", TNS_BOOL, "false", 0, false},
        {"4:tuna!", TNS_BOOL, "tuna", 0, true},
        {"5:fuzzy!", TNS_BOOL, "fuzzy", 0, false},
        {"0:~", TNS_NULL, "", 0, false},
        {"0:]", TNS_LIST, "", 0, false},
        {"0:}", TNS_DICT, "", 0, false},
    };
    for (size_t i = 0; i < CASES(cases); i++) {
        struct tns_item item = {0};
        assert_int_equal(read_one(cases[i].text, &item), TNS_ITEM);
        assert_int_equal(item.type, cases[i].type);
        assert_true(slice_eq(item.bytes, slice_str(cases[i].bytes)));
        if (item.type == TNS_INT)
            assert_true(item.integer == cases[i].integer);
        if (item.type == TNS_BOOL)
            assert_int_equal(item.boolean, cases[i].boolean);
    }
}

static void test_refused(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        const char *why; /* part of the sentence */
    } cases[] = {
        {"", "empty"},
        {"5", "length"},
        {":", "length"},
        {"5,", "length"},
        {"-1:,", "length"},
        {"-0:,", "length"},
        {"+:,", "length"},
        {"1 :a,", "length"},
        {"x:,", "length"},
        {"99999999999999999999:a,", "length"},
        {"0000000000000000000000003:abc,", "length"},
        {"5:hell", "behind the end"},
        {"5:hello", "behind the end"},
        {"18446744073709551615:a,", "behind the end"},
        {"5:hello?", "tag"},
        {"3:1.5^", "float"},
        {"2:4x#", "integer"},
        {"1:-#", "integer"},
        {"1: #", "integer"},
        {"3:--5#", "integer"},
        {"19:9223372036854775808#", "integer"},
        {"20:-9223372036854775809#", "integer"},
        {"4:True!", "boolean"},
        {"4:fals!", "boolean"},
        {"5:trues!", "boolean"},
        {"0:!", "boolean"},
        {"1:x~", "null"},
        {"3:abc]", "byte 2: a length"},
        {"4:1:a,}", "without a value"},
        {"12:1:a,1:1#1:b,}", "without a value"},
        {"8:1:1#1:a,}", "key must be a string, this is of type integer"},
        {"3:abc,x", "1 bytes follow"},
    };
    struct arena a;
    arena_init(&a, 0);
    for (size_t i = 0; i < CASES(cases); i++) {
        struct tns_value v;
        struct error e = {0};
        assert_int_equal(tns_parse(&v, slice_str(cases[i].text), &a, NULL, NULL, &e), -1);
        assert_int_equal(e.code, ERROR_INVALID);
        if (strstr(e.text, cases[i].why) == NULL)
            fail_msg("%s: \"%s\" does not say \"%s\"", cases[i].text, e.text, cases[i].why);
    }
    arena_fini(&a);
}

/* What lookups see: of equal keys the last. */
static bool values_equal(const struct tns_value *a, const struct tns_value *b)
{
    if (a->type != b->type)
        return false;
    switch (a->type) {
    case TNS_STRING: return slice_eq(a->string, b->string);
    case TNS_INT: return a->integer == b->integer;
    case TNS_BOOL: return a->boolean == b->boolean;
    case TNS_NULL: return true;
    case TNS_LIST:
        for (size_t i = 0; i < a->item_count && a->item_count == b->item_count; i++)
            if (!values_equal(&a->items[i], &b->items[i]))
                return false;
        return a->item_count == b->item_count;
    case TNS_DICT:
        for (size_t i = 0; i < b->pair_count; i++) {
            char key[32] = "";
            memcpy(key, b->pairs[i].key.ptr, b->pairs[i].key.len);
            const struct tns_value *v = tns_get(a, key);
            if (v == NULL || !values_equal(v, &b->pairs[i].value))
                return false;
        }
        return true;
    }
    return false;
}

static void check_value(struct golden_case *c)
{
    struct tns_value v;
    struct error e = {0};
    int rc = tns_parse(&v, c->frames[0], &c->arena, NULL, NULL, &e);
    if (rc != (c->refused ? -1 : 0))
        fail_msg("%s: %s", c->name, e.text);
    if (c->refused)
        return;
    const struct tns_value *expected = tns_get(&c->fields, "value");
    assert_true(values_equal(&v, expected));
    struct buf out = BUF_INIT;
    tns_put_value(&out, expected);
    if (!c->decode_only)
        golden_compare(c, buf_slice(&out), c->frames[0]);
    buf_fini(&out);
}

static void test_golden(void **state)
{
    (void)state;
    golden_each("tnetstring.txt", check_value);
}

static void test_reader_walks_and_enters(void **state)
{
    (void)state;
    struct tns_reader r, inner;
    struct tns_item item;
    tns_reader_init(&r, SLICE("23:4:kill,12:2:id,4:1234#}]7:ignored"));
    assert_int_equal(tns_read(&r, &item), TNS_ITEM);
    assert_int_equal(item.type, TNS_LIST);
    assert_int_equal(tns_enter(&r, &item, &inner), 0);
    assert_int_equal(tns_read(&r, &item), TNS_BAD); /* no tag: and the cursor stays */
    assert_int_equal(tns_read(&r, &item), TNS_BAD);

    assert_int_equal(tns_read(&inner, &item), TNS_ITEM);
    assert_true(slice_eq(item.bytes, SLICE("kill")));
    assert_int_equal(tns_read(&inner, &item), TNS_ITEM);
    assert_int_equal(item.type, TNS_DICT);
    struct tns_reader dict;
    struct slice key;
    assert_int_equal(tns_enter(&inner, &item, &dict), 0);
    assert_int_equal(tns_read_pair(&dict, &key, &item), TNS_ITEM);
    assert_true(slice_eq(key, SLICE("id")));
    assert_true(item.integer == 1234);
    assert_int_equal(tns_read_pair(&dict, &key, &item), TNS_END);
    assert_int_equal(tns_read(&inner, &item), TNS_END);
}

static void test_pairs_refused(void **state)
{
    (void)state;
    static const char *const cases[] = {"1:a,", "1:1#1:a,", "1:a,1:1^", "1:a,x", "0:~0:~"};
    for (size_t i = 0; i < CASES(cases); i++) {
        struct tns_reader r;
        struct slice key;
        struct tns_item item;
        tns_reader_init(&r, slice_str(cases[i]));
        assert_int_equal(tns_read_pair(&r, &key, &item), TNS_BAD);
    }
}

static void test_find_takes_the_last(void **state)
{
    (void)state;
    struct tns_item item;
    struct slice dict = SLICE("1:a,1:1#1:b,1:2#1:a,1:3#");
    assert_int_equal(tns_find(dict, SLICE("a"), &item), TNS_ITEM);
    assert_true(item.integer == 3);
    assert_int_equal(tns_find(dict, SLICE("c"), &item), TNS_END);
    assert_int_equal(tns_find(SLICE("1:a,1:1#1:b,"), SLICE("a"), &item), TNS_BAD);
}

static void test_tree(void **state)
{
    (void)state;
    struct arena a;
    struct tns_value v;
    struct error e;
    size_t used = 0;
    arena_init(&a, 0);
    struct slice text = SLICE(
        "65:4:name,4:ours,5:count,2:12#2:on,4:true!2:at,0:~4:list,8:1:1#1:2#]}+");
    assert_int_equal(tns_parse(&v, text, &a, NULL, &used, &e), 0);
    assert_int_equal(used, text.len - 1);
    struct slice name;
    int64_t count;
    bool on;
    assert_true(tns_get_string(&v, "name", &name));
    assert_true(slice_eq(name, SLICE("ours")));
    assert_ptr_equal(name.ptr, text.ptr + 12); /* borrowed */
    assert_true(tns_get_int(&v, "count", &count) && count == 12);
    assert_true(tns_get_bool(&v, "on", &on) && on);
    assert_int_equal(tns_get(&v, "at")->type, TNS_NULL);
    const struct tns_value *list = tns_get_list(&v, "list");
    assert_non_null(list);
    assert_int_equal(list->item_count, 2);
    assert_true(list->items[1].integer == 2);

    assert_null(tns_get(&v, "other"));
    assert_null(tns_get(list, "name"));
    assert_null(tns_get(NULL, "name"));
    assert_false(tns_get_int(&v, "name", &count));
    assert_null(tns_get_dict(&v, "list"));
    arena_fini(&a);
}

static void test_tree_copy_outlives_its_input(void **state)
{
    (void)state;
    struct arena a;
    struct tns_value v;
    struct error e;
    char text[] = "8:1:a,1:b,}";
    arena_init(&a, 0);
    assert_int_equal(tns_parse_copy(&v, slice_str(text), &a, NULL, NULL, &e), 0);
    memset(text, 'x', sizeof text);
    struct slice s;
    assert_true(tns_get_string(&v, "a", &s) && slice_eq(s, SLICE("b")));
    arena_fini(&a);
}

static void nest(struct buf *out, unsigned levels)
{
    for (unsigned i = 0; i < levels; i++)
        tns_close_list(out, 0);
}

static void test_depth_is_bounded(void **state)
{
    (void)state;
    struct arena a;
    struct tns_value v, wrap;
    struct error e;
    arena_init(&a, 0);
    struct buf b = BUF_INIT, again = BUF_INIT;
    nest(&b, TNS_DEPTH_MAX);
    assert_int_equal(tns_parse(&v, buf_slice(&b), &a, NULL, NULL, &e), 0);
    tns_put_value(&again, &v);
    assert_true(slice_eq(buf_slice(&b), buf_slice(&again)));

    wrap.type = TNS_LIST;
    wrap.items = &v;
    wrap.item_count = 1;
    tns_put_value(&again, &wrap);
    assert_true(again.failed);

    nest(&b, 1);
    assert_int_equal(tns_parse(&v, buf_slice(&b), &a, NULL, NULL, &e), -1);
    assert_int_equal(e.code, ERROR_TOO_LARGE);

    nest(&b, 3000); /* what overflowed Mongrel2's stack */
    assert_int_equal(tns_parse(&v, buf_slice(&b), &a, NULL, NULL, &e), -1);
    struct tns_reader r;
    struct tns_item item;
    unsigned levels = 0;
    tns_reader_init(&r, buf_slice(&b));
    while (tns_read(&r, &item) == TNS_ITEM && tns_enter(&r, &item, &r) == 0)
        levels++;
    assert_int_equal(levels, TNS_DEPTH_MAX);
    buf_fini(&b);
    buf_fini(&again);
    arena_fini(&a);
}

static void test_cost_is_bounded(void **state)
{
    (void)state;
    struct arena a;
    struct tns_value v;
    struct error e;
    arena_init(&a, 0);
    struct slice text = SLICE("12:0:~0:~0:~0:~]");
    struct tns_limits limits = {16, 4};
    assert_int_equal(tns_parse(&v, text, &a, &limits, NULL, &e), 0);
    limits.values = 3;
    assert_int_equal(tns_parse(&v, text, &a, &limits, NULL, &e), -1);
    assert_int_equal(e.code, ERROR_TOO_LARGE);
    limits = (struct tns_limits){15, 4};
    assert_int_equal(tns_parse(&v, text, &a, &limits, NULL, &e), -1);
    assert_int_equal(e.code, ERROR_TOO_LARGE);
    assert_int_equal(tns_parse_copy(&v, text, &a, &limits, NULL, &e), -1);
    assert_int_equal(e.code, ERROR_TOO_LARGE);
    arena_fini(&a);
}

static void test_writer(void **state)
{
    (void)state;
    struct buf b = BUF_INIT;
    size_t outer = tns_open(&b);
    tns_put_str(&b, "kill");
    size_t args = tns_open(&b);
    tns_put_pair_int(&b, "id", INT64_MIN);
    tns_put_pair_str(&b, "why", "");
    tns_put_pair_bool(&b, "now", true);
    tns_put_pair(&b, "raw", SLICE("a\0b"));
    tns_put_str(&b, "none");
    tns_put_null(&b);
    tns_put_str(&b, "list");
    size_t list = tns_open(&b);
    tns_close_list(&b, tns_open(&b));
    tns_put_bool(&b, false);
    tns_close_list(&b, list);
    tns_close_dict(&b, args);
    tns_close_list(&b, outer);
    struct slice expected = SLICE(
        "106:4:kill,95:2:id,20:-9223372036854775808#3:why,0:,3:now,4:true!3:raw,3:a\0b,"
        "4:none,0:~4:list,11:0:]5:false!]}]");
    assert_int_equal(b.len, expected.len);
    assert_memory_equal(b.data, expected.ptr, b.len);
    assert_int_equal(b.data[b.len], '\0');
    buf_fini(&b);
}

/* Lengths of 9, 10, 99, 100 … bytes: the place where a digit is added in front. */
static void test_writer_lengths(void **state)
{
    (void)state;
    static const size_t lens[] = {0, 1, 9, 10, 11, 99, 100, 999, 1000, 65536};
    for (size_t i = 0; i < CASES(lens); i++) {
        struct buf b = BUF_INIT;
        buf_append_str(&b, "before");
        size_t mark = tns_open(&b);
        for (size_t n = 0; n < lens[i]; n++)
            buf_append_char(&b, (char)('a' + n % 26));
        tns_close_dict(&b, mark);
        struct tns_reader r;
        struct tns_item item;
        tns_reader_init(&r, slice_from(buf_slice(&b), 6));
        assert_int_equal(tns_read(&r, &item), TNS_ITEM);
        assert_int_equal(item.bytes.len, lens[i]);
        for (size_t n = 0; n < lens[i]; n++)
            assert_int_equal(item.bytes.ptr[n], 'a' + n % 26);
        assert_ptr_equal(r.at, r.end);
        assert_memory_equal(b.data, "before", 6);
        buf_fini(&b);
    }
}

static void test_writer_over_its_bound(void **state)
{
    (void)state;
    struct buf b = BUF_INIT;
    b.max = 70;
    size_t mark = tns_open(&b);
    for (int i = 0; i < 80; i++)
        tns_put_null(&b);
    tns_close_list(&b, mark);
    assert_true(b.failed);
    buf_fini(&b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_scalars),
        cmocka_unit_test(test_refused),
        cmocka_unit_test(test_golden),
        cmocka_unit_test(test_reader_walks_and_enters),
        cmocka_unit_test(test_pairs_refused),
        cmocka_unit_test(test_find_takes_the_last),
        cmocka_unit_test(test_tree),
        cmocka_unit_test(test_tree_copy_outlives_its_input),
        cmocka_unit_test(test_depth_is_bounded),
        cmocka_unit_test(test_cost_is_bounded),
        cmocka_unit_test(test_writer),
        cmocka_unit_test(test_writer_lengths),
        cmocka_unit_test(test_writer_over_its_bound),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
