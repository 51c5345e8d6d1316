/* libedit does the editing. Its own history files begin with a line of its own; ours are plain, as
 * they were with upstream's m2sh. */

#include "m2sh/line_editor.h"

#include "m2sh/base/xalloc.h"

#include <ctype.h>
#include <histedit.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define HISTORY_LINES 100

#if defined(__SANITIZE_ADDRESS__)
/* libedit never frees the names of functions added with EL_ADDFN; nobody else here calls this. */
const char *__lsan_default_suppressions(void);
const char *__lsan_default_suppressions(void)
{
    return "leak:wcsdup";
}
#endif

struct line_editor {
    const char *prompt;
    line_editor_complete *complete;
    EditLine *el; /* NULL: standard input is no terminal */
    History *history;
    char *path; /* of the history; NULL: there is no home */
    char *line;
    size_t room;
};

static char *show_prompt(EditLine *el)
{
    struct line_editor *ed;
    el_get(el, EL_CLIENTDATA, &ed);
    return (char *)(uintptr_t)ed->prompt;
}

static void list_words(struct line_editor *ed, const struct completion *c)
{
    fputc('\n', stdout);
    for (size_t i = 0; i < c->count; i++)
        printf("%s%s", c->words[i], i + 1 < c->count ? "  " : "\n");
    fflush(stdout);
    el_set(ed->el, EL_REFRESH);
}

/* The Tab key. */
static unsigned char on_tab(EditLine *el, int key)
{
    struct line_editor *ed;
    struct completion c;
    struct arena arena;
    const LineInfo *info = el_line(el);
    unsigned char result = CC_REFRESH;
    (void)key;
    el_get(el, EL_CLIENTDATA, &ed);
    arena_init(&arena, 0);
    ed->complete(&c, slice_of(info->buffer, (size_t)(info->cursor - info->buffer)), &arena);
    char *added = xarena_printf(&arena, "%.*s%s", SLICE_ARG(c.added), c.count == 1 ? " " : "");
    if (c.count == 0 || (*added != '\0' && el_insertstr(el, added) != 0))
        result = CC_ERROR;
    else if (*added == '\0')
        list_words(ed, &c);
    arena_fini(&arena);
    return result;
}

static void read_history(struct line_editor *ed)
{
    HistEvent event;
    char *line = NULL;
    size_t room = 0;
    FILE *f = ed->path != NULL ? fopen(ed->path, "re") : NULL;
    if (f == NULL)
        return;
    while (getline(&line, &room, f) > 0) {
        line[strcspn(line, "\n")] = '\0';
        if (*line != '\0')
            history(ed->history, &event, H_ENTER, line);
    }
    free(line);
    fclose(f);
}

/* Rewrites the file after each line, so that a session that is killed loses nothing. */
static void write_history(struct line_editor *ed)
{
    HistEvent event;
    FILE *f = ed->path != NULL ? fopen(ed->path, "we") : NULL;
    if (f == NULL)
        return;
    for (int more = history(ed->history, &event, H_LAST); more == 0;
         more = history(ed->history, &event, H_PREV))
        fprintf(f, "%.*s\n", (int)strcspn(event.str, "\n"), event.str);
    fclose(f);
}

static void open_editor(struct line_editor *ed)
{
    HistEvent event;
    const char *home = getenv("HOME");
    ed->el = el_init("m2sh", stdin, stdout, stderr);
    ed->history = history_init();
    if (ed->el == NULL || ed->history == NULL)
        xalloc_die();
    history(ed->history, &event, H_SETSIZE, HISTORY_LINES);
    history(ed->history, &event, H_SETUNIQUE, 1);
    el_set(ed->el, EL_CLIENTDATA, ed);
    el_set(ed->el, EL_PROMPT, show_prompt);
    el_set(ed->el, EL_EDITOR, "emacs");
    el_set(ed->el, EL_HIST, history, ed->history);
    el_set(ed->el, EL_ADDFN, "m2sh-complete", "Complete the word", on_tab);
    el_set(ed->el, EL_BIND, "^I", "m2sh-complete", NULL);
    el_set(ed->el, EL_BIND, "^R", "em-inc-search-prev", NULL);
    if (home != NULL && asprintf(&ed->path, "%s/.m2sh", home) < 0)
        xalloc_die();
    read_history(ed);
}

struct line_editor *line_editor_create(const char *prompt, line_editor_complete *complete)
{
    struct line_editor *ed = xrealloc(NULL, 1, sizeof *ed);
    *ed = (struct line_editor){.prompt = prompt, .complete = complete};
    if (isatty(STDIN_FILENO) && isatty(STDOUT_FILENO))
        open_editor(ed);
    return ed;
}

void line_editor_destroy(struct line_editor *ed)
{
    if (ed == NULL)
        return;
    if (ed->el != NULL) {
        el_end(ed->el);
        history_end(ed->history);
    }
    free(ed->path);
    free(ed->line);
    free(ed);
}

static const char *read_plain(struct line_editor *ed)
{
    fflush(stdout);
    if (getline(&ed->line, &ed->room, stdin) < 0)
        return NULL;
    ed->line[strcspn(ed->line, "\r\n")] = '\0';
    return ed->line;
}

const char *line_editor_read(struct line_editor *ed)
{
    HistEvent event;
    int len = 0;
    if (ed->el == NULL)
        return read_plain(ed);
    fflush(stdout);
    const char *line = el_gets(ed->el, &len);
    if (line == NULL || len <= 0) {
        fputc('\n', stdout);
        return NULL;
    }
    if (ed->room < (size_t)len + 1) {
        ed->room = (size_t)len + 1;
        ed->line = xrealloc(ed->line, ed->room, 1);
    }
    memcpy(ed->line, line, (size_t)len + 1);
    while (len > 0 && isspace((unsigned char)ed->line[len - 1]))
        ed->line[--len] = '\0'; /* the end of the line, and the blank that completion adds */
    if (ed->line[strspn(ed->line, " \t")] != '\0') {
        history(ed->history, &event, H_ENTER, ed->line);
        write_history(ed);
    }
    return ed->line;
}
