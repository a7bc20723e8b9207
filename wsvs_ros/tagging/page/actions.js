// What people do to clips: shown at once, sent one after the other.

export class Actions {
  // `show` draws and tells: { draw, announce, say }; `player` knows which moment of the clip shows.
  constructor(store, place, queue, player, show) {
    Object.assign(this, { store, place, queue, player, show });
    this.held = null; // what is pressed while the server makes other clips, and waits for them
  }

  // A change that keeps its clips.
  tag(clips) {
    this.store.foresee(clips);
    this.show.draw();
    this.queue.add(() => this.store.send(clips));
  }

  // The clips of the range, each with new ticks and state.
  tagRange(change) {
    const clips = this.place.range().map(({ drive, id }) => {
      const clip = this.store.clip(drive, id), { ticks, state } = change(clip, this.store.ticks(clip));
      const tags = this.store.about.classes.map(({ name }) => name).filter((name) => ticks.has(name));
      return { drive, clip: id, tags, state };
    });
    if (clips.length) this.tag(clips);
  }

  // A class is in every clip of the range, or else is put into every one.
  toggle(name) {
    if (!this.place.clip) return;
    const on = !this.place.range().every(({ drive, id }) => this.store.ticks(this.store.clip(drive, id)).has(name));
    this.tagRange((clip, ticks) => {
      if (on) ticks.add(name); else ticks.delete(name);
      return { ticks, state: clip.state };
    });
    this.show.say(`${name} ${on ? "on" : "off"}${this.place.anchor ? ` in ${this.place.range().length} clips` : ""}`);
  }

  confirm() {
    const { place } = this;
    if (!place.clip) return;
    const many = place.anchor !== null, range = place.range();
    if (many || place.clip.state !== "unsure") this.tagRange((clip, ticks) => ({ ticks, state: "done" }));
    if (many) place.go(range.at(-1));
    if (place.step(1)) return;
    if (!place.list && place.drive.cut_until < place.drive.duration) this.show.say("The rest of the drive is still being cut into clips.");
    else this.show.say(place.firstOpen() ? "That was the last clip; some before are still open: press n." : "Every clip is tagged. See the summary.", true);
  }

  unsure() {
    const all = this.place.range().every(({ drive, id }) => this.store.clip(drive, id).state === "unsure");
    this.tagRange((clip, ticks) => ({ ticks, state: all ? "open" : "unsure" }));
  }

  same() {
    const [first] = this.place.range(), drive = first && this.store.drives[first.drive];
    const before = drive?.clips[drive.place.get(first.id) - 1];
    if (!before) return this.show.say("There is no previous clip.", true);
    this.tagRange((clip) => ({ ticks: this.store.ticks(before), state: clip.state }));
  }

  split() {
    const { clip } = this.place;
    if (!clip) return;
    this.structural("split", { at: this.player.time ?? (clip.start + clip.end) / 2 });
  }

  merge() {
    if (!this.place.clip) return;
    const range = this.place.range();
    if (range.some(({ drive }) => drive !== range[0].drive)) return this.show.say("Clips of two drives cannot be merged.", true);
    this.structural("merge", range.length > 1 ? { clip: range[0].id, last: range.at(-1).id } : {});
  }

  undo() { this.structural("undo"); }
  redo() { this.structural("redo"); }

  // A change after which other clips are there: the server says which. What is pressed meanwhile is meant for those.
  structural(action, values = {}) {
    const { store, place } = this;
    this.player.stop();
    const where = place.current ? { drive: place.current.drive, clip: place.current.id } : {};
    this.held = [];
    this.queue.add(async () => {
      let held = [];
      try {
        const answer = await store.change(action, { ...where, ...values });
        await store.refresh();
        place.anchor = null;
        if (store.clip(answer.drive, answer.clip)) place.current = { drive: answer.drive, id: answer.clip };
      } finally {
        held = this.held || [];
        this.held = null;
      }
      this.show.draw();
      this.show.announce();
      held.forEach((act) => this.run(act));
    });
  }

  // Does what a key says, once the clips are there that it is meant for.
  run(act) {
    if (this.held) this.held.push(act); else act();
  }

  // After a change failed.
  forget() { this.held = null; }
}
