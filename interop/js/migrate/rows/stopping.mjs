import { eventually, next } from "../../clients.mjs";
import { join, row, subject, urls } from "../subject.mjs";

// The last of all: the signal is the whole process's.
row('process.on("SIGINT", () => io.close())', async (t) => {
  const socket = await join(t, "stopping");
  const closed = next(socket, "disconnect");
  subject.signal("SIGINT");
  await closed;
  await eventually(() => fetch(urls.stopping).then(() => false, () => true));
});
