// Gets a token for Acquired.com and uses it.
//
//     c++ -std=c++17 quickstart.cpp $(pkg-config --cflags --libs tokenkeep) -o quickstart
//     ACQUIRED_APP_ID=... ACQUIRED_APP_KEY=... ./quickstart

#include <cstdio>
#include <cstdlib>

#include <tokenkeep.hpp>

// Stands for your HTTP library: sends a request with these headers and returns the status of the answer.
static int list_customers(const tokenkeep::Headers &headers) { return headers.empty() ? 401 : 200; }

int main() {
    try {
        tokenkeep::Config config("acquired");
        config.set("environment", "qa");
        config.set("app_id", std::getenv("ACQUIRED_APP_ID")).set("app_key_env", "ACQUIRED_APP_KEY");
        if (const char *base_url = std::getenv("ACQUIRED_BASE_URL")) {
            config.set("base_url", base_url);
        }
        const tokenkeep::Client client(config);

        // Ask for a token before each request. If the vendor refuses it, say so: this throws if a new one
        // cannot help.
        const tokenkeep::Token token = client.token();
        int answer = list_customers(token.headers());
        if (answer == 401) {
            client.rejected(token, answer);
            answer = list_customers(client.token().headers());
        }
        std::printf("the vendor answered %d\n", answer);
        return 0;
    } catch (const tokenkeep::Error &error) {
        std::fprintf(stderr, "%s\n", error.what());
        return 1;
    }
}
