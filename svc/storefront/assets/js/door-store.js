// What a door keeps on the device (IndexedDB): the listing, its admissions that have changed, scans that are not uploaded yet.
const NAME = 'door';
// Of a transaction. Browsers can leave one without an end.
const TIMEOUT = 10000;
// Of one with all admissions of a listing.
const LONG_TIMEOUT = 60000;

const result = (request) =>
  new Promise((resolve, reject) => {
    request.onsuccess = () => resolve(request.result);
    request.onerror = () => reject(request.error);
  });

const committed = (transaction) =>
  new Promise((resolve, reject) => {
    transaction.oncomplete = () => resolve();
    transaction.onabort = () => reject(transaction.error);
  });

const limited = (work, timeout) => {
  let timer;
  const expired = new Promise((_, reject) => {
    timer = setTimeout(() => reject(new DOMException('The store does not respond', 'TimeoutError')), timeout);
  });
  return Promise.race([work, expired]).finally(() => clearTimeout(timer));
};

const open = async () => {
  const request = indexedDB.open(NAME, 1);
  request.onupgradeneeded = () => {
    request.result.createObjectStore('listing', { keyPath: 'id' });
    // One for each admission: a second scan of it is refused.
    for (const name of ['admission', 'scan']) {
      request.result.createObjectStore(name, { keyPath: ['listing', 'admissionId'] });
    }
  };
  return limited(result(request), TIMEOUT);
};

const all = (listing) => IDBKeyRange.bound([listing], [listing, []]);

// Opens the store of a listing.
export const openStore = async (listing) => {
  let opened = open();
  await opened;

  // Browsers close the connection of a page in the background: what fails is tried once more, with another connection.
  const run = async (work, timeout = TIMEOUT) => {
    const used = opened;
    try {
      const database = await used;
      return await limited(work(database), timeout);
    } catch (error) {
      if (error?.name === 'ConstraintError') throw error;
      if (opened === used) {
        opened = open();
        opened.catch(() => {});
        used.then((database) => database.close()).catch(() => {});
      }
      if (error?.name === 'TimeoutError') throw error;
      const database = await opened;
      return limited(work(database), timeout);
    }
  };
  const read = (name, request) => run(async (database) => result(request(database.transaction(name).objectStore(name))));
  const write = (names, change, timeout) =>
    run(async (database) => {
      const transaction = database.transaction(names, 'readwrite', { durability: 'strict' });
      change((name) => transaction.objectStore(name));
      await committed(transaction);
    }, timeout);

  return {
    listing: () => read('listing', (store) => store.get(listing)),
    admission: (id) => read('admission', (store) => store.get([listing, id])),
    scan: (id) => read('scan', (store) => store.get([listing, id])),
    scans: () => read('scan', (store) => store.getAll(all(listing))),

    // Stores what has changed since the cursor `since`, or everything, and the cursor that follows. Nothing if another tab has
    // changed the store meanwhile: what is stored and the cursor belong together.
    change: (page, { since, cursor, isAll }) =>
      write(
        ['listing', 'admission'],
        (store) => {
          store('listing').get(listing).onsuccess = ({ target }) => {
            if ((target.result?.cursor ?? null) !== since) return;
            if (isAll) store('admission').delete(all(listing));
            for (const item of page.items) store('admission').put({ listing, ...item });
            const { title, timeZone, isWithdrawn, publicKey } = page;
            const ahead = Date.now() - Date.parse(page.now);
            store('listing').put({ id: listing, title, timeZone, isWithdrawn, publicKey, ahead, cursor });
          };
        },
        LONG_TIMEOUT,
      ),

    // Stores that somebody was admitted online.
    use: (item) => write(['admission'], (store) => store('admission').put({ listing, ...item })),

    // Stores a scan; fails if the admission has one.
    add: (scan) => write(['scan'], (store) => store('scan').add({ listing, ...scan })),

    // Removes a scan that was uploaded. Its admission is used if the service has it so.
    uploaded: ({ admissionId, codeHash, scannedAt }, { result: outcome, usedAt, door }) =>
      write(['admission', 'scan'], (store) => {
        if (outcome === 'admitted' || outcome === 'duplicate') {
          const use = { usedAt: usedAt ?? scannedAt, door: door ?? null };
          store('admission').put({ listing, admissionId, state: 'used', codeHash, ...use });
        }
        store('scan').delete([listing, admissionId]);
      }),

    // Keeps a scan that the service does not accept, and that is not uploaded again.
    setAside: (scan) => write(['scan'], (store) => store('scan').put({ ...scan, isRefused: true })),

    // Forgets the listing. Scans stay: another link of this listing uploads them.
    forget: () =>
      write(['listing', 'admission'], (store) => {
        store('listing').delete(listing);
        store('admission').delete(all(listing));
      }),
  };
};
