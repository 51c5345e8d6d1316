/* Answers begin with a table, so that old clients can read them; what is ours stands behind
 * upstream's. */

#include "node/admin/verbs.h"

#include "node/backend/backend.h"
#include "node/conf/snapshot.h"
#include "node/deliver/registry.h"
#include "node/exchange/report.h"
#include "proto/base/clock.h"

#include <stdio.h>

static void put_text(struct buf *reply, const char *header, const char *text)
{
    struct control_table t;
    control_table_begin(&t, reply, header, NULL);
    control_row_begin(&t);
    tns_put_str(reply, text);
    control_row_end(&t);
    control_table_end(&t, CONTROL_NO_SEQ);
}

static void one_text(struct verb_call *c, const char *header, const char *text)
{
    put_text(c->reply, header, text);
}

static void verb_help(struct verb_call *c)
{
    struct control_table t;
    control_table_begin(&t, c->reply, "name", "help", NULL);
    for (const struct verb *v = verb_table; v->name != NULL; v++) {
        control_row_begin(&t);
        tns_put_str(c->reply, v->name);
        tns_put_str(c->reply, v->help);
        control_row_end(&t);
    }
    control_table_end(&t, CONTROL_NO_SEQ);
}

static void call_stop(struct verb_call *c)
{
    c->ops->stop(c->server);
}

static void verb_stop(struct verb_call *c)
{
    one_text(c, "msg", "signal sent to server");
    c->after = call_stop;
}

void verb_put_outcome(struct buf *reply, const struct error *e)
{
    if (e == NULL)
        put_text(reply, "msg", "signal sent to server");
    else
        control_put_world_error(reply, e, CONTROL_NO_SEQ);
}

static void verb_reload(struct verb_call *c)
{
    struct error e;
    int result = c->ops->reload(c->server, c->done, c->done_arg, &e);
    if (result == 1 && c->done != NULL)
        c->is_pending = true;
    else
        verb_put_outcome(c->reply, result < 0 ? &e : NULL);
}

static void verb_control_stop(struct verb_call *c)
{
    one_text(c, "msg", "stopping the control port");
    c->stop_control = true;
}

static void verb_kill(struct verb_call *c)
{
    int64_t id;
    struct conn *conn = NULL;
    if (tns_get_int(c->args, "id", &id) && id > 0 && id <= UINT32_MAX)
        conn = registry_find(c->worker->registry, (uint32_t)id);
    if (conn == NULL) {
        control_put_known_error(c->reply, CONTROL_INVALID_ARGUMENT);
        return;
    }
    conn_close(conn, CONN_KILLED);
    one_text(c, "status", "OK");
}

static int64_t seconds_since(const struct worker *w, uint32_t then_s)
{
    return then_s == 0 ? 0 : (int64_t)(w->loop.now_us / 1000000u) - then_s;
}

/* Types as upstream numbers them: 0 nothing yet, 1 HTTP, 2 JSON or XML, 3 WebSocket. */
static int64_t connection_type(const struct conn *c)
{
    uint8_t type = c->session->control_type;
    return c->bytes_read == 0 ? 0 : type == 0 ? 1 : type;
}

static void status_net(struct verb_call *c)
{
    struct worker *w = c->worker;
    struct control_table t;
    control_table_begin(&t, c->reply, "id", "fd", "type", "last_ping", "last_read", "last_write",
                        "bytes_read", "bytes_written", NULL);
    list_for_each (it, &w->conns.all) {
        const struct conn *conn = container_of(it, struct conn, link);
        control_row_begin(&t);
        tns_put_int(c->reply, conn->id != 0 ? (int64_t)conn->id : -1);
        tns_put_int(c->reply, conn->io.fd);
        tns_put_int(c->reply, connection_type(conn));
        tns_put_int(c->reply, seconds_since(w, conn->last_ping_s));
        tns_put_int(c->reply, seconds_since(w, conn->last_read_s));
        tns_put_int(c->reply, seconds_since(w, conn->last_write_s));
        tns_put_int(c->reply, (int64_t)conn->bytes_read);
        tns_put_int(c->reply, (int64_t)conn->bytes_written);
        control_row_end(&t);
    }
    control_table_end(&t, CONTROL_NO_SEQ);
}

static void task_row(struct control_table *t, int64_t id, const char *name, const char *state)
{
    control_row_begin(t);
    tns_put_int(t->out, id);
    tns_put_bool(t->out, false);
    tns_put_str(t->out, name);
    tns_put_str(t->out, state);
    tns_put_str(t->out, "idle");
    control_row_end(t);
}

/* There are no coroutines here; what upstream had tasks for is shown under the same names. */
static void status_tasks(struct verb_call *c)
{
    struct control_table t;
    int64_t id = 1;
    control_table_begin(&t, c->reply, "id", "system", "name", "state", "status", NULL);
    task_row(&t, id++, "SERVER", "read fd");
    for (struct map_entry *it = map_first(&c->worker->backends->by_name); it != NULL;
         it = map_next(it))
        task_row(&t, id++, "Handler_task", "read handler");
    task_row(&t, id++, "control", "running");
    list_for_each (it, &c->worker->conns.all) {
        const struct conn *conn = container_of(it, struct conn, link);
        task_row(&t, id++, "HTTP", conn->session_state != NULL ? "read handler" : "read fd");
    }
    control_table_end(&t, CONTROL_NO_SEQ);
}

static void report_text(struct verb_call *c, const char *header,
                        void (*report)(struct worker *, struct buf *))
{
    struct buf text = BUF_INIT;
    report(c->worker, &text);
    one_text(c, header, buf_str(&text));
    buf_fini(&text);
}

static void verb_status(struct verb_call *c)
{
    struct slice what;
    if (!tns_get_string(c->args, "what", &what))
        control_put_known_error(c->reply, CONTROL_INVALID_ARGUMENT);
    else if (slice_eq(what, SLICE("net")))
        status_net(c);
    else if (slice_eq(what, SLICE("tasks")))
        status_tasks(c);
    else if (slice_eq(what, SLICE("json")))
        report_text(c, "json", report_json);
    else
        control_put_error(c->reply, NULL, "Expected argument what=['net'|'tasks'].",
                          CONTROL_NO_SEQ);
}

static void verb_metrics(struct verb_call *c)
{
    report_text(c, "metrics", report_metrics);
}

static void verb_time(struct verb_call *c)
{
    char text[24];
    snprintf(text, sizeof text, "%lld", (long long)clock_wall_s());
    one_text(c, "time", text);
}

static void verb_uuid(struct verb_call *c)
{
    one_text(c, "uuid", c->worker->uuid);
}

static void verb_version(struct verb_call *c)
{
    one_text(c, "version", "Mongrel2/" M2_VERSION);
}

static void verb_info(struct verb_call *c)
{
    const struct snapshot *snapshot =
        c->worker->snapshot; /* none on a node that waits for its first commit */
    const struct row *server = snapshot != NULL ? snapshot->server : NULL;
    const char *access_log = "", *pid_file = "", *bind_addr = "";
    unsigned port = 0;
    c->ops->describe(c->server, &access_log, &pid_file, &port, &bind_addr);
    struct control_table t;
    control_table_begin(&t, c->reply, "port", "bind_addr", "uuid", "chroot", "access_log",
                        "error_log", "pid_file", "default_hostname", NULL);
    control_row_begin(&t);
    tns_put_int(c->reply, port);
    tns_put_str(c->reply, bind_addr);
    tns_put_str(c->reply, c->worker->uuid);
    tns_put_str(c->reply, server != NULL ? row_str(server, SERVER_CHROOT) : "");
    tns_put_str(c->reply, access_log);
    tns_put_str(c->reply, server != NULL ? row_str(server, SERVER_ERROR_LOG) : "");
    tns_put_str(c->reply, pid_file);
    tns_put_str(c->reply, server != NULL ? row_str(server, SERVER_DEFAULT_HOST) : "");
    control_row_end(&t);
    control_table_end(&t, CONTROL_NO_SEQ);
}

const struct verb verb_table[] = {
    {"stop", "stop the server (SIGINT)", verb_stop},
    {"reload", "reload the server", verb_reload},
    {"help", "this command", verb_help},
    {"control_stop", "stop control port", verb_control_stop},
    {"kill", "kill a connection", verb_kill},
    {"status", "status, what=['net'|'tasks']", verb_status},
    {"terminate", "terminate the server (SIGTERM)", verb_stop},
    {"time", "the server's time", verb_time},
    {"uuid", "the server's uuid", verb_uuid},
    {"info", "information about this server", verb_info},
    {"version", "the server's version", verb_version},
    {"metrics", "counters in Prometheus text form", verb_metrics},
    {"workers", "workers, pool=NAME (all)", verb_workers},
    {"doctor", "what is wrong, or will be", verb_doctor},
    {NULL, NULL, NULL},
};
