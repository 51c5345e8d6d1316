#include "proto/handler/member.h"

#include "proto/base/buf.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#define UUID_A  "aaaaaaaa-0000-4000-8000-00000000000a"
#define UUID_B  "bbbbbbbb-0000-4000-8000-00000000000b"
#define CLUSTER "cccccccc-0000-4000-8000-00000000000c"
#define WORKER  "dddddddd-0000-4000-8000-00000000000d"
#define BEAT_MS 100

/* ---- a transport that writes down what it is told ------------------------------------------ */

#define PLACES 64

struct world {
    struct member member;
    struct buf said; /* "A READY; A CREDIT 2; " */
    struct buf events;
    struct member_place places[PLACES];
    char held_back; /* sends to this endpoint fail */
    bool refuse_requests;
    uint64_t now_ms;
};

static struct world *world_of(struct member_node *n)
{
    return n->member->arg;
}

static int fake_open(struct member_node *n)
{
    buf_printf(&world_of(n)->said, "open %s; ", n->endpoint);
    return n->endpoint[0] == 'X' ? -1 : 0;
}

static void fake_close(struct member_node *n)
{
    buf_printf(&world_of(n)->said, "close %s; ", n->endpoint);
}

static bool fake_send(struct member_node *n, const struct pool_frame *f)
{
    struct buf *out = &world_of(n)->said;
    if (world_of(n)->held_back == n->endpoint[0])
        return false;
    buf_printf(out, "%s %s", n->endpoint, pool_frame_name(f->type));
    if (f->type == POOL_CREDIT)
        buf_printf(out, " %u", f->credit.count);
    if (f->type == POOL_RETURN)
        buf_printf(out, " %.*s", SLICE_ARG(f->returned.id));
    buf_append_str(out, "; ");
    return true;
}

/* The id of a request is the number of its place here. */
static bool fake_deliver(struct member_node *n, const struct pool_frame *f, bool is_counted)
{
    struct world *w = world_of(n);
    if (w->refuse_requests)
        return false;
    struct member_place *place = &w->places[atoi(f->request.id.ptr)];
    buf_printf(&w->said, "%s gets %.*s; ", n->endpoint, SLICE_ARG(f->request.id));
    member_occupy(n, place, f->request.id, is_counted);
    return true;
}

static void fake_event(struct member *m, const char *text)
{
    struct world *w = m->arg;
    buf_printf(&w->events, "%s\n", text);
}

static const struct member_ops ops = {fake_open, fake_close, fake_send, fake_deliver, fake_event};

static void begin(struct world *w, uint32_t capacity)
{
    memset(w, 0, sizeof *w);
    for (int i = 0; i < PLACES; i++)
        list_init(&w->places[i].link);
    w->now_ms = 1000;
    member_init(&w->member, &ops, w, "chat", "chat-1", WORKER, capacity);
}

static void end(struct world *w)
{
    member_fini(&w->member);
    buf_fini(&w->said);
    buf_fini(&w->events);
}

/* What was said since the last look. */
#define expect(w, text)                                   \
    do {                                                  \
        assert_string_equal(buf_str(&(w)->said), (text)); \
        buf_clear(&(w)->said);                            \
    } while (0)

static struct member_node *node(struct world *w, const char *endpoint)
{
    list_for_each (it, &w->member.nodes) {
        struct member_node *n = container_of(it, struct member_node, link);
        if (strcmp(n->endpoint, endpoint) == 0)
            return n;
    }
    return NULL;
}

static void hear(struct world *w, const char *endpoint, const struct pool_frame *f)
{
    member_on_frame(node(w, endpoint), f, w->now_ms);
}

static void hear_welcome(struct world *w, const char *endpoint, const char *uuid)
{
    struct pool_frame f = {.type = POOL_WELCOME,
                           .welcome = {slice_str(uuid), SLICE(CLUSTER), BEAT_MS}};
    hear(w, endpoint, &f);
}

static void hear_request(struct world *w, const char *endpoint, const char *id)
{
    struct pool_frame f = {.type = POOL_REQUEST,
                           .request = {slice_str(id), SLICE(UUID_A " 1 / 2:{},0:,")}};
    hear(w, endpoint, &f);
}

static void hear_want(struct world *w, const char *endpoint, uint32_t count)
{
    struct pool_frame f = {.type = POOL_WANT, .want.count = count};
    hear(w, endpoint, &f);
}

static void hear_refused(struct world *w, const char *endpoint)
{
    struct pool_frame f = {.type = POOL_REFUSED, .refused.error = SLICE("No such pool.")};
    hear(w, endpoint, &f);
}

static void hear_type(struct world *w, const char *endpoint, enum pool_frame_type type)
{
    struct pool_frame f = {.type = type};
    hear(w, endpoint, &f);
}

static void flush(struct world *w)
{
    member_flush(&w->member, w->now_ms);
}

static void done(struct world *w, int id)
{
    member_done(&w->member, &w->places[id]);
}

/* Joined to A (and B), hints said. */
static void begin_joined(struct world *w, uint32_t capacity, bool with_b)
{
    begin(w, capacity);
    member_add(&w->member, SLICE("A"), w->now_ms);
    hear_welcome(w, "A", UUID_A);
    if (with_b) {
        member_add(&w->member, SLICE("B"), w->now_ms);
        hear_welcome(w, "B", UUID_B);
    }
    flush(w);
    buf_clear(&w->said);
    buf_clear(&w->events);
}

static void pass_time(struct world *w, uint64_t ms)
{
    w->now_ms += ms;
    member_tick(&w->member, w->now_ms);
}

/* ---- joining and losing --------------------------------------------------------------------- */

static void test_joins_and_tells_its_room(void **state)
{
    (void)state;
    struct world w;
    begin(&w, 3);
    member_add(&w.member, SLICE("A"), w.now_ms);
    flush(&w);
    expect(&w, "open A; A READY; ");
    assert_int_equal(member_joined(&w.member), 0);
    hear_welcome(&w, "A", UUID_A);
    flush(&w);
    expect(&w, "A CREDIT 3; ");
    flush(&w);
    expect(&w, ""); /* it knows */
    assert_int_equal(member_joined(&w.member), 1);
    assert_ptr_equal(member_find(&w.member, SLICE(UUID_A)), node(&w, "A"));
    assert_null(member_find(&w.member, SLICE(UUID_B)));
    assert_string_equal(w.member.cluster, CLUSTER);
    end(&w);
}

static void test_unanswered_ready_is_sent_again(void **state)
{
    (void)state;
    struct world w;
    begin(&w, 1);
    member_add(&w.member, SLICE("A"), w.now_ms);
    expect(&w, "open A; A READY; ");
    assert_int_equal(member_deadline(&w.member, w.now_ms), w.now_ms + 300);
    pass_time(&w, MEMBER_JOIN_TIMEOUT_MS - 1);
    expect(&w, "");
    pass_time(&w, 1);
    expect(&w, "close A; open A; A READY; ");
    end(&w);
}

static void test_connection_that_cannot_be_opened(void **state)
{
    (void)state;
    struct world w;
    begin(&w, 1);
    member_add(&w.member, SLICE("X"), w.now_ms);
    expect(&w, "open X; ");
    pass_time(&w, MEMBER_RETRY_MAX_MS - 1);
    expect(&w, "");
    pass_time(&w, 1);
    expect(&w, "open X; ");
    end(&w);
}

static void test_refused_is_tried_again_ever_more_slowly(void **state)
{
    (void)state;
    struct world w;
    begin(&w, 1);
    member_add(&w.member, SLICE("A"), w.now_ms);
    uint64_t wait_ms = MEMBER_RETRY_MS;
    for (int i = 0; i < 8; i++) {
        hear_refused(&w, "A");
        buf_clear(&w.said);
        pass_time(&w, wait_ms - 1);
        expect(&w, "");
        pass_time(&w, 1);
        expect(&w, "open A; A READY; ");
        wait_ms = wait_ms * 2 < MEMBER_RETRY_MAX_MS ? wait_ms * 2 : MEMBER_RETRY_MAX_MS;
    }
    assert_string_equal(buf_str(&w.events),
                        "pool chat: node A refuses: No such pool.\n"); /* once */
    end(&w);
}

static void test_node_that_forgot_us_is_joined_at_once(void **state)
{
    (void)state;
    struct world w;
    begin_joined(&w, 2, false);
    hear_request(&w, "A", "1");
    hear_refused(&w, "A"); /* it was restarted: "begin with READY" */
    assert_false(member_is_current(&w.places[1]));
    pass_time(&w, 0);
    expect(&w, "A gets 1; close A; open A; A READY; ");
    hear_welcome(&w, "A", UUID_A);
    flush(&w);
    expect(&w, "A CREDIT 1; "); /* the old request still occupies its place */
    done(&w, 1);
    end(&w);
}

static void test_silent_node_is_lost(void **state)
{
    (void)state;
    struct world w;
    begin_joined(&w, 2, true);
    hear_request(&w, "A", "1");
    hear_want(&w, "A", 5);
    buf_clear(&w.said);
    pass_time(&w, BEAT_MS);
    expect(&w, "A PING; B PING; ");
    hear_type(&w, "B", POOL_PONG);
    pass_time(&w, 2 * BEAT_MS - 1);
    expect(&w, "A PING; B PING; ");
    pass_time(&w, 1);
    expect(&w, "close A; open A; A READY; ");
    assert_string_equal(buf_str(&w.events), "pool chat: lost node " UUID_A " (A): it is silent\n");
    assert_null(member_find(&w.member, SLICE(UUID_A)));
    assert_false(member_is_current(&w.places[1]));
    member_give_back(&w.member, &w.places[1], w.now_ms); /* nobody to give it back to */
    flush(&w);
    expect(&w, ""); /* A's reservations are void; B knows of the two places */
    end(&w);
}

static void test_ping_is_answered(void **state)
{
    (void)state;
    struct world w;
    begin_joined(&w, 1, false);
    hear_type(&w, "A", POOL_PING);
    expect(&w, "A PONG; ");
    hear_type(&w, "A", POOL_CREDIT); /* a worker's word */
    expect(&w, "");
    member_on_malformed(node(&w, "A"), w.now_ms);
    assert_int_equal(w.member.malformed, 1);
    end(&w);
}

static void test_one_node_at_two_endpoints(void **state)
{
    (void)state;
    struct world w;
    begin_joined(&w, 1, false);
    struct slice both[] = {SLICE("B")};
    member_keep(&w.member, both, 1, w.now_ms);
    hear_welcome(&w, "B", UUID_A);
    expect(&w, "open B; B READY; close A; ");
    assert_ptr_equal(member_find(&w.member, SLICE(UUID_A)), node(&w, "B"));
    assert_non_null(node(&w, "A")); /* the caller named it: tried again some time */
    pass_time(&w, 1);
    expect(&w, "");
    end(&w);
}

static void test_directory_names_nodes(void **state)
{
    (void)state;
    struct world w;
    struct slice ab[] = {SLICE("A"), SLICE("B")};
    begin(&w, 1);
    member_keep(&w.member, ab, 2, w.now_ms);
    hear_welcome(&w, "A", UUID_A);
    hear_welcome(&w, "B", UUID_B);
    expect(&w, "open A; A READY; open B; B READY; ");
    member_keep(&w.member, ab + 1, 1, w.now_ms); /* A talks: it stays */
    assert_int_equal(member_joined(&w.member), 2);
    pass_time(&w, BEAT_MS);
    hear_type(&w, "B", POOL_PONG);
    buf_clear(&w.said);
    pass_time(&w, 2 * BEAT_MS);
    expect(&w, "close A; B PING; ");
    assert_null(node(&w, "A"));
    end(&w);
}

static void test_removed_node(void **state)
{
    (void)state;
    struct world w;
    begin_joined(&w, 1, true);
    member_remove(&w.member, SLICE("A"), w.now_ms);
    expect(&w, "A BYE; close A; ");
    assert_null(node(&w, "A"));
    member_remove(&w.member, SLICE("A"), w.now_ms);
    end(&w);
}

static void test_node_says_bye(void **state)
{
    (void)state;
    struct world w;
    begin_joined(&w, 1, true);
    hear_request(&w, "A", "1");
    hear_want(&w, "A", 3);
    hear_type(&w, "A", POOL_BYE);
    assert_int_equal(member_joined(&w.member), 1);
    assert_true(member_is_current(&w.places[1]));
    assert_non_null(member_find(&w.member, SLICE(UUID_A))); /* it still takes replies */
    done(&w, 1);
    buf_clear(&w.said);
    flush(&w);
    expect(&w, "");
    end(&w);
}

static void test_leaving(void **state)
{
    (void)state;
    struct world w;
    begin_joined(&w, 2, true);
    member_add(&w.member, SLICE("C"), w.now_ms);
    hear_request(&w, "A", "1");
    hear_want(&w, "B", 3);
    buf_clear(&w.said);
    member_leave(&w.member, w.now_ms);
    member_leave(&w.member, w.now_ms);
    expect(&w, "A BYE; A PING; B BYE; B PING; close C; ");
    assert_false(member_has_left(&w.member));
    hear_request(&w, "B", "2"); /* sent before it heard */
    expect(&w, "B RETURN 2; ");
    hear_want(&w, "B", 4);
    hear_type(&w, "B", POOL_PONG);
    assert_false(member_has_left(&w.member));
    hear_type(&w, "A", POOL_PONG);
    hear_type(&w, "A", POOL_PONG);           /* one too many */
    assert_true(member_has_left(&w.member)); /* all have heard it: nothing more will come */
    done(&w, 1);
    flush(&w);
    expect(&w, "");
    member_add(&w.member, SLICE("D"), w.now_ms);
    expect(&w, "");
    end(&w);
}

static void test_leaving_does_not_wait_for_ever(void **state)
{
    (void)state;
    struct world w;
    begin_joined(&w, 1, false);
    member_leave(&w.member, w.now_ms);
    for (int i = 0; i < MEMBER_LEAVE_MS / BEAT_MS; i++) {
        assert_false(member_has_left(&w.member));
        hear_type(&w, "A", POOL_PING); /* it lives, but does not answer */
        pass_time(&w, BEAT_MS);
    }
    assert_true(member_has_left(&w.member));
    end(&w);
}

/* ---- places --------------------------------------------------------------------------------- */

static void test_room_is_told_when_it_might_not_be_known(void **state)
{
    (void)state;
    struct world w;
    begin_joined(&w, 4, true);
    hear_request(&w, "A", "1"); /* A believes 3, B 4, room 3 */
    flush(&w);
    expect(&w, "A gets 1; ");
    hear_request(&w, "A", "2");
    hear_request(&w, "A", "3"); /* A believes 1, room 1 */
    flush(&w);
    expect(&w, "A gets 2; A gets 3; ");
    done(&w, 1);
    flush(&w);
    expect(&w, "A CREDIT 2; "); /* it believed in less than half of it; B believes in 4 */
    end(&w);
}

static void test_full_worker_hands_back(void **state)
{
    (void)state;
    struct world w;
    begin_joined(&w, 1, true);
    hear_request(&w, "A", "1");
    hear_request(&w, "B", "2"); /* both had the hint */
    flush(&w);
    expect(&w, "A gets 1; B RETURN 2; ");
    hear_want(&w, "B", 1);
    flush(&w);
    expect(&w, "");
    done(&w, 1);
    flush(&w);
    expect(&w, "B CREDIT 1; ");
    hear_request(&w, "A", "3"); /* the place is held for B */
    hear_request(&w, "B", "4");
    expect(&w, "A RETURN 3; B gets 4; ");
    assert_int_equal(w.member.returned, 2);
    end(&w);
}

static void test_reservations_in_order(void **state)
{
    (void)state;
    struct world w;
    begin_joined(&w, 1, true);
    hear_request(&w, "A", "1");
    hear_want(&w, "A", 1);
    hear_want(&w, "B", 2);
    hear_want(&w, "A", 2); /* one more, behind B's two */
    buf_clear(&w.said);
    static const char *const order[] = {"A", "B", "B", "A"};
    for (int i = 0; i < 4; i++) {
        char id[2] = {(char)('2' + i), '\0'}, want[64];
        done(&w, i + 1);
        flush(&w);
        hear_request(&w, order[i], id);
        snprintf(want, sizeof want, "%s CREDIT 1; %s gets %s; ", order[i], order[i], id);
        expect(&w, want);
    }
    done(&w, 5);
    flush(&w);
    expect(&w, "A CREDIT 1; B CREDIT 1; "); /* nobody waits: hints again */
    end(&w);
}

static void test_place_is_passed_on(void **state)
{
    (void)state;
    struct world w;
    begin_joined(&w, 1, true);
    hear_request(&w, "A", "1");
    hear_want(&w, "A", 2);
    hear_want(&w, "B", 1);
    done(&w, 1);
    buf_clear(&w.said);
    flush(&w);
    expect(&w, "A CREDIT 1; ");
    hear_want(&w, "A", 0); /* served elsewhere */
    flush(&w);
    expect(&w, "B CREDIT 1; ");
    end(&w);
}

static void test_place_that_is_never_used(void **state)
{
    (void)state;
    struct world w;
    begin_joined(&w, 1, true);
    hear_request(&w, "A", "1");
    hear_want(&w, "A", 1);
    done(&w, 1);
    flush(&w);
    assert_int_equal(w.member.held, 1);
    for (int i = 0; i < 2; i++) {
        hear_type(&w, "A", POOL_PONG);
        hear_type(&w, "B", POOL_PONG);
        pass_time(&w, BEAT_MS);
    }
    assert_int_equal(w.member.held, 0);
    end(&w);
}

static void test_several_places_at_once(void **state)
{
    (void)state;
    struct world w;
    begin_joined(&w, 4, true);
    for (int i = 1; i <= 4; i++) {
        char id[2] = {(char)('0' + i), '\0'};
        hear_request(&w, "A", id);
    }
    hear_want(&w, "A", 2);
    hear_want(&w, "B", 5);
    for (int i = 1; i <= 4; i++)
        done(&w, i);
    buf_clear(&w.said);
    flush(&w);
    expect(&w, "A CREDIT 2; B CREDIT 2; ");
    end(&w);
}

/* ---- messages that cross ----------------------------------------------------------------------
 */

/* A hint is on its way while the node leaves a reservation: the node takes the hint for the answer.
 * No place may be held for it afterwards. */
static void test_hint_crosses_want(void **state)
{
    (void)state;
    struct world w;
    begin_joined(&w, 1, true);
    hear_request(&w, "A", "1");
    done(&w, 1);
    buf_clear(&w.said);
    flush(&w);
    expect(&w, "A CREDIT 1; ");
    hear_want(&w, "A", 1);      /* said before it heard the hint … */
    hear_request(&w, "A", "2"); /* … and used it */
    assert_int_equal(node(&w, "A")->reserved, 0);
    hear_want(&w, "B", 1);
    done(&w, 2);
    buf_clear(&w.said);
    flush(&w);
    expect(&w, "B CREDIT 1; ");
    end(&w);
}

/* The place is on its way while the node says again how many wait in all. */
static void test_place_crosses_want(void **state)
{
    (void)state;
    struct world w;
    begin_joined(&w, 2, true);
    hear_request(&w, "A", "1");
    hear_request(&w, "A", "2");
    hear_want(&w, "A", 1);
    done(&w, 1);
    flush(&w);             /* CREDIT 1 to A */
    hear_want(&w, "A", 3); /* of which one will be served by that */
    assert_int_equal(node(&w, "A")->reserved, 2);
    hear_request(&w, "A", "3");
    assert_int_equal(node(&w, "A")->reserved, 2);
    assert_int_equal(node(&w, "A")->held, 0);
    end(&w);
}

static void test_parts_need_no_place(void **state)
{
    (void)state;
    struct world w;
    begin_joined(&w, 1, false);
    hear_request(&w, "A", "1");
    buf_clear(&w.said);
    struct pool_frame f = {
        .type = POOL_REQUEST,
        .request = {.id = SLICE("+2"),
                    .message = SLICE("u 2 /up 21:{\"UPLOAD_STREAM\":\"9\"},1:x,")}};
    hear(&w, "A", &f);
    expect(&w, "A gets +2; ");
    end(&w);
}

/* ---- notices and malformed requests ------------------------------------------------------------
 */

static void test_notices_need_no_place(void **state)
{
    (void)state;
    static const struct {
        const char *message;
        bool is_notice;
    } cases[] = {
        {"u 2 @* 17:{\"METHOD\":\"JSON\"},21:{\"type\":\"disconnect\"},", true},
        {"u 2 @* 16:6:METHOD,4:JSON,}21:{\"type\":\"disconnect\"},", true},
        {"u 2 @* 40:{\"METHOD\":\"JSON\",\"DOWNLOAD_CREDITS\":\"5\"},18:{\"type\":\"credits\"},",
         true},
        {"u 2 @* 40:16:DOWNLOAD_CREDITS,1:5,6:METHOD,4:JSON,}18:{\"type\":\"credits\"},", true},
        {"u 2 @* 30:{\"PATH\":\"@*\",\"METHOD\":\"JSON\"},21:{\"type\":\"disconnect\"},", false},
        {"u 2 @*x 17:{\"METHOD\":\"JSON\"},21:{\"type\":\"disconnect\"},", false},
        {"u 2 @*", false},
        {"", false},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct world w;
        begin_joined(&w, 1, false);
        hear_request(&w, "A", "1");
        buf_clear(&w.said);
        struct pool_frame f = {.type = POOL_REQUEST,
                               .request = {SLICE("2"), slice_str(cases[i].message)}};
        hear(&w, "A", &f);
        expect(&w, cases[i].is_notice ? "A gets 2; " : "A RETURN 2; ");
        assert_int_equal(w.member.running, 1);
        if (cases[i].is_notice) {
            member_give_back(&w.member, &w.places[2], w.now_ms);
            expect(&w, ""); /* nothing to give back */
        }
        end(&w);
    }
}

static void test_request_that_cannot_be_read(void **state)
{
    (void)state;
    struct world w;
    begin_joined(&w, 1, false);
    w.refuse_requests = true;
    hear_request(&w, "A", "1");
    expect(&w, "");
    assert_int_equal(w.member.malformed, 1);
    assert_int_equal(w.member.running, 0);
    end(&w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_joins_and_tells_its_room),
        cmocka_unit_test(test_unanswered_ready_is_sent_again),
        cmocka_unit_test(test_connection_that_cannot_be_opened),
        cmocka_unit_test(test_refused_is_tried_again_ever_more_slowly),
        cmocka_unit_test(test_node_that_forgot_us_is_joined_at_once),
        cmocka_unit_test(test_silent_node_is_lost),
        cmocka_unit_test(test_ping_is_answered),
        cmocka_unit_test(test_one_node_at_two_endpoints),
        cmocka_unit_test(test_directory_names_nodes),
        cmocka_unit_test(test_removed_node),
        cmocka_unit_test(test_node_says_bye),
        cmocka_unit_test(test_leaving),
        cmocka_unit_test(test_leaving_does_not_wait_for_ever),
        cmocka_unit_test(test_room_is_told_when_it_might_not_be_known),
        cmocka_unit_test(test_full_worker_hands_back),
        cmocka_unit_test(test_reservations_in_order),
        cmocka_unit_test(test_place_is_passed_on),
        cmocka_unit_test(test_place_that_is_never_used),
        cmocka_unit_test(test_several_places_at_once),
        cmocka_unit_test(test_hint_crosses_want),
        cmocka_unit_test(test_place_crosses_want),
        cmocka_unit_test(test_parts_need_no_place),
        cmocka_unit_test(test_notices_need_no_place),
        cmocka_unit_test(test_request_that_cannot_be_read),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
