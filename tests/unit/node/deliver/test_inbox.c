/* Reply messages to connections: whom they reach, what is shared, what is dropped. */
#include "node/deliver/inbox.h"
#include "tests/unit/node/io/pair.h"

#define NODE    "11111111-2222-4333-8444-555555555555"
#define CLUSTER "99999999-2222-4333-8444-555555555555"
#define LARGE   5000

static struct pair p;
static struct registry *registry;
static struct channels channels;
static struct counters counters;
static struct inbox inbox;
static struct buf unknown_ids; /* "7 9 " */
static struct buf pushed;      /* what the session was given */
static unsigned shared_pushes;

static void on_push(struct conn *c, struct push *from)
{
    struct slice bytes = from->bytes;
    struct payload *payload = from->payload;
    buf_printf(&pushed, "%u:%.*s ", c->id, bytes.len > 20 ? 5 : (int)bytes.len, bytes.ptr);
    if (payload == NULL)
        return;
    shared_pushes++;
    conn_write_payload(c, payload, (size_t)(bytes.ptr - payload->bytes), bytes.len);
}

static struct session_ops session;

static void on_unknown(void *sender, uint32_t id)
{
    assert_ptr_equal(sender, &inbox);
    buf_printf(&unknown_ids, "%u ", id);
}

static int set_up(void **state)
{
    (void)state;
    struct error e;
    pair_start(&p);
    session = pair_session;
    session.push = on_push;
    p.conn->session = &session;
    registry = registry_create(7, &e);
    registry_add(registry, p.conn);
    memset(&counters, 0, sizeof counters);
    channels_init(&channels);
    inbox = (struct inbox){
        .registry = registry, .channels = &channels, .counters = &counters, .max_targets = 4};
    unknown_ids = pushed = (struct buf)BUF_INIT;
    shared_pushes = 0;
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    if (p.conn != NULL) {
        registry_remove(registry, p.conn);
        channels_leave_all(&channels, p.conn);
    }
    channels_fini(&channels);
    pair_stop(&p);
    registry_destroy(registry);
    buf_fini(&unknown_ids);
    buf_fini(&pushed);
    return 0;
}

static bool take_bytes(struct slice bytes)
{
    zmq_msg_t m;
    assert_int_equal(zmq_msg_init_size(&m, bytes.len), 0);
    if (bytes.len > 0)
        memcpy(zmq_msg_data(&m), bytes.ptr, bytes.len);
    struct inbox_sender from = {.name = "test", .unknown = on_unknown, .arg = &inbox};
    bool fine = inbox_take(&inbox, &m, &from);
    zmq_msg_close(&m);
    return fine;
}

static bool take(const char *text)
{
    return take_bytes(slice_str(text));
}

static void assert_pushed(const char *expected)
{
    assert_string_equal(buf_str(&pushed), expected);
    buf_clear(&pushed);
}

static void test_replies_reach_who_they_name(void **state)
{
    (void)state;
    assert_true(take("node 1:7, hello"));
    assert_true(take("other 3:7 7, twice"));
    assert_true(take("node 1:7, ")); /* closes: the session's business */
    assert_pushed("7:hello 7:twice 7:twice 7: ");
    assert_int_equal(counters.handler_deliveries, 4);
    assert_int_equal(counters.handler_replies, 3);
    assert_string_equal(buf_str(&unknown_ids), "");
}

static void test_unknown_listeners_are_told(void **state)
{
    (void)state;
    assert_true(take("node 7:8 7 123, x"));
    assert_pushed("7:x ");
    assert_string_equal(buf_str(&unknown_ids), "8 123 ");
    assert_int_equal(counters.handler_unknown_targets, 2);
    conn_close(p.conn, CONN_KILLED); /* one that is going is gone */
    assert_true(take("node 1:7, x"));
    assert_string_equal(buf_str(&unknown_ids), "8 123 7 ");
}

static void test_malformed_messages_are_dropped(void **state)
{
    (void)state;
    static const char *const examples[] = {
        "",
        "node",
        "node ",
        "node x:7, hello",
        "node 1:7",
        "node 1:7,",
        "node 1:7,hello",
        "node 2:7, hello",
        "node 1:x, hello",
        "node 2:-1, hello",
        "node 10:4294967296, hello",
        "node 9:1 2 3 4 5, hello", /* more than allowed */
        "node 0:, hello",
        "node 99999999999999999999:7, hello",
        " 1:7, hello",
        "no/de 1:7, hello",
        "node 3:X 7, nonsense",
        "node 3:X 7, 3:foo,",
        "node 3:X 7, 6:3:ctl,]",
    };
    for (size_t i = 0; i < sizeof examples / sizeof examples[0]; i++) {
        if (take(examples[i]))
            fail_msg("taken: '%s'", examples[i]);
        assert_int_equal(counters.handler_replies_bad, i + 1);
    }
    assert_pushed("");
    assert_int_equal(p.conn->reason, CONN_OPEN);
    assert_true(take("node 1:7, hello")); /* nothing of it stays behind */
    assert_pushed("7:hello ");
}

/* In a cluster ids count within a node. */
static void test_only_what_names_this_node_or_the_cluster(void **state)
{
    (void)state;
    inbox.node = NODE;
    inbox.cluster = "";
    assert_true(take(NODE " 1:7, own"));
    assert_false(take(CLUSTER " 1:7, not known yet"));
    inbox.cluster = CLUSTER;
    assert_false(take(CLUSTER " 1:7, whose 7?"));
    assert_false(take(CLUSTER " 3:X 7, 28:7:channel,14:4:join,4:hall,}]"));
    assert_false(take(NODE "0 1:7, longer"));
    assert_false(take("22222222-2222-4333-8444-555555555555 1:7, other"));
    assert_pushed("7:own ");
}

/* A long payload is stored once: the ZeroMQ message itself, until the last byte is written. */
static void test_long_payloads_are_shared(void **state)
{
    (void)state;
    struct buf message = BUF_INIT, got = BUF_INIT;
    buf_append_str(&message, "node 5:7 7 7, ");
    for (int i = 0; i < LARGE; i++)
        buf_append_char(&message, (char)('a' + i % 26));
    size_t head = message.len - LARGE;
    assert_true(take_bytes(buf_slice(&message)));
    assert_int_equal(shared_pushes, 3);
    pair_turn(&p);
    assert_int_equal(pair_read(&p, &got, 4 * LARGE, NULL), 3 * LARGE);
    for (int i = 0; i < 3; i++)
        assert_memory_equal(got.data + i * LARGE, message.data + head, LARGE);
    take_bytes(buf_slice(&message)); /* and dropped with the connection */
    conn_close(p.conn, CONN_KILLED);
    buf_fini(&message);
    buf_fini(&got);
}

static void test_extended_replies(void **state)
{
    (void)state;
    p.conn->last_ping_s = 1;
    assert_true(take("node 3:X 7, 31:3:ctl,21:10:keep-alive,4:true!}]"));
    assert_int_not_equal(p.conn->last_ping_s, 1);
    assert_int_equal(p.conn->reason, CONN_OPEN);
    assert_true(take("node 3:X 7, 26:3:ctl,16:6:cancel,4:true!}]"));
    assert_int_equal(p.conn->reason, CONN_HANDLER_CLOSED);
    assert_true(p.conn->handler_closed); /* it need not be told */
    pair_turn(&p);
}

static enum push_form form;

static enum push_form on_form(const struct conn *c, bool frame, bool chunk)
{
    assert_ptr_equal(c, p.conn);
    buf_printf(&pushed, "%s%s?", frame ? "frame" : "", chunk ? "chunk" : "");
    return form;
}

/* A send: the pairs of its value. */
static void take_send(const char *sender, const char *pairs)
{
    struct buf list = BUF_INIT, message = BUF_INIT;
    buf_printf(&list, "7:channel,%zu:%s}", strlen(pairs), pairs);
    buf_printf(&message, "%s 1:X, %zu:%s]", sender, list.len, buf_str(&list));
    assert_true(take_bytes(buf_slice(&message)));
    buf_fini(&list);
    buf_fini(&message);
}

static void test_channels(void **state)
{
    (void)state;
    take_send("node", "4:send,4:hall,4:data,5:hello,"); /* nobody is in it */
    assert_true(take("node 3:X 7, 28:7:channel,14:4:join,4:hall,}]"));
    assert_true(take("node 3:X 9, 28:7:channel,14:4:join,4:hall,}]"));
    assert_string_equal(buf_str(&unknown_ids), "9 ");
    take_send("node", "4:send,4:hall,4:data,5:hello,");
    take_send("node", "4:send,4:hall,4:data,0:,"); /* nothing: not a close */
    take_send("node", "4:send,5:other,4:data,5:hello,");
    assert_pushed("7:hello ");
    assert_int_equal(counters.channel_sends, 4);
    assert_true(take("node 3:X 7, 29:7:channel,15:5:leave,4:hall,}]"));
    take_send("node", "4:send,4:hall,4:data,5:hello,");
    assert_pushed("");
    inbox.node = NODE;
    inbox.cluster = CLUSTER;
    assert_true(take(NODE " 3:X 7, 28:7:channel,14:4:join,4:hall,}]"));
    take_send(CLUSTER, "4:send,4:hall,4:data,3:all,");
    take_send(NODE, "4:send,4:hall,4:data,3:own,");
    assert_pushed("7:all 7:own ");
    conn_close(p.conn, CONN_KILLED); /* one that is going is skipped */
    take_send(CLUSTER, "4:send,4:hall,4:data,3:all,");
    assert_pushed("");
}

/* Each in the form that its protocol needs. */
static void test_forms_of_what_is_sent(void **state)
{
    (void)state;
    session.form = on_form;
    assert_true(take("node 3:X 7, 28:7:channel,14:4:join,4:hall,}]"));
    form = FORM_NONE;
    take_send("node", "4:send,4:hall,4:data,5:hello,");
    assert_pushed("?");
    form = FORM_FRAME;
    take_send("node", "4:send,4:hall,4:data,5:hello,5:frame,4:text,");
    assert_pushed("frame?7:\x81\x05hello ");
    take_send("node", "4:send,4:hall,4:data,5:hello,5:frame,6:binary,");
    assert_pushed("frame?7:\x82\x05hello ");
    form = FORM_CHUNK;
    take_send("node", "4:send,4:hall,4:data,5:hello,5:chunk,1:1#");
    assert_pushed("chunk?7:5\r\nhello\r\n ");
    take_send("node", "4:send,4:hall,4:data,0:,5:chunk,1:1#"); /* would end the response */
    assert_pushed("chunk?");
    form = FORM_MESSAGE;
    take_send("node", "4:send,4:hall,4:data,5:hello,5:frame,4:text,");
    assert_pushed("frame?7:hello ");
    assert_int_equal(shared_pushes, 0);
}

static void test_unknown_key_closes(void **state)
{
    (void)state;
    assert_true(take("node 3:X 7, 13:6:nosuch,1:x,]"));
    assert_int_not_equal(p.conn->reason, CONN_OPEN);
    pair_turn(&p);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_replies_reach_who_they_name),
        TEST(test_unknown_listeners_are_told),
        TEST(test_malformed_messages_are_dropped),
        TEST(test_only_what_names_this_node_or_the_cluster),
        TEST(test_long_payloads_are_shared),
        TEST(test_extended_replies),
        TEST(test_unknown_key_closes),
        TEST(test_channels),
        TEST(test_forms_of_what_is_sent),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
