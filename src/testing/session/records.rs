//! Records, steps and lists.

use super::case::Case;
use crate::issuer::session::{Committed, Limit, SessionStore};
use crate::revocation::{Revocation, RevocationStore};

pub(super) async fn inserts<S: SessionStore + RevocationStore>(case: &Case<S>) {
    let ada = case.key("ada");
    let all: Vec<u8> = (0..=255).collect();
    let long = [b"1".as_slice(), &vec![b'x'; 32 * 1024 - 1]].concat();
    for record in [&b"{}"[..], b"", b"\0", b"1' OR ''='\n\r\"\\%s", &all, &long] {
        let mut write = case.write(&ada, record);
        write.version = (1 << 63) - 1;
        case.expect(
            "an id that was never written is unknown",
            case.load(&write.id).await.is_none(),
        );
        let write = case.put(write).await;
        case.expect_kept("what was written comes back", &write).await;
        let mut again = write.clone();
        (again.record, again.version) = (b"other".to_vec(), 7);
        let step = case.step(vec![again]);
        case.commit("an id is inserted once", &step, Committed::Conflict).await;
        case.expect_kept("an id is inserted once", &write).await;
    }
}

pub(super) async fn replaces<S: SessionStore + RevocationStore>(case: &Case<S>) {
    let ada = case.key("ada");
    let first = case.put(case.write(&ada, b"first")).await;
    let second = case.put(case.next(&first, b"second")).await;
    case.expect_kept("a record is replaced by who knows its version", &second).await;
    for version in [0, first.version, second.version + 1, (1 << 63) - 1] {
        let mut other = case.next(&second, b"other");
        other.replaces = Some(version);
        let rule = "a record is replaced by nobody else";
        case.commit(rule, &case.step(vec![other]), Committed::Conflict).await;
        case.expect_kept(rule, &second).await;
    }
    let unknown = case.next(&case.write(&ada, b""), b"unknown");
    let rule = "what is not there is not replaced";
    case.commit(rule, &case.step(vec![unknown.clone()]), Committed::Conflict).await;
    case.expect(rule, case.load(&unknown.id).await.is_none());
    // the versions are whatever they are, in no order
    let mut back = case.next(&second, b"back");
    back.version = 0;
    let back = case.put(back).await;
    case.expect_kept("a version is compared for equality alone", &back).await;
    let none = case.step(Vec::new());
    case.commit("a step without writes is taken", &none, Committed::Done).await;
}

pub(super) async fn all_or_nothing<S: SessionStore + RevocationStore>(case: &Case<S>) {
    let (ada, bob) = (case.key("ada"), case.key("bob"));
    let one = case.put(case.write(&ada, b"one")).await;
    let two = case.put(case.write(&bob, b"two")).await;
    let new = case.write(&ada, b"new");
    let mut ended = case.next(&one, b"ended");
    (ended.under, ended.ends) = (None, true);
    let mut wrong = case.next(&two, b"wrong");
    wrong.replaces = Some(77);
    let mut step = case.step(vec![ended.clone(), new.clone(), wrong]);
    step.revocations = vec![Revocation::session(one.id.as_str(), case.at(7200))];
    let rule = "of a step that conflicts nothing is done";
    case.commit(rule, &step, Committed::Conflict).await;
    case.expect_kept(rule, &one).await;
    case.expect_kept(rule, &two).await;
    case.expect(rule, case.load(&new.id).await.is_none());
    case.expect(rule, case.listed(&ada, case.at(0)).await.len() == 1);
    case.expect(rule, !case.is_revoked(one.id.as_str()).await);

    let rule = "of a step that is taken everything is done";
    step.writes[2].replaces = Some(two.version);
    case.commit(rule, &step, Committed::Done).await;
    for write in &step.writes {
        case.expect_kept(rule, write).await;
    }
    case.expect(rule, case.is_revoked(one.id.as_str()).await);
    let listed = case.listed(&ada, case.at(0)).await;
    case.expect(rule, listed.iter().map(|one| &one.id).eq([&new.id]));
    case.commit("a step is not taken twice", &step, Committed::Conflict).await;
}

pub(super) async fn lists<S: SessionStore + RevocationStore>(case: &Case<S>) {
    let (ada, bob, empty) = (case.key("ada"), case.key("bob"), case.key("nobody"));
    let mut wanted = Vec::new();
    for part in 0_u8..6 {
        let writes: Vec<_> = (0_u8..100).map(|n| case.write(&ada, &[part, n])).collect();
        case.commit("many are written", &case.step(writes.clone()), Committed::Done).await;
        wanted.extend(writes);
    }
    let other = case.put(case.write(&bob, b"bob")).await;
    wanted.sort_by(|one, other| one.id.cmp(&other.id));
    let listed = case.listed(&ada, case.at(0)).await;
    let same = listed.iter().map(|one| (&one.id, one.version, &one.record));
    let same = same.eq(wanted.iter().map(|one| (&one.id, one.version, &one.record)));
    case.expect("all are listed once, ordered by id, with their records", same);
    let after = wanted.get(300).map(|one| one.id.clone());
    let rule = "a list goes on after an id";
    let page = case.ok(rule, case.store.list(&ada, after.as_ref(), case.at(0)).await);
    case.expect(rule, page.sessions.first().map(|one| &one.id) == wanted.get(301).map(|w| &w.id));
    case.expect(
        "nothing is listed under other keys",
        case.listed(&empty, case.at(0)).await.is_empty(),
    );
    case.expect("each key has its own", case.listed(&bob, case.at(0)).await.len() == 1);

    let mut moved = case.next(&other, b"moved");
    moved.under = Some(empty.clone());
    let moved = case.put(moved).await;
    case.expect("a record leaves its list", case.listed(&bob, case.at(0)).await.is_empty());
    case.expect("and joins another", case.listed(&empty, case.at(0)).await.len() == 1);
    let mut gone = case.next(&moved, b"gone");
    gone.under = None;
    let gone = case.put(gone).await;
    let rule = "a record under no key is in no list, and there";
    case.expect(rule, case.listed(&empty, case.at(0)).await.is_empty());
    case.expect_kept(rule, &gone).await;
    let mut back = case.next(&gone, b"back");
    back.under = Some(bob.clone());
    case.put(back).await;
    case.expect("a record comes back into a list", case.listed(&bob, case.at(0)).await.len() == 1);
}

pub(super) async fn limits<S: SessionStore + RevocationStore>(case: &Case<S>) {
    let (ada, bob) = (case.key("ada"), case.key("bob"));
    let insert = |write, most| {
        let mut step = case.step(vec![write]);
        step.limit = Some(Limit { index: ada.clone(), most });
        step
    };
    let one = case.write(&ada, b"one");
    case.commit("there is room", &insert(one.clone(), 2), Committed::Done).await;
    case.put(case.write(&bob, b"bob")).await;
    let two = case.write(&ada, b"two");
    case.commit("other keys do not count", &insert(two, 2), Committed::Done).await;
    let three = case.write(&ada, b"three");
    let rule = "one too many is refused";
    case.commit(rule, &insert(three.clone(), 2), Committed::Crowded).await;
    case.expect(rule, case.load(&three.id).await.is_none());
    case.expect(rule, case.listed(&ada, case.at(0)).await.len() == 2);
    let mut step = insert(three.clone(), 2);
    let mut ended = case.next(&one, b"ended");
    (ended.under, ended.ends) = (None, true);
    step.writes.push(ended);
    step.revocations = vec![Revocation::session(one.id.as_str(), case.at(7200))];
    case.commit("one may leave in the same step", &step, Committed::Done).await;
    case.expect("the list is as long as before", case.listed(&ada, case.at(0)).await.len() == 2);
    case.expect("who left is revoked", case.is_revoked(one.id.as_str()).await);
    let same = case.next(&three, b"again");
    case.commit("what is replaced counts once", &insert(same, 2), Committed::Done).await;
    let mut step = insert(case.write(&bob, b"more"), 0);
    step.limit = Some(Limit { index: bob, most: 0 });
    case.commit("a limit of none", &step, Committed::Crowded).await;
}

pub(super) async fn comes_anew<S: SessionStore + RevocationStore>(case: &Case<S>) {
    let ada = case.key("ada");
    for (under, ends) in [(Some(ada.clone()), false), (None, true)] {
        let mut old = case.write(&ada, b"old");
        (old.under, old.remove_at) = (None, case.at(10));
        let old = case.put(old).await;
        if ends {
            // nothing need be kept of it
            let mut gone = case.next(&old, b"");
            (gone.ends, gone.remove_at) = (true, case.at(0));
            let rule = "a record ends at once";
            case.commit(rule, &case.step(vec![gone]), Committed::Done).await;
        }
        let now = if ends { case.at(0) } else { case.at(10) };
        let rule = "what `load` finds is what `commit` compares, of what has expired or gone too";
        let found = case.ok(rule, case.store.load(&old.id, now).await);
        let mut new = case.write(&ada, b"new");
        (new.id, new.under) = (old.id.clone(), under);
        (new.version, new.replaces) = (7, found.map(|found| found.version));
        let mut step = case.step(vec![new.clone()]);
        step.now = now;
        case.commit(rule, &step, Committed::Done).await;
        case.expect_kept(rule, &new).await;
    }
}
