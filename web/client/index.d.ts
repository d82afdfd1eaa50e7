// Types of the client. Names and shapes follow socket.io-client 4: what is typed for it fits.

/** Listeners by event name. */
export interface EventsMap {
  [event: string]: any;
}

/** Any event, any arguments. */
export interface DefaultEventsMap {
  [event: string]: (...args: any[]) => void;
}

type Names<Map extends EventsMap> = keyof Map & (string | symbol);
type Params<Map extends EventsMap, Name extends Names<Map>> = Parameters<Map[Name]>;
type Last<T extends any[]> = T extends [...any[], infer L] ? L : any;
type AllButLast<T extends any[]> = T extends [...infer H, any] ? H : any[];
/** What an acknowledgement gives: its first argument. */
type Answer<T> = T extends (first: infer First, ...rest: any[]) => any ? First : any;

type WithTimeoutError<T extends any[]> = {
  [K in keyof T]: T[K] extends (...args: infer Args) => infer Result
    ? (error: Error, ...args: Args) => Result
    : T[K];
};

/** The events of a map whose acknowledgements take an error first: after `timeout()`. */
export type DecorateAcknowledgements<Map> = {
  [K in keyof Map]: Map[K] extends (...args: infer Args) => infer Result
    ? (...args: WithTimeoutError<Args>) => Result
    : Map[K];
};

type Listener<Reserved extends EventsMap, Events extends EventsMap, Name> =
  Name extends Names<Reserved> ? Reserved[Name] : Name extends Names<Events> ? Events[Name] : never;

/** Listeners by event name. A listener that throws does not keep others from being called. */
export class Emitter<
  ListenEvents extends EventsMap = DefaultEventsMap,
  EmitEvents extends EventsMap = ListenEvents,
  Reserved extends EventsMap = {},
> {
  /** Adds a listener, called in order of registration. */
  on<Name extends Names<Reserved> | Names<ListenEvents>>(
    event: Name,
    listener: Listener<Reserved, ListenEvents, Name>,
  ): this;
  /** Adds a listener that is removed before its first call. */
  once<Name extends Names<Reserved> | Names<ListenEvents>>(
    event: Name,
    listener: Listener<Reserved, ListenEvents, Name>,
  ): this;
  /** Removes one listener; all of an event; or, without arguments, all of all events. */
  off<Name extends Names<Reserved> | Names<ListenEvents>>(
    event?: Name,
    listener?: Listener<Reserved, ListenEvents, Name>,
  ): this;
  emit<Name extends Names<EmitEvents>>(event: Name, ...args: Params<EmitEvents, Name>): this;
  /** A copy of the listeners of an event. */
  listeners<Name extends Names<Reserved> | Names<ListenEvents>>(
    event: Name,
  ): Listener<Reserved, ListenEvents, Name>[];
  /** Whether an event has a listener. */
  hasListeners<Name extends Names<Reserved> | Names<ListenEvents>>(event: Name): boolean;
  addEventListener: this["on"];
  removeListener: this["off"];
  removeEventListener: this["off"];
  removeAllListeners<Name extends Names<Reserved> | Names<ListenEvents>>(event?: Name): this;
}

/** What the platform said when a connection ended. */
export type DisconnectDescription =
  | Error
  | {
      description: string;
      /** On WebSocket, the `CloseEvent` with code and reason. */
      context?: unknown;
    };

/** A refusal, or why a connection failed. */
export interface ExtendedError extends Error {
  /** What the server said: of a refusal, or the JSON of an HTTP answer. */
  data?: any;
  /** "TransportError" when no connection was made. */
  type?: string;
  /** HTTP status, or the platform's error. */
  description?: any;
  /** HTTP status and text of the answer: `{ status, responseText }`. */
  context?: any;
}

/** Payload of the handshake, or a function that gives it to its callback. */
export type Auth = { [key: string]: any } | ((give: (payload: object) => void) => void);

/** Options of one namespace. */
export interface SocketOptions {
  auth?: Auth;
  /** How often an event is sent again until it is acknowledged, one event at a time. Default 0. */
  retries?: number;
  /** Timeout of all acknowledgements, in milliseconds. Default: none. */
  ackTimeout?: number;
}

/** Options of the transports. */
export interface EngineOptions {
  /** Used when no URL is given. Default: those of the page. */
  hostname?: string;
  /** The same as `hostname`. */
  host?: string;
  port?: string | number;
  secure?: boolean;
  /** Path of the server. Default `/socket.io`. */
  path?: string;
  /** Default true. */
  addTrailingSlash?: boolean;
  /** Added to the address of each request. Default: the query of the URL. */
  query?: { [key: string]: any } | string;
  /** Order of the transports; the first is tried. Default `["polling", "websocket"]`. */
  transports?: ("polling" | "websocket" | (string & {}) | TransportClass)[];
  /** Options that count for one transport only, by its name. */
  transportOptions?: { [transport: string]: Partial<EngineOptions> };
  /** Whether to move to a better transport. Default true. */
  upgrade?: boolean;
  /** Whether to start with WebSocket when it worked before. Default false. */
  rememberUpgrade?: boolean;
  /** Whether to try the next transport when one fails. Default false. */
  tryAllTransports?: boolean;
  /** Whether requests to another origin carry cookies. Default false. */
  withCredentials?: boolean;
  /** Headers of the requests of polling. On WebSocket only with the option `WebSocket`. */
  extraHeaders?: { [name: string]: string };
  /** Whether addresses get a stamp against caches. Default: polling yes, WebSocket no. */
  timestampRequests?: boolean;
  /** Name of the stamp. Default `t`. */
  timestampParam?: string;
  /** Subprotocols of the WebSocket. */
  protocols?: string | string[];
  /** Whether bytes travel as base64 everywhere. Default false. */
  forceBase64?: boolean;
  /** Time for one request of polling, in milliseconds. Default: none. */
  requestTimeout?: number;
  /** Whether to close silently when the page is left. Default false. */
  closeOnBeforeunload?: boolean;
  /** Accepted and ignored. */
  autoUnref?: boolean;
  /** The class to use instead of the global one; Node before 22 has none. */
  WebSocket?: unknown;
}

/** Options of the connection. Times in milliseconds. */
export interface ManagerOptions extends EngineOptions {
  /** Whether `io()` makes a connection of its own. Default false. */
  forceNew?: boolean;
  /** Whether `io()` shares the connection of the same server. Default true. */
  multiplex?: boolean;
  /** Whether to connect at once. Default true. */
  autoConnect?: boolean;
  /** Whether to come back after a loss. Default true. */
  reconnection?: boolean;
  /** Default Infinity. */
  reconnectionAttempts?: number;
  /** First wait, doubled each time. Default 1000. */
  reconnectionDelay?: number;
  /** Longest wait. Default 5000. */
  reconnectionDelayMax?: number;
  /** Part of a wait, 0 to 1, by which it varies. Default 0.5. */
  randomizationFactor?: number;
  /** Time for one attempt; false for no limit. Default 20000. */
  timeout?: number | false;
  /** Binary values in one packet, in both directions. Default 10, as servers have it. */
  maxAttachments?: number;
  /** How packets are written, instead of JSON with placeholders; the server needs the same. */
  parser?: Parser;
}

/** A packet of Socket.IO, as a parser gets and gives it. */
export interface Packet {
  /** 0 CONNECT, 1 DISCONNECT, 2 EVENT, 3 ACK, 4 CONNECT_ERROR. */
  type: number;
  nsp: string;
  id?: number;
  data?: any;
  /** Of the engine; a parser may leave them out. */
  options?: { compress?: boolean };
}

/** Packets to messages. */
export interface PacketEncoder {
  /** The messages of one packet, in order. What it throws reaches the caller of `emit`. */
  encode(packet: any): unknown[];
}

/** Messages to packets: each whole packet is given to the listeners of `decoded`. */
export interface PacketDecoder {
  /** What it throws ends the connection: `parse error`. */
  add(message: any): void;
  on(event: "decoded", listener: (packet: any) => void): unknown;
  /** Forgets the packet that waits for further messages. */
  destroy(): void;
}

/** For the option `parser`: a module or an object with the two classes. */
export interface Parser {
  Encoder: new (...args: any[]) => PacketEncoder;
  Decoder: new (...args: any[]) => PacketDecoder;
}

/** Events of a `Socket` that the server cannot send. */
export interface SocketReservedEvents {
  connect: () => void;
  connect_error: (error: ExtendedError) => void;
  disconnect: (reason: Socket.DisconnectReason, details?: DisconnectDescription) => void;
}

/** One namespace of a connection. */
export class Socket<
  ListenEvents extends EventsMap = DefaultEventsMap,
  EmitEvents extends EventsMap = ListenEvents,
> extends Emitter<ListenEvents, EmitEvents, SocketReservedEvents> {
  private constructor();
  readonly io: Manager;
  readonly nsp: string;
  /** Id at the server; undefined while not connected. */
  id: string | undefined;
  connected: boolean;
  readonly disconnected: boolean;
  /** Whether the socket is connected or will connect by itself. */
  readonly active: boolean;
  /** Whether this connection continues the one before: no event was lost. */
  recovered: boolean;
  auth: Auth | undefined;
  /** Events that wait for the connection; set it to `[]` to drop them. */
  sendBuffer: unknown[];
  /** Events that came before the handshake was over. */
  receiveBuffer: unknown[];
  connect(): this;
  open(): this;
  disconnect(): this;
  close(): this;
  /** Sends an event named `message`. */
  send(...args: any[]): this;
  /** Sends an event and waits for the first value of the answer. */
  emitWithAck<Name extends Names<EmitEvents>>(
    event: Name,
    ...args: AllButLast<Params<EmitEvents, Name>>
  ): Promise<Answer<Last<Params<EmitEvents, Name>>>>;
  /** The acknowledgement of the next event gets an error if none came in so many milliseconds. */
  timeout(milliseconds: number): Socket<ListenEvents, DecorateAcknowledgements<EmitEvents>>;
  /** The next event is dropped when it cannot leave now. */
  readonly volatile: this;
  compress(compress: boolean): this;
  onAny(listener: (event: string, ...args: any[]) => void): this;
  prependAny(listener: (event: string, ...args: any[]) => void): this;
  offAny(listener?: (event: string, ...args: any[]) => void): this;
  listenersAny(): ((event: string, ...args: any[]) => void)[];
  onAnyOutgoing(listener: (event: string, ...args: any[]) => void): this;
  prependAnyOutgoing(listener: (event: string, ...args: any[]) => void): this;
  offAnyOutgoing(listener?: (event: string, ...args: any[]) => void): this;
  listenersAnyOutgoing(): ((event: string, ...args: any[]) => void)[];
}

export namespace Socket {
  type DisconnectReason =
    | "io server disconnect"
    | "io client disconnect"
    | "ping timeout"
    | "transport close"
    | "transport error"
    | "parse error"
    | "forced close";
}

/** Events of a `Manager`. */
export interface ManagerReservedEvents {
  open: () => void;
  error: (error: ExtendedError) => void;
  ping: () => void;
  packet: (packet: Packet) => void;
  close: (reason: string, details?: DisconnectDescription) => void;
  reconnect_attempt: (attempt: number) => void;
  reconnect: (attempts: number) => void;
  reconnect_error: (error: ExtendedError) => void;
  reconnect_failed: () => void;
}

/** One connection, kept up, and the namespaces that share it. */
export class Manager extends Emitter<{}, {}, ManagerReservedEvents> {
  constructor(opts?: ManagerOptions);
  constructor(uri?: string, opts?: ManagerOptions);
  /** The connection in use, or the last one; undefined before the first. */
  engine: Engine;
  /** Read again for each connection. */
  opts: ManagerOptions;
  readonly nsps: Map<string, Socket>;
  readonly isOpen: boolean;
  open(done?: (error?: Error) => void): this;
  connect(done?: (error?: Error) => void): this;
  socket(nsp: string, opts?: SocketOptions): Socket;
  reconnection(): boolean;
  reconnection(value: boolean): this;
  reconnectionAttempts(): number;
  reconnectionAttempts(value: number): this;
  reconnectionDelay(): number;
  reconnectionDelay(value: number): this;
  reconnectionDelayMax(): number;
  reconnectionDelayMax(value: number): this;
  randomizationFactor(): number;
  randomizationFactor(value: number): this;
  timeout(): number | false;
  timeout(value: number | false): this;
}

/** A packet of Engine.IO. */
export interface EnginePacket {
  type: "open" | "close" | "ping" | "pong" | "message" | "upgrade" | "noop";
  data?: any;
}

/** What the server says first. */
export interface HandshakeData {
  sid: string;
  upgrades: string[];
  pingInterval: number;
  pingTimeout: number;
  maxPayload: number;
}

/** Events of an `Engine`. */
export interface EngineReservedEvents {
  open: () => void;
  handshake: (data: HandshakeData) => void;
  packet: (packet: EnginePacket) => void;
  packetCreate: (packet: EnginePacket) => void;
  data: (data: any) => void;
  message: (data: any) => void;
  drain: () => void;
  flush: () => void;
  heartbeat: () => void;
  ping: () => void;
  pong: () => void;
  error: (error: Error) => void;
  upgrading: (transport: Transport) => void;
  upgrade: (transport: Transport) => void;
  upgradeError: (error: Error) => void;
  close: (reason: string, details?: DisconnectDescription) => void;
}

/** One Engine.IO connection. */
export class Engine extends Emitter<{}, {}, EngineReservedEvents> {
  private constructor();
  readonly id: string | null;
  readonly transport: Transport;
  readonly readyState: "opening" | "open" | "closing" | "closed";
  readonly writeBuffer: EnginePacket[];
  readonly upgrading: boolean;
  write(data: any, options?: { compress?: boolean }, flushed?: () => void): this;
  send(data: any, options?: { compress?: boolean }, flushed?: () => void): this;
  close(): this;
}

/** Events of a `Transport`. */
export interface TransportReservedEvents {
  open: () => void;
  packet: (packet: EnginePacket) => void;
  drain: () => void;
  error: (error: Error) => void;
  close: (details?: DisconnectDescription) => void;
  poll: () => void;
  pollComplete: () => void;
}

/** The way in which a connection carries its packets. */
export class Transport extends Emitter<{}, {}, TransportReservedEvents> {
  readonly name: string;
  readonly writable: boolean;
  readonly query: { [key: string]: any };
}

/** A transport for the option `transports`. */
export type TransportClass = new (...args: any[]) => Transport;

/** Long-polling by fetch. */
export const Fetch: TransportClass;
/** The platform's WebSocket. */
export const WebSocket: TransportClass;

/** Revision of the Socket.IO protocol. */
export const protocol: 5;

interface Lookup {
  /** The socket of a namespace, the path of the URL; without one, of the page's own server. */
  (uri: string, opts?: ManagerOptions & SocketOptions): Socket;
  (opts?: ManagerOptions & SocketOptions): Socket;
  io: Lookup;
  connect: Lookup;
  Manager: typeof Manager;
  Socket: typeof Socket;
  protocol: 5;
}

export const io: Lookup;
export const connect: Lookup;
export default io;
