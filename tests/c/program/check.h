/* Checks that go on after a failure, and say where it was. */

#ifndef CHECK_H
#define CHECK_H

#include <stddef.h>

#define CHECK(condition) check_that((condition) ? 1 : 0, #condition, __FILE__, __LINE__)

/* The status of a call, with the names of both and the error's message if they differ. Frees the error. */
#define CHECK_STATUS(call, expected, error)                                                                  \
    check_status((call), (expected), (error), #call, __FILE__, __LINE__)

#define CHECK_TEXT(text, expected) check_text((text), (expected), #text, __FILE__, __LINE__)

/* The text, which may be NULL, has the part in it. */
#define CHECK_HAS(text, part) check_has((text), (part), #text, __FILE__, __LINE__)

struct tokenkeep_error;

int check_that(int holds, const char *what, const char *file, int line);
int check_status(int status, int expected, struct tokenkeep_error **error, const char *what, const char *file,
                 int line);
int check_text(const char *text, const char *expected, const char *what, const char *file, int line);
int check_has(const char *text, const char *part, const char *what, const char *file, int line);

/* Prints the counts. 0 if nothing failed. */
int check_summary(void);

#endif
