// Graphs are panned by dragging and zoomed by buttons, keys and ctrl + wheel. Scrolling and links work without it.
"use strict";

(() => {
  const least = 0.1;
  const most = 3;
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
  }

  function fit(graph) {
    const svg = graph.querySelector("svg");
    if (!svg) return;
    const [, , width, height] = svg.getAttribute("viewBox").split(" ").map(Number);
    const room = Math.min((graph.clientWidth - 2) / width, innerHeight * 0.74 / height, 1);
    scales.set(graph.id, Math.max(least, room));
    size(graph);
    graph.scrollTo(0, 0);
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

  // What all but fits is made to; of what is larger, the focus is shown.
  function begin(graph) {
    const svg = graph.querySelector("svg");
    const width = svg ? Number(svg.getAttribute("viewBox").split(" ")[2]) : 0;
    if (width > graph.clientWidth && width * 0.7 < graph.clientWidth) zoom(graph, (graph.clientWidth - 2) / width);
    toFocus(graph);
  }

  for (const graph of document.querySelectorAll(".graph")) { listen(graph); begin(graph); }
  for (const bar of document.querySelectorAll("[data-zoom-of]")) bar.hidden = false;
  document.addEventListener("refreshed", () => { for (const graph of document.querySelectorAll(".graph")) size(graph); });
  document.addEventListener("click", event => {
    const button = event.target.closest("[data-zoom]");
    if (!button) return;
    const graph = document.getElementById(button.closest("[data-zoom-of]").dataset.zoomOf);
    if (button.dataset.zoom === "fit") fit(graph);
    else zoom(graph, button.dataset.zoom === "in" ? 1.25 : 0.8);
  });
})();
