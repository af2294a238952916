/*
 * tokenkeep.h: gets API tokens, keeps them fresh and hands them out.
 *
 *     tokenkeep_config *config = tokenkeep_config_new("acquired");
 *     tokenkeep_config_set(config, "app_id", "12345678", TOKENKEEP_NUL_ENDED);
 *     tokenkeep_config_set(config, "app_key_env", "ACQUIRED_APP_KEY", TOKENKEEP_NUL_ENDED);
 *     tokenkeep_client *client = NULL;
 *     tokenkeep_token *token = NULL;
 *     tokenkeep_error *error = NULL;
 *     if (tokenkeep_client_new(config, &client, &error) == TOKENKEEP_OK &&
 *         tokenkeep_client_token(client, NULL, &token, &error) == TOKENKEEP_OK)
 *         send_request(tokenkeep_token_authorization(token, NULL));
 *     else
 *         fprintf(stderr, "%s\n", tokenkeep_error_message(error));
 *     tokenkeep_error_free(error);
 *     tokenkeep_token_free(token);
 *     tokenkeep_client_free(client);
 *     tokenkeep_config_free(config);
 *
 * Keep the client, and ask it for a token before each request: that costs tens of nanoseconds. When
 * the vendor refuses a token, say so with tokenkeep_client_rejected.
 *
 * ERRORS. A function that can fail returns a tokenkeep_status; TOKENKEEP_OK is 0. Where its last
 * parameter is `tokenkeep_error **error`, that may be NULL; else it is set to NULL first and to a new
 * error on failure, for the caller to free. What it held before is overwritten, not freed. Memory that
 * runs out ends the program.
 *
 * OWNERSHIP. Objects that a function hands out are the caller's to free with the _free function of
 * their kind, once for each time they were handed out or cloned. Out-parameters are set to NULL or 0
 * first, and to a result on success only. Text that a function returns ends with a NUL and is lent: it
 * is good until the object that it came from is freed. Tokens, consents and errors may outlive their
 * client. _free functions take NULL, and accessors give for it what they give for a thing that is not
 * known: NULL, 0, -1, INT64_MAX or TOKENKEEP_LIFETIME_UNKNOWN.
 *
 * POINTERS. An object given to a function came from this library and is not freed while the function
 * runs, not even by another thread: let each thread have a reference of its own, by _clone; an error
 * has none, and belongs to one thread to free. Text is UTF-8, given as a pointer and a length in bytes;
 * the length TOKENKEEP_NUL_ENDED means up to the NUL, and NULL with the length 0 is the empty text. A
 * const char * without a length is NUL-ended. A NULL where nothing allows it gives
 * TOKENKEEP_INVALID_ARGUMENT. Begin structs with their _INIT macro: it sets struct_size, by which
 * programs and libraries of different releases understand each other.
 *
 * THREADS. Every function may be called on any thread. Clients, tokens, consents and errors may be
 * used by several threads at once, a config by one at a time. Callbacks run on a thread that called
 * into the library, never under one of its locks. Loading the library starts no thread. A renewal
 * runs on a thread of its own, with all signals blocked, that ends with it. No function may be called
 * in a signal handler, and no thread be ended by pthread_cancel while it is in one. A signal ends no
 * wait: have another thread call tokenkeep_client_close.
 *
 * FORK. After fork() a client works in the child as in the parent; the parent's connections and locks
 * are let go. One thing cannot be shared: a refresh token that can be used only once and is kept in
 * memory only. For that the child gets TOKENKEEP_STORE, with the settings that help in its message.
 * A child that is only about to exec() calls nothing of this library.
 *
 * EXIT. Nothing waits for a renewal under way, with one exception. When the last client of a credential is
 * freed, its renewal goes on by itself and what it brings is dropped, unless a store keeps it or a new client
 * of that credential is there by then. When the process ends, by a return from main, exit() or _exit(), the
 * renewal ends with it; threads may be in the library then, and nothing has to be closed or freed before.
 * The exception: a return from main and exit() wait up to 150 ms for a new refresh token that is on its way
 * into a store.
 *
 * There is nothing to set up and nothing to clean up. The library sets no signal handler and no
 * environment variable. dlclose() leaves it loaded.
 *
 * Needs C99 or C++11; for C++17 there is tokenkeep.hpp. This file is generated from the library.
 */


#ifndef TOKENKEEP_H
#define TOKENKEEP_H

#include <stddef.h>
#include <stdint.h>

/** As the length of a text: it ends with a NUL. */
#define TOKENKEEP_NUL_ENDED SIZE_MAX

/** How to begin a tokenkeep_call: tokenkeep_call call = TOKENKEEP_CALL_INIT; */
#define TOKENKEEP_CALL_INIT { sizeof(tokenkeep_call), 0, 0, 0, 0 }

/** How to begin a tokenkeep_stats: tokenkeep_stats stats = TOKENKEEP_STATS_INIT; */
#define TOKENKEEP_STATS_INIT { sizeof(tokenkeep_stats), 0, 0, 0, 0, 0 }

/** How to begin a tokenkeep_store: tokenkeep_store store = TOKENKEEP_STORE_INIT; */
#define TOKENKEEP_STORE_INIT { sizeof(tokenkeep_store), NULL, NULL, NULL, NULL, NULL }

/* To ignore what these functions return would be a mistake. */
#if defined(__GNUC__)
#define TOKENKEEP_MUST_USE __attribute__((warn_unused_result))
#else
#define TOKENKEEP_MUST_USE
#endif

/**
 * The first number of this header's version, "1" in 1.2.3.
 */
#define TOKENKEEP_VERSION_MAJOR 0

/**
 * The second number of this header's version, "2" in 1.2.3.
 */
#define TOKENKEEP_VERSION_MINOR 1

/**
 * The third number of this header's version, "3" in 1.2.3.
 */
#define TOKENKEEP_VERSION_PATCH 0

/**
 * This header's version as one number, 0xMMmmpp00.
 */
#define TOKENKEEP_VERSION_NUMBER (((TOKENKEEP_VERSION_MAJOR << 24) | (TOKENKEEP_VERSION_MINOR << 16)) | (TOKENKEEP_VERSION_PATCH << 8))

/**
 * What became of a call, by what the caller can do about it. The numbers never change and are never
 * used anew; later releases may add to them, so take an unknown one as an error.
 */
enum tokenkeep_status
#if defined(__cplusplus) || __STDC_VERSION__ >= 202311L
  : int32_t
#endif // defined(__cplusplus) || __STDC_VERSION__ >= 202311L
 {
    /**
     * It succeeded.
     */
    TOKENKEEP_OK = 0,
    /**
     * A call was made wrongly. Mend the program.
     */
    TOKENKEEP_INVALID_ARGUMENT = 1,
    /**
     * The settings are wrong. All their faults are listed in the message.
     */
    TOKENKEEP_CONFIG = 2,
    /**
     * The vendor could not be reached. Asking again may help.
     */
    TOKENKEEP_NETWORK = 3,
    /**
     * No trusted, encrypted connection could be made. Check the certificate authorities.
     */
    TOKENKEEP_TLS = 4,
    /**
     * The deadline passed. The renewal may still succeed for a later call.
     */
    TOKENKEEP_TIMEOUT = 5,
    /**
     * The client was closed.
     */
    TOKENKEEP_CANCELLED = 6,
    /**
     * The vendor refused the credentials. Asking again with the same ones will not help.
     */
    TOKENKEEP_DENIED = 7,
    /**
     * A person must say yes (again). See tokenkeep_client_consent.
     */
    TOKENKEEP_CONSENT_REQUIRED = 8,
    /**
     * The vendor asks to slow down. See tokenkeep_error_retry_after_ms.
     */
    TOKENKEEP_RATE_LIMITED = 9,
    /**
     * The vendor failed. Asking again may help.
     */
    TOKENKEEP_SERVER = 10,
    /**
     * The vendor's answer is not what it should be.
     */
    TOKENKEEP_PROTOCOL = 11,
    /**
     * The token was refused, and asking for another will not help.
     */
    TOKENKEEP_REJECTED = 12,
    /**
     * A refresh token that is good only once would be lost or spent twice: the store cannot be used, or
     * a forked child or a copy of a client shares none with its original.
     */
    TOKENKEEP_STORE = 13,
    /**
     * No usable token is cached, and the call was not allowed to wait for one.
     */
    TOKENKEEP_WOULD_BLOCK = 14,
    /**
     * The buffer is too small; the length that is needed was reported.
     */
    TOKENKEEP_BUFFER_TOO_SMALL = 15,
    /**
     * A log callback or a store's function called a client. Call it afterwards.
     */
    TOKENKEEP_REENTRANT = 16,
    /**
     * The vendor, or this release, does not offer what was asked.
     */
    TOKENKEEP_UNSUPPORTED = 17,
    /**
     * A fault in tokenkeep itself. Please report it.
     */
    TOKENKEEP_INTERNAL = 18,
};
#ifndef __cplusplus
#if __STDC_VERSION__ >= 202311L
typedef enum tokenkeep_status tokenkeep_status;
#else
typedef int32_t tokenkeep_status;
#endif // __STDC_VERSION__ >= 202311L
#endif // __cplusplus

/**
 * How long a token lives.
 */
enum tokenkeep_lifetime
#if defined(__cplusplus) || __STDC_VERSION__ >= 202311L
  : int32_t
#endif // defined(__cplusplus) || __STDC_VERSION__ >= 202311L
 {
    /**
     * Until tokenkeep_token_expires_at_ms.
     */
    TOKENKEEP_LIFETIME_KNOWN = 0,
    /**
     * The vendor declares that it never ends.
     */
    TOKENKEEP_LIFETIME_NEVER = 1,
    /**
     * Nobody said: it is good until it is refused.
     */
    TOKENKEEP_LIFETIME_UNKNOWN = 2,
};
#ifndef __cplusplus
#if __STDC_VERSION__ >= 202311L
typedef enum tokenkeep_lifetime tokenkeep_lifetime;
#else
typedef int32_t tokenkeep_lifetime;
#endif // __STDC_VERSION__ >= 202311L
#endif // __cplusplus

/**
 * How grave a log message is.
 */
enum tokenkeep_level
#if defined(__cplusplus) || __STDC_VERSION__ >= 202311L
  : int32_t
#endif // defined(__cplusplus) || __STDC_VERSION__ >= 202311L
 {
    /**
     * A program will miss its token.
     */
    TOKENKEEP_LEVEL_ERROR = 1,
    /**
     * Somebody should look at it.
     */
    TOKENKEEP_LEVEL_WARN = 2,
    /**
     * A renewal and its outcome.
     */
    TOKENKEEP_LEVEL_INFO = 3,
    /**
     * Every step.
     */
    TOKENKEEP_LEVEL_DEBUG = 4,
};
#ifndef __cplusplus
#if __STDC_VERSION__ >= 202311L
typedef enum tokenkeep_level tokenkeep_level;
#else
typedef int32_t tokenkeep_level;
#endif // __STDC_VERSION__ >= 202311L
#endif // __cplusplus

/**
 * Gets tokens for one credential and keeps them fresh. Reference-counted; any number of threads may
 * use it at once. Clients of the same credential share one token, however many there are.
 */
typedef struct tokenkeep_client tokenkeep_client;

/**
 * Settings for a client, name = value in text. To be used by one thread at a time.
 */
typedef struct tokenkeep_config tokenkeep_config;

/**
 * A person's consent in progress. Reference-counted; any number of threads may use it at once.
 */
typedef struct tokenkeep_consent tokenkeep_consent;

/**
 * What went wrong, where, and what to do. Immutable; any number of threads may read it at once.
 */
typedef struct tokenkeep_error tokenkeep_error;

/**
 * Where a store's load function puts what it found; good during that call.
 */
typedef struct tokenkeep_record tokenkeep_record;

/**
 * A token: immutable, reference-counted, for any number of threads at once; wiped from memory with
 * its last reference.
 */
typedef struct tokenkeep_token tokenkeep_token;

/**
 * Takes one log message: UTF-8 with a NUL behind its `length` bytes, good during the call, never a
 * secret. Several threads may be in the callback at once. It must return: no exception may leave it,
 * nor longjmp.
 */
typedef void (*tokenkeep_log_callback)(void *user_data,
                                       int32_t level,
                                       const char *message,
                                       size_t length);

/**
 * Releases a callback's user_data. Runs exactly once.
 */
typedef void (*tokenkeep_drop_callback)(void *user_data);

/**
 * A place of the program's own for grants that outlive it, such as a table of its database: functions
 * over sealed bytes, which are under a name of 64 hexadecimal digits, perhaps with ".aside" behind
 * them. Begin with TOKENKEEP_STORE_INIT and set all five.
 *
 * They run on threads that called into the library, several at once, never under one of its locks. No
 * exception may leave them, nor longjmp. A call of theirs on any client for a token that is not in
 * memory, or to revoke one, returns TOKENKEEP_REENTRANT. Those that return int32_t return TOKENKEEP_OK,
 * or anything else for a failure, whose number is then in the error's message.
 */
typedef struct {
    /**
     * sizeof(tokenkeep_store).
     */
    size_t struct_size;
    /**
     * Finds the record of that name and passes its bytes to tokenkeep_record_set. If there is none,
     * returns TOKENKEEP_OK without that call.
     */
    int32_t (*load)(void *user_data, const char *name, tokenkeep_record *record);
    /**
     * Puts a record in the place of the one before. From expires_at_ms on, in milliseconds since the Unix
     * epoch, it is of no use; INT64_MAX means never.
     */
    int32_t (*save)(void *user_data,
                    const char *name,
                    const uint8_t *bytes,
                    size_t length,
                    int64_t expires_at_ms);
    /**
     * Takes a record away. There may be none.
     */
    int32_t (*remove)(void *user_data, const char *name);
    /**
     * Locks a record against everybody who uses the same place, in other processes and threads, until
     * unlock on the same thread; TOKENKEEP_WOULD_BLOCK if another held it for all of timeout_ms. A lock
     * must go with its holder's end.
     */
    int32_t (*lock)(void *user_data, const char *name, uint32_t timeout_ms);
    /**
     * Ends a lock.
     */
    void (*unlock)(void *user_data, const char *name);
} tokenkeep_store;

/**
 * How one call is made. Wherever one is asked for, NULL means: as the settings say.
 * Begin with TOKENKEEP_CALL_INIT.
 */
typedef struct {
    /**
     * sizeof(tokenkeep_call).
     */
    size_t struct_size;
    /**
     * How long the call may take, in milliseconds. 0: as the setting `timeout` says.
     */
    uint32_t timeout_ms;
    /**
     * The token must live at least this much longer, in milliseconds; one that does not is renewed
     * first, and if that fails the call does. More than the vendor's tokens ever live counts as 0.
     */
    uint32_t min_valid_ms;
    /**
     * Must be 0.
     */
    uint32_t flags;
    /**
     * Must be 0.
     */
    uint32_t reserved;
} tokenkeep_call;

/**
 * The numbers of one client. Begin with TOKENKEEP_STATS_INIT.
 */
typedef struct {
    /**
     * sizeof(tokenkeep_stats).
     */
    size_t struct_size;
    /**
     * Tokens that were handed out from memory.
     */
    uint64_t hits;
    /**
     * Renewals that succeeded.
     */
    uint64_t renewals;
    /**
     * Renewals that failed.
     */
    uint64_t failures;
    /**
     * Calls that waited for a renewal which another call had started.
     */
    uint64_t shared_waits;
    /**
     * When the next renewal is due, in milliseconds since the Unix epoch; INT64_MAX if none is in
     * sight.
     */
    int64_t next_renewal_ms;
} tokenkeep_stats;

#ifdef __cplusplus
extern "C" {
#endif // __cplusplus

/**
 * The version of the library that is loaded, 0xMMmmpp00, as TOKENKEEP_VERSION_NUMBER is the header's.
 */
uint32_t tokenkeep_version_number(void);

/**
 * The version of the library that is loaded, such as "1.2.3". Good for ever.
 */
const char *tokenkeep_version(void);

/**
 * The name of a status without its prefix, such as "TIMEOUT"; "UNKNOWN" for any other number. Good
 * for ever.
 */
const char *tokenkeep_status_name(int32_t status);

/**
 * Settings for a provider: its name, such as "acquired", or the path of a provider file (it has a
 * `/` in it, or ends in `.toml`).
 *
 * What is wrong here or in tokenkeep_config_set is remembered, and tokenkeep_client_new reports all
 * of it at once; so this never returns NULL, short of a fault in tokenkeep itself. Free the config
 * with tokenkeep_config_free; the clients that were made from it do not need it.
 */
TOKENKEEP_MUST_USE tokenkeep_config *tokenkeep_config_new(const char *provider);

/**
 * Sets one setting; a later value replaces an earlier one. A secret X is given in one way: X, X_env,
 * X_file and X_command exclude each other, unless the earlier one came from tokenkeep_config_load.
 * Both texts are copied; a secret is wiped when it is no longer needed. `length` is that of the value,
 * or TOKENKEEP_NUL_ENDED.
 */
void tokenkeep_config_set(tokenkeep_config *config,
                          const char *name,
                          const char *value,
                          size_t length);

/**
 * Settings from a file of profiles, one table each. Path NULL: the file that the environment
 * variable TOKENKEEP_CONFIG names, else tokenkeep/tokenkeep.toml in the user's configuration
 * directory. tokenkeep_config_set may add to them.
 *
 * TOKENKEEP_CONFIG: the file cannot be used, or has no such profile.
 */
TOKENKEEP_MUST_USE
tokenkeep_status tokenkeep_config_load(const char *path_or_null,
                                       const char *profile,
                                       tokenkeep_config **out,
                                       tokenkeep_error **error);

/**
 * Has the clients that will be made from this config tell what happens: messages of this level
 * (TOKENKEEP_LEVEL_...) and graver ones. NULL as callback: no more.
 *
 * Each registered callback is told each event once, during the next call on a client that was made
 * from its config, however many clients share the credential. Two configs are two registrations, even
 * with the same function. At most 64 events wait for that call; of more, the oldest are lost.
 *
 * The callback runs on a thread that called into the library, at the end of that call, under no
 * lock; never on a thread of the library's own. A function with a status that it calls on a client
 * which logs to it returns TOKENKEEP_REENTRANT.
 *
 * `drop`, if not NULL, is called with user_data exactly once: when the last of this config and the
 * clients and consents made from it is freed (a config that was given another callback no longer
 * counts); at once where nothing is registered: the config or the callback is NULL, or there is no
 * such level, which tokenkeep_client_new reports.
 */
void tokenkeep_config_on_log(tokenkeep_config *config,
                             int32_t level,
                             tokenkeep_log_callback callback,
                             void *user_data,
                             tokenkeep_drop_callback drop);

/**
 * Frees the config and wipes the secrets in it. NULL is fine.
 */
void tokenkeep_config_free(tokenkeep_config *config);

/**
 * Keeps the grants of the clients that will be made from this config in a store of the program's own. It
 * needs the setting store_key, and no setting store. Renewals then run on the thread that calls: such a
 * call may last past its own deadline, until the network's timeouts and the store's functions end it.
 * Clients of one credential must have a store with the same user_data.
 *
 * The table is copied. `drop`, if not NULL, is called with user_data exactly once: when the last of this
 * config and the clients and consents made from it is freed, and no renewal uses it any more (a config
 * that was given another store no longer counts); at once where nothing is registered: the config or the
 * table is NULL, or a function is missing, which tokenkeep_client_new reports.
 */
void tokenkeep_config_store(tokenkeep_config *config,
                            const tokenkeep_store *store,
                            void *user_data,
                            tokenkeep_drop_callback drop);

/**
 * Takes a copy of a record's bytes, for the load function of a store. Bytes that are NULL though their
 * length is not 0, or a length that nothing in memory can have, make that load fail.
 */
void tokenkeep_record_set(tokenkeep_record *record,
                          const void *bytes,
                          size_t length);

/**
 * A client with these settings, which are copied. Asks no vendor. Free it with
 * tokenkeep_client_free.
 *
 * TOKENKEEP_CONFIG: settings are unknown, missing, contradictory or malformed; the error lists all
 * of them.
 */
TOKENKEEP_MUST_USE
tokenkeep_status tokenkeep_client_new(const tokenkeep_config *config,
                                      tokenkeep_client **out,
                                      tokenkeep_error **error);

/**
 * The same client with one setting changed, such as `account`, `scope` or `mid`: a client of its
 * own, which logs where the first one does and is not closed with it. Its token is kept as long as
 * the first one lives, also when this one is freed. The setting is given as in tokenkeep_config_set.
 * Asks no vendor.
 */
TOKENKEEP_MUST_USE
tokenkeep_status tokenkeep_client_with(const tokenkeep_client *client,
                                       const char *name,
                                       const char *value,
                                       size_t length,
                                       tokenkeep_client **out,
                                       tokenkeep_error **error);

/**
 * Another reference to the same client, to be freed on its own. NULL gives NULL.
 */
TOKENKEEP_MUST_USE tokenkeep_client *tokenkeep_client_clone(const tokenkeep_client *client);

/**
 * Closes this client and its clones for good: whoever waits gets TOKENKEEP_CANCELLED at once, on
 * every thread, and so does whoever would have to wait later. Tokens in memory are still handed
 * out, and renewals that others wait for go on. A call that renews on its own thread
 * (`background = off`, tokenkeep_config_store) ends only when the network or the store does. NULL is
 * fine.
 */
void tokenkeep_client_close(tokenkeep_client *client);

/**
 * Drops one reference. This closes nothing: to end the calls of other threads, which have
 * references of their own, call tokenkeep_client_close first. NULL is fine.
 */
void tokenkeep_client_free(tokenkeep_client *client);

/**
 * A usable token: from memory, or from the vendor, with one request however many threads ask.
 * Blocks for as long as the call, or else the setting `timeout`, allows. Free the token with
 * tokenkeep_token_free.
 */
TOKENKEEP_MUST_USE
tokenkeep_status tokenkeep_client_token(tokenkeep_client *client,
                                        const tokenkeep_call *call_or_null,
                                        tokenkeep_token **out,
                                        tokenkeep_error **error);

/**
 * The token in memory, if it is usable; else TOKENKEEP_WOULD_BLOCK. Never blocks and sends no
 * request. Free the token with tokenkeep_token_free.
 */
TOKENKEEP_MUST_USE
tokenkeep_status tokenkeep_client_peek(const tokenkeep_client *client,
                                       tokenkeep_token **out);

/**
 * Starts a renewal if one is due and returns at once; a later call finds the token in memory, or
 * waits less. With `background = off`, or a store of the program's own, it does the renewal first, on
 * this thread. For event loops: call this, and tokenkeep_client_peek now and then until there is a
 * token; tokenkeep_client_last_error says why none comes.
 */
tokenkeep_status tokenkeep_client_prefetch(tokenkeep_client *client,
                                           tokenkeep_error **error);

/**
 * Like tokenkeep_client_token, for programs that want bytes: writes the value of the Authorization
 * header, "Bearer ...", and a NUL into the buffer. The cheapest way to a token in memory: after a
 * thread's first call for it nothing is allocated or locked, and no reference count is touched (but on
 * a thread beyond the first 64 that live at once).
 *
 * `length` receives the length without the NUL, also with TOKENKEEP_BUFFER_TOO_SMALL: the buffer
 * needs one byte more than that, and a later token may be longer still. NULL as buffer, with a
 * capacity of 0, asks for the length; the status is then TOKENKEEP_BUFFER_TOO_SMALL, and an error is
 * made if one is asked for. The generation is for tokenkeep_client_rejected. On failure the buffer
 * holds the empty text. What is copied is the caller's to wipe.
 *
 * TOKENKEEP_UNSUPPORTED: the setting `placement` is `query`, so there is no such header.
 */
TOKENKEEP_MUST_USE
tokenkeep_status tokenkeep_client_copy_header(tokenkeep_client *client,
                                              const tokenkeep_call *call_or_null,
                                              char *buffer,
                                              size_t capacity,
                                              size_t *length,
                                              uint64_t *generation_or_null,
                                              tokenkeep_error **error);

/**
 * Whether a token may go with a request to this URL: 1 if it is https (or leads to loopback) and its host
 * is one of the setting `api_hosts` (see docs/SETTINGS.md); else 0. Ask where a URL comes from
 * elsewhere, a redirect's or a next page's.
 */
int32_t tokenkeep_client_may_send_to(const tokenkeep_client *client,
                                     const char *url,
                                     size_t length);

/**
 * Tells that the vendor refused a token, and learns whether another one may help. TOKENKEEP_OK: get
 * a new token and send the request again, once. TOKENKEEP_REJECTED: do not; the error says why (the
 * scope does not suffice, say, or two new tokens were refused in a row).
 *
 * Only the token of that very generation is forgotten, so all threads that saw it refused may say
 * so. Numbers of different credentials overlap: give one to a client of the same credential, one that
 * was kept since. `http_status` is that of the refusal, such as 401; `www_authenticate` is the value
 * of the header of that name, NULL if there was none. Asks no vendor.
 */
TOKENKEEP_MUST_USE
tokenkeep_status tokenkeep_client_rejected(tokenkeep_client *client,
                                           uint64_t generation,
                                           int32_t http_status,
                                           const char *www_authenticate,
                                           size_t length,
                                           tokenkeep_error **error);

/**
 * Gives the tokens back: revokes them with the vendor where it offers that (RFC 7009), and forgets
 * them in any case. Blocks for as long as the call, or else the setting `timeout`, allows.
 */
tokenkeep_status tokenkeep_client_revoke(tokenkeep_client *client,
                                         const tokenkeep_call *call_or_null,
                                         tokenkeep_error **error);

/**
 * Why the last renewal failed; NULL if it succeeded. While the old token is still good, no call
 * reports such a failure. Free the error with tokenkeep_error_free. Never blocks.
 */
tokenkeep_status tokenkeep_client_last_error(const tokenkeep_client *client, tokenkeep_error **out);

/**
 * The numbers of this client: the hits are its own and its clones', the rest is of all clients that
 * share its credential. Never blocks.
 */
tokenkeep_status tokenkeep_client_stats(const tokenkeep_client *client, tokenkeep_stats *in_out);

/**
 * The access token itself. Better use the headers: they have everything that the vendor asks for.
 */
const char *tokenkeep_token_value(const tokenkeep_token *token, size_t *length_or_null);

/**
 * The value of the Authorization header, "Bearer ..."; NULL if the setting `placement` is `query`.
 */
const char *tokenkeep_token_authorization(const tokenkeep_token *token, size_t *length_or_null);

/**
 * How many headers the vendor wants on a request: Authorization, unless the token goes into the
 * query, and its own, such as x-api-key.
 */
size_t tokenkeep_token_header_count(const tokenkeep_token *token);

/**
 * One header, `index` counting from 0; Authorization comes first. Either length may be NULL.
 * TOKENKEEP_INVALID_ARGUMENT: there is no such header.
 */
tokenkeep_status tokenkeep_token_header(const tokenkeep_token *token,
                                        size_t index,
                                        const char **name,
                                        size_t *name_length,
                                        const char **value,
                                        size_t *value_length);

/**
 * The pair for the query, "access_token=...", encoded; NULL unless the setting `placement` is
 * `query`. Send "Cache-Control: no-store" with such a request (RFC 6750 section 2.3).
 */
const char *tokenkeep_token_query(const tokenkeep_token *token, size_t *length_or_null);

/**
 * Whether the end of the token's life is known.
 */
tokenkeep_lifetime tokenkeep_token_lifetime(const tokenkeep_token *token);

/**
 * When the token ends, in milliseconds since the Unix epoch; INT64_MAX unless that is known.
 */
int64_t tokenkeep_token_expires_at_ms(const tokenkeep_token *token);

/**
 * The number of the grant behind the token, for tokenkeep_client_rejected. Each credential counts its
 * own.
 */
uint64_t tokenkeep_token_generation(const tokenkeep_token *token);

/**
 * The scope that was granted, names parted by spaces; NULL if neither the vendor nor the settings
 * name one.
 */
const char *tokenkeep_token_scope(const tokenkeep_token *token, size_t *length_or_null);

/**
 * The ID token that came with this token (OpenID Connect); NULL if none came, as with most refreshes.
 * It is NOT verified: nobody has looked at its signature, issuer, audience, nonce or times. Verify it
 * before you believe it.
 */
const char *tokenkeep_token_id_token(const tokenkeep_token *token,
                                     size_t *length_or_null);

/**
 * Another reference to the same token, to be freed on its own. NULL gives NULL.
 */
TOKENKEEP_MUST_USE tokenkeep_token *tokenkeep_token_clone(const tokenkeep_token *token);

/**
 * Drops one reference. The token is wiped with the last one; a client holds some of its own while it
 * lives. NULL is fine.
 */
void tokenkeep_token_free(tokenkeep_token *token);

/**
 * Begins a person's consent, for a client whose setting `grant` is `authorization_code` or
 * `device_code`: send the person to tokenkeep_consent_url. Then
 *
 * - with a loopback `redirect_uri` (`http://127.0.0.1/path`, `http://[::1]/path`,
 *   `http://localhost/path`), tokenkeep_consent_wait. Without a port in it, one is opened here and
 *   closed with the consent; one that it names is opened by the first wait;
 * - with any other `redirect_uri`, give the URL that they come back on to tokenkeep_consent_finish;
 * - with `device_code`, show them tokenkeep_consent_user_code beside the URL, and
 *   tokenkeep_consent_wait.
 *
 * Free it with tokenkeep_consent_free. Blocks for as long as the call, or else the setting
 * `timeout`, allows: the vendor may have to be asked for its addresses, or for a code.
 *
 * TOKENKEEP_UNSUPPORTED: this client's tokens need no consent.
 */
TOKENKEEP_MUST_USE
tokenkeep_status tokenkeep_client_consent(tokenkeep_client *client,
                                          const tokenkeep_call *call_or_null,
                                          tokenkeep_consent **out,
                                          tokenkeep_error **error);

/**
 * Goes on with a consent that tokenkeep_consent_seal gave, in this process or another. Every setting
 * that docs/SETTINGS.md calls identity must be that of the client that began it, and so must store_key
 * (or store_key_previous). Asks no vendor. Free it with tokenkeep_consent_free.
 *
 * TOKENKEEP_CONSENT_REQUIRED: it was sealed more than ten minutes ago; begin another.
 * TOKENKEEP_INVALID_ARGUMENT: it was changed, or sealed for another client or with another key.
 * TOKENKEEP_CONFIG: there is no `store_key`.
 */
TOKENKEEP_MUST_USE
tokenkeep_status tokenkeep_client_resume(tokenkeep_client *client,
                                         const char *sealed,
                                         size_t length,
                                         tokenkeep_consent **out,
                                         tokenkeep_error **error);

/**
 * Where to send the person.
 */
const char *tokenkeep_consent_url(const tokenkeep_consent *consent, size_t *length_or_null);

/**
 * The code to show the person beside the URL, also where the URL holds it: they compare the two. NULL
 * unless the setting `grant` is `device_code`.
 */
const char *tokenkeep_consent_user_code(const tokenkeep_consent *consent,
                                        size_t *length_or_null);

/**
 * Writes the consent as text, and a NUL, into the buffer: for the person's own session cookie, so that
 * another process can go on with it by tokenkeep_client_resume, within ten minutes. The text is
 * base64url, some 1,000 bytes long, and sealed with the setting `store_key`.
 *
 * `length` receives the length without the NUL, also with TOKENKEEP_BUFFER_TOO_SMALL: the buffer
 * needs one byte more than that. NULL as buffer, with a capacity of 0, asks for the length; the status
 * is then TOKENKEEP_BUFFER_TOO_SMALL, and an error is made if one is asked for. On failure the buffer
 * holds the empty text. Within one process a consent is finished at most once. Across processes only
 * the vendor can prevent a second use, by taking each code once.
 *
 * TOKENKEEP_UNSUPPORTED: the consent holds a loopback port of this process's.
 * TOKENKEEP_CONFIG: there is no `store_key`.
 */
TOKENKEEP_MUST_USE
tokenkeep_status tokenkeep_consent_seal(const tokenkeep_consent *consent,
                                        char *buffer,
                                        size_t capacity,
                                        size_t *length,
                                        tokenkeep_error **error);

/**
 * Takes the whole URL that the person came back on and buys the first token with it; from then on
 * tokenkeep_client_token has tokens. Succeeds once. `out` may be NULL. Blocks for as long as the call,
 * or else the setting `timeout`, allows.
 *
 * TOKENKEEP_INVALID_ARGUMENT: the URL is not `redirect_uri`, or this consent is over.
 * TOKENKEEP_PROTOCOL: its state or issuer is not this consent's, which stays open; or the vendor's
 * answer is malformed. TOKENKEEP_CONSENT_REQUIRED, TOKENKEEP_DENIED, TOKENKEEP_CONFIG,
 * TOKENKEEP_SERVER: the person or the vendor said no, by its error code.
 * TOKENKEEP_UNSUPPORTED: with `device_code` the person comes back on no URL; wait.
 * TOKENKEEP_TIMEOUT: the token may still come, for tokenkeep_client_token.
 */
TOKENKEEP_MUST_USE
tokenkeep_status tokenkeep_consent_finish(tokenkeep_consent *consent,
                                          const char *redirected_url,
                                          size_t length,
                                          const tokenkeep_call *call_or_null,
                                          tokenkeep_token **out,
                                          tokenkeep_error **error);

/**
 * Waits for the person, and buys the first token when they have said yes; from then on
 * tokenkeep_client_token has tokens. With a loopback `redirect_uri` this serves the person's browser,
 * on this thread; with `device_code` it asks the vendor, at the pace that the vendor sets. Blocks for as
 * long as the call, or else the setting `timeout`, allows: give people minutes. `out` may be NULL.
 * Threads that wait at once all get what comes, as does who waits later.
 *
 * TOKENKEEP_TIMEOUT: nobody came yet; the consent is as good as before, so wait again.
 * TOKENKEEP_CONSENT_REQUIRED: the person or the vendor said no, or the user code ended; this consent is
 * over. TOKENKEEP_CANCELLED: tokenkeep_consent_cancel or tokenkeep_client_close.
 * TOKENKEEP_UNSUPPORTED: `redirect_uri` leads elsewhere; use tokenkeep_consent_finish. Or this process
 * was forked since the consent was begun: the parent waits for the person.
 */
TOKENKEEP_MUST_USE
tokenkeep_status tokenkeep_consent_wait(tokenkeep_consent *consent,
                                        const tokenkeep_call *call_or_null,
                                        tokenkeep_token **out,
                                        tokenkeep_error **error);

/**
 * Another reference to the same consent, to be freed on its own. NULL gives NULL.
 */
TOKENKEEP_MUST_USE tokenkeep_consent *tokenkeep_consent_clone(const tokenkeep_consent *consent);

/**
 * Ends the consent without a token: it can no longer be finished, and whoever waits for it gets
 * TOKENKEEP_CANCELLED. NULL is fine.
 */
void tokenkeep_consent_cancel(tokenkeep_consent *consent);

/**
 * Drops one reference. The last one closes the consent's port; to end the waits of other threads, which
 * have references of their own, call tokenkeep_consent_cancel first. NULL is fine.
 */
void tokenkeep_consent_free(tokenkeep_consent *consent);

/**
 * The status that the call returned; TOKENKEEP_OK for NULL.
 */
tokenkeep_status tokenkeep_error_status(const tokenkeep_error *error);

/**
 * The HTTP status of the vendor's answer, such as 401; 0 if there was no answer.
 */
int32_t tokenkeep_error_http_status(const tokenkeep_error *error);

/**
 * What went wrong, where, and what to do, in words. It never holds a secret.
 */
const char *tokenkeep_error_message(const tokenkeep_error *error);

/**
 * The vendor's own code, such as "invalid_grant" or "unauthorized"; NULL if there is none.
 */
const char *tokenkeep_error_code(const tokenkeep_error *error);

/**
 * How long to wait, in milliseconds, before asking again can help; -1 if that is not known.
 */
int64_t tokenkeep_error_retry_after_ms(const tokenkeep_error *error);

/**
 * 1 if the same call may succeed later without anybody mending anything, 0 if not.
 */
int32_t tokenkeep_error_is_retryable(const tokenkeep_error *error);

/**
 * Frees the error. NULL is fine.
 */
void tokenkeep_error_free(tokenkeep_error *error);

#ifdef __cplusplus
}  // extern "C"
#endif  // __cplusplus

#endif  /* TOKENKEEP_H */
