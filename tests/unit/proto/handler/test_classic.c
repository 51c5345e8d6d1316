#include "proto/base/buf.h"
#include "tests/unit/proto/handler/peer.h"

#define NODE  "34f9ceee-cd52-4b7f-b197-88bf2f0ec378"
#define OTHER "54c6755b-9628-40a4-9a2d-cc82a816345e"

/* A server with a Handler: PUSH and SUB. */
struct server {
    void *context;
    void *push, *sub;
    char requests[ENDPOINT_LEN], replies[ENDPOINT_LEN];
    struct m2_handler *h;
};

static void begin(struct server *s, const char *subscribe)
{
    struct m2_error e;
    s->context = zmq_ctx_new();
    s->push = peer_bind(s->context, ZMQ_PUSH, s->requests);
    s->sub = peer_bind(s->context, ZMQ_SUB, s->replies);
    if (subscribe != NULL)
        zmq_setsockopt(s->sub, ZMQ_SUBSCRIBE, subscribe, strlen(subscribe));
    assert_int_equal(m2_classic_create(&s->h, "test", &e), 0);
    assert_int_equal(m2_classic_connect(s->h, s->requests, s->replies, &e), 0);
}

static void end(struct server *s)
{
    m2_handler_destroy(&s->h);
    zmq_close(s->push);
    zmq_close(s->sub);
    zmq_ctx_term(s->context);
}

static void push(struct server *s, const char *message)
{
    struct slice frame = slice_str(message);
    peer_send(s->push, &frame, 1);
}

static void expect_reply(struct server *s, const char *bytes)
{
    struct peer_message m;
    peer_recv(s->sub, s->h, &m);
    assert_int_equal(m.count, 1);
    if (!slice_eq(peer_frame(&m, 0), slice_str(bytes)))
        fail_msg("got %.*s", (int)m.lens[0], m.bytes[0]);
}

static const char get_headers[] =
    "{\"PATH\":\"/a\",\"x\":[\"1\",\"2\"],\"connection\":\"Keep-Alive, Close\",\"METHOD\":\"GET\","
    "\"VERSION\":\"HTTP/1.1\",\"URI\":\"/a?b\",\"QUERY\":\"b\",\"q\":\"\\\"\\u00e9\"}";

/* A request with JSON headers, or, when they begin otherwise, a tnetstring dict. */
static void push_from(struct server *s, const char *sender, unsigned id, const char *path,
                      const char *headers, const char *body)
{
    struct buf out = BUF_INIT;
    buf_printf(&out, "%s %u %s %zu:%s%c%zu:%s,", sender, id, path, strlen(headers), headers,
               headers[0] == '{' || headers[0] == 'm' ? ',' : '}', strlen(body), body);
    push(s, buf_str(&out));
    buf_fini(&out);
}

static void push_request(struct server *s, unsigned id, const char *path, const char *headers,
                         const char *body)
{
    push_from(s, NODE, id, path, headers, body);
}

static void push_get(struct server *s)
{
    push_request(s, 7, "/a", get_headers, "body");
}

/* ---- requests ------------------------------------------------------------------------------- */

static void test_request_and_reply(void **state)
{
    (void)state;
    struct server s;
    begin(&s, NODE);
    push_get(&s);
    struct m2_request *r = peer_request(s.h, s.sub);
    assert_true(peer_eq(m2_request_sender(r), NODE));
    assert_int_equal(m2_request_conn_id(r), 7);
    assert_true(peer_eq(m2_request_path(r), "/a"));
    assert_true(peer_eq(m2_request_body(r), "body"));
    assert_int_equal(m2_request_message(r).len,
                     strlen(NODE " 7 /a 132:") + strlen(get_headers) + strlen(",4:body,"));
    assert_true(peer_eq(m2_request_method(r), "GET"));
    assert_true(peer_eq(m2_request_header(r, "x"), "1"));
    assert_true(peer_eq(m2_request_header(r, "q"), "\"\xc3\xa9"));
    assert_null(m2_request_header(r, "X").ptr);
    assert_int_equal(m2_request_header_count(r), 9);
    struct m2_slice name, value;
    m2_request_header_at(r, 2, &name, &value);
    assert_true(peer_eq(name, "x") && peer_eq(value, "2"));
    m2_request_header_at(r, 9, &name, &value);
    assert_null(name.ptr);
    assert_true(m2_request_should_close(r));
    assert_false(m2_request_is_disconnect(r));
    assert_int_equal(m2_request_flags(r), 0);

    assert_int_equal(m2_reply(s.h, r, m2_text("hello"), NULL), 0);
    expect_reply(&s, NODE " 1:7, hello");
    assert_int_equal(m2_close(s.h, r, NULL), 0);
    expect_reply(&s, NODE " 1:7, ");
    m2_request_done(&r);
    assert_null(r);
    m2_request_done(&r);
    end(&s);
}

static void test_kinds_of_requests(void **state)
{
    (void)state;
    struct server s;
    struct m2_slice path;
    uint64_t n = 0;
    bool last = false;
    begin(&s, NODE);
    push_request(&s, 2, "@*", "{\"METHOD\":\"JSON\"}", "{\"type\":\"disconnect\"}");
    push_request(&s, 2, "@*", "16:DOWNLOAD_CREDITS,1:5,6:METHOD,4:JSON,", "{\"type\":\"credits\"}");
    push_request(&s, 2, "/w", "{\"METHOD\":\"WEBSOCKET\",\"FLAGS\":\"0x8A\"}", "");
    push_request(&s, 2, "/u", "{\"x-mongrel2-upload-start\":\"tmp/a\"}", "");
    push_request(&s, 2, "/u",
                 "{\"x-mongrel2-upload-start\":\"tmp/a\",\"x-mongrel2-upload-done\":\"tmp/a\"}",
                 "");
    push_request(&s, 2, "/u",
                 "{\"x-mongrel2-upload-start\":\"tmp/a\",\"x-mongrel2-upload-done\":\"tmp/b\"}",
                 "");
    push_request(&s, 2, "/u", "18:UPLOAD_STREAM_DONE,1:1,13:UPLOAD_STREAM,5:20480,", "x");
    push_request(&s, 2, "/b", "malformed", "");

    struct m2_request *r = peer_request(s.h, s.sub);
    assert_true(m2_request_is_disconnect(r));
    assert_false(m2_request_is_credits(r, &n));
    assert_int_equal(m2_reply(s.h, r, m2_text("nobody hears this"), NULL), 0);
    m2_request_done(&r);
    r = peer_request(s.h, s.sub);
    assert_true(m2_request_is_credits(r, &n) && n == 5);
    m2_request_done(&r);
    r = peer_request(s.h, s.sub);
    assert_int_equal(m2_request_flags(r), 0x8a);
    m2_request_done(&r);
    r = peer_request(s.h, s.sub);
    assert_true(m2_request_is_upload_start(r, &path) && peer_eq(path, "tmp/a"));
    assert_false(m2_request_is_upload_done(r, &path));
    m2_request_done(&r);
    r = peer_request(s.h, s.sub);
    assert_true(m2_request_is_upload_done(r, &path) && peer_eq(path, "tmp/a"));
    assert_false(m2_request_is_upload_start(r, &path));
    m2_request_done(&r);
    r = peer_request(s.h, s.sub);
    assert_false(m2_request_is_upload_done(r, &path));
    m2_request_done(&r);
    r = peer_request(s.h, s.sub);
    assert_true(m2_request_is_upload_piece(r, &n, &last) && n == 20480 && last);
    assert_true(peer_eq(m2_request_method(r), ""));
    m2_request_done(&r);
    r = peer_request(s.h, s.sub);
    assert_int_equal(m2_request_header_count(r), 0);
    m2_request_give_back(&r);
    end(&s);
}

static void test_malformed_are_counted(void **state)
{
    (void)state;
    struct server s;
    begin(&s, NODE);
    push(&s, "rubbish");
    push(&s, "");
    push_get(&s);
    struct m2_request *r = peer_request(s.h, s.sub);
    assert_int_equal(m2_request_conn_id(r), 7);
    assert_int_equal(m2_handler_malformed(s.h), 2);
    m2_request_done(&r);
    end(&s);
}

/* ---- subscriptions --------------------------------------------------------------------------- */

static void test_request_waits_for_the_subscription(void **state)
{
    (void)state;
    struct server s;
    struct m2_request *r;
    begin(&s, OTHER);
    push_get(&s);
    push_from(&s, OTHER, 1, "/b", "{}", "");
    r = peer_request(s.h, s.sub); /* whose node listens */
    assert_true(peer_eq(m2_request_path(r), "/b"));
    m2_request_done(&r);
    assert_int_equal(m2_recv(s.h, &r, 0, NULL), 0);
    struct m2_error e;
    uint32_t id = 7;
    assert_int_equal(m2_deliver(s.h, m2_text(NODE), &id, 1, m2_text("lost"), &e), -1);
    assert_int_equal(e.code, M2_ERROR_UNREACHABLE);
    zmq_setsockopt(s.sub, ZMQ_SUBSCRIBE, NODE, strlen(NODE));
    r = peer_request(s.h, s.sub);
    assert_int_equal(m2_reply(s.h, r, m2_text("kept"), NULL), 0);
    expect_reply(&s, NODE " 1:7, kept");
    m2_request_done(&r);
    end(&s);
}

static void test_request_waits_no_longer_than_a_second(void **state)
{
    (void)state;
    struct server s;
    struct m2_request *r;
    begin(&s, OTHER);
    push_get(&s);
    push_from(&s, OTHER, 1, "/b", "{}", "");
    r = peer_request(s.h, s.sub);
    m2_request_done(&r);
    clock_fake(clock_monotonic_us() + 2000000, clock_wall_ms());
    assert_int_equal(m2_recv(s.h, &r, 0, NULL), 1);
    clock_fake_stop();
    assert_true(peer_eq(m2_request_path(r), "/a"));
    m2_request_done(&r);
    end(&s);
}

static void test_subscription_to_everything(void **state)
{
    (void)state;
    struct server s;
    begin(&s, "");
    push_get(&s);
    struct m2_request *r = peer_request(s.h, s.sub);
    m2_reply(s.h, r, m2_text("x"), NULL);
    expect_reply(&s, NODE " 1:7, x");
    m2_request_done(&r);
    end(&s);
}

/* ---- replies --------------------------------------------------------------------------------- */

static struct m2_request *one_request(struct server *s, const char *headers, const char *body)
{
    begin(s, NODE);
    push_request(s, 7, "/a", headers, body);
    return peer_request(s->h, s->sub);
}

static void test_many_targets_are_split(void **state)
{
    (void)state;
    struct server s;
    struct m2_request *r = one_request(&s, get_headers, "");
    uint32_t ids[2 * M2_TARGETS_MAX + 3];
    size_t count = sizeof ids / sizeof ids[0];
    for (size_t i = 0; i < count; i++)
        ids[i] = (uint32_t)(1000 + i);
    assert_int_equal(m2_deliver(s.h, m2_text(NODE), ids, count, m2_text("all"), NULL), 0);
    for (size_t at = 0; at < count; at += M2_TARGETS_MAX) {
        struct buf list = BUF_INIT, want = BUF_INIT;
        for (size_t i = at; i < count && i < at + M2_TARGETS_MAX; i++)
            buf_printf(&list, i > at ? " %u" : "%u", ids[i]);
        buf_printf(&want, NODE " %zu:%s, all", list.len, buf_str(&list));
        expect_reply(&s, buf_str(&want));
        buf_fini(&list);
        buf_fini(&want);
    }
    assert_int_equal(m2_deliver(s.h, m2_text(NODE), ids, 0, m2_text("none"), NULL), 0);
    struct m2_error e;
    assert_int_equal(m2_deliver(s.h, m2_text("a b"), ids, 1, m2_text("x"), &e), -1);
    assert_int_equal(e.code, M2_ERROR_USAGE);
    m2_request_done(&r);
    end(&s);
}

static void test_http_responses(void **state)
{
    (void)state;
    struct server s;
    struct m2_request *r = one_request(&s, get_headers, "");
    struct m2_error e;
    const struct m2_header headers[] = {{"Content-Type", m2_text("text/plain")}};
    const struct m2_header broken[] = {{"X", m2_text("a\r\nb")}};
    const struct m2_header unnamed[] = {{"X: y", m2_text("")}};
    m2_reply_http(s.h, r, 200, "OK", headers, 1, m2_text("hi"), NULL);
    expect_reply(&s, NODE " 1:7, HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\n"
                          "Content-Length: 2\r\n\r\nhi");
    m2_reply_http(s.h, r, 204, "No Content", NULL, 0, m2_text(NULL), NULL);
    expect_reply(&s, NODE " 1:7, HTTP/1.1 204 No Content\r\n\r\n");
    assert_int_equal(m2_reply_http(s.h, r, 304, "", NULL, 0, m2_text("x"), &e), -1);
    assert_int_equal(m2_reply_http(s.h, r, 99, "", NULL, 0, m2_text(""), &e), -1);
    assert_int_equal(m2_reply_http(s.h, r, 200, "a\nb", NULL, 0, m2_text(""), &e), -1);
    assert_int_equal(m2_reply_http(s.h, r, 200, "", broken, 1, m2_text(""), &e), -1);
    assert_int_equal(m2_reply_http(s.h, r, 200, "", unnamed, 1, m2_text(""), &e), -1);
    assert_int_equal(e.code, M2_ERROR_USAGE);

    m2_reply_head(s.h, r, 200, "OK", headers, 1, NULL);
    expect_reply(&s, NODE " 1:7, HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\n"
                          "Transfer-Encoding: chunked\r\n\r\n");
    m2_reply_chunk(s.h, r, m2_text("0123456789abcdef"), NULL);
    expect_reply(&s, NODE " 1:7, 10\r\n0123456789abcdef\r\n");
    m2_reply_chunk(s.h, r, m2_text(""), NULL); /* nothing */
    m2_reply_end(s.h, r, NULL);
    expect_reply(&s, NODE " 1:7, 0\r\n\r\n");
    uint32_t ids[] = {1, 2};
    m2_deliver_chunk(s.h, m2_text(NODE), ids, 2, m2_text("x"), NULL);
    expect_reply(&s, NODE " 3:1 2, 1\r\nx\r\n");
    m2_request_done(&r);
    end(&s);
}

static void test_head_and_http_1_0(void **state)
{
    (void)state;
    struct server s;
    struct m2_request *r = one_request(&s, "{\"METHOD\":\"HEAD\",\"VERSION\":\"HTTP/1.1\"}", "");
    m2_reply_http(s.h, r, 200, "OK", NULL, 0, m2_text("hidden"), NULL);
    expect_reply(&s, NODE " 1:7, HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\n");
    m2_reply_chunk(s.h, r, m2_text("hidden"), NULL);
    m2_reply_end(s.h, r, NULL);
    assert_false(m2_request_should_close(r));
    m2_request_done(&r);

    push_request(&s, 8, "/", "{\"METHOD\":\"GET\",\"VERSION\":\"HTTP/1.0\"}", "");
    r = peer_request(s.h, s.sub);
    assert_true(m2_request_should_close(r));
    m2_reply_head(s.h, r, 200, "OK", NULL, 0, NULL);
    expect_reply(&s, NODE " 1:8, HTTP/1.1 200 OK\r\n\r\n");
    m2_reply_chunk(s.h, r, m2_text("plain"), NULL);
    expect_reply(&s, NODE " 1:8, plain");
    m2_reply_end(s.h, r, NULL);
    expect_reply(&s, NODE " 1:8, ");
    m2_request_done(&r);
    end(&s);
}

static void test_websockets(void **state)
{
    (void)state;
    struct server s;
    struct m2_request *r = one_request(&s, "{\"METHOD\":\"WEBSOCKET_HANDSHAKE\"}",
                                       "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=");
    struct m2_error e;
    struct peer_message m;
    static char long_text[70000];
    m2_reply_handshake(s.h, r, NULL);
    expect_reply(&s, NODE " 1:7, HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\n"
                          "Connection: Upgrade\r\n"
                          "Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n\r\n");
    m2_reply_frame(s.h, r, 0x81, m2_text("hi"), NULL);
    expect_reply(&s, NODE " 1:7, \x81\x02hi");
    m2_reply_frame(s.h, r, 0x82, m2_bytes(long_text, 126), NULL);
    peer_recv(s.sub, s.h, &m);
    assert_memory_equal(m.bytes[0], NODE " 1:7, \x82\x7e\x00\x7e", strlen(NODE) + 10);
    assert_int_equal(m.lens[0], strlen(NODE) + 6 + 4 + 126);
    assert_int_equal(m2_reply_frame(s.h, r, 0x89, m2_bytes(long_text, 126), &e), -1);
    assert_int_equal(m2_reply_frame(s.h, r, 0x100, m2_text(""), &e), -1);
    uint32_t ids[] = {1, 2};
    m2_deliver_frame(s.h, m2_text(NODE), ids, 2, 0x88, m2_text(""), NULL);
    peer_recv(s.sub, s.h, &m);
    assert_memory_equal(m.bytes[0], NODE " 3:1 2, \x88\x00", strlen(NODE) + 10);
    m2_request_done(&r);
    end(&s);
}

static void test_extended_replies(void **state)
{
    (void)state;
    struct server s;
    struct m2_request *r = one_request(&s, get_headers, "");
    struct m2_slice node = m2_text(NODE);
    struct m2_error e;
    uint32_t ids[] = {7, 9};
    m2_keep_alive(s.h, node, ids, 1, NULL);
    expect_reply(&s, NODE " 3:X 7, 31:3:ctl,21:10:keep-alive,4:true!}]");
    m2_credits(s.h, node, 8, 100, NULL);
    expect_reply(&s, NODE " 3:X 8, 26:3:ctl,16:7:credits,3:100#}]");
    m2_cancel(s.h, node, ids, 2, NULL);
    expect_reply(&s, NODE " 5:X 7 9, 26:3:ctl,16:6:cancel,4:true!}]");
    m2_sendfile(s.h, node, ids, 1, "f.txt", NULL);
    expect_reply(&s, NODE " 3:X 7, 19:8:sendfile,5:f.txt,]");
    m2_ws_send(s.h, node, ids, 1, false, m2_text("hi"), NULL);
    expect_reply(&s, NODE " 3:X 7, 21:2:ws,12:4:text,2:hi,}]");
    m2_ws_close(s.h, node, ids, 1, 1000, NULL, NULL);
    expect_reply(&s, NODE " 3:X 7, 24:2:ws,15:5:close,4:1000#}]");
    m2_extended(s.h, node, ids, 1, "other", m2_text("1:1#"), NULL);
    expect_reply(&s, NODE " 3:X 7, 12:5:other,1:1#]");
    m2_channel_join(s.h, node, ids, 2, "lobby", NULL);
    expect_reply(&s, NODE " 5:X 7 9, 29:7:channel,15:4:join,5:lobby,}]");
    m2_channel_leave(s.h, node, ids, 1, "lobby", NULL);
    expect_reply(&s, NODE " 3:X 7, 30:7:channel,16:5:leave,5:lobby,}]");
    m2_channel_send(s.h, node, "lobby", m2_text("x"), M2_CHANNEL_TEXT | M2_CHANNEL_CHUNK, NULL);
    expect_reply(&s, NODE
                 " 1:X, 67:7:channel,53:4:send,5:lobby,4:data,1:x,5:frame,4:text,5:chunk,1:1#}]");
    m2_channel_send(s.h, m2_text(NULL), "lobby", m2_text("x"), 0, NULL); /* to all that listen */
    expect_reply(&s, NODE " 1:X, 40:7:channel,26:4:send,5:lobby,4:data,1:x,}]");

    assert_int_equal(m2_keep_alive(s.h, node, ids, 0, &e), 0); /* none is none */
    assert_int_equal(m2_sendfile(s.h, node, ids, 1, "", &e), -1);
    assert_int_equal(m2_ws_close(s.h, node, ids, 1, 999, "", &e), -1);
    assert_int_equal(m2_extended(s.h, node, ids, 1, "other", m2_text("rubbish"), &e), -1);
    assert_int_equal(m2_channel_join(s.h, node, ids, 1, "", &e), -1);
    assert_int_equal(e.code, M2_ERROR_USAGE);
    struct m2_request *none;
    assert_int_equal(m2_recv(s.h, &none, 0, NULL), 0);
    m2_request_done(&r);
    end(&s);
}

/* ---- connecting and waiting ------------------------------------------------------------------ */

static void test_connecting(void **state)
{
    (void)state;
    struct server s;
    struct m2_error e;
    begin(&s, NODE);
    assert_int_equal(m2_classic_connect(s.h, "nonsense", s.replies, &e), -1);
    assert_int_equal(e.code, M2_ERROR_USAGE);
    assert_int_equal(m2_classic_connect(s.h, s.requests, NULL, &e), -1);
    assert_int_equal(m2_classic_disconnect(s.h, s.requests, s.replies, &e), 0);
    assert_int_equal(m2_classic_disconnect(s.h, s.requests, s.replies, &e), -1);
    assert_int_equal(m2_worker_add_node(s.h, "tcp://127.0.0.1:1", &e), -1);
    assert_int_equal(m2_worker_joined(s.h), 0);
    end(&s);
}

static void test_wake_and_fd(void **state)
{
    (void)state;
    struct server s;
    struct m2_request *r;
    begin(&s, NODE);
    m2_wake(s.h);
    assert_int_equal(m2_recv(s.h, &r, -1, NULL), 0); /* returns */
    push_get(&s);
    uint64_t until_ms = clock_monotonic_ms() + PATIENCE_MS;
    int got = 0;
    while (got == 0 && clock_monotonic_ms() < until_ms) { /* a loop as a program would have it */
        zmq_pollitem_t item = {.fd = m2_fd(s.h), .events = ZMQ_POLLIN};
        int wait_ms = m2_wait_ms(s.h);
        zmq_poll(&item, 1, wait_ms < PATIENCE_MS ? wait_ms : PATIENCE_MS);
        got = m2_recv(s.h, &r, 0, NULL);
    }
    assert_int_equal(got, 1);
    m2_request_done(&r);
    end(&s);
}

/* What stands between handlers and nodes passes on whole messages, and learns whom they concern. */
static void test_messages_are_passed_on(void **state)
{
    (void)state;
    static const char *const good[] = {NODE " 3:7 9, hello", NODE " 5:X 007, 4:ctl,",
                                       OTHER " 1:X, 0:]", NODE " 1:7, "};
    static const char *const bad[] = {"", "x", NODE " 7:7, x", NODE " 1:x, x", NODE " 0:, x"};
    struct server s;
    struct m2_error e;
    struct m2_reply_head head;
    struct m2_request *r;
    uint32_t id;
    begin(&s, "");
    push(&s, NODE " 7 /a 2:{},0:,");
    r = peer_request(s.h, s.sub); /* once it is here, so is the subscription */
    m2_request_done(&r);
    for (size_t i = 0; i < sizeof good / sizeof *good; i++) {
        if (m2_forward(s.h, m2_text(good[i]), &head, &e) != 0)
            fail_msg("%s: %s", good[i], e.text);
        expect_reply(&s, good[i]);
        assert_true(m2_equal(head.node, i == 2 ? OTHER : NODE));
        assert_int_equal(m2_reply_next_id(&head, &id), i != 2);
        assert_true(i == 2 || id == 7);
        assert_int_equal(m2_reply_next_id(&head, &id), i == 0);
        assert_true(i != 0 || (id == 9 && !m2_reply_next_id(&head, &id)));
    }
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        assert_int_equal(m2_forward(s.h, m2_text(bad[i]), &head, &e), -1);
        assert_int_equal(e.code, M2_ERROR_USAGE);
        assert_false(m2_reply_next_id(&head, &id));
    }
    assert_int_equal(m2_forward(s.h, m2_text(good[0]), NULL, NULL), 0);
    end(&s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_messages_are_passed_on),
        cmocka_unit_test(test_request_and_reply),
        cmocka_unit_test(test_kinds_of_requests),
        cmocka_unit_test(test_malformed_are_counted),
        cmocka_unit_test(test_request_waits_for_the_subscription),
        cmocka_unit_test(test_request_waits_no_longer_than_a_second),
        cmocka_unit_test(test_subscription_to_everything),
        cmocka_unit_test(test_many_targets_are_split),
        cmocka_unit_test(test_http_responses),
        cmocka_unit_test(test_head_and_http_1_0),
        cmocka_unit_test(test_websockets),
        cmocka_unit_test(test_extended_replies),
        cmocka_unit_test(test_connecting),
        cmocka_unit_test(test_wake_and_fd),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
