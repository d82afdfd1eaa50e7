//! Proxies: HTTP CONNECT and SOCKS5, small and strict.

use crate::support::{listen, read_head};
use std::collections::HashMap;
use std::net::SocketAddr;
use std::sync::Arc;
use tokio::io::{AsyncReadExt, AsyncWriteExt, copy_bidirectional};
use tokio::net::TcpStream;
use tokio::sync::Mutex;

/// A proxy: what it was asked for, by whom, and the names that it knows.
#[derive(Clone, Default)]
pub(crate) struct Relay {
    names: HashMap<String, SocketAddr>,
    /// `name:password`, if one is wanted.
    user: Option<&'static str>,
    seen: Arc<Mutex<Vec<String>>>,
}

impl Relay {
    /// Knows one name, for which `localhost` does not stand: only the proxy can resolve it.
    pub(crate) fn knowing(name: &str, address: SocketAddr) -> Self {
        Self { names: HashMap::from([(name.to_owned(), address)]), ..Self::default() }
    }

    pub(crate) fn wanting(mut self, user: &'static str) -> Self {
        self.user = Some(user);
        self
    }

    /// What was asked for so far.
    pub(crate) async fn seen(&self) -> Vec<String> {
        self.seen.lock().await.clone()
    }

    pub(crate) async fn http(&self) -> SocketAddr {
        let (listener, address) = listen().await;
        let relay = self.clone();
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let relay = relay.clone();
                tokio::spawn(async move { relay.connect(stream).await });
            }
        });
        address
    }

    pub(crate) async fn socks(&self) -> SocketAddr {
        let (listener, address) = listen().await;
        let relay = self.clone();
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let relay = relay.clone();
                tokio::spawn(async move { relay.socks5(stream).await });
            }
        });
        address
    }

    fn find(&self, host: &str) -> Option<SocketAddr> {
        self.names.get(host).copied().or_else(|| host.parse().ok())
    }

    async fn connect(&self, mut stream: TcpStream) {
        let head = read_head(&mut stream).await;
        self.seen.lock().await.push(head.clone());
        let wanted = self.user.map(|user| data_encoding::BASE64.encode(user.as_bytes()));
        let given = wanted
            .is_none_or(|user| head.contains(&format!("Proxy-Authorization: Basic {user}\r\n")));
        let place = head.strip_prefix("CONNECT ").and_then(|rest| rest.split(' ').next());
        let name = place.and_then(|place| place.rsplit_once(':')).map_or("", |(name, _)| name);
        let place = self.names.get(name).copied().or_else(|| place.and_then(|p| p.parse().ok()));
        let refusal = match place {
            _ if !given => "407 Proxy Authentication Required",
            None => "502 Bad Gateway",
            Some(address) => match TcpStream::connect(address).await {
                Err(_) => "503 Service Unavailable",
                Ok(mut far) => {
                    stream.write_all(b"HTTP/1.1 200 Yes\r\nVia: test\r\n\r\n").await.unwrap();
                    let _ = copy_bidirectional(&mut stream, &mut far).await;
                    return;
                }
            },
        };
        let answer = format!("HTTP/1.1 {refusal}\r\nContent-Length: 0\r\n\r\n");
        stream.write_all(answer.as_bytes()).await.unwrap();
    }

    async fn socks5(&self, mut stream: TcpStream) {
        let mut head = [0; 2];
        stream.read_exact(&mut head).await.unwrap();
        assert_eq!(head[0], 5);
        let mut methods = vec![0; head[1].into()];
        stream.read_exact(&mut methods).await.unwrap();
        let wanted = if self.user.is_some() { 2 } else { 0 };
        if !methods.contains(&wanted) {
            stream.write_all(&[5, 255]).await.unwrap();
            return;
        }
        stream.write_all(&[5, wanted]).await.unwrap();
        if let Some(user) = self.user {
            let given = read_user(&mut stream).await;
            let verdict = u8::from(given != user);
            stream.write_all(&[1, verdict]).await.unwrap();
            if verdict != 0 {
                return;
            }
        }
        self.serve(stream).await;
    }

    async fn serve(&self, mut stream: TcpStream) {
        let mut head = [0; 4];
        stream.read_exact(&mut head).await.unwrap();
        assert_eq!(head[..3], [5, 1, 0], "version, CONNECT, reserved");
        let host = match head[3] {
            1 => std::net::Ipv4Addr::from(stream.read_u32().await.unwrap()).to_string(),
            3 => {
                let mut name = vec![0; stream.read_u8().await.unwrap().into()];
                stream.read_exact(&mut name).await.unwrap();
                String::from_utf8(name).unwrap()
            }
            4 => std::net::Ipv6Addr::from(stream.read_u128().await.unwrap()).to_string(),
            other => panic!("address type {other}"),
        };
        let port = stream.read_u16().await.unwrap();
        self.seen.lock().await.push(format!("{host} {port} by {}", head[3]));
        let place = self
            .find(&host)
            .or_else(|| Some((host.parse::<std::net::IpAddr>().ok()?, port).into()));
        let far = match place {
            Some(address) => TcpStream::connect(address).await.map_err(|_| 5),
            None => Err(4),
        };
        match far {
            Err(code) => stream.write_all(&[5, code, 0, 1, 0, 0, 0, 0, 0, 0]).await.unwrap(),
            Ok(mut far) => {
                // An address of the longest kind: all of it has to be read over.
                let mut reply = vec![5, 0, 0, 3, 255];
                reply.extend_from_slice(&[b'x'; 255]);
                reply.extend_from_slice(&[0, 80]);
                stream.write_all(&reply).await.unwrap();
                let _ = copy_bidirectional(&mut stream, &mut far).await;
            }
        }
    }
}

async fn read_user(stream: &mut TcpStream) -> String {
    assert_eq!(stream.read_u8().await.unwrap(), 1, "the version of the sub-negotiation");
    let mut parts = Vec::new();
    for _ in 0..2 {
        let mut part = vec![0; stream.read_u8().await.unwrap().into()];
        stream.read_exact(&mut part).await.unwrap();
        parts.push(String::from_utf8(part).unwrap());
    }
    parts.join(":")
}
