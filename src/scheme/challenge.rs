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

/// The Bearer challenge among several: the one that says what is wrong, if one does.
pub(crate) fn bearer(header: &str) -> Option<Challenge> {
    let challenges = parse(header).into_iter();
    let mut bearers = challenges.filter(|challenge| challenge.scheme.eq_ignore_ascii_case("bearer"));
    let first = bearers.next()?;
    let tells = |challenge: &Challenge| challenge.parameter("error").is_some();
    Some(if tells(&first) { first } else { bearers.find(tells).unwrap_or(first) })
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
    fn the_example_of_rfc_9110_section_11_6_1_is_read() {
        let header = r#"Basic realm="simple", Newauth realm="apps", type=1, title="Login to \"apps\"""#;
        let newauth = [("realm", "apps"), ("type", "1"), ("title", "Login to \"apps\"")];
        assert_eq!(
            parse(header),
            [challenge("Basic", &[("realm", "simple")]), challenge("Newauth", &newauth)]
        );
    }

    #[test]
    fn lists_may_have_gaps_and_any_space() {
        let header = ", ,Bearer\t ,error=invalid_token\t,,scope = \"a b\",,Basic realm=x,";
        let bearer = [("error", "invalid_token"), ("scope", "a b")];
        assert_eq!(parse(header), [challenge("Bearer", &bearer), challenge("Basic", &[("realm", "x")])]);
        // Without the comma that belongs there.
        let header = "Bearer error=\"invalid_token\" error_description=\"gone\"";
        let wanted = challenge("Bearer", &[("error", "invalid_token"), ("error_description", "gone")]);
        assert_eq!(parse(header), [wanted]);
    }

    #[test]
    fn what_stands_in_quotes_is_no_challenge() {
        for header in [
            r#"Basic realm="Bearer error=\"insufficient_scope\"""#,
            r#"Basic realm="a, Bearer error=insufficient_scope, x""#,
            r#"Basic realm="\\\", Bearer error=insufficient_scope""#,
        ] {
            assert_eq!(bearer(header), None, "{header}");
        }
        let escaped = bearer(r#"bearer error="inv\alid\_token", realm="\\""#).unwrap();
        assert_eq!(
            (escaped.parameter("error"), escaped.parameter("realm")),
            (Some("invalid_token"), Some("\\"))
        );
    }

    #[test]
    fn of_several_bearer_challenges_the_one_counts_that_tells_something() {
        for (header, error) in [
            ("Bearer realm=a, Bearer realm=b, error=invalid_token", Some("invalid_token")),
            ("Bearer error=insufficient_scope, Bearer error=invalid_token", Some("insufficient_scope")),
            ("DPoP error=use_dpop_nonce, Bearer realm=a, Bearer", None),
        ] {
            assert_eq!(bearer(header).unwrap().parameter("error"), error, "{header}");
        }
        assert_eq!(bearer("DPoP error=invalid_token"), None);
    }

    #[test]
    fn a_parameter_that_is_repeated_counts_once() {
        let twice = bearer("Bearer error=invalid_token, ERROR=insufficient_scope").unwrap();
        assert_eq!(twice.parameter("Error"), Some("invalid_token"));
    }

    #[test]
    fn credentials_of_every_letter_that_they_may_have_are_passed_over() {
        for credentials in ["abc", "a-._~+/9==", "=="] {
            let parsed = parse(&format!("Negotiate {credentials} , Bearer realm=x"));
            assert_eq!(parsed.last(), Some(&challenge("Bearer", &[("realm", "x")])), "{credentials}");
            assert!(parsed[0].parameters.is_empty(), "{credentials}");
        }
    }

    /// A challenge as a server that keeps to the grammar writes it.
    fn written(challenge: &Challenge) -> String {
        let escaped = |value: &str| value.replace('\\', "\\\\").replace('"', "\\\"");
        let pairs = challenge.parameters.iter().map(|(name, value)| format!("{name}=\"{}\"", escaped(value)));
        format!("{} {}", challenge.scheme, pairs.collect::<Vec<_>>().join(", "))
    }

    /// Whatever comes is read to its end; and what was understood of it is what is understood of its proper form.
    #[test]
    fn random_headers_are_read_and_what_is_read_can_be_written() {
        const PIECES: [&str; 24] = [
            "Bearer",
            "basic",
            "error",
            "realm",
            "=",
            "\"",
            "\\",
            ",",
            " ",
            "\t",
            "a",
            "é",
            "\u{1F600}",
            "==",
            "/",
            "~",
            "invalid_token",
            "error=\"x\"",
            "Bearer error=",
            ", Digest qop=\"a,b\"",
            "(",
            ";",
            "\u{7f}",
            "%",
        ];
        let mut seed = 0x2545_F491_4F6C_DD1D_u64;
        let mut random = move |below: usize| {
            seed ^= seed << 13;
            seed ^= seed >> 7;
            seed ^= seed << 17;
            (seed >> 33) as usize % below
        };
        let mut understood = 0;
        for round in 0..20_000 {
            let length = random(24);
            let header: String = match round % 2 {
                0 => (0..length).map(|_| PIECES[random(PIECES.len())]).collect(),
                _ => {
                    let bytes: Vec<u8> = (0..length).map(|_| random(256) as u8).collect();
                    String::from_utf8_lossy(&bytes).into_owned()
                }
            };
            let read = parse(&header);
            bearer(&header);
            assert!(read.iter().all(|challenge| !challenge.scheme.is_empty()), "{header:?}");
            let proper: Vec<_> = read.iter().map(written).collect();
            assert_eq!(parse(&proper.join(", ")), read, "{header:?}");
            understood += read.iter().map(|challenge| challenge.parameters.len()).sum::<usize>();
        }
        assert!(understood > 1000, "{understood} parameters: the headers are too random");
    }

    #[test]
    fn a_long_header_takes_no_longer_than_it_is_long() {
        for piece in ["a", "a ", "a,", "a=", "\"", "\\", "a b/", "Bearer error=x, "] {
            parse(&piece.repeat(50_000));
        }
    }

    #[test]
    fn rubbish_ends() {
        for header in ["", ",,,", "=", "\"", "Bearer error=", "Bearer error=\"", "é Bearer", "a=b", "\\"] {
            parse(header);
        }
        assert!(bearer("é, Bearer error=invalid_token").is_some());
    }
}
