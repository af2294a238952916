//! What the person sees. Fixed texts: nothing of a request is ever repeated.

/// One answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Page {
    /// The person's answer arrived.
    Arrived,
    /// It arrived, and it is a no, or cannot be used.
    Declined,
    /// No request that the listener serves.
    Malformed,
    /// No answer to what was asked.
    Unasked,
    NotFound,
    NotAllowed,
}

impl Page {
    pub(super) fn answer(self) -> String {
        let (status, text) = match self {
            Page::Arrived => ("200 OK", "You can close this window and go back to the program."),
            Page::Declined => {
                ("200 OK", "The login did not succeed. Go back to the program: it knows the reason.")
            }
            Page::Malformed => ("400 Bad Request", "This request cannot be answered here."),
            Page::Unasked => {
                ("400 Bad Request", "This does not answer the login that the program waits for.")
            }
            Page::NotFound => ("404 Not Found", "There is nothing here."),
            Page::NotAllowed => ("405 Method Not Allowed", "Only GET is answered here."),
        };
        let allow = if self == Page::NotAllowed { "Allow: GET\r\n" } else { "" };
        let body = format!(
            "<!doctype html><html lang=\"en\"><meta charset=\"utf-8\"><title>Login</title><p>{text}</p></html>\n"
        );
        // The address bar holds a code: nothing may be stored, loaded, framed or told of it.
        format!(
            "HTTP/1.1 {status}\r\n{allow}Content-Type: text/html; charset=utf-8\r\nContent-Length: {}\r\n\
             Cache-Control: no-store\r\nContent-Security-Policy: default-src 'none'; frame-ancestors 'none'\r\n\
             Referrer-Policy: no-referrer\r\nX-Content-Type-Options: nosniff\r\nConnection: close\r\n\r\n{body}",
            body.len()
        )
    }
}
