/* Quotes may begin in the middle of a word, as in a shell: -why="two words" is one word. */

#include "m2sh/base/words.h"

#include "m2sh/base/xalloc.h"

#include <ctype.h>

/* Copies the word at `line` to `out`; returns the byte behind it, NULL when a quote is not closed.
 */
static const char *take_word(const char *line, struct buf *out)
{
    char quote = '\0';
    for (; *line != '\0' && (quote != '\0' || !isspace((unsigned char)*line)); line++) {
        if (quote == '\0' && (*line == '"' || *line == '\''))
            quote = *line;
        else if (*line == quote)
            quote = '\0';
        else
            buf_append_char(out, *line);
    }
    return quote == '\0' ? line : NULL;
}

int words_split(const char *line, struct arena *a, char ***words, int *count, struct error *e)
{
    size_t room = strlen(line) / 2 + 2; /* a word and a blank take two bytes at least */
    struct buf word = BUF_INIT;
    *words = xarena_alloc(a, room * sizeof **words);
    *count = 0;
    for (;;) {
        while (isspace((unsigned char)*line))
            line++;
        if (*line == '\0')
            break;
        buf_clear(&word);
        line = take_word(line, &word);
        if (line == NULL) {
            buf_fini(&word);
            return error_set(e, ERROR_USAGE, "A quote is not closed in this line.");
        }
        (*words)[(*count)++] = xarena_strdup(a, xbuf_str(&word));
    }
    buf_fini(&word);
    return 0;
}
