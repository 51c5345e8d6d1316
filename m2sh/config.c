/* Told apart by content, not by name: every SQLite database begins with the same 16 bytes. */

#include "m2sh/config.h"

#include "m2sh/base/xalloc.h"
#include "proto/model/check.h"
#include "proto/model/model_sqlite.h"

#include <string.h>

static bool is_database(const char *path)
{
    static const char magic[16] = "SQLite format 3";
    char head[sizeof magic] = {0};
    FILE *f = fopen(path, "rbe");
    if (f == NULL)
        return false;
    bool same = fread(head, 1, sizeof head, f) == sizeof head &&
                memcmp(head, magic, sizeof magic) == 0;
    fclose(f);
    return same;
}

static void put_json_finding(struct out_json *j, const struct diag *d)
{
    struct place place = source_place(d->at);
    out_json_object(j);
    out_json_pair_str(j, "severity", d->severity == DIAG_ERROR ? "error" : "warning");
    out_json_pair_str(j, "file", place.file);
    out_json_pair_int(j, "line", place.line);
    out_json_pair_int(j, "column", place.column);
    out_json_pair_str(j, "text", d->text);
    out_json_end(j);
}

/* {"error":{...},"findings":[...]}, only for a configuration that is refused: a command that goes
 * on prints a result of its own. */
static void print_json(const struct diag_list *l, const char *path)
{
    struct buf out = BUF_INIT;
    struct out_json j;
    out_json_init(&j, &out);
    out_json_object(&j);
    out_json_key(&j, "error");
    out_json_object(&j);
    out_json_pair_str(&j, "code", error_code_name(ERROR_INVALID));
    out_json_pair_str(&j, "object", path);
    out_json_pair_str(&j, "text", "The configuration is not valid.");
    out_json_pair_int(&j, "count", (int64_t)l->error_count);
    out_json_end(&j);
    out_json_key(&j, "findings");
    out_json_array(&j);
    for (const struct diag *d = l->first; d != NULL; d = d->next)
        put_json_finding(&j, d);
    out_json_end(&j);
    out_json_end(&j);
    buf_append_char(&out, '\n');
    cmd_print(&out);
}

static enum status show(const struct call *c, const struct diag_list *l, const char *path)
{
    struct buf out = BUF_INIT;
    diag_format_all(l, &out);
    fputs(xbuf_str(&out), stderr);
    buf_fini(&out);
    if (l->error_count == 0)
        return STATUS_DONE;
    fprintf(stderr, "m2sh %s: %s is not valid: %zu error%s.\n", c->cmd->name, path, l->error_count,
            l->error_count == 1 ? "" : "s");
    if (c->json)
        print_json(l, path);
    return STATUS_INVALID;
}

/* ---- databases ----------------------------------------------------------------------------- */

static const struct position nowhere = {NULL, 0};

static void check_database(struct model *m, struct diag_list *diags, const char *path)
{
    struct error e;
    struct check *check;
    if (check_model(&check, m, &e) != 0)
        xalloc_die();
    for (size_t i = 0; i < check->count; i++) {
        const struct finding *f = &check->findings[i];
        if (f->severity == FINDING_ERROR)
            diag_error(diags, nowhere, "%s: %s: %s", path, f->object, f->text);
        else
            diag_warning(diags, nowhere, "%s: %s: %s", path, f->object, f->text);
    }
    check_destroy(check);
}

static enum status open_database(struct config *config, const struct call *c, const char *path)
{
    struct error e;
    struct arena arena;
    struct diag_list diags;
    if (model_sqlite_read(&config->model, path, &e) != 0)
        return cmd_fail(c, &e);
    arena_init(&arena, 0);
    diag_init(&diags, &arena);
    check_database(config->model, &diags, path);
    enum status status = show(c, &diags, path);
    arena_fini(&arena);
    return status;
}

enum status config_open(struct config *config, const struct call *c, const char *path)
{
    enum status status;
    *config = (struct config){NULL, NULL};
    if (is_database(path)) {
        status = open_database(config, c, path);
    } else {
        config->document = document_load(path);
        status = show(c, document_diags(config->document), path);
        if (status == STATUS_DONE)
            config->model = model_ref(document_model(config->document));
    }
    if (status != STATUS_DONE)
        config_close(config);
    return status;
}

void config_close(struct config *config)
{
    model_unref(config->model);
    document_destroy(config->document);
    *config = (struct config){NULL, NULL};
}
