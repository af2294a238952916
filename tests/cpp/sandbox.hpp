/// The sandbox, which plays the vendors, and configs for clients that ask it.

#ifndef SANDBOX_HPP
#define SANDBOX_HPP

#include <string>
#include <string_view>

#include <tokenkeep.hpp>

namespace sandbox {

/// As the sandbox knows them.
inline constexpr std::string_view app_id = "sbx00001";
inline constexpr std::string_view app_key = "SANDBOX-SECRET-app-key-000000001";
inline constexpr std::string_view company_id = "5a4b7a4e-0c3c-4d57-9b0f-1f6f1a3c0001";
inline constexpr std::string_view mid = "5a4b7a4e-0c3c-4d57-9b0f-1f6f1a3c0002";

/// Where it listens, such as http://127.0.0.1:40123. Set once, by main.
extern std::string url;

/// Back to the start: faults, tokens, counts.
void reset();

/// POSTs JSON to the control, such as ("faults", "{...}").
void control(std::string_view path, std::string_view json);

/// How many requests an endpoint such as "acquired/login" has seen.
int count(std::string_view endpoint);

/// Waits until an endpoint has seen so many requests. False if it takes more than ten seconds.
bool wait_for(std::string_view endpoint, int requests);

/// GETs a protected resource with this Authorization header's value; returns the status.
int get(std::string_view path, std::string_view authorization);

/// A config for a vendor of the sandbox: its provider, its base_url, and an account, which keeps the tokens
/// of one test from another's.
tokenkeep::Config config(std::string_view vendor, std::string_view account);

/// A config with which a client gets tokens from the sandbox's Acquired.com.
tokenkeep::Config acquired(std::string_view account);

} // namespace sandbox

#endif
