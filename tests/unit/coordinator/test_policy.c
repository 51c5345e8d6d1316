/* Policies as a table of counts. */

#include "coordinator/policy.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

static const struct {
    size_t nodes, ready, refused;
    bool is_over;
    char all, majority, any; /* w wait, y yes, n no */
} cases[] = {
    {0, 0, 0, false, 'y', 'y', 'y'}, {1, 0, 0, false, 'w', 'w', 'w'},
    {1, 1, 0, false, 'y', 'y', 'y'}, {1, 0, 1, false, 'n', 'n', 'n'},
    {1, 0, 0, true, 'n', 'n', 'n'},  {2, 1, 0, false, 'w', 'w', 'y'},
    {2, 1, 1, false, 'n', 'n', 'y'}, {2, 0, 1, false, 'n', 'n', 'w'},
    {2, 1, 0, true, 'n', 'n', 'y'},  {3, 2, 0, false, 'w', 'y', 'y'},
    {3, 2, 1, false, 'n', 'y', 'y'}, {3, 1, 2, false, 'n', 'n', 'y'},
    {3, 1, 1, false, 'n', 'w', 'y'}, {3, 0, 3, false, 'n', 'n', 'n'},
    {4, 2, 0, false, 'w', 'w', 'y'}, {4, 2, 2, false, 'n', 'n', 'y'},
    {4, 2, 0, true, 'n', 'n', 'y'},  {4, 3, 0, true, 'n', 'y', 'y'},
    {5, 0, 4, false, 'n', 'n', 'w'}, {5, 5, 0, true, 'y', 'y', 'y'},
};

static char decide(enum cluster_policy policy, size_t i)
{
    struct policy_count c = {cases[i].nodes, cases[i].ready, cases[i].refused, cases[i].is_over};
    return "wyn"[policy_decide(policy, &c)];
}

static void test_policies(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        if (decide(POLICY_ALL, i) != cases[i].all)
            fail_msg("case %zu, all", i);
        if (decide(POLICY_MAJORITY, i) != cases[i].majority)
            fail_msg("case %zu, majority", i);
        if (decide(POLICY_ANY, i) != cases[i].any)
            fail_msg("case %zu, any", i);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_policies)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
