/* doctor: what is, or will soon be, wrong with this node, in sentences. `state` is "problem" (it
 * hurts now), "warning" (it will), or "note" (good to know). */

#include "node/admin/verbs.h"
#include "node/backend/backend.h"
#include "node/tls/shared.h"
#include "node/worker.h"

#include <mbedtls/x509_crt.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>

enum { DESCRIPTORS_FEW = 4096, CERTIFICATE_SOON_DAYS = 14, DAY_S = 86400 };

struct findings {
    struct control_table table;
    const struct worker *worker;
};

__attribute__((format(printf, 4, 5))) static void put(struct findings *f, const char *check,
                                                      const char *state, const char *fmt, ...)
{
    char text[512];
    va_list args;
    va_start(args, fmt);
    vsnprintf(text, sizeof text, fmt, args);
    va_end(args);
    control_row_begin(&f->table);
    tns_put_str(f->table.out, check);
    tns_put_str(f->table.out, state);
    tns_put_str(f->table.out, text);
    control_row_end(&f->table);
}

/* ---- descriptors -------------------------------------------------------------------------- */

static void check_descriptors(struct findings *f)
{
    struct rlimit limit;
    unsigned long long connections = f->worker->conns.count;
    if (getrlimit(RLIMIT_NOFILE, &limit) != 0)
        return;
    unsigned long long most = limit.rlim_cur;
    if (connections * 5 >= most * 4)
        put(f, "descriptors", "problem",
            "%llu connections are open and only %llu descriptors allowed; raise LimitNOFILE.",
            connections, most);
    else if (most < DESCRIPTORS_FEW)
        put(f, "descriptors", "warning",
            "Only %llu descriptors are allowed, one for each connection and file; raise "
            "LimitNOFILE.",
            most);
    if (f->worker->counters.accept_errors > 0)
        put(f, "descriptors", "warning",
            "%llu times since the start a connection could not be accepted.",
            (unsigned long long)f->worker->counters.accept_errors);
}

/* ---- certificates ------------------------------------------------------------------------- */

static int64_t seconds_of(const mbedtls_x509_time *t)
{
    struct tm tm = {.tm_year = t->year - 1900,
                    .tm_mon = t->mon - 1,
                    .tm_mday = t->day,
                    .tm_hour = t->hour,
                    .tm_min = t->min,
                    .tm_sec = t->sec};
    return timegm(&tm);
}

static void check_certificate(void *arg, const char *stem, const struct certificate *cert)
{
    struct findings *f = arg;
    int64_t now_s = f->worker->loop.wall_s;
    int64_t left_s = seconds_of(&cert->chain.valid_to) - now_s;
    if (left_s <= 0)
        put(f, "certificates", "problem", "The certificate %s.crt ended %lld days ago; renew it.",
            stem, (long long)(-left_s / DAY_S));
    else if (left_s < (int64_t)CERTIFICATE_SOON_DAYS * DAY_S)
        put(f, "certificates", "warning", "The certificate %s.crt ends in %lld days; renew it.",
            stem, (long long)(left_s / DAY_S));
    if (seconds_of(&cert->chain.valid_from) > now_s)
        put(f, "certificates", "problem",
            "The certificate %s.crt is not valid yet: is the clock right?", stem);
}

static void check_certificates(struct findings *f)
{
    if (f->worker->tls == NULL)
        return;
    list_for_each (it, &f->worker->tls->dirs)
        cert_dir_each(cert_dir_of_link(it), check_certificate, f);
}

/* ---- handlers ----------------------------------------------------------------------------- */

static void check_handlers(struct findings *f)
{
    for (struct map_entry *it = map_first(&f->worker->backends->by_name); it != NULL;
         it = map_next(it)) {
        const struct backend *b = map_value(it);
        bool is_pool = strcmp(b->ops->kind, "pool") == 0;
        if (!is_pool)
            put(f, "handlers", "note",
                "%s is blind: its handlers cannot say whether they have room. A pool can.",
                b->name);
        else if (b->figures.workers == 0)
            put(f, "handlers", "problem", "%s has no worker: its requests end with 503.", b->name);
        if (b->figures.refused > 0)
            put(f, "handlers", "warning",
                "%s has refused %llu requests since the start because its queue was full.", b->name,
                (unsigned long long)b->figures.refused);
    }
}

void verb_doctor(struct verb_call *c)
{
    struct findings f = {.worker = c->worker};
    control_table_begin(&f.table, c->reply, "check", "state", "text", NULL);
    check_descriptors(&f);
    check_certificates(&f);
    check_handlers(&f);
    if (c->worker->snapshot == NULL)
        put(&f, "configuration", "problem", "There is no configuration: nothing is served.");
    control_table_end(&f.table, CONTROL_NO_SEQ);
}
