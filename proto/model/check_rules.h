/* Inside check.h: how the rules report, and what rules there are. One file per subject. */
#ifndef PROTO_MODEL_CHECK_RULES_H
#define PROTO_MODEL_CHECK_RULES_H

#include "proto/base/arena.h"
#include "proto/model/check.h"
#include "proto/model/model.h"

#include <stdbool.h>

#define TIMEOUT_MAX_S 86400 /* longest time-out that can be configured, in seconds */

struct checking {
    const struct model *model;
    struct arena *arena;
    struct finding *findings;
    size_t count, cap;
    bool is_out_of_memory;
};

/* Adds a finding about a column of a row (-1: the whole row). The text is a clause that goes on
 * from the object: what is wrong and what to do, without a period. */
void check_error(struct checking *c, const struct row *r, int column, const char *fmt, ...)
    __attribute__((format(printf, 4, 5)));
void check_warning(struct checking *c, const struct row *r, int column, const char *fmt, ...)
    __attribute__((format(printf, 4, 5)));

/* The value when it has the right kind; the rules look at nothing else, since check_types has
 * reported the rest. */
bool check_has_text(const struct row *r, size_t column, struct slice *text);
bool check_has_int(const struct row *r, size_t column, int64_t *n);

/* Reports a text that `syntax` (check_syntax.h) refuses. */
void check_text(struct checking *c, const struct row *r, size_t column,
                const char *(*syntax)(struct slice text));

/* Reports a number outside [min, max]. */
void check_range(struct checking *c, const struct row *r, size_t column, int64_t min, int64_t max);

/* Reports a text that is none of the blank-separated words. */
void check_words(struct checking *c, const struct row *r, size_t column, const char *words);

/* The column's name as its author knows it. */
const char *check_column_name(const struct row *r, size_t column);

/* The rules. Each looks at all rows of its subject. */
void check_types(struct checking *c);     /* check_types.c: kinds of values, ids, references */
void check_servers(struct checking *c);   /* check_server.c */
void check_hosts(struct checking *c);     /* check_route.c */
void check_routes(struct checking *c);    /* check_route.c */
void check_targets(struct checking *c);   /* check_target.c: Dir, Proxy, Redirect, Status */
void check_handlers(struct checking *c);  /* check_handler.c */
void check_plugins(struct checking *c);   /* check_setting.c */
void check_settings(struct checking *c);  /* check_setting.c */
void check_mimetypes(struct checking *c); /* check_setting.c */
void check_secrets(struct checking *c);   /* check_secret.c */
void check_expects(struct checking *c);   /* check_expect.c; last, since it routes */

#endif
