/* One pass over the bytes: name, colon, value, end of line. The value's scan stops at the first
 * control byte, so that finding the end of the line and checking the value are the same work. */

#include "proto/http/field_lines.h"

#include "proto/base/error.h"
#include "proto/http/scan.h"

void field_list_init(struct field_list *l, struct http_field *items, size_t capacity)
{
    l->items = items;
    l->count = 0;
    l->capacity = (uint16_t)(capacity < FIELDS_MOST ? capacity : FIELDS_MOST);
    l->present = 0;
    l->repeated = 0;
}

void field_list_move(struct field_list *l, struct http_field *items, size_t capacity)
{
    BUG_ON(capacity < l->count);
    memcpy(items, l->items, l->count * sizeof *items);
    l->items = items;
    l->capacity = (uint16_t)(capacity < FIELDS_MOST ? capacity : FIELDS_MOST);
}

const struct http_field *field_list_next(const struct field_list *l, const struct http_field *f)
{
    enum field_id id = f->id;
    if ((l->repeated & FIELD_BIT(id)) == 0)
        return NULL;
    for (f++; f < l->items + l->count; f++)
        if (f->id == id)
            return f;
    return NULL;
}

const struct http_field *field_list_find(const struct field_list *l, struct slice name)
{
    enum field_id id = field_name_id(name);
    if (id != FIELD_OTHER)
        return field_list_get(l, id);
    for (const struct http_field *f = l->items; f < l->items + l->count; f++)
        if (f->id == FIELD_OTHER && slice_eq_nocase(f->name, name))
            return f;
    return NULL;
}

static inline void field_list_add(struct field_list *l, struct slice name, struct slice value)
{
    enum field_id id = field_name_id(name);
    uint64_t bit = FIELD_BIT(id);
    l->items[l->count] = (struct http_field){name, value, id};
    if ((l->present & bit) == 0)
        l->first[id] = l->count;
    l->repeated |= l->present & bit;
    l->present |= bit;
    l->count++;
}

/* Which rule the line at `line` breaks, given that its name stopped at `stop`. */
static enum parse_fault name_fault(const char *line, const char *stop)
{
    if (*stop == ' ' || *stop == '\t')
        return stop == line ? FAULT_FIELD_FOLDED : FAULT_FIELD_SPACE;
    if (stop != line && (*stop == '\r' || *stop == '\n'))
        return FAULT_FIELD_COLON;
    return FAULT_FIELD_NAME;
}

/* Both return the byte behind the line end at p, NULL when it is incomplete or wrong (*fault). */
static inline const char *line_end(const char *p, const char *end, enum parse_fault *fault)
{
    if (*p == '\n')
        return p + 1;
    if (end - p < 2)
        return NULL;
    if (p[1] == '\n')
        return p + 2;
    *fault = FAULT_BARE_CR;
    return NULL;
}

enum parse_result field_lines_parse(struct field_list *l, const char **at, const char *end,
                                    size_t max, enum parse_fault *fault)
{
    *fault = FAULT_NONE;
    for (const char *line = *at; line < end; *at = line) {
        if (*line == '\r' || *line == '\n') {
            const char *behind = line_end(line, end, fault);
            if (behind == NULL)
                return *fault != FAULT_NONE ? PARSE_BAD : PARSE_MORE;
            *at = behind;
            return PARSE_DONE;
        }
        if (l->count >= max) {
            *fault = FAULT_FIELD_COUNT;
            return PARSE_BAD;
        }
        if (l->count == l->capacity)
            return PARSE_FULL;

        const char *colon = scan_token(line, end);
        if (colon == end)
            return PARSE_MORE;
        if (*colon != ':' || colon == line) {
            *fault = name_fault(line, colon);
            *at = colon;
            return PARSE_BAD;
        }
        const char *value = colon + 1;
        while (value < end && (*value == ' ' || *value == '\t'))
            value++;
        const char *stop = scan_value(value, end);
        if (stop == end)
            return PARSE_MORE;
        if (*stop != '\r' && *stop != '\n') {
            *fault = FAULT_FIELD_VALUE;
            *at = stop;
            return PARSE_BAD;
        }
        const char *behind = line_end(stop, end, fault);
        if (behind == NULL) {
            if (*fault == FAULT_NONE)
                return PARSE_MORE;
            *at = stop;
            return PARSE_BAD;
        }
        while (stop > value && (stop[-1] == ' ' || stop[-1] == '\t'))
            stop--;
        field_list_add(l, slice_of(line, (size_t)(colon - line)),
                       slice_of(value, (size_t)(stop - value)));
        line = behind;
    }
    return PARSE_MORE;
}
