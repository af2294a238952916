/* The little HTTP that the tests need: one request to a server on this machine. */

#ifndef HTTP_H
#define HTTP_H

#include <stddef.h>

/*
 * Sends a request and returns the status of the answer; 0 if there was none. `header` is a whole line or
 * NULL, `body` JSON or NULL. The answer's body, cut to the capacity, goes into `answer` unless that is NULL.
 */
int http_request(const char *method, const char *url, const char *header, const char *body, char *answer,
                 size_t capacity);

/* Sends a GET and takes the target of the redirect that comes back. 0 if there was none. */
int http_redirect(const char *url, char *location, size_t capacity);

#endif
