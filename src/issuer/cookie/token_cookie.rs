//! [`TokenCookie`].

use cookie::time::Duration;
use cookie::{Cookie as SetCookie, SameSite};
use http::header::{CACHE_CONTROL, SET_COOKIE};
use http::{HeaderValue, Response, StatusCode};

use super::place;
use crate::authenticate::log;
use crate::clock::UnixTime;
use crate::credentials::{BearerToken, Cookie, CrossSiteProtection, TokenSource};
use crate::head::RequestHead;
use crate::issuer::error::{IssueError, IssueErrorKind};
use crate::issuer::session::{RefreshToken, SessionTokens, TokenResponse};
use crate::issuer::token::{AccessToken, AccessTokenBuilder};
use crate::rejection::{Rejection, RejectionKind};
use crate::respond::BytesBody;

/// What browsers take of name and value, in bytes (RFC 6265bis §5.6).
const MAX_LEN: usize = 4096;
/// As long as browsers keep a cookie at most: 400 days, in seconds (RFC 6265bis §5.5).
const MAX_AGE: u64 = 400 * 24 * 60 * 60;

/// A cookie of a browser that holds a token: how it is set, read and cleared.
///
/// Always `Secure` and `HttpOnly`, without `Domain`, and `SameSite=Strict` unless told otherwise. See
/// the [module](super) for what to choose and an example.
#[derive(Debug, Clone)]
#[must_use]
#[doc(alias("session", "set-cookie"))]
pub struct TokenCookie {
    name: Box<str>,
    path: Box<str>,
    same_site: SameSite,
    protection: CrossSiteProtection,
    source: Cookie,
}

impl TokenCookie {
    /// The cookie `__Host-` and this name, for the whole host: `Path=/`. Nobody but the host itself
    /// can set it.
    ///
    /// # Errors
    /// If no cookie can have the name, or it has a prefix already.
    pub fn host(name: &str) -> Result<Self, IssueError> {
        Ok(Self::new(place::name("__Host-", name)?, "/".into()))
    }

    /// The cookie `__Secure-` and this name, for this path and all that is below it: `/auth` covers
    /// `/auth/refresh`. It is the path that browsers ask for, prefixes of proxies and nested routers
    /// included. Another path later needs another name too, see the [module](super).
    ///
    /// # Errors
    /// If no cookie can have the name or the path, or the path is `/`.
    pub fn secure(name: &str, path: &str) -> Result<Self, IssueError> {
        Ok(Self::new(place::name("__Secure-", name)?, place::path(path)?))
    }

    fn new(name: Box<str>, path: Box<str>) -> Self {
        let protection = CrossSiteProtection::new();
        let source = Cookie::named(name.clone());
        Self { name, path, same_site: SameSite::Strict, protection, source }
    }

    /// Sends it with links from other sites too, though not with their forms and scripts
    /// (`SameSite=Lax`): for pages that the server renders for the user.
    pub fn same_site_lax(mut self) -> Self {
        self.same_site = SameSite::Lax;
        self
    }

    /// What tells requests of other sites, and which of them are trusted. Default: none is.
    pub fn cross_site_protection(mut self, protection: CrossSiteProtection) -> Self {
        self.source = self.source.cross_site_protection(protection.clone());
        self.protection = protection;
        self
    }

    /// The cookie's name, with its prefix.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Where an [`AuthLayer`](crate::layer::AuthLayer) finds the token, for its
    /// [`source`](crate::layer::AuthLayer::source): with an access token in the cookie.
    pub fn source(&self) -> Cookie {
        self.source.clone()
    }

    /// The token in the request's cookie, if there is one. Takes `&parts`, `&request` or a
    /// [`RequestHead`].
    ///
    /// # Errors
    /// [`CrossSite`](RejectionKind::CrossSite) if another site caused the request, with the cookie or
    /// without, unless its method is safe; [`InvalidRequest`](RejectionKind::InvalidRequest) if there
    /// are two, or what is in the cookie is no token. As a
    /// [`SessionError`](crate::issuer::session::SessionError), either can be the answer of a token
    /// endpoint.
    pub fn read<'a>(
        &self,
        head: impl Into<RequestHead<'a>>,
    ) -> Result<Option<BearerToken>, Rejection> {
        let head = head.into();
        // Also where there is no cookie: `SameSite` kept it back from the other site, and the answer
        // to a logout would clear it.
        self.check_site(head)?;
        self.source.find(&head).inspect_err(log)
    }

    /// The token in the request's cookie.
    ///
    /// # Errors
    /// As for [`read`](Self::read), and [`MissingToken`](RejectionKind::MissingToken) if there is
    /// none.
    pub fn require<'a>(&self, head: impl Into<RequestHead<'a>>) -> Result<BearerToken, Rejection> {
        let reason = "there is no token in the cookie: it expired, or nobody has signed in";
        self.read(head)?.ok_or(Rejection::new(RejectionKind::MissingToken, reason))
    }

    /// Whether the request may set the cookie: for the endpoint that begins a session, where no
    /// cookie is needed and [`read`](Self::read) would tell nothing.
    ///
    /// # Errors
    /// [`CrossSite`](RejectionKind::CrossSite) if another site caused it, unless its method is safe.
    pub fn check_site<'a>(&self, head: impl Into<RequestHead<'a>>) -> Result<(), Rejection> {
        self.protection.check(&head.into()).inspect_err(log)
    }

    /// `Set-Cookie` with this refresh token, until it expires. `now` is the time of the issuer's
    /// clock; a token that has expired clears the cookie. Marked sensitive.
    ///
    /// The response must not be stored by caches: `Cache-Control: no-store`. See also
    /// [`respond`](Self::respond).
    #[must_use]
    pub fn set(&self, token: &RefreshToken, now: UnixTime) -> HeaderValue {
        self.until(token.expose_secret(), token.expires_at(), now)
    }

    /// `Set-Cookie` with this access token, else like [`set`](Self::set).
    ///
    /// # Errors
    /// [`TooLong`](IssueErrorKind::TooLong) if name and token are over 4,096 bytes: browsers drop
    /// such a cookie without a word.
    pub fn set_access(
        &self,
        token: &AccessToken,
        now: UnixTime,
    ) -> Result<HeaderValue, IssueError> {
        if self.name.len() + token.expose_secret().len() > MAX_LEN {
            let text = "the access token does not fit into a cookie (4,096 bytes with its name); \
                 leave claims out, or sign with a shorter key";
            return Err(IssueError::new(IssueErrorKind::TooLong, text));
        }
        Ok(self.until(token.expose_secret(), token.expires_at(), now))
    }

    /// `Set-Cookie` that deletes the cookie, with the name, path and attributes it was set with.
    #[must_use]
    pub fn clear(&self) -> HeaderValue {
        self.render("", 0)
    }

    /// The answer to a login or a refresh: the refresh token in the cookie; in the body an access
    /// token as [`SessionTokens::access_token`] makes it, changed by `add`. `Cache-Control: no-store`.
    ///
    /// # Errors
    /// As for [`AccessTokenBuilder::issue`].
    pub fn respond(
        &self,
        grant: SessionTokens,
        add: impl FnOnce(AccessTokenBuilder) -> AccessTokenBuilder,
    ) -> Result<Response<BytesBody>, IssueError> {
        let access = add(grant.access_token()).issue()?;
        let mut response = TokenResponse::new(access).into_response();
        let value = self.set(grant.refresh_token(), grant.now);
        response.headers_mut().append(SET_COOKIE, value);
        Ok(response)
    }

    /// The answer to a logout: 204, the cookie cleared, `Cache-Control: no-store`. Ending the session
    /// is another matter.
    #[must_use]
    pub fn respond_signed_out(&self) -> Response<BytesBody> {
        let mut response = Response::new(BytesBody::default());
        *response.status_mut() = StatusCode::NO_CONTENT;
        response.headers_mut().insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
        response.headers_mut().append(SET_COOKIE, self.clear());
        response
    }

    fn until(&self, token: &str, expires_at: UnixTime, now: UnixTime) -> HeaderValue {
        match expires_at.saturating_since(now).as_secs() {
            0 => self.clear(),
            seconds => self.render(token, seconds.min(MAX_AGE)),
        }
    }

    fn render(&self, value: &str, max_age: u64) -> HeaderValue {
        let max_age = i64::try_from(max_age).unwrap_or_default();
        let text = SetCookie::build((&*self.name, value))
            .path(&*self.path)
            .secure(true)
            .http_only(true)
            .same_site(self.same_site)
            .max_age(Duration::seconds(max_age))
            .build()
            .to_string();
        // Name and path were checked, tokens are base64url: the replacement is never taken.
        let mut value =
            HeaderValue::try_from(text).unwrap_or_else(|_| HeaderValue::from_static(""));
        value.set_sensitive(true);
        value
    }
}
