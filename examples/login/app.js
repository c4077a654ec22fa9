// The access token is in this variable and nowhere else: it is gone with the page, and a new one
// comes by the cookie, which no script can read.
let access = null;
// The refresh that is under way, if one is.
let refreshing = null;

const ENDED = "Your session has ended. Please sign in again.";
const STOLEN = "Your session was ended because a refresh token was used twice: somebody else had "
  + "a copy of it. Please sign in again.";

/** The user has to sign in. */
class SignedOut extends Error {}

/** The other tabs of this browser. */
const tabs = new BroadcastChannel("login");

// --- requests -----------------------------------------------------------------------------------

async function send(method, path, options = {}) {
  // Every wait has a bound: a lock is held while this waits.
  const signal = AbortSignal.timeout(10_000);
  const response = await fetch(path, { method, signal, ...options });
  note(`${method} ${path} → ${response.status}`);
  return response;
}

/**
 * One tab after the other changes the cookie: two that refresh at once would come with the same
 * token, which is what a theft looks like.
 */
function alone(action) {
  return navigator.locks.request("cookie", action);
}

/** A new access token. Calls that need one at the same time share one refresh. */
function refresh() {
  refreshing ??= alone(async () => {
    const response = await send("POST", "/refresh");
    if (response.status === 400) throw new SignedOut();
    await take(response);
  }).finally(() => { refreshing = null; });
  return refreshing;
}

async function take(response) {
  if (!response.ok) throw new Error(`The server answered ${response.status}. Please try again.`);
  access = (await response.json()).access_token;
}

/** Asks the service; with an access token that has expired, once more with a new one. */
async function api(method, path) {
  if (!access) await refresh();
  const used = access;
  const ask = () => send(method, path, { headers: { authorization: `Bearer ${access}` } });
  let response = await ask();
  if (response.status === 401) {
    // Unless another call has got a new one while this was under way.
    if (!access || access === used) await refresh();
    response = await ask();
  }
  return response;
}

async function ask(path) {
  const response = await api("GET", path);
  if (!response.ok) throw new Error(`The server answered ${response.status} to ${path}.`);
  return response.json();
}

// --- what is shown ------------------------------------------------------------------------------

const element = (id) => document.getElementById(id);
const say = (text) => { element("message").textContent = text; };
const time = (seconds) => new Date(seconds * 1000).toLocaleTimeString();

function note(text) {
  const line = document.createElement("li");
  line.textContent = text;
  const list = element("requests");
  list.prepend(line);
  while (list.childElementCount > 12) list.lastElementChild.remove();
}

function showSignedOut(why) {
  access = null;
  document.body.dataset.state = "out";
  say(why);
}

async function show() {
  const [me, sessions] = await Promise.all([ask("/me"), ask("/sessions")]);
  element("user").textContent = me.user;
  element("roles").textContent = me.roles.join(", ");
  element("expires").textContent = time(me.expires_at);
  element("sessions").replaceChildren(...sessions.map(row));
  document.body.dataset.state = "in";
}

// With textContent, whatever a device calls itself is text.
function row({ id, device, signed_in_at, last_used_at, current }) {
  const row = document.createElement("tr");
  for (const text of [device, time(signed_in_at), time(last_used_at)]) {
    row.insertCell().textContent = text;
  }
  const last = row.insertCell();
  if (current) {
    last.textContent = "this one";
  } else {
    const button = document.createElement("button");
    button.textContent = "End";
    button.onclick = () => attempt(() => end(id));
    last.append(button);
  }
  return row;
}

// --- what the user does -------------------------------------------------------------------------

async function attempt(action, why = ENDED) {
  say("");
  try {
    await action();
  } catch (error) {
    if (error instanceof SignedOut) showSignedOut(why);
    else say(error.message);
  }
}

async function login(form) {
  const body = new URLSearchParams(new FormData(form));
  const response = await alone(() => send("POST", "/login", { body }));
  if (response.status === 400) throw new Error("This is not a user with this password.");
  await take(response);
  form.reset();
  tabs.postMessage({ signedIn: true });
  await show();
}

async function logout() {
  const response = await alone(() => send("POST", "/logout"));
  // Not signed out yet: saying so would be a lie.
  if (!response.ok) throw new Error("You could not be signed out. Please try again.");
  leave("You have signed out.");
}

async function logoutEverywhere() {
  const response = await api("POST", "/logout-everywhere");
  if (!response.ok) throw new Error("You could not be signed out. Please try again.");
  leave("You have signed out everywhere.");
}

function leave(why) {
  tabs.postMessage({ signedIn: false, why });
  showSignedOut(why);
}

async function end(id) {
  const response = await api("DELETE", `/sessions/${encodeURIComponent(id)}`);
  // 404: it has ended by itself.
  if (!response.ok && response.status !== 404) throw new Error("It could not be ended.");
  await show();
}

async function theft() {
  const response = await alone(() => send("POST", "/theft-demo"));
  if (response.status === 400) throw new SignedOut();
  if (!response.ok) throw new Error("The thief could not come.");
  tabs.postMessage({ signedIn: false, why: STOLEN });
  // The access token is rejected, and the refresh token: the page finds out as it would in earnest.
  await attempt(show, STOLEN);
}

const buttons = {
  "ask-me": async () => say(JSON.stringify(await ask("/me"))),
  "ask-admin": async () => say(JSON.stringify(await ask("/admin"))),
  reload: show,
  logout,
  "logout-everywhere": logoutEverywhere,
  theft,
};
for (const [id, action] of Object.entries(buttons)) {
  element(id).onclick = () => attempt(action);
}
element("login").onsubmit = (event) => {
  event.preventDefault();
  attempt(() => login(event.target));
};

tabs.onmessage = ({ data }) => {
  if (!data.signedIn) return showSignedOut(data.why);
  // Perhaps as somebody else.
  access = null;
  attempt(show);
};

// Ended elsewhere, on another device say: seen when the user comes back to this tab.
document.addEventListener("visibilitychange", () => {
  if (!document.hidden && document.body.dataset.state === "in") attempt(show);
});

// After a reload the cookie is all there is.
attempt(show, "");
