// Shows how many tickets are left while they are bought. The page works without: a reload shows the same.
const place = document.querySelector("[data-live]");
const notice = document.querySelector("[data-changed]");
if (place && "EventSource" in window) {
  let source;
  const close = () => {
    source?.close();
    source = undefined;
  };
  const open = () => {
    if (source) return;
    // The browser connects again by itself, unless the server refuses.
    source = new EventSource(place.dataset.live);
    source.addEventListener("message", (event) => {
      const state = JSON.parse(event.data);
      if (place.textContent !== state.text) place.textContent = state.text;
      // The form may not fit any more. What the person has chosen stays until they reload.
      if (notice) notice.hidden = !state.isChanged;
    });
  };
  // A page that nobody sees holds no connection.
  document.addEventListener("visibilitychange", () => (document.hidden ? close() : open()));
  window.addEventListener("pagehide", close);
  window.addEventListener("pageshow", () => document.hidden || open());
  if (!document.hidden) open();
}
