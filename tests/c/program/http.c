#define _POSIX_C_SOURCE 200809L

#include "http.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>
#include <unistd.h>

enum { MESSAGE_SIZE = 65536 };

/* "http://127.0.0.1:PORT/path" taken apart. */
struct address {
    char host[64];
    unsigned port;
    const char *path;
};

static int parse(const char *url, struct address *address) {
    int end = 0;

    if (sscanf(url, "http://%63[^:/]:%u%n", address->host, &address->port, &end) != 2 ||
        address->port > 65535) {
        return 0;
    }
    address->path = url[end] != '\0' ? url + end : "/";
    return 1;
}

static int connect_to(const struct address *address) {
    struct sockaddr_in peer;
    int connection = socket(AF_INET, SOCK_STREAM, 0);

    if (connection < 0) {
        return -1;
    }
    memset(&peer, 0, sizeof(peer));
    peer.sin_family = AF_INET;
    peer.sin_port = htons((uint16_t)address->port);
    if (inet_pton(AF_INET, address->host, &peer.sin_addr) != 1 ||
        connect(connection, (struct sockaddr *)&peer, sizeof(peer)) != 0) {
        close(connection);
        return -1;
    }
    return connection;
}

static int send_all(int connection, const char *text, size_t length) {
    while (length > 0) {
        ssize_t sent = send(connection, text, length, MSG_NOSIGNAL);
        if (sent <= 0) {
            return 0;
        }
        text += sent;
        length -= (size_t)sent;
    }
    return 1;
}

/* Reads until the peer closes; HTTP/1.0 ends a body so. */
static void receive_all(int connection, char *message, size_t capacity) {
    size_t length = 0;
    ssize_t received;

    while (length + 1 < capacity &&
           (received = recv(connection, message + length, capacity - 1 - length, 0)) > 0) {
        length += (size_t)received;
    }
    message[length] = '\0';
}

static int exchange(const char *method, const char *url, const char *header, const char *body,
                    char *message) {
    struct address address;
    char request[4096];
    int connection;
    int length;

    message[0] = '\0';
    if (!parse(url, &address) || (connection = connect_to(&address)) < 0) {
        return 0;
    }
    length = snprintf(request, sizeof(request),
                      "%s %s HTTP/1.0\r\nHost: %s:%u\r\nContent-Type: application/json\r\n"
                      "Content-Length: %zu\r\n%s%s\r\n%s",
                      method, address.path, address.host, address.port, body ? strlen(body) : 0,
                      header ? header : "", header ? "\r\n" : "", body ? body : "");
    if (length > 0 && (size_t)length < sizeof(request) && send_all(connection, request, (size_t)length)) {
        receive_all(connection, message, MESSAGE_SIZE);
    }
    close(connection);
    return strncmp(message, "HTTP/1.", 7) == 0 ? atoi(message + 9) : 0;
}

int http_request(const char *method, const char *url, const char *header, const char *body, char *answer,
                 size_t capacity) {
    char *message = malloc(MESSAGE_SIZE);
    int status = message != NULL ? exchange(method, url, header, body, message) : 0;
    const char *end = status != 0 ? strstr(message, "\r\n\r\n") : NULL;

    if (answer != NULL) {
        snprintf(answer, capacity, "%s", end != NULL ? end + 4 : "");
    }
    free(message);
    return status;
}

int http_redirect(const char *url, char *location, size_t capacity) {
    char *message = malloc(MESSAGE_SIZE);
    int status = message != NULL ? exchange("GET", url, NULL, NULL, message) : 0;
    char *line = status / 100 == 3 ? strchr(message, '\n') : NULL;

    location[0] = '\0';
    while (line != NULL && strncasecmp(line + 1, "location: ", 10) != 0) {
        line = strchr(line + 1, '\n');
    }
    if (line != NULL) {
        line[1 + strcspn(line + 1, "\r\n")] = '\0';
        snprintf(location, capacity, "%s", line + 11);
    }
    free(message);
    return line != NULL;
}
