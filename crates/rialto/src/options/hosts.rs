//! The names under which a server may be asked for.

use super::Options;

impl Options {
    /// Sets [`Options::allowed_hosts`]: `app.example` with any port, `app.example:8443` with that
    /// one, `*.app.example` for every name below, `[::1]` and other addresses as they stand in
    /// `Host`. Case does not matter.
    ///
    /// ```
    /// use rialto::Options;
    /// let options = Options::default().allowed_hosts(["app.example", "localhost", "127.0.0.1"]);
    /// ```
    #[must_use]
    pub fn allowed_hosts(mut self, hosts: impl IntoIterator<Item = impl Into<String>>) -> Self {
        self.allowed_hosts = Some(hosts.into_iter().map(Into::into).collect());
        self
    }

    /// Whether a request for that host may be answered. One without `Host` is for none.
    pub(crate) fn allows_host(&self, host: Option<&str>) -> bool {
        let Some(allowed) = &self.allowed_hosts else { return true };
        host.is_some_and(|host| allowed.iter().any(|allowed| fits(allowed, host)))
    }

    /// Says in the log what is odd about the list.
    pub(super) fn warn_of_hosts(&self) {
        let Some(allowed) = &self.allowed_hosts else { return };
        if allowed.is_empty() {
            tracing::warn!("`Options::allowed_hosts` is empty: every request is refused");
        }
        for host in allowed.iter().filter(|host| host.contains('/')) {
            tracing::warn!(
                ?host,
                "no `Host` has a scheme or a path, as this of `Options::allowed_hosts`"
            );
        }
    }
}

/// Whether an entry of the list stands for this host.
fn fits(allowed: &str, host: &str) -> bool {
    let ((name, port), (asked, asked_port)) = (split(allowed), split(host));
    if port.is_some() && port != asked_port {
        return false;
    }
    // A name may end with the dot of the root.
    let asked = asked.strip_suffix('.').unwrap_or(asked);
    match name.strip_prefix('*') {
        Some(below) if below.starts_with('.') => {
            let at = asked.len().checked_sub(below.len()).filter(|at| *at > 0);
            let end = at.and_then(|at| asked.get(at..));
            end.is_some_and(|end| end.eq_ignore_ascii_case(below))
        }
        _ => asked.eq_ignore_ascii_case(name),
    }
}

/// A host without its port, and the port.
fn split(host: &str) -> (&str, Option<&str>) {
    match host.rsplit_once(':') {
        // What stands behind the last colon of a bare IPv6 address is none.
        Some((name, port)) if !name.contains(':') || name.ends_with(']') => (name, Some(port)),
        _ => (host, None),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn allows(allowed: &[&str], host: &str) -> bool {
        Options::default().allowed_hosts(allowed.iter().copied()).allows_host(Some(host))
    }

    #[test]
    fn hosts_are_compared_by_name_and_by_port_where_one_is_given() {
        for (allowed, host) in [
            ("app.example", "app.example"),
            ("app.example", "APP.example:3000"),
            ("App.Example", "app.example."),
            ("app.example:8443", "app.example:8443"),
            ("*.app.example", "a.app.example"),
            ("*.app.example", "b.A.App.example:1"),
            ("[::1]", "[::1]:3000"),
            ("[::1]:3000", "[::1]:3000"),
            ("127.0.0.1", "127.0.0.1:80"),
        ] {
            assert!(allows(&[allowed], host), "{allowed} {host}");
        }
        for (allowed, host) in [
            ("app.example", "evil.example"),
            ("app.example", "app.example.evil.example"),
            ("app.example", "evil-app.example"),
            ("app.example", ""),
            ("app.example:8443", "app.example"),
            ("app.example:8443", "app.example:844"),
            ("*.app.example", "app.example"),
            ("*.app.example", ".app.example"),
            ("*.app.example", "evilapp.example"),
            ("*", "evil.example"),
            ("[::1]", "[::2]:1"),
            ("[::1]", "::1"),
        ] {
            assert!(!allows(&[allowed], host), "{allowed} {host}");
        }
    }

    #[test]
    fn without_a_list_all_are_allowed_and_with_one_nobody_without_a_name() {
        assert!(Options::default().allows_host(None));
        assert!(Options::default().allows_host(Some("any.example")));
        assert!(!Options::default().allowed_hosts(["a.example"]).allows_host(None));
        assert!(!allows(&[], "a.example"));
        assert!(allows(&["a.example", "b.example"], "b.example"));
    }
}
