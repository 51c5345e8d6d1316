/* One directory whose files are served: opens what lies below it and nothing else.
 *
 * The kernel contains the path (openat2, RESOLVE_BENEATH): ".." and symbolic links cannot lead out,
 * also when they change while they are followed. Relative and absolute links that stay inside are
 * followed; where the kernel cannot tell (absolute links, kernels before 5.6) the links are
 * resolved here, with the same result.
 *
 * The directory is opened when it is first needed, not when the tree is made: the process may
 * change its root or working directory in between, and a directory that does not exist yet may
 * come. Once a second it is looked up again, so that a new one put in its place is served. */
#ifndef NODE_TARGET_FILE_TREE_H
#define NODE_TARGET_FILE_TREE_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/stat.h>
#include <sys/types.h>

struct file_tree {
    const char *base; /* borrowed */
    int fd;           /* of the directory; -1: not there */
    dev_t dev;
    ino_t ino;
    uint64_t looked_us; /* when the base was last looked up; 0: never */
    bool follow_out;    /* links may lead out of the tree */
    bool no_openat2;    /* the kernel does not know it, or forbids it */
};

/* `base`: the directory's path, which must live as long. Opens nothing. */
void file_tree_init(struct file_tree *t, const char *base, bool follow_out);
void file_tree_fini(struct file_tree *t);

/* Looks the directory up if that was not done in the last second. True when it is another than
 * before (what is known of its files is out of date), false when all is as it was. */
bool file_tree_refresh(struct file_tree *t, uint64_t now_us);

/* Opens the regular file `name` (relative, no leading slash) for reading. Never waits: neither a
 * FIFO nor a device is opened. Returns the descriptor and fills *st; or -1 with errno: EISDIR when
 * it is a directory, ENOENT when it is anything else but a regular file or lies outside, EACCES
 * when it may not be read. */
int file_tree_open(struct file_tree *t, const char *name, struct stat *st);

/* What `name` is now, links followed wherever they lead: only to compare with what is known. As
 * stat(2). */
int file_tree_stat(const struct file_tree *t, const char *name, struct stat *st);

#endif
