// Frames and strips of clips: fetched ahead and kept.

const STEP = 220; // milliseconds a frame of a strip under the mouse

export class Pictures {
  constructor(about) {
    this.run = about.run;
    this.frames = about.strip_frames;
    this.kept = new Map(); // address -> promise of a decoded image
  }

  still(drive, clip) {
    return `/frame/${drive}/${Math.round(500 * (clip.start + clip.end))}.jpg?w=960&v=${this.run}`;
  }

  strip(drive, clip) {
    return `/strip/${drive}/${Math.round(1000 * clip.start)}-${Math.round(1000 * clip.end)}.jpg?v=${this.run}`;
  }

  // Some seconds of the drive, frame by frame.
  movie(drive, start, end, speed) {
    return `/movie/${drive}/${Math.round(1000 * start)}-${Math.round(1000 * end)}.frames?speed=${speed}&v=${this.run}`;
  }

  // A decoded image; the last ones are kept, so that going on shows the next clip at once.
  load(address) {
    if (!this.kept.has(address)) {
      const image = new Image();
      image.src = address;
      const loading = image.decode().then(() => image);
      loading.catch(() => this.kept.delete(address));
      this.kept.set(address, loading);
      while (this.kept.size > 24) this.kept.delete(this.kept.keys().next().value);
    }
    return this.kept.get(address);
  }

  frameTime(clip, frame) { return clip.start + ((clip.end - clip.start) * (frame + 0.5)) / this.frames; }
}

export function showCell(node, address, frame, frames) {
  node.style.backgroundImage = `url("${address}")`;
  node.style.backgroundPosition = `${(100 * frame) / (frames - 1)}% 0`;
}

export function playOnHover(node, target, frames, first) {
  let timer = 0, frame = 0;
  node.addEventListener("pointerenter", () => {
    clearInterval(timer);
    timer = setInterval(() => {
      frame = (frame + 1) % frames;
      target.style.backgroundPosition = `${(100 * frame) / (frames - 1)}% 0`;
    }, STEP);
  });
  node.addEventListener("pointerleave", () => {
    clearInterval(timer);
    target.style.backgroundPosition = `${(100 * first) / (frames - 1)}% 0`;
  });
}
