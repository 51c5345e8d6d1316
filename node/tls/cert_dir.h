/* A directory of certificates: held open from the first use on, so that it can be reached from
 * inside a chroot too, with the certificates that have been asked for. Files are looked at again at
 * most once a second per name; a new file that is no good is told of once, and the old certificate
 * stays.
 *
 * Counted: shared by all configurations that name the directory. */
#ifndef NODE_TLS_CERT_DIR_H
#define NODE_TLS_CERT_DIR_H

#include "node/tls/certificate.h"
#include "proto/base/list.h"
#include "proto/base/slice.h"

#include <stdint.h>

#define CERT_DIR_PRESENT_MAX 1024 /* certificates kept; those not used longest go first */
#define CERT_DIR_ABSENT_MAX  4096 /* names known to have none */

struct cert_dir;

/* `path` is its identity (cert_dir_path), and with `root` in front, unless that is "", where it is.
 * `random` and
 * `*now_s`, the clock, are borrowed for its life. NULL with *e. */
struct cert_dir *cert_dir_open(const char *root, const char *path, struct random *random,
                               const int64_t *now_s, struct error *e);
struct cert_dir *cert_dir_ref(struct cert_dir *d);
/* Returns whether it is gone. NULL is fine. */
bool cert_dir_unref(struct cert_dir *d);
const char *cert_dir_path(const struct cert_dir *d);
struct list *cert_dir_link(struct cert_dir *d); /* for its owner's list */
struct cert_dir *cert_dir_of_link(struct list *link);
int cert_dir_fd(const struct cert_dir *d); /* borrowed */

/* The certificate STEM.crt with STEM.key, with a reference for the caller; NULL, with *e, when
 * there is none. */
struct certificate *cert_dir_get(struct cert_dir *d, const char *stem, struct error *e);

/* The certificate for a server name: of the name itself, else of the wildcard with its first label
 * replaced by '_'. Gives a reference; NULL: none. */
struct certificate *cert_dir_find(struct cert_dir *d, struct slice server_name);

/* Calls `each` with every certificate that was asked for, and STEM of its file. */
void cert_dir_each(const struct cert_dir *d,
                   void (*each)(void *arg, const char *stem, const struct certificate *cert),
                   void *arg);

/* Has every file read again at its next use. */
void cert_dir_forget(struct cert_dir *d);

#endif
