#include "node/session/conn_life.h"

static uint32_t now_s(const struct conn *c)
{
    return (uint32_t)(c->set->loop->now_us / 1000000u);
}

bool conn_life_is_idle_too_long(const struct conn *c, const struct settings *s)
{
    uint32_t now = now_s(c);
    unsigned score = 0;
    if (s->min_ping_s > 0 && now - c->last_ping_s > s->min_ping_s)
        score++;
    if (s->min_read_rate > 0 && c->bytes_read / (now - c->last_read_s + 1) < s->min_read_rate)
        score++;
    if (s->min_write_rate > 0 && c->bytes_written / (now - c->last_write_s + 1) < s->min_write_rate)
        score++;
    return score > s->kill_limit;
}

static unsigned tests_of(const struct settings *s)
{
    return (s->min_ping_s > 0) + (s->min_read_rate > 0) + (s->min_write_rate > 0);
}

bool conn_life_is_swept(const struct settings *s)
{
    return tests_of(s) > s->kill_limit;
}

unsigned conn_life_sweep_in_s(const struct conn *c, const struct settings *s)
{
    bool needs_ping = s->min_ping_s > 0 && tests_of(s) <= s->kill_limit + 1;
    if (needs_ping && now_s(c) - c->last_ping_s <= s->min_ping_s)
        return conn_life_left_s(c->last_ping_s, s->min_ping_s, now_s(c)) + 1;
    return s->tick_s;
}

void conn_life_count_closed(const struct conn *c)
{
    struct worker *w = c->set->owner;
    w->counters.connections_closed++;
    if (c->reason == CONN_OUTPUT_LIMIT)
        w->counters.output_limit_closes++;
}

enum exchange_end conn_life_exchange_end(const struct conn *c)
{
    return c->reason == CONN_TIMEOUT  ? EXCHANGE_TIMED_OUT
           : c->reason == CONN_KILLED ? EXCHANGE_KILLED
                                      : EXCHANGE_CLIENT_GONE;
}
