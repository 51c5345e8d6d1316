/* Recursive descent by hand, because the messages are what people see of it: each place that wants
 * something says what, and an unclosed bracket is reported with the place where it was opened.
 *
 * An error ends the statement it is in. A missing quote or bracket makes everything behind it look
 * odd, so reading resumes only where a line looks like a new statement, and debris of the broken
 * one (a stray comma or closing bracket) is skipped without a word. */

#include "m2sh/lang/parser.h"

#include "m2sh/base/xalloc.h"
#include "m2sh/lang/duplicates.h"
#include "m2sh/lang/lexer.h"

#include <stdbool.h>

struct parser {
    struct lexer lexer;
    struct token token;         /* the one looked at */
    struct token previous;      /* the one before */
    struct token long_string;   /* the last string over several lines in this statement */
    unsigned since_long_string; /* tokens */
    const struct source *source;
    struct diag_list *diags;
    struct arena *arena;
    unsigned depth;
};

/* A bracket that is open. */
struct open {
    char opening, closing;
    size_t at;
    enum token_kind close_kind;
    const char *item; /* what may stand in it */
};

static struct node *parse_value(struct parser *p);

static struct position position(const struct parser *p, size_t offset)
{
    return (struct position){p->source, offset};
}

static void advance(struct parser *p)
{
    p->previous = p->token;
    p->since_long_string++;
    if (p->token.kind == TOKEN_STRING && slice_find(p->token.text, '\n') < p->token.text.len) {
        p->long_string = p->token;
        p->since_long_string = 1;
    }
    p->token = lexer_next(&p->lexer);
}

/* A string that was meant to end earlier swallows lines and ends at the quote meant to open the
 * next one: what follows then makes no sense, and the string is the place to look. */
static void hint_at_long_string(const struct parser *p, struct buf *text)
{
    if (p->long_string.kind == TOKEN_STRING && p->since_long_string <= 3)
        buf_printf(text, "; does the string that began on line %u end where it should?",
                   source_place(position(p, p->long_string.at)).line);
}

static void hint_at_number(const struct parser *p, struct buf *text)
{
    char c = p->token.kind == TOKEN_BAD_BYTE ? p->token.text.ptr[0] : '\0';
    bool after_number = p->previous.kind == TOKEN_NUMBER;
    if (c == '-' || c == '+' || (c == '.' && after_number))
        buf_append_str(text, " (numbers are written with digits only)");
}

/* Reports the current token as unexpected; returns false for the caller to pass on. */
static bool fail(struct parser *p, const char *expected)
{
    struct buf text = BUF_INIT;
    buf_append_str(&text, "found ");
    lexer_describe(p->token, &text);
    if (p->token.kind == TOKEN_BAD_STRING && p->token.text.ptr[0] == '\0')
        buf_append_str(&text, ", expected text without it");
    else if (p->token.kind == TOKEN_BAD_STRING)
        buf_printf(&text, ", expected a closing %c", p->token.text.ptr[0]);
    else
        buf_printf(&text, ", expected %s", expected);
    hint_at_number(p, &text);
    hint_at_long_string(p, &text);
    struct position at = p->token.kind == TOKEN_END ? source_end(p->source)
                                                    : position(p, p->token.at);
    diag_error(p->diags, at, "%s", xbuf_str(&text));
    buf_fini(&text);
    return false;
}

/* As fail, inside a bracket: names the bracket that is still open. */
static bool fail_inside(struct parser *p, const struct open *open, const char *wanted)
{
    struct place place = source_place(position(p, open->at));
    struct buf text = BUF_INIT;
    buf_printf(&text, "%s or \"%c\" for the \"%c\" of line %u column %u", wanted, open->closing,
               open->opening, place.line, place.column);
    fail(p, xbuf_str(&text));
    buf_fini(&text);
    return false;
}

static bool expect(struct parser *p, enum token_kind kind, const char *expected)
{
    if (p->token.kind != kind)
        return fail(p, expected);
    advance(p);
    return true;
}

static bool begins_value(enum token_kind kind)
{
    switch (kind) {
    case TOKEN_STRING:
    case TOKEN_NUMBER:
    case TOKEN_NAME:
    case TOKEN_CLASS:
    case TOKEN_BRACKET_OPEN:
    case TOKEN_BRACE_OPEN: return true;
    default: return false;
    }
}

/* `NAME = VALUE`, `STRING : VALUE` or `VALUE`, as the bracket wants. NULL after an error. */
static struct item *parse_item(struct parser *p, const struct open *open)
{
    struct item *it = xarena_alloc(p->arena, sizeof *it);
    it->key_at = position(p, p->token.at);
    if (open->opening != '[') {
        bool is_object = open->opening == '(';
        if (p->token.kind != (is_object ? TOKEN_NAME : TOKEN_STRING)) {
            fail_inside(p, open, open->item);
            return NULL;
        }
        it->key = p->token.text;
        advance(p);
        if (!expect(p, is_object ? TOKEN_EQUALS : TOKEN_COLON,
                    is_object ? "\"=\" after the parameter's name" : "\":\" after the key"))
            return NULL;
        it->value = parse_value(p);
    } else if (!begins_value(p->token.kind)) {
        fail_inside(p, open, open->item);
    } else {
        it->value = parse_value(p);
    }
    return it->value != NULL ? it : NULL;
}

/* At the opening bracket. */
static bool parse_items(struct parser *p, struct node *n, struct open open)
{
    struct item **tail = &n->items;
    if (p->depth >= PARSER_DEPTH_MAX) {
        diag_error(p->diags, position(p, p->token.at),
                   "found a bracket inside %u others, expected at most %u inside each other",
                   p->depth, PARSER_DEPTH_MAX);
        return false;
    }
    p->depth++;
    open.at = p->token.at;
    advance(p);
    for (;;) {
        if (p->token.kind == TOKEN_COMMA)
            advance(p);
        if (p->token.kind == open.close_kind)
            break;
        struct item *it = parse_item(p, &open);
        if (it == NULL)
            return false;
        *tail = it;
        tail = &it->next;
        n->item_count++;
    }
    p->depth--;
    advance(p);
    if (open.opening != '[')
        duplicates_mark(n, p->diags);
    return true;
}

static struct node *parse_collection(struct parser *p, struct node *n)
{
    static const struct open list = {'[', ']', 0, TOKEN_BRACKET_CLOSE, "a value"};
    static const struct open dict = {'{', '}', 0, TOKEN_BRACE_CLOSE, "a key (a string)"};
    static const struct open object = {'(', ')', 0, TOKEN_PAREN_CLOSE, "a parameter (NAME=VALUE)"};
    bool ok;
    if (p->token.kind == TOKEN_CLASS) {
        n->kind = NODE_OBJECT;
        n->text = p->token.text;
        advance(p);
        ok = p->token.kind == TOKEN_PAREN_OPEN ? parse_items(p, n, object)
                                               : fail(p, "\"(\" after the class name");
    } else if (p->token.kind == TOKEN_BRACKET_OPEN) {
        n->kind = NODE_LIST;
        ok = parse_items(p, n, list);
    } else {
        n->kind = NODE_DICT;
        ok = parse_items(p, n, dict);
    }
    return ok ? n : NULL;
}

/* NULL after an error. */
static struct node *parse_value(struct parser *p)
{
    struct node *n = xarena_alloc(p->arena, sizeof *n);
    n->at = position(p, p->token.at);
    n->text = p->token.text;
    switch (p->token.kind) {
    case TOKEN_STRING: n->kind = NODE_STRING; break;
    case TOKEN_NUMBER: n->kind = NODE_NUMBER; break;
    case TOKEN_NAME: n->kind = NODE_NAME; break;
    case TOKEN_CLASS:
    case TOKEN_BRACKET_OPEN:
    case TOKEN_BRACE_OPEN: return parse_collection(p, n);
    default: fail(p, "a value (string, number, name, Class(...), [...] or {...})"); return NULL;
    }
    advance(p);
    return n;
}

/* NULL after an error. */
static struct statement *parse_statement(struct parser *p)
{
    struct statement *s = xarena_alloc(p->arena, sizeof *s);
    p->long_string.kind = TOKEN_END;
    s->name = p->token.text;
    s->at = position(p, p->token.at);
    if (p->token.kind != TOKEN_NAME) {
        fail(p, p->token.kind == TOKEN_CLASS
                    ? "a name to assign to (two letters or more that begin with a capital are a "
                      "class)"
                    : "NAME = VALUE or include \"FILE\"");
        return NULL;
    }
    advance(p);
    if (p->token.kind == TOKEN_STRING && slice_eq(s->name, SLICE("include"))) {
        s->name = p->token.text;
        s->at = position(p, p->token.at);
        advance(p);
        return s;
    }
    if (!expect(p, TOKEN_EQUALS,
                slice_eq(s->name, SLICE("include")) ? "the file to include, in quotes" : "\"=\""))
        return NULL;
    s->value = parse_value(p);
    return s->value != NULL ? s : NULL;
}

/* Does a statement begin with this line? */
static bool looks_like_statement(struct slice line)
{
    struct lexer l = {line, 0};
    struct token name = lexer_next(&l);
    if ((name.kind != TOKEN_NAME && name.kind != TOKEN_CLASS) || name.at != 0)
        return false;
    struct token next = lexer_next(&l);
    return next.kind == TOKEN_EQUALS ||
           (next.kind == TOKEN_STRING && slice_eq(name.text, SLICE("include")));
}

/* Moves to the next line after `from` that looks like a statement; false at the end of the file. */
static bool resume(struct parser *p, size_t from)
{
    for (unsigned line = source_place(position(p, from)).line + 1; line <= p->source->line_count;
         line++) {
        if (!looks_like_statement(source_line(p->source, line)))
            continue;
        p->lexer.at = p->source->line_starts[line - 1];
        p->depth = 0;
        p->long_string.kind = TOKEN_END;
        p->token = (struct token){.kind = TOKEN_END};
        advance(p);
        return true;
    }
    return false;
}

static bool is_debris(const struct parser *p)
{
    switch (p->token.kind) {
    case TOKEN_COMMA:
    case TOKEN_PAREN_CLOSE:
    case TOKEN_BRACKET_CLOSE:
    case TOKEN_BRACE_CLOSE: return true;
    default: return false;
    }
}

struct statement *parser_parse(const struct source *source, struct diag_list *diags)
{
    struct parser p = {.source = source, .diags = diags, .arena = diags->arena};
    struct statement *first = NULL, **tail = &first;
    bool is_resumed = false;
    lexer_init(&p.lexer, source->text);
    advance(&p);
    while (p.token.kind != TOKEN_END) {
        struct statement *s = NULL;
        size_t began = p.token.at;
        if (!is_resumed || !is_debris(&p))
            s = parse_statement(&p);
        if (s != NULL) {
            *tail = s;
            tail = &s->next;
            continue;
        }
        if (diags->error_count >= DIAG_MAX)
            break;
        is_resumed = true;
        /* A string without an end has read to the end of the file: look again from its start. */
        size_t from = p.token.kind == TOKEN_BAD_STRING || p.token.kind == TOKEN_END ? began
                                                                                    : p.token.at;
        if (!resume(&p, from))
            break;
    }
    return first;
}
