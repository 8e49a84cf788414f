// Keeps the page of a door for when there is no network: this page and what it loads, and nothing else of the site.
const PAGE = '/door';
const ASSETS = [
  './style.css',
  './icon.svg',
  './door.js',
  './door-offline.js',
  './door-codes.js',
  './door-store.js',
  './door-vibration.js',
  './scanner.js',
].map((name) => `/assets${name.slice(1)}`);
// Those that the page names; the others are loaded by these.
const OF_PAGE = ASSETS.filter((asset) => !asset.startsWith('/assets/door-'));
// For browsers that find no QR codes by themselves.
const READER = `/assets${'./jsqr.js'.slice(1)}`;
const PREFIX = 'door ';
const CACHE = PREFIX + ASSETS.join(' ');
const NETWORK_TIMEOUT = 4000;

const keep = async () => {
  const formats = 'BarcodeDetector' in self ? await BarcodeDetector.getSupportedFormats().catch(() => []) : [];
  const cache = await caches.open(CACHE);
  await cache.addAll([PAGE, ...ASSETS, ...(formats.includes('qr_code') ? [] : [READER])]);
  await self.skipWaiting();
};

const clear = async () => {
  const names = (await caches.keys()).filter((name) => name.startsWith(PREFIX) && name !== CACHE);
  await Promise.all(names.map((name) => caches.delete(name)));
};

const timeout = () =>
  new Promise((_, reject) => {
    setTimeout(() => reject(new Error('timeout')), NETWORK_TIMEOUT);
  });

// All of it: a network can lose the rest of a response that has begun.
const load = async (request) => {
  const response = await fetch(request);
  return [response, await response.clone().text()];
};

// The page of the network, unless there is none. It is kept if it belongs to the assets that are kept.
const showPage = async (request) => {
  const cache = await caches.open(CACHE);
  try {
    const [response, text] = await Promise.race([load(request), timeout()]);
    if (response.ok && OF_PAGE.every((asset) => text.includes(asset))) await cache.put(PAGE, response.clone());
    if (response.status < 500) return response;
  } catch {
    // As without a network.
  }
  return (await cache.match(PAGE)) ?? Response.error();
};

const showAsset = async (request) => {
  const cache = await caches.open(CACHE);
  return (await cache.match(request)) ?? fetch(request);
};

addEventListener('install', (event) => event.waitUntil(keep()));
addEventListener('activate', (event) => event.waitUntil(clear()));
addEventListener('fetch', (event) => {
  const { request } = event;
  const url = new URL(request.url);
  if (request.method !== 'GET' || url.origin !== location.origin) return;
  if (request.mode === 'navigate' && url.pathname === PAGE) event.respondWith(showPage(request));
  else if ([...ASSETS, READER].includes(url.pathname)) event.respondWith(showAsset(request));
});
