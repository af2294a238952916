/// The little HTTP that the tests need: one request to a server on this machine.

#ifndef HTTP_HPP
#define HTTP_HPP

#include <string>
#include <string_view>

namespace http {

/// What a server said. The status is 0 if it said nothing.
struct Answer {
    int status = 0;
    std::string head;
    std::string body;

    /// The value of a header; empty if there is none.
    std::string header(std::string_view name) const;
};

/// Sends a request and takes the answer. `url` is http://127.0.0.1:PORT/..., `header` a whole line or empty.
Answer request(std::string_view method, std::string_view url, std::string_view header = {},
               std::string_view body = {});

} // namespace http

#endif
