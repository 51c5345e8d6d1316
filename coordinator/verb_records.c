/* The records beside the commits, as they are in the store: what a backup takes with it. */

#include "coordinator/verbs.h"
#include "proto/model/backup.h"
#include "proto/wire/cluster_reply.h"

static void on_records(void *arg, const struct store_result *r)
{
    static const char *const headers[] = {"key", "value", NULL};
    struct deferred *d = arg;
    struct cluster_table_writer w;
    struct buf b = BUF_INIT;
    if (r->error.code != ERROR_NONE) {
        deferred_refuse(d, &r->error);
        return;
    }
    cluster_table_begin(&w, &b, d->client.seq, NULL, headers);
    for (size_t i = 0; i < r->record_count; i++) {
        cluster_row_begin(&w);
        tns_put_string(&b, r->records[i].key);
        tns_put_string(&b, r->records[i].value);
        cluster_row_end(&w);
    }
    cluster_table_end(&w);
    verb_send(d->coordinator, &d->client, &b);
    deferred_free(d);
}

static const char *kind_of(struct slice word)
{
    for (size_t i = 0; i < BACKUP_KINDS; i++)
        if (slice_eq(word, slice_str(backup_kinds[i])))
            return backup_kinds[i];
    return NULL;
}

void verb_records(struct coordinator *c, const struct client *from, const struct cluster_request *r)
{
    struct error e;
    const char *kind = kind_of(r->records.kind);
    if (kind == NULL) {
        error_set(&e, ERROR_USAGE, "There are no records of the kind \"%.*s\".",
                  SLICE_ARG(r->records.kind));
        verb_refuse(c, from, &e);
        return;
    }
    struct deferred *d = deferred_create(c, from, 0);
    if (d != NULL && store_scan(c->store, kind, r->records.before, (unsigned)r->records.count,
                                on_records, d, &e) != 0)
        deferred_refuse(d, &e);
}
