/* One deadline does for both waits: the next check, and the end of the one under way. It is never
 * moved while bytes dribble in, so that a slow answer cannot hold a check open. */

#include "node/backend/upstream_check.h"

#include "proto/base/buf.h"
#include "proto/base/log.h"
#include "proto/http/response_head.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { CHECK_FIELDS = 256 }; /* fields that an answer may have */

struct upstream_check {
    struct list link; /* in upstream->checks */
    struct upstream *upstream;
    struct upstream_use use;
    struct deadline deadline;
    struct upstream_check_limits limits;
    uint64_t generation; /* of the configuration that asked for it last */
    unsigned streak;     /* results in a row that speak against the state */
    unsigned refs;
    bool is_known; /* there was a result */
    bool is_down;
    bool is_probing;
    char path[];
};

/* --- results --- */

/* Between seven and nine eighths of the interval: checks that began together drift apart. */
static void wait_for_next(struct upstream_check *c)
{
    unsigned eighth = c->limits.interval_ms / 8 + 1;
    unsigned wait_ms = c->limits.interval_ms - eighth +
                       upstreams_random(c->upstream->set) % (2 * eighth);
    deadline_set(c->upstream->set->deadlines, &c->deadline, wait_ms);
}

static void turn(struct upstream_check *c, bool down, const char *why)
{
    if (c->is_down != down && down)
        log_warn("upstream", "down: %s upstream=%s check=%s", why, c->upstream->name, c->path);
    else if (c->is_down != down)
        log_info("upstream", "up again upstream=%s check=%s", c->upstream->name, c->path);
    c->is_down = down;
    c->is_known = true;
    c->streak = 0;
}

static void take_result(struct upstream_check *c, bool healthy, const char *why)
{
    upstream_end(&c->use, false);
    c->is_probing = false;
    c->upstream->checks_made++;
    c->upstream->checks_failed += !healthy;
    if (healthy != c->is_down && c->is_known)
        c->streak = 0;
    else if (!c->is_known || ++c->streak >= (healthy ? c->limits.rise : c->limits.fall))
        turn(c, !healthy, why);
    wait_for_next(c);
}

/* --- one check --- */

static struct upstream_check *of(struct upstream_use *use)
{
    return container_of(use, struct upstream_check, use);
}

static void on_ready(struct upstream_use *use)
{
    struct upstream_check *c = of(use);
    struct slice host = upstream_authority(c->upstream);
    struct buf text = BUF_INIT;
    buf_printf(&text,
               "GET %s HTTP/1.1\r\nHost: %.*s\r\nUser-Agent: mongrel2-check\r\n"
               "Accept: */*\r\nConnection: close\r\n\r\n",
               c->path, SLICE_ARG(host));
    conn_write(use->conn, buf_slice(&text));
    buf_fini(&text);
}

static void on_failed(struct upstream_use *use, bool connected, const char *why)
{
    (void)connected;
    take_result(of(use), false, why);
}

/* A final head decides; interim ones are stepped over. Parsed from its beginning each time, since a
 * head in pieces is rare and short here. */
static void on_input(struct upstream_use *use)
{
    struct http_field fields[CHECK_FIELDS];
    struct response_head h;
    const struct response_limits limits = {.head_bytes = use->conn->set->buffer_size,
                                           .fields = CHECK_FIELDS};
    for (struct slice in; (in = conn_input(use->conn)).len > 0;) {
        response_head_init(&h, fields, CHECK_FIELDS);
        enum parse_result result = response_head_parse(&h, in.ptr, in.len, METHOD_GET, &limits);
        if (result == PARSE_MORE)
            return;
        if (result != PARSE_DONE || h.status == 101) {
            take_result(of(use), false, "its answer is no HTTP");
            return;
        }
        if (h.status >= 200) {
            char why[32];
            snprintf(why, sizeof why, "it answers %d", h.status);
            take_result(of(use), h.status < 400, why);
            return;
        }
        conn_consume(use->conn, h.len);
    }
}

static void on_input_end(struct upstream_use *use)
{
    take_result(of(use), false, "it closes without an answer");
}

static void on_nothing(struct upstream_use *use)
{
    (void)use;
}

static const struct upstream_use_ops use_ops = {
    .ready = on_ready,
    .failed = on_failed,
    .input = on_input,
    .input_end = on_input_end,
    .drained = on_nothing,
    .timeout = on_nothing, /* never set: there is our own */
};

static void pause_check(struct upstream_check *c)
{
    c->is_known = c->is_down = false;
    c->streak = 0;
}

static void on_deadline(struct deadline *d)
{
    struct upstream_check *c = container_of(d, struct upstream_check, deadline);
    if (c->is_probing) {
        take_result(c, false, "it does not answer in time");
    } else if (c->generation != c->upstream->set->generation) {
        pause_check(c);
    } else {
        c->is_probing = true;
        deadline_set(c->upstream->set->deadlines, &c->deadline, c->limits.timeout_ms);
        upstream_begin(c->upstream, &c->use, &use_ops, UPSTREAM_PROBE, c->limits.timeout_ms);
    }
}

/* --- the checks of an upstream --- */

static struct upstream_check *find(struct upstream *u, const char *path)
{
    list_for_each (it, &u->checks) {
        struct upstream_check *c = container_of(it, struct upstream_check, link);
        if (strcmp(c->path, path) == 0)
            return c;
    }
    return NULL;
}

struct upstream_check *upstream_check_get(struct upstream *u, const char *path, struct error *e)
{
    struct upstream_check *c = find(u, path);
    if (c != NULL) {
        c->refs++;
        return c;
    }
    c = calloc(1, sizeof *c + strlen(path) + 1);
    if (c == NULL) {
        error_set(e, ERROR_NO_MEMORY, "Out of memory.");
        return NULL;
    }
    strcpy(c->path, path);
    c->refs = 1;
    c->upstream = upstream_ref(u);
    deadline_init(&c->deadline, on_deadline);
    list_push_back(&u->checks, &c->link);
    return c;
}

void upstream_check_unref(struct upstream_check *c)
{
    if (c == NULL || --c->refs > 0)
        return;
    upstream_end(&c->use, false);
    deadline_clear(&c->deadline);
    list_remove(&c->link);
    upstream_unref(c->upstream);
    free(c);
}

/* The first check comes at a random time within the interval: nodes that get a commit together do
 * not ask together. */
void upstream_check_run(struct upstream_check *c, const struct upstream_check_limits *limits)
{
    struct upstreams *set = c->upstream->set;
    c->limits = *limits;
    c->generation = set->generation;
    if (!deadline_is_set(&c->deadline))
        deadline_set(set->deadlines, &c->deadline,
                     upstreams_random(set) % (limits->interval_ms + 1));
}

bool upstream_check_is_down(const struct upstream_check *c)
{
    return c->is_down;
}

unsigned upstream_checks_down(const struct upstream *u)
{
    unsigned count = 0;
    list_for_each (it, &u->checks)
        count += container_of(it, struct upstream_check, link)->is_down;
    return count;
}
