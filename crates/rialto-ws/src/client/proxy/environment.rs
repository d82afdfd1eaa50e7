//! The proxy that the environment names: `HTTPS_PROXY` and its kin.

use super::{Proxy, is_loopback};
use crate::client::url::{Target, split_port};
use crate::error::{Error, Result};
use std::net::IpAddr;

/// The proxy for a server, as curl and most other programs find it.
///
/// `ws_proxy` or `wss_proxy`, then `http_proxy` or `https_proxy`, then `all_proxy`: each in lower
/// case first, then in upper case; an empty one counts as absent. In a CGI program (there is a
/// `REQUEST_METHOD`) `HTTP_PROXY` is a header field of the request and is not looked at. This
/// machine is never reached by way of a proxy, nor is what `no_proxy` lists.
///
/// # Errors
/// If the variable holds no proxy's URL: going on without it could expose what it was to hide.
pub(crate) fn from_environment(target: &Target) -> Result<Option<Proxy>> {
    choose(target, &|name| std::env::var(name).ok())
}

fn choose(target: &Target, get: &dyn Fn(&str) -> Option<String>) -> Result<Option<Proxy>> {
    if is_loopback(&target.host) || target.socket.is_some() {
        return Ok(None);
    }
    let either = |name: &str| {
        let upper = name.to_ascii_uppercase();
        let cgi = upper == "HTTP_PROXY" && get("REQUEST_METHOD").is_some();
        let filled = |value: String| (!value.trim().is_empty()).then(|| value.trim().to_owned());
        let upper = || if cgi { None } else { get(&upper).and_then(filled) };
        get(name).and_then(filled).or_else(upper)
    };
    let names = match target.secure {
        true => ["wss_proxy", "https_proxy", "all_proxy"],
        false => ["ws_proxy", "http_proxy", "all_proxy"],
    };
    let Some(url) = names.into_iter().find_map(either) else { return Ok(None) };
    if either("no_proxy").is_some_and(|list| is_excepted(&list, target)) {
        return Ok(None);
    }
    let proxy = Proxy::parse(&url);
    proxy.map(Some).map_err(|_| Error::url("a proxy's URL in the environment cannot be used"))
}

/// True if a `no_proxy` list names the server.
///
/// Entries are parted by commas or spaces: `*`, a name (itself and all below it, a leading `.` or
/// `*.` changes nothing), an address, a range (`10.0.0.0/8`); each with a port if need be.
fn is_excepted(list: &str, target: &Target) -> bool {
    let entries = list.split([',', ' ', '\t']).map(str::trim).filter(|entry| !entry.is_empty());
    entries.into_iter().any(|entry| entry == "*" || names(entry, target))
}

fn names(entry: &str, target: &Target) -> bool {
    let address: Option<IpAddr> = target.host.parse().ok();
    // An IPv6 address without brackets has colons that part no port.
    if let Ok(named) = entry.parse::<IpAddr>() {
        return address == Some(named);
    }
    let (host, port) = split_port(entry);
    if port.is_some_and(|port| port.parse() != Ok(target.port)) && !entry.contains('/') {
        return false;
    }
    let bare = host.strip_prefix('[').and_then(|host| host.strip_suffix(']')).unwrap_or(host);
    if let Some(address) = address {
        return in_range(entry, address) || bare.parse() == Ok(address);
    }
    let suffix = bare.strip_prefix("*.").or_else(|| bare.strip_prefix('.')).unwrap_or(bare);
    let (name, suffix) = (target.host.to_ascii_lowercase(), suffix.to_ascii_lowercase());
    let name = name.trim_end_matches('.');
    name.strip_suffix(&*suffix).is_some_and(|rest| rest.is_empty() || rest.ends_with('.'))
}

/// True if `range` is `address/bits` and the address lies in it.
fn in_range(range: &str, address: IpAddr) -> bool {
    let Some((base, bits)) = range.split_once('/') else { return false };
    let (Ok(base), Ok(bits)) = (base.parse(), bits.parse::<u32>()) else { return false };
    match (base, address) {
        (IpAddr::V4(base), IpAddr::V4(address)) if bits <= 32 => {
            let mask = u32::MAX.checked_shl(32 - bits).unwrap_or(0);
            base.to_bits() & mask == address.to_bits() & mask
        }
        (IpAddr::V6(base), IpAddr::V6(address)) if bits <= 128 => {
            let mask = u128::MAX.checked_shl(128 - bits).unwrap_or(0);
            base.to_bits() & mask == address.to_bits() & mask
        }
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The proxy's host for a URL in an environment.
    fn proxy(url: &str, environment: &[(&str, &str)]) -> Option<String> {
        let get = |name: &str| {
            let found = environment.iter().find(|(key, _)| *key == name);
            found.map(|(_, value)| (*value).to_owned())
        };
        choose(&Target::parse(url).unwrap(), &get).unwrap().map(|proxy| proxy.host)
    }

    #[test]
    fn which_variable_counts() {
        let all = [
            ("ws_proxy", "a"),
            ("http_proxy", "b"),
            ("HTTP_PROXY", "c"),
            ("https_proxy", "d"),
            ("HTTPS_PROXY", "e"),
            ("all_proxy", "socks5://f"),
            ("ALL_PROXY", "g"),
        ];
        assert_eq!(proxy("ws://h/", &all).as_deref(), Some("a"));
        assert_eq!(proxy("ws://h/", &all[1..]).as_deref(), Some("b"));
        assert_eq!(proxy("ws://h/", &all[2..]).as_deref(), Some("c"));
        assert_eq!(proxy("ws://h/", &all[3..]).as_deref(), Some("f"));
        assert_eq!(proxy("wss://h/", &all).as_deref(), Some("d"));
        assert_eq!(proxy("wss://h/", &all[4..]).as_deref(), Some("e"));
        assert_eq!(proxy("wss://h/", &all[6..]).as_deref(), Some("g"));
        assert_eq!(proxy("wss://h/", &all[..3]), None);
        assert_eq!(proxy("ws://h/", &[("http_proxy", " "), ("HTTP_PROXY", "c")]).unwrap(), "c");
    }

    #[test]
    fn a_header_field_of_a_cgi_request_is_no_proxy() {
        let cgi = [("HTTP_PROXY", "evil"), ("REQUEST_METHOD", "GET")];
        assert_eq!(proxy("ws://h/", &cgi), None);
        let lower = [("http_proxy", "good"), cgi[0], cgi[1]];
        assert_eq!(proxy("ws://h/", &lower).as_deref(), Some("good"));
    }

    #[test]
    fn this_machine_is_reached_directly() {
        for url in ["ws://localhost/", "ws://127.0.0.1:1/", "wss://[::1]/", "ws+unix:/a:/"] {
            assert_eq!(proxy(url, &[("all_proxy", "p")]), None, "{url}");
        }
    }

    #[test]
    fn exceptions() {
        let excepted =
            |list: &str, url: &str| proxy(url, &[("ALL_PROXY", "p"), ("NO_PROXY", list)]).is_none();
        for (list, url) in [
            ("*", "ws://any/"),
            ("example.org", "ws://example.org/"),
            ("example.org", "ws://a.EXAMPLE.org./"),
            (".example.org", "ws://example.org/"),
            ("*.example.org", "wss://a.b.example.org/"),
            ("x, example.org:8080", "ws://example.org:8080/"),
            ("x example.org:443 y", "wss://example.org/"),
            ("10.0.0.0/8", "ws://10.200.3.4/"),
            ("0.0.0.0/0", "ws://10.200.3.4/"),
            ("10.1.2.3", "ws://10.1.2.3:99/"),
            ("10.1.2.3:99", "ws://10.1.2.3:99/"),
            ("fd00::/8", "ws://[fd12::1]/"),
            ("fd12::1", "ws://[fd12::1]/"),
            ("[fd12::1]:80", "ws://[fd12::1]/"),
        ] {
            assert!(excepted(list, url), "{list} {url}");
        }
        for (list, url) in [
            ("", "ws://any/"),
            (",", "ws://any/"),
            ("example.org", "ws://badexample.org/"),
            ("example.org", "ws://example.org.evil/"),
            ("example.org:80", "ws://example.org:81/"),
            ("10.0.0.0/8", "ws://11.0.0.1/"),
            ("10.0.0.0/33", "ws://10.0.0.0/"),
            ("10.0.0.0/8", "ws://10.example/"),
            ("10.1.2.3:98", "ws://10.1.2.3:99/"),
            ("fd00::/8", "ws://[fc12::1]/"),
            ("0.3.4", "ws://10.200.3.4/"),
        ] {
            assert!(!excepted(list, url), "{list} {url}");
        }
    }

    #[test]
    fn a_variable_that_is_no_url_is_an_error() {
        let get = |name: &str| (name == "https_proxy").then(|| "gopher://p".to_owned());
        assert!(choose(&Target::parse("wss://h/").unwrap(), &get).unwrap_err().is_url());
    }
}
