/* backup: the whole history of a cluster in one file. The coordinator that runs is asked for one
 * commit after the other, while it goes on with its work; a store that none has open is read by a
 * mongrel2-coordinator that is started for it. */

#include "m2sh/cluster.h"
#include "m2sh/cmd_table.h"
#include "m2sh/out/out_progress.h"
#include "m2sh/store_program.h"
#include "proto/base/clock.h"
#include "proto/model/backup.h"

#include <stdio.h>
#include <string.h>

enum { PAGE = 100 };

struct saving {
    struct cluster cl;
    struct backup_writer writer;
    struct backup_info info;
    size_t records;
    struct out_progress progress;
};

/* What the coordinator has answered to `request`; NULL with *e, also when it has refused. */
static const struct cluster_table *ask(struct saving *s, struct cluster_request *request,
                                       struct error *e)
{
    const struct cluster_reply *reply;
    if (caller_call(s->cl.caller, request, NULL, NULL, &reply, e) != 0)
        return NULL;
    return &reply->table;
}

/* ---- the pieces --------------------------------------------------------------------------- */

static void copy(char *out, size_t size, struct slice text)
{
    snprintf(out, size, "%.*s", SLICE_ARG(text));
}

static int begin(struct saving *s, const char *path, struct error *e)
{
    struct cluster_request hello;
    cluster_request_init(&hello, CLUSTER_HELLO);
    hello.hello.protocol = CLUSTER_PROTOCOL;
    const struct cluster_table *t = ask(s, &hello, e);
    if (t == NULL)
        return -1;
    s->info.when_ms = clock_wall_ms();
    s->info.version = (uint64_t)cluster_table_int(t, 0, "version");
    copy(s->info.cluster, sizeof s->info.cluster, cluster_table_text(t, 0, "cluster"));
    copy(s->info.hash, sizeof s->info.hash, cluster_table_text(t, 0, "hash"));
    if (s->info.version == 0)
        copy(s->info.hash, sizeof s->info.hash, SLICE(COMMIT_NO_PARENT));
    return backup_create(&s->writer, path, &s->info, e);
}

static int fetch(struct saving *s, uint64_t version, bool without_config, struct arena *a,
                 struct commit *out, struct error *e)
{
    struct cluster_request get;
    cluster_request_init(&get, CLUSTER_GET);
    get.get.version = (int64_t)version;
    get.get.without_config = without_config;
    const struct cluster_table *t = ask(s, &get, e);
    if (t == NULL || commit_decode(out, cluster_table_text(t, 0, "commit"), a, e) != 0)
        return -1;
    return commit_verify(out, e);
}

/* A configuration that is in the file already is not sent again. */
static int save_commit(struct saving *s, uint64_t version, struct error *e)
{
    struct arena a;
    struct commit commit;
    arena_init(&a, 0);
    int result = fetch(s, version, version > 1, &a, &commit, e);
    if (result == 0 && commit.config.len == 0 && !backup_has_config(&s->writer, commit.config_hash))
        result = fetch(s, version, false, &a, &commit, e);
    if (result == 0)
        result = backup_put_commit(&s->writer, &commit, e);
    arena_fini(&a);
    return result;
}

static int save_commits(struct saving *s, struct error *e)
{
    for (uint64_t v = 1; v <= s->info.version; v++) {
        out_progress_status(&s->progress, "commit %llu of %llu", (unsigned long long)v,
                            (unsigned long long)s->info.version);
        if (save_commit(s, v, e) != 0)
            return -1;
    }
    return 0;
}

/* One kind, page by page; the last key of a page is where the next begins. */
static int save_records(struct saving *s, const char *kind, struct error *e)
{
    char before[256] = "";
    for (;;) {
        struct cluster_request request;
        cluster_request_init(&request, CLUSTER_RECORDS);
        request.records.kind = slice_str(kind);
        request.records.before = slice_str(before);
        request.records.count = PAGE;
        const struct cluster_table *t = ask(s, &request, e);
        if (t == NULL)
            return -1;
        for (size_t row = 0; row < t->row_count; row++, s->records++) {
            struct slice key = cluster_table_text(t, row, "key");
            copy(before, sizeof before, key);
            if (backup_put_record(&s->writer, slice_str(kind), key,
                                  cluster_table_text(t, row, "value"), e) != 0)
                return -1;
        }
        if (t->row_count < PAGE)
            return 0;
    }
}

static int save(struct saving *s, const char *path, struct error *e)
{
    if (begin(s, path, e) != 0 || save_commits(s, e) != 0)
        return -1;
    for (size_t i = 0; i < BACKUP_KINDS; i++)
        if (save_records(s, backup_kinds[i], e) != 0)
            return -1;
    return backup_finish(&s->writer, e);
}

/* ---- the command -------------------------------------------------------------------------- */

static void print_result(const struct call *c, const struct saving *s, const char *path)
{
    struct out_json j;
    struct buf out = BUF_INIT;
    if (!c->json) {
        printf("%llu commits and %zu records of cluster %s are in %s.\n",
               (unsigned long long)s->info.version, s->records, s->info.cluster, path);
        return;
    }
    out_json_init(&j, &out);
    out_json_object(&j);
    out_json_pair_str(&j, "file", path);
    out_json_pair_str(&j, "cluster", s->info.cluster);
    out_json_pair_int(&j, "version", (int64_t)s->info.version);
    out_json_pair_int(&j, "records", (int64_t)s->records);
    out_json_end(&j);
    buf_append_char(&out, '\n');
    cmd_print(&out);
}

static enum status run(struct call *c)
{
    struct error e;
    struct saving s = {.records = 0};
    const char *path = args_get(&c->args, "file", "");
    if (path[0] == '\0') {
        error_set(&e, ERROR_USAGE, "Name the file: -file FILE.");
        return cmd_fail(c, &e);
    }
    if (args_has(&c->args, "store"))
        return store_program_run(c, "-backup", path);
    if (cluster_open(&s.cl, c, &e) != 0)
        return cmd_fail(c, &e);
    out_progress_init(&s.progress, NULL, stderr);
    int result = save(&s, path, &e);
    out_progress_end(&s.progress);
    backup_writer_fini(&s.writer);
    cluster_close(&s.cl);
    if (result != 0)
        return cmd_fail(c, &e);
    print_result(c, &s, path);
    return STATUS_DONE;
}

const struct cmd cmd_backup = {
    .name = "backup",
    .help = "Saves the cluster's history into a file.",
    .arguments = "-file FILE [-cluster SPEC | -store URL]",
    .more = "All commits, notes, outcomes and orders. With -store of a store that no coordinator\n"
            "has open.",
    .options = (const struct args_option[]){{"file", "FILE", "Where to; replaced when whole."},
                                            {"store", "URL", "Of a store without coordinator."},
                                            OPTIONS_CLUSTER,
                                            OPTION_END},
    .run = run,
};
