//! Nobody is measured who does not do the work: what each contender accepts, refuses and hands on.

use crate::contenders::Kind;
use crate::entry::{Entry, request};
use crate::inner::take_seen;
use crate::setup::{SUBJECT, Setup, Token};

/// What a contender did that it should not have; empty if all is well.
pub(crate) struct Verdict {
    /// Whether it may be measured.
    pub(crate) sound: bool,
    pub(crate) faults: Vec<String>,
}

/// Shows the contender good tokens and bad ones.
pub(crate) fn examine(entry: &mut Entry, setup: &Setup) -> Verdict {
    let mut verdict = Verdict { sound: true, faults: Vec::new() };
    if let Err(fault) = accepts(entry) {
        verdict.sound = false;
        verdict.faults.push(fault);
    }
    if entry.contender.kind == Kind::Yardstick {
        return verdict;
    }
    for token in Token::FORGED {
        if let Some(fault) = lets_through(entry, setup, token) {
            verdict.sound = false;
            verdict.faults.push(fault);
        }
    }
    let wrong = Token::WRONG.map(|token| lets_through(entry, setup, token));
    verdict.faults.extend(wrong.into_iter().flatten());
    // Once more, in case one of the others left something behind.
    if verdict.sound
        && let Err(fault) = accepts(entry)
    {
        verdict.sound = false;
        verdict.faults.push(format!("in the end {fault}"));
    }
    verdict
}

/// Whether the good token comes through, and with it who it is about.
fn accepts(entry: &mut Entry) -> Result<(), String> {
    let authorization = entry.authorization.clone();
    let status = entry.call(request(Some(&authorization)));
    match take_seen() {
        Some(subject) if subject == SUBJECT && status == 200 => Ok(()),
        Some(subject) => Err(format!("hands on `{subject}` for the good token's subject")),
        None => Err(format!("answers the good token with {status}")),
    }
}

fn lets_through(entry: &mut Entry, setup: &Setup, token: Token) -> Option<String> {
    let authorization = entry.header(setup, token);
    let status = entry.call(request(Some(&authorization)));
    let seen = take_seen();
    (seen.is_some() || status.is_success()).then(|| format!("accepts {}", token.described()))
}
