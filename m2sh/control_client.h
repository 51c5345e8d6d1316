/* The control port of a server on this machine: where it is, and one request after the other. Every
 * wait has an end. */
#ifndef M2SH_CONTROL_CLIENT_H
#define M2SH_CONTROL_CLIENT_H

#include "proto/base/arena.h"
#include "proto/base/buf.h"
#include "proto/base/error.h"
#include "proto/base/slice.h"
#include "proto/model/model.h"

#define CONTROL_ENDPOINT_MAX 512

/* The endpoint to connect to for a server: its control_port, else the setting, else
 * ipc://run/control. An ipc path is looked for inside the chroot first; a wildcard address becomes
 * the loopback. */
void control_client_endpoint(const struct model *m, const struct row *server,
                             char out[CONTROL_ENDPOINT_MAX]);

struct control_client;

/* ERROR_UNREACHABLE when an ipc endpoint has no socket, ERROR_USAGE for a bad endpoint. */
int control_client_open(struct control_client **out, const char *endpoint, struct error *e);
void control_client_close(struct control_client *c); /* NULL is fine */

/* Sends the bytes and waits for the answer, which is put into `reply`. ERROR_TIMEOUT,
 * ERROR_UNREACHABLE. After a failure the next request starts on a fresh connection. */
int control_client_call(struct control_client *c, struct slice request, int timeout_ms,
                        struct buf *reply, struct error *e);

/* Appends the request that a typed line means: `status what=net` becomes
 * ["status", {"what": "net"}]; digits and '-' become numbers. ERROR_USAGE. */
int control_client_encode(const char *line, struct buf *out, struct error *e);

#endif
