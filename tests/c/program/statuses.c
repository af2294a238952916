/* Names, numbers, versions. */

#include <stdio.h>

#include <tokenkeep.h>

#include "check.h"
#include "suites.h"

static void names(void) {
    CHECK_TEXT(tokenkeep_status_name(TOKENKEEP_OK), "OK");
    CHECK_TEXT(tokenkeep_status_name(TOKENKEEP_CONSENT_REQUIRED), "CONSENT_REQUIRED");
    CHECK_TEXT(tokenkeep_status_name(TOKENKEEP_INTERNAL), "INTERNAL");
    CHECK_TEXT(tokenkeep_status_name(TOKENKEEP_INTERNAL + 1), "UNKNOWN");
    CHECK_TEXT(tokenkeep_status_name(-1), "UNKNOWN");
    CHECK_TEXT(tokenkeep_status_name(INT32_MIN), "UNKNOWN");
}

static void versions(void) {
    char text[32];

    snprintf(text, sizeof(text), "%d.%d.%d", TOKENKEEP_VERSION_MAJOR, TOKENKEEP_VERSION_MINOR,
             TOKENKEEP_VERSION_PATCH);
    CHECK_TEXT(tokenkeep_version(), text);
    CHECK(tokenkeep_version_number() == TOKENKEEP_VERSION_NUMBER);
    CHECK(TOKENKEEP_VERSION_NUMBER >> 24 == TOKENKEEP_VERSION_MAJOR);
}

void test_statuses(void) {
    names();
    versions();
}
