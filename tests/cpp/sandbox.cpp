#include "sandbox.hpp"

#include <chrono>
#include <cstdlib>
#include <thread>

#include "check.hpp"
#include "http.hpp"

namespace sandbox {

std::string url;

void reset() { control("reset", "{}"); }

void control(std::string_view path, std::string_view json) {
    CHECK(http::request("POST", (url + "/control/").append(path), {}, json).status == 200);
}

int count(std::string_view endpoint) {
    constexpr std::string_view member = "\"requests\":";
    const std::string counts = http::request("GET", url + "/control/counts").body;
    const std::size_t found = counts.find(std::string("\"").append(endpoint).append("\":"));
    const std::size_t number = found != std::string::npos ? counts.find(member, found) : found;
    return number != std::string::npos ? std::atoi(counts.c_str() + number + member.size()) : 0;
}

bool wait_for(std::string_view endpoint, int requests) {
    for (int tries = 0; tries < 500; ++tries) {
        if (count(endpoint) >= requests) {
            return true;
        }
        std::this_thread::sleep_for(std::chrono::milliseconds(20));
    }
    return false;
}

int get(std::string_view path, std::string_view authorization) {
    const std::string header = std::string("Authorization: ").append(authorization);
    return http::request("GET", std::string(url).append(path), header).status;
}

tokenkeep::Config config(std::string_view vendor, std::string_view account) {
    return tokenkeep::Config(vendor)
        .set("base_url", std::string(url).append("/").append(vendor))
        .set("account", account);
}

tokenkeep::Config acquired(std::string_view account) {
    return config("acquired", account).set("app_id", app_id).set("app_key", app_key);
}

} // namespace sandbox
