// Requests, one change after the other, and what is shown when the server says no.

export async function get(path) {
  const answer = await fetch(path, { cache: "no-store" });
  return read(answer);
}

export async function post(path, body) {
  const answer = await fetch(path, {
    method: "POST",
    headers: { "Content-Type": "application/json" },
    body: JSON.stringify(body),
  });
  return read(answer);
}

async function read(answer) {
  const text = await answer.text();
  let content;
  try { content = JSON.parse(text); } catch { content = { error: text.trim() }; }
  if (answer.ok) return content;
  throw Object.assign(new Error(content.error || `the server answered ${answer.status}`), { status: answer.status });
}

const GONE = "The server of this page is gone. Everything up to the last “saved” is on the disk: run the same "
  + "`wsvs tag` command again and open the address that it prints.";

export function explain(error) {
  return error.status ? error.message : GONE;
}

// Changes wait for the one before, because each has to name the revision that it was made for.
export class Queue {
  constructor(onFailure, onState) {
    this.waiting = 0;
    this.chain = Promise.resolve();
    this.round = 0;
    this.onFailure = onFailure;
    this.onState = onState;
  }

  add(change) {
    const round = this.round;
    this.waiting += 1;
    this.onState(this.waiting);
    this.chain = this.chain.then(async () => {
      try {
        // what came after a change that failed was meant for another state
        if (round === this.round) await change();
      } catch (error) {
        this.round += 1;
        await this.onFailure(error);
      } finally {
        this.waiting -= 1;
        this.onState(this.waiting);
      }
    });
    return this.chain;
  }
}

export const element = (id) => document.getElementById(id);

export function make(tag, properties = {}, ...children) {
  const node = Object.assign(document.createElement(tag), properties);
  node.append(...children);
  return node;
}

export function showBanner(text) {
  element("banner-text").textContent = text;
  element("banner").hidden = false;
}

export function setUpBanner() {
  element("banner-close").onclick = () => { element("banner").hidden = true; };
}

// A button that was clicked by mouse lets go of the focus, so that Enter and Space keep their meaning.
export function onPress(node, act) {
  node.addEventListener("click", (event) => {
    if (event.detail) node.blur();
    act();
  });
}

// Enter and Space belong to the control that has the focus.
export function ownsKey(event) {
  if (document.querySelector("dialog[open]")) return true;
  const at = document.activeElement;
  if (["INPUT", "SELECT", "TEXTAREA"].includes(at?.tagName)) return true;
  return ["BUTTON", "A"].includes(at?.tagName) && (event.key === "Enter" || event.key === " ");
}
