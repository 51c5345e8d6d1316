/* m2-simnode: nodes of a cluster without a data plane: the real agent with a configuration that is
 * only pretended to be applied. For tests of the control plane, one node or a thousand in a
 * process.
 *
 * Each node appends "VERSION HASH" to `served` in its state directory when it would begin to serve
 * a commit. It refuses every configuration in which a Dir's base contains "refuse-NAME" with its
 * own name, or "refuse-all". */

#include "node/cluster/agent.h"
#include "proto/base/args.h"
#include "proto/base/failpoint.h"
#include "proto/base/log.h"

#include <ev.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zmq.h>

struct sim {
    struct agent *agent;
    char name[64];
    char state[512];
    struct histogram latency;
    int64_t requests;
    bool is_draining;
};

struct prepared {
    int64_t version;
    char hash[65];
};

static bool is_refused(const struct sim *s, const struct model *m)
{
    char mine[80];
    snprintf(mine, sizeof mine, "refuse-%s/", s->name);
    for (size_t i = 0; i < model_count(m, TABLE_DIRECTORY); i++) {
        const char *base = row_str(model_row(m, TABLE_DIRECTORY, i), DIRECTORY_BASE);
        if (strstr(base, mine) != NULL || strstr(base, "refuse-all/") != NULL)
            return true;
    }
    return false;
}

static int sim_prepare(void *arg, struct model *m, int64_t version, const char *hash, void **out,
                       struct error *e)
{
    struct sim *s = arg;
    if (is_refused(s, m))
        return error_set_object(e, ERROR_INVALID, "Dir", "This node does not have the directory.");
    struct prepared *p = calloc(1, sizeof *p);
    if (p == NULL)
        return error_set(e, ERROR_NO_MEMORY, "Out of memory.");
    p->version = version;
    snprintf(p->hash, sizeof p->hash, "%s", hash);
    *out = p;
    return 0;
}

static void sim_activate(void *arg, void *prepared)
{
    struct sim *s = arg;
    struct prepared *p = prepared;
    char path[600], line[100];
    snprintf(path, sizeof path, "%s/served", s->state);
    int fd = open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
    int len = snprintf(line, sizeof line, "%lld %s\n", (long long)p->version, p->hash);
    if (fd < 0 || write(fd, line, (size_t)len) != len)
        log_error("simnode", "cannot write %s", path);
    if (fd >= 0)
        close(fd);
    free(p);
}

static void sim_discard(void *arg, void *prepared)
{
    (void)arg;
    free(prepared);
}

static void sim_counters(void *arg, struct beat_counters *out)
{
    struct sim *s = arg;
    for (int i = 0; i < 10; i++)
        histogram_add(&s->latency, (uint64_t)(100 + rand() % 900));
    s->requests += 10;
    *out = (struct beat_counters){.connections = s->is_draining ? 0 : 5,
                                  .requests = s->requests,
                                  .latency = &s->latency,
                                  .is_draining = s->is_draining};
}

static void sim_describe(void *arg, struct agent_description *out)
{
    (void)arg;
    *out = (struct agent_description){
        .handler = "tcp://127.0.0.1:1", .control = "", .addresses = "127.0.0.1:1"};
}

static void sim_control(void *arg, struct slice request, struct buf *reply)
{
    (void)arg;
    buf_append_slice(reply, request);
}

static void sim_orders(void *arg, bool drain, const struct slice *paused, size_t paused_count)
{
    struct sim *s = arg;
    (void)paused, (void)paused_count;
    s->is_draining = drain;
}

static const struct agent_ops ops = {.prepare = sim_prepare,
                                     .activate = sim_activate,
                                     .discard = sim_discard,
                                     .counters = sim_counters,
                                     .describe = sim_describe,
                                     .control = sim_control,
                                     .orders = sim_orders};

static const struct args_option options[] = {
    {"coordinator", "SPEC[,SPEC]", "where the coordinators answer"},
    {"server", "NAME", "the server to run (default main)"},
    {"node", "NAME", "the node's name; with -count NAME-1, NAME-2 and so on"},
    {"uuid", "UUID", "the node's UUID (default: its state directory's)"},
    {"state", "DIR", "its state directory; with -count DIR/1, DIR/2 and so on"},
    {"count", "N", "so many nodes in this process"},
    {NULL, NULL, NULL},
};

static void on_signal(struct ev_loop *loop, ev_signal *w, int revents)
{
    (void)w, (void)revents;
    ev_break(loop, EVBREAK_ALL);
}

static int start(struct sim *s, const struct args *a, int64_t number, int64_t count, void *zmq,
                 struct ev_loop *loop, struct error *e)
{
    const char *name = args_get(a, "node", "sim"), *state = args_get(a, "state", "state");
    if (count == 1) {
        snprintf(s->name, sizeof s->name, "%s", name);
        snprintf(s->state, sizeof s->state, "%s", state);
    } else {
        mkdir(state, 0700);
        snprintf(s->name, sizeof s->name, "%.40s-%lld", name, (long long)number);
        snprintf(s->state, sizeof s->state, "%.400s/%lld", state, (long long)number);
    }
    struct agent_config config = {.coordinators = args_get(a, "coordinator", ""),
                                  .state_dir = s->state,
                                  .uuid = args_get(a, "uuid", NULL),
                                  .node = s->name,
                                  .server = args_get(a, "server", "main")};
    if (agent_create(&s->agent, loop, &config, &ops, s, e) != 0)
        return -1;
    return agent_start(s->agent, zmq, e);
}

static int run(const struct args *a, int64_t count)
{
    struct ev_loop *loop = ev_default_loop(EVFLAG_NOENV);
    void *zmq = zmq_ctx_new();
    struct sim *sims = calloc((size_t)count, sizeof *sims);
    struct error e;
    ev_signal term;
    int status = 0;
    zmq_ctx_set(zmq, ZMQ_MAX_SOCKETS, 65535);
    ev_signal_init(&term, on_signal, SIGTERM);
    ev_signal_start(loop, &term);
    for (int64_t i = 0; i < count && status == 0; i++)
        if (start(&sims[i], a, i + 1, count, zmq, loop, &e) != 0) {
            fprintf(stderr, "m2-simnode: %s\n", e.text);
            status = 1;
        }
    if (status == 0)
        ev_run(loop, 0);
    for (int64_t i = 0; i < count; i++)
        agent_destroy(&sims[i].agent);
    free(sims);
    zmq_ctx_term(zmq);
    return status;
}

int main(int argc, char **argv)
{
    struct args a;
    struct error e;
    int64_t count;
    int status = 2;
    failpoint_init();
    signal(SIGPIPE, SIG_IGN);
    if (args_parse(&a, options, argc, argv, 1, &e) != 0 ||
        args_get_int(&a, "count", 1, 10000, 1, &count, &e) != 0)
        fprintf(stderr, "m2-simnode: %s\n", e.text);
    else
        status = run(&a, count);
    args_fini(&a);
    return status;
}
