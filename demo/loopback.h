/* One HTTP request to this very machine, enough for a demonstration: no TLS, no redirects, 16 KiB answers.
 * A real program calls its vendor with the HTTP library it has. */
#ifndef LOOPBACK_H
#define LOOPBACK_H

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

/* Connects to "http://127.0.0.1:PORT/path" and points `path` behind the authority. */
static int loopback_connect(const char *url, const char **path) {
    const char *const authority = "http://127.0.0.1:";
    if (strncmp(url, authority, strlen(authority)) != 0) {
        return -1;
    }
    char *end = NULL;
    const unsigned long port = strtoul(url + strlen(authority), &end, 10);
    *path = *end == '\0' ? "/" : end;
    struct sockaddr_in address;
    memset(&address, 0, sizeof address);
    address.sin_family = AF_INET;
    address.sin_port = htons((uint16_t)port);
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    const int connection = socket(AF_INET, SOCK_STREAM, 0);
    if (connection >= 0 && connect(connection, (struct sockaddr *)&address, sizeof address) != 0) {
        close(connection);
        return -1;
    }
    return connection;
}

static int loopback_send(int connection, const char *text) {
    size_t left = strlen(text);
    while (left > 0) {
        const ssize_t sent = send(connection, text, left, 0);
        if (sent <= 0) {
            return -1;
        }
        text += sent;
        left -= (size_t)sent;
    }
    return 0;
}

/* Sends a request with these header lines (each ended by \r\n) and this body. Returns the status, or -1; the
 * whole answer goes into `answer`. */
static int loopback_request(const char *method, const char *url, const char *headers, const char *body,
                            char *answer, size_t capacity) {
    const char *path = NULL;
    const int connection = loopback_connect(url, &path);
    if (connection < 0) {
        return -1;
    }
    char length[64];
    snprintf(length, sizeof length, "Content-Length: %zu\r\n", strlen(body));
    const char *const parts[] = {method,
                                 " ",
                                 path,
                                 " HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n",
                                 "Content-Type: application/json\r\n",
                                 length,
                                 headers,
                                 "\r\n",
                                 body};
    int failed = 0;
    for (size_t i = 0; i < sizeof parts / sizeof *parts && !failed; i++) {
        failed = loopback_send(connection, parts[i]);
    }
    size_t used = 0;
    while (!failed && used + 1 < capacity) {
        const ssize_t got = recv(connection, answer + used, capacity - used - 1, 0);
        if (got <= 0) {
            break;
        }
        used += (size_t)got;
    }
    answer[used] = '\0';
    close(connection);
    return strncmp(answer, "HTTP/1.1 ", 9) == 0 ? (int)strtol(answer + 9, NULL, 10) : -1;
}

/* The value of a header in an answer, cut out in place; NULL if it is not there. Names are as the sandbox
 * writes them, in lower case. */
static char *loopback_header(char *answer, const char *name) {
    char wanted[64];
    snprintf(wanted, sizeof wanted, "\r\n%s: ", name);
    char *value = strstr(answer, wanted);
    if (value == NULL) {
        return NULL;
    }
    value += strlen(wanted);
    value[strcspn(value, "\r\n")] = '\0';
    return value;
}

#endif
