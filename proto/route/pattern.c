/* Without captures greedy and lazy repetition accept the same texts, so there is nothing to
 * backtrack for: the matcher keeps the *set of positions* that the items so far can have reached,
 * one bit per position, and lets each item in turn move the whole set. A position is looked at once
 * per item, which is the bound; a path shorter than 64 bytes is one machine word.
 *
 * `x+` is compiled as `x` and `x*`, so that three kinds of repetition remain. Items at the end that
 * cannot change the answer (`.*`, for instance) are dropped. */

#include "proto/route/pattern.h"

#include <stdint.h>
#include <stdio.h>
#include <string.h>

#define WORD_BITS      64
#define WORDS(len)     ((len) / WORD_BITS + 1) /* for the positions 0..len */
#define POSITION_WORDS WORDS(PATTERN_TEXT_MAX)

enum item_kind { ITEM_ANY, ITEM_BYTE, ITEM_SET, ITEM_BALANCE, ITEM_FRONTIER };
enum item_repeat { REPEAT_ONCE, REPEAT_OPTIONAL, REPEAT_ANY };

struct item {
    uint8_t kind;
    uint8_t repeat; /* of the first three kinds */
    uint8_t byte;   /* the byte; of ITEM_BALANCE the opening one */
    uint8_t close;
    uint32_t set; /* index of the set */
};

struct set {
    uint64_t bits[4];
};

struct pattern {
    const struct item *items;
    const struct set *sets;
    size_t item_count;
    bool to_end; /* has to reach the end of the text */
};

/* -- compiling -- */

/* One reading of the source. It is done twice: to check and count, then to fill. */
struct reader {
    struct slice text;
    size_t at;
    bool lower;
    struct item *items; /* NULL while counting */
    struct set *sets;
    size_t item_count;
    size_t set_count;
    bool to_end;
    struct error *e;
};

static int malformed(const struct reader *r, size_t at, const char *what)
{
    char object[sizeof r->e->object];
    snprintf(object, sizeof object, "%.*s", SLICE_ARG(r->text));
    return error_set_object(r->e, ERROR_INVALID, object,
                            "The pattern is malformed at column %zu: %s.", at + 1, what);
}

static bool set_has(const struct set *s, unsigned char c)
{
    return (s->bits[c / WORD_BITS] >> (c % WORD_BITS) & 1) != 0;
}

static unsigned char lower_of(unsigned char c)
{
    return c >= 'A' && c <= 'Z' ? (unsigned char)(c + ('a' - 'A')) : c;
}

static void set_add(struct set *s, unsigned char c, bool lower)
{
    s->bits[c / WORD_BITS] |= UINT64_C(1) << (c % WORD_BITS);
    if (lower)
        set_add(s, lower_of(c), false);
}

static void set_add_range(struct set *s, unsigned char from, unsigned char to, bool lower)
{
    for (unsigned c = from; c <= to; c++)
        set_add(s, (unsigned char)c, lower);
}

static void set_invert(struct set *s)
{
    for (size_t i = 0; i < 4; i++)
        s->bits[i] = ~s->bits[i];
}

/* The ranges of a class letter in lower case, as pairs of bytes; NULL when it is none. The C locale
 * is written out, so that the process's locale has no say. */
static const char *class_ranges(unsigned char letter, size_t *len)
{
    static const struct {
        unsigned char letter;
        unsigned char len;
        const char *ranges;
    } classes[] = {
        {'a', 4, "AZaz"}, {'c', 4, "\x00\x1f\x7f\x7f"}, {'d', 2, "09"},
        {'l', 2, "az"},   {'p', 8, "!/:@[`{~"},         {'s', 4, "\t\r  "},
        {'u', 2, "AZ"},   {'w', 6, "09AZaz"},           {'x', 6, "09AFaf"},
        {'z', 2, "\0\0"},
    };
    for (size_t i = 0; i < sizeof classes / sizeof classes[0]; i++)
        if (classes[i].letter == letter) {
            *len = classes[i].len;
            return classes[i].ranges;
        }
    return NULL;
}

/* Adds what `\` followed by c stands for. */
static void set_add_escape(struct set *s, unsigned char c, bool lower)
{
    size_t len = 0;
    const char *ranges = class_ranges(lower_of(c), &len);
    if (ranges == NULL) {
        set_add(s, c, lower);
        return;
    }
    struct set class = {{0}};
    for (size_t i = 0; i < len; i += 2)
        set_add_range(&class, (unsigned char)ranges[i], (unsigned char)ranges[i + 1], false);
    if (lower_of(c) != c)
        set_invert(&class);
    for (unsigned b = 0; b < 256; b++)
        if (set_has(&class, (unsigned char)b))
            set_add(s, (unsigned char)b, lower);
}

static unsigned char byte_at(const struct reader *r, size_t at)
{
    return (unsigned char)r->text.ptr[at];
}

/* The offset of the `]` that ends the set whose `[` is at r->at; the text's length when there is
 * none. The first byte of a set is never its end. */
static size_t set_end(const struct reader *r)
{
    size_t i = r->at + 1;
    if (i < r->text.len && byte_at(r, i) == '^')
        i++;
    do {
        if (i < r->text.len && byte_at(r, i) == '\\')
            i++;
        i++;
    } while (i < r->text.len && byte_at(r, i) != ']');
    return i < r->text.len ? i : r->text.len;
}

/* Reads the set at r->at (a `[`) and moves behind it. */
static int read_set(struct reader *r, struct set *s)
{
    size_t end = set_end(r);
    if (end == r->text.len)
        return malformed(r, r->at, "the set that begins with [ has no ] to end it");
    size_t i = r->at + 1;
    bool inverted = byte_at(r, i) == '^';
    *s = (struct set){{0}};
    for (i += inverted; i < end; i++) {
        if (byte_at(r, i) == '\\') {
            set_add_escape(s, byte_at(r, ++i), r->lower);
        } else if (i + 2 < end && byte_at(r, i + 1) == '-') {
            set_add_range(s, byte_at(r, i), byte_at(r, i + 2), r->lower);
            i += 2;
        } else {
            set_add(s, byte_at(r, i), r->lower);
        }
    }
    if (inverted)
        set_invert(s);
    r->at = end + 1;
    return 0;
}

static void put_set(struct reader *r, struct item *item, enum item_kind kind, const struct set *s)
{
    if (r->sets != NULL)
        r->sets[r->set_count] = *s;
    item->kind = (uint8_t)kind;
    item->set = (uint32_t)r->set_count++;
}

static void put_item(struct reader *r, struct item item, enum item_repeat repeat)
{
    item.repeat = (uint8_t)repeat;
    if (r->items != NULL)
        r->items[r->item_count] = item;
    r->item_count++;
}

/* Adds a single byte, class or set with the quantifier that follows it, if one does. */
static void put_repeated(struct reader *r, struct item item)
{
    switch (r->at < r->text.len ? byte_at(r, r->at) : '\0') {
    case '+': put_item(r, item, REPEAT_ONCE); /* fall through */
    case '*':
    case '-': put_item(r, item, REPEAT_ANY); break;
    case '?': put_item(r, item, REPEAT_OPTIONAL); break;
    default: put_item(r, item, REPEAT_ONCE); return;
    }
    r->at++;
}

static int read_balance(struct reader *r)
{
    if (r->text.len - r->at < 4)
        return malformed(r, r->at,
                         "\\b needs two bytes behind it, the opening and the closing one");
    struct item item = {
        .kind = ITEM_BALANCE, .byte = byte_at(r, r->at + 2), .close = byte_at(r, r->at + 3)};
    if (r->lower) {
        item.byte = lower_of(item.byte);
        item.close = lower_of(item.close);
    }
    put_item(r, item, REPEAT_ONCE);
    r->at += 4;
    return 0;
}

static int read_frontier(struct reader *r)
{
    if (r->text.len - r->at < 3 || byte_at(r, r->at + 2) != '[')
        return malformed(r, r->at, "\\f needs a set in [] behind it");
    r->at += 2;
    struct set s;
    if (read_set(r, &s) != 0)
        return -1;
    struct item item = {.kind = ITEM_FRONTIER};
    put_set(r, &item, ITEM_FRONTIER, &s);
    put_item(r, item, REPEAT_ONCE);
    return 0;
}

static int read_escape(struct reader *r)
{
    if (r->text.len - r->at < 2)
        return malformed(r, r->at, "nothing follows the \\");
    unsigned char c = byte_at(r, r->at + 1);
    if (c == 'b')
        return read_balance(r);
    if (c == 'f')
        return read_frontier(r);
    size_t len;
    struct item item = {.kind = ITEM_BYTE, .byte = r->lower ? lower_of(c) : c};
    if (class_ranges(lower_of(c), &len) != NULL) {
        struct set s = {{0}};
        set_add_escape(&s, c, r->lower);
        put_set(r, &item, ITEM_SET, &s);
    }
    r->at += 2;
    put_repeated(r, item);
    return 0;
}

static int read_item(struct reader *r)
{
    unsigned char c = byte_at(r, r->at);
    struct item item = {.kind = c == '.' ? ITEM_ANY : ITEM_BYTE,
                        .byte = r->lower ? lower_of(c) : c};
    switch (c) {
    case '(':
    case ')': r->at++; return 0;
    case '\\': return read_escape(r);
    case '[': {
        struct set s;
        if (read_set(r, &s) != 0)
            return -1;
        put_set(r, &item, ITEM_SET, &s);
        put_repeated(r, item);
        return 0;
    }
    case '$':
        if (r->at + 1 == r->text.len) {
            r->to_end = true;
            r->at++;
            return 0;
        }
        break;
    default: break;
    }
    r->at++;
    put_repeated(r, item);
    return 0;
}

static int read_all(struct reader *r, size_t from, unsigned flags)
{
    r->at = from;
    r->lower = (flags & PATTERN_LOWER) != 0;
    r->to_end = (flags & PATTERN_WHOLE) != 0;
    r->item_count = r->set_count = 0;
    while (r->at < r->text.len)
        if (read_item(r) != 0)
            return -1;
    return 0;
}

int pattern_check(struct slice text, size_t from, struct error *e)
{
    if (text.len > PATTERN_TEXT_MAX)
        return error_set(e, ERROR_INVALID, "The pattern is longer than %d bytes.",
                         PATTERN_TEXT_MAX);
    struct reader r = {.text = text, .e = e};
    return read_all(&r, from, 0);
}

/* Drops what cannot change the answer at the end: everything that may be empty when any end will
 * do, and `.*` before the end of the text, which makes any end do. */
static void drop_tail(struct pattern *p)
{
    while (p->item_count > 0) {
        const struct item *last = &p->items[p->item_count - 1];
        if (p->to_end && !(last->kind == ITEM_ANY && last->repeat == REPEAT_ANY))
            return;
        if (last->repeat == REPEAT_ONCE)
            return;
        p->to_end = false;
        p->item_count--;
    }
}

int pattern_compile(const struct pattern **out, struct slice text, size_t from, unsigned flags,
                    struct arena *a, struct error *e)
{
    if (pattern_check(text, from, e) != 0)
        return -1;
    struct reader r = {.text = text, .e = e};
    if (read_all(&r, from, flags) != 0)
        return -1;
    /* one allocation; the sets come first because they need the stricter alignment */
    size_t sets_size = r.set_count * sizeof(struct set);
    char *memory = arena_alloc(a, sizeof(struct pattern) + sets_size +
                                      r.item_count * sizeof(struct item));
    if (memory == NULL)
        return error_set(e, ERROR_NO_MEMORY, "Out of memory.");
    struct pattern *p = (struct pattern *)(void *)memory;
    r.sets = (struct set *)(void *)(memory + sizeof *p);
    r.items = (struct item *)(void *)(memory + sizeof *p + sets_size);
    (void)read_all(&r, from, flags);
    *p = (struct pattern){r.items, r.sets, r.item_count, r.to_end};
    drop_tail(p);
    *out = p;
    return 0;
}

/* -- matching -- */

struct match {
    const struct pattern *p;
    const unsigned char *text;
    size_t len;
    size_t words;
    uint64_t *at;      /* the positions reached */
    uint64_t *scratch; /* two more sets of positions, for ITEM_BALANCE */
};

static bool item_accepts(const struct match *m, const struct item *item, unsigned char c)
{
    if (item->kind == ITEM_BYTE)
        return c == item->byte;
    return item->kind == ITEM_ANY || set_has(&m->p->sets[item->set], c);
}

static void position_add(uint64_t *positions, size_t at)
{
    positions[at / WORD_BITS] |= UINT64_C(1) << (at % WORD_BITS);
}

static bool position_in(const uint64_t *positions, size_t at)
{
    return (positions[at / WORD_BITS] >> (at % WORD_BITS) & 1) != 0;
}

/* The first position reached at or after `from`; beyond m->len when there is none. */
static size_t next_position(const struct match *m, size_t from)
{
    size_t w = from / WORD_BITS;
    if (w >= m->words)
        return m->len + 1;
    uint64_t word = m->at[w] & (~UINT64_C(0) << (from % WORD_BITS));
    while (word == 0) {
        if (++w == m->words)
            return m->len + 1;
        word = m->at[w];
    }
    return w * WORD_BITS + (size_t)__builtin_ctzll(word);
}

/* Those of the positions in word w whose byte the item accepts. */
static uint64_t accepted(const struct match *m, const struct item *item, size_t w)
{
    uint64_t from = m->at[w], hits = 0;
    if (w == m->words - 1) /* nothing stands at the end of the text */
        from &= ~(UINT64_C(1) << (m->len % WORD_BITS));
    if (item->kind == ITEM_ANY)
        return from;
    for (uint64_t rest = from; rest != 0; rest &= rest - 1)
        if (item_accepts(m, item, m->text[w * WORD_BITS + (size_t)__builtin_ctzll(rest)]))
            hits |= rest & -rest;
    return hits;
}

/* One byte, or at most one. From the end, so that a position moved is not moved again. */
static bool step_single(struct match *m, const struct item *item)
{
    bool keep = item->repeat == REPEAT_OPTIONAL;
    uint64_t any = 0;
    for (size_t w = m->words; w-- > 0;) {
        uint64_t hits = m->at[w] != 0 ? accepted(m, item, w) : 0;
        m->at[w] = (keep ? m->at[w] : 0) | hits << 1;
        if (hits >> (WORD_BITS - 1) != 0)
            m->at[w + 1] |= 1; /* exists: the position behind a byte is at most m->len */
        any |= m->at[w] | hits;
    }
    return any != 0;
}

/* Any number of bytes: each position runs on until a byte is refused. */
static void step_any(struct match *m, const struct item *item)
{
    for (size_t i = next_position(m, 0); i < m->len; i = next_position(m, i + 1))
        while (i < m->len && item_accepts(m, item, m->text[i]))
            position_add(m->at, ++i);
}

/* From an opening byte to the closing one of the same depth. Several runs can be under way at once,
 * at most one per depth; `live` tells at which depths one began at a position reached. */
static bool step_balance(struct match *m, const struct item *item)
{
    uint64_t *next = m->scratch, *live = m->scratch + POSITION_WORDS;
    bool any = false, same = item->byte == item->close, open = false;
    size_t depth = 0;
    memset(next, 0, m->words * sizeof *next);
    memset(live, 0, m->words * sizeof *live);
    for (size_t i = next_position(m, 0); i < m->len; i++) {
        bool ends = false;
        if (same && m->text[i] == item->byte) { /* quotes: each ends the one before it */
            ends = open;
            open = position_in(m->at, i);
        } else if (m->text[i] == item->byte) {
            uint64_t bit = UINT64_C(1) << (depth % WORD_BITS);
            if (position_in(m->at, i))
                live[depth / WORD_BITS] |= bit;
            else
                live[depth / WORD_BITS] &= ~bit;
            depth++;
        } else if (m->text[i] == item->close && depth > 0) {
            ends = position_in(live, --depth);
        }
        if (ends)
            position_add(next, i + 1);
        any = any || ends;
    }
    memcpy(m->at, next, m->words * sizeof *next);
    return any;
}

/* Keeps the positions with a byte outside the set before them and one inside it behind them; both
 * ends of the text count as NUL. */
static bool step_frontier(struct match *m, const struct item *item)
{
    const struct set *s = &m->p->sets[item->set];
    bool any = false;
    for (size_t i = next_position(m, 0); i <= m->len; i = next_position(m, i + 1)) {
        unsigned char before = i > 0 ? m->text[i - 1] : '\0';
        unsigned char behind = i < m->len ? m->text[i] : '\0';
        if (!set_has(s, before) && set_has(s, behind))
            any = true;
        else
            m->at[i / WORD_BITS] &= ~(UINT64_C(1) << (i % WORD_BITS));
    }
    return any;
}

/* Moves the set of positions over one item; false when nothing is left of it. */
static bool step(struct match *m, const struct item *item)
{
    switch ((enum item_kind)item->kind) {
    case ITEM_BALANCE: return step_balance(m, item);
    case ITEM_FRONTIER: return step_frontier(m, item);
    case ITEM_ANY:
    case ITEM_BYTE:
    case ITEM_SET: break;
    }
    if (item->repeat != REPEAT_ANY)
        return step_single(m, item);
    step_any(m, item);
    return true;
}

bool pattern_matches(const struct pattern *p, struct slice text)
{
    if (text.len > PATTERN_TEXT_MAX)
        return false;
    uint64_t at[POSITION_WORDS], scratch[2 * POSITION_WORDS];
    struct match m = {p, (const unsigned char *)text.ptr, text.len, WORDS(text.len), at, scratch};
    memset(at, 0, m.words * sizeof *at);
    at[0] = 1;
    for (size_t i = 0; i < p->item_count; i++)
        if (!step(&m, &p->items[i]))
            return false;
    return !p->to_end || position_in(at, text.len);
}
