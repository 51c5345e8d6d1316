#include "proto/model/check.h"
#include "tests/unit/proto/model/fixture.h"

static struct check *check(const struct model *m)
{
    struct check *c = NULL;
    assert_int_equal(check_model(&c, m, NULL), 0);
    return c;
}

static void fail_with(const struct check *c, const char *what)
{
    struct buf b = BUF_INIT;
    for (size_t i = 0; i < c->count; i++) {
        check_format(&c->findings[i], &b);
        buf_append_char(&b, '\n');
    }
    fail_msg("%s; findings:\n%s", what, buf_str(&b));
}

/* The site of fixture.h with one thing changed: what is found? */
static const struct {
    enum table_id table;
    int row;             /* which is changed; -1: a new one */
    const char *words;   /* separated by '|' */
    const char *finding; /* part of the formatted finding; NULL: none at all */
} cases[] = {
    /* kinds of values, references */
    {TABLE_SERVER, 0, "uuid=NULL", "error: server \"main\": uuid is missing"},
    {TABLE_SERVER, 0, "port=NULL", "error: server \"main\": port is missing"},
    {TABLE_ROUTE, 0, "host_id=9",
     "error: route \"/\": host_id is 9, but table host has no such row"},
    {TABLE_ROUTE, 0, "target_id=9",
     "error: server \"main\": host \"a.test\": route \"/\": target_id is 9, but table directory "
     "has"},
    {TABLE_ROUTE, 0, "target_type=Dir", "target_type is \"Dir\"; it must be dir, proxy"},
    {TABLE_HOST, 0, "server_id=2", "error: host \"a.test\": server_id is 2"},
    {TABLE_PROXY, -1, "id=1|addr=b|port=1", "id 1 is used twice in table proxy"},
    /* servers */
    {TABLE_SERVER, 0, "uuid=a/b", "uuid is \"a/b\"; it must be letters"},
    {TABLE_SERVER, 0, "uuid=", "uuid is \"\"; it must be"},
    {TABLE_SERVER, 0, "name=", "warning: server \"uuid-main\": name is empty"},
    {TABLE_SERVER, 0, "pid_file=", "error: server \"main\": pid_file is empty"},
    {TABLE_SERVER, 0, "access_log=", "access_log is empty"},
    {TABLE_SERVER, 0, "error_log_level=4", "error_log_level is 4; it must be from 0 to 3"},
    {TABLE_SERVER, 0, "port=0", "port is 0; it must be from 1 to 65535"},
    {TABLE_SERVER, 0, "port=65536", "port is 65536"},
    {TABLE_SERVER, 0, "port=65535", NULL},
    {TABLE_SERVER, 0, "bind_addr=localhost", "bind_addr is \"localhost\"; it must be an IPv4"},
    {TABLE_SERVER, 0, "bind_addr=::1", NULL},
    {TABLE_SERVER, 0, "bind_addr=unix:/run/m2|port=0", NULL},
    {TABLE_SERVER, 0, "bind_addr=unix:run", "bind_addr is"},
    {TABLE_SERVER, 0, "control_port=run/control",
     "control_port is \"run/control\"; it must be an e"},
    {TABLE_SERVER, 0, "control_port=ipc://run/x", NULL},
    {TABLE_SERVER, 0, "use_ssl=1", "use_ssl is 1, but the setting certdir"},
    {TABLE_SERVER, 0, "use_ssl=2", "use_ssl is 2; it must be from 0 to 1"},
    {TABLE_SERVER, 0, "proxy_protocol=7", "proxy_protocol is 7"},
    {TABLE_SERVER, 0, "default_host=b.test",
     "default_host is \"b.test\", but no host of the server has that name; its hosts: \"a.test\""},
    {TABLE_SERVER, -1, "uuid=u|name=n|port=1|access_log=a|error_log=e|pid_file=p|default_host=x",
     "error: server \"n\": default_host is \"x\", but the server has no hosts"},
    {TABLE_SERVER, -1, "uuid=uuid-main|name=other|port=1|access_log=a|error_log=e|pid_file=p",
     "error: server \"other\": uuid is also that of server \"main\""},
    {TABLE_SERVER, -1, "uuid=u|name=main|port=1|access_log=a|error_log=e|pid_file=p",
     "warning: server \"main\": name is also that of another server"},
    {TABLE_SERVER, -1, "uuid=u|name=n|port=6767|bind_addr=127.0.0.1",
     "warning: server \"n\": port and bind_addr are also those of server \"main\""},
    {TABLE_SERVER, -1, "uuid=u|name=n|port=1|chroot=./|pid_file=/run/main.pid",
     "warning: server \"n\": pid_file is also that of server \"main\""},
    {TABLE_SERVER, -1, "uuid=u|name=n|port=1|chroot=./",
     "warning: server \"n\": the control port ipc://run/control is also that of"},
    /* hosts */
    {TABLE_HOST, 0, "name=", "name is empty"},
    {TABLE_HOST, 0, "matching=([a-z).test", "error: server \"main\": host \"a.test\": matching: "},
    {TABLE_HOST, 0, "matching=([a-z]+.test", "matching has a '(' but no ')'"},
    {TABLE_HOST, 0, "matching=([a-z]+).test", NULL},
    {TABLE_HOST, -1, "server_id=1|name=b.test",
     "warning: server \"main\": host \"b.test\": it has no"},
    {TABLE_HOST, -1, "server_id=1|name=a.test|matching=b.test",
     "name is also that of another host"},
    {TABLE_HOST, -1, "server_id=1|name=b.test|matching=A.test",
     "matching is also that of host \"a.test\", which comes first"},
    /* routes */
    {TABLE_ROUTE, 0,
     "path=", "error: server \"main\": host \"a.test\": route in row 1: its path is e"},
    {TABLE_ROUTE, 0, "path=static/",
     "warning: server \"main\": host \"a.test\": route \"static/\": a p"},
    {TABLE_ROUTE, 0, "path=(.*)",
     "warning: server \"main\": host \"a.test\": route \"(.*)\": a path t"},
    {TABLE_ROUTE, 0, "path=/x/([a-z", "at column 5"},
    {TABLE_ROUTE, 0, "path=/x/([a-z]+)$", NULL},
    {TABLE_ROUTE, 0, "path=@files", "JSON sockets can only be answered by a Handler"},
    {TABLE_ROUTE, 1, "path=<app", "XML sockets can only be answered by a Handler"},
    {TABLE_ROUTE, 1, "path=/",
     "warning: server \"main\": host \"a.test\": route \"/\": it is never found: the route \"/\" "
     "before"},
    {TABLE_ROUTE, 1, "path=/(x)",
     "it is never found: the route \"/\" before it has the same prefix"},
    {TABLE_ROUTE, 0, "path=/app/(x)", NULL},
    /* targets */
    {TABLE_DIRECTORY, 0, "base=static", "error: Dir \"static\": base must end in '/'"},
    {TABLE_DIRECTORY, 0, "base=", "error: Dir in row 1: base must end in '/'"},
    {TABLE_DIRECTORY, 0, "cache_ttl=-1", "cache_ttl is -1"},
    {TABLE_DIRECTORY, 0, "default_ctype=text",
     "default_ctype is \"text\"; it must be a content type"},
    {TABLE_DIRECTORY, 0, "default_ctype=a/b\r\nX: y", "default_ctype is \"a/b\\x0d\\x0aX: y\""},
    {TABLE_PROXY, 0, "addr=", "addr is missing; give addr and port, or upstreams"},
    {TABLE_PROXY, 0, "addr=a b", "addr must be a host name"},
    {TABLE_PROXY, 0, "port=0", "error: Proxy \"127.0.0.1\" port 0: port is 0"},
    {TABLE_PROXY, 0, "upstreams=a:1 b:2", "addr and port have no effect beside upstreams"},
    {TABLE_PROXY, 0, "addr=|port=0|upstreams=a:1 [::1]:2 unix:/x", NULL},
    {TABLE_PROXY, 0, "addr=|port=0|upstreams=a:1 b",
     "upstreams holds \"b\"; each must be HOST:PORT"},
    {TABLE_PROXY, 0, "addr=|port=0|upstreams=::1:80", "upstreams holds \"::1:80\""},
    {TABLE_PROXY, 0, "balance=random", "balance is \"random\"; it must be one of: least_conn"},
    {TABLE_PROXY, 0, "health_check=ping", "check must be a path"},
    {TABLE_PROXY, 0, "timeout=0", "timeout is 0; it must be from 1"},
    {TABLE_PROXY, 0, "retries=-1", "retries is -1"},
    {TABLE_REDIRECT, -1, "location=", "to is \"\"; it must be a path or a URL"},
    {TABLE_REDIRECT, -1, "location=/a\r\nb", "to is \"/a\\x0d\\x0ab\""},
    {TABLE_REDIRECT, -1, "location=/a|status=300", "status is 300; it must be 301, 302, 303, 307"},
    {TABLE_REDIRECT, -1, "location=https://b.test/x|status=308", NULL},
    {TABLE_STATUS, -1, "what=health", NULL},
    {TABLE_STATUS, -1, "what=wealth",
     "error: Status \"wealth\": what is \"wealth\"; it must be one"},
    /* handlers */
    {TABLE_HANDLER, 0,
     "send_spec=", "send_spec is missing; give send_spec, send_ident and recv_spec"},
    {TABLE_HANDLER, 0, "recv_spec=", "recv_spec is missing"},
    {TABLE_HANDLER, 0, "send_ident=", "send_ident is missing"},
    {TABLE_HANDLER, 0, "send_ident=a b", "send_ident is \"a b\"; it must be one word"},
    {TABLE_HANDLER, 0, "send_spec=127.0.0.1:9997",
     "send_spec is \"127.0.0.1:9997\"; it must be an e"},
    {TABLE_HANDLER, 0, "send_spec=tcp://*:9997", NULL},
    {TABLE_HANDLER, 0, "send_spec=tcp://127.0.0.1:99970", "send_spec is"},
    {TABLE_HANDLER, 0, "send_spec=ipc://", "send_spec is"},
    {TABLE_HANDLER, 0, "send_spec=inproc://x", NULL},
    {TABLE_HANDLER, 0, "recv_spec=tcp://127.0.0.1:9997", "recv_spec is the same as send_spec"},
    {TABLE_HANDLER, 0, "raw_payload=10",
     "warning: Handler \"tcp://127.0.0.1:9997\": raw_payload is 1"},
    {TABLE_HANDLER, 0, "protocol=xml",
     "warning: Handler \"tcp://127.0.0.1:9997\": protocol is \"xml\""},
    {TABLE_HANDLER, 0, "websocket=frames",
     "websocket is \"frames\"; it must be one of: raw messages"},
    {TABLE_HANDLER, 0, "nul=2", "nul is 2"},
    {TABLE_HANDLER, -1, "pool=chat", NULL},
    {TABLE_HANDLER, -1, "pool=a b",
     "error: Handler pool \"a b\": pool is \"a b\"; it must be 1 to 64"},
    {TABLE_HANDLER, -1, "pool=chat|queue=-1", "error: Handler pool \"chat\": queue is -1"},
    {TABLE_HANDLER, -1, "pool=chat|send_spec=tcp://a:1", "send_spec has no effect beside pool"},
    {TABLE_HANDLER, -1, "send_spec=tcp://127.0.0.1:9997|send_ident=x|recv_spec=tcp://127.0.0.1:1",
     "warning: Handler \"tcp://127.0.0.1:9997\": send_spec is also an endpoint of another Handler"},
    {TABLE_HANDLER, -1,
     "send_spec=tcp://127.0.0.1:9997|send_ident=x|recv_spec=tcp://127.0.0.1:9996",
     "send_ident has no effect: another Handler with the same endpoints"},
    {TABLE_HANDLER, -1,
     "send_spec=tcp://127.0.0.1:9997|send_ident=ident|recv_spec=tcp://127.0.0.1:9996", NULL},
    /* settings, content types, plugins, tests */
    {TABLE_SETTING, 0, "key=zeromq.thread",
     "warning: setting \"zeromq.thread\": no setting has this"},
    {TABLE_SETTING, 0, "value=many", "setting \"zeromq.threads\": \"many\" is not a number"},
    {TABLE_SETTING, 0, "value=0", "zeromq.threads is out of range: it may be from 1 to 64"},
    {TABLE_SETTING, 0, "key=limits.handler_stack",
     "warning: setting \"limits.handler_stack\": it has"},
    {TABLE_SETTING, 0, "key=certdir|value=certs", "certdir must end in '/'"},
    {TABLE_SETTING, 0, "key=control_port|value=x",
     "error: setting \"control_port\": value is \"x\""},
    {TABLE_SETTING, 0, "key=upload.temp_store|value=/tmp/x",
     "upload.temp_store must end in XXXXXX"},
    {TABLE_SETTING, -1, "key=zeromq.threads|value=1", "it is given twice; the last one counts"},
    {TABLE_MIMETYPE, 0, "extension=html", "an extension begins with '.'"},
    {TABLE_MIMETYPE, 0, "extension=.", "an extension begins with '.'"},
    {TABLE_MIMETYPE, 0, "extension=.HTML", NULL}, /* from a database: somebody else's table */
    {TABLE_MIMETYPE, 0, "mimetype=html", "mimetype is \"html\"; it must be a content type"},
    {TABLE_MIMETYPE, -1, "extension=.html|mimetype=a/b", "the extension is given twice"},
    {TABLE_FILTER, -1, "server_id=1|name=x.so|settings=0:}", NULL},
    {TABLE_FILTER, -1, "server_id=1|name=|settings=0:}",
     "error: server \"main\": filter in row 1: na"},
    {TABLE_FILTER, -1, "server_id=1|name=x.so|settings=", "settings is no tnetstring"},
    {TABLE_XREQUEST, -1, "server_id=1|name=x.so|settings=0:]",
     "settings must be a dict, not a list"},
    {TABLE_EXPECT, -1, "text=GET http://a.test/ -> dir", NULL},
    {TABLE_EXPECT, -1, "text=GET http://a.test/", "column 19: expected '->'"},
};

static void change(struct model *m, struct row *r, const char *words)
{
    char copy[300], *save = NULL;
    snprintf(copy, sizeof copy, "%s", words);
    for (char *word = strtok_r(copy, "|", &save); word != NULL; word = strtok_r(NULL, "|", &save))
        fixture_set(m, r, word);
}

static bool is_found(const struct check *c, const char *part)
{
    bool found = false;
    for (size_t i = 0; i < c->count && !found; i++) {
        struct buf line = BUF_INIT;
        check_format(&c->findings[i], &line);
        found = strstr(buf_str(&line), part) != NULL;
        buf_fini(&line);
    }
    return found;
}

static void each_fault_is_named(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct model *m = fixture_site();
        if (cases[i].row < 0)
            change(m, model_add(m, cases[i].table, NULL), cases[i].words);
        else
            change(m, model_row_edit(m, cases[i].table, (size_t)cases[i].row), cases[i].words);
        assert_int_equal(model_freeze(m, NULL), 0);
        struct check *c = check(m);
        if (cases[i].finding == NULL ? c->count != 0 : !is_found(c, cases[i].finding))
            fail_with(c, cases[i].words);
        check_destroy(c);
        model_unref(m);
    }
}

static void no_private_key_in_a_configuration(void **state)
{
    (void)state;
    static const char *const keys[] = {
        "default_ctype=-----BEGIN PRIVATE KEY-----\nMIGHAgEAMBM\n-----END PRIVATE KEY-----\n",
        "default_ctype=x\n-----BEGIN EC PRIVATE KEY-----\nMHcCAQEE\n",
        "default_ctype=-----BEGIN ENCRYPTED PRIVATE KEY-----"};
    for (size_t i = 0; i < sizeof keys / sizeof keys[0]; i++) {
        struct model *m = fixture_site();
        fixture_set(m, model_row_edit(m, TABLE_DIRECTORY, 0), keys[i]);
        assert_int_equal(model_freeze(m, NULL), 0);
        struct check *c = check(m);
        if (!is_found(c, "holds a private key"))
            fail_with(c, keys[i]);
        check_destroy(c);
        model_unref(m);
    }
}

static void right_sites_have_no_findings(void **state)
{
    (void)state;
    struct model *sites[] = {fixture_site(), fixture_site_with_additions()};
    for (int i = 0; i < 2; i++) {
        assert_int_equal(model_freeze(sites[i], NULL), 0);
        struct check *c = check(sites[i]);
        if (c->count != 0)
            fail_with(c, "a right site");
        check_destroy(c);
        assert_int_equal(check_require(sites[i], NULL), 0);
        model_unref(sites[i]);
    }
}

static void long_names_meet_their_limits(void **state)
{
    (void)state;
    char name[300], words[400];
    memset(name, 'a', sizeof name);
    name[256] = '\0';
    struct model *m = fixture_site();
    snprintf(words, sizeof words, "base=%s/", name);
    fixture_set(m, model_row_edit(m, TABLE_DIRECTORY, 0), words);
    snprintf(words, sizeof words, "path=/%s", name);
    fixture_set(m, model_row_edit(m, TABLE_ROUTE, 0), words);
    snprintf(words, sizeof words, "name=%s", name);
    fixture_set(m, model_row_edit(m, TABLE_HOST, 0), words);
    snprintf(words, sizeof words, "extension=.%s", name);
    fixture_set(m, model_row_edit(m, TABLE_MIMETYPE, 0), words);
    assert_int_equal(model_freeze(m, NULL), 0);
    struct check *c = check(m);
    if (!is_found(c, "base has 257 bytes") || !is_found(c, "its prefix has 257 bytes") ||
        !is_found(c, "name has 256 bytes") || !is_found(c, "matching has 256 bytes") ||
        !is_found(c, "it has 257 bytes; it must be shorter than the setting limits.mime_ext_len"))
        fail_with(c, "long names");
    check_destroy(c);
    model_unref(m);
}

static void wrong_kinds_and_two_pools(void **state)
{
    (void)state;
    struct model *m = fixture_site();
    row_set_int(model_row_edit(m, TABLE_SERVER, 0), SERVER_ACCESS_LOG, 5);
    assert_int_equal(
        row_set_text(m, model_row_edit(m, TABLE_PROXY, 0), PROXY_PORT, SLICE("80"), NULL), 0);
    assert_int_equal(
        row_set_text(m, model_row_edit(m, TABLE_HOST, 0), HOST_NAME, SLICE("a\0b"), NULL), 0);
    fixture_row(m, TABLE_HANDLER, "pool=chat", NULL);
    fixture_row(m, TABLE_HANDLER, "pool=chat", "protocol=tnetstring", NULL);
    fixture_row(m, TABLE_HANDLER, "pool=chat", "queue=7", NULL);
    assert_int_equal(model_freeze(m, NULL), 0);
    struct check *c = check(m);
    if (!is_found(c, "access_log is 5; it must be text in quotes") ||
        !is_found(c, "port is \"80\"; it must be a number") || !is_found(c, "name holds a NUL") ||
        !is_found(c, "queue is 7, but another Handler of the pool says 1000"))
        fail_with(c, "wrong kinds");
    check_destroy(c);
    model_unref(m);
}

static void findings_come_in_reading_order(void **state)
{
    (void)state;
    struct model *m = fixture_site();
    struct row *proxy = model_row_edit(m, TABLE_PROXY, 0);
    struct row *dir = model_row_edit(m, TABLE_DIRECTORY, 0);
    struct row *setting = model_row_edit(m, TABLE_SETTING, 0);
    fixture_set(m, proxy, "port=0");
    fixture_set(m, dir, "base=x");
    fixture_set(m, setting, "key=unknown");
    row_set_place(m, setting, "a.conf", 1, 1);
    row_set_place(m, proxy, "a.conf", 2, 5);
    row_set_place(m, dir, "a.conf", 2, 9);
    struct row *mimetype = model_row_edit(m, TABLE_MIMETYPE, 0);
    fixture_set(m, mimetype, "extension=.HTML");
    row_set_place(m, mimetype, "a.conf", 3, 1);
    assert_int_equal(model_freeze(m, NULL), 0);
    struct check *c = check(m);
    assert_int_equal(c->count, 4);
    assert_int_equal(c->error_count, 2);
    assert_ptr_equal(c->findings[0].row, proxy);
    assert_int_equal(c->findings[0].column, PROXY_PORT);
    assert_ptr_equal(c->findings[1].row, dir);
    assert_ptr_equal(c->findings[2].row, setting);
    assert_ptr_equal(c->findings[3].row, mimetype);
    assert_non_null(strstr(c->findings[3].text, "capital letters"));
    struct buf line = BUF_INIT;
    check_format(&c->findings[1], &line);
    assert_string_equal(buf_str(&line), "a.conf:2:9: error: Dir \"x\": base must end in '/'");
    buf_fini(&line);
    check_destroy(c);
    struct error e;
    assert_int_equal(check_require(m, &e), -1);
    assert_int_equal(e.code, ERROR_INVALID);
    assert_non_null(strstr(e.text, "and 1 more error"));
    model_unref(m);
}

static void routing_tests_are_run(void **state)
{
    (void)state;
    static const struct {
        const char *text, *says; /* NULL: passes */
    } tests[] = {
        {"GET http://a.test/chat -> pool chat", NULL},
        {"GET http://www.a.test/x?y -> dir static/", NULL},
        {"GET http://elsewhere/app/x -> proxy 127.0.0.1:8080", NULL},
        {"JSON @echo -> handler ident", NULL},
        {"GET http://b.test/ -> redirect /b", NULL},
        {"GET http://b.test/x -> 404", NULL},
        {"GET https://b.test/ -> status health", NULL},
        {"GET http://b.test:6768/ -> status health", NULL},
        {"GET http://a.test:6767/health -> status health", NULL},
        {"GET http://a.test/chat -> pool talk", "leads to Handler pool \"chat\""},
        {"GET http://a.test/chat -> 404", "leads to Handler pool \"chat\""},
        {"GET http://b.test/x -> dir", "the request leads to nothing (404)"},
        {"GET http://a.test:1/ -> dir", "no server listens there"},
    };
    for (size_t i = 0; i < sizeof tests / sizeof *tests; i++) {
        struct model *m = fixture_site_with_additions();
        fixture_server(m, "tls", 6768);
        struct row *tls = model_row_edit(m, TABLE_SERVER, 1);
        fixture_set(m, tls, "use_ssl=1");
        fixture_set(m, tls, "default_host=b.test");
        fixture_row(m, TABLE_SETTING, "key=certdir", "value=certs/", NULL);
        fixture_row(m, TABLE_HOST, "server_id=1", "name=b.test", NULL);
        fixture_row(m, TABLE_HOST, "server_id=2", "name=b.test", NULL);
        fixture_row(m, TABLE_REDIRECT, "location=/b", NULL);
        fixture_row(m, TABLE_ROUTE, "path=/()$", "host_id=2", "target_id=2", "target_type=redirect",
                    NULL);
        fixture_row(m, TABLE_ROUTE, "path=/", "host_id=3", "target_id=1", "target_type=status",
                    NULL);
        struct row *r = fixture_row(m, TABLE_EXPECT, NULL);
        assert_int_equal(row_set_text(m, r, EXPECT_TEXT, slice_str(tests[i].text), NULL), 0);
        assert_int_equal(model_freeze(m, NULL), 0);
        struct check *c = check(m);
        if (tests[i].says != NULL ? !is_found(c, tests[i].says) : c->error_count != 0)
            fail_with(c, tests[i].text);
        check_destroy(c);
        model_unref(m);
    }
}

static void socket_routes_belong_to_the_default_host(void **state)
{
    (void)state;
    for (int is_shared = 0; is_shared < 2; is_shared++) {
        struct model *m = fixture_site();
        fixture_row(m, TABLE_HOST, "server_id=1", "name=b.test", NULL);
        fixture_row(m, TABLE_ROUTE, is_shared ? "path=@echo" : "path=@talk", "host_id=2",
                    "target_id=1", "target_type=handler", NULL);
        assert_int_equal(model_freeze(m, NULL), 0);
        struct check *c = check(m);
        if (is_found(c, "only found in the default host") == is_shared)
            fail_with(c, "a JSON route in another host");
        check_destroy(c);
        model_unref(m);
    }
}

static void an_empty_configuration_is_remarked_on(void **state)
{
    (void)state;
    struct model *m = model_create(NULL);
    assert_int_equal(model_freeze(m, NULL), 0);
    struct check *c = check(m);
    assert_int_equal(c->error_count, 0);
    assert_true(is_found(c, "warning: configuration: there is no server"));
    check_destroy(c);
    model_unref(m);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_fault_is_named),
        cmocka_unit_test(no_private_key_in_a_configuration),
        cmocka_unit_test(right_sites_have_no_findings),
        cmocka_unit_test(long_names_meet_their_limits),
        cmocka_unit_test(wrong_kinds_and_two_pools),
        cmocka_unit_test(findings_come_in_reading_order),
        cmocka_unit_test(routing_tests_are_run),
        cmocka_unit_test(socket_routes_belong_to_the_default_host),
        cmocka_unit_test(an_empty_configuration_is_remarked_on),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
