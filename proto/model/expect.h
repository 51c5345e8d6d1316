/* A routing test of the configuration: `METHOD URL -> KIND [NAME]`.
 *
 *     GET http://shop.example/api/x -> pool api
 *     GET https://shop.example:8443/logo.png -> dir static/
 *     GET http://shop.example/old -> redirect /new
 *     JSON @chat -> handler tcp://127.0.0.1:9997
 *     POST http://shop.example/nothing -> 404
 *
 * KIND is dir, proxy, handler, pool, redirect or status; NAME tells which: the base, `addr:port` or
 * one of the upstreams, the send_spec or send_ident, the pool, the place redirected to, what is
 * shown; left out, any of the kind. 404 says that no route matches. A path instead of a URL asks
 * the default host, as JSON and XML sockets do. This file takes the text apart and compares the
 * target; it does no routing. */
#ifndef PROTO_MODEL_EXPECT_H
#define PROTO_MODEL_EXPECT_H

#include "proto/base/error.h"
#include "proto/base/slice.h"
#include "proto/model/model.h"

#include <stdbool.h>
#include <stdint.h>

enum expect_kind {
    EXPECT_DIR,
    EXPECT_PROXY,
    EXPECT_HANDLER,
    EXPECT_POOL,
    EXPECT_REDIRECT,
    EXPECT_STATUS,
    EXPECT_NOT_FOUND,
};

/* Borrows from the text. */
struct expect {
    struct slice method;
    bool is_tls;       /* https */
    struct slice host; /* without port, IPv6 in its brackets; empty: the default host */
    uint16_t port;     /* 0: none given, any server */
    struct slice path; /* from "/", "@" or "<" on, without the query */
    struct slice query;
    enum expect_kind kind;
    struct slice name; /* empty: any of the kind */
};

/* 0, or -1 with a sentence that says what was expected and at which column. ERROR_INVALID. */
int expect_parse(struct expect *out, struct slice text, struct error *e);

/* Is this target (NULL: no route matched) what was expected? */
bool expect_fits(const struct expect *x, const struct row *target);

#endif
