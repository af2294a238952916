//! A C program that calls every function of the header with NULL in every place where a pointer goes. It is made
//! from the header, so that no function can be forgotten.

use std::fmt::Write;

use super::declaration::Declaration;

/// The program's text.
pub(crate) fn program() -> String {
    let mut calls = String::new();
    for function in Declaration::all() {
        for arguments in arguments(&function) {
            let call = format!("{}({})", function.name, arguments.join(", "));
            writeln!(calls, "    {}\n    settle();", statement(&function.gives, &call)).expect("memory");
        }
    }
    format!("{HEAD}{calls}{TAIL}")
}

/// Every way to call a function that is tried.
fn arguments(function: &Declaration) -> Vec<Vec<String>> {
    let kinds = &function.parameters;
    let null = |kind: &String| if is_pointer(kind) { "NULL" } else { "0" }.to_owned();
    let mut tried = vec![kinds.iter().map(null).collect()];
    if function.name.ends_with("_free") {
        // What is freed here could not be used in the next call.
        return tried;
    }
    let valid: Vec<_> = kinds.iter().map(|kind| valid(kind).to_owned()).collect();
    for (place, kind) in kinds.iter().enumerate().filter(|(_, kind)| is_pointer(kind)) {
        let mut arguments = valid.clone();
        arguments[place] = "NULL".to_owned();
        tried.push(arguments.clone());
        if kind.ends_with("char *") && kinds.get(place + 1).is_some_and(|next| next == "size_t") {
            for length in ["0", "SIZE_MAX", "SIZE_MAX - 1"] {
                arguments[place + 1] = length.to_owned();
                tried.push(arguments.clone());
            }
        }
    }
    tried.push(valid);
    tried
}

fn is_pointer(kind: &str) -> bool {
    kind.ends_with('*') || kind.ends_with("_callback")
}

/// An argument that is as it should be.
fn valid(kind: &str) -> &'static str {
    match kind.strip_prefix("const ").unwrap_or(kind) {
        "tokenkeep_config *" => "config",
        "tokenkeep_client *" => "client",
        "tokenkeep_token *" => "token",
        "tokenkeep_consent *" => "consent",
        "tokenkeep_error *" => "error",
        "tokenkeep_config **" => "&new_config",
        "tokenkeep_client **" => "&new_client",
        "tokenkeep_token **" => "&new_token",
        "tokenkeep_consent **" => "&new_consent",
        "tokenkeep_error **" => "&new_error",
        "tokenkeep_call *" => "&call",
        "tokenkeep_stats *" => "&stats",
        "tokenkeep_store *" => "&store",
        // There is one during a store's load alone.
        "tokenkeep_record *" => "no_record",
        "tokenkeep_log_callback" => "on_log",
        "tokenkeep_drop_callback" => "on_drop",
        "char *" if kind == "char *" => "buffer",
        "char *" => "\"text\"",
        "char **" => "&text",
        "size_t *" => "&length",
        "uint64_t *" => "&generation",
        "void *" => "&dropped",
        "size_t" => "4",
        "int32_t" => "4",
        "uint64_t" => "1",
        _ => panic!("say here what a good {kind} is"),
    }
}

/// The call, and what becomes of what it gives.
fn statement(gives: &str, call: &str) -> String {
    match gives {
        "void" => format!("{call};"),
        "tokenkeep_config *" => format!("new_config = {call};"),
        "tokenkeep_client *" => format!("new_client = {call};"),
        "tokenkeep_token *" => format!("new_token = {call};"),
        "tokenkeep_consent *" => format!("new_consent = {call};"),
        _ => format!("answered += {call} != 0;"),
    }
}

const HEAD: &str = r#"#include <stdio.h>
#include <tokenkeep.h>

static tokenkeep_config *config, *new_config;
static tokenkeep_client *client, *new_client;
static tokenkeep_token *token, *new_token;
static tokenkeep_consent *consent, *new_consent;
static tokenkeep_error *error, *new_error;
static tokenkeep_call call = TOKENKEEP_CALL_INIT;
static tokenkeep_stats stats = TOKENKEEP_STATS_INIT;
static tokenkeep_store store = TOKENKEEP_STORE_INIT;
static tokenkeep_record *no_record;
static char buffer[64];
static const char *text;
static size_t length;
static uint64_t generation;
static int answered, dropped;

static void on_log(void *user_data, int32_t level, const char *message, size_t size) {
    answered += user_data == NULL && level < 0 && message == NULL && size == 0;
}

static void on_drop(void *user_data) {
    dropped += user_data != NULL;
}

static void settle(void) {
    tokenkeep_config_free(new_config);
    tokenkeep_client_free(new_client);
    tokenkeep_token_free(new_token);
    tokenkeep_consent_free(new_consent);
    tokenkeep_error_free(new_error);
    new_config = NULL;
    new_client = NULL;
    new_token = NULL;
    new_consent = NULL;
    new_error = NULL;
}

static void set(const char *name, const char *value) {
    tokenkeep_config_set(config, name, value, TOKENKEEP_NUL_ENDED);
}

/* A real object of each kind. Nobody is asked for any of them. */
static int make_all(void) {
    tokenkeep_client *asker = NULL;
    int made;

    config = tokenkeep_config_new("pink");
    set("grant", "authorization_code");
    set("client_id", "id");
    set("redirect_uri", "https://app.example/back");
    set("authorize_url", "https://vendor.example/authorize");
    set("token_url", "https://vendor.example/token");
    made = tokenkeep_client_new(config, &asker, NULL) == TOKENKEEP_OK &&
           tokenkeep_client_consent(asker, NULL, &consent, NULL) == TOKENKEEP_OK;
    tokenkeep_client_free(asker);
    tokenkeep_config_free(config);

    config = tokenkeep_config_new("acquire");
    set("access_token", "given");
    return made && tokenkeep_client_new(config, &client, NULL) == TOKENKEEP_OK &&
           tokenkeep_client_token(client, NULL, &token, NULL) == TOKENKEEP_OK &&
           tokenkeep_client_new(NULL, &new_client, &error) == TOKENKEEP_INVALID_ARGUMENT;
}

int main(void) {
    if (!make_all()) {
        fprintf(stderr, "the objects cannot be made\n");
        return 1;
    }
"#;

const TAIL: &str = r#"
    tokenkeep_config_free(config);
    tokenkeep_client_free(client);
    tokenkeep_token_free(token);
    tokenkeep_consent_free(consent);
    tokenkeep_error_free(error);
    printf("%d answered, %d dropped\n", answered, dropped);
    return 0;
}
"#;
