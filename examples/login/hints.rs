//! What to try, printed at the start.

use super::config::{Config, Store};
use super::users::{ADA, BOB};

pub(crate) fn print(port: u16, config: &Config) {
    // By name: for Safari and old Firefoxes only `localhost` may have Secure cookies without TLS.
    let url = format!("http://localhost:{port}");
    let seconds = config.access_lifetime.as_secs();
    let place = match &config.store {
        Store::Memory => "in memory".to_owned(),
        Store::Sqlite(path) => format!("in {}, and outlive a restart", path.display()),
        Store::Postgres(_) | Store::Redis(_) => {
            "shared by all instances with this store and SIGNING_KEY_FILE".to_owned()
        }
    };
    println!("Serving on {url}. Access tokens live for {seconds} s, sessions are {place}.\n");
    println!("Open {url} in a browser, and sign in as");
    for user in [ADA, BOB] {
        println!("  {} with {} ({})", user.name, user.password, user.roles.join(", "));
    }
    println!("or paste this into another terminal:\n");

    let jar = "-b \"$jar\" -c \"$jar\"";
    let post = |path: &str| format!("-X POST {jar} {url}{path}");
    let bearer = |path: &str| format!("-H \"Authorization: Bearer $token\" {url}{path}");
    let say = |what: &str, rest: String| println!("# {what}\ncurl -i {rest}\n");

    println!("jar=$(mktemp)\n");
    say("a wrong password: 400", format!("-d user=bob -d password=wrong {url}/login"));
    let right = format!("{jar} -d user={} -d password={} {url}/login", BOB.name, BOB.password);
    say("the right one: 200, an access token in the body, the refresh token in a cookie", right);
    say("refresh: 200, a new one of each", post("/refresh"));
    let foreign = format!("-H 'Origin: https://evil.example' {}", post("/refresh"));
    say("a page of another site tries: 403, and nothing is spent", foreign);
    let cut = r#"sed 's/.*"access_token":"\([^"]*\)".*/\1/'"#;
    println!("token=$(curl -s {} | {cut})\n", post("/refresh"));
    say("with the access token: 200", bearer("/me"));
    say("bob's sessions: 200", bearer("/sessions"));
    say("without the role: 403", bearer("/admin"));
    say("log out: 204", post("/logout"));
    say("the access token died with its session: 401", bearer("/me"));
    say("and the refresh token: 400", post("/refresh"));
    say("the public keys: 200", format!("{url}/.well-known/jwks.json"));
}
