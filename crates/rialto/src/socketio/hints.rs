//! What `docs/migrate.md` says that the compiler refuses: each of these must not compile, and its
//! neighbour that is right must.

/// Arguments are owned.
///
/// ```compile_fail
/// let events = rialto::Events::new()
///     .on("say", async |socket, text: &str| socket.io().emit("said", text).await);
/// ```
/// ```
/// let events = rialto::Events::new()
///     .on("say", async |socket, text: String| socket.io().emit("said", text).await);
/// ```
struct Owned;

/// Arguments have types.
///
/// ```compile_fail
/// let events = rialto::Events::new()
///     .on("say", async |socket, text| socket.io().emit("said", text).await);
/// ```
struct Typed;

/// Several arguments are one tuple.
///
/// ```compile_fail
/// let events = rialto::Events::new().on_ack("sum", async |_, a: i64, b: i64| Ok(a + b));
/// ```
/// ```
/// let events = rialto::Events::new().on_ack("sum", async |_, (a, b): (i64, i64)| Ok(a + b));
/// ```
struct Tuple;

/// A handler returns a result.
///
/// ```compile_fail
/// let events = rialto::Events::new().on("say", async |socket, text: String| {
///     socket.emit("said", text).await?;
/// });
/// ```
/// ```compile_fail
/// let events = rialto::Events::new().on("say", async |_, text: String| {
///     println!("{text}");
/// });
/// ```
/// ```
/// let events = rialto::Events::new().on("say", async |socket, text: String| {
///     socket.emit("said", text).await?;
///     Ok(())
/// });
/// ```
struct Returned;

/// An emit is awaited.
///
/// ```compile_fail
/// #![deny(unused_must_use)]
/// let events = rialto::Events::new().on("say", async |socket, text: String| {
///     socket.emit("said", text);
///     Ok(())
/// });
/// ```
struct Awaited;

/// State is shared.
///
/// ```compile_fail
/// struct Hits(u64);
/// let events = rialto::Events::new().on("hit", async |socket, ()| {
///     let mut hits = socket.state::<Hits>();
///     hits.0 += 1;
///     Ok(())
/// });
/// ```
/// ```compile_fail
/// let list = std::sync::Mutex::new(Vec::new());
/// let events = rialto::Events::new().on("say", async move |_, text: String| {
///     list.lock().unwrap().push(text);
///     Ok(())
/// });
/// ```
struct Shared;

/// No lock is held over an await.
///
/// ```compile_fail
/// type List = std::sync::Mutex<Vec<String>>;
/// let events = rialto::Events::new().on("say", async |socket, text: String| {
///     let list = socket.state::<List>();
///     let mut list = list.lock().unwrap();
///     list.push(text);
///     socket.emit("number", list.len()).await
/// });
/// ```
/// ```
/// type List = std::sync::Mutex<Vec<String>>;
/// let events = rialto::Events::new().on("say", async |socket, text: String| {
///     let list = socket.state::<List>();
///     let number = {
///         let mut list = list.lock().unwrap();
///         list.push(text);
///         list.len()
///     };
///     socket.emit("number", number).await
/// });
/// ```
struct Unlocked;
