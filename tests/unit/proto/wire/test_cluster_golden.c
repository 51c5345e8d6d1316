/* The exact bytes of the cluster protocol: what the golden files say is read and written so. */

#include "proto/wire/cluster_msg.h"
#include "proto/wire/cluster_reply.h"
#include "proto/wire/cluster_update.h"

#include "tests/support/golden.h"

enum { MAX = 100000 };

/* `[word, {args}]` from the case's fields, in their order. */
static struct slice message_of(struct golden_case *c, const char *word)
{
    struct buf b = BUF_INIT;
    struct slice name;
    assert_true(tns_get_string(&c->fields, word, &name));
    size_t list = tns_open(&b);
    tns_put_string(&b, name);
    tns_put_value(&b, tns_get(&c->fields, "args"));
    tns_close_list(&b, list);
    struct slice copy = arena_slice(&c->arena, buf_slice(&b));
    buf_fini(&b);
    return copy;
}

static void assert_bytes(struct slice got, struct slice expected)
{
    if (!slice_eq(got, expected))
        fail_msg("%.*s\nis not\n%.*s", SLICE_ARG(got), SLICE_ARG(expected));
}

static void check_request(struct golden_case *c)
{
    struct cluster_request r;
    struct buf again = BUF_INIT;
    struct error e;
    int result = cluster_request_decode(&r, c->frames[0], MAX, &c->arena, &e);
    if ((result != 0) != c->refused)
        fail_msg("%s", result != 0 ? e.text : "it was accepted");
    if (c->refused)
        return;
    cluster_request_encode(&again, &r);
    /* what the fields say, read and written, is the canonical form in any case */
    struct cluster_request meant;
    struct buf canonical = BUF_INIT;
    assert_int_equal(cluster_request_decode(&meant, message_of(c, "verb"), MAX, &c->arena, NULL),
                     0);
    cluster_request_encode(&canonical, &meant);
    assert_bytes(buf_slice(&again), buf_slice(&canonical));
    if (!c->decode_only)
        assert_bytes(buf_slice(&again), c->frames[0]);
    buf_fini(&again);
    buf_fini(&canonical);
}

static void check_update(struct golden_case *c)
{
    struct cluster_update u;
    struct buf again = BUF_INIT;
    struct error e;
    assert_int_equal(c->frame_count, 2);
    int result = cluster_update_decode(&u, c->frames[1], MAX, &c->arena, &e);
    if ((result != 0) != c->refused)
        fail_msg("%s", result != 0 ? e.text : "it was accepted");
    if (c->refused)
        return;
    assert_bytes(message_of(c, "kind"), c->frames[1]);
    cluster_update_encode(&again, &u);
    assert_bytes(buf_slice(&again), c->frames[1]);
    buf_fini(&again);
}

/* Writes the reply again with the writer that coordinators use. */
static void write_reply(struct buf *out, const struct cluster_reply *r)
{
    const char *headers[16];
    struct cluster_table_writer w;
    struct error e;
    char name[16][64], progress[64], leader[64];
    for (size_t i = 0; i < r->table.column_count; i++) {
        snprintf(name[i], sizeof name[i], "%.*s", SLICE_ARG(r->table.headers[i]));
        headers[i] = name[i];
    }
    headers[r->table.column_count] = NULL;
    snprintf(progress, sizeof progress, "%.*s", SLICE_ARG(r->progress));
    snprintf(leader, sizeof leader, "%.*s", SLICE_ARG(r->leader));
    if (r->kind == REPLY_ERROR)
        cluster_reply_error(r, &e);
    if (r->kind == REPLY_ERROR && r->table.column_count == 0) {
        cluster_error_put(out, r->seq, &e, leader);
        return;
    }
    if (r->kind == REPLY_ERROR)
        cluster_error_begin(&w, out, r->seq, &e, headers);
    else
        cluster_table_begin(&w, out, r->seq, progress[0] != '\0' ? progress : NULL, headers);
    for (size_t i = 0; i < r->table.row_count; i++) {
        cluster_row_begin(&w);
        for (size_t j = 0; j < r->table.column_count; j++)
            tns_put_value(out, &r->table.cells[i * r->table.column_count + j]);
        cluster_row_end(&w);
    }
    cluster_table_end(&w);
}

static void check_reply(struct golden_case *c)
{
    struct cluster_reply r;
    struct buf again = BUF_INIT;
    struct error e;
    int result = cluster_reply_decode(&r, c->frames[0], MAX, &c->arena, &e);
    if ((result != 0) != c->refused)
        fail_msg("%s", result != 0 ? e.text : "it was accepted");
    if (c->refused || c->decode_only)
        return;
    write_reply(&again, &r);
    assert_bytes(buf_slice(&again), c->frames[0]);
    buf_fini(&again);
}

static void test_requests(void **state)
{
    (void)state;
    golden_each("cluster_request.txt", check_request);
}

static void test_replies(void **state)
{
    (void)state;
    golden_each("cluster_reply.txt", check_reply);
}

static void test_updates(void **state)
{
    (void)state;
    golden_each("cluster_update.txt", check_update);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_requests),
        cmocka_unit_test(test_replies),
        cmocka_unit_test(test_updates),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
