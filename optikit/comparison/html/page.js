"use strict";
(function () {
  const root = document.documentElement;
  const figures = [];  // of each: what it shows, its plot, and by the optimizers' numbers its lines, marks and bands
  const MOST_BANDS = 6;

  // JSON, deflated, in base 64.
  function unpacked(text) {
    const bytes = Uint8Array.from(atob(text), letter => letter.charCodeAt(0));
    return new Response(new Blob([bytes]).stream().pipeThrough(new DecompressionStream("deflate"))).json();
  }

  // What is known at some places holds until the next of them.
  function stairs(x, y) {
    const across = [], up = [];
    for (let at = 0; at < x.length; at++) {
      if (at > 0) { across.push(x[at]); up.push(y[at - 1]); }
      across.push(x[at]); up.push(y[at]);
    }
    return [across, up];
  }

  function range(axis, start, end) {
    axis.setv({start, end, reset_start: start, reset_end: end});
  }

  // Show a sheet: its values go to the lines, and a few of them to the marks.
  function show(figure, number) {
    const {chart, plot, parts} = figure;
    const sheet = chart.sheets[number];
    const value = one => one === null ? NaN : chart.log ? 10 ** one : one;
    let least = Infinity, most = -Infinity;
    parts.forEach((part, which) => {
      const x = sheet.x[sheet.x.length > 1 ? which : 0].map(one => one === null ? NaN : one);
      const [y, lower, upper] = sheet.curves[which].map(band => band.map(value));
      const steps = Math.max(1, Math.floor(x.length / 7));
      for (const one of x) { if (one > 0) { least = Math.min(least, one); most = Math.max(most, one); } }
      const places = x.map((_, at) => at).filter(at => at % steps === which % steps);
      part.mark.data_source.data = {x: places.map(at => x[at]), y: places.map(at => y[at])};
      if (part.line) {
        const [across, up] = stairs(x, y);
        const ends = part.band ? {low: stairs(x, lower)[1], high: stairs(x, upper)[1]} : {low: up, high: up};
        part.line.data_source.data = {x: across, y: up, ...ends};
        if (part.band) part.band.data_source.data = part.line.data_source.data;
      }
    });
    let [low, high] = sheet.y.map(value);
    if (chart.log) {
      const pad = Math.max((high / low) ** 0.04, chart.points ? 1.5 : 1.05);
      [low, high] = [low / pad, high * pad];
    } else {
      high += 0.02;
    }
    if (!(most >= least)) [least, most] = [1, 10];
    if (chart.points || most === least) [least, most] = [least / 1.5, most * 1.5];
    range(plot.x_range, least, most);
    range(plot.y_range, low, high);
  }

  function toggled() {
    const keys = Array.from(document.querySelectorAll(".key"));
    const on = keys.map(key => key.getAttribute("aria-pressed") === "true");
    const few = on.filter(Boolean).length <= MOST_BANDS;
    for (const {parts} of figures) {
      parts.forEach((part, which) => {
        part.mark.visible = on[which];
        if (part.line) part.line.visible = on[which];
        if (part.band) part.band.visible = on[which] && few;
      });
    }
  }

  // Bokeh draws on a canvas, which style sheets do not reach.
  function coloured() {
    const style = getComputedStyle(root), colour = name => style.getPropertyValue(name).trim();
    const text = colour("--text"), soft = colour("--soft"), line = colour("--line");
    for (const {plot, parts} of figures) {
      plot.setv({outline_line_color: line});
      for (const axis of [...plot.below, ...plot.left]) {
        axis.setv({
          axis_label_text_color: text, major_label_text_color: soft, axis_line_color: soft,
          major_tick_line_color: soft, minor_tick_line_color: line,
        });
      }
      for (const grid of plot.center) grid.setv({grid_line_color: line});
      parts.forEach((part, which) => {
        const own = colour("--c" + which % colour("--colours"));
        part.mark.glyph.setv({line_color: own, fill_color: own});
        if (part.line) part.line.glyph.setv({line_color: own});
        if (part.band) part.band.glyph.setv({fill_color: own});
      });
    }
  }

  const dark = window.matchMedia("(prefers-color-scheme: dark)");
  const switched = document.getElementById("theme");
  function theme(isDark) {
    root.classList.toggle("dark", isDark);
    switched.textContent = isDark ? "Light" : "Dark";
    switched.setAttribute("aria-label", isDark ? "Use light colours" : "Use dark colours");
    coloured();
  }
  let chosen = false;
  switched.addEventListener("click", () => { chosen = true; theme(!root.classList.contains("dark")); });
  dark.addEventListener("change", () => { if (!chosen) theme(dark.matches); });
  theme(dark.matches);

  document.getElementById("legend").addEventListener("click", event => {
    const key = event.target.closest(".key"), all = event.target.closest("[data-all]");
    if (key) key.setAttribute("aria-pressed", key.getAttribute("aria-pressed") !== "true");
    if (all) document.querySelectorAll(".key").forEach(one => one.setAttribute("aria-pressed", all.dataset.all === "true"));
    if (key || all) toggled();
  });

  unpacked(document.getElementById("shown").textContent).then(charts => charts.forEach(chart => {
    Bokeh.embed.embed_item(chart.item, document.getElementById(chart.key)).then(views => {
      const plot = Array.from(views)[0].model, parts = [];
      for (const one of plot.renderers) {
        const [number, kind] = one.tags;
        (parts[number] = parts[number] || {})[kind] = one;
      }
      const figure = {chart, plot, parts};
      figures.push(figure);
      const choice = document.querySelector(`select[data-chart="${chart.key}"]`);
      if (choice) choice.addEventListener("change", () => show(figure, Number(choice.value)));
      show(figure, choice ? Number(choice.value) : 0);
      toggled();
      coloured();
    });
  }));
})();
