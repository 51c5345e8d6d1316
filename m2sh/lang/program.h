/* A configuration with everything it includes: the names it assigns, and what they stand for.
 *
 * `include "FILE"` reads the statements of FILE in its place; a relative name starts at the folder
 * of the file that includes it. Names are one flat space over all files, the last assignment wins,
 * and a name may be used before it is assigned. */
#ifndef M2SH_LANG_PROGRAM_H
#define M2SH_LANG_PROGRAM_H

#include "m2sh/lang/ast.h"
#include "m2sh/lang/diag.h"
#include "proto/base/map.h"

#include <stddef.h>

#define PROGRAM_BYTES_MAX   (64u << 20) /* of all files together */
#define PROGRAM_FILES_MAX   1000
#define PROGRAM_INCLUDE_MAX 16 /* includes inside each other */

struct program {
    struct diag_list *diags;          /* borrowed; the tree lives in its arena */
    const struct source *root;        /* NULL: it could not be read */
    const struct source *last_source; /* all files, through `previous` */
    struct map names;                 /* name -> struct statement * */
    size_t bytes;
    unsigned files;
};

/* Reads the file and what it includes. What is wrong is in `diags` afterwards; a root that cannot
 * be read too. */
void program_read(struct program *p, const char *path, struct diag_list *diags);

/* As program_read for a text. Its includes are refused (there is no folder to start at). */
void program_read_text(struct program *p, const char *name, struct slice text,
                       struct diag_list *diags);

void program_fini(struct program *p);

/* The value of a top-level name, unresolved; NULL when it is not assigned. */
const struct statement *program_find(const struct program *p, const char *name);

/* The value that `n` stands for: itself, or what the name leads to, however many names away. NULL
 * after reporting an unknown name or names that lead in a circle. */
const struct node *program_resolve(const struct program *p, const struct node *n);

#endif
