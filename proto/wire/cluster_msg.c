/* The envelope `[verb, {args}]`; the arguments are field.c's work. The seq is looked for before
 * anything else can fail, because a refusal without it would leave the client waiting. */

#include "proto/wire/cluster_msg.h"

#include "proto/wire/tnetstring.h"

static int find_verb(struct slice name)
{
    for (int i = 0; i < CLUSTER_VERB_COUNT; i++)
        if (slice_eq(name, slice_str(cluster_verb_name((enum cluster_verb)i))))
            return i;
    return -1;
}

int cluster_envelope_open(struct slice bytes, size_t max, struct slice *name, struct slice *args,
                          struct error *e)
{
    struct tns_reader outer, inner;
    struct tns_item list, verb, dict, more;
    if (bytes.len > max)
        return error_set(e, ERROR_TOO_LARGE, "The message has %zu bytes; the limit is %zu.",
                         bytes.len, max);
    tns_reader_init(&outer, bytes);
    if (tns_read(&outer, &list) != TNS_ITEM)
        return error_set(e, ERROR_INVALID, "The message is no tnetstring.");
    if (outer.at != outer.end)
        return error_set(e, ERROR_INVALID, "%zu bytes follow the message's end.",
                         (size_t)(outer.end - outer.at));
    if (list.type != TNS_LIST || tns_enter(&outer, &list, &inner) != 0 ||
        tns_read(&inner, &verb) != TNS_ITEM || verb.type != TNS_STRING ||
        tns_read(&inner, &dict) != TNS_ITEM || dict.type != TNS_DICT ||
        tns_read(&inner, &more) != TNS_END)
        return error_set(e, ERROR_INVALID,
                         "A message is a list of two: a word and a dict of its arguments.");
    *name = verb.bytes;
    *args = dict.bytes;
    return 0;
}

static int read_seq(int64_t *seq, struct slice args, bool is_required, struct error *e)
{
    struct tns_item item;
    switch (tns_find(args, SLICE("seq"), &item)) {
    case TNS_ITEM:
        if (item.type != TNS_INT || item.integer < 0)
            return error_set_object(e, ERROR_INVALID, "seq",
                                    "Field \"seq\" must be an integer from 0 on.");
        *seq = item.integer;
        return 0;
    case TNS_END:
        if (is_required)
            return error_set_object(e, ERROR_INVALID, "seq", "Field \"seq\" is missing.");
        return 0;
    case TNS_BAD: break;
    }
    return error_set(e, ERROR_INVALID, "The arguments are a malformed dict.");
}

int cluster_request_decode(struct cluster_request *out, struct slice bytes, size_t max,
                           struct arena *a, struct error *e)
{
    struct slice name, args;
    out->seq = 0;
    if (cluster_envelope_open(bytes, max, &name, &args, e) != 0) {
        if (bytes.len > max && cluster_envelope_open(bytes, bytes.len, &name, &args, NULL) == 0)
            read_seq(&out->seq, args, false, NULL); /* whoever sent it waits for an answer */
        return -1;
    }
    int verb = find_verb(name);
    if (verb < 0) {
        read_seq(&out->seq, args, false, NULL);
        return error_set(e, ERROR_UNSUPPORTED, "There is no verb \"%.*s\".",
                         (int)(name.len < 40 ? name.len : 40), name.ptr);
    }
    const struct cluster_verb_info *info = cluster_verb((enum cluster_verb)verb);
    out->verb = (enum cluster_verb)verb;
    if (read_seq(&out->seq, args, (info->flags & VERB_ONE_WAY) == 0, e) != 0)
        return -1;
    return field_decode(&out->hello, info->fields, info->field_count, args, a, e);
}

void cluster_request_init(struct cluster_request *r, enum cluster_verb verb)
{
    const struct cluster_verb_info *info = cluster_verb(verb);
    *r = (struct cluster_request){.verb = verb};
    field_defaults(&r->hello, info->fields, info->field_count);
}

void cluster_request_encode(struct buf *out, const struct cluster_request *r)
{
    const struct cluster_verb_info *info = cluster_verb(r->verb);
    size_t list = tns_open(out);
    tns_put_str(out, info->name);
    size_t dict = tns_open(out);
    if (r->seq != 0 || (info->flags & VERB_ONE_WAY) == 0)
        tns_put_pair_int(out, "seq", r->seq);
    field_encode(out, info->fields, info->field_count, &r->hello);
    tns_close_dict(out, dict);
    tns_close_list(out, list);
}
