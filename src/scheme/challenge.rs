//! The WWW-Authenticate header: what a resource says of a token that it refused (RFC 9110 section 11.6.1,
//! RFC 6750 section 3).

/// One challenge: a scheme and its parameters.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Challenge {
    pub(crate) scheme: String,
    pub(crate) parameters: Vec<(String, String)>,
}

impl Challenge {
    pub(crate) fn parameter(&self, name: &str) -> Option<&str> {
        self.parameters.iter().find(|(known, _)| known.eq_ignore_ascii_case(name)).map(|(_, value)| &**value)
    }
}

/// The Bearer challenge among several.
pub(crate) fn bearer(header: &str) -> Option<Challenge> {
    parse(header).into_iter().find(|challenge| challenge.scheme.eq_ignore_ascii_case("bearer"))
}

/// Every challenge of the header. Several headers may be joined with commas. What cannot be read is passed over.
pub(crate) fn parse(header: &str) -> Vec<Challenge> {
    let mut challenges: Vec<Challenge> = Vec::new();
    let mut rest = Rest(header);
    loop {
        rest.skip_commas();
        let Some(word) = rest.token() else {
            // Something that begins no word: leave it out.
            if rest.skip_char() {
                continue;
            }
            return challenges;
        };
        let spaced = rest.skip_spaces();
        if rest.eat('=') && !rest.at_end_of_item() {
            rest.skip_spaces();
            let value = rest.value();
            if let Some(challenge) = challenges.last_mut() {
                challenge.parameters.push((word.to_owned(), value));
            }
        } else {
            challenges.push(Challenge { scheme: word.to_owned(), parameters: Vec::new() });
            if spaced {
                rest.skip_token68();
            }
        }
    }
}

/// What is left to read.
struct Rest<'a>(&'a str);

impl<'a> Rest<'a> {
    fn skip_commas(&mut self) {
        self.0 = self.0.trim_start_matches([',', ' ', '\t']);
    }

    fn skip_spaces(&mut self) -> bool {
        let before = self.0.len();
        self.0 = self.0.trim_start_matches([' ', '\t']);
        self.0.len() != before
    }

    fn skip_char(&mut self) -> bool {
        let mut letters = self.0.chars();
        let there = letters.next().is_some();
        self.0 = letters.as_str();
        there
    }

    fn eat(&mut self, wanted: char) -> bool {
        match self.0.strip_prefix(wanted) {
            Some(rest) => {
                self.0 = rest;
                true
            }
            None => false,
        }
    }

    /// An "=" with nothing behind it is padding, not a parameter.
    fn at_end_of_item(&self) -> bool {
        self.0.is_empty() || self.0.starts_with(['=', ','])
    }

    fn token(&mut self) -> Option<&'a str> {
        let is_token = |c: char| c.is_ascii_alphanumeric() || "!#$%&'*+-.^_`|~".contains(c);
        let end = self.0.find(|c| !is_token(c)).unwrap_or(self.0.len());
        let (word, rest) = self.0.split_at(end);
        self.0 = rest;
        (!word.is_empty()).then_some(word)
    }

    /// "Basic dXNlcg==": credentials in place of parameters.
    fn skip_token68(&mut self) {
        let is_68 = |c: char| c.is_ascii_alphanumeric() || "-._~+/".contains(c);
        let letters = self.0.find(|c| !is_68(c)).unwrap_or(self.0.len());
        let padding = self.0[letters..].find(|c| c != '=').unwrap_or(self.0.len() - letters);
        let behind = self.0[letters + padding..].trim_start_matches([' ', '\t']);
        if letters > 0 && (behind.is_empty() || behind.starts_with(',')) {
            self.0 = behind;
        }
    }

    fn value(&mut self) -> String {
        if !self.eat('"') {
            let end = self.0.find([',', ' ', '\t']).unwrap_or(self.0.len());
            let (value, rest) = self.0.split_at(end);
            self.0 = rest;
            return value.to_owned();
        }
        let mut value = String::new();
        let mut letters = self.0.chars();
        while let Some(letter) = letters.next() {
            match letter {
                '"' => break,
                '\\' => value.extend(letters.next()),
                other => value.push(other),
            }
        }
        self.0 = letters.as_str();
        value
    }
}

#[cfg(test)]
mod test {
    use super::*;

    fn challenge(scheme: &str, parameters: &[(&str, &str)]) -> Challenge {
        let parameters = parameters.iter().map(|(n, v)| ((*n).to_owned(), (*v).to_owned())).collect();
        Challenge { scheme: scheme.to_owned(), parameters }
    }

    #[test]
    fn several_challenges_with_commas_in_quotes_are_told_apart() {
        let header = r#"Basic realm="a, \"b\"", bEaReR error=invalid_token, error_description="gone, sorry" , Negotiate"#;
        assert_eq!(
            parse(header),
            [
                challenge("Basic", &[("realm", "a, \"b\"")]),
                challenge("bEaReR", &[("error", "invalid_token"), ("error_description", "gone, sorry")]),
                challenge("Negotiate", &[]),
            ]
        );
        assert_eq!(bearer(header).unwrap().parameter("ERROR"), Some("invalid_token"));
    }

    #[test]
    fn credentials_in_place_of_parameters_are_passed_over() {
        let parsed = parse("Negotiate dXNlcg==, Bearer");
        assert_eq!(parsed, [challenge("Negotiate", &[]), challenge("Bearer", &[])]);
    }

    #[test]
    fn spaces_around_the_equals_sign_are_allowed() {
        assert_eq!(parse("Bearer realm = \"x\""), [challenge("Bearer", &[("realm", "x")])]);
    }

    #[test]
    fn rubbish_ends() {
        for header in ["", ",,,", "=", "\"", "Bearer error=", "Bearer error=\"", "é Bearer", "a=b", "\\"] {
            parse(header);
        }
        assert!(bearer("é, Bearer error=invalid_token").is_some());
    }
}
