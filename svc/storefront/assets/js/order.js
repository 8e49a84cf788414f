// The page of an order: counts down to its deadline, and follows what the services decide.

const page = document.querySelector('[data-order]');

/** The pauses between two checks in milliseconds: while the services work, and while the buyer has to act. */
const WAITING = [700, 1000, 1500, 2000, 3000];
const IDLE = 10_000;

/** The time in milliseconds after which a page that waits for a card's result stops believing the browser. */
const HINT_LIFETIME = 60_000;

const opened = performance.now();
let checks = 0;
let releases = 0;
let timer;

/** Whether a card is being confirmed: then the script of the card decides when to leave the page. */
const isHeld = () => 'held' in page.dataset;

/** Requests the state of the order, and shows its page anew if it is another one. */
const check = async () => {
  clearTimeout(timer);
  if (document.hidden) return;
  const before = releases;
  // What was requested while a card was confirmed may be the state in between.
  const mayReload = () => !isHeld() && before === releases;
  try {
    const response = await fetch(page.dataset.state, { headers: { accept: 'application/json' }, redirect: 'manual', cache: 'no-store' });
    if (response.type === 'opaqueredirect') {
      if (mayReload()) location.reload();
      else schedule();
      return;
    }
    if (response.ok) {
      const state = await response.json();
      setDeadline(state.deadline, state.now);
      if (state.revision !== page.dataset.revision && mayReload()) {
        reload();
        return;
      }
    }
  } catch {
    // Without a connection the page stays as it is; the next check may have one.
  }
  if ('hint' in page.dataset && performance.now() - opened > HINT_LIFETIME) {
    location.replace(location.pathname);
    return;
  }
  schedule();
};

/** Shows the page anew. A page that came from a form is requested under the address of the order. */
const reload = () => {
  if (location.pathname === page.dataset.path && !location.search) location.reload();
  else location.replace(page.dataset.path);
};

const schedule = () => {
  clearTimeout(timer);
  const isWaiting = 'waiting' in page.dataset;
  timer = setTimeout(check, isWaiting ? WAITING[Math.min(checks, WAITING.length - 1)] : IDLE);
  checks += 1;
};

/** The end of the order by the clock of this device, from what the server has said about its own. */
let deadline = null;
let isOver = false;
const announced = new Set();

const setDeadline = (at, now) => {
  if (at === null || at === undefined) return;
  const next = performance.now() + (at - now);
  // A moved deadline is announced again; the same one differs by the time that the request took.
  if (deadline !== null && next - deadline > 5000) announced.clear();
  deadline = next;
  if (isOver && deadline > performance.now()) {
    isOver = false;
    delete page.dataset.waiting;
    setEnabled(true);
    tick();
  }
};

const clock = document.querySelector('[data-deadline]');

const announce = (key) => {
  if (announced.has(key)) return;
  announced.add(key);
  document.querySelector('[data-announcement]').textContent = clock.dataset[key];
};

const setEnabled = (isEnabled) => {
  for (const control of document.querySelectorAll('[data-until-deadline]')) control.disabled = !isEnabled;
};

const tick = () => {
  const left = Math.max(0, Math.ceil((deadline - performance.now()) / 1000));
  const shown = `${Math.floor(left / 60)}:${String(left % 60).padStart(2, '0')}`;
  clock.querySelector('[data-remaining]').textContent = shown;
  clock.querySelector('[data-remaining]').classList.toggle('countdown--ending', left <= 60);
  if (left === 0) {
    announce('over');
    isOver = true;
    setEnabled(false);
    page.dataset.waiting = '';
    checks = 0;
    schedule();
    return;
  }
  // A screen reader hears the time three times, not every second.
  if (left <= 60) announce('one');
  else if (left <= 300) announce('five');
  // The next change of the shown second.
  setTimeout(tick, (deadline - performance.now()) % 1000 || 1000);
};

if (page) {
  if (clock) {
    setDeadline(Number(clock.dataset.deadline), Number(clock.dataset.now));
    tick();
  }
  if ('live' in page.dataset) {
    schedule();
    // After a refused card, the next check waits, so that the state in between does not replace the reason.
    page.addEventListener('released', () => {
      releases += 1;
      schedule();
    });
  }
  document.addEventListener('visibilitychange', () => {
    if (!document.hidden && 'live' in page.dataset) check();
  });
  // The back button shows a page as it was left.
  addEventListener('pageshow', (event) => {
    if (event.persisted) check();
  });
}
