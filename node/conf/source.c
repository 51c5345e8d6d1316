/* Reading and checking is the model's work; this adds the choice of the server and the log lines.
 */

#include "node/conf/source.h"

#include "proto/base/log.h"
#include "proto/model/check.h"
#include "proto/model/model_sqlite.h"

static bool is_selected(const struct row *r, const struct source_selector *which)
{
    if (which->uuid != NULL)
        return slice_eq(row_text(r, SERVER_UUID), slice_str(which->uuid));
    if (which->name != NULL)
        return slice_eq(row_text(r, SERVER_NAME), slice_str(which->name));
    if (which->host != NULL)
        return slice_eq(row_text(r, SERVER_DEFAULT_HOST), slice_str(which->host));
    return true;
}

static const char *selector_text(const struct source_selector *which)
{
    return which->uuid != NULL ? which->uuid : which->name != NULL ? which->name : which->host;
}

const struct row *source_select(const struct model *m, const struct source_selector *which,
                                struct error *e)
{
    const struct row *found = NULL;
    for (size_t i = 0; i < model_count(m, TABLE_SERVER); i++) {
        const struct row *r = model_row(m, TABLE_SERVER, i);
        if (!is_selected(r, which))
            continue;
        if (found != NULL) {
            error_set(e, ERROR_INVALID,
                      "Several servers fit; say which by its uuid: %s (%s) or %s (%s) …",
                      row_str(found, SERVER_UUID), row_str(found, SERVER_NAME),
                      row_str(r, SERVER_UUID), row_str(r, SERVER_NAME));
            return NULL;
        }
        found = r;
    }
    if (found == NULL)
        error_set(e, ERROR_NOT_FOUND, "The configuration has no server %s.",
                  selector_text(which) != NULL ? selector_text(which) : "at all");
    return found;
}

int source_check(const struct model *m, struct error *e)
{
    struct check *check;
    if (check_model(&check, m, e) != 0)
        return -1;
    struct buf line = BUF_INIT;
    for (size_t i = 0; i < check->count; i++) {
        bool is_error = check->findings[i].severity == FINDING_ERROR;
        buf_clear(&line);
        check_format(&check->findings[i], &line);
        log_write(is_error ? LOG_ERROR_LEVEL : LOG_WARN_LEVEL, "config", "%s", buf_str(&line));
        if (is_error && i == 0)
            error_set_object(e, ERROR_INVALID, check->findings[i].object, "%s",
                             check->findings[i].text);
    }
    buf_fini(&line);
    int result = check->error_count > 0 ? -1 : 0;
    check_destroy(check);
    return result;
}

int source_load(const struct source *s, struct model **out, const struct row **server,
                struct error *e)
{
    struct model *m;
    int result = s->module != NULL ? config_module_read(s->module, s->place, s->which.uuid, &m, e)
                                   : model_sqlite_read(&m, s->place, e);
    if (result != 0)
        return -1;
    if (source_check(m, e) != 0 || (*server = source_select(m, &s->which, e)) == NULL) {
        model_unref(m);
        return -1;
    }
    *out = m;
    return 0;
}
