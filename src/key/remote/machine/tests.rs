use super::*;

const SECOND: Duration = Duration::from_secs(1);
const START: UnixTime = UnixTime::from_secs(1_800_000_000);

const TIMING: Timing = Timing {
    refresh: Duration::from_secs(10),
    refresh_min: Duration::from_secs(1),
    refresh_max: Duration::from_secs(20),
    retry_min: Duration::from_millis(200),
    retry_max: Duration::from_secs(2),
    cooldown: Duration::from_secs(5),
    wait: Duration::from_secs(1),
    keep_for: Duration::from_secs(60),
};
const TIMEOUT: Duration = Duration::from_millis(300);
const LONGEST: Duration = Duration::from_millis(1400);

fn at(secs: u64) -> Moment {
    let since = Duration::from_secs(secs);
    Moment { tick: since, now: START.saturating_add(since) }
}

/// With keys, confirmed at second 0 by its first task.
fn fresh() -> Machine {
    let mut machine = Machine::new(TIMING, LONGEST, at(0));
    assert_eq!(machine.attend(at(0)), Attend::Start);
    assert_eq!(machine.start(at(0)), Some(1));
    assert!(matches!(machine.begin(at(0), 1), Next::Refresh(_)));
    machine.confirm(at(0), true, None, Jitter(0));
    machine
}

#[test]
fn a_task_that_does_not_begin_is_taken_over_from() {
    let mut machine = fresh();
    assert_eq!(machine.attend(at(9)), Attend::Nothing);
    assert_eq!(machine.attend(at(10)), Attend::Wake);
    assert_eq!(machine.attend(at(10)), Attend::Nothing);
    assert_eq!(machine.overdue(at(12)), Some(2 * SECOND));
    assert_eq!(machine.attend(at(12)), Attend::Start);
    assert_eq!(machine.start(at(12)), Some(2));
    // Whichever comes first.
    assert_eq!(machine.begin(at(12), 1), Next::Stop);
    assert!(matches!(machine.begin(at(12), 2), Next::Refresh(_)));
    assert!(!machine.stopped(at(12), 1, Jitter(0)));
    assert!(machine.is_driven() && machine.is_running());
}

#[test]
fn a_task_that_stops_in_the_middle_is_taken_over_from_and_its_answer_comes_too_late() {
    let mut machine = fresh();
    let Next::Refresh(old) = machine.begin(at(10), 1) else { panic!("not due") };
    assert_eq!(machine.attend(at(11)), Attend::Nothing);
    assert_eq!(machine.attend(at(12)), Attend::Start);
    assert_eq!(machine.start(at(12)), Some(2));
    assert!(!machine.is_current(old));
    let Next::Refresh(new) = machine.begin(at(12), 2) else { panic!("not begun again") };
    assert!(machine.is_current(new) && !machine.is_current(old));
    // An answer is as old as its question, whenever it is read.
    machine.confirm(at(70), true, None, Jitter(0));
    assert_eq!(machine.confirmed(), Some(at(12).now));
    assert!(machine.usable(at(71)) && !machine.usable(at(72)));
}

#[test]
fn suspended_time_counts() {
    let mut machine = fresh();
    // Asleep for 15 seconds: due by the clock, not by the tick.
    let woke = Moment { tick: SECOND, now: START.saturating_add(16 * SECOND) };
    assert_eq!(machine.attend(woke), Attend::Wake);
    assert!(machine.usable(woke), "that is not long");
    assert!(matches!(machine.begin(woke, 1), Next::Refresh(_)));
    machine.confirm(woke, true, None, Jitter(0));
    // Asleep for 40: the keys may be long gone, and are asked for before they are used.
    let woke = Moment { tick: 2 * SECOND, now: START.saturating_add(57 * SECOND) };
    assert_eq!(machine.quiet(woke), Duration::ZERO);
    assert_eq!(machine.attend(woke), Attend::Wake);
    assert!(!machine.usable(woke));
    assert_eq!(machine.claim(woke, false, || true), Claimed::Wait(3));
    // But for no longer than a request waits, and not if the provider cannot be asked.
    let later = Moment { tick: woke.tick + TIMING.wait, ..woke };
    assert!(machine.usable(later));
    assert!(matches!(machine.begin(woke, 1), Next::Refresh(_)));
    machine.fail(woke, Jitter(0));
    assert!(machine.usable(woke));
    // Without a request, the task notices by itself.
    let mut machine = fresh();
    assert_eq!(machine.begin(at(1), 1), Next::Sleep(9 * SECOND));
    let timing =
        Timing { refresh: LOOK * 60, refresh_max: LOOK * 60, keep_for: LOOK * 200, ..TIMING };
    let mut machine = Machine { timing, ..machine };
    machine.confirm(at(1), true, None, Jitter(0));
    assert_eq!(machine.begin(at(2), 1), Next::Sleep(LOOK));
}

#[test]
fn what_somebody_asks_for_is_unconditional_and_so_is_once_in_keep_for() {
    let mut machine = fresh();
    let unconditional = |machine: &mut Machine, secs| match machine.begin(at(secs), 1) {
        Next::Refresh(ticket) => ticket.unconditional,
        other => panic!("{other:?} at {secs}"),
    };
    // The provider's cache says "unchanged" for ever.
    for (secs, expected) in [(10, false), (20, false), (30, true), (40, true)] {
        assert_eq!(unconditional(&mut machine, secs), expected, "{secs}");
        machine.confirm(at(secs), false, None, Jitter(0));
    }
    machine.want(at(41), true);
    assert!(unconditional(&mut machine, 41));
    machine.confirm(at(41), true, None, Jitter(0));
    assert!(!unconditional(&mut machine, 51));
    machine.confirm(at(51), true, None, Jitter(0));
    // A refresh that was wanted anyway becomes unconditional by an unknown kid.
    machine.want(at(52), false);
    assert_eq!(machine.claim(at(52), true, || true), Claimed::Wait(8));
    assert!(unconditional(&mut machine, 52));
}

#[test]
fn an_unknown_kid_needs_leave_and_waits_for_the_cooldown() {
    let mut machine = fresh();
    assert_eq!(machine.claim(at(1), true, || false), Claimed::Busy);
    assert_eq!(machine.claim(at(1), true, || true), Claimed::Wait(2));
    assert_eq!(machine.claim(at(1), true, || panic!("asked twice")), Claimed::Wait(2));
    assert!(matches!(machine.begin(at(1), 1), Next::Refresh(_)));
    machine.confirm(at(1), true, None, Jitter(0));
    assert_eq!(machine.claim(at(5), true, || true), Claimed::Denied);
    assert_eq!(machine.claim(at(6), true, || true), Claimed::Wait(3));
    // A clock that is set back does not prolong it.
    let mut machine = fresh();
    assert_eq!(machine.claim(at(3), true, || true), Claimed::Wait(2));
    let back = Moment { tick: 4 * SECOND, now: START };
    assert!(matches!(machine.begin(back, 1), Next::Refresh(_)));
    machine.confirm(back, true, None, Jitter(0));
    assert_eq!(machine.claim(back, true, || true), Claimed::Wait(3));
}

#[test]
fn seeded_keys_serve_as_long_as_if_they_had_been_fetched() {
    let mut machine = Machine::new(TIMING, LONGEST, at(100));
    machine.seed(at(70).now);
    assert!(machine.usable(at(100)) && machine.usable(at(129)) && !machine.usable(at(130)));
    // They are asked for at once all the same.
    assert_eq!(machine.attend(at(100)), Attend::Start);
    assert_eq!(machine.start(at(100)), Some(1));
    assert!(matches!(machine.begin(at(100), 1), Next::Refresh(_)));
}

/// Any course of events, from a seed: tasks on runtimes that are driven, blocked or gone; a provider
/// that answers, hangs, fails, or hides behind a cache that is out of date; clocks that are set, and
/// a machine that sleeps.
mod simulation {
    use super::*;

    struct Random(u64);

    impl Random {
        fn next(&mut self) -> u64 {
            self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
            let mut x = self.0;
            x = (x ^ (x >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
            x = (x ^ (x >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
            x ^ (x >> 31)
        }

        fn below(&mut self, bound: u64) -> u64 {
            self.next() % bound
        }

        fn one_in(&mut self, bound: u64) -> bool {
            self.below(bound) == 0
        }

        fn millis(&mut self, most: u64) -> Duration {
            Duration::from_millis(self.below(most) + 1)
        }

        fn jitter(&mut self) -> Jitter {
            Jitter(u16::try_from(self.below(1024)).unwrap())
        }
    }

    #[derive(Clone, Copy, PartialEq, Debug)]
    enum Provider {
        Up,
        Fails,
        Hangs,
    }

    enum Doing {
        Waking,
        Sleeping(Duration),
        Fetching { ticket: Ticket, begun: Moment, ends: Duration, good: bool, version: Option<u64> },
    }

    struct Task {
        generation: u64,
        runtime: usize,
        doing: Doing,
        woken: bool,
        aborted: bool,
    }

    struct Waiter {
        number: u64,
        runtime: usize,
        until: Duration,
    }

    struct World {
        random: Random,
        at: Moment,
        machine: Machine,
        driven: [bool; 3],
        tasks: Vec<Task>,
        waiters: Vec<Waiter>,
        provider: Provider,
        /// It answers conditional questions with "unchanged", whatever is true.
        stale_cache: bool,
        /// What the provider publishes, and since when.
        version: u64,
        published: UnixTime,
        /// What the service has.
        known: Option<u64>,
        set_back: Duration,
        /// Why a refresh may begin although none is due: asked for by an operator, a token, or begun
        /// again by another task.
        excuses: u64,
        /// When the last refresh began if it was good, or ended, and the least time until the next.
        last: Option<(Moment, Duration)>,
        failures: u32,
        unknown_at: Option<UnixTime>,
        fetches: u64,
        takeovers: u64,
        landed: u64,
        late: u64,
        calm: bool,
    }

    impl World {
        fn new(seed: u64) -> Self {
            let at = at(0);
            Self {
                random: Random(seed),
                at,
                machine: Machine::new(TIMING, LONGEST, at),
                driven: [true; 3],
                tasks: Vec::new(),
                waiters: Vec::new(),
                provider: Provider::Up,
                stale_cache: false,
                version: 1,
                published: at.now,
                known: None,
                set_back: Duration::ZERO,
                excuses: 0,
                last: None,
                failures: 0,
                unknown_at: None,
                fetches: 0,
                takeovers: 0,
                landed: 0,
                late: 0,
                calm: false,
            }
        }

        fn pass(&mut self, time: Duration) {
            self.at.tick += time;
            self.at.now = self.at.now.saturating_add(time);
        }

        fn wake(&mut self) {
            for task in &mut self.tasks {
                task.woken = true;
            }
        }

        fn attend(&mut self, runtime: usize) {
            match self.machine.attend(self.at) {
                Attend::Nothing => {}
                Attend::Wake => self.wake(),
                Attend::Start => {
                    let had = self.machine.is_driven();
                    let Some(generation) = self.machine.start(self.at) else { return };
                    if had {
                        self.takeovers += 1;
                    }
                    self.excuses += 1;
                    for task in &mut self.tasks {
                        task.aborted = true;
                    }
                    let (doing, woken, aborted) = (Doing::Waking, true, false);
                    self.tasks.push(Task { generation, runtime, doing, woken, aborted });
                }
            }
        }

        /// What [`Machine::quiet`] promises has to be true: nothing that a look would find.
        fn request(&mut self, runtime: usize) {
            if self.machine.quiet(self.at).is_zero() {
                self.attend(runtime);
            }
            let usable = self.machine.usable(self.at);
            if let (true, Some(known)) = (usable, self.known)
                && known < self.version
            {
                let gone = self.at.now.saturating_since(self.published);
                let bound = TIMING.keep_for * 3 / 2 + TIMING.refresh + self.set_back;
                assert!(gone <= bound, "a key withdrawn {gone:?} ago is accepted");
            }
            let unknown = usable && self.random.one_in(4);
            if usable && !unknown {
                return;
            }
            let before = self.machine.begun();
            let mut asked = false;
            let claimed = self.machine.claim(self.at, unknown, || {
                asked = true;
                true
            });
            if asked {
                if let Some(last) = self.unknown_at.filter(|last| *last <= self.at.now) {
                    let gap = self.at.now.saturating_since(last);
                    assert!(gap >= TIMING.cooldown, "asked for a kid again after {gap:?}");
                }
                self.unknown_at = Some(self.at.now);
                self.excuses += 1;
            }
            if let Claimed::Wait(number) = claimed {
                assert!(number == before || number == before + 1);
                if !usable && !self.machine.is_running() && self.failures == 0 {
                    self.excuses += 1;
                }
                self.wake();
                self.waiters.push(Waiter { number, runtime, until: self.at.tick + TIMING.wait });
            } else {
                assert!(claimed != Claimed::Denied || usable, "no keys, and the token is at fault");
            }
        }

        fn poll(&mut self, index: usize) -> bool {
            let task = &mut self.tasks[index];
            if task.aborted {
                let generation = task.generation;
                assert!(!self.machine.stopped(self.at, generation, Jitter(0)));
                return false;
            }
            match task.doing {
                Doing::Sleeping(until) if !task.woken && self.at.tick < until => return true,
                Doing::Fetching { ends, .. } if self.at.tick < ends => return true,
                Doing::Fetching { ticket, begun, good, version, .. } => {
                    assert!(self.machine.is_current(ticket));
                    let jitter = self.random.jitter();
                    self.last = Some(if good {
                        self.machine.confirm(self.at, version.is_some(), None, jitter);
                        self.known = version.or(self.known);
                        self.failures = 0;
                        (begun, TIMING.refresh * 9 / 10)
                    } else {
                        self.machine.fail(self.at, jitter);
                        self.failures += 1;
                        let doubled = TIMING.retry_min * 2_u32.pow((self.failures - 1).min(8));
                        (self.at, doubled.min(TIMING.retry_max) * 9 / 10)
                    });
                }
                _ => {}
            }
            let task = &mut self.tasks[index];
            task.woken = false;
            match self.machine.begin(self.at, task.generation) {
                Next::Stop => panic!("a task that nobody took over from stops"),
                Next::Sleep(time) => {
                    assert!(!time.is_zero());
                    task.doing = Doing::Sleeping(self.at.tick + time);
                }
                Next::Refresh(ticket) => {
                    self.fetches += 1;
                    if let Some((end, least)) = self.last {
                        let by_tick = self.at.tick - end.tick;
                        let elapsed = by_tick.max(self.at.now.saturating_since(end.now));
                        if elapsed < least {
                            assert!(self.excuses > 0, "asked again after {elapsed:?} of {least:?}");
                        }
                    }
                    self.excuses = 0;
                    let conditional = !ticket.unconditional && self.known.is_some();
                    let (takes, good) = match self.provider {
                        Provider::Up => (self.random.millis(200), true),
                        Provider::Fails => (self.random.millis(200), false),
                        Provider::Hangs => (TIMEOUT * 3, false),
                    };
                    let unchanged =
                        conditional && (self.stale_cache || self.known == Some(self.version));
                    let version = (!unchanged).then_some(self.version);
                    let ends = self.at.tick + takes;
                    task.doing = Doing::Fetching { ticket, begun: self.at, ends, good, version };
                }
            }
            true
        }

        fn run_tasks(&mut self) {
            let mut index = 0;
            while index < self.tasks.len() {
                if self.driven[self.tasks[index].runtime] && !self.poll(index) {
                    self.tasks.remove(index);
                } else {
                    index += 1;
                }
            }
            let current = self.tasks.iter().filter(|task| !task.aborted).count();
            assert!(current <= 1, "{current} tasks fetch");
            assert!(self.machine.ended() <= self.machine.begun());
        }

        fn run_waiters(&mut self) {
            let waiters = std::mem::take(&mut self.waiters);
            for waiter in waiters {
                if !self.driven[waiter.runtime] {
                    self.waiters.push(waiter);
                } else if self.machine.ended() >= waiter.number {
                    self.landed += 1;
                } else if self.at.tick >= waiter.until {
                    self.late += 1;
                } else {
                    self.attend(waiter.runtime);
                    self.waiters.push(waiter);
                }
            }
        }

        fn trouble(&mut self) {
            let runtime = usize::try_from(self.random.below(3)).unwrap();
            match self.random.below(60) {
                0 => self.driven[runtime] = false,
                1..=3 => self.driven[runtime] = true,
                // A runtime is dropped, with what runs on it, and there is a new one.
                4 => {
                    let (gone, left) = std::mem::take(&mut self.tasks)
                        .into_iter()
                        .partition::<Vec<_>, _>(|task| task.runtime == runtime);
                    self.tasks = left;
                    self.waiters.retain(|waiter| waiter.runtime != runtime);
                    self.driven[runtime] = true;
                    for task in gone {
                        let jitter = self.random.jitter();
                        if self.machine.stopped(self.at, task.generation, jitter) {
                            self.failures += 1;
                            self.last = Some((self.at, Duration::ZERO));
                        }
                    }
                }
                5 => self.provider = Provider::Up,
                6 => self.provider = Provider::Fails,
                7 => self.provider = Provider::Hangs,
                8 => self.stale_cache = !self.stale_cache,
                // Withdraws its key for another, once the service has learned of the last.
                9..=11 if self.known == Some(self.version) => {
                    self.version += 1;
                    self.published = self.at.now;
                }
                9..=11 => {}
                12 => {
                    self.machine.want(self.at, true);
                    self.excuses += 1;
                    self.wake();
                }
                13 => {
                    let slept = self.random.millis(100_000);
                    self.at.now = self.at.now.saturating_add(slept);
                }
                14 if self.random.one_in(4) => {
                    let back = self.random.millis(30_000);
                    self.at.now = self.at.now.saturating_sub(back);
                    self.set_back += back;
                    // What was due by the clock may have been asked for and not begun.
                    self.excuses += 1;
                }
                _ => {}
            }
        }

        fn step(&mut self) {
            let time = self.random.millis(100);
            self.pass(time);
            if !self.calm {
                self.trouble();
            }
            self.run_tasks();
            self.run_waiters();
            let runtime = usize::try_from(self.random.below(3)).unwrap();
            if self.driven[runtime] {
                self.request(runtime);
            }
        }

        /// One runtime is driven, others stay as they are; the provider answers.
        fn calm_down(&mut self) {
            self.calm = true;
            self.driven[usize::try_from(self.random.below(3)).unwrap()] = true;
            self.provider = Provider::Up;
            if self.known == Some(self.version) {
                self.version += 1;
            }
            self.published = self.at.now;
        }
    }

    fn run(seed: u64) -> World {
        let mut world = World::new(seed);
        for _ in 0..600 {
            world.step();
        }
        world.calm_down();
        let begun = world.at.tick;
        // What was patient with a busy machine, a cache that is out of date, and one interval.
        let settled = if world.stale_cache { TIMING.keep_for } else { Duration::ZERO };
        let settled = settled + TIMING.refresh + (LONGEST + PATIENCE) * 8 + LONGEST;
        while world.at.tick < begun + settled {
            world.step();
        }
        assert_eq!(world.known, Some(world.version), "a withdrawn key is still in use");
        assert!(world.machine.usable(world.at));
        let (late, fetches) = (world.late, world.fetches);
        let begun = world.at.tick;
        while world.at.tick < begun + 30 * SECOND {
            world.step();
        }
        assert_eq!(world.late, late, "waiters do not get their answer");
        let fetches = world.fetches - fetches;
        let most = 2 + 30 / TIMING.cooldown.as_secs() + 30 / 9;
        assert!((3..=most).contains(&fetches), "{fetches} fetches in 30 calm seconds");
        // A key that is withdrawn while the machine sleeps is not accepted once more.
        while world.machine.is_running() || world.machine.overdue(world.at).is_some() {
            world.step();
        }
        world.version += 1;
        world.at.now = world.at.now.saturating_add(TIMING.refresh * 5 / 2);
        world.published = world.at.now;
        let driven = world.driven.iter().position(|driven| *driven).unwrap();
        if world.machine.quiet(world.at).is_zero() {
            world.attend(driven);
        }
        assert!(!world.machine.usable(world.at), "a sleeper takes a withdrawn key");
        world
    }

    #[test]
    fn no_course_of_events_freezes_it_or_floods_the_provider_or_keeps_withdrawn_keys() {
        let (first, runs) = match std::env::var("TOWER_BEARER_SEED") {
            Ok(seed) => (seed.parse().unwrap(), 1),
            Err(_) => (0, 2000),
        };
        let begun = std::time::Instant::now();
        let (mut fetches, mut takeovers, mut landed, mut late) = (0, 0, 0, 0);
        for seed in first..first + runs {
            let world = std::panic::catch_unwind(|| run(seed)).unwrap_or_else(|_| {
                panic!("with TOWER_BEARER_SEED={seed}");
            });
            fetches += world.fetches;
            takeovers += world.takeovers;
            landed += world.landed;
            late += world.late;
        }
        println!(
            "{runs} runs in {:?}: {fetches} fetches, {takeovers} takeovers, {landed} waiters with an \
             answer, {late} without",
            begun.elapsed()
        );
        // It has seen what it is there for.
        assert!(runs == 1 || (takeovers > runs && late > 0 && landed > runs));
    }
}
