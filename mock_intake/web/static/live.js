// Keeps lists up to date, copies, and makes rows easy to reach. Everything can be read without it.
"use strict";

(() => {
  const pause = 400; // ms between two looks at most
  const page = 50; // rows that a search is content with
  const searching = document.querySelector("#list a[data-go-on]") !== null;
  const button = document.getElementById("live-button");
  const status = document.getElementById("live-status");
  let source = null;
  let heard = 0;
  let waiting = null;
  let busy = false;

  const say = text => { if (status && status.textContent !== text) status.textContent = text; };

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
      for (const part of document.querySelectorAll("[data-live]")) {
        const other = fresh.querySelector(`[data-live="${part.dataset.live}"]`);
        if (other) replace(part, other);
      }
      say(number === 1 ? "1 request came in" : `${number} requests came in`);
      document.dispatchEvent(new CustomEvent("refreshed"));
    } catch (error) {
      say(`cannot be brought up to date: ${error.message}`);
    } finally {
      busy = false;
      if (heard) later();
    }
  }

  function later() { if (waiting === null) waiting = setTimeout(refresh, pause); }

  function replace(part, other) {
    const known = new Set([...part.querySelectorAll("[data-key]")].map(row => row.dataset.key));
    const focused = part.contains(document.activeElement) ? document.activeElement : null;
    const row = focused && focused.closest("[data-key]");
    const key = row && row.dataset.key;
    const href = focused && focused.getAttribute("href");
    const open = new Set([...part.querySelectorAll("details[open] > summary")].map(one => one.textContent));
    if (known.size) {
      for (const one of other.querySelectorAll("[data-key]")) {
        if (!known.has(one.dataset.key)) one.classList.add("new");
      }
    }
    for (const summary of other.querySelectorAll("details > summary")) {
      if (open.has(summary.textContent)) summary.parentElement.open = true;
    }
    part.replaceChildren(...document.importNode(other, true).childNodes);
    prepare(part);
    if (!focused) return;
    const same = [...part.querySelectorAll("a, button, summary, [tabindex]")].find(one => {
      const its = one.closest("[data-key]");
      return one.getAttribute("href") === href && (its ? its.dataset.key : null) === key;
    });
    if (same) same.focus({ preventScroll: true });
  }

  function listen() {
    if (source || document.hidden || !button || button.getAttribute("aria-pressed") !== "true") return;
    const org = new URLSearchParams(location.search).get("org");
    source = new EventSource("/api/mock/v1/stream" + (org ? `?org=${encodeURIComponent(org)}` : ""));
    let opened = false;
    source.addEventListener("exchange", () => { heard += 1; later(); });
    source.addEventListener("open", () => {
      document.documentElement.dataset.live = "on";
      if (opened) later(); // whatever came while nobody listened
      opened = true;
      say("new events show by themselves");
    });
    source.addEventListener("error", () => {
      document.documentElement.dataset.live = "off";
      say("the intake does not answer; trying again");
    });
  }

  function stop() {
    if (source) source.close();
    source = null;
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
  } else if (button && document.querySelector("[data-live]")) {
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
