/* See process.h for what is made sure of before a signal is sent. */

#include "m2sh/signal_servers.h"

#include "m2sh/journal.h"
#include "m2sh/process.h"
#include "m2sh/select.h"

#include <stdio.h>

static int signal_server(const struct call *c, const struct row *server, int signal_number,
                         pid_t *pid, struct error *e)
{
    char path[PROCESS_PATH_MAX];
    const char *sudo = args_get(&c->args, "sudo", NULL);
    process_pid_file(server, path);
    if (process_read_pid(path, pid, e) != 0 || process_check(*pid, e) != 0)
        return -1;
    return process_signal(*pid, signal_number, sudo != NULL && *sudo == '\0' ? "sudo" : sudo, e);
}

enum status signal_servers(struct call *c, int signal_number)
{
    struct selection s;
    enum status status = select_servers(&s, c);
    for (size_t i = 0; i < s.count; i++) {
        struct error e;
        char outcome[sizeof e.text + 200];
        pid_t pid = 0;
        const char *name = row_str(s.servers[i], SERVER_NAME);
        if (signal_server(c, s.servers[i], signal_number, &pid, &e) == 0) {
            snprintf(outcome, sizeof outcome, "%s: signal %d sent to process %d", name,
                     signal_number, (int)pid);
        } else {
            snprintf(e.object, sizeof e.object, "server %s", name);
            snprintf(outcome, sizeof outcome, "%s: failed: %s", name, e.text);
            status = cmd_fail(c, &e);
        }
        journal_add(c, cmd_db(c), c->cmd->name, outcome);
    }
    select_release(&s);
    return status;
}
