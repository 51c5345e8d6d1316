/* The row says `how` by the command line, as upstream's `commit` says "m2sh". */

#include "m2sh/journal.h"

#include "m2sh/identity.h"

struct log_entry journal_entry(struct journal_author *author, const char *what, const char *how,
                               const char *why)
{
    identity_user(author->who, sizeof author->who);
    identity_host(author->where, sizeof author->where);
    return (struct log_entry){
        .who = author->who, .what = what, .location = author->where, .how = how, .why = why};
}

void journal_add(const struct call *c, const char *db, const char *what, const char *why)
{
    struct error e;
    struct journal_author author;
    struct log_entry entry = journal_entry(&author, what, c->line, why);
    if (model_log_append(db, &entry, &e) != 0)
        fprintf(stderr, "m2sh %s: warning: This is not in the log of %s: %s\n", c->cmd->name, db,
                e.text);
}
