// The clip that shows: its still, the strip of its frames, and the clips around it.
import { element, make, onPress } from "/page/api.js";
import { playOnHover, showCell } from "/page/pictures.js";
import { time } from "/page/timeline.js";

export const STATES = { done: "✓ done", unsure: "? unsure", open: "open" };

export class Stage {
  constructor(store, place, pictures, player) {
    Object.assign(this, { store, place, pictures, player });
    this.address = ""; // of the still
  }

  draw() {
    const { place, pictures } = this, { clip } = place;
    const { drive } = place.current, address = pictures.still(drive, clip);
    Object.assign(element("picture").dataset, { clip: clip.id, time: (clip.start + clip.end) / 2 });
    element("badge-state").textContent = STATES[clip.state];
    element("badge-state").className = `badge ${clip.state}`;
    this.drawMoment();
    this.drawNeighbours();
    if (address === this.address) return;
    this.address = address;
    element("trouble").hidden = true;
    pictures.load(address).then((image) => {
      if (address !== this.address) return;
      element("still").src = image.src;
      element("still").alt = `Middle of the clip at ${time((clip.start + clip.end) / 2)}`;
      element("still").dataset.clip = clip.id;
      document.body.style.setProperty("--ratio", `${image.naturalWidth} / ${image.naturalHeight}`);
      requestAnimationFrame(() => performance.mark("clip-visible", { detail: clip.id }));
    }).catch(() => {
      if (address !== this.address) return;
      element("still").removeAttribute("src");
      element("trouble").textContent = "This part of the drive cannot be read. Press u to leave it out, → to go on.";
      element("trouble").hidden = false;
    }).finally(() => { if (address === this.address) this.fetchAhead(); });
    this.drawStrip(drive, clip);
  }

  // What the player shows: which moment, how far, how fast.
  drawMoment() {
    const { place, player } = this, { clip } = place;
    if (!clip) return;
    const at = player.time;
    element("badge-time").textContent = at === null ? `${time(clip.start)} – ${time(clip.end)}` : `${time(at)} of ${time(clip.start)} – ${time(clip.end)}`;
    element("badge-speed").textContent = `${player.waiting ? "… " : ""}${player.speed} ×`;
    element("badge-speed").hidden = player.speed === 1 && !player.waiting;
    element("play").textContent = player.playing ? "❚❚" : "▶";
    element("play").setAttribute("aria-label", player.playing ? "Hold" : "Play");
    const share = player.ended ? 1 : at === null ? 0 : (at - clip.start) / (clip.end - clip.start);
    element("played").style.width = `${(100 * Math.min(Math.max(share, 0), 1)).toFixed(2)}%`;
    [...element("strip").children].forEach((cell, index) => cell.classList.toggle("shown", index === player.strip));
  }

  drawStrip(drive, clip) {
    const { pictures, place } = this, address = pictures.strip(drive, clip);
    element("strip").replaceChildren(...Array.from({ length: pictures.frames }, (_, frame) => {
      const cell = make("div", { className: "cell", title: time(pictures.frameTime(clip, frame)) });
      cell.addEventListener("pointerenter", () => { if (!this.player.playing) this.showFrame(frame); });
      cell.addEventListener("pointerleave", () => { if (!this.player.playing) this.player.stop(); });
      return cell;
    }));
    pictures.load(address).then(() => {
      if (place.clip?.id !== clip.id) return;
      [...element("strip").children].forEach((cell, frame) => showCell(cell, address, frame, pictures.frames));
    }).catch(() => {});
  }

  drawNeighbours() {
    const { store, place, pictures } = this, list = place.order(), at = place.index(list);
    const near = [at - 1, at + 1, at + 2].map((index) => list[index]).filter(Boolean);
    element("neighbours").replaceChildren(...near.map((to) => {
      const clip = store.clip(to.drive, to.id), thumb = make("span", { className: "thumb" });
      const ticks = [...store.ticks(clip)].join(", ") || "nothing ticked";
      const node = make("button", { className: "neighbour", tabIndex: -1 }, thumb, make("span", {},
        make("strong", { textContent: `${list.indexOf(to) < at ? "← " : "→ "}${time(clip.start)} · ${STATES[clip.state]}` }),
        make("small", { textContent: clip.touched ? ticks : `${ticks} (suggested)` })));
      pictures.load(pictures.strip(to.drive, clip)).then((image) => showCell(thumb, image.src, 3, pictures.frames)).catch(() => {});
      playOnHover(node, thumb, pictures.frames, 3);
      onPress(node, () => place.go(to));
      return node;
    }));
  }

  fetchAhead() {
    const { store, place, pictures } = this, list = place.order(), at = place.index(list);
    for (const to of list.slice(at + 1, at + 5)) pictures.load(pictures.still(to.drive, store.clip(to.drive, to.id))).catch(() => {});
  }

  showFrame(frame) {
    const { place, pictures } = this, { clip } = place;
    if (!clip) return;
    pictures.load(pictures.strip(place.current.drive, clip)).then((image) => {
      if (place.clip?.id === clip.id) this.player.showStrip(image, clip, frame);
    }).catch(() => {});
  }

  // Shift and an arrow: frame by frame in what was played, else through the strip.
  async stepFrame(by) {
    const { player, pictures } = this;
    if (player.playing) player.hold();
    if (player.movie) return player.stepFrame(by);
    const from = player.strip ?? (by > 0 ? -1 : pictures.frames);
    return this.showFrame((from + by + pictures.frames) % pictures.frames);
  }
}
