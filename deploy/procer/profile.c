/* Files of a profile hold one line each. What a profile says is compared by content, not by time,
 * so that `touch` and rsync change nothing. */

#include "deploy/procer/profile.h"

#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { LINE_MAX_BYTES = 8192 };

/* The first line without white space around it. -1 with errno when the file cannot be read. */
static int first_line(int folder, const char *name, char line[LINE_MAX_BYTES])
{
    int fd = openat(folder, name, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
    if (fd < 0)
        return -1;
    ssize_t len = read(fd, line, LINE_MAX_BYTES - 1);
    int problem = errno;
    close(fd);
    errno = problem;
    if (len < 0)
        return -1;
    line[len] = '\0';
    line[strcspn(line, "\n")] = '\0';
    size_t lead = strspn(line, " \t\r"), end = strlen(line);
    while (end > lead && isspace((unsigned char)line[end - 1]))
        end--;
    memmove(line, line + lead, end - lead);
    line[end - lead] = '\0';
    return 0;
}

static char *join(const char *folder, const char *name)
{
    char *path = NULL;
    if (asprintf(&path, "%s/%s", folder, name) < 0)
        return NULL;
    return path;
}

static char **split_words(char *line)
{
    size_t count = 0;
    char *rest = NULL;
    char **words = calloc(strlen(line) / 2 + 2, sizeof *words);
    for (char *word = strtok_r(line, " \t", &rest); words != NULL && word != NULL;
         word = strtok_r(NULL, " \t", &rest))
        words[count++] = strdup(word);
    return words;
}

static int read_pid_file(struct profile *p, int at, const char *folder, struct error *e)
{
    char line[LINE_MAX_BYTES];
    p->has_pid_file = first_line(at, "pid_file", line) == 0;
    if (!p->has_pid_file) {
        if (errno != ENOENT)
            return error_set_errno(e, "Can't read pid_file");
        snprintf(line, sizeof line, "%s/%.255s/run.pid", folder, p->name);
    } else if (line[0] == '\0') {
        return error_set(e, ERROR_INVALID,
                         "pid_file is empty: it names the file that the program "
                         "writes its process id to.");
    }
    p->pid_file = strdup(line);
    p->pid_path = line[0] == '/' ? strdup(line) : join(folder, line);
    return p->pid_file != NULL && p->pid_path != NULL
               ? 0
               : error_set(e, ERROR_NO_MEMORY, "Out of memory.");
}

static int read_files(struct profile *p, int at, const char *folder, const char *name,
                      struct error *e)
{
    struct stat dir;
    char line[LINE_MAX_BYTES] = "";
    if (fstat(at, &dir) != 0)
        return error_set_errno(e, "Can't look at the directory");
    p->uid = dir.st_uid;
    p->gid = dir.st_gid;
    p->name = strdup(name);
    char *own = join(folder, name);
    p->run = own != NULL ? join(own, "run") : NULL;
    free(own);
    if (p->name == NULL || p->run == NULL)
        return error_set(e, ERROR_NO_MEMORY, "Out of memory.");
    if (faccessat(at, "run", F_OK, 0) != 0)
        return error_set_errno(e, "Can't find run, the program to start");
    if (read_pid_file(p, at, folder, e) != 0)
        return -1;
    if (first_line(at, "depends", line) != 0 && errno != ENOENT)
        return error_set_errno(e, "Can't read depends");
    p->depends = split_words(line);
    p->restart = faccessat(at, "restart", F_OK, 0) == 0;
    return p->depends != NULL ? 0 : error_set(e, ERROR_NO_MEMORY, "Out of memory.");
}

struct profile *profile_read(const char *folder, const char *name, struct error *e)
{
    char *path = join(folder, name);
    struct profile *p = calloc(1, sizeof *p);
    int at = path != NULL ? open(path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC) : -1;
    int result = -1;
    if (p == NULL || path == NULL)
        error_set(e, ERROR_NO_MEMORY, "Out of memory.");
    else if (at < 0)
        error_set_errno(e, "Can't open the directory");
    else
        result = read_files(p, at, folder, name, e);
    if (at >= 0)
        close(at);
    free(path);
    if (result == 0)
        return p;
    profile_destroy(p);
    return NULL;
}

void profile_destroy(struct profile *p)
{
    if (p == NULL)
        return;
    for (char **word = p->depends; word != NULL && *word != NULL; word++)
        free(*word);
    free(p->depends);
    free(p->name);
    free(p->run);
    free(p->pid_file);
    free(p->pid_path);
    free(p);
}

bool profile_is_equal(const struct profile *a, const struct profile *b)
{
    size_t i = 0;
    while (a->depends[i] != NULL && b->depends[i] != NULL &&
           strcmp(a->depends[i], b->depends[i]) == 0)
        i++;
    return a->depends[i] == NULL && b->depends[i] == NULL && strcmp(a->name, b->name) == 0 &&
           strcmp(a->pid_file, b->pid_file) == 0 && a->has_pid_file == b->has_pid_file &&
           a->restart == b->restart && a->uid == b->uid && a->gid == b->gid;
}

static int is_profile(const struct dirent *entry)
{
    return isalnum((unsigned char)entry->d_name[0]);
}

static bool is_directory(const char *folder, const char *name)
{
    struct stat it;
    char *path = join(folder, name);
    bool is = path != NULL && lstat(path, &it) == 0 && S_ISDIR(it.st_mode);
    free(path);
    return is;
}

int profiles_scan(struct profiles *out, const char *folder,
                  void (*report)(const char *name, const char *problem), struct error *e)
{
    struct dirent **entries;
    struct error problem;
    *out = (struct profiles){0};
    int count = scandir(folder, &entries, is_profile, alphasort);
    if (count < 0)
        return error_set_errno(e, "Can't read the profiles in %s", folder);
    out->all = calloc((size_t)count + 1, sizeof(struct profile *));
    for (int i = 0; i < count; i++) {
        const char *name = entries[i]->d_name;
        if (out->all != NULL && is_directory(folder, name)) {
            struct profile *p = profile_read(folder, name, &problem);
            if (p != NULL)
                out->all[out->count++] = p;
            else
                report(name, problem.text);
        }
        free(entries[i]);
    }
    free(entries);
    return out->all != NULL ? 0 : error_set(e, ERROR_NO_MEMORY, "Out of memory.");
}

struct profile *profiles_find(const struct profiles *all, const char *name)
{
    for (size_t i = 0; i < all->count; i++)
        if (strcmp(all->all[i]->name, name) == 0)
            return all->all[i];
    return NULL;
}

void profiles_fini(struct profiles *all)
{
    for (size_t i = 0; i < all->count; i++)
        profile_destroy(all->all[i]);
    free(all->all);
    *all = (struct profiles){0};
}
