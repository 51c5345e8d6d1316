/* Configuration modules: their functions, the order of what is asked, and what is refused. The
 * module is tests/programs/plugins/answers.c, whose answers are files. */

#include "node/conf/config_module.h"
#include "proto/model/check.h"
#include "tests/unit/proto/model/fixture.h"

#include <stdlib.h>
#include <unistd.h>

#define AT(name) M2_BINARY "/tests/plugins/" name ".so"

static char folder[] = "/tmp/m2-unit-module-XXXXXX";

static void put(const char *name, const char *bytes)
{
    char path[200];
    snprintf(path, sizeof path, "%s/%s", folder, name);
    if (bytes == NULL) {
        assert_int_equal(unlink(path), 0);
        return;
    }
    FILE *f = fopen(path, "w");
    assert_non_null(f);
    fputs(bytes, f);
    fclose(f);
}

/* LENGTH:CONTENT], the content being of several rows, each LENGTH:ROW]. */
static void put_rows(const char *name, size_t count, const char *const *rows)
{
    char content[2000] = "", text[2100];
    for (size_t i = 0; i < count; i++) {
        size_t used = strlen(content);
        snprintf(content + used, sizeof content - used, "%zu:%s]", strlen(rows[i]), rows[i]);
    }
    snprintf(text, sizeof text, "%zu:%s]", strlen(content), content);
    put(name, text);
}
#define ROWS(name, ...)                                                         \
    put_rows(name, sizeof((const char *const[]){__VA_ARGS__}) / sizeof(char *), \
             (const char *const[]){__VA_ARGS__})

/* A server with two hosts, whose routes share a directory. */
static int set_up(void **state)
{
    (void)state;
    put("settings", "0:]");
    put("mimetypes", "0:]");
    ROWS("server", "1:1#1:u,1:a,9:127.0.0.1,4:6767#0:,4:/acc,4:/err,4:/pid,0:,1:0#");
    ROWS("hosts.1", "2:11#1:a,0:,1:1#", "2:12#1:b,0:,1:1#");
    ROWS("routes.11", "1:1#3:/a/,1:7#3:dir,", "1:2#2:/h,1:5#7:handler,");
    ROWS("routes.12", "1:3#3:/b/,1:7#3:dir,", "1:4#2:/s,1:9#6:status,");
    ROWS("dir.7", "1:7#4:www/,10:index.html,10:text/plain,2:60#");
    put("handler.5", "52:7:headers,12:2:id,4:pool,]4:rows,15:11:1:5#4:chat,]]}");
    ROWS("status.9", "1:9#6:health,");
    put("filters.1", "0:~");
    put("xrequests.1", "0:]");
    return 0;
}

static struct config_module *opened(const char *path)
{
    struct config_module *c;
    struct error e;
    if (config_module_open(&c, path, &e) != 0)
        fail_msg("%s", e.text);
    return c;
}

static void test_all_of_it(void **state)
{
    (void)state;
    struct config_module *c = opened(AT("answers"));
    struct model *m;
    struct check *check;
    struct error e;
    for (int again = 0; again < 2; again++) { /* as a reload does */
        if (config_module_read(c, folder, "u", &m, &e) != 0)
            fail_msg("%s", e.text);
        assert_true(model_is_frozen(m));
        assert_int_equal(model_count(m, TABLE_HOST), 2);
        assert_int_equal(model_count(m, TABLE_ROUTE), 4);
        assert_int_equal(model_count(m, TABLE_DIRECTORY), 1); /* asked for once */
        assert_int_equal(row_int(model_row(m, TABLE_HOST, 1), HOST_SERVER_ID), 1);
        assert_int_equal(row_int(model_row(m, TABLE_ROUTE, 1), ROUTE_HOST_ID), 11);
        assert_int_equal(row_int(model_row(m, TABLE_ROUTE, 2), ROUTE_HOST_ID), 12);
        assert_string_equal(row_str(model_find(m, TABLE_HANDLER, 5), HANDLER_POOL), "chat");
        assert_int_equal(check_model(&check, m, &e), 0);
        assert_int_equal(check->error_count, 0);
        check_destroy(check);
        model_unref(m);
    }
    config_module_close(c);
}

static void assert_refused(const char *module, const char *url, const char *why)
{
    struct config_module *c = opened(module);
    struct model *m;
    struct error e;
    assert_int_equal(config_module_read(c, url, "u", &m, &e), -1);
    if (strstr(e.text, why) == NULL)
        fail_msg("%s", e.text);
    config_module_close(c);
}

static void test_what_is_refused(void **state)
{
    (void)state;
    assert_refused(AT("answers"), "refuse", "does not begin with \"refuse\"");
    assert_refused(AT("answers_min"), folder, "has no function config_load_status");
    put("dir.7", NULL);
    assert_refused(AT("answers"), folder, "config_load_dir gives nothing");
    put("dir.7", "0:]");
    assert_refused(AT("answers"), folder, "config_load_dir gives 0 rows where one is asked for");
    ROWS("dir.7", "1:8#4:www/,10:index.html,10:text/plain,2:60#");
    assert_refused(AT("answers"), folder, "config_load_dir gives row 8, not 7");
    ROWS("server", "1:1#1:v,1:a,9:127.0.0.1,4:6767#0:,4:/acc,4:/err,4:/pid,0:,1:0#");
    assert_refused(AT("answers"), folder, "gives the server v, not u");
    put("settings", "0:~");
    assert_refused(AT("answers"), folder, "config_load_settings answers neither");
}

/* An unknown kind of target is the check's to name. */
static void test_an_unknown_target(void **state)
{
    (void)state;
    struct config_module *c = opened(AT("answers"));
    struct model *m;
    struct check *check;
    struct error e;
    ROWS("routes.12", "1:3#3:/b/,1:7#4:wall,");
    assert_int_equal(config_module_read(c, folder, "u", &m, &e), 0);
    assert_int_equal(check_model(&check, m, &e), 0);
    assert_int_equal(check->error_count, 1);
    check_destroy(check);
    model_unref(m);
    config_module_close(c);
}

static void test_what_is_no_module(void **state)
{
    (void)state;
    struct config_module *c;
    struct error e;
    assert_int_equal(config_module_open(&c, AT("quiet"), &e), -1);
    assert_string_equal(e.object, AT("quiet"));
    assert_non_null(strstr(e.text, "has no function config_init"));
    assert_int_equal(config_module_open(&c, "/nowhere.so", &e), -1);
    assert_int_equal(config_module_open(&c, AT("other_version"), &e), -1);
    assert_non_null(strstr(e.text, "version"));
}

static int make_folder(void **state)
{
    (void)state;
    return mkdtemp(folder) != NULL ? 0 : -1;
}

static int remove_folder(void **state)
{
    (void)state;
    char command[100];
    snprintf(command, sizeof command, "rm -r %s", folder);
    return system(command);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup(name, set_up)
    const struct CMUnitTest tests[] = {
        TEST(test_all_of_it),
        TEST(test_what_is_refused),
        TEST(test_an_unknown_target),
        TEST(test_what_is_no_module),
    };
    return cmocka_run_group_tests(tests, make_folder, remove_folder);
}
