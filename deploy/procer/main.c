/* `procer`: options to a keeper; nothing else. */

#include "deploy/procer/daemon.h"
#include "deploy/procer/instance.h"
#include "deploy/procer/keeper.h"
#include "deploy/procer/logs.h"
#include "proto/base/args.h"
#include "proto/base/log.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static const struct args_option options[] = {
    {"foreground", NULL, "stay in front, log to standard error"},
    {"tries", "N", "failed starts in a row before a profile is given up (default 10; 0: never)"},
    {"delay", "MS", "pause before a restart, doubled with each failure (default 1000)"},
    {"max_delay", "MS", "the longest such pause (default 60000)"},
    {"stable", "MS", "up for so long, earlier failures are forgotten (default 10000)"},
    {"pid_file", "MS", "how long after the end of run the pid file may appear (default 5000)"},
    {"front", "MS", "a run without pid file that runs longer is the program (default 2000)"},
    {"help", NULL, "show this"},
    {"version", NULL, "show the version"},
    {NULL, NULL, NULL},
};

struct plan {
    char *profiles; /* absolute */
    char *pid_file; /* absolute */
    char *own_log;  /* absolute; NULL: standard error */
    bool foreground;
    struct life_limits limits;
};

static void print_help(void)
{
    struct buf text = BUF_INIT;
    args_help(options, &text);
    printf("usage: procer PROFILES PIDFILE [options]\n\n"
           "Keeps the programs running that the profiles in the directory PROFILES describe.\n"
           "See procer(8).\n\n%s",
           buf_str(&text));
    buf_fini(&text);
}

static int usage(const struct error *e)
{
    fprintf(stderr, "procer: %s\n", e->text);
    return 2;
}

static int failure(const struct error *e)
{
    log_error("procer", "%s", e->text);
    return 1;
}

/* --- options --- */

static int read_ms(const struct args *a, const char *name, uint64_t *value, struct error *e)
{
    int64_t ms;
    if (args_get_int(a, name, 1, 86400000, (int64_t)*value, &ms, e) != 0)
        return -1;
    *value = (uint64_t)ms;
    return 0;
}

static int read_limits(const struct args *a, struct life_limits *l, struct error *e)
{
    int64_t tries;
    *l = life_default_limits;
    if (args_get_int(a, "tries", 0, 1000000, l->tries, &tries, e) != 0)
        return -1;
    l->tries = (unsigned)tries;
    return read_ms(a, "delay", &l->delay_ms, e) != 0 ||
                   read_ms(a, "max_delay", &l->max_delay_ms, e) != 0 ||
                   read_ms(a, "stable", &l->stable_ms, e) != 0 ||
                   read_ms(a, "pid_file", &l->pid_file_ms, e) != 0 ||
                   read_ms(a, "front", &l->front_ms, e) != 0
               ? -1
               : 0;
}

/* A path of a file that need not exist, by the caller's directory. */
static char *absolute(const char *path)
{
    char here[4096], *whole = NULL;
    if (path[0] == '/')
        return strdup(path);
    if (getcwd(here, sizeof here) == NULL || asprintf(&whole, "%s/%s", here, path) < 0)
        return NULL;
    return whole;
}

static int make_plan(struct plan *p, const struct args *a, struct error *e)
{
    const char *log = getenv("PROCER_ERROR_LOG");
    p->profiles = realpath(a->rest[0], NULL);
    if (p->profiles == NULL || chdir(p->profiles) != 0)
        return error_set_errno(e, "Couldn't change to %s profile dir", a->rest[0]);
    p->foreground = args_has(a, "foreground");
    if (log != NULL && log[0] != '\0')
        p->own_log = absolute(log); /* by the profile directory, as error.log is */
    else if (!p->foreground)
        p->own_log = absolute("error.log");
    return 0;
}

static void plan_fini(struct plan *p)
{
    free(p->profiles);
    free(p->pid_file);
    free(p->own_log);
}

/* --- work --- */

/* The profiles are read twice when there is a log: for the eyes of the caller, and for the log. */
static int keep(const struct plan *p, struct keeper *k, int ready, struct error *e)
{
    if (keeper_scan(k, e) != 0)
        return -1;
    if (p->own_log != NULL && (logs_open_own(p->own_log, e) != 0 || keeper_scan(k, e) != 0))
        return -1;
    log_info("procer", "procer " M2_VERSION " keeps the profiles in %s pid=%d", p->profiles,
             (int)getpid());
    if (ready >= 0)
        daemon_ready(ready);
    keeper_run(k);
    return 0;
}

static int create_and_keep(const struct plan *p, struct instance *instance, int ready,
                           struct error *e)
{
    if (instance_write(instance, e) != 0)
        return -1;
    struct keeper *k = keeper_create(p->profiles, p->own_log, &p->limits, e);
    int result = k != NULL ? keep(p, k, ready, e) : -1;
    keeper_destroy(k);
    return result;
}

static int work(const struct plan *p)
{
    struct instance instance;
    struct error e;
    int ready = -1;
    signal(SIGPIPE, SIG_IGN);
    if (instance_open(&instance, p->pid_file, &e) != 0)
        return failure(&e);
    int result = p->foreground ? 0 : daemon_fork(&ready, &e);
    if (result == 0)
        result = create_and_keep(p, &instance, ready, &e);
    if (result != 0)
        failure(&e);
    instance_close(&instance);
    return result != 0 ? 1 : 0;
}

static int start(const struct args *a)
{
    struct plan p = {0};
    struct error e;
    int status = 2;
    if (a->rest_count != 2)
        error_set(&e, ERROR_USAGE, "usage: procer PROFILES PIDFILE [options] (see -help)");
    else if (read_limits(a, &p.limits, &e) == 0)
        status = 1;
    if (status == 2)
        return usage(&e);
    p.pid_file = absolute(a->rest[1]); /* before the directory changes */
    status = make_plan(&p, a, &e) == 0 ? work(&p) : failure(&e);
    plan_fini(&p);
    return status;
}

int main(int argc, char **argv)
{
    struct args a;
    struct error e;
    int status;
    if (args_parse(&a, options, argc, argv, 1, &e) != 0) {
        status = usage(&e);
    } else if (args_has(&a, "help")) {
        print_help();
        status = 0;
    } else if (args_has(&a, "version")) {
        printf("procer %s\n", M2_VERSION);
        status = 0;
    } else {
        status = start(&a);
    }
    args_fini(&a);
    return status;
}
