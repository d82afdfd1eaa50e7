//! Welcome: everyone hears who comes and goes.
//!
//! Served by `Server::new(..).namespace("/welcome", welcome::serve).state(Visits::default())`.

use rialto::Socket;
use tokio::sync::Mutex;

/// Visits since the start.
///
/// It stays locked while everybody is told, so that all hear the numbers in one order.
#[derive(Default)]
pub(super) struct Visits(Mutex<u64>);

/// One client's stay in the namespace, from coming to going.
pub(super) async fn serve(mut socket: Socket) -> rialto::Result {
    let (io, visits) = (socket.io(), socket.state::<Visits>());

    let mut visit = visits.0.lock().await;
    *visit += 1;
    io.emit("welcome", ("web Socket Works", *visit, io.count())).await?;
    drop(visit);

    // Nothing is expected of this page. `None` means that the client is gone.
    while socket.recv().await.is_some() {}

    let _visit = visits.0.lock().await;
    io.emit("goodbye", io.count()).await
}
