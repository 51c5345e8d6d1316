/* A request body on its way into a file. Everything that touches the disk happens on a side thread,
 * so that a slow disk slows the clients that write to it and nobody else; what waits for it in
 * memory is bounded.
 *
 * The file is made from a template as mkstemp(3) does. It is removed unless upload_file_keep is
 * called: whoever gives up, for whatever reason, says upload_file_discard. Lives until one of the
 * two; events come on the loop, from no call of the owner's. */
#ifndef NODE_EXCHANGE_UPLOAD_FILE_H
#define NODE_EXCHANGE_UPLOAD_FILE_H

#include "node/worker.h"
#include "proto/base/slice.h"

#include <stdbool.h>

struct upload_file;

struct upload_file_events {
    void (*opened)(void *arg); /* it has its name and is empty */
    void (*room)(void *arg);   /* more may be written, after upload_file_write said no */
    void (*stored)(void *arg); /* after upload_file_finish: all of it is there, and it is closed */
    /* It could not be made or written, and is removed; `status` for the client: 507 no space is
     * left (or a quota or limit of the file system or process), else 500. */
    void (*failed)(void *arg, int status);
};

/* Begins to make the file; `events` and `arg` are borrowed for its life. `pattern` is copied and
 * ends in XXXXXX, `mode` are its permissions. NULL when out of memory. */
struct upload_file *upload_file_open(struct worker *w, const char *pattern, unsigned mode,
                                     const struct upload_file_events *events, void *arg);

/* Its name, after `opened`. */
struct slice upload_file_path(const struct upload_file *f);

/* Appends a copy of the bytes. False: taken, but enough for now, wait for `room`. */
bool upload_file_write(struct upload_file *f, struct slice bytes);
/* These were all. */
void upload_file_finish(struct upload_file *f);

/* It is somebody else's now. After `stored`. */
void upload_file_keep(struct upload_file *f);
/* At any time; NULL is fine. */
void upload_file_discard(struct upload_file *f);

#endif
