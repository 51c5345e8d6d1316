/* control: the control port of a server on this machine, or of a node of the cluster. */

#include "m2sh/cluster.h"
#include "m2sh/cmd_table.h"
#include "m2sh/control_client.h"
#include "m2sh/control_nodes.h"
#include "m2sh/control_session.h"
#include "m2sh/select.h"

struct link {
    struct control_client *client;
    int timeout_ms;
};

static int ask(void *arg, struct slice request, struct buf *reply, struct error *e)
{
    const struct link *l = arg;
    return control_client_call(l->client, request, l->timeout_ms, reply, e);
}

static enum status talk_to(struct call *c, const struct model *m, const struct row *server,
                           const char *command, int timeout_ms)
{
    struct error e;
    char endpoint[CONTROL_ENDPOINT_MAX];
    struct link l = {.timeout_ms = timeout_ms};
    struct control_session session = {
        .call = c, .name = row_str(server, SERVER_NAME), .db = cmd_db(c), .ask = ask, .arg = &l};
    control_client_endpoint(m, server, endpoint);
    if (command == NULL)
        fprintf(stderr, "Connecting to control port %s\n", endpoint);
    if (control_client_open(&l.client, endpoint, &e) != 0) {
        snprintf(e.object, sizeof e.object, "server %s", session.name);
        return cmd_fail(c, &e);
    }
    enum status status = control_session_run(&session, command);
    control_client_close(l.client);
    return status;
}

/* One server, or one command for several. */
static enum status talk_to_selected(struct call *c, const char *command, int timeout_ms)
{
    struct error e;
    struct selection s;
    enum status status = select_servers(&s, c);
    if (status == STATUS_DONE && s.count > 1 && command == NULL) {
        error_set(&e, ERROR_USAGE,
                  "Ambiguous server select, expected 1 but got %zu; to send one "
                  "command to all of them give it with -cmd.",
                  s.count);
        status = cmd_fail(c, &e);
        select_release(&s);
    }
    for (size_t i = 0; i < s.count; i++) {
        if (s.count > 1 && !c->json)
            printf("%s:\n", row_str(s.servers[i], SERVER_NAME));
        enum status own = talk_to(c, s.model, s.servers[i], command, timeout_ms);
        if (own != STATUS_DONE)
            status = own;
    }
    select_release(&s);
    return status;
}

static bool selects_server(const struct call *c)
{
    return args_has(&c->args, "name") || args_has(&c->args, "host") || args_has(&c->args, "uuid");
}

static enum status run(struct call *c)
{
    struct error e;
    int64_t timeout_ms;
    const char *command = args_get(&c->args, "cmd", NULL);
    const char *node = args_get(&c->args, "node", NULL);
    if (args_get_int(&c->args, "timeout", 1, 3600000, 5000, &timeout_ms, &e) != 0)
        return cmd_fail(c, &e);
    if (node != NULL || (cluster_is_meant(c) && !selects_server(c)))
        return control_nodes_run(c, node, command, (int)timeout_ms);
    return talk_to_selected(c, command, (int)timeout_ms);
}

const struct cmd cmd_control = {
    .name = "control",
    .help = "Connects to the control port.",
    .arguments = "-name NAME | -host HOST | -uuid UUID | -every | -node NAME [-cmd COMMAND]",
    .more = "Without -cmd, commands are read from standard input, one per line; quit leaves.\n"
            "\"help\" lists what the server understands, for example: status what=net.\n"
            "-node and -cluster reach nodes through the coordinator; -every then means all nodes.",
    .options =
        (const struct args_option[]){
            OPTIONS_SELECT,
            {"node", "NAME", "A node of the cluster, by name or UUID."},
            {"cmd", "COMMAND", "Send this one command, print the answer and end."},
            {"timeout", "MS", "Milliseconds to wait for each answer (5000)."},
            OPTIONS_CLUSTER,
            OPTION_END},
    .is_classic = true,
    .run = run,
};
