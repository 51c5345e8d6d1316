/* The answer names the revision, since without -rev it was not known before: that of the push which
 * is taken back, or that of the commit which ends a canary. */

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
    else if (cluster_table_column(&reply->table, "verdict") >= 0)
        printf("The canary %s: revision %lld is the head.\n", done,
               (long long)cluster_table_int(&reply->table, 0, "version"));
    else
        printf("Revision %lld %s.\n", (long long)cluster_table_int(&reply->table, 0, "version"),
               done);
    cluster_close(&cl);
    return STATUS_DONE;
}
