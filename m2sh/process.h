/* The process of a server, found by its pid file and made sure of before it gets a signal. */
#ifndef M2SH_PROCESS_H
#define M2SH_PROCESS_H

#include "proto/base/error.h"
#include "proto/model/model.h"

#include <stddef.h>
#include <sys/types.h>

#define PROCESS_PATH_MAX 4096

/* The file that holds the server's process id: chroot and pid_file put together; when that is not
 * there, "." and pid_file, where a server that may not chroot writes it. */
void process_pid_file(const struct row *server, char path[PROCESS_PATH_MAX]);

/* Reads a process id: decimal digits, above 1, with nothing but white space around them.
 * ERROR_NOT_FOUND when there is no file, ERROR_IO when it holds anything else. */
int process_read_pid(const char *path, pid_t *pid, struct error *e);

/* Is there such a process, and is it a mongrel2? ERROR_NOT_FOUND when it is gone or another
 * program.
 */
int process_check(pid_t pid, struct error *e);

/* Sends the signal, or lets `sudo` (a command such as "sudo", NULL: none) do it. ERROR_DENIED,
 * ERROR_NOT_FOUND, ERROR_IO. */
int process_signal(pid_t pid, int signal_number, const char *sudo, struct error *e);

/* The program of this name that was installed with this m2sh, beside it or in ../sbin: its path, in
 * `path`; else just the name, for PATH. */
const char *process_beside(const char *name, char path[PROCESS_PATH_MAX]);

/* Splits a command such as "sudo -n" into words, into `out` of `room` pointers (NULL behind the
 * last); words live in `copy`, which is changed. Returns how many. */
size_t process_split(char *copy, char **out, size_t room);

#endif
