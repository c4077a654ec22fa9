//! The endpoints. The refresh token is in a cookie that only `/login`, `/refresh` and `/logout`
//! look at; everything else wants the access token in the `Authorization` header, which no page of
//! another site can send.

use axum::extract::{Form, Path, State};
use axum::http::request::Parts;
use axum::http::{Response, StatusCode, header};
use axum::response::IntoResponse;
use axum::routing::{delete, get, post};
use axum::{Json, Router, middleware};
use serde::Deserialize;
use serde_json::{Value, json};
use tower_bearer::guard::role;
use tower_bearer::issuer::cookie::TokenCookie;
use tower_bearer::issuer::session::{
    NewSession, RefreshRequest, Session, SessionError, SessionTokens, Sessions,
};
use tower_bearer::issuer::{JwksService, SigningKeys};
use tower_bearer::respond::BytesBody;
use tower_bearer::{AuthLayer, Claims, RequireLayer, Verifier};

use super::{page, users};

/// The page, as a client of the issuer (`client_id`).
const CLIENT: &str = "web";

#[derive(Clone)]
pub(crate) struct App {
    pub(crate) sessions: Sessions,
    pub(crate) cookie: TokenCookie,
}

/// What this service wants to know of an access token.
#[derive(Deserialize)]
pub(crate) struct User {
    sub: String,
    sid: String,
}

pub(crate) fn router(app: App, verifier: Verifier<User>, keys: SigningKeys) -> Router {
    // The sessions' own store: what has ended there is rejected here, at once.
    let layer = AuthLayer::new(verifier).revocation(app.sessions.store().clone());
    let protected = Router::new()
        .route("/me", get(me))
        .route("/admin", get(admin).layer(RequireLayer::new(role("admin"))))
        .route("/sessions", get(sessions))
        .route("/sessions/{id}", delete(end_session))
        .route("/logout-everywhere", post(logout_everywhere))
        .route_layer(layer.realm("login example"));
    Router::new()
        .route("/login", post(login))
        .route("/refresh", post(refresh))
        .route("/logout", post(logout))
        .route("/theft-demo", post(theft_demo))
        .route_service("/.well-known/jwks.json", JwksService::new(keys))
        .merge(protected)
        .merge(page::routes())
        .layer(middleware::map_response(page::protect))
        .with_state(app)
}

type Answer = Result<Response<BytesBody>, SessionError>;

#[derive(Deserialize)]
struct Credentials {
    user: String,
    password: String,
}

async fn login(
    State(app): State<App>,
    head: Parts,
    Form(given): Form<Credentials>,
) -> Result<axum::response::Response, SessionError> {
    // Or another site could sign its visitors in as somebody else.
    app.cookie.check_site(&head)?;
    let Some(user) = users::check(&given.user, &given.password) else {
        // One answer for a wrong name and a wrong password.
        let answer = Json(json!({ "error": "invalid_grant" }));
        return Ok((StatusCode::BAD_REQUEST, answer).into_response());
    };
    let session = NewSession::new(user.name, CLIENT).device(device(&head));
    let grant = app.sessions.begin(session).await?;
    Ok(respond(&app, grant)?.into_response())
}

async fn refresh(State(app): State<App>, head: Parts) -> Answer {
    let token = app.cookie.require(&head)?;
    let grant = app.sessions.refresh(RefreshRequest::new(token.expose_secret(), CLIENT)).await?;
    respond(&app, grant)
}

/// The access token in the body, the refresh token in the cookie.
fn respond(app: &App, grant: SessionTokens) -> Answer {
    let roles = users::roles(grant.session().subject.as_str());
    Ok(app.cookie.respond(grant, |access| access.roles(roles.iter().copied()))?)
}

/// By the cookie alone: who has waited for longer than an access token lives can sign out too.
async fn logout(State(app): State<App>, head: Parts) -> Answer {
    if let Some(token) = app.cookie.read(&head)? {
        // A session that is unknown is one that nobody can refresh: signed out in any case.
        let _ = app.sessions.end_by_token(token.expose_secret()).await?;
    }
    Ok(app.cookie.respond_signed_out())
}

async fn logout_everywhere(State(app): State<App>, user: Claims<User>) -> Answer {
    let _ = app.sessions.end_all(&user.sub).await?;
    Ok(app.cookie.respond_signed_out())
}

async fn sessions(
    State(app): State<App>,
    user: Claims<User>,
) -> Result<Json<Vec<Value>>, SessionError> {
    let show = |session: &Session| {
        json!({
            "id": session.id.as_str(),
            "device": session.device.as_deref(),
            "signed_in_at": session.created_at.as_secs(),
            "last_used_at": session.last_used_at.as_secs(),
            "current": session.id.as_str() == user.sid,
        })
    };
    Ok(Json(app.sessions.sessions(&user.sub).await?.iter().map(show).collect()))
}

async fn end_session(
    State(app): State<App>,
    Path(id): Path<String>,
    user: Claims<User>,
) -> Result<StatusCode, SessionError> {
    // The id is whatever the client says: with the subject, nobody ends somebody else's session.
    let ended = app.sessions.end_session(&user.sub, &id).await?;
    Ok(if ended.was_live() { StatusCode::NO_CONTENT } else { StatusCode::NOT_FOUND })
}

async fn me(user: Claims<User>) -> Json<Value> {
    let roles: Vec<_> = user.registered().roles().iter().collect();
    let expires_at = user.registered().expires_at().map(|time| time.as_secs());
    Json(json!({ "user": user.sub, "roles": roles, "expires_at": expires_at }))
}

async fn admin(user: Claims<User>) -> Json<Value> {
    Json(json!({ "secret": format!("{} may see this", user.sub) }))
}

/// **For the demonstration only.** Plays a thief who has copied the cookie, and who comes after its
/// owner has refreshed twice (once would still be within the grace).
async fn theft_demo(State(app): State<App>, head: Parts) -> Answer {
    let copy = app.cookie.require(&head)?;
    let copy = RefreshRequest::new(copy.expose_secret(), CLIENT);
    let once = app.sessions.refresh(copy).await?;
    let token = once.refresh_token().expose_secret();
    let twice = app.sessions.refresh(RefreshRequest::new(token, CLIENT)).await?;
    if app.sessions.refresh(copy).await.is_ok() {
        eprintln!("the thief was not noticed: this must not happen");
    }
    // What the owner gets is dead by now, and so is what the thief could have got.
    respond(&app, twice)
}

/// What to call a device in the list of sessions. Browsers name each other, so order matters.
fn device(head: &Parts) -> String {
    let agent = head.headers.get(header::USER_AGENT).and_then(|agent| agent.to_str().ok());
    let agent = agent.unwrap_or_default();
    let named = |names: &[(&str, &'static str)]| {
        names.iter().find(|(part, _)| agent.contains(part)).map(|(_, name)| *name)
    };
    let browser = named(&[
        ("Edg/", "Edge"),
        ("Firefox/", "Firefox"),
        ("Chrome/", "Chrome"),
        ("Safari/", "Safari"),
        ("curl/", "curl"),
    ]);
    let system = named(&[
        ("Android", "Android"),
        ("iPhone", "iPhone"),
        ("Windows", "Windows"),
        ("Mac OS", "macOS"),
        ("Linux", "Linux"),
    ]);
    let browser = browser.unwrap_or("a program");
    system.map_or_else(|| browser.to_owned(), |system| format!("{browser} on {system}"))
}
