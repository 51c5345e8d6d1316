/* shell: m2sh commands one after the other. A command that fails does not end it; `quit`, Ctrl-D or
 * Ctrl-C do. */

#include "m2sh/base/words.h"
#include "m2sh/cmd_table.h"
#include "m2sh/line_editor.h"

#include <string.h>

/* Runs one line; false when it asks to leave. */
static bool run_line(const struct call *c, const char *line)
{
    struct error e;
    struct arena arena;
    char **words;
    int count;
    bool goes_on = true;
    arena_init(&arena, 0);
    if (words_split(line, &arena, &words, &count, &e) != 0)
        cmd_fail(c, &e);
    else if (count > 0 && (strcmp(words[0], "quit") == 0 || strcmp(words[0], "exit") == 0))
        goes_on = false;
    else if (count > 0 && strcmp(words[0], "shell") != 0) /* not one inside the other */
        cmd_run(count, words);
    arena_fini(&arena);
    return goes_on;
}

static enum status run(struct call *c)
{
    const char *line;
    struct line_editor *ed = line_editor_create("mongrel2> ", completion_of_command);
    while ((line = line_editor_read(ed)) != NULL && run_line(c, line))
        continue;
    line_editor_destroy(ed);
    return STATUS_DONE;
}

const struct cmd cmd_shell = {
    .name = "shell",
    .help = "Starts an interactive shell.",
    .arguments = "",
    .more = "Lines are m2sh commands without the word m2sh; quit or Ctrl-D leaves.\n"
            "Tab completes commands and options; the history is in ~/.m2sh.",
    .is_classic = true,
    .run = run,
};
