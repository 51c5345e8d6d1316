/* `mongrel2`: options to server, nothing else. */

#include "node/server.h"
#include "proto/base/args.h"
#include "proto/base/failpoint.h"
#include "proto/base/log.h"
#include "proto/link/endpoint.h"

#include <stdio.h>
#include <string.h>

static const struct args_option options[] = {
    {"name", "NAME", "serve the server of this name"},
    {"host", "HOST", "serve the server with this default_host"},
    {"coordinator", "SPEC[,SPEC]", "be a node of a cluster: where its coordinators answer"},
    {"server", "NAME", "cluster: the server to serve"},
    {"node", "NAME", "cluster: this node's name"},
    {"uuid", "UUID", "cluster: this node's UUID (default: kept in -state)"},
    {"state", "DIR", "cluster: directory of the last known good configuration"},
    {"keys", "DIR|CERT", "cluster: CURVE keys, node.cert and coordinator.cert"},
    {"insecure", NULL, "allow sockets that others can reach"},
    {"bind", "ADDR", "listen here instead of the configuration's bind_addr"},
    {"port", "N", "listen on this port instead of the configuration's"},
    {"handler_port", "SPEC", "where pool workers connect (default tcp://127.0.0.1:*)"},
    {"control", "SPEC", "control port instead of the configuration's"},
    {"log_format", "text|json", "form of log lines (default text)"},
    {"help", NULL, "show this"},
    {"version", NULL, "show the version"},
    {NULL, NULL, NULL},
};

static void print_help(void)
{
    struct buf text = BUF_INIT;
    args_help(options, &text);
    printf("usage: mongrel2 CONFIG.sqlite SERVER_UUID [options]\n"
           "       mongrel2 CONFIG.sqlite -name NAME | -host HOST [options]\n"
           "       mongrel2 URL SERVER_UUID CONFIG_MODULE.so [options]\n"
           "       mongrel2 -coordinator SPEC[,SPEC] -server NAME -node NAME -state DIR "
           "[options]\n\n%s",
           buf_str(&text));
    buf_fini(&text);
}

static int usage(const struct error *e)
{
    fprintf(stderr, "mongrel2: %s\n", e->text);
    return 2;
}

/* Neither port asks who is there. */
static int check_open(const char *option, const char *spec, struct error *e)
{
    if (endpoint_check(spec, ENDPOINT_BIND, e) != 0)
        return -1;
    if (endpoint_is_local(spec))
        return 0;
    return error_set(
        e, ERROR_USAGE,
        "-%s %s can be reached from other machines, and there are no keys: give -keys, "
        "bind it to 127.0.0.1, or say -insecure on a network that you trust.",
        option, spec);
}

static int check_words(const struct args *a, const struct server_options *o, struct error *e)
{
    if (o->keys != NULL && o->coordinators == NULL)
        return error_set(e, ERROR_USAGE, "-keys is for nodes of a cluster; see -help.");
    if (!o->insecure && o->keys == NULL &&
        (check_open("handler_port", o->handler_port, e) != 0 ||
         (o->control != NULL && check_open("control", o->control, e) != 0)))
        return -1;
    if (o->coordinators != NULL) {
        if (a->rest_count > 0)
            return error_set(e, ERROR_USAGE,
                             "\"%s\" is too much: with -coordinator there is no CONFIG.",
                             a->rest[0]);
        if (o->which.name == NULL || o->node_name == NULL || o->state_dir == NULL)
            return error_set(e, ERROR_USAGE,
                             "A node of a cluster needs -server, -node and -state; see -help.");
        return 0;
    }
    if (a->rest_count == 3 && (o->which.name != NULL || o->which.host != NULL))
        return error_set(e, ERROR_USAGE,
                         "A configuration module is asked for a server by its UUID, not by -name "
                         "or -host.");
    if (a->rest_count < 1 || a->rest_count > 3)
        return error_set(
            e, ERROR_USAGE,
            "usage: mongrel2 CONFIG.sqlite SERVER_UUID [CONFIG_MODULE.so] (see -help)");
    return 0;
}

static int fill_options(const struct args *a, struct server_options *o, struct error *e)
{
    int64_t port;
    if (args_get_int(a, "port", 1, 65535, 0, &port, e) != 0)
        return -1;
    const char *format = args_get(a, "log_format", "text");
    if (strcmp(format, "text") != 0 && strcmp(format, "json") != 0)
        return error_set(e, ERROR_USAGE, "Option -log_format is text or json, not \"%s\".", format);
    log_set_format(strcmp(format, "json") == 0 ? LOG_JSON : LOG_TEXT);
    *o = (struct server_options){
        .config = a->rest_count > 0 ? a->rest[0] : NULL,
        .which = {.uuid = a->rest_count > 1 ? a->rest[1] : NULL,
                  .name = args_get(a, "name", args_get(a, "server", NULL)),
                  .host = args_get(a, "host", NULL)},
        .module = a->rest_count > 2 ? a->rest[2] : NULL,
        .coordinators = args_get(a, "coordinator", NULL),
        .node_name = args_get(a, "node", NULL),
        .node_uuid = args_get(a, "uuid", NULL),
        .state_dir = args_get(a, "state", NULL),
        .bind_addr = args_get(a, "bind", NULL),
        .port = (unsigned)port,
        .handler_port = args_get(a, "handler_port", "tcp://127.0.0.1:*"),
        .control = args_get(a, "control", NULL),
        .keys = args_get(a, "keys", NULL),
        .insecure = args_has(a, "insecure"),
    };
    return check_words(a, o, e);
}

static int serve(const struct server_options *o)
{
    struct error e;
    struct server *s = server_create(o, &e);
    if (s == NULL) {
        log_error("server", "%s%s%s", e.object, e.object[0] != '\0' ? ": " : "", e.text);
        return 1;
    }
    int status = server_run(s);
    server_destroy(s);
    return status;
}

int main(int argc, char **argv)
{
    struct args a;
    struct error e;
    struct server_options o;
    int status;
    failpoint_init();
    if (args_parse(&a, options, argc, argv, 1, &e) != 0) {
        status = usage(&e);
    } else if (args_has(&a, "help")) {
        print_help();
        status = 0;
    } else if (args_has(&a, "version")) {
        printf("Mongrel2/" M2_VERSION "\n");
        status = 0;
    } else if (fill_options(&a, &o, &e) != 0) {
        status = usage(&e);
    } else {
        status = serve(&o);
    }
    args_fini(&a);
    return status;
}
