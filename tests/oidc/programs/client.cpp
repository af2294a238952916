// A program that a test plays through: its arguments are settings, name=value; each line that it reads is a
// command, and each line that it writes is what came of it, a text or "STATUS message".

#include <future>
#include <iostream>
#include <optional>
#include <string>
#include <vector>

#include <tokenkeep.hpp>

using tokenkeep::Client;
using tokenkeep::Consent;

/// Has many threads ask at once. The tokens must be the same one.
static std::string ask_together(const Client &client) {
    std::vector<std::future<std::string>> asked;
    for (int i = 0; i < 4; i++) {
        asked.push_back(
            std::async(std::launch::async, [&client] { return std::string(client.token().value()); }));
    }
    const std::string first = asked.front().get();
    for (std::size_t i = 1; i < asked.size(); i++) {
        if (asked[i].get() != first) {
            return "not the same token";
        }
    }
    return first;
}

static std::string obey(const Client &client, std::optional<Consent> &consent, const std::string &command) {
    const std::string finish = "finish ", resume = "resume ";
    if (command == "token") {
        return std::string(client.token().value());
    }
    if (command == "together") {
        return ask_together(client);
    }
    if (command == "reject") {
        client.rejected(client.token(), 401);
        return "rejected";
    }
    if (command == "revoke") {
        client.revoke();
        return "revoked";
    }
    if (command == "consent") {
        consent = client.consent();
        return std::string(consent->url());
    }
    if (command == "seal") {
        return consent->seal();
    }
    if (command.rfind(resume, 0) == 0) {
        consent = client.resume(command.substr(resume.size()));
        return std::string(consent->url());
    }
    if (command == "user_code") {
        return std::string(consent->user_code());
    }
    if (command == "wait") {
        return std::string(consent->wait().value());
    }
    if (command.rfind(finish, 0) == 0) {
        return std::string(consent->finish(command.substr(finish.size())).value());
    }
    return "no such command";
}

int main(int count, char **settings) try {
    tokenkeep::Config config("oauth2");
    for (int i = 1; i < count; i++) {
        const std::string setting = settings[i];
        const std::size_t sign = setting.find('=');
        config.set(setting.substr(0, sign), setting.substr(sign + 1));
    }
    const Client client(config);
    std::optional<Consent> consent;
    for (std::string line; std::getline(std::cin, line);) {
        try {
            std::cout << obey(client, consent, line) << std::endl;
        } catch (const tokenkeep::Error &error) {
            std::cout << to_string(error.status()) << ' ' << error.what() << std::endl;
        }
    }
    return 0;
} catch (const tokenkeep::Error &error) {
    std::cerr << error.what() << std::endl;
    return 1;
}
