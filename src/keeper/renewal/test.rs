//! How long a renewal pauses between two tries. Nothing is sent and nothing is slept.

use super::*;
use crate::clock::{Clock, Manual};
use crate::keeper::Tenant;
use crate::provider::Provider;
use crate::settings::Config;

const DRAWN: usize = 1000;

fn keeper(clock: &Clock, account: &str) -> Tenant {
    let provider = Provider::find("acquired").unwrap();
    let mut config = Config::new("acquired");
    config.set("app_id", "1").set("app_key", "hush").set("account", account).set("max_attempts", "9");
    let (settings, faults) = config.check(&provider.offered());
    assert!(faults.is_empty(), "{faults:?}");
    Keeper::open(&provider, &Arc::new(settings), clock, Duration::from_secs(60)).unwrap()
}

/// Pauses lie from `least` on, all over the span that begins there, and nowhere else.
#[track_caller]
fn assert_spread(pauses: impl Iterator<Item = Duration>, least: Duration, span: Duration) {
    let mut tenths = [0; 10];
    for pause in pauses.take(DRAWN) {
        assert!(pause >= least && pause < least + span, "{pause:?}");
        tenths[((pause - least).as_secs_f64() / span.as_secs_f64() * 10.0) as usize] += 1;
    }
    // A hundred each, more or less.
    assert!(tenths.iter().all(|drawn| *drawn > DRAWN / 30), "{tenths:?}");
}

#[test]
fn a_pause_is_any_part_of_a_doubling_span() {
    let clock = Clock::Manual(Manual::new());
    let keeper = keeper(&clock, "doubling");
    let transport = Transport::new(&keeper.settings, clock.clone(), Duration::from_secs(60));
    let failure = Failure { repeatable: true, ..Failure::new(Error::new(Kind::Server, "503")) };
    for (tries, span) in (1..).zip([400, 800, 1600, 3200, 6400, 6400]) {
        let pauses = std::iter::repeat_with(|| keeper.pause(&failure, tries, &transport).unwrap());
        assert_spread(pauses, Duration::ZERO, Duration::from_millis(span));
    }
}

#[test]
fn what_the_vendor_asks_for_is_waited_for_and_up_to_a_tenth_more() {
    let clock = Clock::Manual(Manual::new());
    let keeper = keeper(&clock, "asked");
    let transport = Transport::new(&keeper.settings, clock.clone(), Duration::from_secs(60));
    let wait = Duration::from_secs(10);
    let error = Error::new(Kind::RateLimited, "429").with_retry_after(Some(wait));
    let failure = Failure { repeatable: true, ..Failure::new(error) };
    let pauses = std::iter::repeat_with(|| keeper.pause(&failure, 1, &transport).unwrap());
    assert_spread(pauses, wait, wait / 10);
}
