import { canonical, parse } from './door-codes.js';
import { openOffline } from './door-offline.js';
import { vibrate } from './door-vibration.js';

// The page of a door. The token comes with the fragment of the address, and stays in this tab.
const root = document.querySelector('[data-door]');
const find = (name) => root.querySelector(`[data-${name}]`);
const STORAGE = 'door';
const REFRESH = 5000;
const TIMEOUT = 15000;
// Where the door goes on without an answer.
const SHORT_TIMEOUT = 5000;
const UNDO_WINDOW = 600000;
// How long a door with a network waits for its store.
const STORE_TIMEOUT = 1000;
// For its store to be opened.
const OPEN_TIMEOUT = 5000;

const keep = () => {
  const given = location.hash.slice(1);
  if (!/^[0-9a-f-]{36}\.[\w-]+$/i.test(given)) return;
  sessionStorage.setItem(STORAGE, given);
  // Neither the history nor a photo of the screen has the token.
  history.replaceState(null, '', location.pathname + location.search);
};

keep();
const [listing, token] = (sessionStorage.getItem(STORAGE) ?? '').split('.');
const path = `/api/v1/tickets/${listing}`;
let zone = 'UTC';
// Codes, one after the other. Nothing else waits here, so that no code waits for a refresh.
let queue = Promise.resolve();
// Whether the last request had an answer.
let isOnline = true;
let answeredAt = 0;
let isClosed = false;
// Absent where the browser stores nothing.
let offline;
// What was counted last.
let counts = { waiting: 0, refused: 0 };
// Scans that had no answer, by their codes: the id and the first text, with which a request is the same when it is repeated.
const unanswered = new Map();

// Returns what the store returns soon; undefined if it fails. With a network the door goes on without it.
const soon = (work, timeout = STORE_TIMEOUT) =>
  Promise.race([work, new Promise((resolve) => setTimeout(resolve, timeout))]).catch(() => undefined);

const call = async (target, options = {}) => {
  const begunAt = performance.now();
  try {
    const response = await fetch(target, {
      ...options,
      credentials: 'omit',
      cache: 'no-store',
      signal: AbortSignal.timeout(offline?.isReady() ? SHORT_TIMEOUT : TIMEOUT),
      headers: { ...options.headers, Authorization: `Bearer ${token}` },
    });
    if (response.status >= 500) throw new Error(response.status);
    isOnline = true;
    answeredAt = performance.now();
    return response;
  } catch (error) {
    // Unless another request had an answer meanwhile.
    if (answeredAt < begunAt) isOnline = false;
    throw error;
  }
};

const dateTime = (at) =>
  new Intl.DateTimeFormat(document.documentElement.lang === 'en' ? 'en-GB' : document.documentElement.lang, {
    dateStyle: 'medium',
    timeStyle: 'short',
    timeZone: zone,
  }).format(new Date(at));

const whichTicket = ({ number, of }) => root.dataset.ticket.replace('{number}', number).replace('{of}', of);
const who = (item) => [item.holder, whichTicket(item)].filter(Boolean).join(' · ');

const answer = (kind, detail) => {
  const template = root.querySelector(`template[data-kind="${kind}"]`) ?? root.querySelector('template[data-kind="offline"]');
  const shown = template.content.cloneNode(true);
  if (detail) {
    const line = shown.querySelector('[data-detail]');
    line.textContent = detail;
    line.hidden = false;
  }
  find('answer').replaceChildren(shown);
  vibrate(find('answer').firstElementChild);
};

const withCount = (template, count) => template.replace('{count}', count.toLocaleString(document.documentElement.lang));

// Shows whether the door has a network or can do without, and how many check-ins are to be uploaded.
const showConnection = async () => {
  const line = find('connection');
  counts = (await soon(offline?.count())) ?? counts;
  const { waiting, refused } = counts;
  let text = withCount(isOnline ? line.dataset.waiting : line.dataset.offline, waiting);
  if (isOnline && waiting === 0) text = offline?.isReady() ? line.dataset.ready : '';
  if (isOnline && offline?.isUnable()) text = line.dataset.unable;
  if (waiting > 0 && !isClosed) text = `${text} ${line.dataset.keepOpen}`;
  if (refused > 0) text = `${text} ${withCount(line.dataset.refused, refused)}`.trim();
  // A text that stays is not read aloud again.
  if (line.textContent !== text) line.textContent = text;
  line.hidden = text === '';
};

// Returns when and where a code was used.
const useOf = ({ usedAt, door }) => `${dateTime(usedAt)} · ${door ?? root.dataset.seller}`;

const close = async () => {
  await showConnection();
  answer('closed', counts.waiting > 0 ? withCount(root.dataset.closedWaiting, counts.waiting) : undefined);
  // Once: another tab may have an open door of the same listing.
  const wasClosed = isClosed;
  isClosed = true;
  if (!wasClosed) await soon(offline?.forget());
};

const refuse = async (response) => {
  const problem = await response.json().catch(() => ({}));
  const type = (problem.type ?? '').split(':').pop();
  if (response.status === 401) await close();
  else if (response.status === 422) answer('malformed');
  else if (response.status === 429) answer('too-many');
  else answer(type, type === 'already-admitted' ? useOf(problem) : undefined);
};

const reason = (kind) => root.querySelector(`template[data-kind="${kind}"]`)?.content.querySelector('.verdict__heading').textContent;
const where = (at, door) => `${dateTime(at)} · ${door ?? root.dataset.seller}`;

// People who were let in without the network although their tickets were used or void.
const showConflicts = (conflicts) => {
  find('conflicts').hidden = conflicts.length === 0;
  find('conflict-list').replaceChildren(
    ...conflicts.map((item) => {
      const row = find('conflict').content.cloneNode(true);
      row.querySelector('[data-who]').textContent = who(item);
      row.querySelector('[data-when]').textContent = where(item.scannedAt, item.door);
      const first = item.usedAt ? `: ${where(item.usedAt, item.usedDoor)}` : '';
      row.querySelector('[data-reason]').textContent = `${reason(item.reason)}${first}`;
      return row;
    }),
  );
};

const show = (state) => {
  const open = state.issued - state.admitted - state.void;
  for (const [name, number] of Object.entries({ admitted: state.admitted, open, void: state.void })) {
    root.querySelector(`[data-count="${name}"]`).textContent = number.toLocaleString(document.documentElement.lang);
  }
  find('nobody').hidden = state.items.length > 0;
  showConflicts(state.conflicts ?? []);
  const list = find('recent');
  if (list.contains(document.activeElement)) return;
  list.replaceChildren(
    ...state.items.map((item) => {
      const row = find('row').content.cloneNode(true);
      row.querySelector('[data-who]').textContent = who(item);
      row.querySelector('[data-when]').textContent = `${dateTime(item.usedAt)} · ${item.door ?? root.dataset.seller}`;
      row.querySelector('[data-void]').hidden = !item.isVoid;
      const undo = row.querySelector('[data-undo]');
      undo.querySelector('[data-whose]').textContent = ` ${who(item)}`;
      if (item.isVoid || Date.now() - Date.parse(item.usedAt) > UNDO_WINDOW) undo.remove();
      else undo.addEventListener('click', () => enqueue(() => takeBack(item, undo)));
      return row;
    }),
  );
};

const refreshOnce = async () => {
  await offline?.upload().catch(() => {});
  const response = await call(`${path}/check-ins?limit=20`);
  if (response.ok) {
    isClosed = false;
    show(await response.json());
    await offline?.update().catch(() => {});
  } else if (response.status === 401 && !isClosed) {
    await close();
  }
};

let isRefreshing = false;
let isStale = false;

// Refreshes the page: one refresh at a time, and one more if something has changed since it began. What fails is tried again later.
const refresh = async () => {
  isStale = true;
  if (isRefreshing) return;
  isRefreshing = true;
  try {
    while (isStale) {
      isStale = false;
      await refreshOnce().catch(() => {});
      await showConnection();
    }
  } finally {
    isRefreshing = false;
  }
};

const checkInOnline = async (code, { id, text }) => {
  const options = { method: 'POST', body: JSON.stringify({ code: text }), headers: { 'Content-Type': 'application/json', 'Idempotency-Key': id } };
  const attempt = () => call(`${path}/check-ins`, options);
  // A lost response is requested once more, under the same key. A door that can go on without it does.
  const response = await attempt().catch((error) => (offline?.isReady() ? Promise.reject(error) : attempt()));
  if (!response.ok) {
    await refuse(response);
    if (response.status !== 429) unanswered.delete(canonical(code));
    return;
  }
  const admitted = await response.json();
  answer('admitted', who(admitted));
  unanswered.delete(canonical(code));
  await soon(offline?.use(code, admitted));
};

const checkInOffline = async (code, id) => {
  const verdict = await offline.admit(code, id);
  // After another answer the code is tried again, as the same scan.
  if (!['offline', 'offline-typed'].includes(verdict.kind)) unanswered.delete(canonical(code));
  const at = verdict.usedAt && dateTime(verdict.usedAt);
  answer(verdict.kind, at && `${at} · ${verdict.isHere ? root.dataset.here : (verdict.door ?? root.dataset.seller)}`);
};

const checkIn = async (code) => {
  // The same id with and without the network, and until there is an answer: if only the response was lost, it is the same scan.
  const scan = unanswered.get(canonical(code)) ?? { id: crypto.randomUUID(), text: code };
  unanswered.set(canonical(code), scan);
  const pending = await soon(offline?.pending(code));
  if (pending && pending.id !== scan.id) {
    unanswered.delete(canonical(code));
    answer('already-admitted', `${dateTime(pending.scannedAt)} · ${root.dataset.here}`);
    return;
  }
  if (isOnline || !offline?.isReady()) {
    try {
      await checkInOnline(code, scan);
      refresh();
      return;
    } catch (error) {
      if (!offline?.isReady()) throw error;
    }
  }
  await checkInOffline(code, scan.id);
  await showConnection();
};

const takeBack = async (item, button) => {
  // The next scan of this ticket is another one. Which ticket a typed code belongs to is not known.
  for (const [key, { text }] of unanswered) {
    if ([item.admissionId, undefined].includes(parse(text)?.admissionId)) unanswered.delete(key);
  }
  const response = await call(`${path}/check-ins/${item.admissionId}`, { method: 'DELETE' });
  if (response.ok) answer('undone', who(item));
  else await refuse(response);
  button.blur();
  refresh();
};

const enqueue = (work) => {
  queue = queue.then(work).catch(() => {
    answer('offline');
    return showConnection();
  });
};

// What is known from an earlier visit.
const open = async () => {
  const opened = await openOffline(listing, path, call);
  offline = opened;
  zone = offline.zone ?? zone;
  find('title').textContent ||= offline.title ?? '';
};

// What the service has.
const load = async () => {
  const signal = AbortSignal.timeout(offline?.isReady() ? SHORT_TIMEOUT : TIMEOUT);
  const response = await fetch(path, { credentials: 'omit', signal });
  if (!response.ok) return;
  const event = await response.json();
  zone = event.timeZone ?? 'UTC';
  find('title').textContent = event.title;
};

const begin = () => {
  find('work').hidden = false;
  navigator.serviceWorker?.register('/door-worker.js', { scope: '/door' }).catch(() => {});
  // Else the browser may remove scans when it needs space.
  navigator.storage?.persist?.().catch(() => {});
  queue = soon(open(), OPEN_TIMEOUT);
  queue.then(async () => {
    refresh();
    await load().catch(() => {
      // A door that is ready goes on without the network; only one that is not says so.
      if (!offline?.isReady() && !find('answer').hasChildNodes()) answer('offline');
    });
  });
  root.querySelector('[data-check-in]').addEventListener('submit', (event) => {
    event.preventDefault();
    const field = event.target.elements.code;
    const code = field.value.trim();
    field.value = '';
    field.focus();
    if (code) enqueue(() => checkIn(code));
  });
  document.addEventListener('scanned', (event) => enqueue(() => checkIn(event.detail)));
  setInterval(() => {
    if (!document.hidden && !isRefreshing) refresh();
  }, REFRESH);
  addEventListener('beforeunload', warn);
};

const warn = (event) => {
  if (counts.waiting > 0) event.preventDefault();
};

// A new link, by which this device uploads what it has.
addEventListener('hashchange', () => {
  removeEventListener('beforeunload', warn);
  location.reload();
});
if (token) begin();
else find('no-token').hidden = false;
