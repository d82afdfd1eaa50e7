"use strict";

// Counts what each connection of this page really sends and receives. A classic script that runs
// before the Socket.IO client is loaded: it puts counting subclasses in the place of WebSocket and
// XMLHttpRequest, and counts around fetch(). Only addresses with a `lane` in their query count.
{
  const lanes = new Map();

  /** The counters of one lane; all zero when it is new. */
  function lane(name) {
    if (!lanes.has(name)) {
      lanes.set(name, { requests: 0, up: 0, down: 0, frames: 0, handshakes: 0 });
    }
    return lanes.get(name);
  }

  function laneOf(address) {
    const name = new URL(address, location.href).searchParams.get("lane");
    return name && lane(name);
  }

  function sizeOf(data) {
    if (data == null) return 0;
    if (typeof data === "string") return new TextEncoder().encode(data).length;
    return data.byteLength ?? data.size ?? 0;
  }

  /** RFC 6455 section 5.2: two bytes, an extended length, and four bytes of mask upwards. */
  function frameHead(length, masked) {
    const extended = length < 126 ? 0 : length < 65_536 ? 2 : 8;
    return 2 + extended + (masked ? 4 : 0);
  }

  globalThis.WebSocket = class extends WebSocket {
    #lane;
    constructor(address, ...rest) {
      super(address, ...rest);
      this.#lane = laneOf(address);
      if (!this.#lane) return;
      this.#lane.handshakes += 1;
      this.addEventListener("message", ({ data }) => {
        const length = sizeOf(data);
        this.#lane.frames += 1;
        this.#lane.down += length + frameHead(length, false);
      });
    }
    send(data) {
      super.send(data);
      if (!this.#lane) return;
      const length = sizeOf(data);
      this.#lane.frames += 1;
      this.#lane.up += length + frameHead(length, true);
    }
  };

  globalThis.XMLHttpRequest = class extends XMLHttpRequest {
    #lane;
    open(method, address, ...rest) {
      this.#lane = laneOf(address);
      super.open(method, address, ...(rest.length ? rest : [true]));
    }
    send(body) {
      if (this.#lane) this.#lane.up += sizeOf(body);
      super.send(body);
    }
  };

  const plainFetch = globalThis.fetch;
  globalThis.fetch = (resource, options) => {
    const counted = laneOf(resource.url ?? resource);
    if (counted) counted.up += sizeOf(options?.body);
    return plainFetch(resource, options);
  };

  // Finished requests, with the size of their answers, are told by the browser itself.
  function take(entries) {
    for (const entry of entries) {
      const counted = laneOf(entry.name);
      if (!counted) continue;
      counted.requests += 1;
      counted.down += entry.transferSize || entry.encodedBodySize;
    }
  }
  const observer = new PerformanceObserver((list) => take(list.getEntries()));
  observer.observe({ type: "resource" });

  globalThis.meter = { lane, reset: (name) => lanes.delete(name) };
}
