#include "proto/handler/directory.h"

#include "proto/wire/cluster_msg.h"
#include "proto/wire/cluster_reply.h"
#include "proto/wire/cluster_update.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

struct world {
    struct directory d;
    struct buf said; /* "ask HOST VERB SEQ; ", "listen …", "found …" */
    struct buf events;
    uint64_t now_ms;
};

static void fake_ask(struct directory *d, const char *coordinator, struct slice message)
{
    struct world *w = d->arg;
    struct cluster_request r;
    struct arena a;
    struct error e;
    arena_init(&a, 0);
    assert_int_equal(cluster_request_decode(&r, message, 1 << 20, &a, &e), 0);
    buf_printf(&w->said, "ask %s %s %lld; ", coordinator, cluster_verb_name(r.verb),
               (long long)r.seq);
    arena_fini(&a);
}

static void fake_listen(struct directory *d, const char *endpoint, const char *topic)
{
    struct world *w = d->arg;
    buf_printf(&w->said, "listen %s %s; ", endpoint, topic);
}

static void fake_found(struct directory *d, const struct directory_node *nodes, size_t count)
{
    struct world *w = d->arg;
    buf_append_str(&w->said, "found");
    for (size_t i = 0; i < count; i++)
        buf_printf(&w->said, " %.*s", SLICE_ARG(nodes[i].endpoint));
    buf_append_str(&w->said, "; ");
}

static void fake_event(struct directory *d, const char *text)
{
    struct world *w = d->arg;
    buf_printf(&w->events, "%s\n", text);
}

static const struct directory_ops ops = {fake_ask, fake_listen, fake_found, fake_event};

static void begin(struct world *w, const char *coordinators)
{
    struct error e;
    memset(w, 0, sizeof *w);
    w->now_ms = 5000;
    assert_int_equal(directory_init(&w->d, &ops, w, "chat", coordinators, &e), 0);
    directory_tick(&w->d, w->now_ms);
}

static void end(struct world *w)
{
    directory_fini(&w->d);
    buf_fini(&w->said);
    buf_fini(&w->events);
}

#define expect(w, text)                                   \
    do {                                                  \
        assert_string_equal(buf_str(&(w)->said), (text)); \
        buf_clear(&(w)->said);                            \
    } while (0)

static void answer_hello(struct world *w, int64_t seq, const char *updates)
{
    static const char *const headers[] = {"cluster", "updates", NULL};
    struct cluster_table_writer t;
    struct buf out = BUF_INIT;
    cluster_table_begin(&t, &out, seq, NULL, headers);
    cluster_row_begin(&t);
    tns_put_str(&out, "");
    tns_put_str(&out, updates);
    cluster_row_end(&t);
    cluster_table_end(&t);
    directory_on_answer(&w->d, buf_slice(&out), w->now_ms);
    buf_fini(&out);
}

static const char *const pool_headers[] = {"pool", "node", "uuid", "endpoint", NULL};

static void put_nodes(struct cluster_table_writer *t, struct buf *out, const char *const *endpoints)
{
    for (; *endpoints != NULL; endpoints++) {
        cluster_row_begin(t);
        tns_put_str(out, "chat");
        tns_put_str(out, "web");
        tns_put_str(out, "34f9ceee-cd52-4b7f-b197-88bf2f0ec378");
        tns_put_str(out, *endpoints);
        cluster_row_end(t);
    }
}

static void answer_pools(struct world *w, int64_t seq, const char *const *endpoints)
{
    struct cluster_table_writer t;
    struct buf out = BUF_INIT;
    cluster_table_begin(&t, &out, seq, NULL, pool_headers);
    put_nodes(&t, &out, endpoints);
    cluster_table_end(&t);
    directory_on_answer(&w->d, buf_slice(&out), w->now_ms);
    buf_fini(&out);
}

/* `["pool", {"pool": POOL, "headers": […], "rows": […]}]` */
static void publish(struct world *w, const char *topic, const char *pool,
                    const char *const *endpoints)
{
    struct buf out = BUF_INIT;
    size_t list = tns_open(&out);
    tns_put_str(&out, "pool");
    size_t dict = tns_open(&out);
    tns_put_pair_str(&out, "pool", pool);
    tns_put_str(&out, "headers");
    size_t headers = tns_open(&out);
    for (int i = 0; pool_headers[i] != NULL; i++)
        tns_put_str(&out, pool_headers[i]);
    tns_close_list(&out, headers);
    tns_put_str(&out, "rows");
    struct cluster_table_writer t = {.out = &out};
    size_t rows = tns_open(&out);
    put_nodes(&t, &out, endpoints);
    tns_close_list(&out, rows);
    tns_close_dict(&out, dict);
    tns_close_list(&out, list);
    directory_on_update(&w->d, slice_str(topic), buf_slice(&out));
    buf_fini(&out);
}

static void test_asks_and_listens(void **state)
{
    (void)state;
    struct world w;
    begin(&w, "tcp://10.0.0.1:6780");
    expect(&w, "ask tcp://10.0.0.1:6780 hello 1; ask tcp://10.0.0.1:6780 pools 2; ");
    answer_hello(&w, 1, "tcp://0.0.0.0:6781"); /* its own host */
    expect(&w, "listen tcp://10.0.0.1:6781 pool.chat; ");
    answer_pools(&w, 2,
                 (const char *[]){"tcp://10.0.0.2:7001", "tcp://*:7002", "", "rubbish", NULL});
    expect(&w, "found tcp://10.0.0.2:7001 tcp://10.0.0.1:7002; ");
    directory_tick(&w.d, w.now_ms + DIRECTORY_REFRESH_MS - 1);
    expect(&w, "");
    directory_tick(&w.d, w.now_ms + DIRECTORY_REFRESH_MS);
    expect(&w, "ask tcp://10.0.0.1:6780 hello 3; ask tcp://10.0.0.1:6780 pools 4; ");
    answer_hello(&w, 3, "tcp://0.0.0.0:6781"); /* as before: stays subscribed */
    answer_pools(&w, 4, (const char *[]){NULL});
    expect(&w, "found; ");
    end(&w);
}

static void test_next_coordinator(void **state)
{
    (void)state;
    struct world w;
    begin(&w, "tcp://a:1, tcp://b:2");
    buf_clear(&w.said);
    answer_hello(&w, 1, "tcp://a:3"); /* but no answer to the other question */
    expect(&w, "listen tcp://a:3 pool.chat; ");
    w.now_ms += DIRECTORY_ANSWER_MS;
    directory_tick(&w.d, w.now_ms);
    expect(&w, "ask tcp://b:2 hello 3; ask tcp://b:2 pools 4; ");
    answer_pools(&w, 2, (const char *[]){"tcp://late:1", NULL}); /* an old question */
    expect(&w, "");
    w.now_ms += DIRECTORY_ANSWER_MS;
    directory_tick(&w.d, w.now_ms);
    expect(&w, "ask tcp://a:1 hello 5; ask tcp://a:1 pools 6; ");
    answer_pools(&w, 6, (const char *[]){"tcp://n:1", NULL});
    expect(&w, "found tcp://n:1; ");
    assert_string_equal(buf_str(&w.events),
                        "pool chat: coordinator tcp://a:1 does not answer\n"); /* once */
    end(&w);
}

static void test_updates(void **state)
{
    (void)state;
    struct world w;
    begin(&w, "tcp://a:1");
    buf_clear(&w.said);
    publish(&w, "pool.chat", "chat", (const char *[]){"tcp://n:1", "tcp://n:2", NULL});
    expect(&w, "found tcp://n:1 tcp://n:2; ");
    publish(&w, "pool.chatter", "chatter", (const char *[]){"tcp://n:3", NULL});
    publish(&w, "pool.chat", "chatter", (const char *[]){"tcp://n:3", NULL});
    directory_on_update(&w.d, SLICE("pool.chat"), SLICE("rubbish"));
    directory_on_update(&w.d, SLICE("pool.chat"), SLICE("13:4:beat,2:{},]"));
    expect(&w, "");
    end(&w);
}

static void test_refusals_and_rubbish(void **state)
{
    (void)state;
    struct world w;
    struct error why;
    struct buf out = BUF_INIT;
    begin(&w, "tcp://a:1");
    buf_clear(&w.said);
    error_set(&why, ERROR_DENIED, "Your key may not do that.");
    cluster_error_put(&out, 2, &why, NULL);
    directory_on_answer(&w.d, buf_slice(&out), w.now_ms);
    assert_string_equal(buf_str(&w.events),
                        "pool chat: coordinator tcp://a:1: Your key may not do that.\n");
    buf_clear(&w.events);
    directory_on_answer(&w.d, SLICE("rubbish"), w.now_ms);
    assert_non_null(strstr(buf_str(&w.events), "coordinator tcp://a:1: "));
    answer_hello(&w, 1, "");
    answer_hello(&w, 1, "nonsense");
    expect(&w, "");
    buf_fini(&out);
    end(&w);
}

static void test_lists_of_coordinators(void **state)
{
    (void)state;
    static const char *const wrong[] = {"", " , ", "10.0.0.1:6780", "tcp://a:1,b:2"};
    struct directory d;
    struct error e;
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        assert_int_equal(directory_init(&d, &ops, NULL, "chat", wrong[i], &e), -1);
        assert_int_equal(e.code, ERROR_USAGE);
        directory_fini(&d);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_asks_and_listens),
        cmocka_unit_test(test_next_coordinator),
        cmocka_unit_test(test_updates),
        cmocka_unit_test(test_refusals_and_rubbish),
        cmocka_unit_test(test_lists_of_coordinators),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
