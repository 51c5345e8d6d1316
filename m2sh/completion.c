/* Commands and options come from the same tables that run them. */

#include "m2sh/completion.h"

#include "m2sh/base/xalloc.h"
#include "m2sh/cmd.h"

#include <string.h>

#define WORDS_MAX 200

static void offer(struct completion *c, const char *word)
{
    struct slice s = slice_str(word);
    if (!slice_starts_with(s, c->begun) || c->count >= WORDS_MAX)
        return;
    c->words[c->count++] = word;
    struct slice added = slice_from(s, c->begun.len);
    if (c->count == 1) {
        c->added = added;
        return;
    }
    size_t same = 0;
    while (same < added.len && same < c->added.len && added.ptr[same] == c->added.ptr[same])
        same++;
    c->added.len = same;
}

/* Splits the line at the word that is being typed; returns the first word before it. */
static struct slice begin(struct completion *c, struct slice before, struct arena *a)
{
    size_t start = before.len, first = 0, end;
    while (start > 0 && before.ptr[start - 1] != ' ' && before.ptr[start - 1] != '\t')
        start--;
    while (first < start && before.ptr[first] == ' ')
        first++;
    for (end = first; end < start && before.ptr[end] != ' '; end++)
        continue;
    *c = (struct completion){.words = xarena_alloc(a, WORDS_MAX * sizeof(char *)),
                             .begun = slice_from(before, start),
                             .added = SLICE_EMPTY};
    return slice_of(before.ptr + first, end - first);
}

static void offer_options(struct completion *c, const struct args_option *options, struct arena *a)
{
    for (; options != NULL && options->name != NULL; options++)
        offer(c, xarena_printf(a, "-%s", options->name));
}

void completion_of_command(struct completion *c, struct slice before, struct arena *a)
{
    struct slice first = begin(c, before, a);
    if (first.len == 0) {
        for (size_t i = 0; cmd_table[i] != NULL; i++)
            offer(c, cmd_table[i]->name);
        offer(c, "quit");
        return;
    }
    const struct cmd *cmd = cmd_find(xarena_slice(a, first).ptr);
    if (cmd == NULL || c->begun.len == 0 || c->begun.ptr[0] != '-')
        return;
    offer_options(c, cmd->options, a);
    offer(c, "-json");
    offer(c, "-help");
}

void completion_of_control(struct completion *c, struct slice before, struct arena *a)
{
    static const char *const commands[] = {"control_stop", "help",   "info",   "kill", "metrics",
                                           "quit",         "reload", "status", "stop", "terminate",
                                           "time",         "uuid",   "version"};
    static const char *const whats[] = {"what=json", "what=net", "what=tasks"};
    struct slice first = begin(c, before, a);
    for (size_t i = 0; first.len == 0 && i < sizeof commands / sizeof commands[0]; i++)
        offer(c, commands[i]);
    for (size_t i = 0; slice_eq(first, SLICE("status")) && i < sizeof whats / sizeof whats[0]; i++)
        offer(c, whats[i]);
    if (slice_eq(first, SLICE("kill")))
        offer(c, "id=");
}
