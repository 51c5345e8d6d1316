/* A hello to each; one that is not there costs a second. */

#include "m2sh/coordinators.h"

#include "m2sh/base/xalloc.h"
#include "m2sh/cluster.h"

#include <string.h>

enum { HELLO_MS = 1000 };

static void ask(struct coordinator_view *v, struct cluster *cl, struct arena *a)
{
    struct cluster_request request;
    const struct cluster_reply *reply;
    struct error e;
    cluster_request_init(&request, CLUSTER_HELLO);
    request.hello.protocol = CLUSTER_PROTOCOL;
    request.hello.program = SLICE("m2sh " M2_VERSION);
    v->answers = caller_call_within(cl->caller, &request, HELLO_MS, NULL, NULL, &reply, &e) == 0;
    if (!v->answers) {
        v->problem = xarena_printf(a, "%s", e.text);
        return;
    }
    v->name = cluster_text(&reply->table, 0, "coordinator", a);
    v->problem = cluster_text(&reply->table, 0, "problem", a);
    v->leads = cluster_table_bool(&reply->table, 0, "leads");
}

static size_t count_specs(const char *specs)
{
    size_t count = 1;
    while ((specs = strchr(specs, ',')) != NULL)
        specs++, count++;
    return count;
}

int coordinators_read(struct coordinators *out, const struct call *c, struct arena *a,
                      struct error *e)
{
    const char *specs = cluster_coordinators(c);
    char spec[ENDPOINT_MAX];
    out->count = 0;
    out->list = xarena_alloc(a, count_specs(specs) * sizeof *out->list);
    while (endpoint_next(&specs, spec)) {
        struct coordinator_view *v = &out->list[out->count++];
        struct cluster cl;
        *v = (struct coordinator_view){.spec = xarena_printf(a, "%s", spec), .name = ""};
        v->problem = "";
        if (cluster_open_at(&cl, c, spec, e) != 0)
            return -1;
        ask(v, &cl, a);
        cluster_close(&cl);
    }
    return 0;
}

static void put_names(const struct coordinators *cs, bool leads, const char *verb, struct buf *out)
{
    size_t total = 0, put = 0;
    for (size_t i = 0; i < cs->count; i++)
        total += cs->list[i].answers && cs->list[i].leads == leads;
    for (size_t i = 0; i < cs->count; i++) {
        const struct coordinator_view *v = &cs->list[i];
        if (!v->answers || v->leads != leads)
            continue;
        const char *before = put == 0 ? " " : put + 1 == total ? " and " : ", ";
        buf_printf(out, "%s%s", before, v->name);
        put++;
    }
    if (put > 0)
        buf_printf(out, " %s%s.", verb, put == 1 ? "s" : "");
}

void coordinators_put(const struct coordinators *cs, struct buf *out)
{
    buf_append_str(out, cs->count == 1 ? "Coordinator:" : "Coordinators:");
    put_names(cs, true, "lead", out);
    put_names(cs, false, "wait", out);
    buf_append_char(out, '\n');
}
