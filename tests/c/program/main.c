/* Tests the C interface against a sandbox: capi SANDBOX_URL [SUITE]. */

#include <stdio.h>
#include <string.h>

#include "check.h"
#include "sandbox.h"
#include "suites.h"

/* Forks come first: renewals that hang are left behind by the errors and the threads. */
static const struct {
    const char *name;
    void (*run)(void);
} suites[] = {
    {"statuses", test_statuses}, {"forks", test_forks},     {"configs", test_configs},
    {"tokens", test_tokens},     {"buffers", test_buffers}, {"errors", test_errors},
    {"refusals", test_refusals}, {"logs", test_logs},       {"threads", test_threads},
    {"consents", test_consents}, {"stores", test_stores},
};

int main(int count, char **words) {
    size_t i;

    if (count < 2) {
        fprintf(stderr, "usage: %s SANDBOX_URL [SUITE]\n", words[0]);
        return 2;
    }
    sandbox_url = words[1];
    for (i = 0; i < sizeof(suites) / sizeof(suites[0]); i++) {
        if (count < 3 || strcmp(words[2], suites[i].name) == 0) {
            printf("%s\n", suites[i].name);
            fflush(stdout);
            sandbox_reset();
            suites[i].run();
        }
    }
    return check_summary();
}
