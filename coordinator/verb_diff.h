/* Differences and findings as rows of an answer; shared by the verbs that show them. */
#ifndef COORDINATOR_VERB_DIFF_H
#define COORDINATOR_VERB_DIFF_H

#include "proto/model/check.h"
#include "proto/model/model.h"
#include "proto/wire/cluster_reply.h"

/* change, table, object, column, text; ends with NULL. */
extern const char *const diff_headers[];
/* severity, object, column, text; ends with NULL. */
extern const char *const finding_headers[];

/* Puts a row per change; *count (may be NULL) gets how many. Either model may be NULL. */
int diff_rows(struct cluster_table_writer *w, const struct model *before, const struct model *after,
              size_t *count, struct error *e);

/* How many changes there are. */
int diff_count(const struct model *before, const struct model *after, size_t *count,
               struct error *e);

/* Puts a row per finding. */
void finding_rows(struct cluster_table_writer *w, const struct check *check);

#endif
