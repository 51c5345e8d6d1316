/* The hash of each commit is what its successor calls its parent, so only one hash has to be kept
 * from page to page. */

#include "coordinator/chain_check.h"

#include <stdio.h>
#include <string.h>

enum { PAGE = 100 };

static void on_page(void *arg, const struct store_result *r);

static int lost(const struct chain_check *k, struct error *e)
{
    return error_set(e, ERROR_CONFLICT,
                     "The store has lost acknowledged commits: version %llu is no longer %.12s, "
                     "which was there before.",
                     (unsigned long long)k->known.version, k->known.hash);
}

/* The next commit downwards. */
static int check(struct chain_check *k, const struct commit *c, struct error *e)
{
    if (c->version != k->next || strcmp(c->hash, k->hash) != 0)
        return error_set(e, ERROR_CONFLICT,
                         "The store's history does not hang together: version %llu %.12s is "
                         "missing.",
                         (unsigned long long)k->next, k->hash);
    if (commit_verify(c, e) != 0)
        return -1;
    memcpy(k->hash, c->parent, sizeof k->hash);
    k->next--;
    return 0;
}

/* All down to the known commit, which itself need not be read. */
static bool is_through(const struct chain_check *k)
{
    return k->next <= k->known.version;
}

static int ask(struct chain_check *k, struct error *e)
{
    uint64_t left = k->next - k->known.version;
    return store_list(k->store, k->next + 1, left < PAGE ? (unsigned)left : PAGE, on_page, k, e);
}

static int take_page(struct chain_check *k, const struct store_result *r, struct error *e)
{
    for (size_t i = 0; i < r->commit_count && !is_through(k); i++)
        if (check(k, &r->commits[i], e) != 0)
            return -1;
    if (is_through(k))
        return strcmp(k->hash, k->known.hash) == 0 ? 0 : lost(k, e);
    if (r->commit_count == 0)
        return error_set(e, ERROR_CONFLICT, "The store's history has a gap: version %llu.",
                         (unsigned long long)k->next);
    return ask(k, e) == 0 ? 1 : -1;
}

static void on_page(void *arg, const struct store_result *r)
{
    struct chain_check *k = arg;
    struct error e = r->error;
    if (e.code != ERROR_NONE || take_page(k, r, &e) <= 0)
        k->done(k->arg, &e);
}

int chain_check_start(struct chain_check *k, struct store *store, const struct store_head *head,
                      const struct store_head *known,
                      void (*done)(void *arg, const struct error *e), void *arg, struct error *e)
{
    *k = (struct chain_check){
        .store = store, .known = *known, .next = head->version, .done = done, .arg = arg};
    memcpy(k->hash, head->hash, sizeof k->hash);
    if (head->version < known->version ||
        (head->version == known->version && strcmp(head->hash, known->hash) != 0))
        return lost(k, e);
    return ask(k, e);
}
