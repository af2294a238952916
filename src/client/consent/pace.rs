//! When to ask the vendor again whether a person said yes (RFC 8628 section 3.5). No clock is read here and nobody waits.

use std::time::Duration;

use crate::clock;

/// What a server that is asked too often adds, for this and all later questions.
const SLOWER: Duration = Duration::from_secs(5);
/// A server that does not answer is left alone for longer and longer, up to this.
const SLOWEST: Duration = Duration::from_secs(60);

/// Times by the running clock, in nanoseconds.
pub(super) struct Pace {
    pub(super) interval: Duration,
    pub(super) next: i64,
    /// When the codes end.
    pub(super) end: i64,
}

/// What is due.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Due {
    Now,
    In(Duration),
    /// The codes have ended.
    Over,
}

impl Pace {
    /// The first question, too, waits: nobody says yes at once.
    pub(super) fn new(interval: Duration, begun: i64, life: Duration) -> Pace {
        let at = |span: Duration| begun.saturating_add(clock::nanos(span));
        Pace { interval, next: at(interval), end: at(life) }
    }

    pub(super) fn due(&self, now: i64) -> Due {
        if now >= self.end {
            Due::Over
        } else if now >= self.next {
            Due::Now
        } else {
            Due::In(clock::span(self.next.min(self.end) - now))
        }
    }

    /// The person has not answered yet.
    pub(super) fn go_on(&mut self, now: i64) {
        self.next = now.saturating_add(clock::nanos(self.interval));
    }

    pub(super) fn slow_down(&mut self, now: i64) {
        self.interval += SLOWER;
        self.go_on(now);
    }

    /// The server did not answer, or asked to be left alone for a while.
    pub(super) fn back_off(&mut self, now: i64, asked: Option<Duration>) {
        self.interval = (self.interval * 2).min(self.interval.max(SLOWEST));
        self.go_on(now);
        self.next = self.next.max(now.saturating_add(clock::nanos(asked.unwrap_or_default())));
    }
}

#[cfg(test)]
mod test {
    use super::*;

    const SECOND: i64 = 1_000_000_000;
    const BEGUN: i64 = 7 * SECOND;

    fn pace(interval: u64, life: u64) -> Pace {
        Pace::new(Duration::from_secs(interval), BEGUN, Duration::from_secs(life))
    }

    /// When questions are due, in seconds from the beginning, if each is followed by this.
    fn asked(pace: &mut Pace, mut then: impl FnMut(&mut Pace, i64)) -> Vec<i64> {
        let mut now = BEGUN;
        let mut asked = Vec::new();
        loop {
            match pace.due(now) {
                Due::Over => return asked,
                Due::In(span) => now += clock::nanos(span),
                Due::Now => {
                    asked.push((now - BEGUN) / SECOND);
                    then(pace, now);
                }
            }
        }
    }

    #[test]
    fn a_question_is_asked_each_interval_until_the_codes_end() {
        assert_eq!(asked(&mut pace(5, 21), Pace::go_on), [5, 10, 15, 20]);
    }

    #[test]
    fn the_interval_counts_from_the_answer_and_not_from_the_question() {
        let slowly_answered = |pace: &mut Pace, now: i64| pace.go_on(now + 3 * SECOND);
        assert_eq!(asked(&mut pace(5, 30), slowly_answered), [5, 13, 21, 29]);
    }

    #[test]
    fn slow_down_adds_five_seconds_for_this_and_all_later_questions() {
        let mut told = 0;
        let twice = |pace: &mut Pace, now: i64| {
            told += 1;
            if told <= 2 { pace.slow_down(now) } else { pace.go_on(now) }
        };
        assert_eq!(asked(&mut pace(5, 70), twice), [5, 15, 30, 45, 60]);
    }

    #[test]
    fn a_server_that_does_not_answer_is_asked_half_as_often_each_time_up_to_a_minute() {
        let silent = |pace: &mut Pace, now: i64| pace.back_off(now, None);
        assert_eq!(asked(&mut pace(5, 300), silent), [5, 15, 35, 75, 135, 195, 255]);
        let mut slow = pace(90, 300);
        slow.back_off(BEGUN, None);
        assert_eq!(slow.interval, Duration::from_secs(90), "what the server asked for is not undercut");
    }

    #[test]
    fn a_server_that_names_a_time_is_left_alone_until_then() {
        let mut busy = pace(5, 300);
        busy.back_off(BEGUN, Some(Duration::from_secs(100)));
        assert_eq!(busy.due(BEGUN), Due::In(Duration::from_secs(100)));
        busy.go_on(BEGUN + 100 * SECOND);
        assert_eq!(busy.due(BEGUN + 100 * SECOND), Due::In(Duration::from_secs(10)));
    }

    #[test]
    fn codes_that_end_before_the_next_question_are_over_then() {
        assert_eq!(pace(60, 30).due(BEGUN), Due::In(Duration::from_secs(30)));
        assert_eq!(pace(60, 30).due(BEGUN + 30 * SECOND), Due::Over);
    }
}
