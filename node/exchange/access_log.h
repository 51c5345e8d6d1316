/* The access log: one line per exchange, upstream's tnetstring lists or JSON objects. Lines are
 * collected and written in batches (when much has come together, else once a second): no system
 * call per request. What cannot be written is dropped with a complaint; the server goes on. */
#ifndef NODE_EXCHANGE_ACCESS_LOG_H
#define NODE_EXCHANGE_ACCESS_LOG_H

#include "proto/base/error.h"
#include "proto/base/slice.h"

#include <stdbool.h>
#include <stdint.h>

struct access_log;
struct loop;

struct access_entry {
    struct slice host; /* name of the matched Host row */
    struct slice peer; /* address text */
    struct slice method, path, version;
    unsigned peer_port;
    int status;           /* 0: the client went before an answer */
    int64_t size;         /* bytes of the answer's body */
    uint64_t duration_us; /* JSON only */
};

/* Appends to the file (created 0644). NULL with *e when it can't be opened. */
struct access_log *access_log_open(struct loop *loop, const char *path, bool json, struct error *e);
void access_log_close(struct access_log *log); /* writes what waits; NULL is fine */
/* Opens the file again by its name, for rotation; keeps the old one when that fails. */
int access_log_reopen(struct access_log *log, struct error *e);
const char *access_log_path(const struct access_log *log);

void access_log_write(struct access_log *log,
                      const struct access_entry *entry); /* NULL log is fine */
void access_log_flush(struct access_log *log);

#endif
