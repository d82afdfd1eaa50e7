//! A WebSocket client by TLS, which trusts an authority of your own beside those of the platform.
//!
//! Run `cargo run -p rialto-examples --example ws_secure -- wss://localhost:8443/ company-ca.pem`;
//! without a file, it trusts whom the platform trusts.
//!
//! In Node, with `ws`: `new WebSocket(url, { ca: fs.readFileSync("company-ca.pem") })`

use rialto::ws::{ClientTls, Connect, Result};
use std::env;

#[tokio::main]
async fn main() -> Result<()> {
    let url = env::args().nth(1).unwrap_or_else(|| "wss://localhost:8443/".to_owned());
    let mut tls = ClientTls::builder();
    if let Some(file) = env::args().nth(2) {
        tls = tls.root_pem(&std::fs::read(file)?);
    }
    let mut socket = Connect::new(url).tls(tls.build()?).connect().await?;
    socket.send("hello").await?;
    while let Some(message) = socket.recv().await? {
        println!("{message}");
    }
    Ok(())
}
