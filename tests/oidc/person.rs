//! A person with a browser: follows redirects, keeps cookies, fills in the forms.

use crate::support::browser::{Page, send};

/// What the person thinks of being asked.
#[derive(Clone, Copy, PartialEq)]
enum Answer {
    Yes,
    No,
}

/// Where it ends.
#[derive(Debug)]
enum End {
    /// They were sent to this URL, which is another server's.
    Sent(String),
    /// A page with nothing more to do.
    Page(String),
}

/// Somebody who has not been there before.
#[derive(Default)]
struct Person {
    cookies: Vec<(String, String)>,
}

/// Has a person sign in and say yes, and tells where they were sent.
pub(crate) fn says_yes(url: &str) -> String {
    sent(Person::default().browse(url, Answer::Yes))
}

/// Has a person turn away, and tells where they were sent.
pub(crate) fn says_no(url: &str) -> String {
    sent(Person::default().browse(url, Answer::No))
}

/// Has a person sign in and say yes to a device.
pub(crate) fn allows_device(url: &str) {
    let end = Person::default().browse(url, Answer::Yes);
    assert!(matches!(&end, End::Page(page) if page.contains("Sign-in Success")), "{end:?}");
}

/// Has a person say no to a device.
pub(crate) fn refuses_device(url: &str) {
    let end = Person::default().browse(url, Answer::No);
    assert!(matches!(&end, End::Page(page) if page.contains("interrupted")), "{end:?}");
}

fn sent(end: End) -> String {
    match end {
        End::Sent(url) => url,
        End::Page(page) => panic!("they were sent nowhere: {page}"),
    }
}

impl Person {
    /// Goes from page to page until there is nothing more to do.
    fn browse(&mut self, url: &str, answer: Answer) -> End {
        let origin = origin(url);
        let mut page = self.open("GET", url, "");
        let mut has_refused = false;
        for _ in 0..20 {
            let form = form(&page.body);
            if let Some(location) = page.header("location") {
                let next = match location.strip_prefix('/') {
                    Some(path) => format!("{origin}{path}"),
                    None => location.to_owned(),
                };
                if !next.starts_with(origin) {
                    return End::Sent(next);
                }
                page = self.open("GET", &next, "");
            } else if has_refused || form.is_none() {
                return End::Page(page.body);
            } else if let Some(cancel) = link(&page.body, "[ Cancel ]").filter(|_| answer == Answer::No) {
                has_refused = true;
                page = self.open("GET", &cancel, "");
            } else if let Some((action, mut fields)) = form {
                has_refused = answer == Answer::No && page.body.contains("name=\"abort\"");
                if has_refused {
                    fields.push(("abort".into(), "yes".into()));
                }
                page = self.open("POST", &action, &encoded(fields));
            }
        }
        panic!("it goes round in circles, last to {}", page.body);
    }

    fn open(&mut self, method: &str, url: &str, body: &str) -> Page {
        let cookies: Vec<_> = self.cookies.iter().map(|(name, value)| format!("{name}={value}")).collect();
        let headers = [
            ("Accept", "text/html"),
            ("Cookie", &*cookies.join("; ")),
            ("Content-Type", "application/x-www-form-urlencoded"),
        ];
        let page = send(method, url, &headers, body);
        for (_, line) in page.headers.iter().filter(|(name, _)| name.eq_ignore_ascii_case("set-cookie")) {
            let (name, value) =
                line.split(';').next().and_then(|pair| pair.split_once('=')).expect("a cookie");
            self.cookies.retain(|(known, _)| known != name);
            if !value.is_empty() {
                self.cookies.push((name.to_owned(), value.to_owned()));
            }
        }
        page
    }
}

/// Scheme, host and port, with the slash behind them.
fn origin(url: &str) -> &str {
    let (end, _) = url.match_indices('/').nth(2).expect("a path");
    &url[..=end]
}

/// The page's form, filled in: where it goes, and its fields. What is not given, such as a name, is "ada".
fn form(page: &str) -> Option<(String, Vec<(String, String)>)> {
    let (form, _) = page.split_once("<form")?.1.split_once("</form>")?;
    let fields = form.split("<input").skip(1).filter_map(|input| {
        let input = input.split('>').next()?;
        Some((attribute(input, "name")?, attribute(input, "value").unwrap_or("ada".into())))
    });
    Some((attribute(form, "action")?, fields.collect()))
}

fn encoded(fields: Vec<(String, String)>) -> String {
    form_urlencoded::Serializer::new(String::new()).extend_pairs(fields).finish()
}

/// Where the link with this text leads.
fn link(page: &str, text: &str) -> Option<String> {
    let (before, _) = page.split_once(&format!(">{text}</a>"))?;
    attribute(&before[before.rfind("<a")?..], "href")
}

fn attribute(tag: &str, name: &str) -> Option<String> {
    let (_, rest) = tag.split_once(&format!(" {name}=\""))?;
    Some(rest.split('"').next()?.replace("&amp;", "&"))
}
