// Graphs are panned by dragging and zoomed by buttons, keys and ctrl + wheel. Scrolling and links work without it.
"use strict";

(() => {
  const least = 0.1;
  const most = 3;
  // The smaller text of a node is 11 pixels large.
  const readable = 0.85;
  const scales = new Map();

  function size(graph) {
    const svg = graph.querySelector("svg");
    if (!svg) return;
    const [, , width, height] = svg.getAttribute("viewBox").split(" ").map(Number);
    const scale = scales.get(graph.id) || 1;
    svg.setAttribute("width", width * scale);
    svg.setAttribute("height", height * scale);
  }

  // Zooms so that what is at a point of the window stays there.
  function zoom(graph, factor, x = graph.clientWidth / 2, y = graph.clientHeight / 2) {
    const before = scales.get(graph.id) || 1;
    const after = Math.min(most, Math.max(least, before * factor));
    scales.set(graph.id, after);
    const left = (graph.scrollLeft + x) * after / before - x;
    const top = (graph.scrollTop + y) * after / before - y;
    size(graph);
    graph.scrollTo(left, top);
    survey(graph);
  }

  function fit(graph) {
    const svg = graph.querySelector("svg");
    if (!svg) return;
    const [, , width, height] = svg.getAttribute("viewBox").split(" ").map(Number);
    const room = Math.min((graph.clientWidth - 2) / width, innerHeight * 0.74 / height, 1);
    scales.set(graph.id, Math.max(least, room));
    size(graph);
    graph.scrollTo(0, 0);
    survey(graph);
  }

  function toFocus(graph) {
    const node = graph.querySelector(".focus");
    if (!node) return;
    const box = node.getBoundingClientRect();
    const window_ = graph.getBoundingClientRect();
    graph.scrollBy(box.left - window_.left - (graph.clientWidth - box.width) / 2, box.top - window_.top - (graph.clientHeight - box.height) / 2);
  }

  function listen(graph) {
    graph.addEventListener("wheel", event => {
      if (!event.ctrlKey) return;
      event.preventDefault();
      const place = graph.getBoundingClientRect();
      zoom(graph, event.deltaY < 0 ? 1.15 : 1 / 1.15, event.clientX - place.left, event.clientY - place.top);
    }, { passive: false });
    graph.addEventListener("keydown", event => {
      if (event.ctrlKey || event.metaKey || event.altKey) return;
      const factor = { "+": 1.25, "=": 1.25, "-": 0.8 }[event.key];
      if (factor) zoom(graph, factor);
      else if (event.key === "0") fit(graph);
      else return;
      event.preventDefault();
    });
    let from = null;
    let moved = false;
    graph.addEventListener("pointerdown", event => {
      if (event.button !== 0 || event.pointerType === "touch") return;
      from = { x: event.clientX, y: event.clientY, left: graph.scrollLeft, top: graph.scrollTop };
      moved = false;
    });
    addEventListener("pointermove", event => {
      if (!from) return;
      const x = event.clientX - from.x;
      const y = event.clientY - from.y;
      if (!moved && Math.hypot(x, y) < 5) return;
      moved = true;
      graph.classList.add("panning");
      graph.scrollTo(from.left - x, from.top - y);
    });
    addEventListener("pointerup", () => { from = null; graph.classList.remove("panning"); });
    // The end of a drag is no click on what happens to be there.
    graph.addEventListener("click", event => { if (moved) { event.preventDefault(); moved = false; } }, true);
    graph.addEventListener("dragstart", event => event.preventDefault());
  }

  // At first all is shown, as long as it can be read: what is larger is panned. The focus is in the middle.
  function begin(graph) {
    const svg = graph.querySelector("svg");
    if (!svg) return;
    const [, , width, height] = svg.getAttribute("viewBox").split(" ").map(Number);
    const room = Math.min((graph.clientWidth - 2) / width, innerHeight * 0.74 / height, 1);
    scales.set(graph.id, Math.max(readable, room));
    size(graph);
    graph.scrollTo(0, 0);
    toFocus(graph);
    survey(graph);
  }

  // A small picture of all of it, with the part that is seen; only where that is not all.
  function survey(graph) {
    const small = document.querySelector(`[data-overview-of="${graph.id}"]`);
    const svg = graph.querySelector("svg");
    if (!small || !svg) return;
    small.toggleAttribute("hidden", graph.scrollWidth <= graph.clientWidth + 2 && graph.scrollHeight <= graph.clientHeight + 2);
    // Where there is little room it would hide what it is a picture of.
    small.classList.toggle("below", graph.clientHeight < 320 || graph.clientWidth < 560);
    small.setAttribute("viewBox", svg.getAttribute("viewBox"));
    const nodes = [...svg.querySelectorAll(".node")].map(node => {
      const [x, y] = node.getAttribute("transform").match(/-?[\d.]+/g);
      return shape("rect", { class: node.classList.contains("focus") ? "focus" : "node", x, y, width: 240, height: 44 });
    });
    small.replaceChildren(...nodes, shape("rect", { class: "window" }));
    mark(graph);
  }

  function shape(name, attributes) {
    const made = document.createElementNS("http://www.w3.org/2000/svg", name);
    for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
    return made;
  }

  function mark(graph) {
    const seen = document.querySelector(`[data-overview-of="${graph.id}"] .window`);
    if (!seen) return;
    const scale = scales.get(graph.id) || 1;
    const places = { x: graph.scrollLeft, y: graph.scrollTop, width: graph.clientWidth, height: graph.clientHeight };
    for (const [key, value] of Object.entries(places)) seen.setAttribute(key, value / scale);
  }

  function listenToOverview(graph) {
    const small = document.querySelector(`[data-overview-of="${graph.id}"]`);
    if (!small) return;
    graph.addEventListener("scroll", () => mark(graph));
    small.addEventListener("click", event => {
      const point = new DOMPoint(event.clientX, event.clientY).matrixTransform(small.getScreenCTM().inverse());
      const scale = scales.get(graph.id) || 1;
      graph.scrollTo(point.x * scale - graph.clientWidth / 2, point.y * scale - graph.clientHeight / 2);
    });
  }

  for (const graph of document.querySelectorAll(".graph")) { listen(graph); listenToOverview(graph); begin(graph); }
  for (const bar of document.querySelectorAll("[data-zoom-of]")) bar.hidden = false;
  document.addEventListener("refreshed", () => { for (const graph of document.querySelectorAll(".graph")) { size(graph); survey(graph); } });
  document.addEventListener("click", event => {
    const button = event.target.closest("[data-zoom]");
    if (!button) return;
    const graph = document.getElementById(button.closest("[data-zoom-of]").dataset.zoomOf);
    if (button.dataset.zoom === "fit") fit(graph);
    else zoom(graph, button.dataset.zoom === "in" ? 1.25 : 0.8);
  });
})();
