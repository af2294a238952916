#include "http.hpp"

#include <cstdint>
#include <cstdlib>

#include <arpa/inet.h>
#include <netinet/in.h>
#include <strings.h>
#include <sys/socket.h>
#include <unistd.h>

namespace http {

namespace {

/// A TCP connection, closed when it goes.
class Connection {
public:
    explicit Connection(std::uint16_t port) : socket_(socket(AF_INET, SOCK_STREAM, 0)) {
        sockaddr_in peer = {};
        peer.sin_family = AF_INET;
        peer.sin_port = htons(port);
        peer.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
        open_ = connect(socket_, reinterpret_cast<const sockaddr *>(&peer), sizeof(peer)) == 0;
    }

    Connection(const Connection &) = delete;
    Connection &operator=(const Connection &) = delete;
    ~Connection() { close(socket_); }

    bool send_all(std::string_view text) const {
        while (open_ && !text.empty()) {
            const ssize_t sent = send(socket_, text.data(), text.size(), MSG_NOSIGNAL);
            if (sent <= 0) {
                return false;
            }
            text.remove_prefix(static_cast<std::size_t>(sent));
        }
        return open_;
    }

    /// Reads until the peer closes; HTTP/1.0 ends a body so.
    std::string receive_all() const {
        std::string message;
        char part[4096];
        ssize_t received = 0;
        while ((received = recv(socket_, part, sizeof(part), 0)) > 0) {
            message.append(part, static_cast<std::size_t>(received));
        }
        return message;
    }

private:
    int socket_;
    bool open_ = false;
};

Answer parse(const std::string &message) {
    const std::size_t end = message.find("\r\n\r\n");
    if (message.compare(0, 7, "HTTP/1.") != 0 || end == std::string::npos) {
        return {};
    }
    return {std::atoi(message.c_str() + 9), message.substr(0, end + 2), message.substr(end + 4)};
}

} // namespace

std::string Answer::header(std::string_view name) const {
    for (std::size_t line = head.find("\r\n"); line != std::string::npos;
         line = head.find("\r\n", line + 2)) {
        const std::size_t start = line + 2;
        if (strncasecmp(head.c_str() + start, name.data(), name.size()) == 0 &&
            head.compare(start + name.size(), 2, ": ") == 0) {
            const std::size_t value = start + name.size() + 2;
            return head.substr(value, head.find("\r\n", value) - value);
        }
    }
    return {};
}

Answer request(std::string_view method, std::string_view url, std::string_view header,
               std::string_view body) {
    constexpr std::string_view origin = "http://127.0.0.1:";
    if (url.substr(0, origin.size()) != origin) {
        return {};
    }
    const std::string address(url.substr(origin.size()));
    const std::size_t slash = address.find('/');
    std::string message(method);
    message.append(" ").append(slash != std::string::npos ? address.substr(slash) : "/");
    message.append(" HTTP/1.0\r\nHost: 127.0.0.1:").append(address.substr(0, slash));
    message.append("\r\nContent-Type: application/json\r\nContent-Length: ");
    message.append(std::to_string(body.size())).append("\r\n");
    if (!header.empty()) {
        message.append(header).append("\r\n");
    }
    message.append("\r\n").append(body);

    const Connection connection(static_cast<std::uint16_t>(std::atoi(address.c_str())));
    return connection.send_all(message) ? parse(connection.receive_all()) : Answer();
}

} // namespace http
