/* The answer names the revision, since without -rev it was not known before. */

#include "m2sh/decide.h"

enum status decide_run(struct call *c, enum cluster_verb verb, const char *done)
{
    struct error e;
    struct cluster cl;
    struct cluster_request request;
    const struct cluster_reply *reply;
    cluster_request_init(&request, verb);
    if (args_get_int(&c->args, "rev", 1, INT64_MAX, 0, &request.decide.version, &e) != 0 ||
        cluster_open_leader(&cl, c, &e) != 0)
        return cmd_fail(c, &e);
    request.decide.author = cluster_author(&cl, args_get(&c->args, "why", ""));
    enum status status = cluster_ask_again(&cl, &request, 10000, NULL, NULL, &reply);
    if (status != STATUS_DONE)
        return status;
    if (c->json)
        cluster_print_json(&reply->table);
    else
        printf("Revision %lld %s.\n", (long long)cluster_table_int(&reply->table, 0, "version"),
               done);
    cluster_close(&cl);
    return STATUS_DONE;
}
