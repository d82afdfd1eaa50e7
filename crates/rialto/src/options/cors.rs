//! Which foreign pages may use the server: the options of npm's `cors`, where they make sense.

use crate::handshake::Handshake;
use crate::panics::{caught, caught_in};
use futures_util::future::BoxFuture;
use http::StatusCode;
use rialto_ws::Origins;
use std::fmt;
use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

/// Which foreign pages may use the server, and how CORS tells their browsers.
///
/// ```
/// use rialto::Cors;
/// use std::time::Duration;
/// let cors = Cors::new(["https://app.example", "https://*.preview.example"])
///     .credentials(true)
///     .exposed_headers(["x-request-id"])
///     .max_age(Duration::from_secs(600));
/// let branches = Cors::matching(|origin| {
///     origin.strip_prefix("https://branch-").is_some_and(|rest| rest.ends_with(".example"))
/// });
/// ```
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Cors {
    /// The origins: those of a list, a pattern or a function.
    pub origins: Origins,
    /// Is asked about a page of any other origin. Default none: it may not connect.
    pub decide: Option<DecideOrigin>,
    /// Whether browsers may send cookies. Default false. Where all origins are allowed by `*` they
    /// do not: name the origins.
    pub credentials: bool,
    /// The methods named in preflight answers. Default `GET,HEAD,PUT,PATCH,POST,DELETE`.
    pub methods: String,
    /// The request headers that are allowed; those asked for if empty. Default empty.
    pub allowed_headers: Vec<String>,
    /// The answer headers that scripts may read. Default none.
    pub exposed_headers: Vec<String>,
    /// How long browsers may keep a preflight answer. Default unset: 5 s by their own rule.
    pub max_age: Option<Duration>,
    /// The status of preflight answers. Default 204; some old browsers stumble over it and want
    /// 200.
    pub success_status: StatusCode,
    /// Leaves preflight requests to the layers of [`Server::engine_layer`]. Default false: they
    /// are answered before.
    ///
    /// [`Server::engine_layer`]: crate::Server::engine_layer
    pub preflight_continue: bool,
}

impl Cors {
    /// For these origins: `https://app.example`, `https://*.app.example` for every name below
    /// that one, `null`, or `*` for all.
    pub fn new<I: IntoIterator<Item: Into<String>>>(origins: I) -> Self {
        Self::of(Origins::list(origins))
    }

    /// For the origins that the function takes. It should look at the whole of its argument: what
    /// only ends in the right name may belong to somebody else.
    pub fn matching(matches: impl Fn(&str) -> bool + Send + Sync + 'static) -> Self {
        // A panic is no yes.
        let asked = move |origin: &str| caught("Cors::matching", || matches(origin)) == Ok(true);
        Self::of(Origins::matching(asked))
    }

    fn of(origins: Origins) -> Self {
        Self {
            origins,
            decide: None,
            credentials: false,
            methods: "GET,HEAD,PUT,PATCH,POST,DELETE".to_owned(),
            allowed_headers: Vec::new(),
            exposed_headers: Vec::new(),
            max_age: None,
            success_status: StatusCode::NO_CONTENT,
            preflight_continue: false,
        }
    }

    /// Sets [`Cors::decide`]: a decision that takes its time, such as a look into a database, about
    /// pages whose origin is neither the server's own nor among [`Cors::origins`].
    ///
    /// It is asked before each request of such a page, preflight requests, polls and the browser
    /// client included: what is slow should be remembered. One that is not made within
    /// [`Options::connect_timeout`](crate::Options::connect_timeout) is a no, with a line in the
    /// log; so decide yourself what an error of your database means. JSONP goes by the origins
    /// alone.
    ///
    /// ```
    /// use rialto::{Cors, Handshake};
    /// # async fn is_customer(origin: String) -> Result<bool, std::io::Error> { Ok(true) }
    /// let cors = Cors::new(["https://app.example"]).decide(async |request: Handshake| {
    ///     let origin = request.header("origin").unwrap_or_default().to_owned();
    ///     is_customer(origin).await.unwrap_or(false)
    /// });
    /// ```
    #[must_use]
    pub fn decide<F>(mut self, decide: impl Fn(Handshake) -> F + Send + Sync + 'static) -> Self
    where
        F: Future<Output = bool> + Send + 'static,
    {
        self.decide = Some(DecideOrigin(Arc::new(move |request| {
            let deciding = caught("Cors::decide", || decide(request));
            Box::pin(async move {
                let Ok(deciding) = deciding else { return false };
                caught_in("Cors::decide", deciding).await == Ok(true)
            })
        })));
        self
    }

    /// Sets [`Cors::credentials`].
    #[must_use]
    pub fn credentials(mut self, on: bool) -> Self {
        self.credentials = on;
        self
    }

    /// Sets [`Cors::methods`].
    #[must_use]
    pub fn methods<I: IntoIterator<Item: AsRef<str>>>(mut self, methods: I) -> Self {
        let methods: Vec<_> = methods.into_iter().map(|name| name.as_ref().to_owned()).collect();
        self.methods = methods.join(",");
        self
    }

    /// Sets [`Cors::allowed_headers`].
    #[must_use]
    pub fn allowed_headers<I: IntoIterator<Item: Into<String>>>(mut self, names: I) -> Self {
        self.allowed_headers = names.into_iter().map(Into::into).collect();
        self
    }

    /// Sets [`Cors::exposed_headers`].
    #[must_use]
    pub fn exposed_headers<I: IntoIterator<Item: Into<String>>>(mut self, names: I) -> Self {
        self.exposed_headers = names.into_iter().map(Into::into).collect();
        self
    }

    /// Sets [`Cors::max_age`].
    #[must_use]
    pub fn max_age(mut self, age: Duration) -> Self {
        self.max_age = Some(age);
        self
    }

    /// Sets [`Cors::success_status`].
    #[must_use]
    pub fn success_status(mut self, status: StatusCode) -> Self {
        self.success_status = status;
        self
    }

    /// Sets [`Cors::preflight_continue`].
    #[must_use]
    pub fn preflight_continue(mut self, on: bool) -> Self {
        self.preflight_continue = on;
        self
    }
}

/// A decision on pages of foreign origins: see [`Cors::decide`].
#[derive(Clone)]
pub struct DecideOrigin(Arc<dyn Fn(Handshake) -> BoxFuture<'static, bool> + Send + Sync>);

impl DecideOrigin {
    pub(crate) fn ask(&self, request: Handshake) -> BoxFuture<'static, bool> {
        (self.0)(request)
    }
}

impl fmt::Debug for DecideOrigin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("DecideOrigin")
    }
}
