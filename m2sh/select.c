/* An ambiguous selection does nothing and shows what there is: to stop the wrong server is worse
 * than to stop none. */

#include "m2sh/select.h"

#include "m2sh/base/xalloc.h"
#include "proto/model/model_sqlite.h"

#include <stdlib.h>
#include <string.h>

/* The one option given, or NULL. */
static const char *criterion(const struct call *c)
{
    static const char *const options[] = {"every", "name", "host", "uuid"};
    const char *found = NULL;
    for (size_t i = 0; i < sizeof options / sizeof options[0]; i++) {
        if (!args_has(&c->args, options[i]))
            continue;
        if (found != NULL)
            return NULL;
        found = options[i];
    }
    return found;
}

static bool fits(const struct row *server, const char *option, const char *value)
{
    if (strcmp(option, "every") == 0)
        return true;
    size_t column = strcmp(option, "name") == 0   ? SERVER_NAME
                    : strcmp(option, "host") == 0 ? SERVER_DEFAULT_HOST
                                                  : SERVER_UUID;
    return strcmp(row_str(server, column), value) == 0;
}

static void show_ambiguous(const struct selection *s)
{
    fprintf(stderr, "Not sure which server to run, what I found:\n"
                    "NAME HOST UUID\n"
                    "--------------\n");
    for (size_t i = 0; i < s->count; i++)
        fprintf(stderr, "%s %s %s\n", row_str(s->servers[i], SERVER_NAME),
                row_str(s->servers[i], SERVER_DEFAULT_HOST), row_str(s->servers[i], SERVER_UUID));
    fprintf(stderr, "* Use -every to run them all.\n");
}

static enum status select_rows(struct selection *s, const struct call *c, const char *option)
{
    struct error e;
    const char *value = args_get(&c->args, option, "");
    size_t total = model_count(s->model, TABLE_SERVER);
    s->servers = xrealloc(NULL, total + 1, sizeof(struct row *));
    for (size_t i = 0; i < total; i++) {
        const struct row *server = model_row(s->model, TABLE_SERVER, i);
        if (fits(server, option, value))
            s->servers[s->count++] = server;
    }
    if (s->count == 0) {
        error_set(&e, ERROR_NOT_FOUND, "No servers matched the description.");
        return cmd_fail(c, &e);
    }
    if (s->count > 1 && strcmp(option, "every") != 0) {
        show_ambiguous(s);
        error_set(&e, ERROR_USAGE, "%zu servers matched, expected one.", s->count);
        return cmd_fail(c, &e);
    }
    return STATUS_DONE;
}

enum status select_servers(struct selection *s, const struct call *c)
{
    struct error e;
    const char *option = criterion(c);
    *s = (struct selection){NULL, NULL, 0};
    if (option == NULL) {
        error_set(&e, ERROR_USAGE, "You must give either --every, --name, --host, or --uuid.");
        return cmd_fail(c, &e);
    }
    if (model_sqlite_read(&s->model, cmd_db(c), &e) != 0)
        return cmd_fail(c, &e);
    enum status status = select_rows(s, c, option);
    if (status != STATUS_DONE)
        select_release(s);
    return status;
}

void select_release(struct selection *s)
{
    free(s->servers);
    model_unref(s->model);
    *s = (struct selection){NULL, NULL, 0};
}
