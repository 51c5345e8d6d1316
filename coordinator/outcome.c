#include "coordinator/outcome.h"

#include "proto/wire/tnetstring.h"

#include <inttypes.h>
#include <stdio.h>

void outcome_key(uint64_t version, char out[OUTCOME_KEY_LEN + 1])
{
    snprintf(out, OUTCOME_KEY_LEN + 1, "%020" PRIu64, version);
}

struct outcome outcome_of(const struct push_result *r)
{
    struct outcome o = {.version = r->commit->version,
                        .nodes = (int64_t)r->nodes,
                        .ready = (int64_t)r->ready,
                        .refused = (int64_t)r->refused,
                        .applied = (int64_t)r->applied,
                        .ms = r->ms};
    snprintf(o.verdict, sizeof o.verdict, "%s", push_verdict_name(r->verdict));
    return o;
}

void outcome_encode(const struct outcome *o, struct buf *out)
{
    size_t dict = tns_open(out);
    tns_put_pair_str(out, "verdict", o->verdict);
    tns_put_pair_int(out, "nodes", o->nodes);
    tns_put_pair_int(out, "ready", o->ready);
    tns_put_pair_int(out, "refused", o->refused);
    tns_put_pair_int(out, "applied", o->applied);
    tns_put_pair_int(out, "ms", o->ms);
    tns_put_pair_str(out, "effect", o->effect);
    tns_close_dict(out, dict);
}

bool outcome_decode(struct outcome *out, struct slice record, struct arena *a)
{
    struct tns_value value;
    struct slice verdict, effect = SLICE_EMPTY;
    if (tns_parse(&value, record, a, NULL, NULL, NULL) != 0 ||
        !tns_get_string(&value, "verdict", &verdict))
        return false;
    tns_get_int(&value, "nodes", &out->nodes);
    tns_get_int(&value, "applied", &out->applied);
    tns_get_string(&value, "effect", &effect);
    snprintf(out->verdict, sizeof out->verdict, "%.*s", SLICE_ARG(verdict));
    snprintf(out->effect, sizeof out->effect, "%.*s", SLICE_ARG(effect));
    return true;
}
