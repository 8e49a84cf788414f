// Check-in of the seller without loading the page anew: the camera stays on, and the numbers stay current.
import { canonical } from './door-codes.js';
import { vibrate } from './door-vibration.js';

const form = document.querySelector('[data-check-in]');
const REFRESH = 10000;
const TIMEOUT = 15000;
let queue = Promise.resolve();
// The forms that had no answer, by their codes.
const unanswered = new Map();
let sends = 0;
let isPolling = false;

const replace = (page, ids) => {
  for (const id of ids) document.getElementById(id).replaceChildren(...page.getElementById(id).childNodes);
};

const request = async (path, options) => {
  const response = await fetch(path, { ...options, signal: AbortSignal.timeout(TIMEOUT) });
  // No answer to the code: it may have admitted.
  if (response.status >= 500) throw new Error(response.status);
  return new DOMParser().parseFromString(await response.text(), 'text/html');
};

const showOffline = () => {
  const answer = document.getElementById('answer');
  const verdict = document.createElement('div');
  verdict.className = 'verdict verdict--warn';
  for (const [className, text] of [['verdict__heading', answer.dataset.offline], ['', answer.dataset.offlineText]]) {
    const line = document.createElement('p');
    line.className = className;
    line.textContent = text;
    verdict.append(line);
  }
  answer.replaceChildren(verdict);
  vibrate(verdict);
};

const send = async (sent, body) => {
  const code = body.get('code');
  try {
    const page = await request(sent.action, { method: 'POST', body });
    if (!page.getElementById('answer')) {
      // Another page, such as the one to sign in: shown as the browser shows it.
      location.assign(form.action);
      return;
    }
    sends += 1;
    replace(page, ['answer', 'counts', 'conflicts', 'recent']);
    const verdict = document.querySelector('#answer .verdict');
    if (verdict) vibrate(verdict);
    if (code !== null) unanswered.delete(canonical(code));
    form.elements.key.value = page.querySelector('[data-check-in]').elements.key.value;
  } catch {
    // The same form is sent again for this code, also if another text has it: it has the answer of this request.
    if (code !== null) unanswered.set(canonical(code), body);
    showOffline();
  }
};

const enqueue = (sent, code) => {
  queue = queue.then(() => {
    const body = new URLSearchParams(new FormData(sent));
    if (code === undefined) return send(sent, body);
    body.set('code', code);
    return send(sent, unanswered.get(canonical(code)) ?? body);
  });
  return queue;
};

document.addEventListener('submit', (event) => {
  const sent = event.target;
  if (sent !== form && !('undo' in sent.dataset)) return;
  event.preventDefault();
  if (sent === form) {
    enqueue(form, form.elements.code.value);
    form.elements.code.value = '';
    form.elements.code.focus();
  } else {
    enqueue(sent);
  }
});

document.addEventListener('scanned', (event) => enqueue(form, event.detail));

// Beside the queue: no code waits for it.
setInterval(async () => {
  if (document.hidden || isPolling) return;
  isPolling = true;
  const before = sends;
  const page = await request(form.action).catch(() => null);
  isPolling = false;
  // What came with an answer meanwhile is newer.
  if (before !== sends || !page?.getElementById('counts')) return;
  // Not while somebody uses a button of the list.
  const isUsed = document.getElementById('recent').contains(document.activeElement);
  replace(page, isUsed ? ['counts'] : ['counts', 'conflicts', 'recent']);
}, REFRESH);
