/* The line editor of builds without libedit: a prompt and nothing else. */

#include "m2sh/line_editor.h"

#include "m2sh/base/xalloc.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

struct line_editor {
    const char *prompt; /* NULL: standard input is no terminal */
    char *line;
    size_t room;
};

struct line_editor *line_editor_create(const char *prompt, line_editor_complete *complete)
{
    struct line_editor *ed = xrealloc(NULL, 1, sizeof *ed);
    (void)complete;
    *ed = (struct line_editor){.prompt = isatty(STDIN_FILENO) ? prompt : NULL};
    return ed;
}

void line_editor_destroy(struct line_editor *ed)
{
    if (ed == NULL)
        return;
    free(ed->line);
    free(ed);
}

const char *line_editor_read(struct line_editor *ed)
{
    if (ed->prompt != NULL)
        fputs(ed->prompt, stdout);
    fflush(stdout);
    if (getline(&ed->line, &ed->room, stdin) < 0)
        return NULL;
    ed->line[strcspn(ed->line, "\r\n")] = '\0';
    return ed->line;
}
