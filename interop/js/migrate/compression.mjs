// How the answers to polls are encoded.

import { Polling } from "../wire.mjs";
import { urls } from "./subject.mjs";

/**
 * What `packet` makes the server send in that namespace, at least `size` characters of it: the
 * encoding of each poll that brought a part, `null` where there is none.
 */
export async function encodings(server, nsp, packet, size) {
  const polling = await Polling.open({ url: urls[server] });
  const prefix = nsp === "/" ? "" : `${nsp},`;
  await polling.post(`40${prefix}`);
  let body = "";
  while (!body.includes(`40${prefix}{`)) {
    body = (await polling.poll()).body;
  }
  await polling.post(packet);
  const found = new Set();
  for (let length = 0; length < size; ) {
    const answer = await polling.poll({ headers: { "accept-encoding": "gzip" } });
    length += answer.body.length;
    // The greeting, if it has come by itself, is too short to be compressed.
    if (answer.body.length > 1000) {
      found.add(answer.headers.get("content-encoding"));
    }
  }
  await polling.post("1");
  return [...found];
}

/** A packet for a namespace: an event with so many bytes. */
export function withBytes(nsp, event, size) {
  const head = `451-${nsp},${JSON.stringify([event, { _placeholder: true, num: 0 }])}`;
  return `${head}\x1eb${Buffer.alloc(size, 7).toString("base64")}`;
}
