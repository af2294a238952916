// One way to get tokens, from first to last: get one, use it, outlive it, have it revoked.
//
//     demo RESOURCE CONTROL VENDOR PROVIDER [NAME=VALUE ...]
//
// Prints what happened, five words parted by tabs. demo/run.py runs it for every vendor of the sandbox.
#include <array>
#include <chrono>
#include <cstdio>
#include <exception>
#include <stdexcept>
#include <string>
#include <string_view>
#include <thread>

#include "loopback.h"
#include "tokenkeep.hpp"

namespace {

using Answer = std::array<char, 16384>;

void need(bool good, const char *what) {
    if (!good) {
        throw std::runtime_error(what);
    }
}

int request(const char *method, const std::string &url, const std::string &headers, Answer &answer) {
    const char *body = std::string_view(method) == "POST" ? "{}" : "";
    return loopback_request(method, url.c_str(), headers.c_str(), body, answer.data(), answer.size());
}

tokenkeep::Client open_client(const char *provider, char **settings) {
    tokenkeep::Config config(provider);
    for (; *settings != nullptr; settings++) {
        const std::string_view setting = *settings;
        const auto middle = setting.find('=');
        need(middle != std::string_view::npos, "settings are NAME=VALUE");
        config.set(setting.substr(0, middle), setting.substr(middle + 1));
    }
    return tokenkeep::Client(config);
}

// Where a person must say yes, the sandbox's authorization server does so at once: open the URL as a browser
// would, and hand over the URL that it redirects to.
void say_yes(const tokenkeep::Client &client) {
    auto consent = client.try_consent();
    if (consent.status() == tokenkeep::Status::unsupported) {
        return;
    }
    Answer answer;
    const std::string url(consent.value().url());
    need(request("GET", url, "", answer) == 302, "the consent page did not redirect");
    const char *redirected = loopback_header(answer.data(), "location");
    need(redirected != nullptr, "the redirect leads nowhere");
    static_cast<void>(consent.value().finish(redirected));
}

// Calls the vendor with everything it wants beside the request. Returns the HTTP status.
int call_resource(const std::string &url, const tokenkeep::Token &token) {
    std::string headers;
    for (const auto [name, value] : token.headers()) {
        headers.append(name).append(": ").append(value).append("\r\n");
    }
    Answer answer;
    return request("GET", url, headers, answer);
}

void run(const std::string &resource, const std::string &control, const tokenkeep::Client &client) {
    say_yes(client);

    tokenkeep::Token token = client.token();
    std::printf("yes\t");
    need(call_resource(resource, token) == 200, "the resource did not take the token");
    std::printf("200\t");

    if (const auto end = token.expires_at()) {
        std::this_thread::sleep_until(*end + std::chrono::milliseconds(50));
        need(call_resource(resource, token) == 401, "the resource took an expired token");
        std::printf("401\t");
        token = client.token();
        need(call_resource(resource, token) == 200, "the resource did not take the renewed token");
        std::printf("200\t");
    } else {
        const bool never = token.lifetime() == tokenkeep::Lifetime::never;
        std::printf("%s\tnot needed\t", never ? "never does" : "no end known");
    }

    Answer answer;
    need(request("POST", control, "", answer) == 200, "the sandbox revoked nothing");
    need(call_resource(resource, token) == 401, "the resource took a revoked token");
    const auto worth_it = client.try_rejected(token, 401);
    if (worth_it) {
        need(call_resource(resource, client.token()) == 200, "the resource did not take the new token");
        std::printf("recovered\n");
    } else {
        need(worth_it.status() == tokenkeep::Status::rejected, "the rejection was not understood");
        std::printf("told: do not ask again\n");
    }
}

} // namespace

int main(int count, char **arguments) {
    try {
        need(count >= 5, "usage: demo RESOURCE CONTROL VENDOR PROVIDER [NAME=VALUE ...]");
        const std::string revoke = std::string(arguments[2]) + "/vendors/" + arguments[3] + "/revoke";
        run(arguments[1], revoke, open_client(arguments[4], arguments + 5));
        return 0;
    } catch (const std::exception &error) {
        std::fprintf(stderr, "%s\n", error.what());
        return 1;
    }
}
