// What a Node team would write for the same work: Express 5, better-sqlite3 (WAL, synchronous=FULL), zod, JWT,
// a transactional outbox and a relay that publishes to RabbitMQ with publisher confirms. One file on purpose.
// Env: PORT, DB, AMQP_URL, PREFIX (of its names in the broker), WORKERS, QUEUE_TYPE (quorum|classic).
import cluster from 'node:cluster';
import { randomBytes, scrypt, timingSafeEqual } from 'node:crypto';
import { promisify } from 'node:util';
import express from 'express';
import Database from 'better-sqlite3';
import jwt from 'jsonwebtoken';
import { z } from 'zod';
import amqp from 'amqplib';

const PORT = Number(process.env.PORT ?? 8346);
const DB = process.env.DB ?? 'peer.sqlite';
const WORKERS = Number(process.env.WORKERS ?? 2);
const SECRET = process.env.JWT_KEY ?? 'peer-bench-key';
const PREFIX = process.env.PREFIX ?? 'peer';
const ORDER_TTL_MS = 15 * 60 * 1000;
const newId = () => randomBytes(12).toString('hex');

function open() {
  const db = new Database(DB);
  db.pragma('busy_timeout = 10000');
  db.pragma('journal_mode = WAL');
  db.pragma('synchronous = FULL');
  db.pragma('foreign_keys = ON');
  return db;
}

function migrate(db) {
  db.exec(`
    CREATE TABLE IF NOT EXISTS users(id TEXT PRIMARY KEY, email TEXT NOT NULL UNIQUE, password TEXT NOT NULL) STRICT;
    CREATE TABLE IF NOT EXISTS tickets(id TEXT PRIMARY KEY, title TEXT NOT NULL, price_cents INTEGER NOT NULL,
      user_id TEXT NOT NULL, order_id TEXT, version INTEGER NOT NULL DEFAULT 0, created_at INTEGER NOT NULL) STRICT;
    CREATE INDEX IF NOT EXISTS tickets_free ON tickets(created_at) WHERE order_id IS NULL;
    CREATE TABLE IF NOT EXISTS orders(id TEXT PRIMARY KEY, user_id TEXT NOT NULL, ticket_id TEXT NOT NULL REFERENCES tickets(id),
      status TEXT NOT NULL, expires_at INTEGER NOT NULL, version INTEGER NOT NULL DEFAULT 0) STRICT;
    CREATE INDEX IF NOT EXISTS orders_ticket ON orders(ticket_id);
    CREATE TABLE IF NOT EXISTS outbox(seq INTEGER PRIMARY KEY, topic TEXT NOT NULL, body TEXT NOT NULL, sent_at INTEGER) STRICT;
    CREATE INDEX IF NOT EXISTS outbox_unsent ON outbox(seq) WHERE sent_at IS NULL;`);
}

async function relay(db) {
  const conn = await amqp.connect(process.env.AMQP_URL ?? 'amqp://guest:guest@127.0.0.1:5672');
  const ch = await conn.createConfirmChannel();
  await ch.assertExchange(`${PREFIX}.events`, 'topic', { durable: true });
  await ch.assertQueue(`${PREFIX}.events.all`, { durable: true, arguments: { 'x-queue-type': process.env.QUEUE_TYPE ?? 'quorum' } });
  await ch.bindQueue(`${PREFIX}.events.all`, `${PREFIX}.events`, '#');
  const batch = db.prepare('SELECT seq, topic, body FROM outbox WHERE sent_at IS NULL ORDER BY seq LIMIT 256');
  const done = db.prepare('UPDATE outbox SET sent_at = ? WHERE seq = ?');
  const mark = db.transaction((rows) => { for (const r of rows) done.run(Date.now(), r.seq); });
  for (;;) {
    const rows = batch.all();
    for (const r of rows) ch.publish(`${PREFIX}.events`, r.topic, Buffer.from(r.body), { persistent: true, messageId: String(r.seq), contentType: 'application/json' });
    if (rows.length) { await ch.waitForConfirms(); mark.immediate(rows); }
    if (rows.length < 256) await new Promise((ok) => setTimeout(ok, 20));
  }
}

function api(db) {
  const q = {
    userAdd: db.prepare('INSERT INTO users VALUES(?,?,?)'),
    userGet: db.prepare('SELECT * FROM users WHERE email = ?'),
    ticketAdd: db.prepare('INSERT INTO tickets(id,title,price_cents,user_id,created_at) VALUES(?,?,?,?,?)'),
    ticketList: db.prepare('SELECT id,title,price_cents AS price,user_id AS userId,version FROM tickets WHERE order_id IS NULL ORDER BY created_at LIMIT ?'),
    ticketGet: db.prepare('SELECT id,title,price_cents AS price,user_id AS userId,order_id AS orderId,version FROM tickets WHERE id = ?'),
    reserve: db.prepare('UPDATE tickets SET order_id = ?, version = version + 1 WHERE id = ? AND order_id IS NULL'),
    orderAdd: db.prepare('INSERT INTO orders(id,user_id,ticket_id,status,expires_at) VALUES(?,?,?,?,?)'),
    emit: db.prepare('INSERT INTO outbox(topic,body) VALUES(?,?)'),
  };
  const createTicket = db.transaction((t) => {
    q.ticketAdd.run(t.id, t.title, t.price, t.userId, Date.now());
    q.emit.run('ticket.created', JSON.stringify(t));
  });
  const createOrder = db.transaction((userId, ticketId) => {
    const ticket = q.ticketGet.get(ticketId);
    if (!ticket) return 404;
    const order = { id: newId(), userId, status: 'created', expiresAt: Date.now() + ORDER_TTL_MS, version: 0, ticket: { id: ticket.id, price: ticket.price } };
    if (q.reserve.run(order.id, ticketId).changes !== 1) return 400;
    q.orderAdd.run(order.id, userId, ticketId, order.status, order.expiresAt);
    q.emit.run('order.created', JSON.stringify(order));
    return order;
  });

  const Credentials = z.object({ email: z.email(), password: z.string().min(8).max(72) });
  const NewTicket = z.object({ title: z.string().trim().min(1).max(200), price: z.number().int().positive() });
  const NewOrder = z.object({ ticketId: z.string().regex(/^[0-9a-f]{24}$/) });
  const check = (schema) => (req, res, next) => {
    const r = schema.safeParse(req.body);
    if (!r.success) return res.status(400).json({ errors: r.error.issues.map((i) => ({ message: i.message, field: i.path.join('.') })) });
    req.valid = r.data;
    next();
  };
  const auth = (req, res, next) => {
    const token = req.headers.authorization?.replace(/^Bearer /, '');
    try { req.user = jwt.verify(token, SECRET); next(); } catch { res.status(401).json({ errors: [{ message: 'Not authorized' }] }); }
  };
  const kdf = promisify(scrypt);

  const app = express();
  app.disable('x-powered-by');
  app.use(express.json({ limit: '32kb' }));
  app.post('/api/users/signup', check(Credentials), async (req, res) => {
    const { email, password } = req.valid;
    if (q.userGet.get(email)) return res.status(400).json({ errors: [{ message: 'Email in use' }] });
    const salt = randomBytes(16);
    const user = { id: newId(), email };
    q.userAdd.run(user.id, email, `${salt.toString('hex')}.${(await kdf(password, salt, 64)).toString('hex')}`);
    res.status(201).json({ ...user, token: jwt.sign(user, SECRET, { expiresIn: '1d' }) });
  });
  app.post('/api/users/signin', check(Credentials), async (req, res) => {
    const u = q.userGet.get(req.valid.email);
    const [salt, hash] = (u?.password ?? '00.00').split('.').map((h) => Buffer.from(h, 'hex'));
    const got = await kdf(req.valid.password, salt, 64);
    if (!u || !timingSafeEqual(got, hash)) return res.status(400).json({ errors: [{ message: 'Invalid credentials' }] });
    const user = { id: u.id, email: u.email };
    res.json({ ...user, token: jwt.sign(user, SECRET, { expiresIn: '1d' }) });
  });
  app.post('/api/tickets', auth, check(NewTicket), (req, res) => {
    const t = { id: newId(), ...req.valid, userId: req.user.id, version: 0 };
    createTicket.immediate(t);
    res.status(201).json(t);
  });
  app.get('/api/tickets', (req, res) => res.json(q.ticketList.all(Math.min(Number(req.query.limit) || 20, 100000))));
  app.get('/api/tickets/:id', (req, res) => {
    const t = q.ticketGet.get(req.params.id);
    return t ? res.json(t) : res.status(404).json({ errors: [{ message: 'Not found' }] });
  });
  app.post('/api/orders', auth, check(NewOrder), (req, res) => {
    const r = createOrder.immediate(req.user.id, req.valid.ticketId);
    if (typeof r === 'number') return res.status(r).json({ errors: [{ message: r === 404 ? 'Not found' : 'Ticket is already reserved' }] });
    res.status(201).json(r);
  });
  app.use((err, _req, res, _next) => res.status(err.status ?? 500).json({ errors: [{ message: err.status ? err.message : 'Something went wrong' }] }));
  app.listen(PORT, '127.0.0.1', 2048);
}

if (cluster.isPrimary) {
  const db = open();
  migrate(db);
  for (let i = 0; i < WORKERS; i++) cluster.fork();
  cluster.on('exit', (w) => { if (!w.exitedAfterDisconnect) cluster.fork(); });
  process.on('SIGTERM', () => { for (const w of Object.values(cluster.workers)) { w.exitedAfterDisconnect = true; w.process.kill(); } process.exit(0); });
  relay(db).catch((e) => { console.error('relay', e); process.exit(1); });
} else {
  api(open());
}
