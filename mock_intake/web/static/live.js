// Keeps lists up to date, copies, and makes rows easy to reach. Everything can be read without it.
"use strict";

(() => {
  const pause = 400; // ms between two looks at most
  const page = 50; // rows that a search is content with
  const poll = 1500; // ms between two looks at what no request tells of
  const polled = document.querySelector("[data-poll]") !== null;
  // A page about one event cares for no other.
  const about = document.querySelector("main [data-event]");
  const eventId = about && about.dataset.event;
  const keeping = eventId ? "new attempts show by themselves" : "new events show by themselves";
  const searching = document.querySelector("#list a[data-go-on]") !== null;
  const button = document.getElementById("live-button");
  const status = document.getElementById("live-status");
  let source = null;
  let heard = 0;
  let waiting = null;
  let busy = false;
  let failed = false;
  let polling = null;

  const say = text => { if (status && status.textContent !== text) status.textContent = text; };

  const parts = within => [...within.querySelectorAll("main [data-live]")];
  const names = within => parts(within).map(part => part.dataset.live).sort().join("\n");
  // What a part was when it was loaded: one that has not changed is left alone, with whatever was done to it since.
  const loaded = new WeakMap(parts(document).map(part => [part, part.innerHTML]));

  // Fetches this page anew and takes over its parts that live.
  async function refresh() {
    waiting = null;
    if (busy) { later(); return; }
    busy = true;
    const number = heard;
    heard = 0;
    try {
      const answer = await fetch(location.href, { headers: { accept: "text/html" }, credentials: "same-origin" });
      if (answer.redirected) { location.reload(); return; }
      if (!answer.ok) throw new Error(`status ${answer.status}`);
      const fresh = new DOMParser().parseFromString(await answer.text(), "text/html");
      // The record is being read: there is no page yet, and it is asked for again.
      if (fresh.querySelector("meta[http-equiv=refresh]")) { heard += number; later(); return; }
      // Another page by now, such as one with a drawing that its script has to know of from the beginning.
      if (names(fresh) !== names(document)) { location.reload(); return; }
      const stay = place();
      for (const part of parts(document)) {
        const other = fresh.querySelector(`main [data-live="${part.dataset.live}"]`);
        if (loaded.get(part) === other.innerHTML) continue;
        loaded.set(part, other.innerHTML);
        replace(part, other);
      }
      stay();
      if (number) say(number === 1 ? "1 request came in" : `${number} requests came in`);
      else if (failed) say(keeping);
      failed = false;
      document.dispatchEvent(new CustomEvent("refreshed"));
    } catch (error) {
      failed = true;
      say(`cannot be brought up to date: ${error.message}`);
    } finally {
      busy = false;
      if (heard) later();
    }
  }

  function later() { if (waiting === null) waiting = setTimeout(refresh, pause); }

  // Text by which something is known again, whatever it counts meanwhile.
  const words = one => one.textContent.replace(/\d[\d,.]*/g, "").replace(/\s+/g, " ").trim();
  const keyOf = one => { const row = one.closest("[data-key]"); return row && row.dataset.key; };

  // Where the reader is: what it gives puts the first thing that is left of the window's back to its height in it.
  function place() {
    if (scrollY <= 0) return () => {};
    const named = () => [...document.querySelectorAll("main [data-live] :is([data-key], h2[id], h3[id])")];
    const name = one => one.dataset.key || one.id;
    const seen = named().map(one => [name(one), one.getBoundingClientRect().top])
      .filter(([, top]) => top >= 0 && top < innerHeight);
    return () => {
      const now = new Map(named().reverse().map(one => [name(one), one]));
      const found = seen.find(([key]) => now.has(key));
      if (found) scrollBy({ top: now.get(found[0]).getBoundingClientRect().top - found[1], behavior: "instant" });
    };
  }

  // Every fold of a part by what it is known by: its own key, else its row's and its words without numbers.
  function folds(part) {
    const found = new Map();
    for (const one of part.querySelectorAll("details")) {
      const summary = one.querySelector("summary");
      const key = one.dataset.key || `${keyOf(one) || ""}\n${summary ? words(summary) : ""}`;
      let number = 0;
      while (found.has(`${key}\n${number}`)) number += 1;
      found.set(`${key}\n${number}`, one);
    }
    return found;
  }

  // What can have the focus, by what it is known by.
  function sign(one) {
    const href = one.getAttribute("href");
    return JSON.stringify([one.tagName, keyOf(one), href, href === null && (one.getAttribute("aria-label") || words(one))]);
  }

  function replace(part, other) {
    const keys = [...part.querySelectorAll("[data-key]")].map(row => row.dataset.key);
    const known = new Set(keys);
    const focused = part.contains(document.activeElement) ? document.activeElement : null;
    const focus = focused && { sign: sign(focused), at: keys.indexOf(keyOf(focused)) };
    const before = folds(part);
    const across = [...part.querySelectorAll(".scrolling")].map(one => one.scrollLeft);
    if (known.size) {
      for (const one of other.querySelectorAll("[data-key]")) {
        if (!known.has(one.dataset.key)) one.classList.add("new");
      }
    }
    for (const [key, one] of folds(other)) {
      if (before.has(key)) one.open = before.get(key).open;
    }
    part.replaceChildren(...document.importNode(other, true).childNodes);
    prepare(part);
    part.querySelectorAll(".scrolling").forEach((one, at) => { one.scrollLeft = across[at] || 0; });
    if (focus) restore(part, focus, keys);
  }

  // Focuses what was focused, else the row next to where it was, else the list.
  function restore(part, focus, keys) {
    const able = "a, button, input, select, summary, [tabindex]";
    let found = [...part.querySelectorAll(able)].find(one => sign(one) === focus.sign);
    if (!found && focus.at >= 0) {
      const rows = new Map([...part.querySelectorAll("[data-key]")].map(row => [row.dataset.key, row]));
      const near = keys.map((key, at) => [Math.abs(at - focus.at), key]).sort((one, other) => one[0] - other[0])
        .find(([, key]) => rows.has(key));
      const row = near && rows.get(near[1]);
      found = row && (row.querySelector(".open") || row.querySelector(able));
    }
    if (!found) found = part.querySelector(".scrolling");
    if (!found) { part.tabIndex = -1; found = part; }
    found.focus({ preventScroll: true });
  }

  function listen() {
    if (source || document.hidden || !button || button.getAttribute("aria-pressed") !== "true") return;
    const org = new URLSearchParams(location.search).get("org");
    source = new EventSource("/api/mock/v1/stream" + (org ? `?org=${encodeURIComponent(org)}` : ""));
    let opened = false;
    if (polled) polling = setInterval(() => { if (document.documentElement.dataset.live === "on") later(); }, poll);
    source.addEventListener("exchange", message => {
      if (eventId && JSON.parse(message.data).event_id !== eventId) return;
      heard += 1;
      later();
    });
    source.addEventListener("open", () => {
      document.documentElement.dataset.live = "on";
      if (opened) later(); // whatever came while nobody listened
      opened = true;
      say(keeping);
    });
    source.addEventListener("error", () => {
      document.documentElement.dataset.live = "off";
      say("the intake does not answer; trying again");
    });
  }

  function stop() {
    if (source) source.close();
    source = null;
    clearInterval(polling);
    document.documentElement.dataset.live = "off";
  }

  // A search that one look was too short for goes on by itself, until it has found a page or there is nothing left.
  async function goOn() {
    if (busy) return;
    busy = true;
    let link;
    while ((link = document.querySelector("#list a[data-go-on]")) && !document.hidden) {
      const list = document.getElementById("list");
      if (list.querySelectorAll("tbody tr").length >= page) break;
      try {
        const answer = await fetch(link.href, { headers: { accept: "text/html" }, credentials: "same-origin" });
        if (!answer.ok || answer.redirected) throw new Error(`status ${answer.status}`);
        const fresh = new DOMParser().parseFromString(await answer.text(), "text/html").getElementById("list");
        if (!fresh) throw new Error("the record is still being read");
        const rows = list.querySelector("tbody");
        if (rows) {
          rows.append(...document.importNode(fresh, true).querySelectorAll("tbody tr"));
          link.closest(".more").replaceWith(document.importNode(fresh.querySelector(".more"), true));
        } else {
          list.replaceChildren(...document.importNode(fresh, true).childNodes);
        }
      } catch (error) {
        say(`cannot look further: ${error.message}`);
        break;
      }
    }
    busy = false;
    if (!link) say(document.querySelector("#list .more").textContent.trim());
  }

  // Every open stream holds a connection, of which a browser has few: hidden pages let theirs go.
  document.addEventListener("visibilitychange", () => {
    if (searching) { if (!document.hidden) goOn(); return; }
    if (document.hidden) stop(); else { listen(); if (source) later(); }
  });

  if (searching) {
    say("looking further; what comes in meanwhile shows when the page is loaded anew");
    goOn();
  } else if (button && document.querySelector("main [data-live]")) {
    button.hidden = false;
    button.addEventListener("click", () => {
      const on = button.getAttribute("aria-pressed") !== "true";
      button.setAttribute("aria-pressed", String(on));
      button.textContent = on ? "Live" : "Paused";
      if (on) { listen(); later(); } else { stop(); say("new events wait until you go on"); }
    });
    listen();
  }

  // Copying: the text of an element, or what an address answers, which is exact to the byte.
  async function write(text) {
    if (navigator.clipboard && window.isSecureContext) return navigator.clipboard.writeText(text);
    const area = document.createElement("textarea");
    area.value = text;
    document.body.append(area);
    area.select();
    const done = document.execCommand("copy");
    area.remove();
    if (!done) throw new Error("the browser does not allow it");
  }

  async function copy(from) {
    const words = from.dataset.words || (from.dataset.words = from.textContent);
    try {
      const address = from.dataset.copyFrom;
      await write(address ? await (await fetch(address)).text() : document.getElementById(from.dataset.copy).textContent);
      from.textContent = "Copied";
    } catch (error) {
      from.textContent = `Not copied: ${error.message}`;
    }
    setTimeout(() => { from.textContent = words; }, 2000);
  }

  function prepare(root) {
    for (const one of root.querySelectorAll("button.copy")) one.hidden = false;
  }
  prepare(document);
  document.addEventListener("click", event => {
    const one = event.target.closest("button.copy");
    if (one) copy(one);
  });

  // A place that is behind a fold is unfolded before it is shown.
  function unfold() {
    const target = location.hash.length > 1 && document.getElementById(decodeURIComponent(location.hash.slice(1)));
    if (!target) return;
    for (let one = target.closest("details"); one; one = one.parentElement.closest("details")) one.open = true;
    target.scrollIntoView({ block: "nearest" });
  }
  addEventListener("hashchange", unfold);
  unfold();

  // j and k go from row to row, "/" to the search; Enter follows the link as ever.
  document.addEventListener("keydown", event => {
    if (event.ctrlKey || event.metaKey || event.altKey || event.target.closest("input, select, textarea")) return;
    if (event.key === "/") {
      const search = document.querySelector("input[type=search]");
      if (search) { search.focus(); event.preventDefault(); }
      return;
    }
    if (event.key !== "j" && event.key !== "k") return;
    const links = [...document.querySelectorAll(".rows .open")];
    const row = document.activeElement.closest("tr");
    const at = row ? links.indexOf(row.querySelector(".open")) : -1;
    const next = links[event.key === "j" ? at + 1 : Math.max(0, at - 1)];
    if (next) next.focus();
  });
})();
