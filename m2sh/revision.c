/* Verified here too: what is shown as a commit's content is its content. */

#include "m2sh/revision.h"

#include "proto/model/canon.h"

enum status revision_fetch(struct call *c, int64_t version, struct arena *a, struct commit *commit,
                           struct model **model)
{
    struct error e;
    struct cluster cl;
    struct cluster_request request;
    const struct cluster_reply *reply;
    cluster_request_init(&request, CLUSTER_GET);
    request.get.version = version;
    enum status status = cluster_ask(&cl, c, &request, &reply);
    if (status != STATUS_DONE)
        return status;
    struct slice record = cluster_table_text(&reply->table, 0, "commit");
    if (commit_decode(commit, record, a, &e) != 0 || commit_verify(commit, &e) != 0 ||
        canon_decode(model, commit->config, &e) != 0) {
        e.code = ERROR_INTERNAL; /* not the user's configuration: what the store has is damaged */
        status = cmd_fail(c, &e);
    }
    cluster_close(&cl);
    return status;
}
