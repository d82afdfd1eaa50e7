// The picture: strokes on a board of 1600 by 1000 units, however large the canvas is on screen.
// Colours are names, so that each reader sees them in the shade that fits the theme.

export const WIDTH = 1600;
export const HEIGHT = 1000;

export class Board {
  #canvas;
  #context;
  #strokes = new Map(); // id -> { colour, width, points: [x, y, x, y, …] }
  #shades = {};
  #cursor = null;
  #due = false;

  constructor(canvas) {
    this.#canvas = canvas;
    this.#context = canvas.getContext("2d");
    new ResizeObserver(() => this.#fit()).observe(canvas);
  }

  begin(id, colour, width) {
    if (!this.#strokes.has(id)) this.#strokes.set(id, { colour, width, points: [] });
  }

  add(id, x, y) {
    this.#strokes.get(id)?.points.push(clamp(x, WIDTH), clamp(y, HEIGHT));
    this.#repaint();
  }

  /** Puts points as they travelled into the stroke, from number `at` on. */
  extend(id, at, data) {
    const stroke = this.#strokes.get(id);
    if (!stroke) return;
    read(data).forEach((value, index) => (stroke.points[at * 2 + index] = value));
    this.#repaint();
  }

  /** The whole picture: `list` says of each stroke how many of the points in `data` are its. */
  load(list, data) {
    const all = read(data);
    let at = 0;
    this.#strokes.clear();
    for (const { id, colour, width, count } of list) {
      this.#strokes.set(id, { colour, width, points: all.slice(at, at + count * 2) });
      at += count * 2;
    }
    this.#repaint();
  }

  /** The points of a stroke from number `from` on, as they travel. */
  bytes(id, from) {
    return write(this.#strokes.get(id)?.points.slice(from * 2) ?? []);
  }

  /** How many points a stroke has. */
  size(id) {
    return (this.#strokes.get(id)?.points.length ?? 0) / 2;
  }

  /** How many strokes there are. */
  count() {
    return this.#strokes.size;
  }

  erase(id) {
    this.#strokes.delete(id);
    this.#repaint();
  }

  /** Takes all strokes away but those whose ids are in `kept`. */
  clear(kept) {
    for (const id of this.#strokes.keys()) if (!kept.has(id)) this.#strokes.delete(id);
    this.#repaint();
  }

  setShades(shades) {
    this.#shades = shades;
    this.#repaint();
  }

  setCursor(cursor) {
    this.#cursor = cursor;
    this.#repaint();
  }

  /** One repaint per frame at most, whatever arrives in between. */
  #repaint() {
    if (this.#due) return;
    this.#due = true;
    requestAnimationFrame(() => {
      this.#due = false;
      this.#paint();
    });
  }

  #paint() {
    const [context, scale] = [this.#context, this.#canvas.width / WIDTH];
    context.setTransform(scale, 0, 0, scale, 0, 0);
    context.clearRect(0, 0, WIDTH, HEIGHT);
    context.lineCap = context.lineJoin = "round";
    for (const stroke of this.#strokes.values()) paintStroke(context, stroke, this.#shades);
    if (this.#cursor) paintCursor(context, this.#cursor);
  }

  #fit() {
    const { width, height } = this.#canvas.getBoundingClientRect();
    if (width === 0) return; // behind another tab
    this.#canvas.width = Math.round(width * devicePixelRatio);
    this.#canvas.height = Math.round(height * devicePixelRatio);
    this.#repaint();
  }
}

function paintStroke(context, { colour, width, points }, shades) {
  context.strokeStyle = shades[colour] ?? shades.ink;
  context.lineWidth = width;
  context.beginPath();
  context.moveTo(points[0], points[1]);
  // A single point is a line to itself: with round ends, a dot.
  if (points.length === 2) context.lineTo(points[0], points[1]);
  // Curves through the middles of neighbours: smooth, and each point still counts.
  for (let at = 2; at < points.length; at += 2) {
    const [x, y] = [points[at], points[at + 1]];
    const [nextX, nextY] = [points[at + 2] ?? x, points[at + 3] ?? y];
    context.quadraticCurveTo(x, y, (x + nextX) / 2, (y + nextY) / 2);
  }
  context.stroke();
}

function paintCursor(context, { x, y, down, shade }) {
  context.strokeStyle = shade;
  context.lineWidth = 3;
  context.beginPath();
  context.arc(x, y, down ? 10 : 18, 0, 2 * Math.PI);
  context.moveTo(x - 28, y);
  context.lineTo(x + 28, y);
  context.moveTo(x, y - 28);
  context.lineTo(x, y + 28);
  context.stroke();
}

function clamp(value, max) {
  return Math.max(0, Math.min(max, Math.round(value)));
}

// On the wire: pairs of unsigned 16-bit numbers, little end first, x before y.

function write(points) {
  const view = new DataView(new ArrayBuffer(points.length * 2));
  points.forEach((value, index) => view.setUint16(index * 2, value, true));
  return view.buffer;
}

function read(data) {
  const view = ArrayBuffer.isView(data)
    ? new DataView(data.buffer, data.byteOffset, data.byteLength)
    : new DataView(data);
  return Array.from({ length: view.byteLength >> 1 }, (_, at) => view.getUint16(at * 2, true));
}
