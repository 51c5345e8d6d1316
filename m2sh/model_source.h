/* The configuration that a listing is about: that of a database, or the head of the cluster. */
#ifndef M2SH_MODEL_SOURCE_H
#define M2SH_MODEL_SOURCE_H

#include "m2sh/cluster.h"
#include "proto/model/model.h"

/* Options of a command that lists either. */
#define OPTIONS_SOURCE OPTION_DB, OPTIONS_CLUSTER

/* Gives the frozen model, to be released with model_unref. STATUS_DONE, or the failure was shown.
 */
enum status model_source_read(struct call *c, struct model **m);

/* "config.sqlite" or "the cluster", for messages. */
const char *model_source_name(const struct call *c);

#endif
