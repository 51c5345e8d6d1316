/* Optimal string alignment: Levenshtein's distance with swapped neighbours counted once, because
 * that is the commonest slip. Three rows of the table are enough. */

#include "m2sh/base/suggest.h"

#include <ctype.h>

#define WORD_MAX 63

static unsigned least(unsigned a, unsigned b, unsigned c)
{
    unsigned m = a < b ? a : b;
    return m < c ? m : c;
}

static int lower(struct slice s, size_t i)
{
    return tolower((unsigned char)s.ptr[i]);
}

unsigned suggest_distance(struct slice a, struct slice b)
{
    unsigned rows[3][WORD_MAX + 1];
    if (a.len > WORD_MAX || b.len > WORD_MAX)
        return (unsigned)(a.len > b.len ? a.len : b.len);
    for (unsigned j = 0; j <= b.len; j++)
        rows[0][j] = j;
    for (unsigned i = 1; i <= a.len; i++) {
        unsigned *now = rows[i % 3], *before = rows[(i + 2) % 3], *older = rows[(i + 1) % 3];
        now[0] = i;
        for (unsigned j = 1; j <= b.len; j++) {
            bool same = lower(a, i - 1) == lower(b, j - 1);
            now[j] = least(now[j - 1] + 1, before[j] + 1, before[j - 1] + !same);
            if (i > 1 && j > 1 && lower(a, i - 1) == lower(b, j - 2) &&
                lower(a, i - 2) == lower(b, j - 1) && older[j - 2] + 1 < now[j])
                now[j] = older[j - 2] + 1;
        }
    }
    return rows[a.len % 3][b.len];
}

void suggest_init(struct suggest *s, struct slice word)
{
    unsigned near = word.len <= 3 ? 1 : word.len <= 7 ? 2 : 3;
    *s = (struct suggest){word, SLICE_EMPTY, near + 1};
}

void suggest_offer(struct suggest *s, struct slice candidate)
{
    unsigned distance = suggest_distance(s->word, candidate);
    if (distance < s->distance && distance < candidate.len) {
        s->distance = distance;
        s->best = candidate;
    }
}
