/* Connections: reading, writing, limits, and above all the ways in which they end. */
#include "tests/unit/node/io/pair.h"

#include <fcntl.h>

static struct pair p;

static int set_up(void **state)
{
    (void)state;
    pair_start(&p);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    pair_stop(&p);
    return 0;
}

static char *many(size_t len)
{
    char *bytes = malloc(len);
    assert_non_null(bytes);
    for (size_t i = 0; i < len; i++)
        bytes[i] = (char)('a' + i % 23);
    return bytes;
}

static void write_many(size_t len)
{
    char *bytes = many(len);
    assert_true(conn_write(p.conn, slice_of(bytes, len)));
    free(bytes);
}

/* A temporary file of `len` bytes, as many() makes them. */
static struct file_ref *file_of(size_t len)
{
    int fd = open(getenv("TMPDIR") != NULL ? getenv("TMPDIR") : "/tmp", O_TMPFILE | O_RDWR, 0600);
    assert_true(fd >= 0);
    char *bytes = many(len);
    assert_int_equal(write(fd, bytes, len), len);
    free(bytes);
    struct file_ref *f = file_ref_create(fd);
    assert_non_null(f);
    return f;
}

/* --- reading --- */

static void test_input_and_end(void **state)
{
    (void)state;
    pair_send(&p, "hello");
    pair_turn(&p);
    pair_assert_calls(&p, "opened input:5 ");
    assert_null(p.conn->in); /* an idle connection holds no buffer */
    assert_int_equal(p.conn->bytes_read, 5);
    shutdown(p.client, SHUT_WR);
    pair_turns(&p, 2);
    pair_assert_calls(&p, "end closed:client closed ");
    assert_int_equal(p.on_closed, 1);
}

static void test_what_is_not_consumed_stays(void **state)
{
    (void)state;
    p.consume = 2;
    pair_send(&p, "hello");
    pair_turn(&p);
    assert_true(slice_eq(conn_input(p.conn), SLICE("llo")));
    pair_send(&p, "!");
    pair_turn(&p);
    assert_true(slice_eq(conn_input(p.conn), SLICE("o!")));
    pair_assert_calls(&p, "opened input:5 input:4 ");
}

static void test_full_buffer_stops_reading_until_there_is_room(void **state)
{
    (void)state;
    p.consume = 0;
    char *bytes = many(3 * PAIR_BUFFER);
    assert_int_equal(write(p.client, bytes, 3 * PAIR_BUFFER), 3 * PAIR_BUFFER);
    pair_turns(&p, 4);
    pair_assert_calls(&p, "opened input:1024 ");
    assert_true(conn_input_is_full(p.conn));
    assert_true(p.conn->reading_paused);
    conn_consume(p.conn, 1000);
    conn_resume(p.conn);
    pair_turn(&p);
    assert_memory_equal(conn_input(p.conn).ptr, bytes + 1000, PAIR_BUFFER);
    free(bytes);
}

/* A parsed head borrows from the buffer: it may not move, and goes on when it is let go. */
static void test_pinned_input_does_not_move(void **state)
{
    (void)state;
    p.consume = 100;
    char *bytes = many(2 * PAIR_BUFFER);
    assert_int_equal(write(p.client, bytes, 1000), 1000);
    pair_turn(&p);
    const char *at = conn_input(p.conn).ptr;
    conn_pin(p.conn);
    p.consume = 0;
    assert_int_equal(write(p.client, bytes + 1000, 1000), 1000);
    pair_turns(&p, 3);
    assert_ptr_equal(conn_input(p.conn).ptr, at);
    assert_int_equal(conn_input(p.conn).len, PAIR_BUFFER - 100);
    conn_unpin(p.conn);
    pair_turn(&p);
    assert_int_equal(conn_input(p.conn).len, PAIR_BUFFER);
    assert_memory_equal(conn_input(p.conn).ptr, bytes + 100, PAIR_BUFFER);
    free(bytes);
}

static void test_wake_calls_input_once_more_in_this_turn(void **state)
{
    (void)state;
    p.consume = 1;
    pair_send(&p, "abc");
    pair_turn(&p);
    pair_assert_calls(&p, "opened input:3 ");
    conn_wake(p.conn);
    conn_wake(p.conn);
    pair_turn(&p);
    pair_assert_calls(&p, "input:2 ");
}

static void test_reset_is_told(void **state)
{
    (void)state;
    conn_write(p.conn, SLICE("unread"));
    pair_turn(&p);
    close(p.client); /* with unread bytes: a reset */
    p.client = -1;
    pair_turns(&p, 3);
    pair_assert_calls(&p, "opened closed:client reset ");
}

/* --- writing --- */

static void test_what_is_written_in_a_turn_leaves_at_its_end(void **state)
{
    (void)state;
    struct buf got = BUF_INIT;
    conn_write(p.conn, SLICE("one "));
    char *room = conn_write_room(p.conn, 10);
    memcpy(room, "two ", 4);
    conn_write_filled(p.conn, 4);
    struct payload *payload = payload_copy(SLICE("xxthreexx"));
    conn_write_payload(p.conn, payload, 2, 5);
    payload_unref(payload);
    assert_int_equal(pair_read(&p, &got, 100, NULL), 0);
    pair_turn(&p);
    pair_read(&p, &got, 100, NULL);
    assert_string_equal(buf_str(&got), "one two three");
    assert_int_equal(p.conn->bytes_written, 13);
    buf_fini(&got);
}

static void test_output_of_all_kinds_keeps_its_order(void **state)
{
    (void)state;
    enum { LEN = 300000 };
    struct buf got = BUF_INIT;
    char *bytes = many(LEN);
    struct payload *payload = payload_copy(slice_of(bytes, LEN));
    struct file_ref *file = file_of(LEN);
    conn_write(p.conn, SLICE("<"));
    conn_write_payload(p.conn, payload, 0, LEN);
    conn_write(p.conn, SLICE("|"));
    conn_write_file(p.conn, file, 10, LEN - 10);
    conn_write(p.conn, SLICE(">"));
    payload_unref(payload);
    file_ref_unref(file);
    conn_close_after_flush(p.conn);
    assert_int_equal(pair_read_all(&p, &got), 2 * LEN - 10 + 3);
    assert_int_equal(got.data[0], '<');
    assert_memory_equal(got.data + 1, bytes, LEN);
    assert_int_equal(got.data[LEN + 1], '|');
    assert_memory_equal(got.data + LEN + 2, bytes + 10, LEN - 10);
    assert_int_equal(got.data[got.len - 1], '>');
    free(bytes);
    buf_fini(&got);
}

static void test_unread_output_is_bounded(void **state)
{
    (void)state;
    p.conns.output_limit = 1 << 20;
    char *bytes = many(64 << 10);
    for (int i = 0; i < 100 && p.conn != NULL && !conn_is_closing(p.conn); i++) {
        conn_write(p.conn, slice_of(bytes, 64 << 10));
        assert_true(p.conns.out_memory.bytes <= (1 << 20) + (64 << 10));
    }
    free(bytes);
    pair_turn(&p);
    pair_assert_calls(&p, "opened closed:unread output over limit ");
}

/* Bytes between two long pieces of a file (multipart ranges, chunks) are no reason to close: files
 * wait on disk, not in memory. */
static void test_files_do_not_count_against_the_bound(void **state)
{
    (void)state;
    enum { LEN = 3 << 20 };
    struct file_ref *file = file_of(LEN);
    for (int i = 0; i < 3; i++) {
        assert_true(conn_write_file(p.conn, file, 0, LEN));
        assert_true(conn_write(p.conn, SLICE("--boundary--")));
    }
    file_ref_unref(file);
    conn_close_after_flush(p.conn);
    assert_int_equal(pair_read_all(&p, NULL), 3 * (LEN + 12));
}

/* A file that is shorter than announced: the answer cannot be completed. */
static void test_short_file_ends_the_connection(void **state)
{
    (void)state;
    struct file_ref *file = file_of(1000);
    conn_write_file(p.conn, file, 0, 2000);
    file_ref_unref(file);
    pair_turns(&p, 2);
    pair_assert_calls(&p, "opened closed:internal error ");
    assert_int_equal(pair_read(&p, NULL, 5000, NULL), 1000);
}

/* --- back-pressure --- */

static void test_drained_is_told_once_to_who_was_refused(void **state)
{
    (void)state;
    write_many(900 << 10);
    assert_true(conn_is_full(p.conn));
    pair_turns(&p, 3);
    pair_assert_calls(&p, "opened ");
    while (pair_read(&p, NULL, SIZE_MAX, NULL) > 0)
        pair_turn(&p);
    pair_assert_calls(&p, "drained ");
    assert_false(conn_is_full(p.conn));
    pair_turns(&p, 3);
    pair_assert_calls(&p, "");
}

static void fill_again(struct pair *pair)
{
    if (pair->conn->bytes_written < (4u << 20))
        write_many(900 << 10);
}

/* The producer is called at the end of a turn, never from inside its own write. */
static void test_a_write_over_the_bound_calls_nobody_back(void **state)
{
    (void)state;
    p.on_drained = fill_again;
    write_many(900 << 10);
    assert_true(conn_is_full(p.conn));
    pair_turn(&p);
    pair_read(&p, NULL, 1 << 20, NULL);
    assert_int_equal(buf_slice(&p.calls).len, strlen("opened "));
    p.depth++;             /* the session is at work */
    write_many(200 << 10); /* over the bound: the socket is given what it takes */
    p.depth--;
    pair_turn(&p);
    while (pair_read(&p, NULL, SIZE_MAX, NULL) > 0)
        pair_turn(&p);
    assert_non_null(strstr(buf_str(&p.calls), "drained "));
}

/* With a small bound too, a client that takes nothing costs no time: the turn ends. */
static void test_small_bound_and_buffered_input_do_not_spin(void **state)
{
    (void)state;
    p.conns.output_limit = 64 << 10;
    int size = 4096;
    setsockopt(p.conn->io.fd, SOL_SOCKET, SO_SNDBUF, &size, sizeof size);
    while (!conn_is_full(p.conn)) {
        write_many(8 << 10);
        pair_turn(&p);
    }
    p.consume = 0;
    pair_send(&p, "next request");
    pair_turn(&p);
    buf_clear(&p.calls);
    conn_wake(p.conn);
    alarm(10); /* it used to go round for ever */
    pair_turns(&p, 3);
    alarm(0);
    pair_assert_calls(&p, ""); /* waits for room */
    while (pair_read(&p, NULL, SIZE_MAX, NULL) > 0)
        pair_turn(&p);
    pair_assert_calls(&p, "input:12 drained ");
}

/* --- the end --- */

static void test_close_drops_what_waits(void **state)
{
    (void)state;
    conn_write(p.conn, SLICE("never sent"));
    conn_close(p.conn, CONN_KILLED);
    conn_close(p.conn, CONN_TIMEOUT); /* the first reason counts */
    assert_false(conn_write(p.conn, SLICE("more")));
    assert_null(conn_write_room(p.conn, 10));
    conn_pause(p.conn);
    conn_resume(p.conn);
    pair_turn(&p);
    pair_assert_calls(&p, "opened closed:killed ");
    assert_int_equal(pair_read(&p, NULL, 100, NULL), 0);
}

static void test_close_after_flush_lingers_for_the_peer(void **state)
{
    (void)state;
    bool ended = false;
    struct buf got = BUF_INIT;
    conn_write(p.conn, SLICE("goodbye"));
    conn_close_after_flush(p.conn);
    assert_false(conn_write(p.conn, SLICE("more")));
    pair_send(&p, "unread input is thrown away");
    pair_turns(&p, 2);
    pair_read(&p, &got, 100, &ended);
    assert_string_equal(buf_str(&got), "goodbye");
    assert_true(ended);
    pair_assert_calls(&p, "opened ");
    shutdown(p.client, SHUT_WR);
    pair_turns(&p, 2);
    pair_assert_calls(&p, "closed:done ");
    buf_fini(&got);
}

static void test_linger_is_bounded(void **state)
{
    (void)state;
    conn_close_after_flush(p.conn);
    pair_turns(&p, 2);
    pair_wait(&p, 1900);
    pair_assert_calls(&p, "opened ");
    pair_wait(&p, 300);
    pair_assert_calls(&p, "closed:done ");
}

/* A client may end its direction as soon as it has asked: it still gets the whole answer. */
static void test_half_closed_peer_gets_the_rest(void **state)
{
    (void)state;
    write_many(900 << 10);
    conn_close_after_flush(p.conn);
    pair_turns(&p, 2);
    shutdown(p.client, SHUT_WR);
    pair_turns(&p, 3);
    assert_int_equal(pair_read_all(&p, NULL), 900 << 10);
    pair_turns(&p, 2);
    pair_assert_calls(&p, "opened closed:done ");
}

/* The last answer takes as long as the client needs, if only it takes some of it. */
static void test_slow_reader_gets_the_rest(void **state)
{
    (void)state;
    struct file_ref *file = file_of(4 << 20);
    conn_write_file(p.conn, file, 0, 4 << 20);
    file_ref_unref(file);
    conn_close_after_flush(p.conn);
    pair_turn(&p);
    for (int i = 0; i < 10; i++) { /* 250 s in all */
        assert_true(pair_read(&p, NULL, 300000, NULL) > 0);
        pair_turns(&p, 2);
        pair_wait(&p, 25000);
    }
    pair_assert_calls(&p, "opened ");
    pair_wait(&p, 31000); /* now it takes nothing any more */
    pair_assert_calls(&p, "closed:done ");
}

static void close_it(struct pair *pair)
{
    conn_close(pair->conn, CONN_TIMEOUT);
}

static void test_deadline_is_the_sessions(void **state)
{
    (void)state;
    p.on_timeout = close_it;
    deadline_set(&p.deadlines, &p.conn->deadline, 5000);
    pair_wait(&p, 4900);
    pair_assert_calls(&p, "opened ");
    pair_wait(&p, 200);
    pair_assert_calls(&p, "timeout closed:timed out ");
}

static void test_all_are_closed_with_their_set(void **state)
{
    (void)state;
    conn_write(p.conn, SLICE("x"));
    conns_fini(&p.conns);
    pair_assert_calls(&p, "opened closed:drained ");
    assert_int_equal(p.on_closed, 1);
}

static void test_peer_text(void **state)
{
    (void)state;
    char text[46];
    struct conn c = {.peer.in = {.sin_family = AF_INET, .sin_port = htons(80)}};
    c.peer.in.sin_addr.s_addr = htonl(0x7f000001);
    assert_int_equal(conn_peer_text(&c, text), 9);
    assert_string_equal(text, "127.0.0.1");
    assert_int_equal(conn_peer_port(&c), 80);
    c.peer.in6 = (struct sockaddr_in6){.sin6_family = AF_INET6, .sin6_port = htons(443)};
    c.peer.in6.sin6_addr.s6_addr[15] = 1;
    assert_int_equal(conn_peer_text(&c, text), 3);
    assert_string_equal(text, "::1");
    assert_int_equal(conn_peer_port(&c), 443);
    conn_peer_text(p.conn, text);
    assert_string_equal(text, "unix");
    assert_int_equal(conn_peer_port(p.conn), 0);
}

/* More is unread than the buffer holds: the end of it would never be read. */
static void test_a_paused_connection_learns_of_the_end(void **state)
{
    (void)state;
    p.consume = 0;
    char *bytes = many(3 * PAIR_BUFFER);
    assert_int_equal(write(p.client, bytes, 3 * PAIR_BUFFER), 3 * PAIR_BUFFER);
    free(bytes);
    pair_turns(&p, 2);
    assert_true(p.conn->reading_paused);
    conn_watch_end(p.conn);
    conn_watch_end(p.conn);
    pair_turns(&p, 2);
    pair_assert_calls(&p, "opened input:1024 ");
    shutdown(p.client, SHUT_WR);
    pair_turns(&p, 3);
    pair_assert_calls(&p, "end closed:client closed ");
}

static void test_a_resumed_connection_is_not_watched(void **state)
{
    (void)state;
    conn_watch_end(p.conn); /* not paused: it will read the end */
    assert_false(p.conn->end_watched);
    conn_pause(p.conn);
    conn_watch_end(p.conn);
    assert_true(p.conn->end_watched);
    conn_resume(p.conn);
    assert_false(p.conn->end_watched);
    conn_pause(p.conn);
    conn_watch_end(p.conn);
    pair_send(&p, "lost");
    shutdown(p.client, SHUT_WR);
    conn_resume(p.conn);
    pair_turns(&p, 3);
    pair_assert_calls(&p, "opened input:4 end closed:client closed ");
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_input_and_end),
        TEST(test_what_is_not_consumed_stays),
        TEST(test_full_buffer_stops_reading_until_there_is_room),
        TEST(test_pinned_input_does_not_move),
        TEST(test_wake_calls_input_once_more_in_this_turn),
        TEST(test_reset_is_told),
        TEST(test_what_is_written_in_a_turn_leaves_at_its_end),
        TEST(test_output_of_all_kinds_keeps_its_order),
        TEST(test_unread_output_is_bounded),
        TEST(test_files_do_not_count_against_the_bound),
        TEST(test_short_file_ends_the_connection),
        TEST(test_drained_is_told_once_to_who_was_refused),
        TEST(test_a_write_over_the_bound_calls_nobody_back),
        TEST(test_small_bound_and_buffered_input_do_not_spin),
        TEST(test_close_drops_what_waits),
        TEST(test_close_after_flush_lingers_for_the_peer),
        TEST(test_linger_is_bounded),
        TEST(test_half_closed_peer_gets_the_rest),
        TEST(test_slow_reader_gets_the_rest),
        TEST(test_deadline_is_the_sessions),
        TEST(test_a_paused_connection_learns_of_the_end),
        TEST(test_a_resumed_connection_is_not_watched),
        TEST(test_all_are_closed_with_their_set),
        TEST(test_peer_text),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
