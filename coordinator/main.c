/* `mongrel2-coordinator`: options to struct coordinator_config, signals to an orderly end. */

#include "coordinator/backup.h"
#include "coordinator/coordinator.h"
#include "coordinator/restore.h"
#include "proto/base/args.h"
#include "proto/base/failpoint.h"
#include "proto/base/log.h"
#include "proto/link/credentials.h"

#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#ifdef HAVE_SYSTEMD
#include <systemd/sd-daemon.h>
#else
static void sd_notify(int unset, const char *state)
{
    (void)unset, (void)state;
}
#endif

static const struct args_option options[] = {
    {"store", "URL",
     "where the history lives: sqlite:PATH (default run/coordinator.sqlite), redis:, "
     "redis+sentinel:"},
    {"listen", "SPEC", "requests socket (default tcp://127.0.0.1:6780)"},
    {"publish", "SPEC", "updates socket (default tcp://127.0.0.1:6781)"},
    {"http", "HOST:PORT", "serve the page for operators there (default: not)"},
    {"advertise", "HOST", "how others reach this machine, when the sockets are on all addresses"},
    {"name", "N", "this coordinator's name (default: the host's)"},
    {"keys", "DIR", "CURVE keys: coordinator.cert, and a certificate of each that may connect"},
    {"insecure", NULL, "allow sockets in the open without keys"},
    {"lease", "SECONDS", "how long a leader that has died is still held to lead (default 5)"},
    {"settle", "SECONDS", "after a start, how long nodes may report before a push (default 3)"},
    {"ticket_keys", "SECONDS",
     "how long nodes use a key of TLS session tickets; 0: each its own (default 21000)"},
    {"backup", "FILE", "write the whole history of the store into FILE, and end"},
    {"restore", "FILE", "put the history of FILE into the store, and end"},
    {"log_format", "text|json", "form of log lines (default text)"},
    {"log_level", "LEVEL", "error, warn, info or debug (default info)"},
    {"help", NULL, "show this"},
    {"version", NULL, "show the version"},
    {NULL, NULL, NULL},
};

static void print_help(void)
{
    struct buf text = BUF_INIT;
    args_help(options, &text);
    printf("usage: mongrel2-coordinator [options]\n\n"
           "Keeps a cluster's configurations and pushes them to its nodes. See\n"
           "mongrel2-coordinator(8).\n\n%s",
           buf_str(&text));
    buf_fini(&text);
}

static int usage(const struct error *e)
{
    fprintf(stderr, "mongrel2-coordinator: %s\n", e->text);
    return 2;
}

static int set_log(const struct args *a, struct error *e)
{
    const char *format = args_get(a, "log_format", "text");
    int level = log_level_from_name(args_get(a, "log_level", "info"));
    if (strcmp(format, "text") != 0 && strcmp(format, "json") != 0)
        return error_set(e, ERROR_USAGE, "-log_format is text or json, not \"%s\".", format);
    if (level < 0)
        return error_set(e, ERROR_USAGE, "-log_level is error, warn, info or debug, not \"%s\".",
                         args_get(a, "log_level", "info"));
    log_set_format(strcmp(format, "json") == 0 ? LOG_JSON : LOG_TEXT);
    log_set_level((enum log_level)level);
    return 0;
}

static int read_config(const struct args *a, const char *host, struct coordinator_config *config,
                       struct error *e)
{
    int64_t settle_s, lease_s, ticket_keys_s;
    if (a->rest_count > 0)
        return error_set(e, ERROR_USAGE, "\"%s\" is no option; see -help.", a->rest[0]);
    if (set_log(a, e) != 0 || args_get_int(a, "settle", 0, 3600, 3, &settle_s, e) != 0 ||
        args_get_int(a, "lease", 2, 60, LEASE_TTL_MS / 1000, &lease_s, e) != 0 ||
        args_get_int(a, "ticket_keys", 0, TICKET_KEYS_PERIOD_S_MAX, TICKET_KEYS_PERIOD_S,
                     &ticket_keys_s, e) != 0)
        return -1;
    *config = (struct coordinator_config){
        .store = args_get(a, "store", "sqlite:run/coordinator.sqlite"),
        .listen = args_get(a, "listen", "tcp://127.0.0.1:6780"),
        .publish = args_get(a, "publish", "tcp://127.0.0.1:6781"),
        .http = args_get(a, "http", NULL),
        .advertise = args_get(a, "advertise", NULL),
        .name = args_get(a, "name", host),
        .security = {.insecure = args_has(a, "insecure")},
        .keys_dir = args_get(a, "keys", NULL),
        .settle_ms = settle_s * 1000,
        .lease_ms = lease_s * 1000,
        .ticket_keys_s = ticket_keys_s,
    };
    return 0;
}

static void on_signal(struct ev_loop *loop, ev_signal *w, int revents)
{
    (void)revents;
    log_info("coordinator", "stopping: %s", strsignal(w->signum));
    sd_notify(0, "STOPPING=1");
    ev_break(loop, EVBREAK_ALL);
}

static void on_ready(void *arg)
{
    const struct coordinator *c = arg;
    log_info("coordinator", "ready listen=%s publish=%s cluster=%s version=%llu",
             c->requests.endpoint, c->publisher.endpoint, c->cluster,
             (unsigned long long)c->head.at.version);
    if (c->page.http.fd >= 0)
        log_info("page", "http://%s/", c->page.http.at);
    sd_notify(0, "READY=1");
}

static int run(struct coordinator_config *config)
{
    struct credentials credentials;
    struct ev_loop *loop = ev_default_loop(EVFLAG_NOENV);
    ev_signal term, interrupt;
    struct coordinator *c;
    struct error e;
    signal(SIGPIPE, SIG_IGN);
    if (config->keys_dir != NULL &&
        credentials_load(&credentials, config->keys_dir, ROLE_COORDINATOR, &e) != 0) {
        log_error("coordinator", "%s", e.text);
        return 2;
    }
    config->security.keys = config->keys_dir != NULL ? &credentials.keys : NULL;
    if (coordinator_create(&c, loop, config, &e) != 0) {
        log_error("coordinator", "%s", e.text);
        return e.code == ERROR_USAGE || e.code == ERROR_DENIED ? 2 : 1;
    }
    ev_signal_init(&term, on_signal, SIGTERM);
    ev_signal_init(&interrupt, on_signal, SIGINT);
    ev_signal_start(loop, &term);
    ev_signal_start(loop, &interrupt);
    coordinator_start(c, on_ready, c);
    ev_run(loop, 0);
    struct error failure = c->failure;
    coordinator_destroy(&c);
    if (config->keys_dir != NULL)
        credentials_wipe(&credentials);
    if (failure.code != ERROR_NONE)
        log_error("coordinator", "%s", failure.text);
    return failure.code == ERROR_NONE ? 0 : 1;
}

/* A store that no coordinator has open goes into a file, or comes out of one. */
static int copy(const struct args *a, const char *store)
{
    struct error e;
    const char *into = args_get(a, "backup", NULL), *from = args_get(a, "restore", NULL);
    if (into != NULL && from != NULL) {
        error_set(&e, ERROR_USAGE, "It is -backup or -restore, not both.");
        return usage(&e);
    }
    if ((into != NULL ? backup_run(store, into, &e) : restore_run(store, from, &e)) == 0)
        return 0;
    fprintf(stderr, "mongrel2-coordinator: %s\n", e.text);
    return e.code == ERROR_USAGE ? 2 : 1;
}

int main(int argc, char **argv)
{
    struct coordinator_config config;
    struct args args;
    struct error e;
    char host[256] = "coordinator";
    int status;
    gethostname(host, sizeof host - 1);
    failpoint_init();
    if (args_parse(&args, options, argc, argv, 1, &e) != 0) {
        status = usage(&e);
    } else if (args_has(&args, "help")) {
        print_help();
        status = 0;
    } else if (args_has(&args, "version")) {
        printf("mongrel2-coordinator %s\n", M2_VERSION);
        status = 0;
    } else if (read_config(&args, host, &config, &e) != 0) {
        status = usage(&e);
    } else if (args_has(&args, "backup") || args_has(&args, "restore")) {
        status = copy(&args, config.store);
    } else {
        status = run(&config);
    }
    args_fini(&args);
    return status;
}
