// What a user of the example `login` sees, in Chromium. Arguments: the browser's DevTools address,
// the example's. Each step that went well is a line; the first that did not ends it.
import assert from "node:assert/strict";
import { createServer } from "node:http";
import puppeteer from "puppeteer-core";

// For the one who waits: node has come up.
console.log("started");

const [endpoint, site] = process.argv.slice(2);
const browser = await puppeteer.connect({ browserWSEndpoint: endpoint, protocolTimeout: 20_000 });

const STOLEN = "Your session was ended because a refresh token was used twice";
const COOKIE = "__Host-refresh";

async function step(name, action) {
  let late;
  const patience = new Promise((_, reject) => {
    late = setTimeout(() => reject(new Error("it takes too long")), 20_000);
  });
  try {
    await Promise.race([action(), patience]);
    console.log(`ok: ${name}`);
  } catch (error) {
    console.log(`FAILED: ${name}: ${error.stack}`);
    process.exit(1);
  } finally {
    clearTimeout(late);
  }
}

// --- the page, as a user has it ----------------------------------------------------------------

/** A tab of this profile, with what it asked and what went wrong in it. */
async function tab(profile, url = site) {
  const page = await profile.newPage();
  page.setDefaultTimeout(15_000);
  page.asked = [];
  page.wrong = [];
  page.on("response", (response) => {
    const { pathname } = new URL(response.url());
    page.asked.push(`${response.request().method()} ${pathname} ${response.status()}`);
  });
  page.on("pageerror", (error) => page.wrong.push(String(error)));
  page.on("console", (message) => {
    // Chromium reports each 400 and 401 here too; those are expected.
    const expected = message.text().startsWith("Failed to load resource");
    if (message.type() === "error" && !expected) page.wrong.push(message.text());
  });
  await page.goto(url);
  return page;
}

// By the clock, not by frames as by default: tabs in the background draw none.
const until = (page, holds, ...values) => page.waitForFunction(holds, { polling: 20 }, ...values);
const state = (page, expected) =>
  until(page, (wanted) => document.body?.dataset.state === wanted, expected);
const message = (page, expected) =>
  until(page, (part) => document.getElementById("message").textContent.includes(part), expected);
const rows = (page, expected) =>
  until(page, (count) => document.getElementById("sessions").rows.length === count, expected);
const click = (page, id) => page.evaluate((id) => document.getElementById(id).click(), id);

async function login(page, user, password) {
  await state(page, "out");
  // Not with `page.click`, which waits for frames.
  await page.evaluate((user, password) => {
    const form = document.getElementById("login");
    Object.assign(form.elements.user, { value: user });
    Object.assign(form.elements.password, { value: password });
    form.requestSubmit();
  }, user, password);
}

async function signIn(page) {
  await login(page, "bob", "lighthouse");
  await state(page, "in");
}

/** The refresh token, as the browser keeps it. */
async function cookie(profile) {
  const cookies = await profile.cookies();
  return cookies.find(({ name }) => name === COOKIE);
}

/** Asks until the access token has expired and was renewed, unseen by the user. */
async function renewed(page) {
  page.asked.length = 0;
  const patience = Date.now() + 15_000;
  while (!page.asked.includes("POST /refresh 200")) {
    assert.ok(Date.now() < patience, `never renewed: ${page.asked.slice(-8)}`);
    const before = page.asked.length;
    await click(page, "reload");
    while (page.asked.length < before + 2) await new Promise((next) => setTimeout(next, 10));
  }
  assert.equal(await page.evaluate(() => document.body.dataset.state), "in");
}

// --- what has to happen ------------------------------------------------------------------------

const profile = await browser.createBrowserContext();
const first = await tab(profile);

await step("who has not signed in sees the form, and a wrong password is told", async () => {
  await login(first, "bob", "wrong");
  await message(first, "This is not a user with this password.");
  await first.reload();
});

await step("signing in shows who one is, and the session", async () => {
  await signIn(first);
  assert.equal(await first.$eval("#user", (user) => user.textContent), "bob");
  await rows(first, 1);
  assert.match(await first.$eval("#sessions", (rows) => rows.innerText), /Chrome.*this one/s);
  await click(first, "ask-admin");
  await message(first, "403");
});

await step("no script finds a token", async () => {
  const kept = await first.evaluate(async () => ({
    cookie: document.cookie,
    local: { ...localStorage },
    session: { ...sessionStorage },
    databases: await indexedDB.databases(),
    caches: await caches.keys(),
    globals: Object.values(window).filter((value) => /^(ey|tbr1_)/.test(String(value))),
  }));
  const nothing = { cookie: "", local: {}, session: {}, databases: [], caches: [], globals: [] };
  assert.deepEqual(kept, nothing);
  const { httpOnly, secure, sameSite, path, domain, value } = await cookie(profile);
  assert.deepEqual({ httpOnly, secure, sameSite, path, domain },
    { httpOnly: true, secure: true, sameSite: "Strict", path: "/", domain: "localhost" });
  assert.match(value, /^tbr1_/);
});

await step("the page keeps to its policy", async () => {
  const blocked = await first.evaluate(() => {
    const script = document.createElement("script");
    const tried = [() => { script.text = "window.injected = 1"; document.body.append(script); },
      () => { document.body.innerHTML = "<b>"; }];
    return tried.map((attempt) => { try { attempt(); return "done"; } catch { return "blocked"; } });
  });
  assert.equal(blocked[1], "blocked");
  assert.equal(await first.evaluate(() => window.injected), undefined);
  first.wrong.length = 0;
});

await step("a reload keeps the session, with another refresh token", async () => {
  const { value } = await cookie(profile);
  await first.reload();
  await state(first, "in");
  assert.notEqual((await cookie(profile)).value, value);
});

await step("an expired access token is renewed once for calls at the same time", async () => {
  await renewed(first);
  // A second refresh would have come before these.
  const settled = first.waitForResponse((response) => response.url().endsWith("/sessions"));
  await click(first, "reload");
  await settled;
  const count = (what) => first.asked.filter((line) => line === what).length;
  assert.ok(first.asked.some((line) => line.endsWith(" 401")), `${first.asked.slice(-8)}`);
  assert.equal(count("POST /refresh 200"), 1, `${first.asked.slice(-8)}`);
});

const second = await tab(profile);
await step("a second tab is signed in, and both can refresh at once", async () => {
  await state(second, "in");
  for (let round = 0; round < 3; round += 1) {
    await Promise.all([first.reload(), second.reload()]);
    await Promise.all([state(first, "in"), state(second, "in")]);
  }
  await Promise.all([renewed(first), renewed(second)]);
});

// Another port is another origin, but the same site to SameSite: the cookie goes with it.
const evil = createServer((_, response) => {
  response.setHeader("content-type", "text/html");
  response.end("<!doctype html><title>another site</title>");
});
await new Promise((listening) => evil.listen(0, "127.0.0.1", listening));
const byScript = (url) => {
  fetch(url, { method: "POST", mode: "no-cors", credentials: "include",
    body: new URLSearchParams({ user: "ada", password: "analytical-engine" }) }).catch(() => {});
};
const byForm = (url) => {
  const form = document.createElement("form");
  Object.assign(form, { method: "POST", action: url });
  for (const [name, value] of [["user", "ada"], ["password", "analytical-engine"]]) {
    form.append(Object.assign(document.createElement("input"), { name, value }));
  }
  document.body.append(form);
  form.submit();
};
for (const host of ["localhost", "127.0.0.1"]) {
  await step(`a page of another origin on ${host} gets 403, and the session lives on`, async () => {
    // The page itself may refresh meanwhile: what stays is the session, which the token begins with.
    const session = async () => (await cookie(profile))?.value.split(".")[0];
    const before = await session();
    assert.ok(before);
    for (const path of ["/login", "/refresh", "/logout", "/theft-demo"]) {
      for (const how of [byScript, byForm]) {
        const page = await tab(profile, `http://${host}:${evil.address().port}/`);
        const answer = page.waitForResponse((response) => response.url() === site + path);
        await page.evaluate(how, site + path);
        assert.equal((await answer).status(), 403, `${path} ${how}`);
        await page.close();
      }
    }
    assert.equal(await session(), before);
    await first.reload();
    await state(first, "in");
    assert.equal(await first.$eval("#user", (user) => user.textContent), "bob");
  });
}
evil.close();

await step("a session of another browser is listed, ended, and notices it", async () => {
  const other = await browser.createBrowserContext();
  const page = await tab(other);
  await signIn(page);
  await click(first, "reload");
  await rows(first, 2);
  await first.evaluate(() => document.querySelector("#sessions button").click());
  await rows(first, 1);
  await click(page, "ask-me");
  await state(page, "out");
  await message(page, "Your session has ended.");
  assert.deepEqual(page.wrong, []);
  await other.close();
});

await step("signing out in one tab is noticed by the other, and in again too", async () => {
  await click(second, "logout");
  await state(second, "out");
  await state(first, "out");
  await message(first, "You have signed out.");
  assert.equal(await cookie(profile), undefined);
  await first.reload();
  await signIn(first);
  await state(second, "in");
});

await step("a stolen cookie ends the session, and the page says why", async () => {
  await click(first, "theft");
  await state(first, "out");
  await message(first, STOLEN);
  await state(second, "out");
  await message(second, STOLEN);
  await second.reload();
  await state(second, "out");
  // It asked for two things at once: the answers may come in any order.
  const theft = first.asked.findLastIndex((line) => line.startsWith("POST /theft-demo"));
  const since = first.asked.slice(theft);
  assert.ok(since.includes("POST /refresh 400"), String(since));
  assert.ok(since.every((line) => /theft-demo 200$| (400|401)$/.test(line)), String(since));
});

await step("a real theft: the thief comes with a copy from before", async () => {
  await signIn(second);
  const { value } = await cookie(profile);
  // once more than the grace forgives
  for (let times = 0; times < 2; times += 1) {
    await second.reload();
    await state(second, "in");
  }
  const replay = await fetch(`${site}/refresh`,
    { method: "POST", headers: { cookie: `${COOKIE}=${value}` } });
  assert.equal(replay.status, 400);
  await click(second, "ask-me");
  await state(second, "out");
  await message(second, "Your session has ended.");
});

await step("signing out everywhere ends other browsers' sessions", async () => {
  const other = await browser.createBrowserContext();
  const page = await tab(other);
  await signIn(page);
  await second.reload();
  await signIn(second);
  await click(page, "logout-everywhere");
  await state(page, "out");
  await click(second, "ask-me");
  await state(second, "out");
  await other.close();
});

await step("by its address it works as well as by its name", async () => {
  const other = await browser.createBrowserContext();
  const page = await tab(other, site.replace("localhost", "127.0.0.1"));
  await signIn(page);
  await page.reload();
  await state(page, "in");
  await click(page, "logout");
  await state(page, "out");
  await other.close();
});

await step("nothing went wrong in the pages", async () => {
  assert.deepEqual([...first.wrong, ...second.wrong], []);
});

console.log("done");
process.exit(0);
