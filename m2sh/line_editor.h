/* Lines from a person: editing, history and completion on a terminal, plain lines from a pipe. The
 * history of 100 lines is in ~/.m2sh, one line each, shared by the shell and the control port. */
#ifndef M2SH_LINE_EDITOR_H
#define M2SH_LINE_EDITOR_H

#include "m2sh/completion.h"

struct line_editor;

typedef void line_editor_complete(struct completion *c, struct slice before, struct arena *a);

/* `prompt` is borrowed; it is shown on a terminal only. */
struct line_editor *line_editor_create(const char *prompt, line_editor_complete *complete);
void line_editor_destroy(struct line_editor *ed); /* NULL is fine */

/* The next line without its end, borrowed until the next call; NULL at the end of input. */
const char *line_editor_read(struct line_editor *ed);

#endif
