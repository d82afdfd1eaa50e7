// The gallery's pages, in the order of the navigation. `raw` pages speak plain WebSocket.

export const PAGES = [
  { slug: "clock", title: "Clock" },
  { slug: "welcome", title: "Welcome" },
  { slug: "echo", title: "Echo", raw: true },
  { slug: "events", title: "Events", raw: true },
  { slug: "chat", title: "Chat" },
  { slug: "whiteboard", title: "Whiteboard" },
  { slug: "transports", title: "Transports" },
];
