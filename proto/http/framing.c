#include "proto/http/framing.h"

#include "proto/http/fields.h"

/* RFC 9110 section 8.6: a repeated or listed length may be taken when all values are the same. */
static enum parse_fault read_length(const struct field_list *l, int64_t *length)
{
    const struct http_field *f = field_list_get(l, FIELD_CONTENT_LENGTH);
    for (; f != NULL; f = field_list_next(l, f)) {
        struct slice rest = f->value, element;
        bool any = false;
        while (fields_next(&rest, &element)) {
            int64_t value = fields_number(element);
            if (value < 0)
                return FAULT_LENGTH;
            if (*length >= 0 && *length != value)
                return FAULT_LENGTH_CONFLICT;
            *length = value;
            any = true;
        }
        if (!any)
            return FAULT_LENGTH;
    }
    return FAULT_NONE;
}

/* RFC 9112 section 6.1 and 6.3. Chunked takes no parameters, so "chunked;x" is another coding. */
static enum parse_fault read_codings(const struct field_list *l)
{
    bool last_chunked = false, unknown = false;
    const struct http_field *f = field_list_get(l, FIELD_TRANSFER_ENCODING);
    for (; f != NULL; f = field_list_next(l, f)) {
        struct slice rest = f->value, element;
        while (fields_next(&rest, &element)) {
            if (last_chunked)
                return FAULT_CODING_NOT_FINAL;
            last_chunked = slice_eq_nocase(element, SLICE("chunked"));
            unknown = unknown || !last_chunked;
        }
    }
    if (!last_chunked)
        return FAULT_CODING_NOT_FINAL;
    return unknown ? FAULT_CODING_UNKNOWN : FAULT_NONE;
}

enum parse_fault framing_read(const struct field_list *l, int version_minor, int64_t *length,
                              bool *chunked)
{
    *length = -1;
    *chunked = false;
    bool coded = field_list_has(l, FIELD_TRANSFER_ENCODING);
    if (field_list_has(l, FIELD_CONTENT_LENGTH)) {
        if (coded)
            return FAULT_LENGTH_AND_CODING;
        return read_length(l, length);
    }
    if (!coded)
        return FAULT_NONE;
    if (version_minor == 0)
        return FAULT_CODING_VERSION;
    *chunked = true;
    return read_codings(l);
}

struct framing_connection framing_connection(const struct field_list *l)
{
    struct framing_connection c = {false, false, false};
    const struct http_field *f = field_list_get(l, FIELD_CONNECTION);
    for (; f != NULL; f = field_list_next(l, f)) {
        struct slice rest = f->value, element;
        while (fields_next(&rest, &element)) {
            c.close = c.close || slice_eq_nocase(element, SLICE("close"));
            c.keep_alive = c.keep_alive || slice_eq_nocase(element, SLICE("keep-alive"));
            c.upgrade = c.upgrade || slice_eq_nocase(element, SLICE("upgrade"));
        }
    }
    return c;
}
