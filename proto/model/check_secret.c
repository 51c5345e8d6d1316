/* A configuration is read by everyone who may look at the cluster, and kept for ever: no secret
 * belongs into one. */

#include "proto/model/check_rules.h"

#include <string.h>

/* PEM (RFC 7468): of every kind of private key, with or without passphrase. */
static bool is_private_key(struct slice text)
{
    static const char mark[] = "PRIVATE KEY-----";
    return text.len >= sizeof mark - 1 && memmem(text.ptr, text.len, mark, sizeof mark - 1) != NULL;
}

static void check_row(struct checking *c, const struct row *r, size_t columns)
{
    struct slice text;
    for (size_t i = 0; i < columns; i++)
        if (check_has_text(r, i, &text) && is_private_key(text))
            check_error(c, r, (int)i,
                        "%s holds a private key, which everyone who sees a configuration could "
                        "read; put it into a file in certdir, on the nodes alone",
                        check_column_name(r, i));
}

void check_secrets(struct checking *c)
{
    for (int t = 0; t < TABLE_COUNT; t++)
        for (size_t i = 0; i < model_count(c->model, (enum table_id)t); i++)
            check_row(c, model_row(c->model, (enum table_id)t, i), schema_tables[t].column_count);
}
