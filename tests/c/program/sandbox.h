/* The sandbox, which plays the vendors, and clients that ask it. */

#ifndef SANDBOX_H
#define SANDBOX_H

#include <stddef.h>

#include <tokenkeep.h>

/* As the sandbox knows them. */
#define SANDBOX_APP_ID "sbx00001"
#define SANDBOX_APP_KEY "SANDBOX-SECRET-app-key-000000001"
#define SANDBOX_OTHER_APP_ID "sbx00002"
#define SANDBOX_OTHER_APP_KEY "SANDBOX-SECRET-app-key-000000002"

/* Where it listens, such as http://127.0.0.1:40123. Set once, by main. */
extern const char *sandbox_url;

/* Back to the start: faults, tokens, counts. */
void sandbox_reset(void);

/* POSTs JSON to the control, such as ("faults", "{...}"). */
void sandbox_control(const char *path, const char *json);

/* How many requests an endpoint such as "acquired/login" has seen. */
int sandbox_count(const char *endpoint);

/* Waits until an endpoint has seen so many requests. 0 if it takes more than ten seconds. */
int sandbox_wait_for(const char *endpoint, int count);

/* GETs a protected resource of a vendor with this Authorization header's value; returns the status. */
int sandbox_get(const char *path, const char *authorization);

/* A config for a vendor of the sandbox: nothing but its provider and base_url. */
tokenkeep_config *sandbox_config(const char *vendor);

/*
 * A config with which a client gets tokens from the sandbox's Acquired.com. Clients of different accounts
 * share no token: each test names its own.
 */
tokenkeep_config *sandbox_acquired(const char *account);

/* A client of such a config, which it frees. NULL, and a failed check, if there is none. */
tokenkeep_client *sandbox_client(tokenkeep_config *config);

/* A setting whose value ends with a NUL. */
void set(tokenkeep_config *config, const char *name, const char *value);

void sleep_ms(int ms);

#endif
