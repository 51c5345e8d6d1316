/* Models for tests: rows from "column=value" words, and a small whole site. */
#ifndef TESTS_UNIT_PROTO_MODEL_FIXTURE_H
#define TESTS_UNIT_PROTO_MODEL_FIXTURE_H

#include "proto/model/model.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static inline void fixture_set(struct model *m, struct row *r, const char *word)
{
    const struct table *t = &schema_tables[r->table];
    const char *equals = strchr(word, '=');
    assert_non_null(equals);
    int column = schema_column_of_name(t, slice_of(word, (size_t)(equals - word)));
    if (column < 0)
        fail_msg("table %s has no column for '%s'", t->name, word);
    if (strcmp(equals + 1, "NULL") == 0)
        row_set_null(r, (size_t)column);
    else if (t->columns[column].type == COLUMN_INT)
        row_set_int(r, (size_t)column, strtoll(equals + 1, NULL, 10));
    else
        assert_int_equal(row_set_text(m, r, (size_t)column, slice_str(equals + 1), NULL), 0);
}

/* fixture_row(m, TABLE_HOST, "server_id=1", "name=a.test", NULL) */
static inline struct row *fixture_row(struct model *m, enum table_id table, ...)
{
    struct row *r = model_add(m, table, NULL);
    assert_non_null(r);
    va_list args;
    va_start(args, table);
    for (const char *word; (word = va_arg(args, const char *)) != NULL;)
        fixture_set(m, r, word);
    va_end(args);
    return r;
}

static inline void fixture_server(struct model *m, const char *name, int port)
{
    char id[16], words[4][64];
    snprintf(id, sizeof id, "%s", name);
    snprintf(words[0], sizeof words[0], "uuid=uuid-%s", id);
    snprintf(words[1], sizeof words[1], "name=%s", id);
    snprintf(words[2], sizeof words[2], "port=%d", port);
    snprintf(words[3], sizeof words[3], "pid_file=/run/%s.pid", id);
    fixture_row(m, TABLE_SERVER, words[0], words[1], words[2], words[3], "access_log=/logs/access",
                "error_log=/logs/error", "chroot=./", "default_host=a.test", NULL);
}

/* One server, one host, a route of each of upstream's kinds; not frozen. */
static inline struct model *fixture_site(void)
{
    struct model *m = model_create(NULL);
    assert_non_null(m);
    fixture_server(m, "main", 6767);
    fixture_row(m, TABLE_HOST, "server_id=1", "name=a.test", NULL);
    fixture_row(m, TABLE_DIRECTORY, "base=static/", "index_file=index.html",
                "default_ctype=text/plain", "cache_ttl=30", NULL);
    fixture_row(m, TABLE_PROXY, "addr=127.0.0.1", "port=8080", NULL);
    fixture_row(m, TABLE_HANDLER, "send_spec=tcp://127.0.0.1:9997", "send_ident=ident",
                "recv_spec=tcp://127.0.0.1:9996", NULL);
    fixture_row(m, TABLE_ROUTE, "path=/", "host_id=1", "target_id=1", "target_type=dir", NULL);
    fixture_row(m, TABLE_ROUTE, "path=/app/", "host_id=1", "target_id=1", "target_type=proxy",
                NULL);
    fixture_row(m, TABLE_ROUTE, "path=/echo", "host_id=1", "target_id=1", "target_type=handler",
                NULL);
    fixture_row(m, TABLE_ROUTE, "path=@echo", "host_id=1", "target_id=1", "target_type=handler",
                NULL);
    fixture_row(m, TABLE_SETTING, "key=zeromq.threads", "value=1", NULL);
    fixture_row(m, TABLE_MIMETYPE, "extension=.html", "mimetype=text/html", NULL);
    return m;
}

/* The site with each addition in use; not frozen. */
static inline struct model *fixture_site_with_additions(void)
{
    struct model *m = fixture_site();
    fixture_row(m, TABLE_HANDLER, "pool=chat", "queue=5", "websocket=messages", NULL);
    fixture_row(m, TABLE_REDIRECT, "location=/new", "status=308", NULL);
    fixture_row(m, TABLE_STATUS, "what=health", NULL);
    fixture_row(m, TABLE_PROXY, "upstreams=a:80 b:80", "balance=hash", NULL);
    fixture_row(m, TABLE_EXPECT, "text=GET http://a.test/chat -> pool chat", NULL);
    fixture_row(m, TABLE_ROUTE, "path=/chat", "host_id=1", "target_id=2", "target_type=handler",
                NULL);
    fixture_row(m, TABLE_ROUTE, "path=/old", "host_id=1", "target_id=1", "target_type=redirect",
                NULL);
    fixture_row(m, TABLE_ROUTE, "path=/health", "host_id=1", "target_id=1", "target_type=status",
                NULL);
    fixture_row(m, TABLE_ROUTE, "path=/both", "host_id=1", "target_id=2", "target_type=proxy",
                NULL);
    return m;
}

static inline bool fixture_rows_equal(const struct row *a, const struct row *b)
{
    for (size_t c = 0; c < schema_tables[a->table].column_count; c++) {
        const struct value *x = &a->values[c], *y = &b->values[c];
        if (x->kind != y->kind || x->n != y->n || !slice_eq(x->text, y->text))
            return false;
    }
    return true;
}

/* Same rows with the same ids in the same order. */
static inline void fixture_assert_same_rows(const struct model *a, const struct model *b)
{
    for (int t = 0; t < TABLE_COUNT; t++) {
        assert_int_equal(model_count(a, (enum table_id)t), model_count(b, (enum table_id)t));
        for (size_t i = 0; i < model_count(a, (enum table_id)t); i++)
            if (!fixture_rows_equal(model_row(a, (enum table_id)t, i),
                                    model_row(b, (enum table_id)t, i)))
                fail_msg("table %s, row %zu differs", schema_tables[t].name, i + 1);
    }
}

/* A temporary directory, removed with all that is in it by fixture_directory_remove. */
static inline char *fixture_directory(void)
{
    const char *root = getenv("TMPDIR");
    char *path = NULL;
    assert_true(asprintf(&path, "%s/m2-model.XXXXXX", root != NULL ? root : "/tmp") > 0);
    assert_non_null(mkdtemp(path));
    return path;
}

static inline void fixture_directory_remove(char *path)
{
    char command[512];
    snprintf(command, sizeof command, "rm -rf '%s'", path);
    assert_int_equal(system(command), 0);
    free(path);
}

#endif
