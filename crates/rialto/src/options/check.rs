//! Options that cannot be meant: those that would serve nobody are errors before the server starts,
//! those that are merely odd are warnings.

use super::{Cors, Options};
use crate::error::Result;
use rialto_ws::Origins;
use std::time::Duration;

/// The name of an option, whether it is zero, and what that would mean.
type Zero = (&'static str, bool, &'static str);

impl Options {
    /// What is wrong with the options, found before the server starts.
    ///
    /// # Errors
    /// If no client could be served with them, or a cookie cannot be written.
    pub(crate) fn check(&self) -> Result<()> {
        if let Some((name, _, effect)) = self.useless().into_iter().find(|(_, zero, _)| *zero) {
            let remedy = "set it above zero, or leave it out for the default";
            return Err(format!("`Options::{name}` is zero: {effect}; {remedy}").into());
        }
        self.cookie.as_ref().map_or(Ok(()), |cookie| cookie.header("sid").map(drop))
    }

    /// Says in the log what is odd about the options; called once for each server.
    pub(crate) fn warn(&self) {
        if self.transports.is_empty() {
            tracing::warn!(
                "`Options::transports` is empty: every client is refused with `Transport unknown`; \
                 name `Transport::Polling`, `Transport::WebSocket` or both"
            );
        }
        for (name, _, effect) in self.doubtful().into_iter().filter(|(_, zero, _)| *zero) {
            tracing::warn!("`{name}` is zero: {effect}");
        }
        self.cors.iter().for_each(Cors::warn);
        self.warn_of_hosts();
    }

    /// With a zero here nobody is served.
    fn useless(&self) -> [Zero; 14] {
        let none = |time: Duration| time.is_zero();
        [
            ("ping_interval", none(self.ping_interval), "pings would be all there is"),
            ("ping_timeout", none(self.ping_timeout), "no client can answer a ping in no time"),
            ("connect_timeout", none(self.connect_timeout), "no client can join in no time"),
            ("header_timeout", none(self.header_timeout), "no request can arrive in no time"),
            ("body_timeout", none(self.body_timeout), "no POST can arrive in no time"),
            (
                "keep_alive_timeout",
                none(self.keep_alive_timeout),
                "each connection would be cut before its first request",
            ),
            ("max_payload", self.max_payload == 0, "no message is that small"),
            ("send_budget", self.send_budget == Some(0), "nothing could be sent"),
            ("max_running_handlers", self.max_running_handlers == 0, "no event would be handled"),
            (
                "max_connections_per_address",
                self.max_connections_per_address == Some(0),
                "no client could connect (`None` is no limit)",
            ),
            (
                "max_events_per_second",
                self.max_events_per_second == Some(0),
                "no event would be read (`None` is no limit)",
            ),
            ("max_event_burst", self.max_event_burst == Some(0), "no event would be read"),
            ("max_namespaces", self.max_namespaces == 0, "no client could join"),
            (
                "stall_timeout",
                self.stall_timeout.is_some_and(|time| time.is_zero()),
                "whoever does not read at once would be cut off (`None` is no limit)",
            ),
        ]
    }

    /// With a zero here something does not work that may not be wanted.
    fn doubtful(&self) -> [Zero; 6] {
        let recovery = self.connection_state_recovery.as_ref();
        let nothing = "no client is recovered; leave `connection_state_recovery` out";
        [
            (
                "Options::upgrade_timeout",
                self.upgrade_timeout.is_zero(),
                "no client can leave long-polling; `allow_upgrades(false)` tells it so",
            ),
            (
                "Options::ack_timeout",
                self.ack_timeout.is_zero(),
                "`emit_with_ack` fails at once, unless `timeout` gives it time",
            ),
            (
                "Options::max_pending_acks",
                self.max_pending_acks == 0,
                "`emit_with_ack` fails at once",
            ),
            (
                "ConnectionStateRecovery::max_disconnection_duration",
                recovery.is_some_and(|it| it.max_disconnection_duration.is_zero()),
                nothing,
            ),
            (
                "ConnectionStateRecovery::max_sessions",
                recovery.is_some_and(|it| it.max_sessions == 0),
                nothing,
            ),
            (
                "ConnectionStateRecovery::max_bytes",
                recovery.is_some_and(|it| it.max_bytes == 0),
                "who has missed anything is not recovered",
            ),
        ]
    }
}

impl Cors {
    fn warn(&self) {
        let list = match &self.origins {
            Origins::Any if self.credentials => {
                tracing::warn!(
                    "`Cors` allows `*` with credentials, which no browser takes: name the origins"
                );
                return;
            }
            Origins::Listed(list) => list,
            _ => return,
        };
        for origin in list {
            if let Some(remedy) = fault(origin) {
                tracing::warn!(?origin, "no page has this origin of `Cors`: {remedy}");
            }
        }
    }
}

/// Why no browser sends this origin, and what to write instead.
fn fault(origin: &str) -> Option<String> {
    if origin == "null" {
        return None;
    }
    let Some((scheme, authority)) = origin.split_once("://") else {
        return Some(format!("it has no scheme; write \"https://{origin}\""));
    };
    if let Some((authority, _)) = authority.split_once('/') {
        return Some(format!("it has no path; write \"{scheme}://{authority}\""));
    }
    let name = authority.strip_prefix("*.").unwrap_or(authority);
    if name.contains('*') {
        let example = "\"https://*.example.org\", for all names below one";
        return Some(format!("a `*` stands only as in {example}; `Cors::matching` takes any rule"));
    }
    let port = match scheme {
        "https" => ":443",
        "http" => ":80",
        _ => return None,
    };
    let name = authority.strip_suffix(port)?;
    Some(format!("browsers leave the usual port out; write \"{scheme}://{name}\""))
}

#[cfg(test)]
mod tests {
    use super::fault;

    #[test]
    fn origins_are_what_browsers_send() {
        let right = ["null", "https://a.example", "http://localhost:8080", "https://*.a.example"];
        for origin in right.iter().chain(&["capacitor://localhost", "https://a.example:80"]) {
            assert_eq!(fault(origin), None, "{origin}");
        }
        for (origin, remedy) in [
            ("a.example", "it has no scheme; write \"https://a.example\""),
            ("*.a.example", "it has no scheme; write \"https://*.a.example\""),
            ("", "it has no scheme"),
            ("https://a.example/app", "it has no path; write \"https://a.example\""),
            ("http://localhost:*", "a `*` stands only as in"),
            ("https://*.*.example", "a `*` stands only as in"),
            ("https://a.example:443", "write \"https://a.example\""),
            ("http://a.example:80", "write \"http://a.example\""),
        ] {
            let fault = fault(origin).unwrap_or_default();
            assert!(fault.contains(remedy), "{origin}: {fault}");
        }
    }
}
