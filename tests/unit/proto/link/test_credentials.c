/* Keys in files: made, read, refused; and which of a directory a program takes. */
// links: m2_credentials m2_model
#include "proto/link/credentials.h"
#include "tests/unit/proto/model/fixture.h"

#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

static char *scratch;

static int set_up(void **state)
{
    (void)state;
    scratch = fixture_directory();
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    fixture_directory_remove(scratch);
    return 0;
}

static const char *in_scratch(const char *name)
{
    static char paths[4][512];
    static unsigned turn;
    char *path = paths[turn++ % 4];
    snprintf(path, sizeof paths[0], "%s/%s", scratch, name);
    return path;
}

static struct curve_cert make(unsigned role, const char *owner, const char *name)
{
    struct curve_cert made;
    struct error e;
    assert_int_equal(curve_cert_make(&made, role, owner, &e), 0);
    assert_int_equal(curve_cert_save(&made, in_scratch(name), &e), 0);
    return made;
}

static void write_file(const char *name, const char *text)
{
    FILE *f = fopen(in_scratch(name), "w");
    assert_non_null(f);
    fputs(text, f);
    fclose(f);
    chmod(in_scratch(name), 0600);
}

static void test_there_and_back(void **state)
{
    (void)state;
    struct curve_cert read;
    struct error e;
    struct stat st;
    struct curve_cert made = make(ROLE_VIEWER, "O'Neil #2 = \xc3\xa4", "vic.cert");
    assert_int_equal(curve_cert_read_public(&read, in_scratch("vic.cert"), &e), 0);
    assert_string_equal(read.public_key, made.public_key);
    assert_string_equal(read.secret_key, "");
    assert_int_equal(read.role, ROLE_VIEWER);
    assert_string_equal(read.owner, "O'Neil #2 = \xc3\xa4");
    assert_int_equal(curve_cert_read_secret(&read, in_scratch("vic.cert"), &e), 0);
    assert_string_equal(read.secret_key, made.secret_key);
    assert_int_equal(stat(in_scratch("vic.cert_secret"), &st), 0);
    assert_int_equal(st.st_mode & 0777, 0600);
    assert_int_equal(curve_cert_save(&made, in_scratch("vic.cert"), &e), -1);
    assert_int_equal(e.code, ERROR_EXISTS);
    curve_cert_wipe(&read);
    assert_string_equal(read.secret_key, "");
}

static void test_what_is_no_certificate(void **state)
{
    (void)state;
    static const char *const texts[] = {"",
                                        "rubbish",
                                        "curve\n    public-key = \"short\"\n",
                                        "\x01\xff\xfe\n\t\n===\n\"\"\"",
                                        "metadata\n    role = \"admin\"\n",
                                        "curve\n"};
    struct curve_cert read;
    struct error e;
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
        write_file("bad.cert", texts[i]);
        assert_int_equal(curve_cert_read_public(&read, in_scratch("bad.cert"), &e), -1);
        assert_int_equal(e.code, ERROR_INVALID);
    }
    assert_int_equal(curve_cert_read_public(&read, in_scratch("none.cert"), &e), -1);
    assert_int_equal(e.code, ERROR_NOT_FOUND);
    assert_int_equal(curve_cert_read_public(&read, scratch, &e), -1);
    assert_int_equal(e.code, ERROR_INVALID);
}

static void test_secrets_that_cannot_be_used(void **state)
{
    (void)state;
    struct curve_cert read;
    struct error e;
    char text[400];
    struct curve_cert a = make(ROLE_NODE, "a", "a.cert"), b = make(ROLE_NODE, "b", "b.cert");
    chmod(in_scratch("a.cert_secret"), 0640);
    assert_int_equal(curve_cert_read_secret(&read, in_scratch("a.cert"), &e), -1);
    assert_int_equal(e.code, ERROR_DENIED);
    snprintf(text, sizeof text, "curve\n    public-key = \"%s\"\n    secret-key = \"%s\"\n",
             a.public_key, b.secret_key);
    write_file("b.cert_secret", text);
    assert_int_equal(curve_cert_read_secret(&read, in_scratch("b.cert"), &e), -1);
    assert_int_equal(e.code, ERROR_INVALID);
    assert_string_equal(read.secret_key, "");
    snprintf(text, sizeof text, "curve\n    public-key = \"%s\"\n", a.public_key);
    write_file("b.cert_secret", text);
    assert_int_equal(curve_cert_read_secret(&read, in_scratch("b.cert"), &e), -1);
    assert_int_equal(e.code, ERROR_INVALID);
}

static void test_whose_keys(void **state)
{
    (void)state;
    struct credentials c;
    struct error e;
    struct curve_cert server = make(ROLE_COORDINATOR, "c", "coordinator.cert");
    struct curve_cert admin = make(ROLE_ADMIN, "ann", "admin.cert");
    struct curve_cert viewer = make(ROLE_VIEWER, "vic", "viewer.cert");
    struct curve_cert second = make(ROLE_VIEWER, "wes", "wes.cert");
    assert_int_equal(credentials_load(&c, scratch, ROLE_ADMIN | ROLE_VIEWER, &e), 0);
    assert_string_equal(c.keys.public_key, admin.public_key);
    assert_string_equal(c.keys.server_key, server.public_key);
    assert_string_equal(c.node, "");
    assert_int_equal(credentials_load(&c, scratch, ROLE_VIEWER, &e), 0);
    assert_string_equal(c.keys.public_key, viewer.public_key);
    assert_int_equal(credentials_load(&c, in_scratch("wes.cert"), ROLE_VIEWER, &e), 0);
    assert_string_equal(c.keys.public_key, second.public_key);
    assert_int_equal(credentials_load(&c, in_scratch("wes.cert_secret"), ROLE_VIEWER, &e), 0);
    assert_string_equal(c.keys.secret_key, second.secret_key);
    assert_int_equal(credentials_load(&c, in_scratch("wes.cert"), ROLE_NODE, &e), -1);
    assert_int_equal(e.code, ERROR_USAGE);
    assert_string_equal(c.own.secret_key, "");
    assert_int_equal(credentials_load(&c, scratch, ROLE_NODE, &e), -1);
    assert_int_equal(e.code, ERROR_NOT_FOUND);
    struct curve_cert node = make(ROLE_NODE, "n", "node.cert");
    assert_int_equal(credentials_load(&c, scratch, ROLE_VIEWER, &e), 0);
    assert_string_equal(c.node, node.public_key);
    assert_int_equal(unlink(in_scratch("coordinator.cert")), 0);
    assert_int_equal(credentials_load(&c, scratch, ROLE_VIEWER, &e), -1);
    assert_int_equal(e.code, ERROR_NOT_FOUND);
    credentials_wipe(&c);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_there_and_back, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_what_is_no_certificate, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_secrets_that_cannot_be_used, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_whose_keys, set_up, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
