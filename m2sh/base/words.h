/* A line of the interactive shell as words: blanks separate, "…" and '…' keep blanks together and
 * may stand inside a word. There are no escapes. */
#ifndef M2SH_BASE_WORDS_H
#define M2SH_BASE_WORDS_H

#include "proto/base/arena.h"
#include "proto/base/error.h"

/* Gives the words and a NULL behind them, all in the arena. ERROR_USAGE for a quote without end. */
int words_split(const char *line, struct arena *a, char ***words, int *count, struct error *e);

#endif
