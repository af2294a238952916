#define _POSIX_C_SOURCE 200809L

#include "check.h"

#include <pthread.h>
#include <stdio.h>
#include <string.h>

#include <tokenkeep.h>

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static int checks;
static int failures;

int check_that(int holds, const char *what, const char *file, int line) {
    pthread_mutex_lock(&lock);
    checks++;
    if (!holds) {
        failures++;
        fprintf(stderr, "%s:%d: failed: %s\n", file, line, what);
    }
    pthread_mutex_unlock(&lock);
    return holds;
}

int check_status(int status, int expected, tokenkeep_error **error, const char *what, const char *file,
                 int line) {
    tokenkeep_error *cause = error != NULL ? *error : NULL;

    if (!check_that(status == expected, what, file, line)) {
        fprintf(stderr, "    expected %s, got %s\n", tokenkeep_status_name(expected),
                tokenkeep_status_name(status));
        if (cause != NULL) {
            fprintf(stderr, "    %s\n", tokenkeep_error_message(cause));
        }
    }
    if (error != NULL) {
        check_that((status == TOKENKEEP_OK) == (cause == NULL), "an error object comes with a failure only",
                   file, line);
        check_that(tokenkeep_error_status(cause) == status, "the error has the status of the call", file,
                   line);
        tokenkeep_error_free(cause);
        *error = NULL;
    }
    return status == expected;
}

int check_text(const char *text, const char *expected, const char *what, const char *file, int line) {
    int same = text != NULL && expected != NULL ? strcmp(text, expected) == 0 : text == expected;

    if (!check_that(same, what, file, line)) {
        fprintf(stderr, "    expected \"%s\", got \"%s\"\n", expected ? expected : "(NULL)",
                text ? text : "(NULL)");
    }
    return same;
}

int check_has(const char *text, const char *part, const char *what, const char *file, int line) {
    int has = text != NULL && strstr(text, part) != NULL;

    if (!check_that(has, what, file, line)) {
        fprintf(stderr, "    expected \"%s\" in \"%s\"\n", part, text ? text : "(NULL)");
    }
    return has;
}

int check_summary(void) {
    printf("%d checks, %d failed\n", checks, failures);
    return failures == 0 ? 0 : 1;
}
