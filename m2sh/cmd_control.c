/* control: the control port of a server: one command, or one per line from a person or a pipe. */

#include "m2sh/cmd_table.h"
#include "m2sh/control_client.h"
#include "m2sh/control_print.h"
#include "m2sh/journal.h"
#include "m2sh/line_editor.h"
#include "m2sh/select.h"

#include <string.h>

struct session {
    struct call *call;
    struct control_client *client;
    const char *name; /* of the server */
    int timeout_ms;
};

/* Commands that only look leave no row in the deployment log. */
static bool changes_something(const char *line)
{
    static const char *const verbs[] = {"stop", "reload", "terminate", "kill", "control_stop"};
    size_t len = strcspn(line, " \t");
    for (size_t i = 0; i < sizeof verbs / sizeof verbs[0]; i++)
        if (strlen(verbs[i]) == len && strncmp(line, verbs[i], len) == 0)
            return true;
    return false;
}

static enum status run_line(const struct session *s, const char *line)
{
    struct error e;
    struct buf request = BUF_INIT, reply = BUF_INIT;
    enum status status;
    line += strspn(line, " \t");
    if (control_client_encode(line, &request, &e) != 0 ||
        control_client_call(s->client, buf_slice(&request), s->timeout_ms, &reply, &e) != 0)
        status = cmd_fail(s->call, &e);
    else
        status = control_print(s->call, buf_slice(&reply));
    if (changes_something(line)) {
        char outcome[300];
        snprintf(outcome, sizeof outcome, "%s: %.200s: %s", s->name, line,
                 status == STATUS_DONE ? "done" : "failed");
        journal_add(s->call, cmd_db(s->call), "control", outcome);
    }
    buf_fini(&request);
    buf_fini(&reply);
    return status;
}

/* The status of the last line that failed. */
static enum status run_lines(const struct session *s)
{
    char prompt[200];
    const char *line;
    enum status result = STATUS_DONE;
    snprintf(prompt, sizeof prompt, "m2 [%s]> ", s->name);
    struct line_editor *ed = line_editor_create(prompt, completion_of_control);
    while ((line = line_editor_read(ed)) != NULL) {
        line += strspn(line, " \t");
        if (strcmp(line, "quit") == 0 || strcmp(line, "exit") == 0)
            break;
        if (*line == '\0')
            continue;
        enum status status = run_line(s, line);
        if (status != STATUS_DONE)
            result = status;
    }
    line_editor_destroy(ed);
    return result;
}

static enum status talk_to(struct call *c, const struct model *m, const struct row *server,
                           int timeout_ms)
{
    struct error e;
    char endpoint[CONTROL_ENDPOINT_MAX];
    struct session s = {.call = c, .name = row_str(server, SERVER_NAME), .timeout_ms = timeout_ms};
    const char *command = args_get(&c->args, "cmd", NULL);
    control_client_endpoint(m, server, endpoint);
    if (command == NULL)
        fprintf(stderr, "Connecting to control port %s\n", endpoint);
    if (control_client_open(&s.client, endpoint, &e) != 0) {
        snprintf(e.object, sizeof e.object, "server %s", s.name);
        return cmd_fail(c, &e);
    }
    enum status status = command != NULL ? run_line(&s, command) : run_lines(&s);
    control_client_close(s.client);
    return status;
}

static enum status run(struct call *c)
{
    struct error e;
    struct selection s;
    int64_t timeout_ms;
    if (args_get_int(&c->args, "timeout", 1, 3600000, 5000, &timeout_ms, &e) != 0)
        return cmd_fail(c, &e);
    enum status status = select_servers(&s, c);
    if (status == STATUS_DONE && s.count > 1 && !args_has(&c->args, "cmd")) {
        error_set(&e, ERROR_USAGE,
                  "Ambiguous server select, expected 1 but got %zu; to send one "
                  "command to all of them give it with -cmd.",
                  s.count);
        status = cmd_fail(c, &e);
    } else {
        for (size_t i = 0; i < s.count; i++) {
            enum status own = talk_to(c, s.model, s.servers[i], (int)timeout_ms);
            if (own != STATUS_DONE)
                status = own;
        }
    }
    select_release(&s);
    return status;
}

const struct cmd cmd_control = {
    .name = "control",
    .help = "Connects to the control port.",
    .arguments = "-name NAME | -host HOST | -uuid UUID [-db FILE] [-cmd COMMAND]",
    .more = "Without -cmd, commands are read from standard input, one per line; quit leaves.\n"
            "\"help\" lists what the server understands, for example: status what=net.",
    .options = (const struct args_option[]){OPTIONS_SELECT,
                                            {"cmd", "COMMAND",
                                             "Send this one command, print the answer and end."},
                                            {"timeout", "MS",
                                             "Milliseconds to wait for each answer (5000)."},
                                            OPTION_END},
    .is_classic = true,
    .run = run,
};
