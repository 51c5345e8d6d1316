/* What a command of m2sh is: a name, its options as a table, a function. One file each (cmd_X.c)
 * with one const struct; cmd_table.c lists them. Help, refusal of unknown options, -json and the
 * exit status of failures are the same for all and done here. */
#ifndef M2SH_CMD_H
#define M2SH_CMD_H

#include "m2sh/out/out_json.h"
#include "m2sh/out/out_table.h"
#include "m2sh/out/out_term.h"
#include "proto/base/args.h"
#include "proto/base/buf.h"
#include "proto/base/error.h"

#include <stdbool.h>
#include <stdio.h>

/* Exit status of every command. */
enum status {
    STATUS_DONE,
    STATUS_NO,          /* the honest answer is no; or it failed at work */
    STATUS_USAGE,       /* the command line is wrong */
    STATUS_INVALID,     /* the configuration is */
    STATUS_REFUSED,     /* by at least one node */
    STATUS_TIMEOUT,     /* no answer in time */
    STATUS_UNREACHABLE, /* coordinator or node */
    STATUS_MOVED,       /* someone else pushed in between */
    STATUS_DENIED,      /* not allowed */
    STATUS_INTERNAL,
};

struct cmd;

/* One run of a command. Lives until its function returns. */
struct call {
    const struct cmd *cmd;
    struct args args;
    struct out_term term; /* of standard output */
    bool json;            /* results and failures as JSON on standard output */
    char *line;           /* the command line as typed, for logs */
};

struct cmd {
    const char *name;
    const char *help;                  /* one sentence, for `m2sh help` */
    const char *arguments;             /* for -help: "-name NAME [COMMAND]"; may be "" */
    const char *more;                  /* further help: what stands out; NULL none */
    const struct args_option *options; /* its own; -json and -help are added */
    size_t words_max;                  /* words that belong to no option */
    bool is_classic;                   /* Mongrel2 had it */
    enum status (*run)(struct call *c);
};

/* The commands, classic ones first in upstream's order; ends with NULL. */
extern const struct cmd *const cmd_table[];

/* The command of that name; NULL when there is none. */
const struct cmd *cmd_find(const char *name);

/* Runs the command line argv[0..argc) (without the word m2sh). */
enum status cmd_run(int argc, char *const *argv);

/* Appends `usage: m2sh NAME …` and the options. */
void cmd_help(const struct cmd *cmd, struct buf *out);

/* Shows the error (as JSON too, when asked for) and returns the status that fits its code. */
enum status cmd_fail(const struct call *c, const struct error *e);

enum status cmd_status_of(enum error_code code);

/* Standard output gets the buf, which is then empty. */
void cmd_print(struct buf *out);

/* It is done and nothing is to be said, but {"done":true} to who reads JSON. STATUS_DONE. */
enum status cmd_done(const struct call *c);

/* Prints a table as the call wants it and frees it; `plain` false leaves out an empty one with a
 * word on stderr. */
void cmd_print_table(const struct call *c, struct out_table *t);

/* Options that several commands have. */
#define OPTION_DB                                               \
    {                                                           \
        "db", "FILE", "Configuration database (config.sqlite)." \
    }
#define OPTION_CONFIG                                           \
    {                                                           \
        "config", "FILE", "Configuration file (mongrel2.conf)." \
    }
#define OPTION_END       \
    {                    \
        NULL, NULL, NULL \
    }

const char *cmd_db(const struct call *c); /* value of -db, else config.sqlite */

#endif
