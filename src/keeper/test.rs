//! The rules of freshness under an injected clock. Nothing is sent and nothing is slept.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use super::state::{Freshness, Setbacks, State, Step};
use crate::clock::{Clock, Manual};
use crate::error::{Error, Kind};
use crate::scheme::Failure;
use crate::secret::{Digest, Secret};
use crate::token::{Grant, Life, Verdict};

const CREDENTIALS: Digest = [7; 32];
const HOUR: Duration = Duration::from_secs(3600);

/// A state, a clock to move, and a vendor that counts how often it is asked.
struct Bench {
    state: State,
    hands: Arc<Mutex<Manual>>,
    clock: Clock,
    asked: u32,
    freshness: Freshness,
    risky: bool,
    own_life: bool,
    chance: f64,
}

/// What one call came to.
#[derive(Debug, PartialEq)]
enum Got {
    Token { generation: u64, waited: bool },
    Error(Kind),
}

impl Bench {
    fn new() -> Bench {
        let hands = Manual::new();
        Bench {
            state: State::new(),
            clock: Clock::Manual(Arc::clone(&hands)),
            hands,
            asked: 0,
            freshness: Freshness::default(),
            risky: false,
            own_life: false,
            chance: 0.0,
        }
    }

    fn pass(&self, span: Duration) {
        self.hands.lock().unwrap().pass(span);
    }

    /// One call; a flight that it starts lands at once with what `vendor` says.
    fn call(&mut self, vendor: impl FnOnce(u32) -> Result<Grant, Failure>) -> Got {
        self.call_for(Duration::ZERO, vendor)
    }

    fn call_for(&mut self, min_valid: Duration, vendor: impl FnOnce(u32) -> Result<Grant, Failure>) -> Got {
        let now = self.clock.now();
        let min_valid = crate::clock::nanos(min_valid);
        let live = match self.state.decide(now, min_valid, self.risky) {
            Step::Take(live) => {
                assert!(matches!(live.end.verdict(now), Verdict::Lives(_)), "a token past its end");
                return Got::Token { generation: live.generation, waited: false };
            }
            Step::Fail(error) => return Got::Error(error.kind()),
            Step::Measure => {
                self.state.measure(now, self.clock.boot());
                return self.call(vendor);
            }
            Step::TakeAndFly(live) => Some(live),
            Step::TakeAndSave(_) => unreachable!("there is no store here"),
            Step::Fly => None,
            Step::Join(_) => unreachable!("flights land at once here"),
        };
        let outcome = self.fly(vendor);
        match (live, outcome) {
            (Some(live), _) => Got::Token { generation: live.generation, waited: false },
            (None, Ok(generation)) => Got::Token { generation, waited: true },
            (None, Err(error)) => Got::Error(error.kind()),
        }
    }

    fn fly(&mut self, vendor: impl FnOnce(u32) -> Result<Grant, Failure>) -> Result<u64, Error> {
        self.asked += 1;
        let asked = (self.clock.now(), self.clock.boot());
        match vendor(self.asked) {
            Ok(grant) => {
                let now = self.clock.now();
                let own = self.own_life;
                self.state
                    .granted(grant, own, asked, now, self.freshness, self.chance)
                    .map(|live| live.generation)
            }
            Err(failure) => Err(self.state.failed(failure, self.clock.now(), CREDENTIALS)),
        }
    }

    /// The generation in use, or 0.
    fn generation(&self) -> u64 {
        self.state.live.as_ref().map_or(0, |live| live.generation)
    }

    fn refuse(&mut self) -> Result<(), Error> {
        let (generation, now) = (self.generation(), self.clock.now());
        self.state.refused(generation, now)
    }
}

fn grant(name: &str, life: Life) -> Grant {
    Grant {
        access_token: Secret::new(name),
        token_type: "Bearer".into(),
        life,
        refresh_token: None,
        id_token: None,
        scope: None,
        companions: Vec::new(),
    }
}

/// A vendor whose every token is new and lives this long.
fn fresh(life: Duration) -> impl Fn(u32) -> Result<Grant, Failure> + Copy {
    move |asked| Ok(grant(&format!("token {asked}"), Life::For(life)))
}

fn down(_: u32) -> Result<Grant, Failure> {
    Err(Failure::new(Error::new(Kind::Server, "503")))
}

fn denied(_: u32) -> Result<Grant, Failure> {
    Err(Failure { final_word: true, ..Failure::new(Error::new(Kind::Denied, "401")) })
}

#[test]
fn ten_calls_make_one_request_at_every_lifetime() {
    for seconds in [5, 19, 29, 39, 59, 120, 200, 230, 299, 301, 900, 3600, 86_400] {
        let mut bench = Bench::new();
        for _ in 0..10 {
            bench.call(fresh(Duration::from_secs(seconds)));
        }
        assert_eq!(bench.asked, 1, "lifetime {seconds} s");
    }
}

#[test]
fn a_lasting_load_renews_about_once_a_lifetime() {
    for seconds in [1, 5, 30, 90] {
        let (life, elapsed) = (Duration::from_secs(seconds), 600);
        let mut bench = Bench::new();
        for _ in 0..elapsed * 1000 {
            bench.call(fresh(life));
            bench.pass(Duration::from_millis(1));
        }
        let limit = elapsed as f64 / (0.8 * life.as_secs_f64()) * 1.3 + 1.0;
        assert!(f64::from(bench.asked) <= limit, "{seconds} s: {} > {limit}", bench.asked);
    }
}

#[test]
fn in_the_early_window_a_call_takes_the_living_token_and_starts_a_renewal() {
    let mut bench = Bench::new();
    bench.call(fresh(HOUR));
    bench.pass(HOUR - Duration::from_secs(299));
    assert_eq!(bench.call(fresh(HOUR)), Got::Token { generation: 1, waited: false });
    assert_eq!(bench.asked, 2);
    assert_eq!(bench.call(fresh(HOUR)), Got::Token { generation: 2, waited: false });
}

#[test]
fn a_renewal_that_could_lose_something_is_waited_for_by_its_starter() {
    let mut bench = Bench { risky: true, ..Bench::new() };
    bench.call(fresh(HOUR));
    bench.pass(HOUR - Duration::from_secs(299));
    assert_eq!(bench.call(fresh(HOUR)), Got::Token { generation: 2, waited: true });
}

#[test]
fn the_early_window_is_a_fifth_of_the_life_and_at_most_five_minutes() {
    for (life, early) in [(10, 2), (100, 20), (1500, 300), (86_400, 300)] {
        let mut bench = Bench::new();
        bench.call(fresh(Duration::from_secs(life)));
        bench.pass(Duration::from_secs(life - early) - Duration::from_millis(1));
        bench.call(fresh(HOUR));
        assert_eq!(bench.asked, 1, "{life} s: too early");
        bench.pass(Duration::from_millis(1));
        bench.call(fresh(HOUR));
        assert_eq!(bench.asked, 2, "{life} s: too late");
    }
}

#[test]
fn an_explicit_early_window_wins_up_to_half_the_life() {
    for (wanted, early) in [(10, 10), (1800, 1800), (3000, 1800)] {
        let freshness = Freshness { refresh_early: Some(Duration::from_secs(wanted)) };
        let mut bench = Bench { freshness, ..Bench::new() };
        bench.call(fresh(HOUR));
        bench.pass(HOUR - Duration::from_secs(early) - Duration::from_millis(1));
        bench.call(fresh(HOUR));
        assert_eq!(bench.asked, 1, "{wanted} s: too early");
        bench.pass(Duration::from_millis(1));
        bench.call(fresh(HOUR));
        assert_eq!(bench.asked, 2, "{wanted} s: too late");
    }
}

#[test]
fn chance_spreads_renewals_over_a_quarter_of_the_early_window() {
    let mut bench = Bench { chance: 0.999, ..Bench::new() };
    bench.call(fresh(HOUR));
    bench.pass(HOUR - Duration::from_secs(300) + Duration::from_secs(74));
    bench.call(fresh(HOUR));
    assert_eq!(bench.asked, 1);
    bench.pass(Duration::from_secs(1));
    bench.call(fresh(HOUR));
    assert_eq!(bench.asked, 2);
}

#[test]
fn a_failing_renewal_is_invisible_until_the_token_ends_and_backs_off() {
    let mut bench = Bench::new();
    bench.call(fresh(HOUR));
    bench.pass(HOUR - Duration::from_secs(300));
    for _ in 0..2999 {
        assert_eq!(bench.call(down), Got::Token { generation: 1, waited: false });
        bench.pass(Duration::from_millis(100));
    }
    assert!(bench.asked <= 12, "{} requests in 300 s", bench.asked);
    assert_eq!(bench.state.last_error.as_ref().map(Error::kind), Some(Kind::Server));
    bench.pass(Duration::from_millis(100));
    bench.pass(Duration::from_secs(20));
    assert_eq!(bench.call(down), Got::Error(Kind::Server));
    bench.pass(Duration::from_secs(20));
    assert_eq!(bench.call(fresh(HOUR)), Got::Token { generation: 2, waited: true });
    assert!(bench.state.last_error.is_none());
}

#[test]
fn when_there_is_no_token_a_failure_is_told_for_a_moment_instead_of_asking_again() {
    let mut bench = Bench::new();
    for _ in 0..100 {
        assert_eq!(bench.call(down), Got::Error(Kind::Server));
    }
    assert_eq!(bench.asked, 1);
    // However long the vendor was down, ten seconds after the last try it is tried again.
    for tries in 2..20 {
        bench.pass(Duration::from_secs(10));
        bench.call(down);
        assert_eq!(bench.asked, tries);
    }
}

#[test]
fn retry_after_is_honoured() {
    let busy = |_| {
        let error = Error::new(Kind::RateLimited, "429").with_retry_after(Some(Duration::from_secs(120)));
        Err(Failure::new(error))
    };
    let mut bench = Bench::new();
    bench.call(busy);
    bench.pass(Duration::from_secs(119));
    assert_eq!(bench.call(fresh(HOUR)), Got::Error(Kind::RateLimited));
    bench.pass(Duration::from_secs(2));
    assert_eq!(bench.call(fresh(HOUR)), Got::Token { generation: 1, waited: true });
}

#[test]
fn refused_credentials_are_remembered_for_30_s_doubling_to_15_min() {
    let mut bench = Bench::new();
    for (try_number, seconds) in (1..).zip([30, 60, 120, 240, 480, 900, 900]) {
        assert_eq!(bench.call(denied), Got::Error(Kind::Denied));
        assert_eq!(bench.asked, try_number);
        bench.pass(Duration::from_secs(seconds) - Duration::from_millis(1));
        assert_eq!(bench.call(denied), Got::Error(Kind::Denied));
        assert_eq!(bench.asked, try_number, "asked within {seconds} s");
        assert!(bench.state.is_denied(bench.clock.now(), &CREDENTIALS).is_some());
        assert!(
            bench.state.is_denied(bench.clock.now(), &[8; 32]).is_none(),
            "other credentials are not refused"
        );
        bench.pass(Duration::from_millis(1));
    }
}

#[test]
fn the_same_token_again_is_not_asked_for_in_a_loop() {
    let mut bench = Bench::new();
    bench.call(fresh(HOUR));
    let end = HOUR;
    let mut passed = HOUR - Duration::from_secs(300);
    bench.pass(passed);
    // Until 30 s before its end the vendor gives the same token with what is left of its life.
    while end - passed > Duration::from_secs(30) {
        bench.call(|_| Ok(grant("token 1", Life::For(end - passed))));
        bench.pass(Duration::from_millis(100));
        passed += Duration::from_millis(100);
    }
    assert!(bench.asked - 1 <= 12, "{} asks in the window", bench.asked - 1);
    assert!(bench.asked > 3, "it must be asked again at all");
}

#[test]
fn nobody_gets_a_token_past_its_end_whatever_the_clocks_do() {
    let mut bench = Bench::new();
    bench.call(fresh(HOUR));
    bench.hands.lock().unwrap().set_wall(-3600);
    assert_eq!(bench.call(down), Got::Token { generation: 1, waited: false }, "wall clock set back");
    bench.pass(Duration::from_secs(3000));
    assert_eq!(bench.call(down), Got::Token { generation: 1, waited: false });
    bench.pass(Duration::from_secs(601));
    assert_eq!(bench.call(down), Got::Error(Kind::Server), "the running clock says it is over");

    let mut bench = Bench::new();
    bench.call(fresh(HOUR));
    bench.hands.lock().unwrap().set_wall(3601);
    assert_eq!(bench.call(down), Got::Error(Kind::Server), "the wall clock says it is over");

    let mut bench = Bench::new();
    bench.call(fresh(HOUR));
    bench.hands.lock().unwrap().sleep(Duration::from_secs(5 * 3600));
    assert_eq!(bench.call(down), Got::Error(Kind::Server), "the machine slept");

    let mut bench = Bench::new();
    bench.call(fresh(HOUR));
    bench.hands.lock().unwrap().sleep(Duration::from_secs(5 * 3600));
    bench.hands.lock().unwrap().set_wall(-5 * 3600 + 10);
    assert_eq!(
        bench.call(down),
        Got::Error(Kind::Server),
        "it slept, and the wall clock was set back by about as much"
    );

    let mut bench = Bench::new();
    bench.call(fresh(HOUR));
    bench.hands.lock().unwrap().sleep(Duration::from_secs(1800));
    bench.hands.lock().unwrap().set_wall(-1790);
    assert_eq!(bench.call(down), Got::Token { generation: 1, waited: false }, "half of its life is left");
    bench.pass(Duration::from_secs(1801));
    assert_eq!(bench.call(down), Got::Error(Kind::Server), "by the clock that counts sleep it is over");
}

#[test]
fn a_token_that_is_over_when_it_arrives_does_not_take_a_living_ones_place() {
    let mut bench = Bench::new();
    bench.call(fresh(HOUR));
    bench.pass(HOUR - Duration::from_secs(299));
    let hands = Arc::clone(&bench.hands);
    let stillborn = |_| {
        hands.lock().unwrap().pass(Duration::from_secs(20));
        Ok(grant("stillborn", Life::For(Duration::from_secs(10))))
    };
    bench.call(stillborn);
    assert_eq!(bench.call(down), Got::Token { generation: 1, waited: false });
}

#[test]
fn a_lifetime_counts_from_the_moment_of_the_request() {
    let mut bench = Bench::new();
    let hands = Arc::clone(&bench.hands);
    bench.call(|_| {
        hands.lock().unwrap().pass(Duration::from_secs(20));
        Ok(grant("slow", Life::For(Duration::from_secs(60))))
    });
    bench.pass(Duration::from_secs(41));
    assert_eq!(bench.call(down), Got::Error(Kind::Server));
}

#[test]
fn tokens_that_never_end_or_do_not_say_are_never_renewed_early() {
    for life in [Life::Never, Life::Unknown] {
        let mut bench = Bench::new();
        bench.call(|_| Ok(grant("lasting", life)));
        bench.pass(Duration::from_secs(10 * 365 * 86_400));
        assert_eq!(bench.call(down), Got::Token { generation: 1, waited: false });
        assert_eq!(bench.asked, 1);
    }
}

#[test]
fn after_a_sleep_a_token_without_end_still_has_none() {
    let mut bench = Bench::new();
    bench.call(|_| Ok(grant("lasting", Life::Never)));
    bench.hands.lock().unwrap().sleep(HOUR);
    bench.call(down);
    assert_eq!(bench.state.renew_at, i64::MAX);
}

#[test]
fn a_rejection_drops_that_very_token_and_no_newer_one() {
    let mut bench = Bench::new();
    bench.call(fresh(HOUR));
    let now = bench.clock.now();
    assert!(bench.state.refused(1, now).is_ok());
    assert_eq!(bench.call(fresh(HOUR)), Got::Token { generation: 2, waited: true });
    for _ in 0..64 {
        assert!(bench.state.refused(1, now).is_ok(), "a late report: a newer token is there");
    }
    assert_eq!(bench.call(fresh(HOUR)), Got::Token { generation: 2, waited: false });
    assert_eq!(bench.asked, 2);
    for never in [0, 99] {
        assert_eq!(bench.state.refused(never, now).map_err(|error| error.kind()), Err(Kind::InvalidArgument));
    }
}

#[test]
fn the_same_token_again_ends_no_later_where_only_it_says_when() {
    let again = |_| Ok(grant("the same", Life::For(HOUR)));
    for (own_life, lives_on) in [(true, false), (false, true)] {
        let mut bench = Bench { own_life, ..Bench::new() };
        bench.call(again);
        bench.pass(HOUR - Duration::from_secs(60));
        bench.call(again);
        assert_eq!(bench.asked, 2);
        bench.pass(Duration::from_secs(61));
        assert_eq!(bench.state.outlives(bench.clock.now(), 0), lives_on, "{own_life}");
    }
}

#[test]
fn a_late_report_drops_the_same_token_had_again() {
    let mut bench = Bench::new();
    let same = |_| Ok(grant("one", Life::For(HOUR)));
    bench.call(same);
    bench.pass(HOUR - Duration::from_secs(299));
    bench.call(same);
    assert_eq!(bench.generation(), 2);
    let now = bench.clock.now();
    assert!(bench.state.refused(1, now).is_ok());
    assert_eq!(bench.generation(), 0, "the token of the second generation is the refused one");
}

#[test]
fn two_new_tokens_refused_in_a_row_are_enough() {
    let mut bench = Bench::new();
    bench.call(fresh(HOUR));
    assert!(bench.refuse().is_ok());
    bench.call(fresh(HOUR));
    assert_eq!(bench.refuse().map_err(|error| error.kind()), Err(Kind::Rejected));
    assert_eq!(bench.call(fresh(HOUR)), Got::Error(Kind::Rejected));
    bench.pass(Duration::from_secs(1));
    assert_eq!(bench.call(fresh(HOUR)), Got::Token { generation: 3, waited: true });
    bench.pass(Duration::from_secs(120));
    assert!(bench.refuse().is_ok(), "it was good for two minutes: no dud");
}

#[test]
fn refusals_with_a_good_token_between_them_are_not_in_a_row() {
    let mut bench = Bench::new();
    for _ in 0..10 {
        bench.call(fresh(HOUR));
        assert!(bench.refuse().is_ok());
        bench.call(fresh(HOUR));
        bench.pass(HOUR);
        assert!(matches!(bench.call(fresh(HOUR)), Got::Token { waited: true, .. }));
        bench.pass(HOUR);
    }
}

#[test]
fn a_resource_that_refuses_every_token_costs_few_logins() {
    let mut bench = Bench::new();
    for _ in 0..3600 * 100 {
        if let Got::Token { generation, .. } = bench.call(fresh(HOUR)) {
            let now = bench.clock.now();
            if bench.state.refused(generation, now).is_ok() {
                bench.call(fresh(HOUR));
                bench.refuse().ok();
            }
        }
        bench.pass(Duration::from_millis(10));
    }
    assert!(bench.asked <= 40, "{} logins in an hour", bench.asked);
}

#[test]
fn a_refused_token_that_comes_again_is_not_handed_out() {
    let mut bench = Bench::new();
    let same = |_| Ok(grant("one", Life::For(HOUR)));
    bench.call(same);
    assert!(bench.refuse().is_ok());
    assert_eq!(bench.call(same), Got::Error(Kind::Rejected));
}

#[test]
fn the_last_four_refused_tokens_are_not_handed_out() {
    let mut bench = Bench::new();
    for number in 1..=5 {
        bench.call(|_| fresh(HOUR)(number));
        // Long enough that none is refused in a row with the one before.
        bench.pass(Duration::from_secs(61));
        assert!(bench.refuse().is_ok());
    }
    for number in 2..=5 {
        let asked = bench.asked;
        assert_eq!(bench.call(|_| fresh(HOUR)(number)), Got::Error(Kind::Rejected), "token {number}");
        assert_eq!(bench.asked, asked + 1, "it came, and was known");
        bench.pass(Duration::from_secs(8));
    }
    assert!(matches!(bench.call(|_| fresh(HOUR)(1)), Got::Token { .. }), "the fifth from the end");
}

#[test]
fn of_tokens_that_other_processes_were_refused_the_last_four_are_known_too() {
    let mut bench = Bench::new();
    for since in [3, 1, 5, 2, 4, 5] {
        bench.state.learn_refused([since; 32], i64::from(since));
    }
    let known: Vec<_> = bench.state.refused_tokens().map(|(_, since)| since).collect();
    assert_eq!(known, [2, 3, 4, 5]);
}

#[test]
fn a_refused_token_that_is_all_there_is_is_tried_again_in_the_end() {
    let mut bench = Bench::new();
    let same = |_| Ok(grant("one", Life::Unknown));
    bench.call(same);
    assert!(bench.refuse().is_ok());
    assert_eq!(bench.call(same), Got::Error(Kind::Rejected));
    bench.pass(Duration::from_secs(301));
    assert!(matches!(bench.call(same), Got::Token { .. }), "the resource may have erred");
}

#[test]
fn a_given_token_that_is_refused_cannot_be_renewed() {
    let mut bench = Bench::new();
    let given = |_| Ok(grant("given", Life::Unknown));
    bench.call(given);
    let now = bench.clock.now();
    assert_eq!(bench.state.given_refused(1, now, "make a new one").kind(), Kind::Rejected);
    assert_eq!(bench.call(given), Got::Error(Kind::Rejected));
    bench.pass(Duration::from_secs(30));
    assert_eq!(bench.call(given), Got::Token { generation: 2, waited: true }, "the vendor may have erred");
}

#[test]
fn min_valid_renews_a_token_that_lives_too_short_but_not_one_that_never_could() {
    let mut bench = Bench::new();
    bench.call(fresh(HOUR));
    bench.pass(Duration::from_secs(1800));
    let half_an_hour_more = Duration::from_secs(1801);
    assert_eq!(bench.call_for(half_an_hour_more, fresh(HOUR)), Got::Token { generation: 2, waited: true });
    let a_day = Duration::from_secs(86_400);
    assert_eq!(bench.call_for(a_day, fresh(HOUR)), Got::Token { generation: 2, waited: false });
}

#[test]
fn a_spent_refresh_token_is_not_kept_and_a_rotated_one_is_never_lost() {
    let mut bench = Bench::new();
    bench.call(|_| Ok(Grant { refresh_token: Some(Secret::new("first")), ..grant("a", Life::For(HOUR)) }));
    let odd =
        Failure { rotated: Some(Secret::new("second")), ..Failure::new(Error::new(Kind::Protocol, "odd")) };
    bench.state.failed(odd, bench.clock.now(), CREDENTIALS);
    assert_eq!(bench.state.refresh_token.as_ref().unwrap().expose(), "second");
    let spent = Failure { refresh_spent: true, ..Failure::new(Error::new(Kind::ConsentRequired, "spent")) };
    bench.state.failed(spent, bench.clock.now(), CREDENTIALS);
    assert!(bench.state.refresh_token.is_none());
}

#[test]
fn a_forked_child_takes_the_token_but_does_not_spend_its_parents_refresh_token() {
    let mut parent = Bench::new();
    parent.call(|_| Ok(Grant { refresh_token: Some(Secret::new("once")), ..grant("a", Life::For(HOUR)) }));
    let state = State::inherit(
        parent.state.live.clone(),
        parent.state.refresh_token.clone(),
        parent.state.last_generation(),
        Setbacks::default(),
        true,
    );
    let mut child =
        Bench { state, hands: Arc::clone(&parent.hands), clock: parent.clock.clone(), ..Bench::new() };
    assert_eq!(child.call(down), Got::Token { generation: 1, waited: false });
    child.pass(HOUR);
    assert_eq!(child.call(down), Got::Error(Kind::Store));
    assert_eq!(child.asked, 0);
}

#[test]
fn a_forked_child_knows_what_its_parent_was_refused() {
    let child_of = |parent: &Bench| {
        let setbacks = parent.state.setbacks().cloned().unwrap_or_default();
        let state = State::inherit(None, None, parent.state.last_generation(), setbacks, false);
        Bench { state, hands: Arc::clone(&parent.hands), clock: parent.clock.clone(), ..Bench::new() }
    };
    let mut parent = Bench::new();
    parent.call(denied);
    let mut child = child_of(&parent);
    child.pass(Duration::from_secs(29));
    assert_eq!(child.call(denied), Got::Error(Kind::Denied), "the same credentials");
    assert_eq!(child.asked, 0);
    assert!(child.state.is_denied(child.clock.now(), &CREDENTIALS).is_some());
    child.pass(Duration::from_secs(1));
    child.call(denied);
    assert_eq!(child.asked, 1);
    child.pass(Duration::from_secs(59));
    child.call(denied);
    assert_eq!(child.asked, 1, "the second refusal counts as the second");

    let mut parent = Bench::new();
    parent.call(fresh(HOUR));
    assert!(parent.refuse().is_ok());
    let mut child = child_of(&parent);
    assert_eq!(child.call(|_| fresh(HOUR)(1)), Got::Error(Kind::Rejected), "the refused token again");
    child.pass(Duration::from_secs(1));
    child.call(|_| fresh(HOUR)(2));
    assert_eq!(child.refuse().map_err(|error| error.kind()), Err(Kind::Rejected), "the second in a row");
}
