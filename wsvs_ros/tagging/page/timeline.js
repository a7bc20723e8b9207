// The whole drive in one line: what is done, unsure, begun, open and not cut yet, by colour, height and pattern.
import { element } from "/page/api.js";

const canvas = element("timeline");

export function time(seconds) {
  const whole = Math.floor(seconds), tenth = Math.floor(10 * (seconds - whole) + 1e-6);
  const hours = Math.floor(whole / 3600), minutes = Math.floor(whole / 60) % 60, rest = whole % 60;
  const two = (value) => String(value).padStart(2, "0");
  return `${hours ? `${hours}:${two(minutes)}` : minutes}:${two(rest)}.${tenth}`;
}

// `range`: clips that are chosen together; `listed`: those that a filter leaves, or null.
export function drawTimeline(drive, current, { range, listed }) {
  const scale = window.devicePixelRatio || 1;
  const width = canvas.clientWidth, height = canvas.clientHeight;
  canvas.width = width * scale;
  canvas.height = height * scale;
  const pen = canvas.getContext("2d");
  pen.scale(scale, scale);
  const top = 10, bottom = height - 3, x = (seconds) => (seconds / drive.duration) * width;
  pen.strokeStyle = "#4a5d69";
  pen.setLineDash([4, 4]);
  pen.strokeRect(0.5, top + 0.5, width - 1, bottom - top - 1);
  pen.setLineDash([]);
  const hatch = hatched(pen);
  const counts = { done: 0, unsure: 0, open: 0 };
  for (const clip of drive.clips) {
    counts[clip.state] += 1;
    const left = x(clip.start), wide = Math.max(x(clip.end) - left - (drive.clips.length < width / 4 ? 1.5 : 0), 0.5);
    pen.globalAlpha = listed && !listed.has(clip.id) ? 0.3 : 1;
    pen.fillStyle = clip.state === "done" ? "#14b8a6" : clip.state === "unsure" ? hatch : "#26353f";
    pen.fillRect(left, top, wide, bottom - top);
    if (clip.state === "open" && clip.touched) {
      pen.fillStyle = "#14b8a6";
      pen.fillRect(left, (top + bottom) / 2, wide, (bottom - top) / 2);
    }
    if (wide > 13 && clip.state !== "open") {
      pen.font = "bold 12px sans-serif";
      pen.textAlign = "center";
      pen.globalAlpha = listed && !listed.has(clip.id) ? 0.3 : 1;
    pen.fillStyle = clip.state === "done" ? "#04201c" : "#fff";
      if (clip.state === "unsure") { pen.strokeStyle = "#000"; pen.lineWidth = 3; pen.strokeText("?", left + wide / 2, (top + bottom) / 2 + 4); }
      pen.fillText(clip.state === "done" ? "✓" : "?", left + wide / 2, (top + bottom) / 2 + 4);
    }
  }
  pen.globalAlpha = 1;
  if (range.size > 1) {
    pen.fillStyle = "rgb(255 255 255 / 0.28)";
    for (const clip of drive.clips) if (range.has(clip.id)) pen.fillRect(x(clip.start), top - 1, Math.max(x(clip.end) - x(clip.start), 1), bottom - top + 2);
  }
  if (current) {
    const left = x(current.start), wide = Math.max(x(current.end) - left, 3), middle = left + wide / 2;
    pen.strokeStyle = "#fff";
    pen.lineWidth = 2;
    pen.strokeRect(left, top - 1, wide, bottom - top + 2);
    pen.fillStyle = "#fff";
    pen.beginPath();
    pen.moveTo(middle - 6, 0);
    pen.lineTo(middle + 6, 0);
    pen.lineTo(middle, 8);
    pen.fill();
  }
  canvas.setAttribute("aria-label", `Timeline: ${counts.done} clips done, ${counts.unsure} unsure, ${counts.open} open`);
}

export function onTimeline(act) {
  canvas.addEventListener("click", (event) => act(event.offsetX / canvas.clientWidth, event.shiftKey));
}

function hatched(pen) {
  const tile = document.createElement("canvas");
  tile.width = tile.height = 8;
  const ink = tile.getContext("2d");
  ink.fillStyle = "#3b2f0b";
  ink.fillRect(0, 0, 8, 8);
  ink.strokeStyle = "#fbbf24";
  ink.lineWidth = 3;
  for (const shift of [-8, 0, 8]) {
    ink.beginPath();
    ink.moveTo(shift, 8);
    ink.lineTo(shift + 8, 0);
    ink.stroke();
  }
  return pen.createPattern(tile, "repeat");
}
