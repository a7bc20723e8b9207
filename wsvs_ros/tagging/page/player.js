// The large picture in motion: a clip's frames in real time, fetched second by second, or one frame of its strip.

const AHEAD = 2; // pieces that are fetched before they are needed
const PIECE = 1; // seconds of the drive at single speed
const SPEEDS = [0.25, 0.5, 1, 2, 4, 8];

export class Player {
  constructor(box, pictures, onChange) {
    this.canvas = document.createElement("canvas");
    this.box = box;
    this.pictures = pictures;
    this.onChange = onChange;
    this.speed = 1;
    box.append(this.canvas);
    this.stop();
  }

  get playing() { return this.running; }

  // Which second of the drive shows; null while it is the clip's still.
  get time() { return this.shown; }

  // Space: play from where it is, hold, go on; from the start again after the end.
  toggle(drive, clip) {
    if (this.running) return this.hold();
    if (!this.movie || this.movie.clip.id !== clip.id || this.movie.speed !== this.speed || this.ended) this.open(drive, clip);
    this.running = true;
    this.ended = false;
    this.last = null;
    requestAnimationFrame((now) => this.tick(now, this.movie));
    this.tell();
  }

  open(drive, clip) {
    const from = this.movie?.clip.id === clip.id && !this.ended ? this.at : clip.start;
    this.movie = { drive, clip, speed: this.speed, pieces: new Map() };
    this.at = from;
    this.strip = null;
  }

  hold() {
    this.running = false;
    this.tell();
  }

  stop() {
    Object.assign(this, { running: false, movie: null, ended: false, shown: null, strip: null, waiting: false });
    this.box.hidden = true;
    this.tell();
  }

  faster(by) {
    this.speed = SPEEDS[Math.min(Math.max(SPEEDS.indexOf(this.speed) + by, 0), SPEEDS.length - 1)];
    if (this.running) {
      const { drive, clip } = this.movie;
      this.running = false;
      this.toggle(drive, clip);
    }
    this.tell();
  }

  // One frame on or back in what was played; false where there is none.
  async stepFrame(by) {
    if (!this.movie || this.running) return false;
    const frames = [...this.movie.pieces.values()].flatMap((piece) => piece.frames || []).sort((one, other) => one.time - other.time);
    const at = frames.findIndex(({ time }) => time >= this.shown - 1e-4);
    const frame = frames[at + by];
    if (!frame) return false;
    this.at = frame.time;
    this.draw(await frame.image(), frame.time);
    return true;
  }

  // A frame of the strip, which is there before anything is fetched.
  showStrip(image, clip, index) {
    this.hold();
    this.movie = null;
    this.strip = index;
    const width = image.naturalWidth / this.pictures.frames, height = image.naturalHeight;
    this.resize(width, height);
    this.canvas.getContext("2d").drawImage(image, index * width, 0, width, height, 0, 0, width, height);
    this.box.hidden = false;
    this.shown = this.pictures.frameTime(clip, index);
    this.tell();
  }

  tell() { this.onChange(this); }

  async tick(now, movie) {
    if (!this.running || movie !== this.movie) return;
    const { clip } = movie;
    const passed = this.last === null || this.waiting ? 0 : (Math.min(now - this.last, 250) / 1000) * movie.speed;
    this.last = now;
    const at = this.at + passed;
    const frame = this.find(at, movie);
    this.waiting = frame === null;
    if (frame) {
      this.at = at;
      if (frame.time !== this.shown) {
        const image = await frame.image();
        if (movie !== this.movie) return;
        this.draw(image, frame.time);
      }
    } else if (frame === undefined) this.at = at; // this part cannot be read
    if (this.at >= clip.end - 1e-3) {
      this.running = false;
      this.ended = true;
    } else requestAnimationFrame((then) => this.tick(then, movie));
    this.tell();
  }

  // The frame that shows at a time; null while it is on its way, undefined where there is none.
  find(at, movie) {
    const length = PIECE * movie.speed, first = Math.floor((Math.min(at, movie.clip.end - 1e-3) - movie.clip.start) / length);
    for (let k = first; k <= first + AHEAD; k += 1) this.fetchPiece(k, length, movie);
    for (const k of movie.pieces.keys()) if (k < first - 8) movie.pieces.delete(k);
    const piece = movie.pieces.get(first);
    if (!piece.frames) return piece.failed ? undefined : null;
    return piece.frames.findLast(({ time }) => time <= at + 1e-3) || piece.frames[0];
  }

  fetchPiece(k, length, movie) {
    const start = movie.clip.start + k * length, end = Math.min(start + length, movie.clip.end);
    if (movie.pieces.has(k) || start >= end - 1e-3) return;
    const piece = { frames: null, failed: false };
    movie.pieces.set(k, piece);
    fetch(this.pictures.movie(movie.drive, start, end, movie.speed))
      .then((answer) => (answer.ok ? answer.arrayBuffer() : Promise.reject(new Error(`the server answered ${answer.status}`))))
      .then((data) => { piece.frames = unpack(data); })
      .catch(() => { piece.failed = true; });
  }

  draw(image, time) {
    this.resize(image.width, image.height);
    this.canvas.getContext("2d").drawImage(image, 0, 0);
    this.shown = time;
    this.box.hidden = false;
    this.tell();
  }

  resize(width, height) {
    if (this.canvas.width !== width || this.canvas.height !== height) Object.assign(this.canvas, { width, height });
  }
}

// Frames one behind the other: milliseconds of the drive and length, 32 bits each, then the JPEG.
function unpack(data) {
  const view = new DataView(data), frames = [];
  for (let at = 0; at < data.byteLength;) {
    const time = view.getUint32(at, true) / 1000, length = view.getUint32(at + 4, true);
    const blob = new Blob([new Uint8Array(data, at + 8, length)], { type: "image/jpeg" });
    let image = null;
    frames.push({ time, image: () => (image ||= createImageBitmap(blob)) });
    at += 8 + length;
  }
  return frames;
}
