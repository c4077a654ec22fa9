//! The table of the module, line by line, and what holds whatever comes in whatever order.

use super::*;
use crate::issuer::session::BoundKey;
use crate::issuer::session::record::tests::{at, hash, record};

fn policy(grace: impl Into<Grace>) -> Policy {
    Policy::new().grace(grace).idle_lifetime(Duration::from_secs(1000))
}

fn ask(presented: u8, successor: u8, now: UnixTime, policy: &Policy) -> Ask<'_> {
    Ask {
        presented: hash(presented),
        successor: hash(successor),
        client_id: "web",
        key: None,
        scope: &[],
        now,
        access: Duration::from_secs(900),
        policy,
    }
}

const WINDOW: Duration = Duration::from_secs(5);

/// After the token 1 was spent at 10 for the token 2.
fn rotated(policy: &Policy) -> Record {
    let mut record = record();
    assert_eq!(record.refresh(&ask(1, 2, at(10), policy)), Answer::Rotated);
    record
}

#[test]
fn the_current_token_rotates() {
    let policy = policy(Grace::Never);
    let record = rotated(&policy);
    assert!(record.current == [hash(2)] && record.predecessor == [hash(1)]);
    assert_eq!((record.generation, record.rotated_at, record.last_used_at), (1, at(10), at(10)));
    assert_eq!((record.idle_until, record.expires_at), (at(1010), at(5000)));
    assert_eq!(record.access_until, at(910));
    // neither the idle time nor an access token outlives the session
    let mut record = record;
    record.idle_until = at(5000);
    assert_eq!(record.refresh(&ask(2, 3, at(4900), &policy)), Answer::Rotated);
    assert_eq!((record.idle_until, record.access_until), (at(5000), at(5000)));
}

#[test]
fn nothing_is_ever_shortened() {
    let long = policy(Grace::Never);
    let mut record = rotated(&long);
    let short = Policy::new().idle_lifetime(Duration::from_secs(1));
    let mut ask = ask(2, 3, at(5), &short);
    ask.access = Duration::from_secs(1);
    assert_eq!(record.refresh(&ask), Answer::Rotated);
    assert_eq!((record.last_used_at, record.idle_until), (at(10), at(1010)));
    assert_eq!(record.access_until, at(910), "as it was issued, not as it is set up now");
}

#[test]
fn a_spent_token_ends_the_session_and_is_told_of_once() {
    let never = policy(Grace::Never);
    let until_used = policy(Grace::UntilUsed);
    let window = policy(WINDOW);
    let two_back = {
        let mut record = rotated(&until_used);
        assert_eq!(record.refresh(&ask(2, 3, at(11), &until_used)), Answer::Rotated);
        record
    };
    let cases = [
        ("no grace", rotated(&never), &never, 11),
        ("the window has closed", rotated(&window), &window, 15),
        ("a clock that lags opens none", rotated(&window), &window, 5),
        ("two generations back", two_back, &until_used, 12),
    ];
    for (what, mut record, policy, now) in cases {
        let before = record.clone();
        assert_eq!(record.refresh(&ask(1, 9, at(now), policy)), Answer::Reused, "{what}");
        assert!(record.current == before.current && record.generation == before.generation);
        let ended = record.ended.clone().unwrap();
        assert_eq!((ended.at, ended.by), (at(now), EndedBy::Theft));
        assert!(record.is_untold() && !record.is_live(at(now)), "{what}");
        // until it was told, whoever comes tells it; then nobody
        let current = record.refresh(&ask(2, 9, at(now + 1), policy));
        assert_eq!(current, Answer::Reused, "{what}");
        record.theft.as_mut().unwrap().told = true;
        for token in [1, 2, 3, 7] {
            let told = record.clone();
            assert_eq!(record.refresh(&ask(token, 9, at(now + 1), policy)), Answer::Ended);
            assert!(record == told);
        }
    }
}

#[test]
fn a_token_that_never_was_is_as_good_as_a_spent_one() {
    let mut record = record();
    assert_eq!(record.refresh(&ask(7, 8, at(1), &policy(WINDOW))), Answer::Reused);
}

#[test]
fn within_the_grace_the_last_one_spent_is_retried() {
    for grace in [Grace::from(WINDOW), Grace::UntilUsed] {
        let policy = policy(grace);
        let mut record = rotated(&policy);
        assert_eq!(record.refresh(&ask(1, 3, at(14), &policy)), Answer::Retried);
        assert!(record.current == [hash(2), hash(3)] && record.predecessor == [hash(1)]);
        assert_eq!((record.generation, record.rotated_at), (1, at(10)), "the window stays");
        // the first to be used decides
        assert_eq!(record.refresh(&ask(3, 4, at(15), &policy)), Answer::Rotated);
        assert_eq!(record.retried, 0);
        assert_eq!(record.refresh(&ask(2, 5, at(16), &policy)), Answer::Reused);
    }
}

#[test]
fn until_the_successor_is_used_has_no_window() {
    let policy = policy(Grace::UntilUsed);
    let mut record = rotated(&policy);
    assert_eq!(record.refresh(&ask(1, 3, at(1009), &policy)), Answer::Retried);
    assert_eq!(record.refresh(&ask(3, 4, at(1500), &policy)), Answer::Rotated);
}

#[test]
fn who_comes_too_often_comes_later_and_then_is_a_thief() {
    for (grace, later, then) in [(Grace::from(WINDOW), 14, 15), (Grace::UntilUsed, 19, 20)] {
        let policy = policy(grace);
        let mut record = rotated(&policy);
        for successor in [3, 4] {
            assert_eq!(record.refresh(&ask(1, successor, at(11), &policy)), Answer::Retried);
        }
        let before = record.clone();
        assert_eq!(record.refresh(&ask(1, 5, at(later), &policy)), Answer::Crowded);
        assert!(record == before);
        assert_eq!(record.refresh(&ask(1, 5, at(then), &policy)), Answer::Reused);
    }
}

#[test]
fn refusals_change_nothing() {
    let policy = policy(Grace::UntilUsed);
    let mut record = rotated(&policy);
    record.bound_to = Some(BoundKey::jkt(&"k".repeat(43)).unwrap().text().into());
    let before = record.clone();
    let other = BoundKey::x5t_s256(&"k".repeat(43)).unwrap();
    let own = record.bound_to.clone();
    let wide: [Box<str>; 2] = ["a".into(), "c".into()];
    for token in [1, 2] {
        let mut ask = ask(token, 3, at(11), &policy);
        ask.client_id = "other";
        assert_eq!(record.refresh(&ask), Answer::WrongClient);
        ask.client_id = "web";
        assert_eq!(record.refresh(&ask), Answer::WrongKey, "no key");
        ask.key = Some(other.text());
        assert_eq!(record.refresh(&ask), Answer::WrongKey, "the same thumbprint of another kind");
        ask.key = own.as_deref();
        ask.scope = &wide;
        assert_eq!(record.refresh(&ask), Answer::ScopeTooWide);
        assert!(record == before);
        ask.scope = &wide[..1];
        assert!(matches!(record.clone().refresh(&ask), Answer::Rotated | Answer::Retried));
    }
}

#[test]
fn a_session_expires_idle_and_absolutely() {
    let policy = policy(Grace::UntilUsed);
    let mut record = rotated(&policy);
    // even by reuse nothing more is learned of it
    for token in [1, 2, 7] {
        assert_eq!(record.refresh(&ask(token, 3, at(1010), &policy)), Answer::Expired);
    }
    record.idle_until = at(5000);
    assert_eq!(record.refresh(&ask(2, 3, at(5000), &policy)), Answer::Expired);
    record.idle_until = at(9000);
    assert_eq!(record.refresh(&ask(2, 3, at(5000), &policy)), Answer::Expired);
}

#[test]
fn after_logout_only_a_spent_token_is_news_until_the_session_would_have_expired() {
    let policy = policy(Grace::UntilUsed);
    let mut ended = rotated(&policy);
    ended.end(EndedBy::All, at(20));
    ended.end(EndedBy::Limit, at(21));
    assert_eq!(ended.ended.as_ref().unwrap().by, EndedBy::All, "it ends once");
    // its own client did not know, and may even have lost an answer
    for token in [1, 2] {
        let before = ended.clone();
        assert_eq!(ended.refresh(&ask(token, 3, at(30), &policy)), Answer::Ended);
        assert!(ended == before);
    }
    let mut late = ended.clone();
    assert_eq!(late.refresh(&ask(7, 3, at(4999), &policy)), Answer::Reused);
    assert_eq!(late.ended.as_ref().unwrap().by, EndedBy::All, "it had ended before");
    assert!(late.is_untold());
    assert_eq!(ended.refresh(&ask(7, 3, at(5000), &policy)), Answer::Expired);
    assert_eq!(ended.remove_at(), at(5000));
}

#[test]
fn without_rotation_the_token_stays_and_nothing_else_counts() {
    let policy = policy(Grace::UntilUsed).without_rotation();
    let mut record = record();
    assert_eq!(record.refresh(&ask(1, 2, at(100), &policy)), Answer::Kept);
    assert!(record.current == [hash(1)] && record.predecessor.is_empty());
    assert_eq!((record.idle_until, record.generation), (at(1100), 0));
    assert_eq!(record.refresh(&ask(2, 3, at(101), &policy)), Answer::Reused);
}

/// Whatever is presented in whatever order and at whatever time: by the history alone, of tokens of
/// one generation at most `1 + retries` are ever given out and at most one is ever let rotate, and
/// nothing is granted once something was refused for good.
#[test]
fn one_generation_one_winner_and_the_dead_stay_dead() {
    let mut seed = 0x9e37_79b9_7f4a_7c15_u64;
    let mut random = move |below: u64| {
        seed ^= seed << 13;
        seed ^= seed >> 7;
        seed ^= seed << 17;
        seed % below
    };
    for round in 0..3000 {
        let grace = [Grace::Never, Grace::from(WINDOW), Grace::UntilUsed][round % 3];
        let retries = random(3) as u32;
        let policy = policy(grace).retries(retries);
        let mut record = record();
        // token, generation
        let mut given = vec![(1_u8, 0_u64)];
        let mut spent = Vec::new();
        let (mut now, mut dead) = (0, false);
        for next in 2..60 {
            now += random(4);
            let newest = random(3) != 0;
            let pick = if newest { given.len() - 1 } else { random(given.len() as u64) as usize };
            let (token, generation) = given[pick];
            let answer = record.refresh(&ask(token, next, at(now), &policy));
            let granted = matches!(answer, Answer::Rotated | Answer::Retried);
            assert!(!(dead && granted), "a dead session was refreshed");
            match answer {
                Answer::Rotated => {
                    assert!(!spent.contains(&generation), "two winners of one generation");
                    spent.push(generation);
                    given.push((next, generation + 1));
                }
                Answer::Retried => {
                    assert_eq!(spent.last(), Some(&generation), "an older one was retried");
                    given.push((next, generation + 1));
                    let peers = given.iter().filter(|one| one.1 == generation + 1).count();
                    assert!(peers <= 1 + retries as usize, "too many were given out");
                    assert_ne!(grace, Grace::Never);
                }
                Answer::Reused | Answer::Ended => dead = true,
                Answer::Crowded => assert_ne!(grace, Grace::Never),
                other => panic!("{other:?}"),
            }
            assert_eq!(record.is_live(at(now)), !dead);
        }
    }
}
