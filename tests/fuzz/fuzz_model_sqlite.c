// links: m2_model
/* The bytes of a database file: read or refused, and what is read can be checked and encoded or is
 * refused there. */

#include "proto/model/canon.h"
#include "proto/model/check.h"
#include "proto/model/model_sqlite.h"

#include <sqlite3.h>
#include <string.h>

#define STEPS_MAX 2000000 /* of SQLite's machine: a view in the file may be an endless query */

static int give_up(void *steps)
{
    return ++*(int *)steps > STEPS_MAX / 1000;
}

static void use(struct model *m)
{
    struct check *c = NULL;
    struct error e = {0};
    BUG_ON(check_model(&c, m, &e) < 0);
    struct buf out = BUF_INIT;
    for (size_t i = 0; i < c->count; i++)
        check_format(&c->findings[i], &out);
    buf_clear(&out);
    int rc = canon_encode(m, &out, &e);
    BUG_ON(rc < 0 && c->error_count == 0); /* what the check passes has a canonical form */
    buf_fini(&out);
    check_destroy(c);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    sqlite3 *db = NULL;
    unsigned char *copy = sqlite3_malloc64(size + 1);
    if (copy == NULL || sqlite3_open(":memory:", &db) != SQLITE_OK)
        return 0;
    memcpy(copy, data, size);
    sqlite3_db_config(db, SQLITE_DBCONFIG_DEFENSIVE, 1, NULL);
    sqlite3_db_config(db, SQLITE_DBCONFIG_TRUSTED_SCHEMA, 0, NULL);
    int steps = 0;
    sqlite3_progress_handler(db, 1000, give_up, &steps);
    if (sqlite3_deserialize(db, "main", copy, (sqlite3_int64)size, (sqlite3_int64)size,
                            SQLITE_DESERIALIZE_FREEONCLOSE | SQLITE_DESERIALIZE_READONLY) ==
        SQLITE_OK) {
        struct model *m = NULL;
        struct error e = {0};
        if (model_sqlite_read_db(&m, db, "fuzz", &e) == 0)
            use(m);
        else
            BUG_ON(e.code == ERROR_NONE || e.text[0] == '\0');
        model_unref(m);
    }
    sqlite3_close(db);
    return 0;
}
