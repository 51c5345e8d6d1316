/* `m2gateway`: options to a gateway; nothing else. */

#include "deploy/gateway/gateway.h"
#include "proto/base/args.h"
#include "proto/base/log.h"

#include <signal.h>
#include <stdio.h>
#include <string.h>
#ifdef HAVE_SYSTEMD
#include <systemd/sd-daemon.h>
#else
#define sd_notify(unset, state) ((void)0)
#endif

static const struct args_option options[] = {
    {"pool", "NAME", "the pool whose requests its handlers serve"},
    {"coordinator", "SPEC[,SPEC]", "who knows the nodes"},
    {"node", "SPEC[,SPEC]", "handler ports of nodes, where there is no coordinator"},
    {"send_spec", "SPEC", "where handlers take requests (PUSH, bound)"},
    {"recv_spec", "SPEC", "where handlers publish replies (SUB, bound)"},
    {"capacity", "N", "requests with handlers at a time (default 100)"},
    {"drain", "SECONDS", "how long to wait for them at the end (default 10)"},
    {"keys", "DIR|CERT", "CURVE keys of the cluster: handler.cert and coordinator.cert"},
    {"insecure", NULL, "allow endpoints that others can reach"},
    {"log_format", "text|json", "form of log lines (default text)"},
    {"help", NULL, "show this"},
    {"version", NULL, "show the version"},
    {NULL, NULL, NULL},
};

static void print_help(void)
{
    struct buf text = BUF_INIT;
    args_help(options, &text);
    printf("usage: m2gateway -pool NAME -coordinator SPEC -send_spec SPEC -recv_spec SPEC "
           "[options]\n\n"
           "Lets handlers of Mongrel2 serve all nodes of a cluster through one pair of endpoints.\n"
           "See m2gateway(8).\n\n%s",
           buf_str(&text));
    buf_fini(&text);
}

static int usage(const struct error *e)
{
    fprintf(stderr, "m2gateway: %s\n", e->text);
    return 2;
}

/* Neither endpoint asks who is there. */
static int check_local(const struct args *a, const char *option, struct error *e)
{
    static const char *const local[] = {"ipc://", "inproc://", "tcp://127.",
                                        "tcp://localhost:", "tcp://[::1]:"};
    const char *spec = args_get(a, option, NULL);
    if (spec == NULL)
        return error_set(e, ERROR_USAGE, "-%s is missing; see -help.", option);
    for (size_t i = 0; i < sizeof local / sizeof *local; i++)
        if (strncmp(spec, local[i], strlen(local[i])) == 0)
            return 0;
    if (args_has(a, "insecure"))
        return 0;
    return error_set(e, ERROR_USAGE,
                     "-%s %s can be reached from other machines: bind it to 127.0.0.1, or say "
                     "-insecure on a network that you trust.",
                     option, spec);
}

static int fill_options(const struct args *a, struct gateway_options *o, struct error *e)
{
    int64_t capacity, drain_s;
    const char *format = args_get(a, "log_format", "text");
    if (a->rest_count > 0)
        return error_set(e, ERROR_USAGE, "\"%s\" is no option; see -help.", a->rest[0]);
    if (args_get_int(a, "capacity", 1, 100000, 100, &capacity, e) != 0 ||
        args_get_int(a, "drain", 0, 3600, 10, &drain_s, e) != 0 ||
        check_local(a, "send_spec", e) != 0 || check_local(a, "recv_spec", e) != 0)
        return -1;
    if (strcmp(format, "text") != 0 && strcmp(format, "json") != 0)
        return error_set(e, ERROR_USAGE, "Option -log_format is text or json, not \"%s\".", format);
    log_set_format(strcmp(format, "json") == 0 ? LOG_JSON : LOG_TEXT);
    *o = (struct gateway_options){.pool = args_get(a, "pool", NULL),
                                  .coordinators = args_get(a, "coordinator", NULL),
                                  .nodes = args_get(a, "node", NULL),
                                  .keys = args_get(a, "keys", NULL),
                                  .send_spec = args_get(a, "send_spec", NULL),
                                  .recv_spec = args_get(a, "recv_spec", NULL),
                                  .capacity = (unsigned)capacity,
                                  .drain_s = (unsigned)drain_s};
    if (o->pool == NULL)
        return error_set(e, ERROR_USAGE, "-pool is missing; see -help.");
    if (o->coordinators == NULL && o->nodes == NULL)
        return error_set(e, ERROR_USAGE, "Where are the nodes? -coordinator SPEC, or -node SPEC.");
    return 0;
}

static struct gateway *running;

static void on_signal(int number)
{
    (void)number;
    gateway_stop(running);
}

static int run(const struct gateway_options *o)
{
    struct error e;
    if (gateway_create(&running, o, &e) != 0) {
        log_error("gateway", "%s", e.text);
        return e.code == ERROR_USAGE ? 2 : 1;
    }
    struct sigaction stop = {.sa_handler = on_signal}; /* without SA_RESTART: waiting ends */
    sigaction(SIGTERM, &stop, NULL);
    sigaction(SIGINT, &stop, NULL);
    log_info("gateway", "ready pool=%s send_spec=%s recv_spec=%s", o->pool, o->send_spec,
             o->recv_spec);
    sd_notify(0, "READY=1");
    int result = gateway_run(running, &e);
    if (result != 0)
        log_error("gateway", "%s", e.text);
    gateway_destroy(running);
    return result == 0 ? 0 : 1;
}

int main(int argc, char **argv)
{
    struct args a;
    struct error e;
    struct gateway_options o;
    int status = 0;
    signal(SIGPIPE, SIG_IGN);
    if (args_parse(&a, options, argc, argv, 1, &e) != 0)
        status = usage(&e);
    else if (args_has(&a, "help"))
        print_help();
    else if (args_has(&a, "version"))
        printf("m2gateway %s\n", M2_VERSION);
    else if (fill_options(&a, &o, &e) != 0)
        status = usage(&e);
    else
        status = run(&o);
    args_fini(&a);
    return status;
}
