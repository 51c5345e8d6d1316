/* start: runs mongrel2 for each server selected and waits for it, without a shell in between. A
 * server that goes into the background ends that wait at once; one that stays in front is waited
 * for, beside its siblings. */

#include "m2sh/base/xalloc.h"
#include "m2sh/cmd_table.h"
#include "m2sh/journal.h"
#include "m2sh/process.h"
#include "m2sh/select.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#define WORDS_MAX 64

/* Starts `[SUDO] mongrel2 A B [C]`; the process, or -1 with *e. */
static pid_t spawn(const struct call *c, const char *a, const char *b, const char *module,
                   struct error *e)
{
    char path[PROCESS_PATH_MAX], *words[WORDS_MAX], *copy = NULL;
    size_t count = 0;
    const char *sudo = args_get(&c->args, "sudo", NULL);
    if (sudo != NULL) {
        copy = xstrdup(*sudo != '\0' ? sudo : "sudo");
        count = process_split(copy, words, WORDS_MAX - 4);
    }
    words[count++] = (char *)(uintptr_t)process_beside("mongrel2", path);
    words[count++] = (char *)(uintptr_t)a;
    words[count++] = (char *)(uintptr_t)b;
    if (module != NULL)
        words[count++] = (char *)(uintptr_t)module;
    words[count] = NULL;
    fflush(stdout);
    pid_t child = fork();
    if (child == 0) {
        execvp(words[0], words);
        fprintf(stderr, "m2sh start: Can't run %s: %s\n", words[0], strerror(errno));
        _exit(127);
    }
    free(copy);
    if (child < 0)
        error_set_errno(e, "Can't start a process");
    return child;
}

/* Waits for one; its exit code, 128 + N for a signal. */
static int wait_for(pid_t child)
{
    int wait_status;
    while (waitpid(child, &wait_status, 0) < 0)
        if (errno != EINTR)
            return 127;
    return WIFEXITED(wait_status) ? WEXITSTATUS(wait_status) : 128 + WTERMSIG(wait_status);
}

static enum status report(struct call *c, const char *db, const char *name, int code)
{
    char outcome[200];
    if (code == 0)
        snprintf(outcome, sizeof outcome, "%s: started", name);
    else
        snprintf(outcome, sizeof outcome, "%s: mongrel2 returned exit code %d", name, code);
    if (code != 0)
        fprintf(stderr, "m2sh start: Mongrel2 returned exit code %d for %s.\n", code, name);
    if (db != NULL)
        journal_add(c, db, "start", outcome);
    return code == 0 ? STATUS_DONE : STATUS_NO;
}

static enum status start_selected(struct call *c)
{
    struct error e;
    struct selection s;
    enum status status = select_servers(&s, c);
    if (status != STATUS_DONE)
        return status;
    pid_t *children = xrealloc(NULL, s.count, sizeof *children);
    for (size_t i = 0; i < s.count; i++) {
        children[i] = spawn(c, cmd_db(c), row_str(s.servers[i], SERVER_UUID), NULL, &e);
        if (children[i] < 0)
            status = cmd_fail(c, &e);
    }
    signal(SIGINT, SIG_IGN); /* Ctrl-C is for the servers in front; m2sh sees how they end */
    for (size_t i = 0; i < s.count; i++) {
        int code = children[i] > 0 ? wait_for(children[i]) : 127;
        if (report(c, cmd_db(c), row_str(s.servers[i], SERVER_NAME), code) != STATUS_DONE)
            status = STATUS_NO;
    }
    signal(SIGINT, SIG_DFL);
    free(children);
    select_release(&s);
    return status;
}

/* A server whose configuration comes from a module. */
static enum status start_from_url(struct call *c)
{
    struct error e;
    const char *url = args_get(&c->args, "url", NULL), *uuid = args_get(&c->args, "uuid", NULL);
    const char *style = args_get(&c->args, "style", NULL);
    if (url == NULL || style == NULL || uuid == NULL) {
        error_set(&e, ERROR_USAGE, "You must give either --db or --style and --url, with --uuid.");
        return cmd_fail(c, &e);
    }
    pid_t child = spawn(c, url, uuid, style, &e);
    if (child < 0)
        return cmd_fail(c, &e);
    signal(SIGINT, SIG_IGN);
    int code = wait_for(child);
    signal(SIGINT, SIG_DFL);
    return report(c, NULL, uuid, code);
}

static enum status run(struct call *c)
{
    if (args_has(&c->args, "url") || args_has(&c->args, "style"))
        return start_from_url(c);
    return start_selected(c);
}

const struct cmd cmd_start = {
    .name = "start",
    .help = "Starts a server.",
    .arguments = "-name NAME | -host HOST | -uuid UUID | -every [-db FILE] [-sudo [COMMAND]]",
    .more = "Waits until mongrel2 is in the background, or has ended if it stays in front.\n"
            "With -url URL -style MODULE.so -uuid UUID the configuration comes from a module.",
    .options =
        (const struct args_option[]){OPTIONS_SELECT,
                                     {"sudo", "[COMMAND]", "Start it through sudo or COMMAND."},
                                     {"url", "URL", "Where the module finds the configuration."},
                                     {"style", "MODULE", "Path of the configuration module."},
                                     OPTION_END},
    .is_classic = true,
    .run = run,
};
