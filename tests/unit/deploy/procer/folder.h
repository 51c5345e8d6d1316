/* A folder of profiles for tests. */
#ifndef TESTS_DEPLOY_PROCER_FOLDER_H
#define TESTS_DEPLOY_PROCER_FOLDER_H

#include "tests/unit/proto/model/fixture.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

static char *folder;
static char reported[4096]; /* "NAME: PROBLEM\n" of each */

static inline int folder_set_up(void **state)
{
    (void)state;
    folder = fixture_directory();
    reported[0] = '\0';
    return 0;
}

static inline int folder_tear_down(void **state)
{
    (void)state;
    fixture_directory_remove(folder);
    return 0;
}

static inline const char *folder_path(const char *name)
{
    static char path[4096];
    snprintf(path, sizeof path, "%s/%s", folder, name);
    return path;
}

static inline void folder_put(const char *name, const char *text)
{
    int fd = open(folder_path(name), O_WRONLY | O_CREAT | O_TRUNC, 0755);
    assert_true(fd >= 0);
    assert_int_equal(write(fd, text, strlen(text)), strlen(text));
    close(fd);
}

static inline void folder_add_profile(const char *name, const char *depends)
{
    char path[256];
    assert_int_equal(mkdir(folder_path(name), 0755), 0);
    snprintf(path, sizeof path, "%s/run", name);
    folder_put(path, "#!/bin/sh\n");
    if (depends == NULL)
        return;
    snprintf(path, sizeof path, "%s/depends", name);
    folder_put(path, depends);
}

static inline void folder_report(const char *name, const char *problem)
{
    size_t len = strlen(reported);
    snprintf(reported + len, sizeof reported - len, "%s: %s\n", name, problem);
}

#endif
