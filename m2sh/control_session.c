/* Commands that only look leave no row in the deployment log. */

#include "m2sh/control_session.h"

#include "m2sh/control_client.h"
#include "m2sh/control_print.h"
#include "m2sh/journal.h"
#include "m2sh/line_editor.h"

#include <string.h>

static bool changes_something(const char *line)
{
    static const char *const verbs[] = {"stop", "reload", "terminate", "kill", "control_stop"};
    size_t len = strcspn(line, " \t");
    for (size_t i = 0; i < sizeof verbs / sizeof verbs[0]; i++)
        if (strlen(verbs[i]) == len && strncmp(line, verbs[i], len) == 0)
            return true;
    return false;
}

static void note(const struct control_session *s, const char *line, enum status status)
{
    char outcome[300];
    if (s->db == NULL || !changes_something(line))
        return;
    snprintf(outcome, sizeof outcome, "%.60s: %.200s: %s", s->name, line,
             status == STATUS_DONE ? "done" : "failed");
    journal_add(s->call, s->db, "control", outcome);
}

static enum status run_line(const struct control_session *s, const char *line)
{
    struct error e;
    struct buf request = BUF_INIT, reply = BUF_INIT;
    enum status status;
    line += strspn(line, " \t");
    if (control_client_encode(line, &request, &e) != 0 ||
        s->ask(s->arg, buf_slice(&request), &reply, &e) != 0)
        status = cmd_fail(s->call, &e);
    else
        status = control_print(s->call, buf_slice(&reply));
    note(s, line, status);
    buf_fini(&request);
    buf_fini(&reply);
    return status;
}

static enum status run_lines(const struct control_session *s)
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

enum status control_session_run(const struct control_session *s, const char *command)
{
    return command != NULL ? run_line(s, command) : run_lines(s);
}
