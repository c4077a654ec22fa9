DO $$ BEGIN
    IF to_regnamespace('{p}') IS NULL THEN
        CREATE SCHEMA {p};
    END IF;
END $$;

CREATE TABLE {p}.schema_version (
    version integer PRIMARY KEY
);

-- Records of sessions: opaque bytes, swapped by version. Times are in milliseconds.
CREATE TABLE {p}.sessions (
    id text COLLATE "C" PRIMARY KEY CHECK (octet_length(id) = 22),
    version bigint NOT NULL CHECK (version >= 0),
    record bytea NOT NULL,
    index_key text COLLATE "C" CHECK (octet_length(index_key) = 43),
    remove_at bigint NOT NULL
);
CREATE INDEX sessions_listed ON {p}.sessions (index_key, id) WHERE index_key IS NOT NULL;
CREATE INDEX sessions_gone ON {p}.sessions (remove_at);

-- Hashes of what was revoked; until when that has to be remembered, in seconds; and the epoch or the
-- version below which it holds, less 2^63.
CREATE TABLE {p}.revocations (
    name text COLLATE "C" PRIMARY KEY CHECK (octet_length(name) = 17),
    keep_until bigint NOT NULL CHECK (keep_until BETWEEN 0 AND 4294967295),
    bound bigint NOT NULL
);
CREATE INDEX revocations_gone ON {p}.revocations (keep_until);

-- Where the log of revocations stands. Whoever revokes holds this row from before the first item
-- until its transaction has ended. So positions come in the order in which they can be seen, and
-- without gaps.
CREATE TABLE {p}.head (
    one boolean PRIMARY KEY DEFAULT true CHECK (one),
    epoch text NOT NULL,
    position bigint NOT NULL DEFAULT 0 CHECK (position >= 0),
    tag bigint NOT NULL DEFAULT 0,
    beat text NOT NULL DEFAULT '',
    -- Until when there may be sessions, in seconds: no earlier than any `remove_at`.
    sessions_until bigint NOT NULL DEFAULT 0
) WITH (fillfactor = 20);
INSERT INTO {p}.head (epoch) VALUES (gen_random_uuid()::text);

-- Each item names the one before it. `written_at` is in milliseconds.
CREATE TABLE {p}.log (
    position bigint PRIMARY KEY,
    tag bigint NOT NULL,
    previous bigint NOT NULL,
    previous_tag bigint NOT NULL,
    name text COLLATE "C" NOT NULL,
    keep_until bigint NOT NULL,
    bound bigint NOT NULL,
    written_at bigint NOT NULL
);

-- Ids that were claimed.
CREATE TABLE {p}.once (
    id bytea PRIMARY KEY CHECK (octet_length(id) = 32),
    until bigint NOT NULL
);
CREATE INDEX once_gone ON {p}.once (until);

-- Begins everything that writes. What is answered must be on the disk, whatever the role or the
-- database is set to; a stronger setting stays. And each statement has to see what others did while
-- this transaction waited for them.
CREATE FUNCTION {p}.begin_writing() RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    IF current_setting('transaction_isolation') <> 'read committed' THEN
        RAISE EXCEPTION 'the isolation level has to be read committed' USING ERRCODE = 'TB004';
    END IF;
    IF current_setting('synchronous_commit') = 'off' THEN
        PERFORM set_config('synchronous_commit', 'on', true);
    END IF;
END $$;

CREATE FUNCTION {p}.is_revoked(p_names text[], p_leasts bigint[]) RETURNS boolean
LANGUAGE sql STABLE AS $$
    SELECT EXISTS (
        SELECT FROM {p}.revocations AS found
        WHERE found.name = ANY (p_names)
            AND found.bound >= p_leasts[array_position(p_names, found.name)]
    )
$$;

-- Adds revocations or strengthens them, and appends what that changed to the log. One that comes
-- alone outlasts all sessions, unless it is of a single token.
CREATE FUNCTION {p}.revoke(
    p_names text[], p_keeps bigint[], p_bounds bigint[], p_tag bigint, p_alone boolean,
    OUT o_position bigint, OUT o_tag bigint, OUT o_changed bigint
) LANGUAGE plpgsql AS $$
DECLARE
    v_head {p}.head%ROWTYPE;
    v_found {p}.revocations%ROWTYPE;
    v_keep bigint;
BEGIN
    PERFORM {p}.begin_writing();
    SELECT * INTO STRICT v_head FROM {p}.head FOR UPDATE;
    o_position := v_head.position;
    o_tag := v_head.tag;
    o_changed := 0;
    FOR i IN 1 .. cardinality(p_names) LOOP
        v_keep := p_keeps[i];
        IF p_alone AND left(p_names[i], 1) NOT IN ('t', 'T') THEN
            v_keep := greatest(v_keep, v_head.sessions_until);
        END IF;
        INSERT INTO {p}.revocations AS kept (name, keep_until, bound)
        VALUES (p_names[i], v_keep, p_bounds[i])
        ON CONFLICT (name) DO UPDATE
            SET keep_until = greatest(kept.keep_until, excluded.keep_until),
                bound = greatest(kept.bound, excluded.bound)
            WHERE kept.keep_until < excluded.keep_until OR kept.bound < excluded.bound
        RETURNING * INTO v_found;
        IF FOUND THEN
            INSERT INTO {p}.log
                (position, tag, previous, previous_tag, name, keep_until, bound, written_at)
            VALUES (
                o_position + 1, p_tag, o_position, o_tag,
                v_found.name, v_found.keep_until, v_found.bound,
                floor(extract(epoch FROM clock_timestamp()) * 1000)
            );
            o_position := o_position + 1;
            o_tag := p_tag;
            o_changed := o_changed + 1;
        END IF;
    END LOOP;
    IF o_changed > 0 THEN
        UPDATE {p}.head SET position = o_position, tag = o_tag;
        PERFORM pg_notify('{p}.revoked', '');
    END IF;
END $$;

-- A step of sessions, all or nothing. Locks are taken in one order: the limited list, records by
-- their ids, the head.
CREATE FUNCTION {p}.commit(
    p_asked text[], p_leasts bigint[],
    p_ids text[], p_replaces bigint[], p_versions bigint[], p_records bytea[], p_unders text[],
    p_removes bigint[],
    p_limited text, p_most bigint, p_now bigint,
    p_revoked text[], p_keeps bigint[], p_bounds bigint[], p_tag bigint,
    OUT o_answer text, OUT o_position bigint, OUT o_tag bigint
) LANGUAGE plpgsql AS $$
DECLARE
    v_version bigint;
    v_count bigint;
    v_until bigint;
BEGIN
    PERFORM {p}.begin_writing();
    o_position := 0;
    o_tag := 0;
    IF p_limited IS NOT NULL THEN
        PERFORM pg_advisory_xact_lock(hashtextextended(p_limited, 0));
    END IF;
    IF {p}.is_revoked(p_asked, p_leasts) THEN
        o_answer := 'Revoked';
        RETURN;
    END IF;
    FOR i IN 1 .. cardinality(p_ids) LOOP
        SELECT version INTO v_version FROM {p}.sessions
        WHERE id = p_ids[i] AND remove_at > p_now FOR UPDATE;
        IF v_version IS DISTINCT FROM p_replaces[i] THEN
            o_answer := 'Conflict';
            RETURN;
        END IF;
    END LOOP;
    IF p_limited IS NOT NULL THEN
        SELECT count(*) INTO v_count FROM (
            SELECT FROM {p}.sessions
            WHERE index_key = p_limited AND remove_at > p_now AND id <> ALL (p_ids)
            LIMIT p_most + 1
        ) AS others;
        v_count := v_count + cardinality(array_positions(p_unders, p_limited));
        IF v_count > p_most THEN
            o_answer := 'Crowded';
            RETURN;
        END IF;
    END IF;
    FOR i IN 1 .. cardinality(p_ids) LOOP
        IF p_replaces[i] IS NULL THEN
            -- What has gone is in nobody's way.
            INSERT INTO {p}.sessions AS kept (id, version, record, index_key, remove_at)
            VALUES (p_ids[i], p_versions[i], p_records[i], p_unders[i], p_removes[i])
            ON CONFLICT (id) DO UPDATE
            SET version = excluded.version, record = excluded.record,
                index_key = excluded.index_key, remove_at = excluded.remove_at
            WHERE kept.remove_at <= p_now;
            IF NOT FOUND THEN
                RAISE EXCEPTION 'another session has this id' USING ERRCODE = 'TB001';
            END IF;
        ELSE
            UPDATE {p}.sessions
            SET version = p_versions[i], record = p_records[i], index_key = p_unders[i],
                remove_at = p_removes[i]
            WHERE id = p_ids[i];
        END IF;
        v_until := greatest(v_until, (p_removes[i] + 999) / 1000);
    END LOOP;
    IF v_until > (SELECT sessions_until FROM {p}.head) THEN
        -- Nobody revokes meanwhile. Whoever did before this did not know how long these live. A day
        -- ahead, so that this is rare.
        PERFORM FROM {p}.head FOR UPDATE;
        UPDATE {p}.head SET sessions_until = least(greatest(sessions_until, v_until + 86400), 4294967295);
        IF {p}.is_revoked(p_asked, p_leasts) THEN
            RAISE EXCEPTION 'it was revoked meanwhile' USING ERRCODE = 'TB002';
        END IF;
    END IF;
    IF cardinality(p_revoked) > 0 THEN
        SELECT done.o_position, done.o_tag INTO o_position, o_tag
        FROM {p}.revoke(p_revoked, p_keeps, p_bounds, p_tag, false) AS done;
    END IF;
    o_answer := 'Done';
END $$;

-- The heartbeat, unless another node has since written one.
CREATE FUNCTION {p}.beat(p_seen text, p_new text) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    PERFORM {p}.begin_writing();
    UPDATE {p}.head SET beat = p_new WHERE beat = p_seen;
END $$;

CREATE FUNCTION {p}.claim(p_id bytea, p_until bigint, p_now bigint) RETURNS boolean
LANGUAGE plpgsql AS $$
BEGIN
    PERFORM {p}.begin_writing();
    INSERT INTO {p}.once AS kept (id, until) VALUES (p_id, p_until)
    ON CONFLICT (id) DO UPDATE SET until = excluded.until WHERE kept.until <= p_now;
    RETURN FOUND;
END $$;

INSERT INTO {p}.schema_version (version) VALUES (1);
