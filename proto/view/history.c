#include "proto/view/history.h"

#include <string.h>

static struct history_second *place(struct history *h, int64_t second)
{
    return &h->ring[second % HISTORY_SECONDS];
}

static uint32_t higher(uint32_t a, uint32_t b)
{
    return a > b ? a : b;
}

static void merge(struct history_second *into, const struct history_second *from)
{
    into->requests += from->requests;
    into->errors += from->errors;
    into->p99_us = higher(into->p99_us, from->p99_us);
    into->connections = higher(into->connections, from->connections);
}

/* Makes room up to `second`: what was there ten minutes before is forgotten. */
static void advance(struct history *h, int64_t second)
{
    int64_t from = h->newest_s + 1;
    if (from < second - HISTORY_SECONDS + 1)
        from = second - HISTORY_SECONDS + 1;
    for (int64_t s = from; s <= second; s++)
        memset(place(h, s), 0, sizeof(struct history_second));
    h->newest_s = second;
    if (h->oldest_s < second - HISTORY_SECONDS + 1)
        h->oldest_s = second - HISTORY_SECONDS + 1;
}

void history_add(struct history *h, int64_t now_ms, const struct history_second *what)
{
    int64_t second = now_ms / 1000;
    if (second <= 0)
        return;
    if (h->newest_s == 0 || second < h->newest_s) {
        memset(h, 0, sizeof *h);
        h->oldest_s = h->newest_s = second;
    } else if (second > h->newest_s) {
        advance(h, second);
    }
    merge(place(h, second), what);
}

size_t history_sum(const struct history *h, int64_t from_s, size_t length_s,
                   struct history_second *out)
{
    size_t known = 0;
    *out = (struct history_second){.requests = 0};
    for (int64_t s = from_s; s < from_s + (int64_t)length_s; s++) {
        if (h->newest_s == 0 || s < h->oldest_s || s > h->newest_s)
            continue;
        merge(out, &h->ring[s % HISTORY_SECONDS]);
        known++;
    }
    return known;
}
