//! The pages of the examples, and the list of the examples.

use crate::program::Program;
use crate::within;
use std::collections::BTreeSet;
use std::fs;
use std::path::Path;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

const FOLDER: &str = env!("CARGO_MANIFEST_DIR");

#[tokio::test]
async fn every_page_is_served_with_all_that_it_loads() {
    for name in pages() {
        let program = Program::serve(&name).await;
        let get = async |path: &str| request(program.port(), "GET", path, "").await;
        let page = get("/").await;
        assert!(page.starts_with("HTTP/1.1 200") && page.contains("text/html"), "{name}: {page}");
        // Works under `script-src 'self'; style-src 'self'`.
        assert!(!page.contains("<style") && !page.contains(" style="), "{name}: inline style");
        let scripts = page.matches("<script").count();
        assert_eq!(
            page.matches(r#"<script type="module" src="page.js"></script>"#).count(),
            scripts
        );

        let script = get("/page.js").await;
        assert!(script.starts_with("HTTP/1.1 200") && script.contains("javascript"), "{name}");
        if let Some((_, rest)) = script.split_once("from \"") {
            let module = rest.split('"').next().unwrap();
            let answer = get(module).await;
            assert!(answer.starts_with("HTTP/1.1 200"), "{name} imports {module}");
        }
        for id in script.split("querySelector(\"#").skip(1) {
            let id = id.split('"').next().unwrap();
            assert!(page.contains(&format!("id=\"{id}\"")), "{name}: nothing has the id {id}");
        }
    }
}

#[test]
fn the_readme_lists_exactly_the_examples_that_there_are() {
    let manifest = fs::read_to_string(Path::new(FOLDER).join("Cargo.toml")).unwrap();
    let declared: BTreeSet<String> = manifest
        .split("[[example]]")
        .skip(1)
        .map(|section| section.split('"').nth(1).unwrap().to_owned())
        .collect();
    let programs: BTreeSet<String> = names(FOLDER, ".rs").collect();
    assert_eq!(declared, programs);
    let readme = fs::read_to_string(Path::new(FOLDER).join("README.md")).unwrap();
    let listed: BTreeSet<String> = readme
        .lines()
        .filter_map(|line| line.split("--example ").nth(1))
        .map(|rest| rest.split('`').next().unwrap().to_owned())
        .collect();
    assert_eq!(listed, programs);
    assert!(pages().is_subset(&programs), "a page without its program");
}

/// The examples that have a page.
fn pages() -> BTreeSet<String> {
    names(&format!("{FOLDER}/public"), "").collect()
}

/// What a folder holds whose name ends so, without that ending.
fn names(folder: &str, ending: &'static str) -> impl Iterator<Item = String> {
    fs::read_dir(folder).unwrap().filter_map(move |entry| {
        let name = entry.unwrap().file_name().into_string().unwrap();
        name.strip_suffix(ending).map(str::to_owned)
    })
}

/// One HTTP request on a connection of its own; the whole answer, bytes that are no text replaced.
pub(crate) async fn request(port: u16, method: &str, path: &str, body: &str) -> String {
    let exchange = async {
        let mut stream = TcpStream::connect(("127.0.0.1", port)).await?;
        let length = body.len();
        let head = format!("{method} {path} HTTP/1.1\r\nhost: 127.0.0.1:{port}\r\n");
        let rest = format!("content-length: {length}\r\nconnection: close\r\n\r\n{body}");
        stream.write_all((head + &rest).as_bytes()).await?;
        let mut answer = Vec::new();
        stream.read_to_end(&mut answer).await?;
        std::io::Result::Ok(String::from_utf8_lossy(&answer).into_owned())
    };
    within(path, exchange).await.unwrap()
}
