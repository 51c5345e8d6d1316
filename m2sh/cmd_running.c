/* running: which of the servers selected have a live process. */

#include "m2sh/cmd_table.h"
#include "m2sh/process.h"
#include "m2sh/select.h"

struct finding {
    bool has_pid;
    bool is_running;
    pid_t pid;
};

static struct finding look(const struct row *server)
{
    struct error e;
    struct finding f = {false, false, 0};
    char path[PROCESS_PATH_MAX];
    process_pid_file(server, path);
    f.has_pid = process_read_pid(path, &f.pid, &e) == 0;
    if (!f.has_pid)
        fprintf(stderr, "m2sh running: server %s: %s\n", row_str(server, SERVER_NAME), e.text);
    f.is_running = f.has_pid && process_check(f.pid, &e) == 0;
    return f;
}

static void print_line(struct finding f)
{
    struct buf out = BUF_INIT;
    if (!f.has_pid)
        buf_append_str(&out, "mongrel2 is not running because pid_file isn't there.\n");
    else
        buf_printf(&out, "mongrel2 at PID %d %s.\n", (int)f.pid,
                   f.is_running ? "running" : "is NOT running");
    cmd_print(&out);
}

static enum status run(struct call *c)
{
    struct selection s;
    struct out_table t;
    enum status status = select_servers(&s, c);
    if (status != STATUS_DONE)
        return status;
    out_table_init(&t, (const char *const[]){"name", "uuid", "pid", "running", NULL});
    for (size_t i = 0; i < s.count; i++) {
        struct finding f = look(s.servers[i]);
        if (!f.is_running)
            status = STATUS_NO;
        if (!c->json)
            print_line(f);
        out_table_text(&t, row_str(s.servers[i], SERVER_NAME));
        out_table_text(&t, row_str(s.servers[i], SERVER_UUID));
        if (f.has_pid)
            out_table_int(&t, f.pid);
        else
            out_table_text(&t, NULL);
        out_table_bool(&t, f.is_running);
    }
    if (c->json)
        cmd_print_table(c, &t);
    else
        out_table_fini(&t);
    select_release(&s);
    return status;
}

const struct cmd cmd_running = {
    .name = "running",
    .help = "Tells you what's running.",
    .arguments = "-name NAME | -host HOST | -uuid UUID | -every [-db FILE]",
    .more = "Exit status 0: all of them; 1: at least one is not.",
    .options = (const struct args_option[]){OPTIONS_SELECT, OPTION_END},
    .is_classic = true,
    .run = run,
};
