/* A connection over a socket pair with a session that notes what it is called for. Single-stepped,
 * with a fake clock, so that nothing waits. */
#ifndef TESTS_UNIT_NODE_IO_PAIR_H
#define TESTS_UNIT_NODE_IO_PAIR_H

#include "node/io/conn.h"
#include "proto/base/buf.h"
#include "proto/base/clock.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

#define PAIR_BUFFER 1024
#define PAIR_WALL   1700000000000 /* the fake wall clock, in milliseconds */

struct pair {
    struct loop loop;
    struct deadlines deadlines;
    struct conns conns;
    struct conn *conn; /* NULL once closed() was called */
    int client;
    uint64_t now_us;
    struct buf calls;   /* "opened input:5 drained closed:done " … */
    size_t consume;     /* how much of its input the session takes; SIZE_MAX: all */
    int depth;          /* of calls into the session */
    bool was_nested;    /* it was called from inside itself */
    unsigned on_closed; /* calls of conns.on_closed */
    void (*on_drained)(struct pair *p);
    void (*on_timeout)(struct pair *p);
    void (*on_end)(struct pair *p);
};

static inline struct pair *pair_of(const struct conn *c)
{
    return c->set->owner;
}

static inline void pair_enter(struct pair *p, const char *what)
{
    p->was_nested |= p->depth++ > 0;
    buf_append_str(&p->calls, what);
}

static inline void pair_opened(struct conn *c)
{
    struct pair *p = pair_of(c);
    pair_enter(p, "opened ");
    p->depth--;
}

static inline void pair_input(struct conn *c)
{
    struct pair *p = pair_of(c);
    pair_enter(p, "");
    size_t len = conn_input(c).len;
    buf_printf(&p->calls, "input:%zu ", len);
    conn_consume(c, p->consume < len ? p->consume : len);
    p->depth--;
}

static inline void pair_end(struct conn *c)
{
    struct pair *p = pair_of(c);
    pair_enter(p, "end ");
    if (p->on_end != NULL)
        p->on_end(p);
    else
        conn_close(c, CONN_CLIENT_CLOSED);
    p->depth--;
}

static inline void pair_drained(struct conn *c)
{
    struct pair *p = pair_of(c);
    pair_enter(p, "drained ");
    if (p->on_drained != NULL)
        p->on_drained(p);
    p->depth--;
}

static inline void pair_timeout(struct conn *c)
{
    struct pair *p = pair_of(c);
    pair_enter(p, "timeout ");
    if (p->on_timeout != NULL)
        p->on_timeout(p);
    p->depth--;
}

static inline void pair_closed(struct conn *c)
{
    struct pair *p = pair_of(c);
    buf_printf(&p->calls, "closed:%s ", conn_reason_text((enum conn_reason)c->reason));
    p->conn = NULL;
}

static inline void pair_on_closed(struct conns *set, struct conn *c)
{
    (void)c;
    ((struct pair *)set->owner)->on_closed++;
}

static const struct session_ops pair_session = {
    .name = "test",
    .opened = pair_opened,
    .input = pair_input,
    .input_end = pair_end,
    .drained = pair_drained,
    .timeout = pair_timeout,
    .closed = pair_closed,
};

static inline void pair_turn(struct pair *p)
{
    loop_step(&p->loop);
}

static inline void pair_turns(struct pair *p, int count)
{
    while (count-- > 0)
        pair_turn(p);
}

/* Time passes; deadlines that are due have fired afterwards. */
static inline void pair_wait(struct pair *p, uint64_t ms)
{
    p->now_us += ms * 1000;
    clock_fake(p->now_us, PAIR_WALL);
    pair_turn(p);
    deadlines_advance(&p->deadlines);
    pair_turns(p, 2);
}

static inline void pair_start(struct pair *p)
{
    int ends[2];
    union conn_address peer = {.sa.sa_family = AF_UNIX};
    *p = (struct pair){.now_us = 1000000000, .calls = BUF_INIT, .consume = SIZE_MAX};
    clock_fake(p->now_us, PAIR_WALL);
    assert_int_equal(loop_init(&p->loop), 0);
    deadlines_init(&p->deadlines, &p->loop);
    conns_init(&p->conns, &p->loop, &p->deadlines, PAIR_BUFFER);
    p->conns.owner = p;
    p->conns.on_closed = pair_on_closed;
    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, ends), 0);
    p->client = ends[0];
    p->conn = conn_create(&p->conns, ends[1], &peer, &pair_session);
    assert_non_null(p->conn);
}

static inline void pair_stop(struct pair *p)
{
    conns_fini(&p->conns);
    assert_int_equal(p->conns.count, 0);
    deadlines_fini(&p->deadlines);
    loop_fini(&p->loop);
    if (p->client >= 0)
        close(p->client);
    assert_false(p->was_nested); /* session.h: never from inside one another's */
    assert_int_equal(p->conns.out_memory.bytes, 0);
    buf_fini(&p->calls);
    clock_fake_stop();
}

static inline void pair_send(struct pair *p, const char *text)
{
    assert_int_equal(write(p->client, text, strlen(text)), strlen(text));
}

/* What the session was called for since the last look. */
static inline void pair_assert_calls(struct pair *p, const char *expected)
{
    assert_string_equal(buf_str(&p->calls), expected);
    buf_clear(&p->calls);
}

/* Reads what has come, at most `most` bytes; *ended (may be NULL): the other side has closed. */
static inline size_t pair_read(struct pair *p, struct buf *into, size_t most, bool *ended)
{
    char bytes[65536];
    size_t total = 0;
    while (total < most) {
        size_t room = most - total < sizeof bytes ? most - total : sizeof bytes;
        ssize_t got = read(p->client, bytes, room);
        if (ended != NULL)
            *ended = got == 0;
        if (got <= 0)
            break;
        total += (size_t)got;
        if (into != NULL)
            buf_append(into, bytes, (size_t)got);
    }
    return total;
}

/* Reads until the other side has closed. */
static inline size_t pair_read_all(struct pair *p, struct buf *into)
{
    size_t total = 0;
    bool ended = false;
    for (int quiet = 0; quiet < 10 && !ended; quiet++) {
        pair_turn(p);
        size_t got = pair_read(p, into, SIZE_MAX, &ended);
        total += got;
        if (got > 0)
            quiet = 0;
    }
    assert_true(ended);
    return total;
}

#endif
