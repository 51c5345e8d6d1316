/* Reads the files of tests/golden (format: README.md there) for unit tests. Header-only, because
 * each unit test is one source file. Any trouble with a file itself fails the test at once.
 *
 *     golden_each("handler_reply.txt", check);   calls check(case) for each case
 */
#ifndef TESTS_SUPPORT_GOLDEN_H
#define TESTS_SUPPORT_GOLDEN_H

#include "proto/wire/json.h"
#include "proto/wire/tnetstring.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#define GOLDEN_FRAMES_MAX 8

struct golden_case {
    char name[128];
    struct tns_value fields; /* TNS_DICT; empty when refused */
    struct slice frames[GOLDEN_FRAMES_MAX];
    size_t frame_count;
    bool decode_only;
    bool refused;
    struct arena arena; /* of all of the above; the check may allocate from it too */
};

static struct slice golden_latin1(struct arena *a, struct slice utf8)
{
    char *out = arena_alloc(a, utf8.len);
    size_t len = 0;
    for (size_t i = 0; i < utf8.len; i++) {
        unsigned char c = (unsigned char)utf8.ptr[i];
        if (c >= 0x80) /* two bytes: U+0080 to U+00FF */
            c = (unsigned char)((c & 3) << 6 | (utf8.ptr[++i] & 0x3f));
        out[len++] = (char)c;
    }
    return slice_of(out, len);
}

static struct slice golden_text(struct arena *a, const struct json_token *t)
{
    char *text = arena_alloc(a, t->text.len);
    return golden_latin1(a, slice_of(text, json_unescape_to(t, text)));
}

/* The JSON value that begins with token `t`, as a tree. */
static struct tns_value golden_value(struct json_reader *r, struct json_token t, struct arena *a)
{
    struct tns_value v = {.type = TNS_NULL};
    enum { ELEMENTS_MAX = 2100 };
    switch (t.type) {
    case JSON_STRING:
        v.type = TNS_STRING;
        v.string = golden_text(a, &t);
        break;
    case JSON_TRUE:
    case JSON_FALSE:
        v.type = TNS_BOOL;
        v.boolean = t.type == JSON_TRUE;
        break;
    case JSON_NUMBER:
        v.type = TNS_INT;
        assert_true(json_int(&t, &v.integer));
        break;
    case JSON_ARRAY:
        v.type = TNS_LIST;
        v.items = arena_alloc(a, ELEMENTS_MAX * sizeof *v.items);
        v.item_count = 0;
        while (json_next(r, &t) != JSON_ARRAY_END) {
            assert_true(v.item_count < ELEMENTS_MAX);
            v.items[v.item_count++] = golden_value(r, t, a);
        }
        break;
    case JSON_OBJECT:
        v.type = TNS_DICT;
        v.pairs = arena_alloc(a, 64 * sizeof *v.pairs);
        v.pair_count = 0;
        while (json_next(r, &t) == JSON_KEY) {
            assert_true(v.pair_count < 64);
            struct tns_pair *pair = &v.pairs[v.pair_count++];
            pair->key = golden_text(a, &t);
            json_next(r, &t);
            pair->value = golden_value(r, t, a);
        }
        break;
    case JSON_NULL: break;
    default: fail_msg("the golden file holds bad JSON");
    }
    return v;
}

static struct slice golden_unescape(struct arena *a, const char *line)
{
    char *out = arena_alloc(a, strlen(line) + 1), *to = out;
    for (; *line != '\0'; line++) {
        unsigned byte;
        if (*line != '\\') {
            *to++ = *line;
            continue;
        }
        switch (*++line) {
        case 'r': *to++ = '\r'; break;
        case 'n': *to++ = '\n'; break;
        case 't': *to++ = '\t'; break;
        case '0': *to++ = '\0'; break;
        case '\\': *to++ = '\\'; break;
        case 'x':
            assert_int_equal(sscanf(line + 1, "%2x", &byte), 1);
            *to++ = (char)byte;
            line += 2;
            break;
        default: fail_msg("the golden file holds the escape \\%c", *line);
        }
    }
    return slice_of(out, (size_t)(to - out));
}

static void golden_line(struct golden_case *c, const char *line)
{
    if (strcmp(line, "decode only") == 0) {
        c->decode_only = true;
    } else if (strcmp(line, "refused") == 0) {
        c->refused = true;
    } else if (strncmp(line, "bytes ", 6) == 0) {
        assert_true(c->frame_count < GOLDEN_FRAMES_MAX);
        c->frames[c->frame_count++] = golden_unescape(&c->arena, line + 6);
    } else if (strncmp(line, "fields ", 7) == 0) {
        struct json_reader r;
        struct json_token t;
        json_reader_init(&r, slice_str(arena_strdup(&c->arena, line + 7)));
        json_next(&r, &t);
        c->fields = golden_value(&r, t, &c->arena);
        if (json_next(&r, &t) != JSON_END)
            fail_msg("%s: bytes follow the JSON", c->name);
    } else {
        fail_msg("the golden file holds the line \"%s\"", line);
    }
}

static void golden_begin(struct golden_case *c, const char *name)
{
    memset(c, 0, sizeof *c);
    arena_init(&c->arena, 0);
    c->fields.type = TNS_DICT;
    snprintf(c->name, sizeof c->name, "%s", name);
}

static void golden_end(struct golden_case *c, void (*check)(struct golden_case *c))
{
    if (c->name[0] == '\0')
        return;
    print_message("  %s\n", c->name);
    assert_true(c->frame_count > 0);
    assert_true(c->refused == (c->fields.pair_count == 0));
    check(c);
    arena_fini(&c->arena);
}

static void golden_each(const char *file, void (*check)(struct golden_case *c))
{
    char path[512], *line = NULL;
    size_t size = 0, cases = 0;
    ssize_t len;
    struct golden_case c = {.name = ""};
    snprintf(path, sizeof path, "%s/%s", M2_GOLDEN, file);
    FILE *f = fopen(path, "r");
    assert_non_null(f);
    while ((len = getline(&line, &size, f)) > 0) {
        if (line[len - 1] == '\n')
            line[len - 1] = '\0';
        if (line[0] == '\0' || line[0] == '#')
            continue;
        if (strncmp(line, "case ", 5) == 0) {
            golden_end(&c, check);
            golden_begin(&c, line + 5);
            cases++;
        } else {
            golden_line(&c, line);
        }
    }
    golden_end(&c, check);
    free(line);
    fclose(f);
    assert_true(cases > 0);
}

/* Fails with both texts when they differ. */
static inline void golden_compare(const struct golden_case *c, struct slice got, struct slice want)
{
    if (!slice_eq(got, want))
        fail_msg("%s:\n got  %.*s\n want %.*s", c->name, SLICE_ARG(got), SLICE_ARG(want));
}

/* Fields that must be there. */
static inline struct slice golden_string(const struct golden_case *c, const char *key)
{
    struct slice s = SLICE_EMPTY;
    if (!tns_get_string(&c->fields, key, &s))
        fail_msg("%s: no string \"%s\"", c->name, key);
    return s;
}

static inline int64_t golden_int(const struct golden_case *c, const char *key)
{
    int64_t n = 0;
    if (!tns_get_int(&c->fields, key, &n))
        fail_msg("%s: no integer \"%s\"", c->name, key);
    return n;
}

#endif
