/* The library takes the default certificate as part of settings that must not change while anybody
 * uses them; so a new certificate is new settings, and each connection holds its own.
 *
 * The server name is handled in tls.c, which knows the connection. */

#include "node/tls/context.h"

#include "node/tls/cipher_names.h"
#include "node/tls/tls.h"
#include "proto/base/log.h"

#include <mbedtls/dhm.h>
#include <mbedtls/md.h>
#include <stdlib.h>
#include <string.h>

/* --- resumption: one scope per policy --- */

static struct tls_context *of_store(struct session_store *s)
{
    return container_of(s, struct tls_context, store);
}

static int get_session(struct session_store *s, const unsigned char *id, size_t len,
                       mbedtls_ssl_session *session)
{
    struct tls_context *x = of_store(s);
    if (sessions_get(&x->shared->sessions, x->scope, slice_of(id, len), session) != 0)
        return -1;
    x->shared->found_session = true;
    return 0;
}

static int put_session(struct session_store *s, const unsigned char *id, size_t len,
                       const mbedtls_ssl_session *session)
{
    struct tls_context *x = of_store(s);
    sessions_put(&x->shared->sessions, x->scope, slice_of(id, len), session);
    return 0;
}

static int seal_ticket(void *context, const mbedtls_ssl_session *session, unsigned char *start,
                       const unsigned char *end, size_t *len, uint32_t *lifetime_s)
{
    struct tls_context *x = context;
    return tickets_seal(&x->shared->tickets, x->scope, session, start, end, len, lifetime_s);
}

static int open_ticket(void *context, mbedtls_ssl_session *session, unsigned char *ticket,
                       size_t len)
{
    struct tls_context *x = context;
    int result = tickets_open(&x->shared->tickets, x->scope, session, ticket, len);
    if (result == 0)
        x->shared->found_session = true;
    return result;
}

/* --- settings of the library --- */

void tls_config_unref(struct tls_config *c)
{
    if (c == NULL || --c->refs > 0)
        return;
    mbedtls_ssl_config_free(&c->settings);
    certificate_unref(c->certificate);
    free(c);
}

static int set_dh_group(mbedtls_ssl_config *settings)
{
#if defined(MBEDTLS_DHM_C)
    static const unsigned char p[] = MBEDTLS_DHM_RFC7919_FFDHE2048_P_BIN,
                               g[] = MBEDTLS_DHM_RFC7919_FFDHE2048_G_BIN;
    return mbedtls_ssl_conf_dh_param_bin(settings, p, sizeof p, g, sizeof g);
#else
    (void)settings;
    return 0;
#endif
}

static int fill(struct tls_config *c, struct tls_context *x)
{
    static const char *protocols[] = {"http/1.1", NULL};
    static const int modes[] = {
        [TLS_VERIFY_NONE] = MBEDTLS_SSL_VERIFY_NONE,
        [TLS_VERIFY_OPTIONAL] = MBEDTLS_SSL_VERIFY_OPTIONAL,
        [TLS_VERIFY_REQUIRED] = MBEDTLS_SSL_VERIFY_REQUIRED,
    };
    mbedtls_ssl_config *s = &c->settings;
    int result = mbedtls_ssl_config_defaults(s, MBEDTLS_SSL_IS_SERVER, MBEDTLS_SSL_TRANSPORT_STREAM,
                                             MBEDTLS_SSL_PRESET_DEFAULT);
    library_set_profile(s);
    mbedtls_ssl_conf_rng(s, random_bytes, &x->shared->random);
    mbedtls_ssl_conf_ciphersuites(s, x->ciphers != NULL ? x->ciphers : cipher_names_default());
    mbedtls_ssl_conf_authmode(s, modes[x->verify]);
    if (x->ca_dir != NULL)
        mbedtls_ssl_conf_ca_chain(s, &x->authorities, NULL);
    mbedtls_ssl_conf_sni(s, tls_on_server_name, x);
    if (x->verify != TLS_VERIFY_NONE)
        library_set_clients_known(s);
    mbedtls_ssl_conf_session_tickets_cb(s, seal_ticket, open_ticket, x);
    library_set_session_store(s, &x->store);
    if (result == 0)
        result = mbedtls_ssl_conf_alpn_protocols(s, protocols);
    if (result == 0)
        result = set_dh_group(s);
    if (result == 0)
        result = mbedtls_ssl_conf_own_cert(s, &c->certificate->chain, &c->certificate->key);
    return result;
}

/* Takes the certificate. */
static struct tls_config *make_config(struct tls_context *x, struct certificate *certificate,
                                      struct error *e)
{
    char text[160];
    struct tls_config *c = calloc(1, sizeof *c);
    if (c == NULL) {
        certificate_unref(certificate);
        error_set(e, ERROR_NO_MEMORY, "Out of memory.");
        return NULL;
    }
    c->refs = 1;
    c->certificate = certificate;
    mbedtls_ssl_config_init(&c->settings);
    int result = fill(c, x);
    if (result == 0)
        return c;
    error_set(e, ERROR_INTERNAL, "mbedTLS refuses the settings: %s.",
              library_error_text(result, text));
    tls_config_unref(c);
    return NULL;
}

struct tls_config *tls_context_take_config(struct tls_context *x)
{
    struct error e;
    struct certificate *now = cert_dir_get(x->dir, x->stem, NULL);
    if (now != NULL && now != x->config->certificate) {
        struct tls_config *fresh = make_config(x, now, &e);
        if (fresh != NULL) {
            tls_config_unref(x->config);
            x->config = fresh;
            log_info("tls", "%s%s.crt has changed and is in use", cert_dir_path(x->dir), x->stem);
        }
    } else {
        certificate_unref(now);
    }
    x->config->refs++;
    return x->config;
}

/* --- making one --- */

/* The directory is held too: a file outside the chroot can be read again from inside. */
static int load_authorities(struct tls_context *x, const char *path, struct buf *bytes,
                            struct error *e)
{
    char dir[4096] = "./", text[160];
    const char *slash = strrchr(path, '/');
    size_t dir_len = slash != NULL ? (size_t)(slash - path) + 1 : 0;
    if (dir_len >= sizeof dir)
        return error_set(e, ERROR_INVALID, "ssl.ca_chain is too long a path.");
    if (slash != NULL) {
        memcpy(dir, path, dir_len);
        dir[dir_len] = '\0';
    }
    x->ca_dir = tls_shared_dir(x->shared, "", dir, e);
    if (x->ca_dir == NULL ||
        certificate_read_file(cert_dir_fd(x->ca_dir), path + dir_len, bytes, e) != 0)
        return -1;
    int code = mbedtls_x509_crt_parse(&x->authorities, (unsigned char *)bytes->data,
                                      bytes->len + 1);
    if (code > 0)
        return error_set(e, ERROR_INVALID, "ssl.ca_chain: %d certificates of %s can't be read.",
                         code, path);
    if (code < 0)
        return error_set(e, ERROR_INVALID, "ssl.ca_chain: no certificate in %s: %s.", path,
                         library_error_text(code, text));
    return 0;
}

static int load_verification(struct tls_context *x, const struct tls_options *o, struct error *e)
{
    struct buf covered = BUF_INIT, authorities = BUF_INIT;
    x->verify = o->verify;
    int result = 0;
    if (o->ca_chain[0] != '\0')
        result = load_authorities(x, o->ca_chain, &authorities, e);
    else if (o->verify == TLS_VERIFY_REQUIRED)
        result = error_set(e, ERROR_INVALID,
                           "ssl.verify_required is 1, but no client could be verified: "
                           "ssl.ca_chain names no file of certificates.");
    buf_printf(&covered, "%d %s ", (int)o->verify, o->uuid);
    buf_append_slice(&covered, buf_slice(&authorities));
    if (result == 0 &&
        (covered.failed || mbedtls_md(mbedtls_md_info_from_type(MBEDTLS_MD_SHA256),
                                      (unsigned char *)covered.data, covered.len, x->scope) != 0))
        result = error_set(e, ERROR_NO_MEMORY, "Out of memory.");
    buf_fini(&covered);
    buf_fini(&authorities);
    return result;
}

static int load_default(struct tls_context *x, const struct tls_options *o, struct error *e)
{
    struct error why;
    x->stem = strdup(o->uuid);
    if (x->stem == NULL)
        return error_set(e, ERROR_NO_MEMORY, "Out of memory.");
    if (o->certdir[0] == '\0')
        return error_set(e, ERROR_INVALID,
                         "use_ssl is 1, but the setting certdir names no directory.");
    x->dir = tls_shared_dir(x->shared, o->root, o->certdir, e);
    if (x->dir == NULL)
        return -1;
    struct certificate *c = cert_dir_get(x->dir, x->stem, &why);
    if (c == NULL)
        return error_set(e, why.code,
                         "use_ssl is 1, but the server's certificate cannot be used: %.400s",
                         why.text);
    x->config = make_config(x, c, e);
    return x->config != NULL ? 0 : -1;
}

struct tls_context *tls_context_create(struct tls_shared *shared, const struct tls_options *o,
                                       struct error *e)
{
    struct tls_context *x = calloc(1, sizeof *x);
    if (x == NULL) {
        error_set(e, ERROR_NO_MEMORY, "Out of memory.");
        return NULL;
    }
    x->refs = 1;
    x->shared = shared;
    x->store = (struct session_store){get_session, put_session};
    x->file_piece = o->file_piece < MBEDTLS_SSL_OUT_CONTENT_LEN ? o->file_piece
                                                                : MBEDTLS_SSL_OUT_CONTENT_LEN;
    mbedtls_x509_crt_init(&x->authorities);
    int result = load_verification(x, o, e);
    if (result == 0 && o->ciphers[0] != '\0')
        result = (x->ciphers = cipher_names_parse(slice_str(o->ciphers), e)) != NULL ? 0 : -1;
    if (result == 0)
        result = load_default(x, o, e);
    if (result == 0)
        return x;
    tls_context_unref(x);
    return NULL;
}

struct tls_context *tls_context_ref(struct tls_context *x)
{
    x->refs++;
    return x;
}

void tls_context_unref(struct tls_context *x)
{
    if (x == NULL || --x->refs > 0)
        return;
    tls_config_unref(x->config);
    mbedtls_x509_crt_free(&x->authorities);
    cert_dir_unref(x->ca_dir);
    cert_dir_unref(x->dir);
    free(x->ciphers);
    free(x->stem);
    free(x);
}
