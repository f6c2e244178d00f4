"use strict";
// Puts each new report in the place of the old one: scroll position and what is unfolded stay.
const frame = document.getElementById("report");
const state = document.getElementById("state");

// A name for each part that can be folded, the same in both reports: its check and its place within it.
function foldable(page) {
  const found = new Map();
  const counts = new Map();
  for (const part of page.querySelectorAll("details")) {
    const owner = part.id || part.parentElement.closest("details[id]")?.id || "";
    const heading = part.id ? "" : part.querySelector("summary code")?.textContent || part.className;
    const name = owner + "|" + heading;
    const count = counts.get(name) || 0;
    counts.set(name, count + 1);
    found.set(name + "|" + count, part);
  }
  return found;
}

// What the reader unfolded or folded by hand, as against how the report came.
function remember(page) {
  for (const part of page.querySelectorAll("details")) {
    part.dataset.came = part.open ? "open" : "shut";
  }
}

function replace(text) {
  const page = frame.contentDocument;
  const next = new DOMParser().parseFromString(text, "text/html");
  const view = frame.contentWindow;
  const place = [view.scrollX, view.scrollY];
  const before = foldable(page.body);
  for (const [name, part] of foldable(next.body)) {
    const old = before.get(name);
    part.dataset.came = part.open ? "open" : "shut";
    if (old && old.open !== (old.dataset.came === "open")) {
      part.open = old.open;
    }
  }
  page.title = next.title;
  document.title = next.title;
  page.body.replaceWith(page.adoptNode(next.body));
  view.scrollTo({ left: place[0], top: place[1], behavior: "instant" });
}

async function follow() {
  let version = -1;
  for (;;) {
    try {
      const newest = Number(await (await fetch("changes?" + Math.max(version, 0))).text());
      if (newest !== version) {
        const text = await (await fetch("report")).text();
        if (version >= 0) {
          replace(text);
        }
        version = newest;
      }
      state.textContent = "";
    } catch {
      state.textContent = "grader watch has ended: this page is no longer up to date.";
      await new Promise((done) => setTimeout(done, 2000));
    }
  }
}

frame.addEventListener("load", () => {
  remember(frame.contentDocument);
  document.title = frame.contentDocument.title;
  follow();
}, { once: true });
