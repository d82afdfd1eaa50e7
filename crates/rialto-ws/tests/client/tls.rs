//! `wss://`: trust, names, client certificates, proxies, all against rustls as a server.

use crate::relays::Relay;
use crate::support::{echo, echo_server, greeting, listen, within};
use rcgen::{BasicConstraints, CertificateParams, DnType, IsCa, Issuer, KeyPair};
use rialto_ws::{ClientTls, Connect, Options};
use rustls::crypto::aws_lc_rs;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::server::WebPkiClientVerifier;
use rustls::{RootCertStore, ServerConfig};
use std::net::SocketAddr;
use std::sync::Arc;
use tokio_rustls::TlsAcceptor;

/// An authority, and what it has signed.
struct Authority {
    pem: String,
    der: CertificateDer<'static>,
    issuer: Issuer<'static, KeyPair>,
}

/// A certificate and its key, in PEM.
struct Identity {
    chain: String,
    key: String,
    der: CertificateDer<'static>,
}

impl Authority {
    fn new() -> Self {
        Self::named("one")
    }

    fn named(name: &str) -> Self {
        let key = KeyPair::generate().unwrap();
        let mut params = CertificateParams::new(Vec::new()).unwrap();
        params.distinguished_name.push(DnType::CommonName, name);
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let certificate = params.self_signed(&key).unwrap();
        let (pem, der) = (certificate.pem(), certificate.der().clone());
        Self { pem, der, issuer: Issuer::new(params, key) }
    }

    fn sign(&self, names: &[&str]) -> Identity {
        let names: Vec<_> = names.iter().map(|&name| name.to_owned()).collect();
        let key = KeyPair::generate().unwrap();
        let certificate =
            CertificateParams::new(names).unwrap().signed_by(&key, &self.issuer).unwrap();
        Identity {
            chain: certificate.pem(),
            key: key.serialize_pem(),
            der: certificate.der().clone(),
        }
    }

    fn trusted(&self) -> ClientTls {
        let tls = ClientTls::builder().platform_roots(false).root_pem(self.pem.as_bytes());
        tls.build().unwrap()
    }
}

impl Identity {
    fn key_der(&self) -> PrivateKeyDer<'static> {
        use rustls::pki_types::pem::PemObject;
        PrivateKeyDer::from_pem_slice(self.key.as_bytes()).unwrap()
    }
}

fn server_config(identity: &Identity, clients: Option<&Authority>, alpn: &[&str]) -> ServerConfig {
    let provider = Arc::new(aws_lc_rs::default_provider());
    let builder = ServerConfig::builder_with_provider(Arc::clone(&provider))
        .with_safe_default_protocol_versions()
        .unwrap();
    let builder = match clients {
        None => builder.with_no_client_auth(),
        Some(authority) => {
            let mut roots = RootCertStore::empty();
            roots.add(authority.der.clone()).unwrap();
            let verifier = WebPkiClientVerifier::builder_with_provider(Arc::new(roots), provider);
            builder.with_client_cert_verifier(verifier.build().unwrap())
        }
    };
    let chain = vec![identity.der.clone()];
    let mut config = builder.with_single_cert(chain, identity.key_der()).unwrap();
    config.alpn_protocols = alpn.iter().map(|name| name.as_bytes().to_vec()).collect();
    config
}

async fn serve(config: ServerConfig) -> SocketAddr {
    let (listener, address) = listen().await;
    let acceptor = TlsAcceptor::from(Arc::new(config));
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            let acceptor = acceptor.clone();
            tokio::spawn(async move {
                let stream = acceptor.accept(stream).await?;
                echo(rialto_ws::accept_with(stream, &Options::default()).await?).await
            });
        }
    });
    address
}

/// A server for these names, its authority and certificate.
async fn server(names: &[&str]) -> (SocketAddr, Authority, Identity) {
    let authority = Authority::new();
    let identity = authority.sign(names);
    let address = serve(server_config(&identity, None, &["http/1.1"])).await;
    (address, authority, identity)
}

#[tokio::test]
async fn a_root_of_ones_own_by_name_and_by_address() {
    let (address, authority, _) = server(&["chat.test", "127.0.0.1"]).await;
    let tls = authority.trusted();
    let mut socket =
        within(Connect::new("wss://chat.test/x?y").addresses([address]).tls(tls.clone()).connect())
            .await
            .unwrap();
    assert_eq!(greeting(&mut socket).await, "/x?y chat.test -");
    let mut socket =
        within(Connect::new(format!("https://{address}/")).tls(tls).connect()).await.unwrap();
    assert_eq!(greeting(&mut socket).await, format!("/ {address} -"));
    let big = vec![7; 3 << 20];
    socket.send(big.clone()).await.unwrap();
    assert!(within(socket.recv()).await.unwrap().unwrap().as_bytes() == big);
    within(socket.close(1000, "")).await.unwrap();
    assert_eq!(socket.close_frame().unwrap().code.get(), 1000);
}

#[tokio::test]
async fn roots_may_be_added_to_the_platforms() {
    let (address, authority, _) = server(&["127.0.0.1"]).await;
    let tls = ClientTls::builder().root_der(authority.der.to_vec()).build().unwrap();
    let connect = Connect::new(format!("wss://{address}/")).tls(tls);
    greeting(&mut within(connect.connect()).await.unwrap()).await;
}

#[tokio::test]
async fn what_is_not_trusted_is_refused_with_the_reason() {
    let (address, authority, _) = server(&["chat.test"]).await;
    let connect = || Connect::new("wss://chat.test/").addresses([address]);
    // By default, the platform decides, and it has never heard of this authority.
    let refused = within(connect().connect()).await.unwrap_err();
    assert!(refused.is_tls() && format!("{refused:?}").contains("certificate"), "{refused:?}");
    let stranger = Authority::named("another").trusted();
    let refused = within(connect().tls(stranger).connect()).await.unwrap_err();
    assert!(format!("{refused:?}").contains("UnknownIssuer"), "{refused:?}");
    let other = Connect::new("wss://other.test/").addresses([address]).tls(authority.trusted());
    let refused = within(other.clone().connect()).await.unwrap_err();
    assert!(format!("{refused:?}").contains("not valid for name"), "{refused:?}");
    let cause = refused.cause().unwrap();
    assert!(cause.downcast_ref::<rustls::Error>().is_some(), "the cause can be asked");
    let named = other.tls(authority.trusted().server_name("chat.test"));
    greeting(&mut within(named.connect()).await.unwrap()).await;
}

#[tokio::test]
async fn a_pinned_certificate_and_no_other() {
    let (address, _, identity) = server(&["whatever.test"]).await;
    let connect = |tls| Connect::new(format!("wss://{address}/")).tls(tls).connect();
    let pinned = ClientTls::builder().pin_pem(identity.chain.as_bytes()).build().unwrap();
    greeting(&mut within(connect(pinned)).await.unwrap()).await;
    let print = aws_lc_rs::cipher_suite::TLS13_AES_128_GCM_SHA256.tls13().unwrap();
    let print = print.common.hash_provider.hash(&identity.der);
    let print: [u8; 32] = print.as_ref().try_into().unwrap();
    let pinned = ClientTls::builder().pin_sha256([0; 32]).pin_sha256(print).build().unwrap();
    greeting(&mut within(connect(pinned)).await.unwrap()).await;
    let other = ClientTls::builder().pin_sha256([7; 32]).build().unwrap();
    assert!(within(connect(other)).await.unwrap_err().is_tls());
}

#[tokio::test]
async fn a_pinned_certificate_without_its_key_is_refused() {
    let authority = Authority::new();
    let (shown, held) = (authority.sign(&["a.test"]), authority.sign(&["b.test"]));
    // The certificate of one with the key of the other, which rustls would not put together.
    let key = aws_lc_rs::default_provider().key_provider.load_private_key(held.key_der()).unwrap();
    let stolen = rustls::sign::CertifiedKey::new(vec![shown.der.clone()], key);
    let resolver = Arc::new(rustls::sign::SingleCertAndKey::from(stolen));
    let config = ServerConfig::builder_with_provider(Arc::new(aws_lc_rs::default_provider()))
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_cert_resolver(resolver);
    let address = serve(config).await;
    let pinned = ClientTls::builder().pin_pem(shown.chain.as_bytes()).build().unwrap();
    let connect = Connect::new(format!("wss://{address}/"));
    assert!(within(connect.clone().tls(pinned).connect()).await.unwrap_err().is_tls());
    let careless = ClientTls::builder().dangerously_accept_any_certificate().build().unwrap();
    greeting(&mut within(connect.tls(careless).connect()).await.unwrap()).await;
}

#[tokio::test]
async fn a_client_shows_its_certificate() {
    let authority = Authority::new();
    let identity = authority.sign(&["127.0.0.1"]);
    let address = serve(server_config(&identity, Some(&authority), &[])).await;
    let client = authority.sign(&["client"]);
    let roots = || ClientTls::builder().platform_roots(false).root_pem(authority.pem.as_bytes());
    let by_pem = roots().client_certificate_pem(client.chain.as_bytes(), client.key.as_bytes());
    let by_der = roots()
        .client_certificate_der([client.der.to_vec()], client.key_der().secret_der().to_vec());
    for tls in [by_pem, by_der] {
        let connect = Connect::new(format!("wss://{address}/")).tls(tls.build().unwrap());
        greeting(&mut within(connect.connect()).await.unwrap()).await;
    }
    let anonymous = Connect::new(format!("wss://{address}/")).tls(authority.trusted());
    // With TLS 1.3 the refusal comes after the client's part of the handshake.
    within(anonymous.connect()).await.unwrap_err();
}

#[tokio::test]
async fn a_configuration_of_ones_own_and_protocols_that_do_not_fit() {
    let authority = Authority::new();
    let identity = authority.sign(&["127.0.0.1"]);
    let address = serve(server_config(&identity, None, &["h2"])).await;
    let mut roots = RootCertStore::empty();
    roots.add(authority.der.clone()).unwrap();
    let config =
        rustls::ClientConfig::builder_with_provider(Arc::new(aws_lc_rs::default_provider()))
            .with_protocol_versions(&[&rustls::version::TLS12])
            .unwrap()
            .with_root_certificates(roots)
            .with_no_client_auth();
    let connect = |config| Connect::new(format!("wss://{address}/")).tls(config).connect();
    greeting(&mut within(connect(config.clone())).await.unwrap()).await;
    let mut wrong = config;
    wrong.alpn_protocols = vec![b"h2".to_vec()];
    let refused = within(connect(wrong)).await.unwrap_err();
    assert!(refused.is_tls() && format!("{refused:?}").contains("ALPN"), "{refused:?}");
    // A server that knows no common protocol says so itself.
    let tls = Connect::new(format!("wss://{address}/")).tls(authority.trusted());
    assert!(within(tls.connect()).await.unwrap_err().is_tls());
}

#[test]
fn what_cannot_be_used_is_told_when_it_is_built() {
    let no_pem = ClientTls::builder().root_pem(b"nothing").build();
    let bad_pem = b"-----BEGIN CERTIFICATE-----\n!!\n-----END CERTIFICATE-----\n";
    for tls in [
        no_pem,
        ClientTls::builder().root_pem(bad_pem).build(),
        ClientTls::builder().platform_roots(false).build(),
        ClientTls::builder().platform_roots(false).root_der([1, 2, 3]).build(),
        ClientTls::builder().client_certificate_pem(b"", b"").build(),
        ClientTls::builder().pin_pem(b"").build(),
    ] {
        let error = tls.unwrap_err();
        assert!(error.is_tls(), "{error:?}");
    }
}

#[tokio::test]
async fn a_server_that_speaks_no_tls() {
    let (listener, address) = listen().await;
    tokio::spawn(async move {
        use tokio::io::{AsyncReadExt, AsyncWriteExt};
        while let Ok((mut stream, _)) = listener.accept().await {
            let mut hello = vec![0; 16 << 10];
            assert!(stream.read(&mut hello).await.unwrap() > 0);
            stream.write_all(b"HTTP/1.1 400 Bad Request\r\n\r\n").await.unwrap();
        }
    });
    let refused = within(rialto_ws::connect(format!("wss://{address}/"))).await.unwrap_err();
    assert!(refused.is_tls(), "{refused:?}");
    let odd = Connect::new("wss://under_score-.test-/").addresses([address]);
    let refused = within(odd.connect()).await.unwrap_err();
    assert!(refused.is_url() || refused.is_tls(), "{refused:?}");
}

#[tokio::test]
async fn tls_through_proxies_of_each_kind() {
    let (address, authority, _) = server(&["chat.test"]).await;
    let relay = Relay::knowing("chat.test", address);
    let (web, socks) = (relay.http().await, relay.socks().await);
    for proxy in [format!("http://{web}"), format!("socks5h://{socks}")] {
        let connect = Connect::new("wss://chat.test/a").proxy(proxy).tls(authority.trusted());
        let mut socket = within(connect.connect()).await.unwrap();
        assert_eq!(greeting(&mut socket).await, "/a chat.test -");
    }
    assert!(relay.seen().await[0].starts_with("CONNECT chat.test:443 "));
    let careless = || Connect::new("wss://elsewhere.test/").tls(authority.trusted());
    let relay = Relay::knowing("elsewhere.test", address);
    let proxied = careless().proxy(format!("http://{}", relay.http().await));
    assert!(within(proxied.connect()).await.unwrap_err().is_tls(), "the proxy is not trusted");
}

#[tokio::test]
async fn a_proxy_that_itself_speaks_tls() {
    let (address, authority, _) = server(&["chat.test"]).await;
    let relay = Relay::knowing("chat.test", address).wanting("u:p");
    let web = relay.http().await;
    let front = authority.sign(&["127.0.0.1"]);
    let acceptor = TlsAcceptor::from(Arc::new(server_config(&front, None, &[])));
    let (listener, proxy) = listen().await;
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            let acceptor = acceptor.clone();
            tokio::spawn(async move {
                let mut near = acceptor.accept(stream).await?;
                let mut far = tokio::net::TcpStream::connect(web).await?;
                tokio::io::copy_bidirectional(&mut near, &mut far).await
            });
        }
    });
    let connect = Connect::new("wss://chat.test/deep")
        .tls(authority.trusted())
        .proxy(format!("https://u:p@{proxy}"));
    let mut socket =
        within(connect.clone().proxy_tls(authority.trusted()).connect()).await.unwrap();
    assert_eq!(greeting(&mut socket).await, "/deep chat.test -");
    let refused = within(connect.connect()).await.unwrap_err();
    assert!(refused.is_tls(), "the trust for the server is not that for the proxy: {refused:?}");
}

#[tokio::test]
async fn a_redirect_never_leads_out_of_tls() {
    let plain = echo_server().await;
    let authority = Authority::new();
    let identity = authority.sign(&["127.0.0.1"]);
    let acceptor = TlsAcceptor::from(Arc::new(server_config(&identity, None, &[])));
    let (listener, address) = listen().await;
    tokio::spawn(async move {
        use tokio::io::{AsyncReadExt, AsyncWriteExt};
        while let Ok((stream, _)) = listener.accept().await {
            let mut stream = acceptor.accept(stream).await.unwrap();
            let mut head = vec![0; 4096];
            let _ = stream.read(&mut head).await;
            let answer = format!("HTTP/1.1 302 F\r\nLocation: http://{plain}/\r\n\r\n");
            stream.write_all(answer.as_bytes()).await.unwrap();
            stream.shutdown().await.unwrap();
        }
    });
    let connect = Connect::new(format!("wss://{address}/")).tls(authority.trusted());
    let refused = within(connect.redirects(5).connect()).await.unwrap_err();
    assert_eq!(refused.status().unwrap(), 302);
    assert!(refused.to_string().contains("wss:// to ws://"), "{refused}");
}
