#include "proto/base/clock.h"
#include "proto/model/canon.h"
#include "tests/unit/proto/model/fixture.h"

static void freeze(struct model *m)
{
    assert_int_equal(model_freeze(m, NULL), 0);
}

static struct buf encode(const struct model *m)
{
    struct buf out = BUF_INIT;
    struct error e = {0};
    if (canon_encode(m, &out, &e) < 0)
        fail_msg("%s", e.text);
    return out;
}

static void assert_same_bytes(struct model *a, struct model *b, bool same)
{
    freeze(a);
    freeze(b);
    struct buf x = encode(a), y = encode(b);
    if (slice_eq(buf_slice(&x), buf_slice(&y)) != same)
        fail_msg("%s\n%s", buf_str(&x), buf_str(&y));
    buf_fini(&x);
    buf_fini(&y);
    model_unref(a);
    model_unref(b);
}

static void the_bytes_are_these(void **state)
{
    (void)state;
    struct model *m = fixture_site_with_additions();
    freeze(m);
    struct buf out = encode(m);
    char path[300];
    snprintf(path, sizeof path, "%s/model/canonical.tns", M2_GOLDEN);
    if (getenv("M2_GOLDEN_WRITE") != NULL) {
        FILE *w = fopen(path, "w");
        fwrite(out.data, 1, out.len, w);
        fclose(w);
    }
    char golden[10000];
    FILE *f = fopen(path, "r");
    assert_non_null(f);
    size_t n = fread(golden, 1, sizeof golden, f);
    fclose(f);
    assert_int_equal(n, out.len);
    assert_memory_equal(golden, out.data, n);
    buf_fini(&out);
    model_unref(m);
}

static void what_is_encoded_is_decoded(void **state)
{
    (void)state;
    struct model *sites[] = {fixture_site(), fixture_site_with_additions(), model_create(NULL)};
    for (int i = 0; i < 3; i++) {
        freeze(sites[i]);
        struct buf out = encode(sites[i]);
        struct model *back = NULL;
        struct error e = {0};
        if (canon_decode(&back, buf_slice(&out), &e) < 0)
            fail_msg("%s", e.text);
        assert_true(model_is_frozen(back));
        struct buf again = encode(back);
        assert_true(slice_eq(buf_slice(&out), buf_slice(&again)));
        buf_fini(&again);
        buf_fini(&out);
        model_unref(back);
        model_unref(sites[i]);
    }
}

/* The site again, with other ids, other order where order means nothing, and duplicates. */
static struct model *site_in_other_words(void)
{
    struct model *m = model_create(NULL);
    fixture_row(m, TABLE_MIMETYPE, "extension=.html", "mimetype=text/html", NULL);
    fixture_row(m, TABLE_MIMETYPE, "extension=.html", "mimetype=text/html", NULL);
    fixture_row(m, TABLE_SETTING, "key=zeromq.threads", "value=9", NULL);
    fixture_row(m, TABLE_SETTING, "key=zeromq.threads", "value=1", NULL); /* the last counts */
    fixture_row(m, TABLE_HANDLER, "id=40", "send_spec=tcp://127.0.0.1:9997", "send_ident=ident",
                "recv_spec=tcp://127.0.0.1:9996", NULL);
    fixture_row(m, TABLE_HANDLER, "send_spec=tcp://127.0.0.1:9997", "send_ident=ident",
                "recv_spec=tcp://127.0.0.1:9996", NULL);
    fixture_row(m, TABLE_PROXY, "id=7", "addr=127.0.0.1", "port=8080", NULL);
    fixture_row(m, TABLE_DIRECTORY, "id=5", "base=static/", "index_file=index.html",
                "default_ctype=text/plain", "cache_ttl=30", NULL);
    fixture_server(m, "main", 6767);
    fixture_set(m, model_row_edit(m, TABLE_SERVER, 0), "id=12");
    fixture_row(m, TABLE_HOST, "id=3", "server_id=12", "name=a.test", "matching=a.test", NULL);
    fixture_row(m, TABLE_ROUTE, "path=/", "host_id=3", "target_id=5", "target_type=dir", NULL);
    fixture_row(m, TABLE_ROUTE, "path=/app/", "host_id=3", "target_id=7", "target_type=proxy",
                NULL);
    fixture_row(m, TABLE_ROUTE, "path=/echo", "host_id=3", "target_id=40", "target_type=handler",
                NULL);
    fixture_row(m, TABLE_ROUTE, "path=@echo", "host_id=3", "target_id=41", "target_type=handler",
                NULL);
    return m;
}

static void equal_configurations_are_equal_bytes(void **state)
{
    (void)state;
    assert_same_bytes(fixture_site(), site_in_other_words(), true);
}

static void what_means_something_shows(void **state)
{
    (void)state;
    static const struct {
        enum table_id table;
        size_t row;
        const char *word;
    } changes[] = {
        {TABLE_SERVER, 0, "port=6768"},      {TABLE_HOST, 0, "name=b.test"},
        {TABLE_HOST, 0, "matching=(.+)"},    {TABLE_ROUTE, 0, "path=/x"},
        {TABLE_ROUTE, 2, "target_type=dir"}, {TABLE_HANDLER, 0, "nul=0"},
        {TABLE_HANDLER, 0, "raw_payload=1"}, {TABLE_SETTING, 0, "value=2"},
        {TABLE_MIMETYPE, 0, "mimetype=a/b"}, {TABLE_SERVER, 0, "proxy_protocol=1"},
        {TABLE_HOST, 0, "maintenance=1"},
    };
    for (size_t i = 0; i < sizeof changes / sizeof *changes; i++) {
        struct model *m = fixture_site();
        fixture_set(m, model_row_edit(m, changes[i].table, changes[i].row), changes[i].word);
        assert_same_bytes(fixture_site(), m, false);
    }
    struct model *m = fixture_site(); /* the order of routes decides between equal prefixes */
    fixture_set(m, model_row_edit(m, TABLE_ROUTE, 2), "path=@echo");
    fixture_set(m, model_row_edit(m, TABLE_ROUTE, 3), "path=/echo");
    assert_same_bytes(fixture_site(), m, false);
}

static void unused_additions_do_not_show(void **state)
{
    (void)state;
    struct model *m = fixture_site();
    freeze(m);
    struct buf out = encode(m);
    assert_null(strstr(buf_str(&out), "redirect"));
    assert_null(strstr(buf_str(&out), "least_conn"));
    assert_null(strstr(buf_str(&out), "raw"));
    buf_fini(&out);
    model_unref(m);
}

static void broken_models_have_no_bytes(void **state)
{
    (void)state;
    static const struct {
        enum table_id table;
        const char *word;
        const char *says;
    } cases[] = {
        {TABLE_SERVER, "uuid=NULL", "Table server, row 1, column uuid holds no text"},
        {TABLE_SERVER, "port=NULL", "column port holds no number"},
        {TABLE_HOST, "server_id=2", "column server_id refers to a row that does not exist"},
        {TABLE_ROUTE, "host_id=0", "column host_id refers"},
        {TABLE_ROUTE, "target_id=2", "column target_id refers"},
        {TABLE_ROUTE, "target_type=Dir", "column target_type is no kind"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct model *m = fixture_site();
        fixture_set(m, model_row_edit(m, cases[i].table, 0), cases[i].word);
        freeze(m);
        struct buf out = BUF_INIT;
        struct error e = {0};
        assert_int_equal(canon_encode(m, &out, &e), -1);
        assert_int_equal(e.code, ERROR_INVALID);
        if (strstr(e.text, cases[i].says) == NULL)
            fail_msg("\"%s\" does not say \"%s\"", e.text, cases[i].says);
        buf_fini(&out);
        model_unref(m);
    }
}

static void other_bytes_are_refused(void **state)
{
    (void)state;
    static const char *const cases[] = {
        "",
        "0:]",
        "0:}x",
        "00:}",                                     /* another way to write a length */
        "22:7:setting,9:6:1:a,1:b,]]}",             /* lengths that do not fit */
        "13:7:setting,0:]}",                        /* an empty table */
        "18:5:wrong,7:4:1:a,]]}",                   /* an unknown table */
        "20:7:setting,7:4:1:a,]]}",                 /* too few values */
        "30:7:setting,16:12:1:a,1:b,1:c,]]}",       /* too many values */
        "25:7:setting,11:8:1:a,1:1#]]}",            /* wrong type */
        "36:7:setting,22:8:1:b,1:x,]8:1:a,1:x,]]}", /* out of order */
        "36:7:setting,22:8:1:a,1:x,]8:1:a,1:x,]]}", /* twice */
        "50:7:setting,11:8:1:b,1:x,]]7:setting,11:8:1:a,1:x,]]}",  /* a table twice */
        "51:8:mimetype,11:8:1:a,1:x,]]7:setting,11:8:1:a,1:x,]]}", /* tables out of order */
        "31:4:host,20:16:1:9#1:0#1:h,1:h,]]}",                     /* a reference to nothing */
        "36:8:redirect,21:17:4:/new,3:301#1:5#]]}",                /* more columns than known */
        "32:8:redirect,17:13:4:/new,3:301#]]}", /* a default that is not written */
        "17:7:setting,4:1:a,]}",                /* a row that is no list */
        "14:7:setting,1:a,}",                   /* a table that is no list */
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct model *m = NULL;
        struct error e = {0};
        if (canon_decode(&m, slice_str(cases[i]), &e) == 0)
            fail_msg("accepted: %s", cases[i]);
        assert_int_equal(e.code, ERROR_INVALID);
    }
    struct model *m = NULL;
    assert_int_equal(canon_decode(&m, SLICE("25:7:setting,11:8:1:a,1:x,]]}"), NULL), 0);
    model_unref(m);
    assert_int_equal(canon_decode(&m, SLICE("25:8:redirect,10:7:4:/new,]]}"), NULL), 0);
    assert_int_equal(row_int(model_row(m, TABLE_REDIRECT, 0), REDIRECT_STATUS), 301);
    model_unref(m);
}

static void the_hash_is_sha256(void **state)
{
    (void)state;
    char hex[CANON_HASH_LEN + 1];
    canon_hash(SLICE("abc"), hex);
    assert_string_equal(hex, "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
    canon_hash(SLICE_EMPTY, hex);
    assert_string_equal(hex, "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
}

static void a_hundred_thousand_routes_take_no_time(void **state)
{
    (void)state;
    struct model *m = fixture_site();
    char path[32];
    for (int i = 0; i < 100000; i++) {
        snprintf(path, sizeof path, "path=/r/%d", i);
        fixture_row(m, TABLE_ROUTE, path, "host_id=1", "target_id=1", "target_type=handler", NULL);
    }
    freeze(m);
    uint64_t before = clock_monotonic_ms();
    struct buf out = encode(m);
    char hex[CANON_HASH_LEN + 1];
    canon_hash(buf_slice(&out), hex);
    uint64_t encoded = clock_monotonic_ms();
    struct model *back = NULL;
    assert_int_equal(canon_decode(&back, buf_slice(&out), NULL), 0);
    uint64_t decoded = clock_monotonic_ms();
    print_message("%zu bytes, encode and hash %d ms, decode %d ms\n", out.len,
                  (int)(encoded - before), (int)(decoded - encoded));
    assert_true(decoded - before < 10000); /* far below that without sanitizers */
    assert_int_equal(model_count(back, TABLE_ROUTE), 100004);
    model_unref(back);
    model_unref(m);
    buf_fini(&out);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_bytes_are_these),
        cmocka_unit_test(what_is_encoded_is_decoded),
        cmocka_unit_test(equal_configurations_are_equal_bytes),
        cmocka_unit_test(what_means_something_shows),
        cmocka_unit_test(unused_additions_do_not_show),
        cmocka_unit_test(broken_models_have_no_bytes),
        cmocka_unit_test(other_bytes_are_refused),
        cmocka_unit_test(the_hash_is_sha256),
        cmocka_unit_test(a_hundred_thousand_routes_take_no_time),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
