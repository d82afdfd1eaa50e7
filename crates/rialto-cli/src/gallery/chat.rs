//! Chat: names, rooms, who is typing, and what was said before one came.
//!
//! Served by `Server::new(..).namespace("/chat", chat::serve).state(Chat::default())`.

use super::clock::now_ms;
use super::rules::{Answer, Nothing, Pace};
use rialto::{Emit, Event, Result, Socket};
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, VecDeque};
use std::time::Instant;
use tokio::sync::{Mutex, MutexGuard};

const MAX_ROOMS: usize = 20;
const MAX_PEOPLE: usize = 100;
const MAX_HISTORY: usize = 200;
/// Events of one connection in ten seconds.
const PACE: u32 = 60;

/// All rooms, sorted by name.
///
/// They stay locked while everybody is told of a change, so that all hear things in the order in
/// which they happened. Telling many people never waits for any of them.
#[derive(Default)]
pub(super) struct Chat(Mutex<Rooms>);

type Rooms = BTreeMap<String, Room>;

#[derive(Default)]
struct Room {
    people: Vec<Person>,
    history: VecDeque<Message>,
    /// Since when nobody is here.
    empty: Option<Instant>,
}

#[derive(Clone, Serialize)]
struct Person {
    id: String,
    name: String,
}

#[derive(Clone, Serialize)]
struct Message {
    kind: &'static str,
    from: String,
    name: String,
    text: String,
    at: u64,
}

/// What a client asks for. A variant's name is the event's, its fields are the arguments.
#[derive(Deserialize)]
#[serde(rename_all = "snake_case")]
enum Ask {
    Join { name: String, room: String },
    Say(String),
    Typing(bool),
}

/// The answer to `join`: all that the newcomer has to know.
#[derive(Serialize)]
struct Entered {
    name: String,
    room: String,
    people: Vec<Person>,
    history: VecDeque<Message>,
}

#[derive(Serialize)]
struct RoomCount<'a> {
    room: &'a str,
    people: usize,
}

#[derive(Serialize)]
struct Typist<'a> {
    id: &'a str,
    name: &'a str,
    on: bool,
}

/// One client's stay, from connecting to going.
pub(super) async fn serve(socket: Socket) -> Result {
    let chat = socket.state::<Chat>();
    let mut guest = Guest { socket, name: String::new(), room: None, pace: Pace::new(PACE) };
    let stay = guest.stay(&chat).await;
    let mut rooms = chat.0.lock().await;
    if guest.leave(&mut rooms).await? {
        guest.socket.io().emit("rooms", counts(&rooms)).await?;
    }
    stay
}

struct Guest {
    socket: Socket,
    name: String,
    /// Where the guest is; nowhere at first.
    room: Option<String>,
    pace: Pace,
}

impl Guest {
    async fn stay(&mut self, chat: &Chat) -> Result {
        let rooms = chat.0.lock().await;
        let sent = self.socket.emit("rooms", counts(&rooms));
        drop(rooms);
        sent.await?;
        while let Some(event) = self.socket.recv().await {
            // What is none of these, or holds other arguments, is not answered.
            let Ok(ask) = event.read() else { continue };
            let rooms = chat.0.lock().await;
            // Queued before the rooms are unlocked; a client that reads slowly is waited for after.
            self.obey(ask, &event, rooms).await?.await?;
        }
        Ok(())
    }

    async fn obey(
        &mut self,
        ask: Ask,
        event: &Event,
        mut rooms: MutexGuard<'_, Rooms>,
    ) -> Result<Emit> {
        let pace = self.pace.take();
        Ok(match ask {
            Ask::Join { .. } | Ask::Say(_) if pace.is_err() => {
                event.ack(Answer::from(pace.map(|()| Nothing {})))
            }
            Ask::Join { name, room } => {
                let entered = self.join(&mut rooms, &name, &room).await;
                event.ack(Answer::from(entered))
            }
            Ask::Say(text) => event.ack(Answer::from(self.say(&mut rooms, &text).await)),
            Ask::Typing(on) => {
                if let (Ok(()), Some(room)) = (pace, &self.room) {
                    let typist = Typist { id: self.socket.id(), name: &self.name, on };
                    self.socket.to(room).emit("typing", typist).await?;
                }
                // Nothing to answer.
                event.ack(())
            }
        })
    }

    async fn join(&mut self, rooms: &mut Rooms, name: &str, room: &str) -> Result<Entered> {
        let (name, room) = (valid_name(name)?, valid_room(room)?);
        if self.room.as_ref() == Some(&room) {
            return self.rename(rooms, name).await;
        }
        make_place(rooms, &room)?;
        self.leave(rooms).await?;

        let person = Person { id: self.socket.id().to_owned(), name: name.clone() };
        self.name = name;
        let joined = self.message("joined", String::new());
        let place = rooms.entry(room.clone()).or_default();
        place.people.push(person);
        place.empty = None;
        place.remember(joined.clone());
        let (people, history) = (place.people.clone(), place.history.clone());

        self.socket.join(&room)?;
        self.socket.to(&room).emit("message", joined).await?;
        self.socket.to(&room).emit("people", &people).await?;
        self.socket.io().emit("rooms", counts(rooms)).await?;
        self.room = Some(room.clone());
        Ok(Entered { name: self.name.clone(), room, people, history })
    }

    /// The same room again: only the name is new.
    async fn rename(&mut self, rooms: &mut Rooms, name: String) -> Result<Entered> {
        let (room, place) = self.place(rooms)?;
        let id = self.socket.id();
        for person in place.people.iter_mut().filter(|person| person.id == id) {
            person.name.clone_from(&name);
        }
        let (people, history) = (place.people.clone(), place.history.clone());
        self.socket.to(&room).emit("people", &people).await?;
        self.name.clone_from(&name);
        Ok(Entered { name, room, people, history })
    }

    async fn say(&self, rooms: &mut Rooms, text: &str) -> Result<Nothing> {
        let (room, place) = self.place(rooms)?;
        let message = self.message("text", valid_text(text)?);
        place.remember(message.clone());
        self.socket.io().to(&room).emit("message", message).await?;
        Ok(Nothing {})
    }

    /// Leaves the room, if there is one; says whether there was.
    async fn leave(&mut self, rooms: &mut Rooms) -> Result<bool> {
        let Ok((room, place)) = self.place(rooms) else { return Ok(false) };
        let left = self.message("left", String::new());
        place.people.retain(|person| person.id != left.from);
        place.remember(left.clone());
        if place.people.is_empty() {
            place.empty = Some(Instant::now());
        }
        self.room = None;
        self.socket.leave(&room)?;
        let others = self.socket.to(&room);
        others.clone().emit("message", left).await?;
        others.emit("people", &place.people).await?;
        Ok(true)
    }

    /// The room that the guest is in, by name and as it is.
    fn place<'a>(&self, rooms: &'a mut Rooms) -> Result<(String, &'a mut Room)> {
        let here = self.room.as_ref().and_then(|room| Some((room.clone(), rooms.get_mut(room)?)));
        here.ok_or_else(|| "enter a room first".into())
    }

    fn message(&self, kind: &'static str, text: String) -> Message {
        let (from, name) = (self.socket.id().to_owned(), self.name.clone());
        Message { kind, from, name, text, at: now_ms() }
    }
}

impl Room {
    fn remember(&mut self, message: Message) {
        if self.history.len() == MAX_HISTORY {
            self.history.pop_front();
        }
        self.history.push_back(message);
    }
}

fn counts(rooms: &Rooms) -> Vec<RoomCount<'_>> {
    rooms
        .iter()
        .map(|(room, Room { people, .. })| RoomCount { room, people: people.len() })
        .collect()
}

/// Makes sure that one more person may enter the room, be it there already or new.
fn make_place(rooms: &mut Rooms, name: &str) -> Result {
    match rooms.get(name) {
        Some(room) if room.people.len() == MAX_PEOPLE => return Err("the room is full".into()),
        Some(_) => return Ok(()),
        None if rooms.len() < MAX_ROOMS => return Ok(()),
        None => {}
    }
    // The room that has been empty for the longest time goes, and its history with it.
    let empty = rooms.iter().filter_map(|(name, room)| Some((room.empty?, name)));
    let oldest = empty.min().map(|(_, name)| name.clone());
    rooms.remove(&oldest.ok_or("there are too many rooms")?);
    Ok(())
}

fn valid_name(name: &str) -> Result<String> {
    let name = name.trim();
    let fits = is_between(name, 1, 32) && !name.contains(char::is_control);
    if fits { Ok(name.to_owned()) } else { Err("a name has 1 to 32 characters".into()) }
}

fn valid_room(room: &str) -> Result<String> {
    let room = room.trim();
    let allowed = |letter: char| matches!(letter, 'a'..='z' | '0'..='9' | '-');
    let fits = is_between(room, 1, 32) && room.chars().all(allowed);
    let reason = "a room has 1 to 32 small letters, digits or hyphens";
    if fits { Ok(room.to_owned()) } else { Err(reason.into()) }
}

fn valid_text(text: &str) -> Result<String> {
    let text = text.trim();
    let fits = is_between(text, 1, 2000);
    if fits { Ok(text.to_owned()) } else { Err("a message has 1 to 2000 characters".into()) }
}

fn is_between(text: &str, least: usize, most: usize) -> bool {
    (least..=most).contains(&text.chars().count())
}
