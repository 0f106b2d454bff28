// Keeps the page up to date: when something changed it is fetched again, and what is open
// or in use stays as it is; nothing moves under a hand that is about to decide.
"use strict";
(function () {
  const main = document.getElementById("content");
  if (!main || !window.EventSource || !main.dataset.version) return;
  let busy = false, again = false;
  async function refresh() {
    if (busy) { again = true; return; }
    const field = document.activeElement;
    if (field && main.contains(field) && /^(INPUT|SELECT|TEXTAREA)$/.test(field.tagName)) { again = true; return; }
    if (main.querySelector("form.decide:hover, form.decide:focus-within")) { again = true; return; }
    busy = true;
    again = false;
    try {
      const answer = await fetch(location.href, { headers: { Accept: "text/html" }, credentials: "same-origin" });
      if (answer.redirected && new URL(answer.url).pathname === "/login") { location.reload(); return; }
      if (!answer.ok) return;
      const page = new DOMParser().parseFromString(await answer.text(), "text/html");
      const fresh = page.getElementById("content");
      if (!fresh) return;
      const open = new Set([...main.querySelectorAll("details[open][id]")].map((d) => d.id));
      const focus = document.activeElement && document.activeElement.id;
      for (const d of fresh.querySelectorAll("details[id]")) if (open.has(d.id)) d.open = true;
      main.replaceChildren(...fresh.childNodes);
      for (const part of ["header nav", "footer"]) {
        const old = document.querySelector(part), now = page.querySelector(part);
        if (old && now) old.replaceWith(now);
      }
      if (focus) { const at = document.getElementById(focus); if (at) at.focus(); }
    } finally {
      busy = false;
      if (again) refresh();
    }
  }
  const stream = new EventSource("/events?of=" + encodeURIComponent(main.dataset.version));
  stream.addEventListener("changed", refresh);
  document.addEventListener("pointerout", () => { if (again) setTimeout(refresh, 50); });
  document.addEventListener("focusout", () => { if (again) setTimeout(refresh, 50); });
})();
