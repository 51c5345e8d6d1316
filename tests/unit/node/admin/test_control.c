/* The control port, byte for byte as Mongrel2 answers where Mongrel2 has the verb. */
#include "node/admin/control.h"
#include "node/deliver/registry.h"
#include "node/worker.h"
#include "tests/unit/node/backend/backend_world.h"
#include "tests/unit/node/io/pair.h"

static struct pair p; /* the loop and one connection */
static struct worker worker;
static struct control *control;
static void *client;
static unsigned reloads, stops;
static bool reload_fails, reload_takes_a_while;
static control_done *reload_done;
static void *reload_arg;

static int on_reload(void *server, control_done *done, void *arg, struct error *e)
{
    (void)server;
    reloads++;
    reload_done = done;
    reload_arg = arg;
    if (reload_takes_a_while)
        return 1;
    return reload_fails ? error_set_object(e, ERROR_INVALID, "route /x", "It leads nowhere.") : 0;
}

static void on_stop(void *server)
{
    (void)server;
    stops++;
}

static void on_describe(void *server, const char **access_log, const char **pid_file,
                        unsigned *port, const char **bind_addr)
{
    (void)server;
    *access_log = ".//logs/access.log";
    *pid_file = "./run/mongrel2.pid";
    *port = 16000;
    *bind_addr = "127.0.0.1";
}

static const struct control_ops ops = {
    .reload = on_reload, .stop = on_stop, .describe = on_describe};

static void forget(struct conns *set, struct conn *c)
{
    (void)set;
    registry_remove(worker.registry, c);
}

static int set_up(void **state)
{
    (void)state;
    struct error e;
    pair_start(&p);
    world_start();
    memset(&worker, 0, sizeof worker);
    reloads = stops = 0;
    reload_fails = reload_takes_a_while = false;
    worker.loop = p.loop; /* only its ev and its time are used here */
    worker.backends = &world.backends;
    worker.zmq = world.zmq;
    list_init(&worker.conns.all);
    snprintf(worker.uuid, sizeof worker.uuid, "f400bf85-4538-4f7a-8908-67e313d515c2");
    worker.registry = registry_create(7, &e);
    registry_add(worker.registry, p.conn);
    p.conns.on_closed = forget;
    control = control_open(&worker, "inproc://control", &(struct link_security){.keys = NULL}, &ops,
                           &worker, &e);
    if (control == NULL)
        fail_msg("%s", e.text);
    client = zmq_socket(world.zmq, ZMQ_REQ);
    assert_int_equal(zmq_connect(client, "inproc://control"), 0);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    zmq_close(client);
    control_close(control);
    pair_stop(&p);
    registry_destroy(worker.registry);
    world_stop();
    return 0;
}

static const char *answer(void)
{
    const char *got = NULL;
    for (int i = 0; i < 2000 && got == NULL; i++) {
        pair_turn(&p);
        got = world_receive(client);
        if (got == NULL)
            poll(NULL, 0, 1);
    }
    assert_non_null(got);
    return got;
}

static const char *ask_bytes(const char *request, size_t len)
{
    assert_int_equal(zmq_send(client, request, len, 0), len);
    return answer();
}

static const char *ask(const char *request)
{
    return ask_bytes(request, strlen(request));
}

#define SIGNALLED "59:7:headers,6:3:msg,]4:rows,29:25:21:signal sent to server,]]}"
#define INVALID_REQUEST                                                                         \
    "101:4:code,15:INVALID_REQUEST,5:error,63:Invalid request format, must be a list with two " \
    "elements in it.,}"
#define INVALID_DATA                                                                           \
    "97:4:code,12:INVALID_DATA,5:error,62:Invalid data, expecting a list with a string and a " \
    "hash in it.,}"
#define NOT_FOUND        "74:4:code,18:CALLBACK_NOT_FOUND,5:error,33:Callback requested was not found.,}"
#define INVALID_ARGUMENT "61:4:code,16:INVALID_ARGUMENT,5:error,22:Invalid argument type.,}"

struct example {
    const char *request;
    const char *answer;
};

static const struct example examples[] = {
    {"10:4:uuid,0:}]", "75:7:headers,7:4:uuid,]4:rows,44:40:36:f400bf85-4538-4f7a-8908-"
                       "67e313d515c2,]]}"},
    {"10:4:time,0:}]", "49:7:headers,7:4:time,]4:rows,18:14:10:1700000000,]]}"},
    {"12:6:reload,0:}]", SIGNALLED},
    {"10:4:stop,0:}]", SIGNALLED},
    {"15:9:terminate,0:}]", SIGNALLED},
    {"10:4:info,0:}]",
     "236:7:headers,92:4:port,9:bind_addr,4:uuid,6:chroot,10:access_log,9:error_log,8:pid_file,"
     "16:default_hostname,]4:rows,118:113:5:16000#9:127.0.0.1,36:f400bf85-4538-4f7a-8908-"
     "67e313d515c2,0:,18:.//logs/access.log,0:,18:./run/mongrel2.pid,0:,]]}"},
    {"26:6:status,13:4:what,3:net,}]",
     "110:7:headers,86:2:id,2:fd,4:type,9:last_ping,9:last_read,10:last_write,10:bytes_read,13:"
     "bytes_written,]4:rows,0:]}"},
    {"19:4:kill,9:2:id,1:7#}]", "40:7:headers,9:6:status,]4:rows,8:5:2:OK,]]}"},
    {"19:4:kill,9:2:id,1:8#}]", INVALID_ARGUMENT},
    {"19:4:kill,9:2:id,1:7,}]", INVALID_ARGUMENT},
    {"10:4:kill,0:}]", INVALID_ARGUMENT},
    {"21:4:kill,10:2:id,2:-7#}]", INVALID_ARGUMENT},
    {"30:4:kill,19:2:id,10:4294967303#}]", INVALID_ARGUMENT}, /* 7 + 2^32 */
    {"12:6:status,0:}]", INVALID_ARGUMENT},
    {"26:6:status,13:4:what,3:foo,}]", "51:5:error,39:Expected argument what=['net'|'tasks'].,}"},
    {"12:6:nosuch,0:}]", NOT_FOUND},
    {"", INVALID_DATA},
    {"nonsense", INVALID_DATA},
    {"0:~", INVALID_DATA},
    {"4:help,", INVALID_REQUEST},
    {"0:]", INVALID_DATA},
    {"7:4:help,]", INVALID_DATA},
    {"10:4:help,0:]]", INVALID_DATA},
};

static void test_golden_answers(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof examples / sizeof examples[0]; i++) {
        const char *got = ask(examples[i].request);
        if (strcmp(got, examples[i].answer) != 0)
            fail_msg("%s\nexpected %s\ngot      %s", examples[i].request, examples[i].answer, got);
    }
    assert_int_equal(reloads, 1);
    assert_int_equal(stops, 2);
    pair_assert_calls(&p, "opened closed:killed ");
}

/* Upstream's verbs come first and in its order. */
static void test_help(void **state)
{
    (void)state;
    static const char *const names[] = {"4:stop,", "6:reload,", "4:help,",     "12:control_stop,",
                                        "4:kill,", "6:status,", "9:terminate,"};
    const char *at = ask("10:4:help,0:}]");
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        at = strstr(at, names[i]);
        if (at == NULL)
            fail_msg("%s is missing or out of order", names[i]);
    }
}

static void test_a_reload_that_fails_says_why(void **state)
{
    (void)state;
    reload_fails = true;
    assert_string_equal(ask("12:6:reload,0:}]"),
                        "56:4:code,7:INVALID,5:error,27:route /x: It leads nowhere.,}");
}

/* Requests wait behind an answer that takes a while; then they get theirs. */
static void test_a_reload_that_takes_a_while(void **state)
{
    (void)state;
    struct error e;
    reload_takes_a_while = true;
    for (int fails = 0; fails < 2; fails++) {
        zmq_send(client, "12:6:reload,0:}]", 16, 0);
        for (int i = 0; i < 20; i++) {
            pair_turn(&p);
            assert_null(world_receive(client));
        }
        error_set_object(&e, ERROR_INVALID, "route /x", "It leads nowhere.");
        reload_done(reload_arg, fails ? &e : NULL);
        assert_string_equal(answer(),
                            fails ? "56:4:code,7:INVALID,5:error,27:route /x: It leads nowhere.,}"
                                  : SIGNALLED);
        assert_string_equal(ask("12:6:nosuch,0:}]"), NOT_FOUND);
    }
    assert_int_equal(reloads, 2);
}

/* The coordinator is not kept waiting. */
static void test_a_long_reload_without_a_socket(void **state)
{
    (void)state;
    struct buf reply = BUF_INIT;
    reload_takes_a_while = true;
    control_answer(control, SLICE("12:6:reload,0:}]"), &reply);
    assert_string_equal(buf_str(&reply), SIGNALLED);
    assert_null(reload_done);
    buf_fini(&reply);
}

static void test_control_stop_answers_first(void **state)
{
    (void)state;
    assert_string_equal(ask("19:12:control_stop,0:}]"),
                        "63:7:headers,6:3:msg,]4:rows,33:29:25:stopping the control port,]]}");
    zmq_send(client, "10:4:uuid,0:}]", 14, 0);
    for (int i = 0; i < 20; i++) {
        pair_turn(&p);
        assert_null(world_receive(client));
    }
}

/* A list in a list in a list … must not grow the stack (S12). */
static void test_deep_nesting(void **state)
{
    (void)state;
    struct buf deep = BUF_INIT, outer = BUF_INIT;
    buf_append_str(&deep, "0:]");
    for (int i = 0; i < 3000; i++) {
        buf_clear(&outer);
        buf_printf(&outer, "%zu:", deep.len);
        buf_append_slice(&outer, buf_slice(&deep));
        buf_append_char(&outer, ']');
        struct buf swap = deep;
        deep = outer;
        outer = swap;
    }
    assert_non_null(strstr(ask_bytes(deep.data, deep.len), "code"));
    assert_string_equal(ask("12:6:nosuch,0:}]"), NOT_FOUND);
    buf_fini(&deep);
    buf_fini(&outer);
}

/* A request is one frame: of two none is carried out, and the next request is answered as ever. */
static void test_two_frames_are_no_request(void **state)
{
    (void)state;
    zmq_send(client, "10:4:stop,0:}]", 14, ZMQ_SNDMORE);
    assert_string_equal(ask("10:4:stop,0:}]"), INVALID_DATA);
    assert_int_equal(stops, 0);
    assert_string_equal(ask("12:6:nosuch,0:}]"), NOT_FOUND);
}

/* The same, handed on by the coordinator. */
static void test_answers_without_a_socket(void **state)
{
    (void)state;
    struct buf reply = BUF_INIT;
    control_answer(control, SLICE("12:6:nosuch,0:}]"), &reply);
    assert_string_equal(buf_str(&reply), NOT_FOUND);
    buf_clear(&reply);
    control_answer(control, SLICE("10:4:stop,0:}]"), &reply);
    assert_string_equal(buf_str(&reply), SIGNALLED);
    assert_int_equal(stops, 1);
    buf_fini(&reply);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_golden_answers),
        TEST(test_help),
        TEST(test_a_reload_that_fails_says_why),
        TEST(test_a_reload_that_takes_a_while),
        TEST(test_a_long_reload_without_a_socket),
        TEST(test_control_stop_answers_first),
        TEST(test_deep_nesting),
        TEST(test_two_frames_are_no_request),
        TEST(test_answers_without_a_socket),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
