/* The table of accepted keys. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "proto/link/keyring.h"

#include <string.h>

static const char A[] = "rq:rM>}U?@Lns47E1%kR.o@n%FcmmsL/@{H8]yf7";
static const char B[] = "Yne@$w-vo<fVvi]a<NY6T1ed:M$fCG*[IaLV{hID";

static void test_roles(void **state)
{
    (void)state;
    struct keyring r;
    keyring_init(&r);
    assert_null(keyring_find(&r, slice_str(A)));
    assert_false(keyring_allows(&r, slice_str(A), ROLE_ANY));
    assert_int_equal(keyring_put(&r, slice_str(A), ROLE_VIEWER, SLICE("vic")), 0);
    assert_int_equal(keyring_put(&r, slice_str(B), ROLE_ADMIN, SLICE("ann")), 0);
    assert_true(keyring_allows(&r, slice_str(A), ROLE_VIEWER | ROLE_ADMIN));
    assert_false(keyring_allows(&r, slice_str(A), ROLE_ADMIN));
    assert_true(keyring_allows(&r, slice_str(B), ROLE_ADMIN));
    assert_string_equal(keyring_find(&r, slice_str(A))->owner, "vic");
    assert_int_equal(keyring_put(&r, slice_str(A), 0, SLICE("vic")), 0); /* revoked */
    assert_false(keyring_allows(&r, slice_str(A), ROLE_ANY));
    assert_non_null(keyring_find(&r, slice_str(A)));
    keyring_fini(&r);
    assert_null(keyring_find(&r, slice_str(B)));
    keyring_fini(&r);
}

static void test_a_long_owner_is_cut(void **state)
{
    (void)state;
    char owner[300];
    struct keyring r;
    memset(owner, 'o', sizeof owner);
    keyring_init(&r);
    assert_int_equal(keyring_put(&r, slice_str(A), ROLE_NODE, slice_of(owner, sizeof owner)), 0);
    assert_int_equal(strlen(keyring_find(&r, slice_str(A))->owner), KEY_OWNER_MAX - 1);
    keyring_fini(&r);
}

static void test_what_is_a_key(void **state)
{
    (void)state;
    static const char *const none[] = {"",
                                       "short",
                                       "rq:rM>}U?@Lns47E1%kR.o@n%FcmmsL/@{H8]yf",
                                       "rq:rM>}U?@Lns47E1%kR.o@n%FcmmsL/@{H8]yf77",
                                       "rq:rM>}U?@Lns47E1%kR.o@n%FcmmsL/@{H8]y\"7",
                                       "rq:rM>}U?@Lns47E1%kR.o@n%FcmmsL/@{H8]y 7",
                                       "#########################################"};
    assert_true(curve_key_is_valid(slice_str(A)));
    assert_true(curve_key_is_valid(slice_str(B)));
    for (size_t i = 0; i < sizeof none / sizeof none[0]; i++)
        assert_false(curve_key_is_valid(slice_str(none[i])));
    /* digits of Z85, but more than 32 bits in a group */
    assert_false(curve_key_is_valid(SLICE("########################################")));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_roles),
        cmocka_unit_test(test_a_long_owner_is_cut),
        cmocka_unit_test(test_what_is_a_key),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
