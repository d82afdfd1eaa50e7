//! The whiteboard: several people draw, latecomers see the picture. Points travel as binary.
//!
//! Served by `Server::new(..).namespace("/whiteboard", whiteboard::serve).state(Board::default())`.

use super::rules::{Answer, Nothing, Pace};
use rialto::{Bytes, Emit, Event, Io, Result, Socket};
use serde::{Deserialize, Serialize};
use std::collections::VecDeque;
use tokio::sync::{Mutex, MutexGuard};

const COLOURS: [&str; 8] = ["ink", "red", "orange", "green", "teal", "blue", "violet", "pink"];
/// x and y as unsigned 16-bit numbers, little end first. The server need not look into them.
const POINT: usize = 4;
const MAX_POINTS_OF_EVENT: usize = 1000;
const MAX_POINTS_OF_STROKE: usize = 5000;
const MAX_POINTS: usize = 100_000;
const MAX_STROKES: usize = 1000;
/// Events of one connection in ten seconds.
const PACE: u32 = 600;

/// The picture.
///
/// It stays locked while everybody is told of a change, so that events leave in the order in which
/// they were taken in, and a latecomer gets the picture before the first event that it lacks.
#[derive(Default)]
pub(super) struct Board(Mutex<Picture>);

#[derive(Default)]
struct Picture {
    /// Oldest first.
    strokes: VecDeque<Stroke>,
}

struct Stroke {
    id: String,
    colour: &'static str,
    width: u8,
    points: Vec<u8>,
}

/// What a client asks for. A variant's name is the event's, its fields are the arguments.
#[derive(Deserialize)]
#[serde(rename_all = "snake_case")]
enum Ask {
    Begin(u64, String, i64, Bytes),
    Points(u64, Bytes),
    Undo,
    Clear,
}

/// The whole picture for a latecomer: all points in one attachment.
#[derive(Serialize)]
struct Whole<'a> {
    strokes: Vec<Listed<'a>>,
    points: Bytes,
    people: usize,
}

#[derive(Serialize)]
struct Listed<'a> {
    id: &'a str,
    colour: &'a str,
    width: u8,
    count: usize,
}

#[derive(Serialize)]
struct Begun<'a> {
    id: &'a str,
    colour: &'a str,
    width: u8,
    points: Bytes,
}

#[derive(Serialize)]
struct Refused {
    event: &'static str,
    reason: String,
}

/// One client's stay, from connecting to going.
pub(super) async fn serve(mut socket: Socket) -> Result {
    let board = socket.state::<Board>();
    let stay = stay(&mut socket, &board).await;
    let _picture = board.0.lock().await;
    count_people(&socket.io()).await?;
    stay
}

async fn stay(socket: &mut Socket, board: &Board) -> Result {
    let picture = board.0.lock().await;
    let sent = socket.emit("board", picture.whole(socket.io().count()));
    count_people(&socket.io()).await?;
    drop(picture);
    sent.await?;

    let mut pace = Pace::new(PACE);
    while let Some(event) = socket.recv().await {
        // What is none of these, or holds other arguments, is not answered.
        let Ok(ask) = event.read() else { continue };
        let allowed = pace.take();
        let picture = board.0.lock().await;
        // Queued before the picture is unlocked; a client that reads slowly is waited for after.
        obey(ask, &event, allowed, picture).await?.await?;
    }
    Ok(())
}

async fn count_people(io: &Io) -> Result {
    io.emit("people", io.count()).await
}

async fn obey(
    ask: Ask,
    event: &Event,
    allowed: Result,
    mut picture: MutexGuard<'_, Picture>,
) -> Result<Emit> {
    let socket = event.socket();
    let done = match (ask, allowed) {
        // Not acknowledged, so ignored.
        (Ask::Points(..), Err(_)) => return Ok(event.ack(())),
        (Ask::Points(number, points), Ok(())) => {
            let Err(error) = picture.extend(socket, number, &points).await else {
                return Ok(event.ack(()));
            };
            let reason = error.to_string();
            return Ok(socket.emit("refused", Refused { event: "points", reason }));
        }
        (_, Err(error)) => Err(error),
        (Ask::Begin(number, colour, width, points), Ok(())) => {
            picture.begin(socket, number, (&colour, width), &points).await
        }
        (Ask::Undo, Ok(())) => picture.undo(socket).await,
        (Ask::Clear, Ok(())) => picture.clear(socket).await,
    };
    Ok(event.ack(Answer::from(done.map(|()| Nothing {}))))
}

impl Picture {
    async fn begin(
        &mut self,
        socket: &Socket,
        number: u64,
        (colour, width): (&str, i64),
        points: &Bytes,
    ) -> Result {
        let id = format!("{}/{number}", socket.id());
        let known = COLOURS.into_iter().find(|known| *known == colour);
        let colour = known.ok_or("this colour is not in the box")?;
        let width = u8::try_from(width).ok().filter(|width| (1..=40).contains(width));
        let width = width.ok_or("a pen is 1 to 40 wide")?;
        check_points(points)?;
        if self.stroke(&id).is_some() {
            return Err("this line exists already".into());
        }
        let begun = Begun { id: &id, colour, width, points: points.clone() };
        socket.broadcast().emit("stroke", begun).await?;
        self.strokes.push_back(Stroke { id, colour, width, points: points.to_vec() });
        self.trim(&socket.io()).await
    }

    async fn extend(&mut self, socket: &Socket, number: u64, points: &Bytes) -> Result {
        let id = format!("{}/{number}", socket.id());
        // It may have been erased while the points were on their way.
        let Some(stroke) = self.stroke(&id) else { return Ok(()) };
        check_points(points)?;
        let at = stroke.count();
        if at + points.len() / POINT > MAX_POINTS_OF_STROKE {
            return Err("a line has at most 5000 points".into());
        }
        stroke.points.extend_from_slice(points);
        socket.broadcast().emit("points", (id, at, points)).await?;
        self.trim(&socket.io()).await
    }

    /// Takes back the newest stroke of this client.
    async fn undo(&mut self, socket: &Socket) -> Result {
        let own = |stroke: &Stroke| {
            let author = stroke.id.split_once('/').map(|(author, _)| author);
            author == Some(socket.id())
        };
        let newest = self.strokes.iter().rposition(own);
        let gone = newest.and_then(|newest| self.strokes.remove(newest));
        let gone = gone.ok_or("there is no line of yours to take back")?;
        socket.io().emit("erase", gone.id).await
    }

    async fn clear(&mut self, socket: &Socket) -> Result {
        self.strokes.clear();
        socket.io().emit("cleared", ()).await
    }

    /// The oldest strokes go when the board is full.
    async fn trim(&mut self, io: &Io) -> Result {
        while self.strokes.len() > MAX_STROKES || self.points() > MAX_POINTS {
            let Some(oldest) = self.strokes.pop_front() else { break };
            io.emit("erase", oldest.id).await?;
        }
        Ok(())
    }

    /// The stroke of that id; those at work are at the end.
    fn stroke(&mut self, id: &str) -> Option<&mut Stroke> {
        self.strokes.iter_mut().rfind(|stroke| stroke.id == id)
    }

    fn points(&self) -> usize {
        self.strokes.iter().map(Stroke::count).sum()
    }

    fn whole(&self, people: usize) -> Whole<'_> {
        let list = self.strokes.iter().map(|stroke| Listed {
            id: &stroke.id,
            colour: stroke.colour,
            width: stroke.width,
            count: stroke.count(),
        });
        let points: Vec<u8> =
            self.strokes.iter().flat_map(|stroke| &stroke.points).copied().collect();
        Whole { strokes: list.collect(), points: points.into(), people }
    }
}

impl Stroke {
    fn count(&self) -> usize {
        self.points.len() / POINT
    }
}

fn check_points(points: &[u8]) -> Result {
    let (count, rest) = (points.len() / POINT, points.len() % POINT);
    let fits = rest == 0 && (1..=MAX_POINTS_OF_EVENT).contains(&count);
    if fits { Ok(()) } else { Err("an event holds 1 to 1000 points".into()) }
}
