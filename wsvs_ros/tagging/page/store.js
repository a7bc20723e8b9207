// The drives and their clips: what the server told, and over it the changes that are on their way to the server.
import { get, post } from "/page/api.js";

export class Store {
  async load() {
    this.about = await get("/api/about");
    this.drives = [];
    this.number = -1; // everything up to that change is known
    this.revision = 0;
    this.answered = 0; // changes that the server answered
    this.pending = new Map(); // clip -> what it will be, newest last
    await this.refresh();
  }

  // What the server says now. An answer that was on its way while a change was made tells of the time before: it is
  // dropped, and the next one tells everything that it told.
  // `late` decides whether somebody pressed a key meanwhile.
  async refresh({ all = false, at = null, late = () => false } = {}) {
    const since = all ? -1 : this.number, answered = this.answered;
    const focus = at ? `&drive=${at.drive}&at=${at.time}` : "";
    const news = await get(`/api/changes?since=${since}${focus}`);
    if (answered !== this.answered || late()) return false;
    const different = news.complete || news.number !== this.number || news.problem !== this.problem;
    Object.assign(this, {
      number: news.number, revision: news.revision, problem: news.problem, undo: news.undo, redo: news.redo,
    });
    news.drives.forEach((told, index) => this.take(told, index, news.complete));
    return different;
  }

  take(told, index, complete) {
    const drive = (this.drives[index] ||= { index, clips: [], byId: new Map() });
    const cut = drive.cut_until !== told.cut_until;
    Object.assign(drive, { name: told.name, duration: told.duration, cut_until: told.cut_until, fps: told.fps });
    if (complete) drive.byId.clear();
    for (const id of told.removed) drive.byId.delete(id);
    for (const clip of told.clips) drive.byId.set(clip.id, Object.assign(clip, this.pendingOf(index, clip.id)));
    if (complete || cut || told.removed.length || told.clips.length) sort(drive);
  }

  pendingOf(drive, id) { return this.pending.get(`${drive} ${id}`)?.at(-1); }

  // Shows a change of clips at once; `send` then tells the server.
  foresee(clips) {
    for (const { drive, clip, tags, state } of clips) {
      const key = `${drive} ${clip}`, told = { tags, state, touched: true };
      this.pending.set(key, [...(this.pending.get(key) || []), told]);
      Object.assign(this.clip(drive, clip), told);
    }
  }

  async send(clips) {
    await this.change("tag", { clips });
    for (const { drive, clip } of clips) {
      const key = `${drive} ${clip}`, left = (this.pending.get(key) || []).slice(1);
      if (left.length) this.pending.set(key, left); else this.pending.delete(key);
    }
  }

  async change(action, values = {}) {
    const answer = await post("/api/edit", { action, revision: this.revision, ...values });
    this.answered += 1;
    this.revision = answer.revision;
    this.undo = answer.undo;
    this.redo = answer.redo;
    return answer;
  }

  // After a change failed: the ones behind it are not sent, and the server's state is the truth.
  async giveUp() {
    this.pending.clear();
    await this.refresh({ all: true });
  }

  clip(drive, id) { return this.drives[drive]?.byId.get(id); }

  // Ticks that show: the tags, or while nobody touched the clip what is suggested.
  ticks(clip) {
    if (clip.touched) return new Set(clip.tags);
    return new Set(Object.keys(clip.suggested || {}).filter((name) => clip.suggested[name] >= this.about.threshold));
  }

  // All clips of all drives, in their order.
  everything() {
    return this.drives.flatMap((drive) => drive.clips.map((clip) => ({ drive: drive.index, id: clip.id })));
  }
}

function sort(drive) {
  drive.clips = [...drive.byId.values()].sort((one, other) => one.start - other.start || one.end - other.end);
  drive.place = new Map(drive.clips.map((clip, index) => [clip.id, index]));
}
