//! A person with a browser: follows redirects, keeps cookies, fills in the forms.

use crate::support::browser::{Page, send};

/// What the person thinks of being asked.
#[derive(Clone, Copy, PartialEq)]
enum Answer {
    Yes,
    No,
}

/// Somebody who has not been there before.
#[derive(Default)]
struct Person {
    cookies: Vec<(String, String)>,
}

/// Has a person sign in and say yes, and tells where they were sent.
pub(crate) fn says_yes(url: &str) -> String {
    Person::default().browse(url, Answer::Yes)
}

/// Has a person turn away, and tells where they were sent.
pub(crate) fn says_no(url: &str) -> String {
    Person::default().browse(url, Answer::No)
}

impl Person {
    /// Goes from page to page until one of another server's.
    fn browse(&mut self, url: &str, answer: Answer) -> String {
        let origin = origin(url);
        let mut page = self.open("GET", url, "");
        for _ in 0..20 {
            if let Some(location) = page.header("location") {
                let next =
                    if location.starts_with('/') { format!("{origin}{location}") } else { location.into() };
                if !next.starts_with(origin) {
                    return next;
                }
                page = self.open("GET", &next, "");
            } else if let Some(cancel) = link(&page.body, "[ Cancel ]").filter(|_| answer == Answer::No) {
                page = self.open("GET", &cancel, "");
            } else {
                let (action, fields) = form(&page.body);
                page = self.open("POST", &action, &fields);
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

fn origin(url: &str) -> &str {
    let end = url.match_indices('/').nth(2).map_or(url.len(), |(end, _)| end);
    &url[..end]
}

/// The page's form, filled in: where it goes, and its fields. What is not given, such as a name, is "ada".
fn form(page: &str) -> (String, String) {
    let form = page.split_once("<form").and_then(|(_, rest)| rest.split_once("</form>"));
    let (form, _) = form.unwrap_or_else(|| panic!("no form in {page}"));
    let fields = form.split("<input").skip(1).filter_map(|input| {
        let input = input.split('>').next().unwrap_or_default();
        Some((attribute(input, "name")?, attribute(input, "value").unwrap_or("ada".into())))
    });
    let body = form_urlencoded::Serializer::new(String::new()).extend_pairs(fields).finish();
    (attribute(form, "action").expect("an action"), body)
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
