/* Runs the routing tests of a configuration (`expect = [...]`): looks each URL up as the node would
 * and compares where it leads with what was expected.
 *
 * Without a port in its URL a test asks every server that has a host for the name (all servers when
 * none has one but the default); it holds when it holds for each of them. */
#ifndef M2SH_LANG_EXPECT_RUN_H
#define M2SH_LANG_EXPECT_RUN_H

#include "proto/model/model.h"

/* Called for each test that fails; `text` is a sentence. */
typedef void expect_run_failed(void *arg, const struct row *expect, const char *text);

/* Runs all tests of a valid, frozen model. Returns how many failed. */
size_t expect_run(const struct model *m, expect_run_failed *failed, void *arg);

#endif
