/* A pid file may be stale and its number taken over by an innocent process, or hold garbage;
 * upstream signals whatever the number says, its own process group for a 0. Here the process must
 * be called mongrel2, by its name or its file. */

#include "m2sh/process.h"

#include "m2sh/base/xalloc.h"

#include <errno.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#define PROGRAM "mongrel2"

void process_pid_file(const struct row *server, char path[PROCESS_PATH_MAX])
{
    const char *chroot = row_str(server, SERVER_CHROOT), *file = row_str(server, SERVER_PID_FILE);
    snprintf(path, PROCESS_PATH_MAX, "%s%s", chroot, file);
    if (chroot[0] == '\0' || access(path, F_OK) == 0)
        return;
    char here[PROCESS_PATH_MAX];
    snprintf(here, sizeof here, ".%s", file);
    if (access(here, F_OK) == 0)
        memcpy(path, here, sizeof here);
}

/* Digits with white space around; 0 when it is anything else or no process id. */
static long parse_pid(const char *text, size_t len)
{
    long n = 0;
    size_t i = 0, digits = 0;
    while (i < len && strchr(" \t\r\n", text[i]) != NULL && text[i] != '\0')
        i++;
    for (; i < len && text[i] >= '0' && text[i] <= '9'; i++, digits++)
        if (n <= INT_MAX)
            n = n * 10 + (text[i] - '0');
    while (i < len && strchr(" \t\r\n", text[i]) != NULL && text[i] != '\0')
        i++;
    return i == len && digits > 0 && n > 1 && n <= INT_MAX ? n : 0;
}

int process_read_pid(const char *path, pid_t *pid, struct error *e)
{
    char text[64];
    FILE *f = fopen(path, "rbe");
    if (f == NULL && errno == ENOENT)
        return error_set(e, ERROR_NOT_FOUND,
                         "Couldn't read the PID from %s: there is no such file.", path);
    if (f == NULL)
        return error_set_errno(e, "Couldn't read the PID from %s", path);
    size_t len = fread(text, 1, sizeof text, f);
    fclose(f);
    long n = parse_pid(text, len);
    if (n == 0)
        return error_set(e, ERROR_IO,
                         "The pid file %s does not hold a process id; no process was touched.",
                         path);
    *pid = (pid_t)n;
    return 0;
}

/* The first line of a file in /proc, or what a link there points to; "" when it cannot be read. */
static void read_proc(pid_t pid, const char *name, char *out, size_t size)
{
    char path[64];
    snprintf(path, sizeof path, "/proc/%d/%s", (int)pid, name);
    ssize_t len = readlink(path, out, size - 1);
    if (len < 0) {
        FILE *f = fopen(path, "rbe");
        len = f != NULL ? (ssize_t)fread(out, 1, size - 1, f) : 0;
        if (f != NULL)
            fclose(f);
    }
    out[len] = '\0';
    out[strcspn(out, "\n")] = '\0';
}

static bool is_mongrel2(pid_t pid)
{
    char name[PROCESS_PATH_MAX];
    read_proc(pid, "comm", name, sizeof name);
    if (strcmp(name, PROGRAM) == 0)
        return true;
    read_proc(pid, "exe", name, sizeof name);
    const char *slash = strrchr(name, '/'), *base = slash != NULL ? slash + 1 : name;
    return strcmp(base, PROGRAM) == 0 || strcmp(base, PROGRAM " (deleted)") == 0;
}

/* Ended, and only waiting for a parent that does not look (a container without an init). */
static bool is_zombie(pid_t pid)
{
    char stat[PROCESS_PATH_MAX];
    read_proc(pid, "stat", stat, sizeof stat);
    const char *name_end = strrchr(stat, ')'); /* PID (NAME) STATE … */
    return name_end != NULL && name_end[1] == ' ' && (name_end[2] == 'Z' || name_end[2] == 'X');
}

int process_check(pid_t pid, struct error *e)
{
    if ((kill(pid, 0) != 0 && errno == ESRCH) || is_zombie(pid))
        return error_set(e, ERROR_NOT_FOUND, "There is no process %d.", (int)pid);
    if (!is_mongrel2(pid))
        return error_set(e, ERROR_NOT_FOUND,
                         "Process %d is not a mongrel2: the pid file is stale. Remove it.",
                         (int)pid);
    return 0;
}

const char *process_beside(const char *name, char path[PROCESS_PATH_MAX])
{
    static const char *const places[] = {"", "../sbin/"};
    char self[PROCESS_PATH_MAX];
    ssize_t len = readlink("/proc/self/exe", self, sizeof self - 1);
    self[len > 0 ? len : 0] = '\0';
    char *slash = strrchr(self, '/');
    for (size_t i = 0; slash != NULL && i < sizeof places / sizeof places[0]; i++) {
        int room = (int)(slash + 1 - self);
        if (snprintf(path, PROCESS_PATH_MAX, "%.*s%s%s", room, self, places[i], name) <
                PROCESS_PATH_MAX &&
            access(path, X_OK) == 0)
            return path;
    }
    return name;
}

size_t process_split(char *copy, char **out, size_t room)
{
    size_t count = 0;
    char *rest = NULL;
    for (char *word = strtok_r(copy, " \t", &rest); word != NULL && count + 1 < room;
         word = strtok_r(NULL, " \t", &rest))
        out[count++] = word;
    out[count] = NULL;
    return count;
}

/* Runs `SUDO kill -N PID`. */
static int signal_by(const char *sudo, pid_t pid, int signal_number, struct error *e)
{
    char number[16], target[16], *words[32], *copy = xstrdup(sudo);
    snprintf(number, sizeof number, "-%d", signal_number);
    snprintf(target, sizeof target, "%d", (int)pid);
    size_t count = process_split(copy, words, 28);
    words[count++] = (char[]){"kill"};
    words[count++] = number;
    words[count++] = target;
    words[count] = NULL;
    int wait_status = 0;
    pid_t child = fork();
    if (child == 0) {
        execvp(words[0], words);
        _exit(127);
    }
    bool done = child > 0 && waitpid(child, &wait_status, 0) == child;
    free(copy);
    if (!done)
        return error_set_errno(e, "Can't run %s", sudo);
    if (!WIFEXITED(wait_status) || WEXITSTATUS(wait_status) != 0)
        return error_set(e, ERROR_DENIED, "\"%s kill\" could not signal process %d.", sudo,
                         (int)pid);
    return 0;
}

int process_signal(pid_t pid, int signal_number, const char *sudo, struct error *e)
{
    if (sudo != NULL)
        return signal_by(sudo, pid, signal_number, e);
    if (kill(pid, signal_number) == 0)
        return 0;
    if (errno == EPERM)
        return error_set(e, ERROR_DENIED,
                         "Process %d belongs to another user; try again with -sudo.", (int)pid);
    if (errno == ESRCH)
        return error_set(e, ERROR_NOT_FOUND, "There is no process %d.", (int)pid);
    return error_set_errno(e, "Can't signal process %d", (int)pid);
}
