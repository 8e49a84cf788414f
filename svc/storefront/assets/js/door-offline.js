// A door without the network: what it learns while it has one, whom it admits without, and what it uploads afterwards.
import { hashOf, importKey, isGenuine, parse } from './door-codes.js';
import { openStore } from './door-store.js';

const UPLOAD = 200;
const WEEK = 604800000;

// Returns the offline part of a door; `call` sends requests with its token, and throws without an answer.
export const openOffline = async (listing, path, call) => {
  const store = await openStore(listing);
  let key;
  // A key that this browser cannot use.
  let isUnable = false;

  const loadKey = async (text) => {
    key ??= await importKey(text).catch(() => {
      isUnable = true;
    });
  };

  const stored = await store.listing();
  if (stored) await loadKey(stored.publicKey);
  // Who was admitted online since the last update began. It may not have them.
  const used = new Map();

  // Gets what has changed. The first time, and where the service refuses the cursor, that is everything.
  const update = async () => {
    used.clear();
    const items = [];
    const since = (await store.listing())?.cursor ?? null;
    let next = since;
    let isAll = next === null;
    for (;;) {
      const query = next ? `?cursor=${encodeURIComponent(next)}` : '';
      const response = await call(`${path}/check-ins/offline${query}`);
      if (response.status === 400 && next) {
        items.length = 0;
        next = null;
        isAll = true;
        continue;
      }
      if (!response.ok) return;
      const page = await response.json();
      items.push(...page.items);
      next = page.changesCursor;
      if (page.nextCursor) continue;
      await loadKey(page.publicKey);
      // The next update gets again what was passed over here.
      const others = items.filter((item) => !used.has(item.admissionId));
      const cursor = others.length === items.length ? next : since;
      // All at once: with a part of it, a door would admit what is used.
      await store.change({ ...page, items: [...others, ...used.values()] }, { since, cursor, isAll });
      return;
    }
  };

  // Returns the time of the service, as far as it is known. A scan is uploaded within a week, and not of the future.
  const time = (ahead = 0) => new Date(Date.now() - ahead).toISOString();
  const plausible = (at, ahead = 0) => {
    const now = Date.now() - ahead;
    return new Date(Math.min(Math.max(Date.parse(at), now - WEEK + 60000), now)).toISOString();
  };

  // Uploads some scans, and returns whether others can follow.
  const send = async (scans, ahead) => {
    const body = scans.map(({ id, code, scannedAt }) => ({ id, code, scannedAt: plausible(scannedAt, ahead) }));
    const response = await call(`${path}/check-ins/uploads`, {
      method: 'POST',
      body: JSON.stringify({ scans: body }),
      headers: { 'Content-Type': 'application/json' },
    });
    if (response.status === 422) return sendEach(scans, ahead, response);
    if (!response.ok) return false;
    const { items } = await response.json();
    for (const [index, scan] of scans.entries()) await store.uploaded(scan, items[index]);
    return true;
  };

  // The service refuses all scans of an upload for one of them. Each is sent alone, so that it stops no other one.
  const sendEach = async (scans, ahead, refusal) => {
    if (scans.length > 1) {
      for (const scan of scans) if (!(await send([scan], ahead))) return false;
      return true;
    }
    const problem = await refusal.json().catch(() => undefined);
    // The clock of a device can be set right between an update and an upload: another try has another time.
    const isTime = problem?.errors?.some(({ field }) => field.endsWith('scannedAt'));
    if (problem && !isTime) await store.setAside(scans[0]);
    return true;
  };

  // Uploads the scans, in the order in which they were made.
  const upload = async () => {
    const [all, state] = [await store.scans(), await store.listing()];
    const scans = all.filter((scan) => !scan.isRefused);
    scans.sort((one, other) => one.scannedAt.localeCompare(other.scannedAt));
    for (let begin = 0; begin < scans.length; begin += UPLOAD) {
      if (!(await send(scans.slice(begin, begin + UPLOAD), state?.ahead))) return;
    }
  };

  // Returns how this device has admitted with a code that is not uploaded yet.
  const pending = async (text) => {
    const code = parse(text);
    if (!code) return undefined;
    if (code.admissionId) return store.scan(code.admissionId);
    const hash = await hashOf(code);
    return (await store.scans()).find((scan) => scan.codeHash === hash);
  };

  // Decides without the network. `id` names the scan.
  const admit = async (text, id) => {
    const [code, state] = [parse(text), await store.listing()];
    if (!code) return { kind: 'malformed' };
    if (!state || !key) return { kind: 'offline' };
    if (!code.signature) return { kind: 'offline-typed' };
    if (!(await isGenuine(key, code))) return { kind: 'unknown-code' };
    if (code.listing !== listing) return { kind: 'other-listing' };
    const { admissionId } = code;
    const [codeHash, known] = [await hashOf(code), await store.admission(admissionId)];
    if (known && known.codeHash !== codeHash) return { kind: 'admission-replaced' };
    if (state.isWithdrawn) return { kind: 'ticket-withdrawn' };
    if (known?.state === 'void') {
      return { kind: known.voidReason === 'dispute' ? 'admission-disputed' : 'admission-refunded' };
    }
    if (known?.state === 'used') return { kind: 'already-admitted', usedAt: known.usedAt, door: known.door };
    try {
      await store.add({ admissionId, id, code: text.trim(), codeHash, scannedAt: time(state.ahead) });
    } catch (error) {
      const scan = await store.scan(admissionId);
      if (!scan) throw error;
      // The same scan, whose answer was lost in the browser.
      if (scan.id === id) return { kind: 'admitted-offline' };
      return { kind: 'already-admitted', usedAt: scan.scannedAt, isHere: true };
    }
    return { kind: 'admitted-offline' };
  };

  return {
    update,
    upload,
    pending,
    admit,
    title: stored?.title,
    zone: stored?.timeZone,
    isReady: () => key !== undefined,
    isUnable: () => isUnable,
    // How many scans are to be uploaded, and how many the service does not accept.
    count: async () => {
      const scans = await store.scans();
      const refused = scans.filter((scan) => scan.isRefused).length;
      return { waiting: scans.length - refused, refused };
    },
    use: async (text, { admissionId, usedAt, door }) => {
      const code = parse(text);
      if (!code) return;
      const item = { admissionId, state: 'used', codeHash: await hashOf(code), usedAt, door };
      used.set(admissionId, item);
      await store.use(item);
    },
    forget: async () => {
      key = undefined;
      await store.forget();
    },
  };
};
