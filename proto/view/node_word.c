#include "proto/view/node_word.h"

enum node_word node_word_of(const struct cluster_table *nodes, size_t row, int64_t head)
{
    static const struct {
        struct slice state;
        enum node_word word;
    } words[] = {
        {SLICE("joining"), NODE_JOINING}, {SLICE("draining"), NODE_DRAINING},
        {SLICE("suspect"), NODE_SUSPECT}, {SLICE("gone"), NODE_LOST},
        {SLICE("nacked"), NODE_REFUSED},  {SLICE("diverged"), NODE_DIVERGED},
    };
    struct slice state = cluster_table_text(nodes, row, "state");
    for (size_t i = 0; i < sizeof words / sizeof words[0]; i++)
        if (slice_eq(state, words[i].state))
            return words[i].word;
    /* Less than the head, while a canary is held elsewhere. */
    bool tells = cluster_table_column(nodes, "wanted") >= 0;
    int64_t wanted = tells ? cluster_table_int(nodes, row, "wanted") : head;
    return cluster_table_int(nodes, row, "version") < wanted ? NODE_BEHIND : NODE_SYNCED;
}

const char *node_word_name(enum node_word word)
{
    static const char *const names[] = {
        [NODE_SYNCED] = "SYNCED",     [NODE_BEHIND] = "BEHIND",     [NODE_JOINING] = "JOINING",
        [NODE_DRAINING] = "DRAINING", [NODE_SUSPECT] = "SUSPECT",   [NODE_REFUSED] = "REFUSED",
        [NODE_LOST] = "LOST",         [NODE_DIVERGED] = "DIVERGED",
    };
    return names[word];
}
