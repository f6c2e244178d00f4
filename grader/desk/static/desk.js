// The desk in the browser. The server makes all markup; this moves between pages, sends decisions, and keeps the focus.
"use strict";

(() => {
  const base = document.body.dataset.base;
  const me = window.crypto.randomUUID();
  const RETRY = 1000;
  const PULSE = 2500;
  let chain = Promise.resolve();
  let waiting = 0;
  let lastKey = null;

  const $ = (selector) => document.querySelector(selector);
  const grading = () => $("#grading");
  const pause = (milliseconds) => new Promise((done) => setTimeout(done, milliseconds));
  const here = () => location.pathname + location.search;

  // --- notices ---------------------------------------------------------------------------------

  function say(text, kind = "info") {
    const notice = $("#notice");
    const line = document.createElement("p");
    line.className = `notice notice-${kind}`;
    line.textContent = text;
    notice.replaceChildren(...(text ? [line] : []));
  }

  // --- one thing after another -----------------------------------------------------------------

  // Keys may come faster than answers: each action waits for the one before and names the version that it then sees.
  function queue(task) {
    waiting += 1;
    document.body.dataset.busy = "1";
    chain = chain
      .then(task)
      .catch((error) => say(error.message, "bad"))
      .finally(() => {
        waiting -= 1;
        if (!waiting) delete document.body.dataset.busy;
      });
    return chain;
  }

  async function reached(ask) {
    for (;;) {
      try {
        const answer = await ask();
        if ($("#notice").dataset.lost) {
          delete $("#notice").dataset.lost;
          say("");
        }
        return answer;
      } catch (error) {
        $("#notice").dataset.lost = "1";
        say("The desk can't be reached: what you do now is not saved yet. It is tried again.", "bad");
        await pause(RETRY);
      }
    }
  }

  async function send(action, body, type = "application/json") {
    const data = type === "application/json" ? JSON.stringify(body) : body;
    const answer = await reached(() =>
      fetch(`${base}/act/${action}`, { method: "POST", headers: { "Content-Type": type }, body: data })
    );
    let told = {};
    try {
      told = await answer.json();
    } catch (error) {
      told = { error: `the desk answered ${answer.status}: open its address again` };
    }
    if (!answer.ok) {
      const failure = new Error(told.error);
      failure.late = answer.status === 409;
      throw failure;
    }
    if (told.message) say(told.message);
    return told;
  }

  // --- moving between pages --------------------------------------------------------------------

  function marked(element) {
    if (!element || element === document.body) return null;
    if (element.id) return `#${CSS.escape(element.id)}`;
    const parts = ["do", "item", "student", "part"].filter((name) => element.dataset[name]);
    return parts.length ? parts.map((name) => `[data-${name}="${CSS.escape(element.dataset[name])}"]`).join("") : null;
  }

  async function load(url, { push = false, focus = null, keep = null } = {}) {
    const answer = await reached(() => fetch(url, { headers: { Accept: "text/html" } }));
    const page = new DOMParser().parseFromString(await answer.text(), "text/html");
    const fresh = page.querySelector("#main");
    if (!fresh) {
      say("The desk does not know you any more: open the address that it printed.", "bad");
      return;
    }
    const before = marked(document.activeElement);
    const open = new Map([...document.querySelectorAll("#main [data-fold]")].map((one) => [one.dataset.fold, one.open]));
    const same = !push;
    $("#main").replaceChildren(...document.adoptNode(fresh).childNodes);
    const nav = page.querySelector("header.top");
    if (nav) $("header.top nav").replaceChildren(...document.adoptNode(nav.querySelector("nav")).childNodes);
    document.title = page.title;
    const address = answer.redirected ? new URL(answer.url) : null;
    if (push) history.pushState(null, "", address ? address.pathname + address.search : url);
    for (const one of document.querySelectorAll("#main [data-fold]")) one.open = open.get(one.dataset.fold) ?? one.open;
    if (keep !== null && $("#comment")) $("#comment").value = keep;
    const target = (focus && $(focus)) || (same && before && $(before)) || $("#answer-title, #student-title") || $("#main");
    target.focus({ preventScroll: same });
    if (!same) window.scrollTo(0, 0);
    pulse();
  }

  async function go(url, focus = null) {
    await saveComment();
    say("");
    await load(url, { push: true, focus });
  }

  const student = () => $("#student");

  const groupUrl = (token) => {
    if (student()) return `${base}/s/${token}`;
    const data = grading().dataset;
    return `${base}/q/${data.part}/${token}${data.second ? "?second=1" : ""}`;
  };

  function move(to) {
    queue(async () => {
      const place = grading() ?? student();
      const token = place?.dataset[to];
      if (token) await go(groupUrl(token));
      else if (place) {
        await saveComment();
        say(to === "next" ? "Everything here is graded." : "There is no other in this direction.");
      }
    });
  }

  // --- decisions -------------------------------------------------------------------------------

  async function decide(change) {
    const data = grading().dataset;
    const typed = $("#comment") ? $("#comment").value : "";
    const unsaved = $("#comment") && typed !== $("#comment").defaultValue && change.comment === undefined;
    try {
      await send("decide", {
        part: data.part, group: data.group, version: Number(data.version), second: Boolean(data.second), ...change,
      });
    } catch (error) {
      if (!error.late) throw error;
      await load(here(), { keep: change.comment !== undefined || unsaved ? typed : null });
      throw error;
    }
    await load(here(), { keep: unsaved ? typed : null });
    const items = [...document.querySelectorAll(".item[aria-pressed=true] .text")].map((one) => one.textContent.trim());
    if ($("#rubric-title")) $("#spoken").textContent = `${$("#rubric-title").textContent}. ${items.join("; ")}`;
  }

  async function saveComment() {
    const box = grading() && $("#comment");
    if (!box || box.value.trim() === box.defaultValue.trim()) return;
    await decide({ comment: box.value });
  }

  async function change(action, body) {
    try {
      const told = await send(action, body);
      await load(here());
      return told;
    } catch (error) {
      if (error.late) await load(here());
      throw error;
    }
  }

  const about = () => {
    const data = grading().dataset;
    return { part: data.part, group: data.group, version: Number(data.version) };
  };

  // --- dialogs ---------------------------------------------------------------------------------

  // Ask for some values: fields are [name, label, type, value]. Answers null if nothing is to be done.
  function ask(title, fields, extra = null) {
    const box = document.createElement("dialog");
    const form = document.createElement("form");
    const heading = document.createElement("h2");
    heading.textContent = title;
    heading.id = "asked";
    box.setAttribute("aria-labelledby", "asked");
    form.append(heading);
    for (const [name, label, type, value, options] of fields) {
      const line = document.createElement("label");
      line.append(label, " ");
      const kind = type === "textarea" ? "textarea" : type === "select" ? "select" : "input";
      const field = document.createElement(kind);
      if (kind === "input") field.type = type;
      if (type === "number") field.step = "any";
      if (kind === "textarea") field.rows = 4;
      for (const [key, word] of options ?? []) field.append(new Option(word, key));
      field.name = name;
      field.value = value;
      line.append(field);
      form.append(line);
    }
    const buttons = document.createElement("p");
    buttons.className = "moves";
    const choices = [["ok", "Save"], ...(extra ? [extra] : []), ["", "Cancel"]];
    for (const [value, word] of choices) {
      const button = document.createElement("button");
      button.type = "button";
      button.textContent = word;
      if (value === "ok") button.className = "main";
      button.addEventListener("click", () => box.close(value));
      buttons.append(button);
    }
    form.append(buttons);
    form.addEventListener("submit", (event) => {
      event.preventDefault();
      box.close("ok");
    });
    form.addEventListener("keydown", (event) => {
      const area = event.target instanceof HTMLTextAreaElement && !event.ctrlKey;
      if (event.key === "Enter" && !area && !(event.target instanceof HTMLButtonElement)) {
        event.preventDefault();
        box.close("ok");
      }
    });
    box.append(form);
    document.body.append(box);
    const back = document.activeElement;
    box.showModal();
    return new Promise((done) => {
      box.addEventListener("close", () => {
        const how = box.returnValue;
        const values = Object.fromEntries(new FormData(form));
        box.remove();
        if (back instanceof HTMLElement) back.focus();
        done(how ? { ...values, how } : null);
      });
    });
  }

  const numberOr = (text, other) => (text.trim() === "" || Number.isNaN(Number(text)) ? other : Number(text));

  // A dialog holds the queue: what it changes comes before what is pressed after it, and no news draws the page anew.
  function dialog(title, fields, extra, act) {
    queue(async () => {
      const asked = await ask(title, fields, extra);
      if (asked) await act(asked);
    });
  }

  function editItem(button) {
    const data = button?.dataset ?? {};
    const part = grading().dataset.part;
    const fields = [
      ["text", "What the student reads", "textarea", data.text ?? ""],
      ["points", "Points", "number", data.points ?? ""],
    ];
    const title = data.item ? "Change an item" : "A new item";
    dialog(title, fields, data.item ? ["remove", "Remove"] : null, (asked) =>
      change("item", {
        part, item: data.item ?? "", version: Number(data.version ?? 0), text: asked.text,
        points: numberOr(asked.points, 0), remove: asked.how === "remove",
      })
    );
  }

  function editScale(button) {
    const data = button.dataset;
    const part = grading().dataset.part;
    const kinds = [["", "as the items say"], ["0", "add up from 0"], ["1", "take away from the maximum"]];
    const fields = [
      ["full", "Items", "select", data.full, kinds],
      ["floor", "The least", "number", data.floor],
      ["ceiling", "The most", "number", data.ceiling],
    ];
    dialog("How points are counted", fields, null, (asked) =>
      change("scale", {
        part, version: Number(data.version), from_full: asked.full === "" ? null : asked.full === "1",
        floor: numberOr(asked.floor, null), ceiling: numberOr(asked.ceiling, null),
      })
    );
  }

  function shareOut(button) {
    const data = button.dataset;
    const label = "Graders, with commas between; nobody named means everybody";
    dialog("Share this question out", [["graders", label, "text", data.graders]], null, (asked) => {
      const graders = asked.graders.split(",").map((name) => name.trim()).filter(Boolean);
      return change("share", { part: data.part, version: Number(data.version), graders });
    });
  }

  function askForRegrade(button) {
    const part = grading().dataset.part;
    dialog("A student's request", [["text", "What the student asks for", "textarea", ""]], null, (asked) =>
      change("ask", { part, student: button.dataset.student, text: asked.text })
    );
  }

  function answerRequest(button, granted) {
    const part = grading().dataset.part;
    const { student, version } = button.dataset;
    const fields = [["reply", "A note for your team", "textarea", ""]];
    dialog(granted ? "Granted" : "Declined", fields, null, (asked) =>
      change("answer", { part, student, version: Number(version), granted, reply: asked.reply })
    );
  }

  // --- what buttons and keys do ----------------------------------------------------------------

  const actions = {
    previous: () => move("previous"),
    following: () => move("following"),
    next: () => move("next"),
    item: (button) => queue(() => decide({ item: button.dataset.item })),
    full: () => queue(() => decide({ bare: true })),
    clear: () => queue(() => decide({ clear: true })),
    again: () => queue(() => decide({ done: true })),
    split: (button) => queue(() => change("split", { ...about(), student: button.dataset.student }).then(stay)),
    "split-all": () => queue(() => change("split", about()).then(stay)),
    join: (button) => queue(() => change("split", { ...about(), student: button.dataset.student, join: true }).then(stay)),
    "new-item": () => editItem(null),
    "edit-item": (button) => editItem(button),
    scale: (button) => editScale(button),
    share: (button) => shareOut(button),
    ask: (button) => askForRegrade(button),
    grant: (button) => answerRequest(button, true),
    decline: (button) => answerRequest(button, false),
    suggest: (button) => {
      $("#comment").value = button.dataset.text;
      $("#comment").focus();
      $("#suggestions").hidden = true;
      queue(saveComment);
    },
    undo: () =>
      queue(async () => {
        const told = await send("undo", {});
        const url = told.undone ? base + told.undone : here();
        await load(url, { push: url !== here() });
        say(told.message);
      }),
    names: () => {
      const now = document.body.dataset.names ? "" : "1";
      document.cookie = `desk-names=${now}; path=${base}/; SameSite=Strict`;
      document.body.dataset.names = now;
      $("[data-do=names]").setAttribute("aria-pressed", now ? "true" : "false");
      queue(() => load(here()).then(() => say(now ? "Names are shown." : "Names are hidden.")));
    },
    help: () => $("#help").showModal(),
    "close-help": () => $("#help").close(),
    write: () => {
      say("Marks and pages are being written …");
      queue(() => send("write", {}));
    },
    draw: (button) => {
      const count = Number($("#draw-count").value) || 5;
      queue(() => change("draw", { part: button.dataset.part, count }));
    },
    import: () =>
      queue(async () => {
        const file = $("#csv").files[0];
        if (!file) throw new Error("choose a CSV first");
        const told = await send("import", await file.text(), "text/csv");
        await load(here());
        say(told.message);
      }),
  };

  async function stay() {
    if (!grading()) await load(here());
  }

  function press(name) {
    const button = $(`#main [data-do="${name}"]`);
    if (button && !button.disabled) actions[name](button);
  }

  const keys = {
    z: () => (grading() ? actions.next() : $("#main a.go")?.click()),
    j: () => (grading() ?? student() ? actions.following() : step(1)),
    k: () => (grading() ?? student() ? actions.previous() : step(-1)),
    c: () => $("#comment")?.focus(),
    p: () => $("#add")?.focus(),
    a: () => grading() && actions["new-item"](),
    u: () => actions.undo(),
    n: () => actions.names(),
    g: () => press("again"),
    0: () => press("full"),
    "?": () => actions.help(),
    o: () => queue(() => go(`${base}/`)),
    "/": () => {
      if ($("#search")) $("#search").focus();
      else if (grading()) queue(() => go(`${base}/q/${grading().dataset.part}`, "#search"));
    },
  };

  function step(by) {
    const rows = [...document.querySelectorAll("a.row, table.lines th a")];
    const at = rows.indexOf(document.activeElement);
    rows[Math.min(Math.max(at + by, 0), rows.length - 1)]?.focus();
  }

  function typing(element) {
    return element instanceof HTMLElement && element.matches("input, textarea, select");
  }

  document.addEventListener("keydown", (event) => {
    if (document.querySelector("dialog[open]")) return;
    const target = event.target;
    if (typing(target)) {
      if (event.key === "Escape" || (event.key === "Enter" && (event.ctrlKey || target.id === "add"))) {
        event.preventDefault();
        leave(target);
      } else if (event.key === "ArrowDown" && target.id === "comment" && !$("#suggestions").hidden) {
        if (target.selectionEnd === target.value.length) {
          event.preventDefault();
          shownSuggestions()[0]?.focus();
        }
      }
      return;
    }
    if (target.matches?.(".suggestion") && ["ArrowDown", "ArrowUp", "Escape"].includes(event.key)) {
      event.preventDefault();
      const all = shownSuggestions();
      const at = all.indexOf(target) + (event.key === "ArrowDown" ? 1 : -1);
      (event.key === "Escape" || at < 0 ? $("#comment") : all[Math.min(at, all.length - 1)]).focus();
      return;
    }
    if (event.ctrlKey || event.metaKey || event.altKey || event.isComposing) return;
    if (/^[1-9]$/.test(event.key)) {
      // The item is found when its turn comes: what came before may have drawn the rubric anew.
      const key = event.key;
      if (!grading()) return;
      event.preventDefault();
      queue(async () => {
        const button = $(`#main [data-do=item][data-key="${key}"]`);
        if (!button) throw new Error(`There is no item ${key}.`);
        await decide({ item: button.dataset.item });
      });
      return;
    }
    const does = keys[event.key];
    if (does) {
      event.preventDefault();
      does();
    }
  });

  function leave(field) {
    field.blur();
    ($("#answer-title") || $("#main")).focus({ preventScroll: true });
  }

  // --- comments --------------------------------------------------------------------------------

  const shownSuggestions = () => [...document.querySelectorAll(".suggestion:not([hidden])")];

  function suggest() {
    const box = $("#comment");
    const beginning = box.value.trim().toLowerCase();
    let shown = 0;
    for (const one of document.querySelectorAll(".suggestion")) {
      const fits = one.dataset.text.toLowerCase().startsWith(beginning) && one.dataset.text !== box.value.trim();
      one.hidden = !fits || shown >= 6;
      shown += fits ? 1 : 0;
    }
    $("#suggestions").hidden = shown === 0;
  }

  document.addEventListener("input", (event) => {
    if (event.target.id === "comment") suggest();
  });
  document.addEventListener("focusin", (event) => {
    if (event.target.id === "comment") suggest();
    else if ($("#suggestions") && !event.target.matches(".suggestion")) $("#suggestions").hidden = true;
  });
  document.addEventListener("change", (event) => {
    if (event.target.id === "add") {
      queue(() => decide({ add: numberOr(event.target.value, 0) }));
    }
  });
  document.addEventListener("focusout", (event) => {
    if (event.target.id === "comment" && !event.relatedTarget?.matches?.(".suggestion")) queue(saveComment);
  });

  // --- clicks, links, history ------------------------------------------------------------------

  document.addEventListener("click", (event) => {
    const button = event.target.closest("[data-do]");
    if (button) {
      actions[button.dataset.do](button);
      return;
    }
    const link = event.target.closest("a[href]");
    if (!link || link.hasAttribute("download") || event.ctrlKey || event.metaKey || event.shiftKey) return;
    const url = new URL(link.href, location.href);
    const own = url.origin === location.origin && !/\/(class|report|export)/.test(url.pathname.slice(base.length));
    if (own && !link.getAttribute("href").startsWith("#")) {
      event.preventDefault();
      queue(() => go(url.pathname + url.search));
    }
  });

  document.addEventListener("submit", (event) => {
    if (event.target.id !== "filters") return;
    event.preventDefault();
    const wanted = new URLSearchParams([...new FormData(event.target)].filter(([, value]) => value));
    queue(() => go(`${location.pathname}?${wanted}`, "#found"));
  });

  window.addEventListener("popstate", () => queue(() => load(here(), {})));
  window.addEventListener("beforeunload", (event) => {
    const box = $("#comment");
    if (waiting || (box && box.value.trim() !== box.defaultValue.trim())) event.preventDefault();
  });

  // --- who else is here ------------------------------------------------------------------------

  let beating = null;

  async function pulse() {
    clearTimeout(beating);
    try {
      const data = grading()?.dataset;
      const place = data ? `${data.part}/${data.group}` : "";
      const answer = await fetch(`${base}/pulse?${new URLSearchParams({ place, window: me })}`);
      if (answer.ok) await felt(await answer.json(), place);
    } catch (error) {
      // The next action says so.
    }
    clearTimeout(beating);
    beating = setTimeout(pulse, PULSE);
  }

  async function felt(told, place) {
    const data = grading()?.dataset;
    if (!data || `${data.part}/${data.group}` !== place) return;
    const others = told.others.length ? `Also here: ${told.others.join(", ")}` : "";
    if ($("#presence").textContent !== others) $("#presence").textContent = others;
    if (data.second || waiting || told.version === null || told.version === Number(data.version)) return;
    const box = $("#comment");
    if (box && (box.matches(":focus") || box.value.trim() !== box.defaultValue.trim())) {
      say("Somebody has changed this meanwhile: what you write now is not saved over it.", "bad");
      return;
    }
    queue(async () => {
      await load(here());
      say("Somebody has changed this just now: you see it as it is.");
    });
  }

  pulse();
})();
