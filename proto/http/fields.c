#include "proto/http/fields.h"

#include "proto/http/scan.h"

/* The end of the element at p: a comma that is not quoted, or end. */
static const char *element_end(const char *p, const char *end)
{
    bool quoted = false;
    for (; p < end; p++) {
        if (*p == '"')
            quoted = !quoted;
        else if (quoted && *p == '\\' && p + 1 < end)
            p++;
        else if (*p == ',' && !quoted)
            return p;
    }
    return end;
}

bool fields_next(struct slice *list, struct slice *element)
{
    while (list->len > 0) {
        const char *end = list->ptr + list->len;
        const char *stop = element_end(list->ptr, end);
        *element = slice_trim(slice_of(list->ptr, (size_t)(stop - list->ptr)));
        *list = stop < end ? slice_of(stop + 1, (size_t)(end - stop - 1)) : slice_of(end, 0);
        if (element->len > 0)
            return true;
    }
    return false;
}

/* The element without its parameters. */
static struct slice element_word(struct slice element)
{
    return slice_trim(slice_of(element.ptr, slice_find(element, ';')));
}

bool fields_has_token(struct slice list, struct slice token)
{
    struct slice element;
    while (fields_next(&list, &element))
        if (slice_eq_nocase(element_word(element), token))
            return true;
    return false;
}

bool fields_any_has_token(const struct field_list *l, enum field_id id, struct slice token)
{
    for (const struct http_field *f = field_list_get(l, id); f != NULL; f = field_list_next(l, f))
        if (fields_has_token(f->value, token))
            return true;
    return false;
}

/* qvalue = "0" [ "." 0*3DIGIT ] / "1" [ "." 0*3"0" ]: in thousandths; 0 when malformed. */
static int parse_weight(struct slice q)
{
    if (q.len == 0 || q.len > 5 || (q.ptr[0] != '0' && q.ptr[0] != '1'))
        return 0;
    if (q.len > 1 && q.ptr[1] != '.')
        return 0;
    int value = (q.ptr[0] - '0') * 1000, place = 100;
    for (size_t i = 2; i < q.len; i++, place /= 10) {
        if (!scan_is(q.ptr[i], BYTE_DIGIT))
            return 0;
        value += (q.ptr[i] - '0') * place;
    }
    return value <= 1000 ? value : 0;
}

static int element_weight(struct slice element)
{
    struct slice rest = slice_from(element, slice_find(element, ';'));
    while (rest.len > 0) {
        rest = slice_from(rest, 1);
        struct slice parameter = slice_trim(slice_of(rest.ptr, slice_find(rest, ';')));
        rest = slice_from(rest, slice_find(rest, ';'));
        if (parameter.len >= 2 && (parameter.ptr[0] | 0x20) == 'q' && parameter.ptr[1] == '=')
            return parse_weight(slice_from(parameter, 2));
    }
    return 1000;
}

int fields_weight(struct slice list, struct slice coding)
{
    int any = -1;
    struct slice element;
    while (fields_next(&list, &element)) {
        struct slice word = element_word(element);
        if (slice_eq_nocase(word, coding))
            return element_weight(element);
        if (slice_eq(word, SLICE("*")))
            any = element_weight(element);
    }
    return any;
}

int64_t fields_number(struct slice digits)
{
    int64_t value = 0;
    if (digits.len == 0)
        return -1;
    for (size_t i = 0; i < digits.len; i++) {
        if (!scan_is(digits.ptr[i], BYTE_DIGIT) || __builtin_mul_overflow(value, 10, &value) ||
            __builtin_add_overflow(value, digits.ptr[i] - '0', &value))
            return -1;
    }
    return value;
}
